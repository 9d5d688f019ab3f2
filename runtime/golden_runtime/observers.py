"""What is recorded of a call: observers that hold their series, bound before the first call."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from time import perf_counter
from typing import TYPE_CHECKING

from golden_runtime.outcomes import CANCELLED, FAILURE, STATUSES, SUCCESS, is_cancellation
from golden_runtime.reporting import report_once

if TYPE_CHECKING:
    from golden_runtime.metrics import Family, Series


class CallCount:
    """Counts calls as they start."""

    __slots__ = ("_increment", "_series")

    def __init__(self, calls: Family, labels: Mapping[str, str], increment: float) -> None:
        self._series = calls.series(labels)
        self._increment = increment

    def begin(self) -> None:
        """Count a call."""
        try:
            self._series.record(self._increment)
        except Exception:  # noqa: BLE001 - metrics never harm the caller
            report_once(f"`{self._series.name}` cannot be recorded")

    def end(self, state: None, error: BaseException | None, result: object) -> None:
        """Do nothing: how the call ends is not counted."""


class Duration:
    """Records how long calls take, in seconds, however they end."""

    __slots__ = ("_series", "begin")

    begin: Callable[[], float]

    def __init__(self, durations: Family, labels: Mapping[str, str]) -> None:
        self._series = durations.series(labels)
        # the clock itself, not a method that reads it: one Python call less for each measured one
        self.begin = perf_counter

    def end(self, state: float, error: BaseException | None, result: object) -> None:
        """Record the seconds since `state`."""
        self.record(perf_counter() - state)

    def record(self, seconds: float) -> None:
        """Record one duration."""
        try:
            self._series.record(seconds)
        except Exception:  # noqa: BLE001 - metrics never harm the caller
            report_once(f"`{self._series.name}` cannot be recorded")


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
        if error is None:
            return
        try:
            if not is_cancellation(error):
                self.count(error)
        except Exception:  # noqa: BLE001 - metrics never harm the caller
            report_once(f"`{self._errors.declaration.name}` cannot be recorded")

    def count(self, error: BaseException) -> None:
        """Count an error."""
        kind = type(error).__name__
        series = self._series.get(kind)
        if series is None:
            series = self._series[kind] = self._errors.series({**self._labels, "error_type": kind})
        series.record(1.0)


class Request:
    """Records the outcome and the duration of calls, and their errors where these are counted."""

    __slots__ = ("_cancelled", "_duration", "_errors", "_failure", "_success", "begin")

    begin: Callable[[], float]

    def __init__(self, calls: Family, durations: Family, errors: Family | None, labels: Mapping[str, str]) -> None:
        by_status = {status: calls.series({**labels, "status": status}) for status in STATUSES}
        self._success = by_status[SUCCESS]
        self._failure = by_status[FAILURE]
        self._cancelled = by_status[CANCELLED]
        self._duration = durations.series(labels)
        self._errors = None if errors is None else ErrorCount(errors, labels)
        self.begin = perf_counter

    def end(self, state: float, error: BaseException | None, result: object) -> None:
        """Record the outcome, and the seconds since `state`."""
        seconds = perf_counter() - state
        try:
            if error is None:
                self._success.record(1.0)
            elif is_cancellation(error):
                self._cancelled.record(1.0)
            else:
                self._failure.record(1.0)
                if self._errors is not None:
                    self._errors.count(error)
            self._duration.record(seconds)
        except Exception:  # noqa: BLE001 - metrics never harm the caller
            report_once(f"`{self._duration.name}` cannot be recorded")


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
        """Record the request, then, unless it raised, whether it hit."""
        self._request.end(state, error, result)
        if error is not None:
            return
        try:
            (self._misses if result is None else self._hits).record(1.0)
        except Exception:  # noqa: BLE001 - metrics never harm the caller
            report_once(f"`{self._hits.name}` cannot be recorded")
