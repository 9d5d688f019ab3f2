"""Series: their names, their registration, and the handles that decorators record through.

Names follow OpenTelemetry's translation to Prometheus: dots become underscores, counters end in `_total`, histograms of
time in `_seconds`, never twice. A handle outlives the registry behind it, so `configure` may move every series after
decoration.
"""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Histogram

logger = logging.getLogger("golden_runtime")

# Requests take milliseconds to seconds, workflows seconds to hours: one ladder holds both.
DEFAULT_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0, 7200.0)

_ILLEGAL = re.compile(r"[^a-zA-Z0-9_:]")
_UNDERSCORES = re.compile(r"__+")
_LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*\Z")


class MetricConflictError(ValueError):
    """One series name was asked for twice, with another kind or other labels."""


class ConfigurationError(RuntimeError):
    """`configure` came too late or twice."""


class Kind(StrEnum):
    """The kinds of metric, with the suffix that their names end in."""

    COUNTER = "counter"
    HISTOGRAM = "histogram"

    @property
    def suffix(self) -> str:
        """The unit or type that the name ends in."""
        return {Kind.COUNTER: "_total", Kind.HISTOGRAM: "_seconds"}[self]


def series_name(name: str, kind: Kind, namespace: str = "") -> str:
    """Return the Prometheus name of a dotted metric name.

    Args:
        name: The name as decorators take it, such as `shop.orders.create`.
        kind: The metric's kind, which gives the suffix.
        namespace: What it starts with, if anything.

    Raises:
        ValueError: Nothing legal is left of the name.
    """
    joined = _UNDERSCORES.sub("_", _ILLEGAL.sub("_", f"{namespace}_{name}" if namespace else name)).strip("_")
    if not joined:
        raise ValueError(f"`{name}` is no metric name: use letters, digits, dots and underscores")
    if joined[0].isdigit():
        joined = "_" + joined
    return joined if joined.endswith(kind.suffix) else joined + kind.suffix


@dataclass(slots=True, eq=False)
class Bound:
    """One series with all its labels set; it records into whatever registry is configured."""

    child: Counter | Histogram

    def add(self, amount: float = 1.0) -> None:
        """Add to a counter."""
        self.child.inc(amount)  # type: ignore[union-attr]  # only counters are bound for adding

    def observe(self, seconds: float) -> None:
        """Record one duration in seconds."""
        self.child.observe(seconds)  # type: ignore[union-attr]  # only histograms are bound for observing


@dataclass(slots=True, eq=False)
class Metric:
    """A metric with its label names; `bind` gives the series that decorators record through.

    Attributes:
        name: The dotted name, as the decorator was given it.
        place: Where it was first asked for, as `file:line`.
    """

    name: str
    kind: Kind
    labels: tuple[str, ...]
    documentation: str
    place: str
    family: Counter | Histogram
    _bound: dict[tuple[str, ...], Bound] = field(default_factory=dict)

    def bind(self, values: Sequence[str] = ()) -> Bound:
        """Return the series with these label values, which exists at zero from now on."""
        key = tuple(values)
        bound = self._bound.get(key)
        if bound is None:
            # Two threads may get here at once: the first one's series stays.
            bound = self._bound.setdefault(key, Bound(self._child(key)))
        return bound

    def move(self, family: Counter | Histogram) -> None:
        """Record into another family from now on."""
        self.family = family
        for values, bound in self._bound.items():
            bound.child = self._child(values)

    def recorded(self) -> bool:
        """Whether anything was recorded yet."""
        samples = (sample for metric in self.family.collect() for sample in metric.samples)
        return any(sample.value and not sample.name.endswith("_created") for sample in samples)

    def _child(self, values: tuple[str, ...]) -> Counter | Histogram:
        return self.family.labels(*values) if self.labels else self.family


