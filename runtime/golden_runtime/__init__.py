"""golden-runtime: measure functions as Prometheus metrics, whatever kind of function they are.

`track_request`, `track_adapter_request` and `track_cache_operation` measure a function as a whole; `counted`, `timed` and
`track_errors` measure one thing of it. `configure` sets the namespace and the registry.
"""

from __future__ import annotations

from golden_runtime.circuit_breaker import (
    CircuitBreaker,
    CircuitBreakerConfig,
    CircuitBreakerError,
    CircuitState,
    Transition,
    circuit_breakers,
)
from golden_runtime.composites import track_adapter_request, track_cache_operation, track_request
from golden_runtime.decorators import Timed, Timer, counted, timed, track_errors
from golden_runtime.errors import ConfigurationError, MetricConflictError, MetricNameError
from golden_runtime.metrics import configure
from golden_runtime.retry import (
    RetryBudget,
    RetryConfig,
    RetryPolicy,
    RetryStatistics,
    RetryStrategy,
    RetryTimeoutError,
    remaining_seconds,
    retry,
)

__version__ = "0.1.0"

__all__ = [
    "CircuitBreaker",
    "CircuitBreakerConfig",
    "CircuitBreakerError",
    "CircuitState",
    "ConfigurationError",
    "MetricConflictError",
    "MetricNameError",
    "RetryBudget",
    "RetryConfig",
    "RetryPolicy",
    "RetryStatistics",
    "RetryStrategy",
    "RetryTimeoutError",
    "Timed",
    "Timer",
    "Transition",
    "circuit_breakers",
    "configure",
    "counted",
    "remaining_seconds",
    "retry",
    "timed",
    "track_adapter_request",
    "track_cache_operation",
    "track_errors",
    "track_request",
]
