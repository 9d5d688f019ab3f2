"""Decorators that measure a function as a whole: its calls by outcome, its duration, its errors."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

from golden_runtime.labels import LabelValues, Observers, checked_labels
from golden_runtime.metrics import declare, families
from golden_runtime.names import counter_name, duration_name, translate
from golden_runtime.observers import Lookup, Request
from golden_runtime.wrapping import Decorator

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from golden_runtime.metrics import Declaration


def track_request(operation_name: str, labels: LabelValues | None = None, record_errors: bool = True) -> Decorator:
    """Measure an operation: `track_request("a.op")` exposes its calls, durations and errors.

    The series are `a_op_calls_total{status}`, where `status` is `success`, `failure` or `cancelled`, the histogram
    `a_op_duration_seconds`, and `a_op_errors_total{error_type}`, unless `record_errors` is false. All of them carry
    `labels`, which maps label names to constants, or to functions that are called with the call's arguments. Raises
    MetricNameError and MetricConflictError.
    """
    checked = checked_labels(labels, taken=("status", "error_type"))
    base = translate(operation_name)
    wanted = [_calls(base, operation_name, checked), _durations(base, operation_name, checked)]
    if record_errors:
        wanted.append(_errors(base, operation_name, checked))
    calls, durations, *errors = families(*wanted)
    observers = Observers(
        operation_name, checked, lambda values: Request(calls, durations, next(iter(errors), None), values)
    )
    return Decorator("track_request", lambda _: observers)


def track_adapter_request(adapter_name: str, *, operation: str | None = None) -> Decorator:
    """Measure a call to something outside: `track_adapter_request("db")` exposes calls, durations and errors by operation.

    The series are `adapter_db_calls_total{adapter,operation,status}`, the histogram
    `adapter_db_duration_seconds{adapter,operation}` and `adapter_db_errors_total{adapter,operation,error_type}`.
    `operation` is the function's name unless it is given. Raises MetricNameError and MetricConflictError.
    """
    base = f"adapter_{translate(adapter_name)}"
    subject = f"adapter {adapter_name}"
    own = ("adapter", "operation")
    calls, durations, errors = families(
        _calls(base, subject, own), _durations(base, subject, own), _errors(base, subject, own)
    )

    def observe(function: Callable[..., Any]) -> Observers[Request]:
        labels = {"adapter": adapter_name, "operation": _name_of(function) if operation is None else operation}
        return Observers(base, labels, lambda values: Request(calls, durations, errors, values))

    return Decorator("track_adapter_request", observe)


def track_cache_operation(cache_level: str, operation_type: str = "get") -> Decorator:
    """Measure an operation on a cache: `track_cache_operation("redis", "get")` exposes calls, durations, hits and misses.

    The series are `cache_redis_get_calls_total{status}` and the histogram `cache_redis_get_duration_seconds`; for `get`
    also `cache_redis_hits_total` and `cache_redis_misses_total`: a hit is a result that is not None. Raises
    MetricNameError and MetricConflictError.
    """
    cache = f"cache_{translate(cache_level)}"
    operation = f"{cache}_{translate(operation_type)}"
    subject = f"{operation_type} on cache {cache_level}"
    wanted = [_calls(operation, subject, ()), _durations(operation, subject, ())]
    if operation_type == "get":
        wanted.append(declare("counter", f"{cache}_hits_total", f"Lookups in cache {cache_level} that found a value."))
        wanted.append(declare("counter", f"{cache}_misses_total", f"Lookups in cache {cache_level} that found none."))
    calls, durations, *found = families(*wanted)

    def observe(values: Mapping[str, str]) -> Request | Lookup:
        request = Request(calls, durations, None, values)
        if not found:
            return request
        hits, misses = found
        return Lookup(request, hits.series(values), misses.series(values))

    observers = Observers(operation, {}, observe)
    return Decorator("track_cache_operation", lambda _: observers)


def _calls(base: str, subject: str, labels: Iterable[str]) -> Declaration:
    return declare("counter", counter_name(f"{base}_calls"), f"Calls of {subject} by outcome.", [*labels, "status"])


def _durations(base: str, subject: str, labels: Iterable[str]) -> Declaration:
    return declare("histogram", duration_name(f"{base}_duration"), f"Seconds that calls of {subject} take.", labels)


def _errors(base: str, subject: str, labels: Iterable[str]) -> Declaration:
    return declare("counter", counter_name(f"{base}_errors"), f"Errors of {subject} by type.", [*labels, "error_type"])


def _name_of(function: Callable[..., Any]) -> str:
    """Return the name of a function, of what a partial calls, or of a callable object's class."""
    if isinstance(function, functools.partial):
        return _name_of(function.func)
    return str(getattr(function, "__name__", type(function).__name__))
