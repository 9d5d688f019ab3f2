"""Which series the runtime's breakers, retries, queues and pools expose.

Like the decorators' series, they are stated here once more, and a contract test holds them to the runtime.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from golden_rules.catalogue.series import Series


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the runtime that names its series itself.

    Attributes:
        label: The label that tells the parts of one kind apart, which is the name given in the code.
        position: Where that name stands among the arguments; None where it is a keyword only.
        keyword: The keyword that gives it.
        default: The name without one; None where one must be given.
        series: What it exposes, below the namespace.
    """

    label: str
    position: int | None
    keyword: str
    default: str | None
    series: tuple[Series, ...]


def _counter(name: str, *labels: str) -> Series:
    return Series(name, "counter", tuple(sorted(labels)))


def _gauge(name: str, *labels: str) -> Series:
    return Series(name, "gauge", tuple(sorted(labels)), "seconds" if name.endswith("_seconds") else "")


def _seconds(name: str, *labels: str) -> Series:
    return Series(name, "histogram", tuple(sorted(labels)), "seconds")


_BREAKER = (
    *(_counter(f"circuit_breaker_{what}_total", "name") for what in ("cancelled", "failure", "rejected", "success")),
    _gauge("circuit_breaker_state", "name", "state"),
    _counter("circuit_breaker_transitions_total", "name", "to"),
)
_RETRY = (
    _counter("retry_attempts_total", "name", "outcome"),
    _seconds("retry_delay_seconds", "name"),
    _counter("retry_errors_total", "name", "error_type"),
    _counter("retry_exhausted_total", "name"),
)
_DEAD_LETTERS = (
    _gauge("dlq_depth", "queue"),
    _counter("dlq_entries_total", "queue"),
    _counter("dlq_errors_total", "queue", "error_type"),
    _counter("dlq_replayed_total", "queue"),
)
_QUEUE = (
    *_DEAD_LETTERS,
    _counter("queue_claims_total", "queue"),
    _gauge("queue_depth", "queue", "state"),
    _counter("queue_lease_expiries_total", "queue"),
    _gauge("queue_oldest_age_seconds", "queue"),
    _seconds("queue_operation_duration_seconds", "queue", "operation"),
)
_POOL = (
    _gauge("executor_pool_active", "pool"),
    _gauge("executor_pool_capacity", "pool"),
    _counter("executor_pool_workflow_calls_total", "pool", "workflow", "status"),
    _seconds("executor_pool_workflow_duration_seconds", "pool", "workflow"),
)

PARTS: Mapping[str, Part] = {
    "CircuitBreaker": Part("name", 0, "name", None, _BREAKER),
    "circuit_breakers.get_or_create": Part("name", 0, "name", None, _BREAKER),
    "RetryPolicy": Part("name", None, "name", "default", _RETRY),
    # without a name it is the function's, with its module
    "retry": Part("name", None, "name", None, _RETRY),
    "TaskQueue": Part("queue", None, "name", "default", _QUEUE),
    "DeadLetterQueue": Part("queue", None, "queue", "default", _DEAD_LETTERS),
    "ExecutorPool": Part("pool", None, "name", "default", _POOL),
}
"""The parts by the name that the code calls, below the runtime's module."""
