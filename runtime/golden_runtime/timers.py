"""Timing what is no function: blocks, and code that a block cannot wrap."""

from __future__ import annotations

import sys
import threading
from time import perf_counter
from typing import TYPE_CHECKING

from golden_runtime.blocks import Blocks
from golden_runtime.labels import Observers, Silent
from golden_runtime.observers import Duration
from golden_runtime.reporting import report_once
from golden_runtime.wrapping import Decorator

if TYPE_CHECKING:
    from types import FrameType, TracebackType

# Guards the one step that decides which of several `stop` calls records. Reentrant, because a signal handler may stop one.
_stopping = threading.RLock()


class Timer:
    """A running timer. It records once, when it is stopped; a timer that is never stopped records nothing."""

    __slots__ = ("_observer", "_seconds", "_started")

    def __init__(self, observer: Duration | Silent, started: float) -> None:
        self._observer = observer
        self._seconds: float | None = None
        self._started = started

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
        super().__init__("timed", lambda _: (observers,))
        self._metric_name = metric_name
        self._observers = observers
        self._blocks: Blocks[Timer] = Blocks()

    def start(self) -> Timer:
        """Start and return a timer of its own."""
        # As deep as `stop` reads the clock: freezegun asks the innermost frames which clock they are to see.
        return Timer(self._observers.fixed or self._observers.choose((), {}), perf_counter())

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
        self._blocks.enter(frame, timer)
        return timer

    def _leave(self, frame: FrameType) -> None:
        timer = self._blocks.leave(frame)
        if timer is None:
            report_once(f"a block of `timed` was left that had not been entered: `{self._metric_name}` is not recorded")
            return
        timer.stop()
