"""Retries and circuit breakers together: rejections are no attempts, and cut-off attempts are failures."""

import asyncio
from typing import Any
from uuid import uuid4

import pytest
from exposed import value
from golden_runtime import (
    CircuitBreaker,
    CircuitBreakerConfig,
    CircuitBreakerError,
    CircuitState,
    RetryConfig,
    RetryPolicy,
    RetryStatistics,
    RetryTimeoutError,
)
from resilience_time import Clock, loop_time, policy_of, run


def opened(clock: Any, **settings: Any) -> CircuitBreaker:
    """Return a breaker that opened just now, for 30 seconds."""
    config = CircuitBreakerConfig(failure_threshold=1, timeout_seconds=30.0, success_threshold=1, **settings)
    breaker = CircuitBreaker(f"test-{uuid4().hex}", config, clock=clock)
    with pytest.raises(OSError), breaker:  # noqa: PT011 - any will do
        raise OSError
    return breaker


def test_open_breaker_raises_at_once() -> None:
    """By default a rejection is raised as it is: no attempt was made, none is left to make, nobody waits."""
    clock = Clock()
    breaker, attempts = opened(clock), policy_of(clock).attempts()
    with pytest.raises(CircuitBreakerError) as raised:
        attempts.execute_sync(breaker.call_sync, int)
    assert (raised.value.retry_after, attempts.statistics.attempts, attempts.statistics.rejections) == (30.0, 0, 1)
    assert clock.slept == []


def test_breaker_that_opens_meanwhile_ends_the_retries() -> None:
    """Where the attempts themselves open the breaker, the next is rejected, and the notes tell of those before."""
    clock = Clock()
    breaker = CircuitBreaker(f"test-{uuid4().hex}", CircuitBreakerConfig(failure_threshold=2), clock=clock)

    def fail() -> None:
        raise OSError("down")

    attempts = policy_of(clock, max_retries=9).attempts()
    with pytest.raises(CircuitBreakerError) as raised:
        attempts.execute_sync(breaker.call_sync, fail)
    assert (attempts.statistics.attempts, attempts.statistics.rejections) == (2, 1)
    assert [note.partition(": ")[2][:27] for note in raised.value.__notes__[:2]] == [
        "attempt 1 failed with OSErr",
        "attempt 2 failed with OSErr",
    ]


def test_waiting_for_a_breaker_uses_up_no_attempt() -> None:
    """With `on_open="wait"` the call is made as soon as the breaker may let it through, even without retries."""
    clock = Clock()
    breaker, attempts = opened(clock), policy_of(clock, on_open="wait", max_retries=0).attempts()
    assert attempts.execute_sync(breaker.call_sync, lambda: "done") == "done"
    assert (clock.slept, attempts.statistics.attempts, attempts.statistics.rejections) == ([30.0], 1, 1)
    assert breaker.state is CircuitState.CLOSED


def test_wait_for_a_breaker_is_no_delay() -> None:
    """It takes as long as the breaker says, whatever `max_delay` is, and is neither in the statistics nor in the series."""
    clock, name = Clock(), f"test-{uuid4().hex}"
    config = RetryConfig(jitter="none", base_delay=2.0, max_delay=5.0, on_open="wait")
    attempts = RetryPolicy(config, name=name, clock=clock, sleep=clock.sleep).attempts()
    breaker, errors = opened(clock), [OSError()]

    def work() -> None:
        if errors:
            raise errors.pop()

    attempts.execute_sync(breaker.call_sync, work)
    assert clock.slept == [30.0, 2.0, 28.0]
    assert attempts.statistics == RetryStatistics(attempts=2, rejections=2, delays=(2.0,), elapsed=60.0)
    assert value("retry_delay_seconds_count", name=name) == 1.0


def test_deadline_limits_the_wait_for_a_breaker() -> None:
    """Where the deadline does not leave the wait, the rejection is raised at once."""
    clock = Clock()
    breaker = opened(clock)
    with pytest.raises(CircuitBreakerError):
        policy_of(clock, on_open="wait", deadline=29.0).execute_sync(breaker.call_sync, int)
    assert clock.slept == []
    assert policy_of(clock, on_open="wait", deadline=31.0).execute_sync(breaker.call_sync, int) == 0


def test_breaker_that_was_forced_open_is_not_waited_for() -> None:
    """Nothing but somebody's hand ends that, so even without a deadline the rejection is raised."""
    clock = Clock()
    breaker = opened(clock)
    breaker.force_open()
    with pytest.raises(CircuitBreakerError):
        policy_of(clock, on_open="wait").execute_sync(breaker.call_sync, int)
    assert clock.slept == []


def test_all_who_wait_get_through_one_after_the_other() -> None:
    """Fifty tasks wait for one breaker: one probe at a time goes, and in the end all have been called once."""
    calls: list[float] = []

    async def work() -> None:
        calls.append(loop_time())
        await asyncio.sleep(0.2)

    async def main() -> None:
        breaker = opened(loop_time, half_open_max_calls=1)
        policy = RetryPolicy(RetryConfig(on_open="wait", max_retries=0, deadline=60.0), name="test", clock=loop_time)
        await asyncio.gather(*(policy.execute(breaker.call, work) for _ in range(50)))

    run(main())
    assert len(calls) == 50
    assert sum(call < 30.2 for call in calls) == 1


def test_attempt_that_took_too_long_is_a_failure_of_the_breaker() -> None:
    """A dependency that hangs opens the breaker, though what it sees is a cancellation."""

    async def main() -> CircuitState:
        breaker = CircuitBreaker(f"test-{uuid4().hex}", CircuitBreakerConfig(failure_threshold=2), clock=loop_time)
        policy = RetryPolicy(RetryConfig(attempt_timeout=1.0, max_retries=1), name="test", clock=loop_time)
        with pytest.raises(RetryTimeoutError):
            await policy.execute(breaker.call, asyncio.sleep, 3600.0)
        return breaker.state

    assert run(main()) is CircuitState.OPEN


def test_attempt_timeout_reaches_breakers_within_nested_policies() -> None:
    """The same holds where the attempt that took too long is one of a policy further out."""

    async def main() -> CircuitState:
        breaker = CircuitBreaker(f"test-{uuid4().hex}", CircuitBreakerConfig(failure_threshold=1), clock=loop_time)
        inner = RetryPolicy(RetryConfig(deadline=60.0, attempt_timeout=50.0), name="test", clock=loop_time)
        outer = RetryPolicy(RetryConfig(attempt_timeout=1.0, max_retries=0), name="test", clock=loop_time)
        with pytest.raises(RetryTimeoutError):
            await outer.execute(inner.execute, breaker.call, asyncio.sleep, 3600.0)
        return breaker.state

    assert run(main()) is CircuitState.OPEN


@pytest.mark.parametrize("way", ["deadline", "cancelled"])
def test_caller_who_gives_up_is_no_failure_of_the_breaker(way: str) -> None:
    """A call that ends because its caller has no more time says nothing about the dependency."""

    async def main() -> CircuitState:
        breaker = CircuitBreaker(f"test-{uuid4().hex}", CircuitBreakerConfig(failure_threshold=1), clock=loop_time)
        config = RetryConfig(deadline=1.0) if way == "deadline" else RetryConfig(attempt_timeout=9.0)
        task = asyncio.ensure_future(
            RetryPolicy(config, name="test", clock=loop_time).execute(breaker.call, asyncio.sleep, 3600.0)
        )
        await asyncio.sleep(2.0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return breaker.state

    assert run(main()) is CircuitState.CLOSED
