"""What an attempt leaves behind: tasks and threads that outlive it are not under its deadline any more."""

import asyncio
import functools
import threading
from typing import Any
from uuid import uuid4

import pytest
from golden_runtime import (
    CircuitBreaker,
    CircuitBreakerConfig,
    CircuitState,
    RetryConfig,
    RetryPolicy,
    RetryTimeoutError,
    remaining_seconds,
)
from resilience_time import Clock, loop_time, run


def policy_of(**settings: Any) -> RetryPolicy:
    """Return a policy on the time of the running loop."""
    return RetryPolicy(RetryConfig(**{"jitter": "none", **settings}), name="test", clock=loop_time)


LIMITS: list[dict[str, float]] = [{"attempt_timeout": 1.0}, {"deadline": 1.0}]


@pytest.mark.parametrize("limits", LIMITS, ids=["attempt_timeout", "deadline"])
def test_background_task_has_no_deadline_when_the_attempt_is_over(limits: dict[str, float]) -> None:
    """A call that a background task begins after the attempt was cut off is made, and may take its time."""

    async def background() -> tuple[float | None, float | None, float]:
        before = remaining_seconds()
        await asyncio.sleep(2.0)
        await policy_of().execute(asyncio.sleep, 5.0)
        return before, remaining_seconds(), loop_time()

    async def main() -> tuple[float | None, float | None, float]:
        started = []

        async def work() -> None:
            started.append(asyncio.ensure_future(background()))
            await asyncio.sleep(3600.0)

        with pytest.raises(RetryTimeoutError):
            await policy_of(max_retries=0, **limits).execute(work)
        return await started[0]

    assert run(main()) == (pytest.approx(1.0), None, pytest.approx(7.0))


@pytest.mark.parametrize("limits", LIMITS, ids=["attempt_timeout", "deadline"])
def test_call_that_a_background_task_began_goes_on(limits: dict[str, float]) -> None:
    """A retried call that began within the attempt, and outlives it, is neither cut off nor short of retries."""
    begun = []

    async def slow() -> str:
        begun.append(loop_time())
        await asyncio.sleep(5.0)
        if len(begun) == 1:
            raise OSError
        return "done"

    async def main() -> str:
        started = []

        async def work() -> None:
            started.append(asyncio.ensure_future(policy_of(base_delay=3.0).execute(slow)))
            await asyncio.sleep(0.5)

        await policy_of(**limits).execute(work)
        return await started[0]

    assert run(main()) == "done"
    assert begun == [0.0, pytest.approx(8.0)]


def test_task_that_is_part_of_an_attempt_ends_with_it() -> None:
    """A policy in a task that the attempt waits for keeps to what is left, and is cut off with the attempt."""
    ended = []

    async def part() -> None:
        try:
            await policy_of(attempt_timeout=60.0).execute(asyncio.sleep, 3600.0)
        finally:
            ended.append((loop_time(), remaining_seconds()))

    async def work() -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(part())
            group.create_task(part())

    with pytest.raises(RetryTimeoutError):
        run(policy_of(attempt_timeout=2.0, max_retries=0).execute(work))
    assert ended == [(pytest.approx(2.0), 0.0)] * 2


@pytest.mark.parametrize("cut_off", [True, False])
def test_cancelling_a_background_task_is_neutral_for_its_breaker(cut_off: bool) -> None:
    """A task is not part of the attempt that started it once that is over, though that took too long."""

    async def main() -> CircuitState:
        breaker = CircuitBreaker(f"test-{uuid4().hex}", CircuitBreakerConfig(failure_threshold=1))
        started = []

        async def background() -> None:
            async with breaker:
                await asyncio.sleep(3600.0)

        async def work() -> None:
            started.append(asyncio.ensure_future(background()))
            await asyncio.sleep(3600.0 if cut_off else 0.5)

        await asyncio.gather(policy_of(attempt_timeout=1.0, max_retries=0).execute(work), return_exceptions=True)
        started[0].cancel()
        await asyncio.wait(started)
        return breaker.state

    assert run(main()) is CircuitState.CLOSED


