"""The attempts of one call under a retry policy: what follows from each outcome, and what is told of them."""

from __future__ import annotations

import logging
import math
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, AbstractContextManager, nullcontext
from typing import ParamSpec, TypeVar

from golden_runtime.attempt import Attempt
from golden_runtime.breaker_guard import CircuitBreakerError
from golden_runtime.breaker_states import CircuitState
from golden_runtime.callables import AWAITED, UNFINISHED, MisuseError, check_finished, misuse_of, settled
from golden_runtime.cancellation import has_cancellation, is_displaced
from golden_runtime.deadline import CutOff, Deadline, RetryTimeoutError, Until, innermost, present
from golden_runtime.frames import unseen
from golden_runtime.hooks import is_own_failure
from golden_runtime.outcomes import is_cancellation
from golden_runtime.reporting import report_once
from golden_runtime.retry_notes import Notes, described
from golden_runtime.retry_plan import Plan, RetryStatistics

P = ParamSpec("P")
R = TypeVar("R")

_LOGGER = logging.getLogger(__name__)

# Seconds between two looks at a breaker whose probes are under way.
_SHORTEST_LOOK = 0.01
_LONGEST_LOOK = 1.0


class Attempts:
    """One call under a policy, made by `RetryPolicy.attempts()`: for whoever wants its statistics, or to retry a block.

    Either `await attempts.execute(f, ...)` or `attempts.execute_sync(f, ...)`, once, and then `attempts.statistics`, whether
    that raised or not. Or a loop over it, in which each attempt is a block that ends the loop when it succeeds:

        for attempt in policy.attempts():        async for attempt in policy.attempts():
            with attempt:                            async with attempt:
                ...                                      ...
    """

    __slots__ = (
        "_block",
        "_deadline",
        "_delays",
        "_handled",
        "_kept",
        "_limit",
        "_notes",
        "_number",
        "_plan",
        "_rejections",
        "_started",
        "_unpaid",
    )

    def __init__(self, plan: Plan, *, begun: int = 0, handled: BaseException | None = None) -> None:
        self._plan = plan
        self._number = begun
        self._rejections = 0
        self._delays: list[float] = []
        self._notes = Notes(plan.name)
        # what was being handled when the attempt began
        self._handled = handled
        self._started = now = plan.clock()
        seconds = plan.config.deadline
        self._deadline = None if seconds is None else Deadline(now + seconds, plan.clock)
        self._kept: Deadline | None = None
        self._limit: Deadline | None = None
        self._block: Until | None = None
        self._unpaid = plan.config.budget

    @property
    def statistics(self) -> RetryStatistics:
        """What has been done so far."""
        elapsed = self._plan.clock() - self._started
        return RetryStatistics(self._number, self._rejections, tuple(self._delays), elapsed)

    @unseen
    async def execute(self, function: Callable[P, Awaitable[R]], /, *args: P.args, **kwargs: P.kwargs) -> R:
        """Do what `RetryPolicy.execute` does."""
        while True:
            self.begin()
            try:
                async with self.cut_off():
                    result = await settled(function, function(*args, **kwargs))
            except BaseException as error:  # cancellation too: it is told apart in `failed`
                delay = self.failed(misuse_of(function) or error)
                if delay is None:
                    raise
            else:
                delay = self.returned(result)
                if delay is None:
                    return result
            await self._plan.async_sleep(delay)

    def execute_sync(self, function: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R:
        """Do what `RetryPolicy.execute_sync` does."""
        result = self.call(function, *args, **kwargs)
        if type(result) in AWAITED:
            check_finished(function, result)
        return result

    @unseen
    def call(self, function: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R:
        """Do the same, but return what is to be awaited: no attempt has been made then."""
        self._keep()
        while True:
            self.begin()
            try:
                with self.limited():
                    result = function(*args, **kwargs)
                if type(result) in UNFINISHED:
                    if type(result) in AWAITED:
                        self._number -= 1
                        return result
                    check_finished(function, result)
            except BaseException as error:  # an interrupt too: it is told apart in `failed`
                delay = self.failed(misuse_of(function) or error)
                if delay is None:
                    raise
            else:
                delay = self.returned(result)
                if delay is None:
                    return result
            self._plan.sleep(delay)

    def __iter__(self) -> Iterator[Attempt]:
        self._keep()
        while True:
            attempt = Attempt(self, self._number + 1)
            try:
                yield attempt
            finally:
                self.end_block()
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
        if self._unpaid is not None:
            self._unpaid.pay_in()
            self._unpaid = None
        if not self._set_limit():
            raise self._too_late()
        self._handled = sys.exception()
        self._number += 1

    def _keep(self) -> None:
        """Keep to the deadline around a synchronous call, whatever becomes of that.

        If the call outlives it, that is because a thread cannot be cut off, not because it was left behind to go on.
        """
        self._kept = present()

    def _earliest(self) -> Deadline | None:
        """Return the deadline of the call, or one around it that comes before: the latter as long as it holds."""
        own, outer = self._deadline, self._kept
        if outer is None and innermost() is not None:
            outer = present()
        if own is None or outer is None:
            return own or outer
        return outer if outer.remaining() <= own.remaining() else own

    def _set_limit(self) -> bool:
        """Limit what comes next by the deadline and by `attempt_timeout`, and say whether there is any time."""
        deadline, seconds = self._earliest(), self._plan.config.attempt_timeout
        left = math.inf if deadline is None else deadline.remaining()
        if seconds is not None and seconds < left:
            self._limit = Deadline(self._plan.clock() + seconds, self._plan.clock, of_attempt=True)
        else:
            self._limit = deadline
        return left > 0

    def _too_late(self) -> RetryTimeoutError:
        told = f"attempt {self._number + 1} of `{self._plan.name}` did not begin: the deadline had passed"
        error = RetryTimeoutError(told)
        if self._number:
            # the wait took longer than it should have
            self._plan.series.gave_up(type(error).__name__)
        self._notes.add(told)
        self._notes.attach(error)
        return error

    def next_item(self) -> RetryTimeoutError | None:
        """Begin the wait for a stream's next item, and return an error where there is no time for that."""
        if self._set_limit():
            return None
        return RetryTimeoutError(
            f"the deadline passed before attempt {self._number} of `{self._plan.name}` had given all items"
        )

    def limited(self) -> AbstractContextManager[None]:
        """Pass on, to what is called within, when the attempt that has begun is to be over."""
        if self._limit is None:
            return nullcontext()
        self._block = Until(self._limit)
        return self._block

    def end_block(self) -> None:
        """Let the deadline that `limited` has passed on hold no longer, where an interrupt has kept the block from being left."""
        if self._block is not None:
            self._block.is_over = True

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
        if wanted is None or not self._plan.asks_for_retry(wanted, "retry_result", result):
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
        self.end_block()
        if isinstance(error, MisuseError):
            self._number -= 1
            return None
        if is_cancellation(error) or is_displaced(error, self._handled):
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
        if has_cancellation(error):
            self._give_up(told, "which has a cancellation in it")
            return None
        if not was_cut_off and not self._plan.asks_for_retry(self._plan.retries, "retry_on", error):
            self._give_up(told, "which `retry_on` does not name")
            return None
        delay = self._delay_after(error, told)
        if delay is None:
            self._plan.series.gave_up(type(error).__name__)
        return delay

    def _delay_after(self, outcome: object, told: str) -> float | None:
        plan = self._plan
        asked = plan.asked_delay(outcome)
        before = self._delays[-1] if self._delays else plan.config.base_delay
        delay = plan.backoff.delay(self._number, before, plan.random) if asked is None else asked
        hindrance = self._hindrance(delay)
        if hindrance:
            self._give_up(told, hindrance)
            return None
        self._delays.append(delay)
        plan.series.delay.record(delay)
        return self._wait(delay, f"attempt {self._number} {told}")

    def _hindrance(self, delay: float) -> str:
        """Say what is against trying again after so many seconds; the budget comes last, for asking it takes one out."""
        config = self._plan.config
        if self._number > config.max_retries:
            return f"`max_retries`, {config.max_retries}, allows no more"
        if delay > config.max_delay:
            return f"the {delay:.3g} s it asks to wait are more than `max_delay`"
        if self._has_no(delay):
            return f"the deadline does not leave the {delay:.3g} s to wait"
        return "" if config.budget is None or config.budget.take() else "the retry budget is spent"

    def _has_no(self, delay: float) -> bool:
        deadline = self._earliest()
        return deadline is not None and delay >= deadline.remaining()

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
        elif self._has_no(delay):
            self._notes.add(f"{told}, and the deadline does not leave that")
        else:
            return self._wait(delay, told)
        return None

    def _wait(self, delay: float, told: str) -> float:
        self._notes.add(f"{told}; waited {delay:.3g} s")
        try:
            _LOGGER.info("retry `%s`: %s; trying again in %.3g s", self._plan.name, told, delay)
        except Exception as failed:  # an application's own logging handler must not break the call
            if not is_own_failure(failed):
                raise
            report_once("logging a retry failed")
        return delay

    def _give_up(self, told: str, reason: str) -> None:
        self._notes.add(f"attempt {self._number} {told}; {reason}")
