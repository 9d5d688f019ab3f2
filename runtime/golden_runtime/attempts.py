"""The attempts of one call under a retry policy: what follows from each outcome, and what is told of them."""

from __future__ import annotations

import logging
import math
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any, ParamSpec, TypeVar

from golden_runtime.attempt import Attempt
from golden_runtime.backoff import Backoff
from golden_runtime.breaker_guard import CircuitBreakerError
from golden_runtime.breaker_states import CircuitState
from golden_runtime.callables import UNFINISHED, check_finished, settled
from golden_runtime.deadline import CutOff, Deadline, RetryTimeoutError, Until, present
from golden_runtime.outcomes import is_cancellation
from golden_runtime.reporting import report_once
from golden_runtime.retry_after import retry_after
from golden_runtime.retry_config import RetryConfig
from golden_runtime.retry_notes import Notes, described
from golden_runtime.retry_series import RetrySeries

P = ParamSpec("P")
R = TypeVar("R")

_LOGGER = logging.getLogger(__name__)

# Seconds between two looks at a breaker whose probes are under way.
_SHORTEST_LOOK = 0.01
_LONGEST_LOOK = 1.0


@dataclass(frozen=True, slots=True)
class RetryStatistics:
    """What has been done for one call so far. Times in seconds; a breaker's rejections are no attempts."""

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


