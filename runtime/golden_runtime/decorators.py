"""The decorators that record one thing: `counted`, `timed`, `track_errors`."""

from __future__ import annotations

import asyncio
import sys
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import ParamSpec, TypeVar

from golden_runtime.labels import Labels, LabelValues
from golden_runtime.metrics import Bound, Kind, Metric, complain, metric
from golden_runtime.outcomes import Outcome, outcome_of
from golden_runtime.wrapping import recorded

P = ParamSpec("P")
R = TypeVar("R")

ERROR_TYPE = "error_type"


def caller_place(depth: int = 2) -> str:
    """Return where the code stands that called the caller of this function, as `file:line`."""
    frame = sys._getframe(depth)
    return f"{frame.f_code.co_filename}:{frame.f_lineno}"


class LabelledMetric:
    """A metric with a decorator's own labels, ready to record: bound once where the labels are constant."""

    def __init__(self, name: str, kind: Kind, labels: LabelValues, documentation: str, place: str) -> None:
        self._labels = labels
        self._metric: Metric = metric(name, kind, labels.names, documentation, place)
        self._constant: Bound | None = None
        if labels.constant is not None:
            self._constant = self._metric.bind(labels.constant)

    def series(self, args: tuple[object, ...], kwargs: dict[str, object]) -> Bound:
        """Return the series that a call with these arguments records into."""
        return self._constant or self._metric.bind(self._labels.of(args, kwargs))


class _CountRecorder:
    def __init__(self, counter: LabelledMetric, increment: float, place: str) -> None:
        self.place = place
        self._counter = counter
        self._increment = increment

    def begin(self, args: tuple[object, ...], kwargs: dict[str, object]) -> bool:
        self._counter.series(args, kwargs).add(self._increment)
        return True

    def end(self, state: object, error: BaseException | None, result: object) -> None:
        """Nothing is left to record: calls are counted as they begin."""


class _TimeRecorder:
    def __init__(self, histogram: LabelledMetric, place: str) -> None:
        self.place = place
        self._histogram = histogram

    def begin(self, args: tuple[object, ...], kwargs: dict[str, object]) -> tuple[Bound, float]:
        return self._histogram.series(args, kwargs), time.perf_counter()

    def end(self, state: tuple[Bound, float], error: BaseException | None, result: object) -> None:
        series, started = state
        series.observe(time.perf_counter() - started)


class _ErrorRecorder:
    def __init__(self, name: str, labels: LabelValues, place: str) -> None:
        self.place = place
        self._labels = labels
        self._errors = metric(name, Kind.COUNTER, (*labels.names, ERROR_TYPE), f"Errors of {name}.", place)

    def begin(self, args: tuple[object, ...], kwargs: dict[str, object]) -> tuple[str, ...]:
        return self._labels.of(args, kwargs)

    def end(self, state: tuple[str, ...], error: BaseException | None, result: object) -> None:
        if error is not None and outcome_of(error) is Outcome.FAILURE:
            self._errors.bind((*state, type(error).__name__)).add()


def counted(
    metric_name: str, labels: Labels | None = None, increment: float = 1.0
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Count the calls of a function in `<metric_name>_total`.

    Args:
        metric_name: The dotted name, such as `shop.orders.created`.
        labels: Label names with constants, or with functions of the call's arguments.
        increment: What each call adds.

    Raises:
        MetricConflictError: The series exists with another kind or other labels.
    """
    place = caller_place()
    values = LabelValues(labels)
    counter = LabelledMetric(metric_name, Kind.COUNTER, values, f"Calls of {metric_name}.", place)
    recorder = _CountRecorder(counter, increment, place)
    return lambda function: recorded(function, recorder)


def track_errors(metric_name: str, labels: Labels | None = None) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Count what a function raises in `<metric_name>_total`, by `error_type`, the exception's class.

    Cancellation, GeneratorExit, KeyboardInterrupt and SystemExit are no errors.

    Args:
        metric_name: The dotted name, such as `shop.orders.errors`.
        labels: Label names with constants, or with functions of the call's arguments.

    Raises:
        MetricConflictError: The series exists with another kind or other labels.
    """
    place = caller_place()
    recorder = _ErrorRecorder(metric_name, LabelValues(labels), place)
    return lambda function: recorded(function, recorder)


class Timer:
    """One measurement under way.

    What is never stopped is never recorded; what is stopped twice is recorded once.
    """

    __slots__ = ("_place", "_series", "_started", "_total")

    def __init__(self, series: Bound | None, place: str) -> None:
        self._series = series
        self._place = place
        self._total: float | None = None
        self._started = time.perf_counter()

    @property
    def elapsed(self) -> float:
        """Seconds since the start; after `stop`, the seconds until then."""
        return time.perf_counter() - self._started if self._total is None else self._total

    def stop(self) -> float:
        """Record the duration and return it in seconds; a second call records nothing and returns the same."""
        if self._total is None:
            self._total = time.perf_counter() - self._started
            try:
                if self._series is not None:
                    self._series.observe(self._total)
            except Exception:  # noqa: BLE001 - metrics never harm the caller
                complain(f"a duration at {self._place}")
        return self._total


class timed:  # noqa: N801 - a decorator, and named as one
    """Record durations in the histogram `<metric_name>_seconds`.

    It is a decorator (`@timed("shop.orders.duration")`), a context manager, sync and async (`with timed(...):`), and
    for code that a block cannot wrap, a timer: `timer = timed(...).start()`, later `timer.stop()`, which returns
    seconds.
    """

    def __init__(self, metric_name: str, labels: Labels | None = None) -> None:
        """Name the histogram, which is registered by decoration or by the first start.

        Args:
            metric_name: The dotted name, such as `shop.orders.duration`.
            labels: Label names with constants, or, for the decorator only, with functions of the call's arguments.
        """
        self._name = metric_name
        self._labels = LabelValues(labels)
        self._place = caller_place()
        self._open: dict[object, list[Timer]] = {}

    def __call__(self, function: Callable[P, R]) -> Callable[P, R]:
        """Return the function, its calls timed.

        Raises:
            MetricConflictError: The series exists with another kind or other labels.
        """
        return recorded(function, _TimeRecorder(self._histogram(), self._place))

    def start(self) -> Timer:
        """Start a timer of its own: one `timed` can be started many times, in many threads."""
        series = None
        try:
            series = self._histogram().series((), {})
        except Exception:  # noqa: BLE001 - a name that conflicts must not fail code that is running
            complain(f"a duration at {self._place}")
        return Timer(series, self._place)

    def __enter__(self) -> Timer:
        timer = self.start()
        self._open.setdefault(_execution(), []).append(timer)
        return timer

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        # A generator may be closed by another task than it was started in: then any open timer of this block is it.
        key = _execution()
        timers = self._open.get(key) or next(iter(self._open.values()))
        timers.pop().stop()
        for owner in [owner for owner, left in self._open.items() if not left]:
            del self._open[owner]

    async def __aenter__(self) -> Timer:
        return self.__enter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.__exit__(kind, error, traceback)

    def _histogram(self) -> LabelledMetric:
        documentation = f"Duration of {self._name} in seconds."
        return LabelledMetric(self._name, Kind.HISTOGRAM, self._labels, documentation, self._place)


def _execution() -> object:
    """Return what tells blocks apart that are open at once: the thread and the task."""
    try:
        task = asyncio.current_task()
    except RuntimeError:
        task = None
    return threading.get_ident(), id(task)
