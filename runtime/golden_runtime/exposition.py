"""Where series are exposed: in which registry, under which names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from prometheus_client import REGISTRY, CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.registry import Collector

from golden_runtime.buckets import REQUEST_BUCKETS
from golden_runtime.errors import MetricConflictError
from golden_runtime.names import in_namespace

if TYPE_CHECKING:
    from prometheus_client.metrics_core import Metric

    from golden_runtime.declarations import Declaration, Kind
    from golden_runtime.series import Series, Store

# What a metric adds to its own name: two metrics that share one of these names cannot be in one registry.
_SUFFIXES: dict[Kind, tuple[str, ...]] = {
    "counter": ("_total", "_created"),
    "histogram": ("_bucket", "_sum", "_count", "_created"),
    "gauge": (),
}

_DESCRIPTIONS: dict[Kind, type[CounterMetricFamily] | type[GaugeMetricFamily] | type[HistogramMetricFamily]] = {
    "counter": CounterMetricFamily,
    "gauge": GaugeMetricFamily,
    "histogram": HistogramMetricFamily,
}


@dataclass(frozen=True, slots=True)
class Configuration:
    """What `configure` sets."""

    namespace: str = ""
    registry: CollectorRegistry = REGISTRY
    enabled: bool = True
    buckets: tuple[float, ...] = REQUEST_BUCKETS
    max_series: int = 100


class Family(Collector):
    """A metric and its series, one for each combination of label values, as a registry sees them."""

    def __init__(self, declaration: Declaration, store: Store, configuration: Configuration) -> None:
        self.declaration = declaration
        self._store = store
        self.place(configuration)

    def place(self, configuration: Configuration) -> None:
        """Be exposed as a configuration says; before the first record only."""
        self.name = in_namespace(configuration.namespace, self.declaration.name)
        self._store.place(self.name, self.declaration.buckets or configuration.buckets)

    def series(self, labels: Mapping[str, str], *, initial: float = 0.0) -> Series:
        """Return the series with these label values, which is exposed from now on: at zero, or as a gauge at `initial`."""
        return self._store.series(tuple(labels[name] for name in self.declaration.labels), initial)

    def open(self) -> None:
        """Show the series to other processes, from where they cannot move."""
        self._store.open()

    def reopen(self) -> None:
        """Show the series of this process, which was forked from another."""
        self._store.reopen()

    @property
    def recorded(self) -> bool:
        """Whether anything was ever recorded."""
        return self._store.recorded

    def describe(self) -> Iterable[Metric]:
        """Return the metric without samples, from which the registry learns its names."""
        return [_DESCRIPTIONS[self.declaration.kind](self.name, self.declaration.help)]

    def collect(self) -> Iterable[Metric]:
        """Return the metric with its samples."""
        return self._store.collect()


def taken_names(declaration: Declaration, configuration: Configuration) -> set[str]:
    """Return every name that a metric takes in the registry of a configuration."""
    name = in_namespace(configuration.namespace, declaration.name)
    base = name.removesuffix("_total") if declaration.kind == "counter" else name
    return {base, *(base + suffix for suffix in _SUFFIXES[declaration.kind])}


def new_names(
    declarations: Iterable[Declaration], configuration: Configuration, owners: Mapping[str, Declaration]
) -> dict[str, Declaration]:
    """Return the names that declarations take and nobody owns yet.

    Raises MetricConflictError where two declarations take one name, unless they are of one and the same metric.
    """
    fresh: dict[str, Declaration] = {}
    for declaration in declarations:
        for name in taken_names(declaration, configuration):
            owner = owners.get(name) or fresh.setdefault(name, declaration)
            if owner.name != declaration.name or not owner.agrees_with(declaration):
                raise MetricConflictError(
                    f"one series is declared twice and differently: as {owner.described}; and as {declaration.described}: "
                    "rename one, or give both the same name, labels and buckets"
                )
    return fresh


def publish(families: Iterable[Family], registry: CollectorRegistry) -> None:
    """Register families, all or none.

    Raises MetricConflictError where other code holds a name of one of them.
    """
    published: list[Family] = []
    for family in families:
        try:
            registry.register(family)
        except ValueError as error:
            withdraw(published, registry)
            raise MetricConflictError(
                f"`{family.name}`, declared at {family.declaration.place}, cannot join the registry: code outside golden_runtime "
                f"has registered a metric of that name; rename or remove one ({error})"
            ) from error
        published.append(family)


def withdraw(families: Iterable[Family], registry: CollectorRegistry) -> None:
    """Unregister families, where they are registered."""
    for family in families:
        # an application, or a fixture of its tests, may have emptied the registry
        with suppress(KeyError):
            registry.unregister(family)
