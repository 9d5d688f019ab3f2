"""Decorators that measure one thing of a function: its calls, its duration, its errors."""

from __future__ import annotations

import math
import sys
import threading
from time import perf_counter
from typing import TYPE_CHECKING

from golden_runtime.labels import LabelValues, Observers, Silent, checked_labels
from golden_runtime.metrics import declare, families
from golden_runtime.names import counter_name, duration_name
from golden_runtime.observers import CallCount, Duration, ErrorCount
from golden_runtime.reporting import report_once
from golden_runtime.wrapping import Decorator

if TYPE_CHECKING:
    from types import FrameType, TracebackType

# Guards the one step that decides which of several `stop` calls records. Reentrant, because a signal handler may stop one.
_stopping = threading.RLock()


def counted(metric_name: str, labels: LabelValues | None = None, increment: float = 1.0) -> Decorator:
    """Count the calls of a function, as they start: `counted("a.b")` exposes `a_b_total`.

    Each call adds `increment`. `labels` maps label names to constants, or to functions that are called with the call's
    arguments. Raises MetricNameError, MetricConflictError, and ValueError for an increment below zero.
    """
    if not (math.isfinite(increment) and increment >= 0):
        raise ValueError(
            f"`increment` of `{metric_name}` must be a number from zero up, not `{increment!r}`: counters only grow"
        )
    checked = checked_labels(labels)
    (calls,) = families(declare("counter", counter_name(metric_name), f"Calls counted as {metric_name}.", checked))
    observers = Observers(metric_name, checked, lambda values: CallCount(calls, values, increment))
    return Decorator("counted", lambda _: observers)


def timed(metric_name: str, labels: LabelValues | None = None) -> Timed:
    """Time a function or a block, in seconds: `timed("a.b.duration")` exposes the histogram `a_b_duration_seconds`.

    What is returned is a decorator, a context manager (`with` and `async with`), and starts timers: `timed(...).start()`.
    `labels` maps label names to constants, or to functions that are called with the call's arguments; blocks and timers
    have none. Raises MetricNameError and MetricConflictError.
    """
    checked = checked_labels(labels)
    name = duration_name(metric_name)
    (durations,) = families(declare("histogram", name, f"Seconds timed as {metric_name}.", checked))
    return Timed(metric_name, Observers(metric_name, checked, lambda values: Duration(durations, values)))


def track_errors(metric_name: str, labels: LabelValues | None = None) -> Decorator:
    """Count the exceptions a function raises: `track_errors("a.errors")` exposes `a_errors_total{error_type}`.

    `error_type` is the name of the exception's class. Cancellation, GeneratorExit, KeyboardInterrupt and SystemExit are no
    errors. `labels` maps label names to constants, or to functions that are called with the call's arguments. Raises
    MetricNameError and MetricConflictError.
    """
    checked = checked_labels(labels, taken=("error_type",))
    (errors,) = families(
        declare("counter", counter_name(metric_name), f"Errors tracked as {metric_name}.", [*checked, "error_type"])
    )
    observers = Observers(metric_name, checked, lambda values: ErrorCount(errors, values))
    return Decorator("track_errors", lambda _: observers)


class Timer:
    """A running timer. It records once, when it is stopped; a timer that is never stopped records nothing."""

    __slots__ = ("_observer", "_seconds", "_started")

    def __init__(self, observer: Duration | Silent) -> None:
        self._observer = observer
        self._seconds: float | None = None
        self._started = perf_counter()

    @property
    def elapsed(self) -> float:
        """Seconds since the start; once stopped, those from start to stop."""
        return perf_counter() - self._started if self._seconds is None else self._seconds

    def stop(self) -> float:
        """Stop, record the duration, and return it in seconds. Stopping again returns the same and records nothing."""
        seconds = perf_counter() - self._started
        with _stopping:
            if self._seconds is not None:
                return self._seconds
            self._seconds = seconds
        self._observer.record(seconds)
        return seconds


class Timed(Decorator):
    """Made by `timed`: a decorator, a context manager, and the source of timers. Threads and tasks may share it."""

    def __init__(self, metric_name: str, observers: Observers[Duration]) -> None:
        super().__init__("timed", lambda _: observers)
        self._metric_name = metric_name
        self._observers = observers
        self._blocks: dict[int, list[Timer]] = {}

    def start(self) -> Timer:
        """Start and return a timer of its own."""
        return Timer(self._observers.fixed or self._observers.choose((), {}))

    def __enter__(self) -> Timer:
        return self._enter(sys._getframe(1))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._leave(sys._getframe(1))

    async def __aenter__(self) -> Timer:
        return self._enter(sys._getframe(1))

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._leave(sys._getframe(1))

    def _enter(self, frame: FrameType) -> Timer:
        timer = self.start()
        self._blocks.setdefault(_block_of(frame), []).append(timer)
        return timer

    def _leave(self, frame: FrameType) -> None:
        block = _block_of(frame)
        if block not in self._blocks:
            # an exit stack that was handed on: entered in one frame, left in another
            block = next(reversed(list(self._blocks)), block)
        try:
            timer = self._blocks[block].pop()
            if not self._blocks[block]:
                del self._blocks[block]
        except LookupError:
            report_once(f"a block of `timed` was left that had not been entered: `{self._metric_name}` is not recorded")
            return
        timer.stop()


def _block_of(frame: FrameType) -> int:
    """Return what tells apart the blocks that are open on one `Timed`: the frame that the `with` stands in.

    Threads, tasks and recursive calls each have a frame of their own, which lives until its block ends, and blocks of one
    frame nest. Neither threads nor context variables would do: a web framework may enter and leave one block in two threads.
    """
    while frame.f_back is not None and frame.f_globals.get("__name__") == "contextlib":
        frame = frame.f_back
    return id(frame)
