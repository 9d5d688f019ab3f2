"""When a circuit breaker opens and closes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from golden_runtime.settings import Which, check_seconds, check_share, check_whole, matcher


@dataclass(frozen=True, slots=True, kw_only=True)
class CircuitBreakerConfig:
    """When a breaker opens and closes. Raises ValueError for a value that makes no sense.

    Without `failure_rate_threshold` it opens after `failure_threshold` failures in a row. With it, that number does not
    matter: it opens when this share of the last `window_size` calls failed, once there were `minimum_calls` of them (20 unless
    given, or the window if that is smaller).

    After `timeout_seconds` it lets through probes, at most `half_open_max_calls` at a time, and closes after
    `success_threshold` of them succeeded; one failure opens it again. A probe that takes longer than `probe_timeout` seconds
    loses its slot to the next call that wants one, and from then on its result does not count.

    `ignore` says which exceptions are successes: a class, a tuple of them, or a function of the exception.
    `failure_result` is a function of what a call returned: true where that is a failure, though nothing was raised.
    """

    failure_threshold: int = 5
    success_threshold: int = 2
    timeout_seconds: float = 60.0
    window_size: int = 100
    failure_rate_threshold: float | None = None
    minimum_calls: int | None = None
    half_open_max_calls: int = 1
    probe_timeout: float = 60.0
    ignore: Which = ()
    failure_result: Callable[[Any], object] | None = None

    def __post_init__(self) -> None:
        check_whole("failure_threshold", self.failure_threshold, least=1)
        check_whole("success_threshold", self.success_threshold, least=1)
        check_seconds("timeout_seconds", self.timeout_seconds, zero=True)
        check_whole("window_size", self.window_size, least=1)
        if self.failure_rate_threshold is not None:
            check_share("failure_rate_threshold", self.failure_rate_threshold)
        if self.minimum_calls is not None:
            check_whole("minimum_calls", self.minimum_calls, least=1)
            if self.minimum_calls > self.window_size:
                raise ValueError(
                    f"`minimum_calls` is {self.minimum_calls} but `window_size` is {self.window_size}, so the breaker would "
                    "never open: make the window larger"
                )
        check_whole("half_open_max_calls", self.half_open_max_calls, least=1)
        check_seconds("probe_timeout", self.probe_timeout)
        matcher("ignore", self.ignore)
        if self.failure_result is not None and not callable(self.failure_result):
            raise ValueError(f"`failure_result` must be a function of a result, not `{self.failure_result!r}`")

    @property
    def fewest_calls(self) -> int:
        """How many calls there must be in the window before their failure rate means anything."""
        return min(20, self.window_size) if self.minimum_calls is None else self.minimum_calls
