"""The decorators that record a whole operation: `track_request`, `track_adapter_request`, `track_cache_operation`."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import ParamSpec, TypeVar

from golden_runtime.decorators import ERROR_TYPE, caller_place
from golden_runtime.labels import Labels, LabelValues
from golden_runtime.metrics import Bound, Kind, Metric, metric
from golden_runtime.outcomes import Outcome, outcome_of
from golden_runtime.wrapping import recorded

P = ParamSpec("P")
R = TypeVar("R")

STATUS = "status"


@dataclass(slots=True, eq=False)
class _CallSeries:
    """The series of one set of label values: calls by status, and the duration."""

    calls: dict[Outcome, Bound]
    duration: Bound


class _OperationRecorder:
    """Records calls, durations and errors of an operation under `prefix`."""

    def __init__(self, prefix: str, labels: LabelValues, place: str, *, errors: bool) -> None:
        self.place = place
        self._labels = labels
        names = labels.names
        self._calls: Metric = metric(f"{prefix}.calls", Kind.COUNTER, (*names, STATUS), f"Calls of {prefix}.", place)
        self._duration = metric(f"{prefix}.duration", Kind.HISTOGRAM, names, f"Duration of {prefix} in seconds.", place)
        self._errors: Metric | None = None
        if errors:
            self._errors = metric(f"{prefix}.errors", Kind.COUNTER, (*names, ERROR_TYPE), f"Errors of {prefix}.", place)
        self._constant = None if labels.constant is None else self._bind(labels.constant)

    def begin(self, args: tuple[object, ...], kwargs: dict[str, object]) -> tuple[_CallSeries, tuple[str, ...], float]:
        values = self._labels.of(args, kwargs)
        return self._constant or self._bind(values), values, time.perf_counter()

    def end(
        self, state: tuple[_CallSeries, tuple[str, ...], float], error: BaseException | None, result: object
    ) -> None:
        series, values, started = state
        series.duration.observe(time.perf_counter() - started)
        outcome = outcome_of(error)
        series.calls[outcome].add()
        if outcome is Outcome.FAILURE and self._errors is not None:
            self._errors.bind((*values, type(error).__name__)).add()

    def _bind(self, values: tuple[str, ...]) -> _CallSeries:
        calls = {outcome: self._calls.bind((*values, outcome)) for outcome in Outcome}
        return _CallSeries(calls, self._duration.bind(values))


class _CacheRecorder(_OperationRecorder):
    """Records hits and misses of reads besides the operation."""

    def __init__(self, level: str, operation: str, place: str) -> None:
        super().__init__(f"cache.{level}.{operation}", LabelValues(None), place, errors=False)
        self._hits: Bound | None = None
        self._misses: Bound | None = None
        if operation == "get":
            self._hits = metric(f"cache.{level}.hits", Kind.COUNTER, (), f"Hits of the cache {level}.", place).bind()
            self._misses = metric(
                f"cache.{level}.misses", Kind.COUNTER, (), f"Misses of the cache {level}.", place
            ).bind()

    def end(
        self, state: tuple[_CallSeries, tuple[str, ...], float], error: BaseException | None, result: object
    ) -> None:
        super().end(state, error, result)
        counter = self._misses if result is None else self._hits
        if error is None and counter is not None:
            counter.add()


def track_request(
    operation_name: str, labels: Labels | None = None, record_errors: bool = True
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Record an operation's calls, duration and errors.

    The series are `<operation_name>_calls_total{status}`, `<operation_name>_duration_seconds` and
    `<operation_name>_errors_total{error_type}`; `status` is `success`, `failure` or `cancelled`.

    Args:
        operation_name: The dotted name, such as `shop.orders.create`.
        labels: Label names with constants, or with functions of the call's arguments.
        record_errors: Whether errors are counted by type.

    Raises:
        MetricConflictError: A series exists with another kind or other labels.
    """
    place = caller_place()
    recorder = _OperationRecorder(operation_name, LabelValues(labels), place, errors=record_errors)
    return lambda function: recorded(function, recorder)


def track_adapter_request(
    adapter_name: str, *, operation: str | None = None
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Record the calls, duration and errors of a request to another system.

    The series are `adapter_<adapter_name>_calls_total{adapter,operation,status}`, `..._duration_seconds{adapter,operation}`
    and `..._errors_total{adapter,operation,error_type}`.

    Args:
        adapter_name: The system, such as `db`.
        operation: What is asked of it; by default the function's name.

    Raises:
        MetricConflictError: A series exists with another kind or other labels.
    """
    place = caller_place()

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        labels = LabelValues({"adapter": adapter_name, "operation": operation or _name(function)})
        return recorded(function, _OperationRecorder(f"adapter.{adapter_name}", labels, place, errors=True))

    return decorate


def track_cache_operation(cache_level: str, operation_type: str = "get") -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Record the calls and duration of a cache operation, and for `get` its hits and misses.

    The series are `cache_<cache_level>_<operation_type>_calls_total{status}`, `..._duration_seconds`,
    `cache_<cache_level>_hits_total` and `cache_<cache_level>_misses_total`; a hit is a result that is not None.

    Args:
        cache_level: The cache, such as `redis`.
        operation_type: What is done: `get`, `set`, `delete`, ...

    Raises:
        MetricConflictError: A series exists with another kind or other labels.
    """
    recorder = _CacheRecorder(cache_level, operation_type, caller_place())
    return lambda function: recorded(function, recorder)


def _name(function: Callable[..., object]) -> str:
    inner = function.__func__ if isinstance(function, staticmethod | classmethod) else function
    return str(getattr(inner, "__name__", type(inner).__name__))
