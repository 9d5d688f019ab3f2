"""golden-runtime: measure functions as Prometheus metrics, whatever kind of function they are.

`track_request`, `track_adapter_request` and `track_cache_operation` measure a function as a whole; `counted`, `timed`,
`track_errors`, `measure_memory` and `traced` measure one thing of it. `configure` sets the namespace, the registry and more.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from golden_runtime.buckets import REQUEST_BUCKETS, WORKFLOW_BUCKETS
from golden_runtime.composites import track_adapter_request, track_cache_operation, track_request
from golden_runtime.decorators import counted, measure_memory, timed, traced, track_errors
from golden_runtime.errors import ConfigurationError, MetricConflictError, MetricNameError
from golden_runtime.metrics import configure
from golden_runtime.outcomes import UnsuccessfulResult, mark_failure
from golden_runtime.timers import Timed, Timer

if TYPE_CHECKING:
    from golden_runtime.circuit_breaker import (
        CircuitBreaker,
        CircuitBreakerConfig,
        CircuitBreakerError,
        CircuitState,
        Transition,
        circuit_breakers,
    )
    from golden_runtime.dead_letter_queue import DeadLetterQueue, SyncDeadLetterQueue
    from golden_runtime.executor_pool import ExecutorPool, PoolClosedError, TaskTimeoutError
    from golden_runtime.pool_metrics import PoolMetrics
    from golden_runtime.queue_errors import (
        DuplicateTaskError,
        QueueError,
        SchemaError,
        StaleLeaseError,
        StorageError,
        StorageUnavailableError,
    )
    from golden_runtime.retry_policy import (
        RetryBudget,
        RetryConfig,
        RetryPolicy,
        RetryStatistics,
        RetryStrategy,
        RetryTimeoutError,
        remaining_seconds,
        retry,
    )
    from golden_runtime.task_queue import SyncTaskQueue, TaskQueue
    from golden_runtime.tasks import DeadLetter, PastFailure, QueueStats, Task

__version__ = "0.1.0"

__all__ = [
    "REQUEST_BUCKETS",
    "WORKFLOW_BUCKETS",
    "CircuitBreaker",
    "CircuitBreakerConfig",
    "CircuitBreakerError",
    "CircuitState",
    "ConfigurationError",
    "DeadLetter",
    "DeadLetterQueue",
    "DuplicateTaskError",
    "ExecutorPool",
    "MetricConflictError",
    "MetricNameError",
    "PastFailure",
    "PoolClosedError",
    "PoolMetrics",
    "QueueError",
    "QueueStats",
    "RetryBudget",
    "RetryConfig",
    "RetryPolicy",
    "RetryStatistics",
    "RetryStrategy",
    "RetryTimeoutError",
    "SchemaError",
    "StaleLeaseError",
    "StorageError",
    "StorageUnavailableError",
    "SyncDeadLetterQueue",
    "SyncTaskQueue",
    "Task",
    "TaskQueue",
    "TaskTimeoutError",
    "Timed",
    "Timer",
    "Transition",
    "UnsuccessfulResult",
    "circuit_breakers",
    "configure",
    "counted",
    "mark_failure",
    "measure_memory",
    "remaining_seconds",
    "retry",
    "timed",
    "traced",
    "track_adapter_request",
    "track_cache_operation",
    "track_errors",
    "track_request",
]

# A program that only measures has no use for asyncio, sqlite3 and all else that these load: they come when asked for.
_LATER = {
    "CircuitBreaker": "circuit_breaker",
    "CircuitBreakerConfig": "circuit_breaker",
    "CircuitBreakerError": "circuit_breaker",
    "CircuitState": "circuit_breaker",
    "DeadLetter": "tasks",
    "DeadLetterQueue": "dead_letter_queue",
    "DuplicateTaskError": "queue_errors",
    "ExecutorPool": "executor_pool",
    "PastFailure": "tasks",
    "PoolClosedError": "executor_pool",
    "PoolMetrics": "pool_metrics",
    "QueueError": "queue_errors",
    "QueueStats": "tasks",
    "RetryBudget": "retry_policy",
    "RetryConfig": "retry_policy",
    "RetryPolicy": "retry_policy",
    "RetryStatistics": "retry_policy",
    "RetryStrategy": "retry_policy",
    "RetryTimeoutError": "retry_policy",
    "SchemaError": "queue_errors",
    "StaleLeaseError": "queue_errors",
    "StorageError": "queue_errors",
    "StorageUnavailableError": "queue_errors",
    "SyncDeadLetterQueue": "dead_letter_queue",
    "SyncTaskQueue": "task_queue",
    "Task": "tasks",
    "TaskQueue": "task_queue",
    "TaskTimeoutError": "executor_pool",
    "Transition": "circuit_breaker",
    "circuit_breakers": "circuit_breaker",
    "remaining_seconds": "retry_policy",
    "retry": "retry_policy",
}


def __getattr__(name: str) -> object:
    if name not in _LATER:
        raise AttributeError(f"module `{__name__}` has no attribute `{name}`")
    return getattr(import_module(f"{__name__}.{_LATER[name]}"), name)
