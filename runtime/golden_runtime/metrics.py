"""Series: declared once however often their module is loaded, exposed under one namespace in one registry."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.registry import Collector

from golden_runtime.errors import ConfigurationError, MetricConflictError
from golden_runtime.names import in_namespace, translate
from golden_runtime.reporting import report_once
from golden_runtime.tally import Tally

if TYPE_CHECKING:
    from prometheus_client.metrics_core import Metric

Kind: TypeAlias = Literal["counter", "histogram", "gauge"]

_METRICS: dict[Kind, type[Counter] | type[Gauge] | type[Histogram]] = {
    "counter": Counter,
    "histogram": Histogram,
    "gauge": Gauge,
}

# What a metric adds to its own name: two metrics that share one of these names cannot be in one registry.
_SUFFIXES: dict[Kind, tuple[str, ...]] = {
    "counter": ("_total", "_created"),
    "histogram": ("_bucket", "_sum", "_count", "_created"),
    "gauge": (),
}

# Whether the client keeps values in files that several processes share. It looks once too, when it is imported.
_SHARES_FILES = "PROMETHEUS_MULTIPROC_DIR" in os.environ

# Guards declaring, moving and first records. Reentrant, because a signal handler may call a measured function.
_lock = threading.RLock()


@dataclass(frozen=True, slots=True)
class Declaration:
    """What one metric is: its name without the namespace, and where it was first declared."""

    name: str
    kind: Kind
    help: str
    labels: tuple[str, ...]
    place: str

    @property
    def described(self) -> str:
        """The name, kind, labels and place, as error messages show them."""
        labels = ", ".join(f"`{label}`" for label in self.labels)
        return f"`{self.name}`, a {self.kind} with {f'the labels {labels}' if labels else 'no labels'}, at {self.place}"


class Series:
    """One time series. `record` adds to a counter, observes a value of a histogram, or sets a gauge.

    `count` adds one to a counter, at a tenth of the cost, and raises no `Exception`: it is folded into the client's counter
    when that is collected.
    """

    __slots__ = ("_family", "_values", "count", "initial", "record")

    count: Callable[[], object]
    record: Callable[[float], None]

    def __init__(self, family: Family, values: tuple[str, ...], initial: float) -> None:
        self._family = family
        self._values = values
        self.initial = initial
        self.count = self._count_first
        self.record = self._record_first

    def _record_first(self, value: float) -> None:
        """Record, and from then on let `record` be the client's own method, which costs nothing more.

        Until then the series may be moved by `configure`; what has recorded stays where it is.
        """
        with _lock:
            self.record = self._family.recorder(self._values)
            _metrics.first_recorded = _metrics.first_recorded or self.name
        self.record(value)

    def _count_first(self) -> None:
        """Record the first one, which moves no more, and from then on let `count` be the step of a tally.

        Where several processes share their values through files, nothing collects this one: there each call records.
        """
        self._record_one()
        with _lock:
            if self.count == self._count_first:
                self.count = self._record_one if _SHARES_FILES else self._family.tally(self.record).add

    def _record_one(self) -> None:
        try:
            self.record(1.0)
        except Exception:  # noqa: BLE001 - metrics never harm the caller
            report_once(f"`{self.name}` cannot be recorded")

    @property
    def name(self) -> str:
        """The metric's name, without the namespace."""
        return self._family.declaration.name


