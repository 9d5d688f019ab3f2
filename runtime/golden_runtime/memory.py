"""The memory that calls take: what `tracemalloc` sees the interpreter allocate while they run."""

from __future__ import annotations

import threading
import tracemalloc
from collections.abc import Mapping
from typing import TYPE_CHECKING
from weakref import WeakSet

from golden_runtime.reporting import report_once
from golden_runtime.turns import at_fork, is_interrupt

if TYPE_CHECKING:
    from golden_runtime.exposition import Family


class Reading:
    """What an open call has seen: the memory at its start and the most since then, in bytes."""

    __slots__ = ("__weakref__", "most", "start")

    def __init__(self, start: int) -> None:
        self.start = start
        self.most = start


class Tracing:
    """Traces allocations while calls are open, and keeps the peak of each.

    The peak that `tracemalloc` keeps is one for the process. So whenever a call begins or ends, every open call takes
    note of the peak, which is then reset for the next stretch.
    """

    def __init__(self) -> None:
        # reentrant, because a signal handler may call a measured function
        self._lock = threading.RLock()
        # weakly: a call that was interrupted before it had its reading never gives it back
        self._open: WeakSet[Reading] = WeakSet()
        self._is_ours = False

    def begin(self) -> Reading:
        """Open a call, and trace from now on if nobody does."""
        with self._lock:
            if not tracemalloc.is_tracing():
                # in this order: what an interrupt leaves on, the next call ends
                self._is_ours = True
                tracemalloc.start()
            reading = Reading(self._note())
            self._open.add(reading)
            return reading

    def end(self, reading: Reading) -> int | None:
        """Close a call, and return its peak above the start, in bytes; None for a call that another process began.

        Tracing ends with the last call, if it began here.
        """
        with self._lock:
            if reading not in self._open:
                return None
            if tracemalloc.is_tracing():
                self._note()
            self._open.remove(reading)
            if self._is_ours and not self._open:
                tracemalloc.stop()
                self._is_ours = False
            return reading.most - reading.start

    def renew(self) -> None:
        """Start afresh in a process that was forked: what is open, and whoever holds the lock, goes on in the parent."""
        self._lock = threading.RLock()
        self._open.clear()
        if self._is_ours:
            tracemalloc.stop()
            self._is_ours = False

    def _note(self) -> int:
        present, peak = tracemalloc.get_traced_memory()
        for reading in self._open:
            reading.most = max(reading.most, peak)
        tracemalloc.reset_peak()
        return present


_tracing = Tracing()

at_fork(after_in_child=_tracing.renew)


class Peak:
    """Records the peak of each call's memory."""

    __slots__ = ("_series",)

    def __init__(self, peaks: Family, labels: Mapping[str, str]) -> None:
        self._series = peaks.series(labels)

    def begin(self) -> Reading | None:
        """Trace from now on."""
        try:
            return _tracing.begin()
        except Exception as error:  # metrics never harm the caller
            if is_interrupt(error):
                raise
            report_once(f"memory cannot be traced, so `{self._series.name}` is not recorded")
            return None

    def end(self, state: Reading | None, error: BaseException | None, result: object) -> None:
        """Record the peak, however the call ended."""
        try:
            peak = None if state is None else _tracing.end(state)
            if peak is not None:
                self._series.record(float(peak))
        except Exception as error:  # metrics never harm the caller
            if is_interrupt(error):
                raise
            report_once(f"`{self._series.name}` cannot be recorded")
