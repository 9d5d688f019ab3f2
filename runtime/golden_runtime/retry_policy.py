"""Retry policies: what failed is tried again, after growing delays, as long as that makes sense."""

from __future__ import annotations

import asyncio
import random
import sys
import time
from collections.abc import Awaitable, Callable
from types import CoroutineType
from typing import Any, Literal, ParamSpec, TypedDict, TypeVar, Unpack

from golden_runtime.attempt import Attempt
from golden_runtime.attempts import Attempts
from golden_runtime.backoff import Jitter, RetryStrategy
from golden_runtime.callables import UNFINISHED, check_finished, misuse_of, settled
from golden_runtime.deadline import RetryTimeoutError, innermost, remaining_seconds
from golden_runtime.retry_budget import RetryBudget
from golden_runtime.retry_config import RetryConfig
from golden_runtime.retry_plan import Plan, RetryStatistics
from golden_runtime.retry_series import RetrySeries
from golden_runtime.retry_wrapping import retried
from golden_runtime.settings import Which, matcher

__all__ = [
    "Attempt",
    "Attempts",
    "RetryBudget",
    "RetryConfig",
    "RetryPolicy",
    "RetryStatistics",
    "RetryStrategy",
    "RetryTimeoutError",
    "remaining_seconds",
    "retry",
]

P = ParamSpec("P")
R = TypeVar("R")
F = TypeVar("F", bound=Callable[..., Any])


# Looked up at each wait: a test that replaces `time.sleep` has no policy wait, as it had no loop wait before.
# One without a delay does not even ask: it may stand where a loop had no pause, and be tested for that.
def _sleep(seconds: float) -> None:
    if seconds > 0:
        time.sleep(seconds)


def _async_sleep(seconds: float) -> Awaitable[object]:
    return asyncio.sleep(seconds)