class Family:
    """A metric and its series, one for each combination of label values."""

    __slots__ = ("_metric", "_series", "_tallies", "declaration")

    def __init__(self, declaration: Declaration, exposed: Exposed) -> None:
        self.declaration = declaration
        self._metric = exposed.metric
        self._series: dict[tuple[str, ...], Series] = {}
        self._tallies: list[Tally] = []
        exposed.tallies = self._tallies

    def series(self, labels: Mapping[str, str], *, initial: float = 0.0) -> Series:
        """Return the series with these label values, which is exposed from now on: at zero, or as a gauge at `initial`."""
        values = tuple(labels[name] for name in self.declaration.labels)
        with _lock:
            if values not in self._series:
                self._series[values] = Series(self, values, initial)
                self._expose(self._series[values], values)
            return self._series[values]

    def _expose(self, series: Series, values: tuple[str, ...]) -> None:
        record = self.recorder(values)
        if series.initial:
            record(series.initial)

    def tally(self, record: Callable[[float], None]) -> Tally:
        """Return a new tally that is folded, by `record`, whenever the metric is collected."""
        tally = Tally(record)
        self._tallies.append(tally)
        return tally

    def recorder(self, values: tuple[str, ...]) -> Callable[[float], None]:
        """Return the client's method that records for these label values, and expose their series."""
        metric = self._metric.labels(*values) if values else self._metric
        if isinstance(metric, Histogram):
            return metric.observe
        return metric.set if isinstance(metric, Gauge) else metric.inc

    def expose_in(self, exposed: Exposed) -> None:
        """Move to another metric of the client, which exposes the same series, at zero."""
        self._metric = exposed.metric
        exposed.tallies = self._tallies
        for values, series in self._series.items():
            self._expose(series, values)


class Exposed(Collector):
    """A metric of the client as the registry sees it, without the `_created` series that would double the others."""

    def __init__(self, name: str, declaration: Declaration) -> None:
        self.name = name
        self.declaration = declaration
        self.metric = _METRICS[declaration.kind](name, declaration.help, declaration.labels, registry=None)
        self.tallies: list[Tally] = []

    def names(self) -> set[str]:
        """Return every name that the metric takes in a registry."""
        kind = self.declaration.kind
        base = self.name.removesuffix("_total") if kind == "counter" else self.name
        return {base, *(base + suffix for suffix in _SUFFIXES[kind])}

    def describe(self) -> Iterable[Metric]:
        """Return the metric without samples, from which the registry learns its names."""
        return self.metric.describe()

    def collect(self) -> Iterable[Metric]:
        """Return the metric with its samples."""
        for tally in list(self.tallies):
            tally.fold()
        for metric in self.metric.collect():
            created = f"{metric.name}_created"
            metric.samples = [sample for sample in metric.samples if sample.name != created]
            yield metric


class Exposition:
    """Where metrics are exposed: a registry, and the namespace of their names."""

    def __init__(self, namespace: str, registry: CollectorRegistry) -> None:
        self._namespace = namespace
        self._registry = registry
        self._exposed: dict[str, Exposed] = {}
        self._owners: dict[str, Exposed] = {}

    def prepare(self, declarations: Iterable[Declaration]) -> dict[str, Exposed]:
        """Return, by exposed name, the metrics that these declarations need and this exposition lacks.

        Raises MetricConflictError where a declaration differs from one that has taken a name of it.
        """
        fresh: dict[str, Exposed] = {}
        owners = dict(self._owners)
        for declaration in declarations:
            name = in_namespace(self._namespace, declaration.name)
            exposed = self._exposed.get(name) or fresh.get(name) or Exposed(name, declaration)
            for taken in exposed.names():
                _check_same(owners.setdefault(taken, exposed), exposed, declaration)
            if name not in self._exposed:
                fresh[name] = exposed
        return fresh

    def publish(self, fresh: Mapping[str, Exposed]) -> None:
        """Register prepared metrics, all or none.

        Raises MetricConflictError where other code holds a name of one of them.
        """
        published: list[Exposed] = []
        for name, exposed in fresh.items():
            try:
                self._registry.register(exposed)
            except ValueError as error:
                for collector in published:
                    self._registry.unregister(collector)
                raise MetricConflictError(
                    f"`{name}`, declared at {exposed.declaration.place}, cannot join the registry: code outside golden_runtime "
                    f"has registered a metric of that name; rename or remove one ({error})"
                ) from error
            published.append(exposed)
        self._exposed.update(fresh)
        for exposed in fresh.values():
            self._owners.update(dict.fromkeys(exposed.names(), exposed))

    def withdraw(self) -> dict[str, Exposed]:
        """Unregister every metric, and return them for `publish`."""
        withdrawn, self._exposed, self._owners = self._exposed, {}, {}
        for exposed in withdrawn.values():
            self._registry.unregister(exposed)
        return withdrawn

    def __getitem__(self, declaration: Declaration) -> Exposed:
        return self._exposed[in_namespace(self._namespace, declaration.name)]


