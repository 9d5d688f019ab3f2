"""The shared runtime: decorators that record what a function does as Prometheus series."""

from golden_runtime.composites import track_adapter_request, track_cache_operation, track_request
from golden_runtime.decorators import Timer, counted, timed, track_errors
from golden_runtime.metrics import ConfigurationError, MetricConflictError, configure

__version__ = "0.1.0"

__all__ = [
    "ConfigurationError",
    "MetricConflictError",
    "Timer",
    "configure",
    "counted",
    "timed",
    "track_adapter_request",
    "track_cache_operation",
    "track_errors",
    "track_request",
]