class Attempts:
    """One call under a policy, made by `RetryPolicy.attempts()`: for whoever wants its statistics, or to retry a block.

    Either `await attempts.execute(f, ...)` or `attempts.execute_sync(f, ...)`, once, and then `attempts.statistics`, whether
    that raised or not. Or a loop over it, in which each attempt is a block that ends the loop when it succeeds:

        for attempt in policy.attempts():        async for attempt in policy.attempts():
            with attempt:                            async with attempt:
                ...                                      ...
    """

    __slots__ = ("_deadline", "_delays", "_limit", "_notes", "_number", "_plan", "_rejections", "_started")

    def __init__(self, plan: Plan, *, begun: int = 0) -> None:
        self._plan = plan
        self._number = begun
        self._rejections = 0
        self._delays: list[float] = []
        self._notes = Notes(plan.name)
        self._started = plan.clock()
        self._deadline = self._limit = _earlier(present(), plan.config.deadline, self._started, plan.clock)

    @property
    def statistics(self) -> RetryStatistics:
        """What has been done so far."""
        elapsed = self._plan.clock() - self._started
        return RetryStatistics(self._number, self._rejections, tuple(self._delays), elapsed)

    async def execute(self, function: Callable[P, Awaitable[R]], /, *args: P.args, **kwargs: P.kwargs) -> R:
        """Do what `RetryPolicy.execute` does."""
        while True:
            self.begin()
            try:
                async with self.cut_off():
                    result = await settled(function, function(*args, **kwargs))
            except BaseException as error:
                delay = self.failed(error)
                if delay is None:
                    raise
            else:
                delay = self.returned(result)
                if delay is None:
                    return result
            await self._plan.async_sleep(delay)

    def execute_sync(self, function: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R:
        """Do what `RetryPolicy.execute_sync` does."""
        while True:
            self.begin()
            try:
                with self.limited():
                    result = function(*args, **kwargs)
                if type(result) in UNFINISHED:
                    check_finished(function, result)
            except BaseException as error:
                delay = self.failed(error)
                if delay is None:
                    raise
            else:
                delay = self.returned(result)
                if delay is None:
                    return result
            self._plan.sleep(delay)

    def __iter__(self) -> Iterator[Attempt]:
        while True:
            attempt = Attempt(self, self._number + 1)
            yield attempt
            if attempt.delay is None:
                return
            self._plan.sleep(attempt.delay)

    async def __aiter__(self) -> AsyncIterator[Attempt]:
        while True:
            attempt = Attempt(self, self._number + 1)
            yield attempt
            if attempt.delay is None:
                return
            await self._plan.async_sleep(attempt.delay)

    def begin(self) -> None:
        """Begin an attempt. Raises RetryTimeoutError where the deadline has passed."""
        config = self._plan.config
        if config.budget is not None and not self._number and not self._rejections:
            config.budget.pay_in()
        if self._deadline is not None and self._deadline.remaining() <= 0:
            raise self._too_late()
        self._number += 1
        if config.attempt_timeout is not None:
            clock = self._plan.clock
            self._limit = _earlier(self._deadline, config.attempt_timeout, clock(), clock, of_attempt=True)

    def _too_late(self) -> RetryTimeoutError:
        told = f"attempt {self._number + 1} of `{self._plan.name}` did not begin: the deadline had passed"
        error = RetryTimeoutError(told)
        if self._number:
            # the wait took longer than it should have
            self._plan.series.gave_up(type(error).__name__)
        self._notes.add(told)
        self._notes.attach(error)
        return error

    def limited(self) -> AbstractContextManager[None]:
        """Pass on, to what is called within, when the attempt that has begun is to be over."""
        return nullcontext() if self._limit is None else Until(self._limit)

    def cut_off(self) -> AbstractAsyncContextManager[None]:
        """Pass that on, and cut off what is awaited within. Raises RetryTimeoutError where its time is over."""
        if self._limit is None:
            return nullcontext()
        whose = "`attempt_timeout`" if self._limit.of_attempt else "the deadline"
        return CutOff(self._limit, f"{whose} cut off attempt {self._number} of `{self._plan.name}`")

    def succeeded(self) -> None:
        """Take the outcome of an attempt that succeeded."""
        self._plan.series.success.count()

    def returned(self, result: object) -> float | None:
        """Take the outcome of an attempt that returned: give the seconds after which to try again, or None."""
        wanted = self._plan.config.retry_result
        if wanted is None or not self._asked(wanted, "retry_result", result):
            self.succeeded()
            return None
        self._plan.series.failure.count()
        delay = self._delay_after(result, "returned what is to be tried again")
        if delay is None:
            self._plan.series.gave_up("result")
        return delay

    def failed(self, error: BaseException, *, final: bool = False) -> float | None:
        """Take the outcome of an attempt that raised: give the seconds after which to try again, or None to let it raise.

        `final` says that the attempt got so far that it must not be made again.
        """
        if is_cancellation(error):
            self._plan.series.cancelled.count()
            return None
        if isinstance(error, CircuitBreakerError) and not final:
            delay = self._rejected(error)
        else:
            self._plan.series.failure.count()
            delay = self._delay_after_error(error, final=final)
        if delay is None:
            self._notes.attach(error)
        return delay

    def _delay_after_error(self, error: BaseException, *, final: bool) -> float | None:
        told = f"failed with {described(error)}"
        was_cut_off = isinstance(error, RetryTimeoutError) and error.limit is not None and error.limit is self._limit
        if final:
            self._give_up(told, "its first item had been handed on")
            return None
        if not was_cut_off and not self._asked(self._plan.retries, "retry_on", error):
            self._give_up(told, "which `retry_on` does not name")
            return None
        delay = self._delay_after(error, told)
        if delay is None:
            self._plan.series.gave_up(type(error).__name__)
        return delay

    def _delay_after(self, outcome: object, told: str) -> float | None:
        plan = self._plan
        asked = self._asked_delay(outcome)
        before = self._delays[-1] if self._delays else plan.config.base_delay
        delay = plan.backoff.delay(self._number, before, plan.random) if asked is None else asked
        hindrance = self._hindrance(delay)
        if hindrance:
            self._give_up(told, hindrance)
            return None
        self._delays.append(delay)
        return self._wait(delay, f"attempt {self._number} {told}")

    def _hindrance(self, delay: float) -> str:
        """Say what is against trying again after so many seconds; the budget comes last, for asking it takes one out."""
        config = self._plan.config
        if self._number > config.max_retries:
            return f"`max_retries`, {config.max_retries}, allows no more"
        if delay > config.max_delay:
            return f"the {delay:.3g} s it asks to wait are more than `max_delay`"
        if self._deadline is not None and delay >= self._deadline.remaining():
            return f"the deadline does not leave the {delay:.3g} s to wait"
        return "" if config.budget is None or config.budget.take() else "the retry budget is spent"

    def _rejected(self, error: CircuitBreakerError) -> float | None:
        """Give the seconds after which a breaker may let a call through: no attempt was made, so none is used up."""
        self._number -= 1
        self._rejections += 1
        told, delay = str(error), error.retry_after
        if error.state is CircuitState.HALF_OPEN:
            # nobody knows when a probe ends: all who wait look again, but not at the same moment
            delay = min(delay, max(_SHORTEST_LOOK, _LONGEST_LOOK * self._plan.random()))
        if self._plan.config.on_open == "raise":
            self._notes.add(told)
        elif math.isinf(delay):
            self._notes.add(f"{told}, so that there is nothing to wait for")
        elif self._deadline is not None and delay >= self._deadline.remaining():
            self._notes.add(f"{told}, and the deadline does not leave that")
        else:
            return self._wait(delay, told)
        return None

    def _wait(self, delay: float, told: str) -> float:
        self._notes.add(f"{told}; waited {delay:.3g} s")
        self._plan.series.delay.record(delay)
        try:
            _LOGGER.info("retry `%s`: %s; trying again in %.3g s", self._plan.name, told, delay)
        except Exception:  # noqa: BLE001 - an application's own logging handler must not break the call
            report_once("logging a retry failed")
        return delay

    def _give_up(self, told: str, reason: str) -> None:
        self._notes.add(f"attempt {self._number} {told}; {reason}")

    def _asked(self, function: Callable[[Any], object], setting: str, outcome: object) -> bool:
        try:
            return bool(function(outcome))
        except Exception:  # noqa: BLE001 - what a user's function raises must not take the place of what the call did
            report_once(f"`{setting}` of retry `{self._plan.name}` failed, so there is no retry")
            return False

    def _asked_delay(self, outcome: object) -> float | None:
        try:
            return retry_after(outcome)
        except Exception:  # noqa: BLE001 - looking at a foreign object may run any code
            report_once(f"what retry `{self._plan.name}` was to wait cannot be read from `{type(outcome).__name__}`")
            return None


def _earlier(
    outer: Deadline | None, seconds: float | None, now: float, clock: Callable[[], float], *, of_attempt: bool = False
) -> Deadline | None:
    if seconds is None or (outer is not None and outer.remaining() <= seconds):
        return outer
    return Deadline(now + seconds, clock, of_attempt)
