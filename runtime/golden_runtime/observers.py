"""What is recorded of a call: observers that hold their series, bound before the first call."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from time import perf_counter
from typing import TYPE_CHECKING

from golden_runtime.labels import OTHER
from golden_runtime.outcomes import CANCELLED, FAILURE, STATUSES, SUCCESS, is_cancellation
from golden_runtime.recording import LIMIT
from golden_runtime.reporting import report_once
from golden_runtime.tracing import exemplar, provided
from golden_runtime.turns import is_interrupt

if TYPE_CHECKING:
    from golden_runtime.exposition import Family
    from golden_runtime.series import Series

# Programs have fewer types of errors; those that make types as they go have no end of them.
_MOST_ERROR_TYPES = 100


class CallCount:
    """Counts calls as they start."""

    __slots__ = ("begin",)

    begin: Callable[[], object]

    def __init__(self, calls: Family, labels: Mapping[str, str], increment: float) -> None:
        # the step of a tally itself, not a method that makes it: one Python call less for each counted one
        self.begin = calls.series(labels).counting(increment)

    def end(self, state: object, error: BaseException | None, result: object) -> None:
        """Do nothing: how the call ends is not counted."""


class Duration:
    """Records how long calls take, in seconds, however they end."""

    __slots__ = ("_live", "_series", "begin", "buffer")

    begin: Callable[[], float]

    def __init__(self, durations: Family, labels: Mapping[str, str]) -> None:
        self._series = durations.series(labels)
        self.buffer = self._series.buffer()
        self.begin = perf_counter
        self._live = provided()

    def end(self, state: float, error: BaseException | None, result: object) -> None:
        """Record the seconds since `state`."""
        # by the function that began it: freezegun replaces the name in this module meanwhile
        self.record(self.begin() - state)

    def record(self, seconds: float) -> None:
        """Record one duration."""
        self.buffer.append(seconds)
        if len(self.buffer.pending) >= LIMIT:
            self.buffer.settle()
        if self._live._TRACER_PROVIDER is not None:
            _mark(self._series, seconds)


class ErrorCount:
    """Counts exceptions by the names of their types; cancellations are none."""

    __slots__ = ("_errors", "_labels", "_series")

    def __init__(self, errors: Family, labels: Mapping[str, str]) -> None:
        self._errors = errors
        self._labels = labels
        self._series: dict[str, Series] = {}

    def begin(self) -> None:
        """Do nothing."""

    def end(self, state: None, error: BaseException | None, result: object) -> None:
        """Count the error, if there is one."""
        if error is not None and not is_cancellation(error):
            self.count(error)

    def count(self, error: BaseException) -> None:
        """Count an error."""
        kind = type(error).__name__
        series = self._series.get(kind) or self._add(kind)
        if series is not None:
            series.record(1.0)

    def _add(self, kind: str) -> Series | None:
        if len(self._series) >= _MOST_ERROR_TYPES:
            report_once(
                f"`{self._errors.declaration.name}` took more than {_MOST_ERROR_TYPES} types of errors, "
                f"so new ones count as `{OTHER}`: do not make exception classes as the program runs"
            )
            kind = OTHER
        try:
            return self._series.setdefault(kind, self._errors.series({**self._labels, "error_type": kind}))
        except Exception as failed:  # metrics never harm the caller
            if is_interrupt(failed):
                raise
            report_once(f"`{self._errors.declaration.name}` cannot be recorded")
            return None


class Request:
    """Records the outcome and the duration of calls, and their errors where these are counted.

    What succeeds is noted once, in `buffer`, which feeds both series.
    """

    __slots__ = ("_by_status", "_duration", "_errors", "_live", "begin", "buffer")

    begin: Callable[[], float]

    def __init__(self, calls: Family, durations: Family, errors: Family | None, labels: Mapping[str, str]) -> None:
        self._duration = durations.series(labels)
        self._by_status = {
            status: self._duration.buffer(calls.series({**labels, "status": status})) for status in STATUSES
        }
        self.buffer = self._by_status[SUCCESS]
        self._errors = None if errors is None else ErrorCount(errors, labels)
        self.begin = perf_counter
        self._live = provided()

    def end(self, state: float, error: BaseException | None, result: object) -> None:
        """Record the outcome, and the seconds since `state`."""
        seconds = self.begin() - state  # as above
        buffer = self.buffer
        if error is not None:
            buffer = self._by_status[CANCELLED if is_cancellation(error) else FAILURE]
            if self._errors is not None:
                self._errors.end(None, error, result)
        buffer.append(seconds)
        if len(buffer.pending) >= LIMIT:
            buffer.settle()
        if self._live._TRACER_PROVIDER is not None:
            _mark(self._duration, seconds)


class Lookup:
    """Records calls that look something up in a cache: a hit is a result that is not None."""

    __slots__ = ("_hits", "_misses", "_request", "begin")

    begin: Callable[[], float]

    def __init__(self, request: Request, hits: Series, misses: Series) -> None:
        self._request = request
        self._hits = hits
        self._misses = misses
        self.begin = request.begin

    def end(self, state: float, error: BaseException | None, result: object) -> None:
        """Record the request, then, unless it failed, whether it hit."""
        self._request.end(state, error, result)
        if error is None:
            (self._misses if result is None else self._hits).count()


def _mark(durations: Series, seconds: float) -> None:
    found = exemplar()
    if found is not None:
        durations.mark(seconds, found)