def test_task_that_hangs_with_its_attempt_is_a_failure_of_its_breaker() -> None:
    """What the attempt waits for when it is cut off has taken too long, in whatever task it runs."""

    async def main() -> CircuitState:
        breaker = CircuitBreaker(f"test-{uuid4().hex}", CircuitBreakerConfig(failure_threshold=1), clock=loop_time)

        async def work() -> None:
            await asyncio.gather(breaker.call(asyncio.sleep, 3600.0), asyncio.sleep(3600.0))

        with pytest.raises(RetryTimeoutError):
            await policy_of(attempt_timeout=1.0, max_retries=0).execute(work)
        return breaker.state

    assert run(main()) is CircuitState.OPEN


def test_outer_deadline_holds_for_what_an_attempt_left_behind() -> None:
    """A background task falls back on the deadline around the attempt, as long as that call goes on."""

    async def background() -> float | None:
        await asyncio.sleep(2.0)
        return remaining_seconds()

    async def main() -> float | None:
        async def inner() -> "asyncio.Task[float | None]":
            return asyncio.ensure_future(background())

        async def outer() -> float | None:
            return await (await policy_of(attempt_timeout=1.0).execute(inner))

        return await policy_of(deadline=10.0).execute(outer)

    assert run(main()) == pytest.approx(8.0)


def test_threads_know_what_is_left_as_long_as_the_attempt_lasts() -> None:
    """`asyncio.to_thread` hands the deadline on; a thread that outlives the attempt has none."""
    go_on, seen = threading.Event(), []

    def work() -> None:
        seen.append(remaining_seconds())
        assert go_on.wait(60.0)
        seen.append(remaining_seconds())

    async def main() -> None:
        policy = RetryPolicy(RetryConfig(attempt_timeout=0.05, max_retries=0))
        with pytest.raises(RetryTimeoutError):
            await policy.execute(asyncio.to_thread, work)
        go_on.set()

    asyncio.run(main())
    assert seen[0] is not None
    assert seen[1] is None


@pytest.mark.parametrize("form", ["called", "block"])
def test_thread_that_could_not_be_cut_off_tries_nothing_again(form: str) -> None:
    """A synchronous call that began within an attempt keeps to its limit, though its caller waits no longer."""
    go_on, calls = threading.Event(), []
    inner = RetryPolicy(RetryConfig(base_delay=0.0))

    def fail() -> None:
        calls.append(1)
        assert go_on.wait(60.0)
        raise OSError

    def in_block() -> None:
        for attempt in inner.attempts():
            with attempt:
                fail()

    async def main() -> None:
        policy = RetryPolicy(RetryConfig(attempt_timeout=0.05, max_retries=0))
        called = functools.partial(inner.execute_sync, fail) if form == "called" else in_block
        with pytest.raises(RetryTimeoutError):
            await policy.execute(asyncio.to_thread, called)
        go_on.set()

    asyncio.run(main())
    assert calls == [1]


def test_loop_within_a_synchronous_attempt_is_cut_off() -> None:
    """A synchronous attempt cannot cut off what it runs in a loop of its own, so the policy in there does."""

    async def main() -> None:
        await RetryPolicy(RetryConfig()).execute(asyncio.sleep, 3600.0)

    policy = RetryPolicy(RetryConfig(attempt_timeout=0.01, max_retries=0))
    with pytest.raises(RetryTimeoutError, match="`attempt_timeout` cut off attempt 1"):
        policy.execute_sync(lambda: asyncio.run(main()))


def test_generator_may_be_closed_in_another_context() -> None:
    """A block in an async generator that the loop closes at its end leaves no error behind."""
    errors: list[Any] = []
    clock = Clock()

    async def stream() -> Any:
        async for attempt in RetryPolicy(RetryConfig(deadline=9.0), clock=clock).attempts():
            async with attempt:
                yield 1

    async def main() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: errors.append(context))
        streaming = stream()
        await asyncio.ensure_future(anext(streaming))

    asyncio.run(main())
    assert errors == []
