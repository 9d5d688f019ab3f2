"""Decorators that measure one thing of a function: its calls, its duration, its errors, its memory, its place in a trace."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any

from golden_runtime.buckets import checked_buckets
from golden_runtime.labels import LabelValues, Observers, checked_labels
from golden_runtime.memory import Peak
from golden_runtime.metrics import checked_maximum, declare, families
from golden_runtime.names import bytes_name, counter_name, duration_name, spelled
from golden_runtime.observers import CallCount, Duration, ErrorCount
from golden_runtime.timers import Timed
from golden_runtime.tracing import Attributes, SpanObservers
from golden_runtime.wrapping import Decorator

# `timed("...").start()` stands in functions, so it is made at each of their calls: what it makes is kept, by name.
_plain: dict[str, Timed] = {}


def counted(
    metric_name: str, labels: LabelValues | None = None, increment: float = 1.0, *, max_series: int | None = None
) -> Decorator:
    """Count the calls of a function, as they start: `counted("a.b")` exposes `a_b_total`.

    Each call adds `increment`. `labels` maps label names to constants, or to functions that are called with the call's
    arguments; these may give `max_series` combinations, and what comes after is counted as `other`. Raises
    MetricNameError, MetricConflictError, and ValueError for an increment below zero.
    """
    if not (math.isfinite(increment) and increment >= 0):
        raise ValueError(
            f"`increment` of `{metric_name}` must be a number from zero up, not `{increment!r}`: counters only grow"
        )
    checked = checked_labels(labels)
    name, spelling = counter_name(metric_name), spelled(metric_name, "total")
    (calls,) = families(declare("counter", name, f"Calls counted as {metric_name}.", checked, spelling=spelling))
    most = checked_maximum(max_series)
    observers = Observers(metric_name, checked, lambda values: CallCount(calls, values, increment), most=most)
    return Decorator("counted", lambda _: (observers,))


def timed(
    metric_name: str,
    labels: LabelValues | None = None,
    *,
    buckets: Iterable[float] | None = None,
    max_series: int | None = None,
) -> Timed:
    """Time a function or a block, in seconds: `timed("a.b.duration")` exposes the histogram `a_b_duration_seconds`.

    What is returned is a decorator, a context manager (`with` and `async with`), and starts timers: `timed(...).start()`.
    `labels` maps label names to constants, or to functions that are called with the call's arguments; blocks and timers
    have none. `buckets` are upper bounds in seconds, REQUEST_BUCKETS unless given here or by `configure`. Raises
    MetricNameError, MetricConflictError, and ValueError for buckets that do not grow.
    """
    is_plain = isinstance(metric_name, str) and labels is None and buckets is None and max_series is None
    if is_plain and metric_name in _plain:
        return _plain[metric_name]
    made = _timed(metric_name, labels, buckets, max_series)
    return _plain.setdefault(metric_name, made) if is_plain else made


def _timed(
    metric_name: str, labels: LabelValues | None, buckets: Iterable[float] | None, max_series: int | None
) -> Timed:
    checked = checked_labels(labels)
    (durations,) = families(
        declare(
            "histogram",
            duration_name(metric_name),
            f"Seconds timed as {metric_name}.",
            checked,
            spelling=spelled(metric_name, "seconds"),
            buckets=checked_buckets(buckets),
        )
    )
    most = checked_maximum(max_series)
    return Timed(metric_name, Observers(metric_name, checked, lambda values: Duration(durations, values), most=most))


def track_errors(
    metric_name: str,
    labels: LabelValues | None = None,
    *,
    success_when: Callable[[Any], object] | None = None,
    max_series: int | None = None,
) -> Decorator:
    """Count the exceptions a function raises: `track_errors("a.errors")` exposes `a_errors_total{error_type}`.

    `error_type` is the name of the exception's class. Cancellation, GeneratorExit, KeyboardInterrupt and SystemExit are no
    errors. An error that the function handles counts too where it calls `mark_failure`, or where `success_when` does not
    hold for its result (as `UnsuccessfulResult`). `labels` maps label names to constants, or to functions that are
    called with the call's arguments. Raises MetricNameError and MetricConflictError.
    """
    checked = checked_labels(labels, taken=("error_type",))
    name, spelling = counter_name(metric_name), spelled(metric_name, "total")
    (errors,) = families(
        declare("counter", name, f"Errors tracked as {metric_name}.", [*checked, "error_type"], spelling=spelling)
    )
    most = checked_maximum(max_series)
    observers = Observers(metric_name, checked, lambda values: ErrorCount(errors, values), most=most)
    return Decorator("track_errors", lambda _: (observers,), success_when)


def measure_memory(metric_name: str, labels: LabelValues | None = None, *, max_series: int | None = None) -> Decorator:
    """Measure the memory a function takes, in bytes: `measure_memory("a.peak")` exposes the gauge `a_peak_bytes`.

    The gauge says by how much the memory that Python had allocated rose, at most, above what it was when the last call
    began. `tracemalloc` traces it, which makes the program several times slower while such a call runs; tracing that is on
    already is left on, only its peak is reset. Allocations cannot be told apart by the call that makes them: calls that
    overlap, in threads or tasks, each count what all of them allocate. Among processes that share their series the gauge
    is the largest of those alive. `labels` maps label names to constants, or to functions that are called with the call's
    arguments. Raises MetricNameError and MetricConflictError.
    """
    checked = checked_labels(labels)
    name, spelling = bytes_name(metric_name), spelled(metric_name, "bytes")
    (peaks,) = families(
        declare("gauge", name, f"Peak of memory measured as {metric_name}.", checked, spelling=spelling)
    )
    most = checked_maximum(max_series)
    observers = Observers(metric_name, checked, lambda values: Peak(peaks, values), most=most)
    return Decorator("measure_memory", lambda _: (observers,))


def traced(
    span_name: str, attributes: Attributes | None = None, *, success_when: Callable[[Any], object] | None = None
) -> Decorator:
    """Open an OpenTelemetry span for each call of a function, where `golden-runtime[tracing]` is installed.

    The span is the current one while the function's own code runs: not in the consumer of a generator. A failure is
    recorded in it, also one that the function calls `mark_failure` for, or a result for which `success_when` does not
    hold. `attributes` maps names to constants, or to functions that are called with the call's arguments. Raises TypeError
    where the name is no string.
    """
    if not isinstance(span_name, str):
        raise TypeError(f'a span\'s name must be a string such as "app.orders.create", not `{span_name!r}`')
    spans = SpanObservers(span_name, attributes or {})
    return Decorator("traced", lambda _: (spans,), success_when)
