"""Series that are kept in this process."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Mapping
from time import time
from typing import TYPE_CHECKING

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.samples import Exemplar
from prometheus_client.utils import floatToGoString

from golden_runtime.recording import LIMIT, Buffer, gate, turn
from golden_runtime.tally import Tally

if TYPE_CHECKING:
    from prometheus_client.metrics_core import Metric

    from golden_runtime.declarations import Declaration
    from golden_runtime.series import Series


class LocalSeries:
    """A series: its value, and what calls have noted and nobody has added up."""

    __slots__ = (
        "_buffers",
        "_tallies",
        "bounds",
        "count",
        "counts",
        "exemplars",
        "kind",
        "name",
        "record",
        "touched",
        "value",
    )

    count: Callable[[], object]
    record: Callable[[float], None]

    def __init__(self, declaration: Declaration, bounds: tuple[float, ...], initial: float) -> None:
        self.name = declaration.name
        self.kind = declaration.kind
        self.value = initial
        self.touched = False
        self._buffers: dict[LocalSeries | None, Buffer] = {}
        self._tallies: dict[float, Tally] = {}
        self.set_bounds(bounds)
        self.count = self._count_first
        self.record = self._set if self.kind == "gauge" else self._record_first

    def set_bounds(self, bounds: tuple[float, ...]) -> None:
        """Set the upper bounds of a histogram that is still empty."""
        self.bounds = bounds
        # how many values are at most each bound, and at the end how many there are
        self.counts = [0] * (len(bounds) + 1)
        self.exemplars: list[Exemplar | None] = [None] * (len(bounds) + 1)

    @property
    def recorded(self) -> bool:
        """Whether anything was ever recorded."""
        return self.touched or any(map(len, self._tallies.values())) or any(b.pending for b in self._buffers.values())

    def _set(self, value: float) -> None:
        self.value = value
        self.touched = True

    def _count_first(self) -> None:
        self.count = self.counting(1.0)
        self.count()

    def _record_first(self, value: float) -> None:
        # made when it is first used: most series are recorded by other means
        buffer = self.buffer()
        append, pending, settle = buffer.append, buffer.pending, buffer.settle

        def record(value: float) -> None:
            append(value)
            if len(pending) >= LIMIT:
                settle()

        self.record = record
        record(value)

    def counting(self, increment: float) -> Callable[[], object]:
        """Return what adds `increment` to a counter each time it is called."""
        return self._tallies.setdefault(increment, Tally()).add

    def buffer(self, counter: LocalSeries | None = None) -> Buffer:
        """Return where values are noted; each of them counts one on `counter` too."""

        def fold(noted: list[float], number: int) -> None:
            values = noted[:number]
            counts = self._counts_with(values) if self.kind == "histogram" else self.counts
            total = self.value + sum(values)
            # one step, see `turns`
            del noted[:number]
            self.touched, self.counts, self.value = True, counts, total
            if counter is not None:
                counter.touched = True
                counter.value += number

        # one and the same however often a module is reloaded, or made again where an interrupt came before the next step
        buffer = self._buffers.setdefault(counter, Buffer(fold))
        if counter is not None:
            counter.share(buffer, self)
        return buffer

    def share(self, buffer: Buffer, other: LocalSeries) -> None:
        """Have a buffer of another series drained whenever this one is collected."""
        self._buffers[other] = buffer

    def _counts_with(self, values: list[float]) -> list[int]:
        number = len(values)
        if max(values) <= self.bounds[0]:
            # functions that are called so often that the cost of counting matters
            return [count + number for count in self.counts]
        # sorted once and searched for each bound: a third of the time that a search for each value takes
        values.sort()
        below = [bisect_right(values, bound) for bound in self.bounds]
        return [count + more for count, more in zip(self.counts, [*below, number], strict=True)]

    def mark(self, value: float, exemplar: Mapping[str, str]) -> None:
        """Keep an exemplar of a histogram's value."""
        self.exemplars[bisect_left(self.bounds, value)] = Exemplar(dict(exemplar), value, time())

    def drain(self) -> None:
        """Add up all that calls have noted; the gate is the caller's."""
        for increment, tally in list(self._tallies.items()):
            number = len(tally)
            if number:
                total = self.value + number * increment
                # one step, see `turns`
                tally.taken += number
                self.touched, self.value = True, total
        for buffer in list(self._buffers.values()):
            buffer.drain()


class LocalStore:
    """The series of one metric in this process."""

    __slots__ = ("_bounds", "_declaration", "_name", "_series")

    def __init__(self, declaration: Declaration) -> None:
        self._declaration = declaration
        self._series: dict[tuple[str, ...], LocalSeries] = {}
        self._name = declaration.name
        self._bounds: tuple[float, ...] = ()

    def place(self, name: str, bounds: tuple[float, ...]) -> None:
        """Expose the series, of which none has recorded, under a name; histograms count up to these bounds."""
        self._name = name
        self._bounds = bounds
        for series in self._series.values():
            series.set_bounds(bounds)

    def series(self, label_values: tuple[str, ...], initial: float) -> Series:
        """Return the series with these label values, which is exposed from now on."""
        with gate:
            if label_values not in self._series:
                self._series[label_values] = LocalSeries(self._declaration, self._bounds, initial)
            return self._series[label_values]

    def open(self) -> None:
        """Do nothing: nobody outside this process sees its series."""

    def reopen(self) -> None:
        """Do nothing: a forked process goes on with the values of its parent, as the client does."""

    @property
    def recorded(self) -> bool:
        """Whether anything was ever recorded."""
        return any(series.recorded for series in self._series.values())

    def collect(self) -> Iterable[Metric]:
        """Return the metric with the samples of its series, all that was noted until now included."""
        interrupts = turn.is_mine()
        with gate:
            # a signal handler may declare more of them meanwhile
            present = dict(self._series)
            if not interrupts:
                for series in present.values():
                    series.drain()
            return [_metric(self._name, self._declaration, present)]


def _metric(name: str, declaration: Declaration, series: Mapping[tuple[str, ...], LocalSeries]) -> Metric:
    """Return a metric under its exposed name, with the samples of its series."""
    labels = declaration.labels
    if declaration.kind == "counter":
        counter = CounterMetricFamily(name, declaration.help, labels=labels)
        for values, one in series.items():
            counter.add_metric(values, one.value)
        return counter
    if declaration.kind == "gauge":
        gauge = GaugeMetricFamily(name, declaration.help, labels=labels)
        for values, one in series.items():
            gauge.add_metric(values, one.value)
        return gauge
    histogram = HistogramMetricFamily(name, declaration.help, labels=labels)
    for values, one in series.items():
        histogram.add_metric(values, _buckets(one), one.value)
    return histogram


def _buckets(series: LocalSeries) -> list[tuple[str, float] | tuple[str, float, Exemplar]]:
    bounds = [*map(floatToGoString, series.bounds), "+Inf"]
    return [
        (bound, float(number)) if exemplar is None else (bound, float(number), exemplar)
        for bound, number, exemplar in zip(bounds, series.counts, series.exemplars, strict=True)
    ]