class Metrics:
    """Every metric of the process, by its name without the namespace."""

    def __init__(self) -> None:
        self._families: dict[str, Family] = {}
        self._exposition = Exposition("", REGISTRY)
        self._configured_at = ""
        self.first_recorded = ""

    def declare(self, declarations: Iterable[Declaration]) -> list[Family]:
        """Return the families of these declarations, made where they are new: all of them or, on a conflict, none."""
        wanted = list(declarations)
        with _lock:
            self._exposition.publish(self._exposition.prepare(wanted))
            return [self._family(declaration) for declaration in wanted]

    def _family(self, declaration: Declaration) -> Family:
        if declaration.name not in self._families:
            self._families[declaration.name] = Family(declaration, self._exposition[declaration])
        return self._families[declaration.name]

    def move(self, namespace: str, registry: CollectorRegistry, place: str) -> None:
        """Expose every metric under another namespace or in another registry; on a conflict nothing moves."""
        with _lock:
            self._check_movable()
            exposition = Exposition(namespace, registry)
            fresh = exposition.prepare(family.declaration for family in self._families.values())
            before = self._exposition.withdraw()
            try:
                exposition.publish(fresh)
            except MetricConflictError:
                self._exposition.publish(before)
                raise
            for family in self._families.values():
                family.expose_in(exposition[family.declaration])
            self._exposition = exposition
            self._configured_at = place

    def _check_movable(self) -> None:
        if self._configured_at:
            raise ConfigurationError(f"`configure` was called before, at {self._configured_at}: call it once")
        if self.first_recorded:
            raise ConfigurationError(
                f"`configure` came too late, `{self.first_recorded}` has recorded: call it before any measured function runs"
            )


_metrics = Metrics()


def declare(kind: Kind, name: str, documentation: str, labels: Iterable[str] = ()) -> Declaration:
    """Return the declaration of a metric by the code that called into golden_runtime."""
    return Declaration(name, kind, documentation, tuple(sorted(labels)), caller())


def families(*declarations: Declaration) -> list[Family]:
    """Return the families of these declarations, the same ones whenever they are declared alike.

    Raises MetricConflictError, and declares none of them, where one differs in kind or labels from what has its name, or
    where code outside golden_runtime has registered that name.
    """
    return _metrics.declare(declarations)


def configure(*, namespace: str = "", registry: CollectorRegistry | None = None) -> None:
    """Set the namespace that every series starts with, and the registry that exposes them.

    Call it once, before the first record. It may come after functions are decorated: their series move. A name that
    starts with the namespace already is left as it is. Without a registry, prometheus_client's default one is used.

    Raises ConfigurationError when called again or after the first record, MetricNameError for an illegal namespace,
    MetricConflictError where a name is taken in that registry; then nothing has changed.
    """
    _metrics.move(translate(namespace) if namespace else "", REGISTRY if registry is None else registry, caller())


def caller() -> str:
    """Return `file:line` of the nearest call from outside this package."""
    frame = sys._getframe(1)
    while frame.f_back is not None and _is_ours(frame.f_globals.get("__name__")):
        frame = frame.f_back
    return f"{frame.f_code.co_filename}:{frame.f_lineno}"


def _is_ours(module: object) -> bool:
    return isinstance(module, str) and module.partition(".")[0] == __name__.partition(".")[0]


def _check_same(owner: Exposed, exposed: Exposed, declaration: Declaration) -> None:
    first = owner.declaration
    if owner is not exposed or (first.kind, first.labels) != (declaration.kind, declaration.labels):
        raise MetricConflictError(
            f"one series is declared twice and differently: as {first.described}; and as {declaration.described}: "
            "rename one, or give both the same labels"
        )
