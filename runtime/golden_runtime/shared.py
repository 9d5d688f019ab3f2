"""Series in the files that several processes share: prometheus_client's multiprocess mode."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from time import time
from typing import TYPE_CHECKING, Any, Protocol

from prometheus_client import Counter, Gauge, Histogram
from prometheus_client.values import ValueClass

from golden_runtime.recording import Buffer, WriteThrough, gate, leftovers, writing

if TYPE_CHECKING:
    from prometheus_client.metrics_core import Metric

    from golden_runtime.declarations import Declaration
    from golden_runtime.series import Series


def shares_files() -> bool:
    """Whether the client keeps values in files, which it decides when it is imported."""
    return bool(getattr(ValueClass, "_multiprocess", False))


class Opening(Protocol):
    """When series come to stand in the files."""

    def open(self) -> None:
        """Have all series stand in the files, and those that are made later as well."""

    @property
    def is_open(self) -> bool:
        """Whether they do."""


class SharedStore:
    """The series of one metric in the files.

    What stands in a file can neither be renamed nor removed. So the series of functions that are decorated before
    `configure` wait for it, for the first record, or for a fork.
    """

    __slots__ = ("_bounds", "_declaration", "_metric", "_name", "_opening", "_series")

    def __init__(self, declaration: Declaration, opening: Opening) -> None:
        self._declaration = declaration
        self._opening = opening
        self._series: dict[tuple[str, ...], SharedSeries] = {}
        self._metric: Counter | Gauge | Histogram | None = None
        self._name = declaration.name
        self._bounds: tuple[float, ...] = ()

    def place(self, name: str, bounds: tuple[float, ...]) -> None:
        """Expose the series, of which none has recorded, under a name; histograms count up to these bounds."""
        self._name = name
        self._bounds = bounds
        self._metric = None
        for series in self._series.values():
            series.close()

    def series(self, label_values: tuple[str, ...], initial: float) -> Series:
        """Return the series with these label values, which stands in the files as soon as the others do."""
        with leftovers, gate:
            if label_values not in self._series:
                self._series[label_values] = SharedSeries(self, self._declaration.name, label_values, initial)
                if self._opening.is_open:
                    self._series[label_values].open()
            return self._series[label_values]

    def open(self) -> None:
        """Have all series stand in the files."""
        for series in list(self._series.values()):
            series.open()

    def reopen(self) -> None:
        """Write to the files of this process, which was forked from another, from the next record on."""
        for series in list(self._series.values()):
            series.close()

    def start(self) -> bool:
        """Return whether series may be written at all; from the first time on they stand in place, these and all others."""
        self._opening.open()
        return self._opening.is_open

    def recorder(self, label_values: tuple[str, ...]) -> Callable[[float], None]:
        """Return what records one series, which stands in the files from now on."""
        if self._metric is None:
            self._metric = self._make()
        child = self._metric.labels(*label_values) if label_values else self._metric
        if isinstance(child, Histogram):
            return _observing(child)
        return _setting(child._value) if isinstance(child, Gauge) else _adding(child._value)

    def repair(self, label_values: tuple[str, ...]) -> None:
        """Write one series again: an interrupt may have kept out of the file what it came to in memory."""
        if self._metric is not None:
            for value in _values(self._metric.labels(*label_values) if label_values else self._metric):
                value._file.write_value(value._key, value._value, time() if self._declaration.kind == "gauge" else 0.0)

    def _make(self) -> Counter | Gauge | Histogram:
        what = self._declaration
        if what.kind == "histogram":
            return Histogram(self._name, what.help, what.labels, registry=None, buckets=self._bounds)
        if what.kind == "gauge":
            return Gauge(self._name, what.help, what.labels, registry=None, multiprocess_mode=what.merge)
        return Counter(self._name, what.help, what.labels, registry=None)

    @property
    def recorded(self) -> bool:
        """Whether anything was ever recorded."""
        return any(series.touched for series in self._series.values())

    def collect(self) -> Iterable[Metric]:
        """Return the values of this process, without the `_created` series that would double the others."""
        self._opening.open()
        for metric in () if self._metric is None else self._metric.collect():
            created = f"{metric.name}_created"
            metric.samples = [sample for sample in metric.samples if sample.name != created]
            yield metric


# The client's own `inc`, `observe` and `set` wait for one lock that all metrics of the process share, the user's too: a signal
# handler that interrupts one of them would wait for ever. Under the gate a value of ours has one writer, and its place in the
# file is its own, so no lock is needed. These are private attributes of the client; a test holds its releases to them.


def _adding(value: Any) -> Callable[[float], None]:
    # has the client open the files of this process, where it was forked from another
    value.get()
    key = value._key

    def add(amount: float) -> None:
        value._value = total = value._value + amount
        value._file.write_value(key, total, 0.0)

    return add


def _setting(value: Any) -> Callable[[float], None]:
    value.get()
    key = value._key

    def put(present: float) -> None:
        value._value = present
        value._file.write_value(key, present, time())

    return put


def _observing(histogram: Histogram) -> Callable[[float], None]:
    bounds = histogram._upper_bounds
    total, *buckets = values = _values(histogram)
    for value in values:
        value.get()

    def observe(value: float) -> None:
        bucket = buckets[bisect_left(bounds, value)]
        # one step, see `turns`
        total._value, bucket._value = total._value + value, bucket._value + 1.0
        total._file.write_value(total._key, total._value, 0.0)
        bucket._file.write_value(bucket._key, bucket._value, 0.0)

    return observe


def _values(child: Counter | Gauge | Histogram) -> list[Any]:
    return [child._sum, *child._buckets] if isinstance(child, Histogram) else [child._value]


class SharedSeries:
    """A series in the files. Every value is written at once: what a killed process had not written would be lost."""

    __slots__ = ("_store", "_values", "count", "initial", "name", "record", "touched", "write")

    count: Callable[[], object]
    record: Callable[[float], None]
    write: Callable[[float], None]

    def __init__(self, store: SharedStore, name: str, label_values: tuple[str, ...], initial: float) -> None:
        self.name = name
        self._values = label_values
        self.initial = initial
        self.touched = False
        self._store = store
        self.close()
        self.record = writing(self)
        self.count = self.counting(1.0)

    def close(self) -> None:
        """Stand in the files again only when something is recorded, or when asked to."""
        self.write = self._write_first

    def open(self) -> None:
        """Stand in the files, at zero or as a gauge at the initial value."""
        record = self._store.recorder(self._values)
        if self.initial and not self.touched:
            record(self.initial)

    @property
    def recorded(self) -> bool:
        """Whether anything was ever recorded."""
        return self.touched

    def _write_first(self, value: float) -> None:
        self.touched = True
        self.write = self._store.recorder(self._values) if self._store.start() else _write_nothing
        self.write(value)

    def repair(self) -> None:
        """Bring the files to what was recorded in memory, from where an interrupt may have kept it."""
        self._store.repair(self._values)

    def counting(self, increment: float) -> Callable[[], object]:
        """Return what adds `increment` to a counter each time it is called."""
        return partial(self.record, increment)

    def buffer(self, counter: SharedSeries | None = None) -> Buffer:
        """Return what writes values at once; each of them counts one on `counter` too."""
        return WriteThrough(self if counter is None else Pair(counter, self))

    def share(self, buffer: Buffer, other: SharedSeries) -> None:
        """Do nothing: nothing waits in a buffer here."""

    def mark(self, value: float, exemplar: Mapping[str, str]) -> None:
        """Do nothing: the client's files have no room for exemplars."""


class Pair:
    """Writes a duration, and counts the call that took it."""

    __slots__ = ("_counter", "_durations")

    def __init__(self, counter: SharedSeries, durations: SharedSeries) -> None:
        self._counter = counter
        self._durations = durations

    def write(self, value: float) -> None:
        """Write a value at once; the gate is the caller's."""
        self._counter.write(1.0)
        self._durations.write(value)

    def repair(self) -> None:
        """Bring the files to what was recorded in memory."""
        self._counter.repair()
        self._durations.repair()


def _write_nothing(value: float) -> None:
    """Do nothing: nothing is to be measured."""
