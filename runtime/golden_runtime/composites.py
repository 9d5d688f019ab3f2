"""Decorators that measure a function as a whole: its calls by outcome, its duration, its errors, its span."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from golden_runtime.buckets import checked_buckets
from golden_runtime.errors import MetricNameError
from golden_runtime.labels import LabelValues, Observers, checked_labels
from golden_runtime.metrics import checked_maximum, declare, families
from golden_runtime.names import counter_name, duration_name, translate
from golden_runtime.observers import Lookup, Request
from golden_runtime.tracing import IS_INSTALLED, SpanObservers
from golden_runtime.wrapping import Decorator

if TYPE_CHECKING:
    from golden_runtime.declarations import Declaration
    from golden_runtime.runs import Chooser
    from golden_runtime.tracing import SpanKind


def track_request(
    operation_name: str,
    labels: LabelValues | None = None,
    record_errors: bool = True,
    *,
    success_when: Callable[[Any], object] | None = None,
    buckets: Iterable[float] | None = None,
    max_series: int | None = None,
) -> Decorator:
    """Measure an operation: `track_request("a.op")` exposes its calls, durations and errors, and opens the span `a.op`.

    The series are `a_op_calls_total{status}`, where `status` is `success`, `failure` or `cancelled`, the histogram
    `a_op_duration_seconds`, and `a_op_errors_total{error_type}`, unless `record_errors` is false. All of them carry
    `labels`, which maps label names to constants, or to functions that are called with the call's arguments; these may
    give `max_series` combinations, and what comes after is counted as `other`.

    A call fails when it raises, when it calls `mark_failure`, or when `success_when`, called with its result, does not
    hold (as `UnsuccessfulResult`). `buckets` are upper bounds in seconds, REQUEST_BUCKETS unless given here or by
    `configure`. Raises MetricNameError, MetricConflictError, and ValueError for buckets that do not grow.
    """
    checked = checked_labels(labels, taken=("status", "error_type"))
    base = _Base(translate(operation_name), operation_name, operation_name, checked, checked_buckets(buckets))
    wanted = [base.calls(), base.durations(), *([base.errors()] if record_errors else [])]
    calls, durations, *errors = families(*wanted)
    observers = Observers(
        operation_name,
        checked,
        lambda values: Request(calls, durations, next(iter(errors), None), values),
        most=checked_maximum(max_series),
    )
    constants = {name: value for name, value in checked.items() if not callable(value)}
    choosers = _with_span(operation_name, constants, "INTERNAL", observers)
    return Decorator("track_request", lambda _: choosers, success_when)


def track_adapter_request(
    adapter_name: str,
    *,
    operation: str | None = None,
    success_when: Callable[[Any], object] | None = None,
    buckets: Iterable[float] | None = None,
) -> Decorator:
    """Measure a call to something outside: `track_adapter_request("db")` exposes calls, durations and errors by operation.

    The series are `adapter_db_calls_total{adapter,operation,status}`, the histogram
    `adapter_db_duration_seconds{adapter,operation}` and `adapter_db_errors_total{adapter,operation,error_type}`.
    `operation` is the function's name unless it is given. The span is `adapter.db.OPERATION`. `success_when` and `buckets`
    are as for `track_request`. Raises MetricNameError, MetricConflictError, and ValueError for buckets that do not grow.
    """
    if operation is not None and not isinstance(operation, str):
        raise MetricNameError(f'an operation is a string such as "charge", not `{operation!r}`')
    own = dict.fromkeys(("adapter", "operation"))
    subject = f"adapter {adapter_name}"
    base = _Base(
        f"adapter_{translate(adapter_name)}", f"adapter.{adapter_name}", subject, own, checked_buckets(buckets)
    )
    calls, durations, errors = families(base.calls(), base.durations(), base.errors())

    def observe(function: Callable[..., Any]) -> tuple[Chooser, ...]:
        labels = {"adapter": adapter_name, "operation": _name_of(function) if operation is None else operation}
        observers = Observers(base.name, labels, lambda values: Request(calls, durations, errors, values))
        return _with_span(f"adapter.{adapter_name}.{labels['operation']}", labels, "CLIENT", observers)

    return Decorator("track_adapter_request", observe, success_when)


def track_cache_operation(
    cache_level: str,
    operation_type: str = "get",
    *,
    success_when: Callable[[Any], object] | None = None,
    buckets: Iterable[float] | None = None,
) -> Decorator:
    """Measure an operation on a cache: `track_cache_operation("redis", "get")` exposes calls, durations, hits and misses.

    The series are `cache_redis_get_calls_total{status}` and the histogram `cache_redis_get_duration_seconds`; for `get`
    also `cache_redis_hits_total` and `cache_redis_misses_total`: a hit is a result that is not None, and a lookup that
    fails is neither. The span is `cache.redis.get`. `success_when` and `buckets` are as for `track_request`. Raises
    MetricNameError, MetricConflictError, and ValueError for buckets that do not grow.
    """
    cache = f"cache_{translate(cache_level)}"
    written = f"cache.{cache_level}"
    span = f"{written}.{operation_type}"
    subject = f"{operation_type} on cache {cache_level}"
    base = _Base(f"{cache}_{translate(operation_type)}", span, subject, {}, checked_buckets(buckets))
    wanted = [base.calls(), base.durations()]
    if operation_type == "get":
        found = {"hits": "found a value", "misses": "found none"}
        wanted += [
            declare(
                "counter",
                f"{cache}_{key}_total",
                f"Lookups in cache {cache_level} that {text}.",
                spelling=f"{written}.{key}",
            )
            for key, text in found.items()
        ]
    calls, durations, *both = families(*wanted)

    def observe(values: Mapping[str, str]) -> Request | Lookup:
        request = Request(calls, durations, None, values)
        if not both:
            return request
        hits, misses = both
        return Lookup(request, hits.series(values), misses.series(values))

    labels = {"cache": cache_level, "operation": operation_type}
    choosers = _with_span(span, labels, "CLIENT", Observers(base.name, {}, observe))
    return Decorator("track_cache_operation", lambda _: choosers, success_when)


class _Base:
    """What the series of one composite have in common."""

    def __init__(
        self,
        name: str,
        written: str,
        subject: str,
        labels: Iterable[str],
        buckets: tuple[float, ...] | None,
    ) -> None:
        self.name = name
        self._written = written
        self._subject = subject
        self._labels = tuple(labels)
        self._buckets = buckets

    def calls(self) -> Declaration:
        return self._counter("calls", f"Calls of {self._subject} by outcome.", "status")

    def errors(self) -> Declaration:
        return self._counter("errors", f"Errors of {self._subject} by type.", "error_type")

    def _counter(self, what: str, documentation: str, label: str) -> Declaration:
        name = counter_name(f"{self.name}_{what}")
        return declare("counter", name, documentation, [*self._labels, label], spelling=f"{self._written}.{what}")

    def durations(self) -> Declaration:
        return declare(
            "histogram",
            duration_name(f"{self.name}_duration"),
            f"Seconds that calls of {self._subject} take.",
            self._labels,
            spelling=f"{self._written}.duration",
            buckets=self._buckets,
        )


def _with_span(
    name: str, attributes: Mapping[str, Any], kind: SpanKind, observers: Observers[Any]
) -> tuple[Chooser, ...]:
    # the span is the outer one: it is still the current one when the duration asks for an exemplar
    return (SpanObservers(name, attributes, kind), observers) if IS_INSTALLED else (observers,)


def _name_of(function: Callable[..., Any]) -> str:
    """Return the name of a function, of what a partial calls, or of a callable object's class."""
    if isinstance(function, functools.partial):
        return _name_of(function.func)
    return str(getattr(function, "__name__", type(function).__name__))