class _Catalogue:
    """All metrics of this process, and the configuration they follow."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.metrics: dict[str, Metric] = {}
        # What was asked for before, as it was asked: code that times a block asks for its metric on every run.
        self.known: dict[tuple[str, Kind, tuple[str, ...]], Metric] = {}
        self.registry: CollectorRegistry = REGISTRY
        self.namespace = ""
        self.configured = False

    def metric(self, name: str, kind: Kind, labels: tuple[str, ...], documentation: str, place: str) -> Metric:
        asked = self.known.get((name, kind, labels))
        if asked is not None:
            return asked
        with self.lock:
            full = series_name(name, kind, self.namespace)
            known = self.metrics.get(full)
            if known is not None:
                return _same(known, full, name, kind, labels, place)
            family = _family(full, kind, labels, documentation, self.registry, place)
            metric = Metric(name, kind, labels, documentation, place, family)
            self.metrics[full] = self.known[name, kind, labels] = metric
            return metric

    def configure(self, namespace: str, registry: CollectorRegistry) -> None:
        with self.lock:
            if self.configured:
                raise ConfigurationError("golden_runtime is configured already: call `configure` once")
            recorded = next((metric for metric in self.metrics.values() if metric.recorded()), None)
            if recorded is not None:
                raise ConfigurationError(
                    f"`configure` came after the first record (of `{recorded.name}`): call it before the first request"
                )
            for metric in self.metrics.values():
                self.registry.unregister(metric.family)
            moved = {}
            for metric in self.metrics.values():
                full = series_name(metric.name, metric.kind, namespace)
                metric.move(_family(full, metric.kind, metric.labels, metric.documentation, registry, metric.place))
                moved[full] = metric
            self.metrics, self.namespace, self.registry = moved, namespace, registry
            self.configured = True


_catalogue = _Catalogue()


def configure(*, namespace: str = "", registry: CollectorRegistry = REGISTRY) -> None:
    """Move every series, decorated so far or later, under a namespace and into a registry.

    It may come after decoration, but once, and before anything is recorded.

    Args:
        namespace: What every series name starts with, such as `chimera`.
        registry: The registry to expose; by default prometheus-client's own.

    Raises:
        ConfigurationError: It was called before, or something was recorded already.
    """
    _catalogue.configure(namespace, registry)


def metric(name: str, kind: Kind, labels: Iterable[str], documentation: str, place: str) -> Metric:
    """Return the metric of a name, made on first use.

    Asking again with the same kind and labels, as a reloaded module does, gives the same metric.

    Raises:
        MetricConflictError: The name is taken by another kind, other labels, another dotted name, or other code.
        ValueError: The name or a label is illegal.
    """
    names = tuple(labels)
    for label in names:
        if not _LABEL.match(label) or label.startswith("__"):
            raise ValueError(f"`{label}` is no label name: use letters, digits and underscores")
    return _catalogue.metric(name, kind, names, documentation, place)


def _same(known: Metric, full: str, name: str, kind: Kind, labels: tuple[str, ...], place: str) -> Metric:
    if (known.name, known.kind, known.labels) == (name, kind, labels):
        return known
    raise MetricConflictError(
        f"`{full}` is asked for as {_described(name, kind, labels)} at {place}, but is"
        f" {_described(known.name, known.kind, known.labels)} at {known.place}: rename one of them"
    )


def _described(name: str, kind: Kind, labels: tuple[str, ...]) -> str:
    return f"{kind} `{name}` with {'labels ' + ', '.join(labels) if labels else 'no labels'}"


def _family(
    full: str, kind: Kind, labels: tuple[str, ...], documentation: str, registry: CollectorRegistry, place: str
) -> Counter | Histogram:
    try:
        if kind is Kind.COUNTER:
            return Counter(full, documentation, labels, registry=registry)
        return Histogram(full, documentation, labels, registry=registry, buckets=DEFAULT_BUCKETS)
    except ValueError as error:
        raise MetricConflictError(
            f"`{full}`, asked for at {place}, cannot be registered ({error}): rename it, or the metric that has the name"
        ) from error


_complained: set[str] = set()


def complain(what: str) -> None:
    """Log a failure of the metrics code itself, once for each place; it must never reach the caller."""
    if what not in _complained:
        _complained.add(what)
        logger.exception("%s could not be recorded; this is logged once", what)
