"""What is tried again, how often, after which delay, and for how long."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, get_args

from golden_runtime.backoff import Backoff, Jitter, RetryStrategy
from golden_runtime.retry_budget import RetryBudget
from golden_runtime.settings import Which, check_seconds, check_whole, matcher


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryConfig:
    """When and how often to try again. Raises ValueError for a value that makes no sense.

    A call is tried once and then up to `max_retries` times more. Delays start at `base_delay` seconds, grow by `strategy`, and
    with their `jitter` never exceed `max_delay`: "full" spreads them over all from zero, "equal" over the upper half. Where the
    exception or the result carries a `Retry-After`, that is the delay; where it is longer than `max_delay`, there is no retry.

    `retry_on` says which exceptions are tried again (a class, a tuple of them, or a function of the exception), and
    `retry_result` which results: a function, true for one that is to be tried again. Cancellation, GeneratorExit,
    KeyboardInterrupt and SystemExit never are.

    `deadline` seconds after it began, a call is over, delays included; what is called learns of it by
    `remaining_seconds()`, and nested policies keep to it. `attempt_timeout` seconds are what one attempt may take, or a stream
    for one item. Asynchronous attempts are cut off then, with RetryTimeoutError, and tried again. A synchronous one cannot be:
    it ends when it ends, and then counts as any other; no attempt, and no item of a stream, begins after the `deadline`.

    `budget` is shared between policies and limits the retries of all of them. `on_open` says what a CircuitBreakerError does,
    which is no attempt: "raise" it at once, or "wait" until the breaker may let a call through. Such a wait is no delay: it
    takes as long as the breaker says, whatever `max_delay` is, and may come again and again; what ends it is the `deadline`.
    """

    max_retries: int = 3
    base_delay: float = 1.0
    max_delay: float = 60.0
    strategy: RetryStrategy = RetryStrategy.EXPONENTIAL
    jitter: Jitter = "full"
    retry_on: Which = Exception
    retry_result: Callable[[Any], object] | None = None
    deadline: float | None = None
    attempt_timeout: float | None = None
    budget: RetryBudget | None = None
    on_open: Literal["raise", "wait"] = "raise"

    def __post_init__(self) -> None:
        check_whole("max_retries", self.max_retries, least=0)
        check_seconds("base_delay", self.base_delay, zero=True)
        check_seconds("max_delay", self.max_delay, zero=True)
        if self.base_delay > self.max_delay:
            raise ValueError(
                f"`base_delay` is {self.base_delay} but `max_delay` is {self.max_delay}: make it the smaller one"
            )
        if self.strategy not in tuple(RetryStrategy):
            strategies = ", ".join(f"`RetryStrategy.{strategy.name}`" for strategy in RetryStrategy)
            raise ValueError(f"`strategy` must be one of {strategies}, not `{self.strategy!r}`")
        if self.jitter not in get_args(Jitter):
            raise ValueError(f'`jitter` must be "full", "equal" or "none", not `{self.jitter!r}`')
        matcher("retry_on", self.retry_on)
        if self.retry_result is not None and not callable(self.retry_result):
            raise ValueError(f"`retry_result` must be a function of a result, not `{self.retry_result!r}`")
        for setting in ("deadline", "attempt_timeout"):
            if getattr(self, setting) is not None:
                check_seconds(setting, getattr(self, setting))
        if self.budget is not None and not isinstance(self.budget, RetryBudget):
            raise ValueError(f"`budget` must be a RetryBudget, not `{self.budget!r}`")
        if self.on_open not in ("raise", "wait"):
            raise ValueError(f'`on_open` must be "raise" or "wait", not `{self.on_open!r}`')

    @property
    def backoff(self) -> Backoff:
        """The delays."""
        return Backoff(RetryStrategy(self.strategy), self.base_delay, self.max_delay, self.jitter)