class RetryPolicy:
    """Calls functions until they succeed, an error is not to be retried, or there is nothing left to try with.

    Use it as `await policy.execute(f, ...)` and `policy.execute_sync(f, ...)`, as a decorator of functions of every kind
    (`@policy`), or around blocks (see `attempts`). Threads and tasks may share it: nothing of one call is seen by another.
    What is raised in the end is the last error itself, and its notes tell of the attempts. The `name` is the label of its
    series.

    `clock` returns seconds and never goes back, `sleep` and `async_sleep` wait for seconds, and `random` returns a number
    from 0 up to 1.
    """

    __slots__ = ("_plan", "config", "name")

    def __init__(
        self,
        config: RetryConfig | None = None,
        *,
        name: str = "default",
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], object] = _sleep,
        async_sleep: Callable[[float], Awaitable[object]] = _async_sleep,
        random: Callable[[], float] = random.random,
    ) -> None:
        if not isinstance(name, str) or not name:
            raise ValueError(f"the name of a retry policy must be a string that is not empty, not `{name!r}`")
        self.name = name
        self.config = config = config or RetryConfig()
        settings = (config.retry_result, config.deadline, config.attempt_timeout, config.budget)
        self._plan = Plan(
            name=name,
            config=config,
            backoff=config.backoff,
            retries=matcher("retry_on", config.retry_on),
            series=RetrySeries(name),
            clock=clock,
            sleep=sleep,
            async_sleep=async_sleep,
            random=random,
            # before it fails, all there is to do for such a call is to count it
            is_plain=all(setting is None for setting in settings),
        )

    def __repr__(self) -> str:
        return f"RetryPolicy({self.name!r}, {self.config!r})"

    def attempts(self) -> Attempts:
        """Return the attempts of one call: to have its statistics, or to try a block of code again."""
        return Attempts(self._plan)

    async def execute(self, function: Callable[P, Awaitable[R]], /, *args: P.args, **kwargs: P.kwargs) -> R:
        """Call a coroutine function until it succeeds, and return what it returns; raise the last error otherwise.

        A plain function may be given too; it blocks the event loop while it runs. Raises CircuitBreakerError where a breaker
        lets no call through, RetryTimeoutError where an attempt was cut off, and TypeError for a generator function, which is
        to be decorated instead.
        """
        plan = self._plan
        if not plan.is_plain or innermost() is not None:
            return await Attempts(plan).execute(function, *args, **kwargs)
        handled = sys.exception()
        try:
            called = function(*args, **kwargs)
            result = await (called if type(called) is CoroutineType else settled(function, called))
        except BaseException as error:  # cancellation too: it is told apart in `failed`
            attempts, delay = self._begun(function, error, handled)
            if delay is None:
                raise
        else:
            plan.series.success.count()
            return result
        await plan.async_sleep(delay)
        return await attempts.execute(function, *args, **kwargs)

    def execute_sync(self, function: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R:
        """Call a plain function until it succeeds, and return what it returns; raise the last error otherwise.

        Raises CircuitBreakerError where a breaker lets no call through, RetryTimeoutError where the deadline leaves no time
        for the first attempt, and TypeError for coroutine and generator functions.
        """
        plan = self._plan
        if not plan.is_plain or innermost() is not None:
            return Attempts(plan).execute_sync(function, *args, **kwargs)
        try:
            result = function(*args, **kwargs)
            if type(result) in UNFINISHED:
                check_finished(function, result)
        except BaseException as error:  # an interrupt too: it is told apart in `failed`
            # a plain call is not cancelled while it runs
            attempts, delay = self._begun(function, error, error)
            if delay is None:
                raise
        else:
            plan.series.success.count()
            return result
        plan.sleep(delay)
        return attempts.execute_sync(function, *args, **kwargs)

    def _begun(
        self, function: Callable[..., object], error: BaseException, handled: BaseException | None
    ) -> tuple[Attempts, float | None]:
        """Return what goes on after a first attempt that failed, and the seconds until then, or None where nothing does."""
        attempts = Attempts(self._plan, begun=1, handled=handled)
        return attempts, attempts.failed(misuse_of(function) or error)

    def __call__(self, function: F) -> F:
        """Return the function, retried: of the same kind, with the same signature and metadata.

        A generator is begun again as long as it has not given its first item; from then on errors pass, since what was handed
        on cannot be taken back. Raises TypeError for what is no function.
        """
        if isinstance(function, staticmethod | classmethod):
            return type(function)(self(function.__func__))
        return retried(self._plan, function)


class RetrySettings(TypedDict, total=False):
    """The settings of RetryConfig, as keywords of `retry`."""

    max_retries: int
    base_delay: float
    max_delay: float
    strategy: RetryStrategy
    jitter: Jitter
    retry_on: Which
    retry_result: Callable[[Any], object] | None
    deadline: float | None
    attempt_timeout: float | None
    budget: RetryBudget | None
    on_open: Literal["raise", "wait"]


def retry(
    config: RetryConfig | None = None, /, *, name: str | None = None, **settings: Unpack[RetrySettings]
) -> Callable[[F], F]:
    """Return a decorator that retries a function of any kind: `@retry(max_retries=5, retry_on=ConnectionError)`.

    The settings are those of RetryConfig, of which one may be given instead. `name` is the label of the series; without one
    it is the function's, with its module. Raises ValueError for a setting that makes no sense, and TypeError for both.
    """
    if callable(config):
        raise TypeError("`retry` is called before it decorates: write `@retry()`")
    if config is not None and settings:
        raise TypeError("`retry` takes a RetryConfig or its settings as keywords, not both")
    chosen = config or RetryConfig(**settings)

    def decorate(function: F) -> F:
        return RetryPolicy(chosen, name=name or _name(function))(function)

    return decorate


def _name(function: Callable[..., Any]) -> str:
    inner = getattr(function, "__func__", function)
    inner = getattr(inner, "func", inner)
    return f"{inner.__module__}.{getattr(inner, '__qualname__', type(inner).__qualname__)}".replace("<locals>.", "")
