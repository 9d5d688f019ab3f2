"""What all calls under one retry policy share, and what is told of each."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from golden_runtime.backoff import Backoff
from golden_runtime.hooks import is_own_failure
from golden_runtime.reporting import report_once
from golden_runtime.retry_after import retry_after
from golden_runtime.retry_config import RetryConfig
from golden_runtime.retry_series import RetrySeries


@dataclass(frozen=True, slots=True)
class RetryStatistics:
    """What has been done for one call so far. Times in seconds.

    A breaker's rejections are no attempts, and the waits until it may let a call through are no `delays`.
    """

    attempts: int
    rejections: int
    delays: tuple[float, ...]
    elapsed: float


@dataclass(frozen=True, slots=True)
class Plan:
    """What all calls under one policy share. Nothing in it changes from call to call."""

    name: str
    config: RetryConfig
    backoff: Backoff
    retries: Callable[[BaseException], object]
    series: RetrySeries
    clock: Callable[[], float]
    sleep: Callable[[float], object]
    async_sleep: Callable[[float], Awaitable[object]]
    random: Callable[[], float]
    is_plain: bool

    def asks_for_retry(self, function: Callable[[Any], object], setting: str, outcome: object) -> bool:
        """Ask a user's function about an error or a result; what it raises says no, and is logged once."""
        try:
            return bool(function(outcome))
        except BaseException as error:  # what a user's function raises must not take the place of what the call did
            if not is_own_failure(error):
                raise
            report_once(f"`{setting}` of retry `{self.name}` failed, so there is no retry")
            return False

    def asked_delay(self, outcome: object) -> float | None:
        """Return the seconds that an error or a result asks to wait; None where it does not."""
        try:
            return retry_after(outcome)
        except Exception as error:  # looking at a foreign object may run any code
            if not is_own_failure(error):
                raise
            report_once(f"what retry `{self.name}` was to wait cannot be read from `{type(outcome).__name__}`")
            return None
