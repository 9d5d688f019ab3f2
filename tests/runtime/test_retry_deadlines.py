"""Deadlines and the timeouts of attempts: when they end what, and what nested code learns of them."""

import asyncio
import functools
import time
from typing import Any

import pytest
from golden_runtime import RetryConfig, RetryPolicy, RetryTimeoutError, remaining_seconds
from resilience_time import Clock, loop_time, run


def sync_policy(clock: Clock, **settings: Any) -> RetryPolicy:
    """Return a policy for synchronous functions on a clock that sleeping moves."""
    config = RetryConfig(**{"jitter": "none", **settings})
    return RetryPolicy(config, name="test", clock=clock, sleep=clock.sleep)


def async_policy(**settings: Any) -> RetryPolicy:
    """Return a policy on the time of the running loop."""
    return RetryPolicy(RetryConfig(**{"jitter": "none", **settings}), name="test", clock=loop_time)


def test_no_delay_begins_that_the_deadline_does_not_leave() -> None:
    """A wait that would end after the deadline is not begun: the last error is raised at once."""
    clock = Clock()
    with pytest.raises(OSError, match="down") as raised:
        sync_policy(clock, deadline=4.0, max_retries=9).execute_sync(_fail)
    assert clock.slept == [1.0, 2.0]
    assert raised.value.__notes__[-1].endswith("the deadline does not leave the 4 s to wait")


def _fail() -> None:
    raise OSError("down")


def test_deadline_cuts_off_an_attempt() -> None:
    """An asynchronous attempt that is under way at the deadline ends there, and none follows."""
    started = []

    async def hang() -> None:
        started.append(loop_time())
        await asyncio.sleep(3600.0)

    async def main() -> float:
        with pytest.raises(RetryTimeoutError, match="the deadline cut off attempt 1 of `test`"):
            await async_policy(deadline=5.0).execute(hang)
        return loop_time()

    assert run(main()) == pytest.approx(5.0)
    assert started == [0.0]


def test_attempt_timeout_is_tried_again() -> None:
    """An attempt that takes too long is cut off and repeated, though `retry_on` names other errors."""
    durations = iter([9.0, 9.0, 1.0])

    async def slow() -> str:
        await asyncio.sleep(next(durations))
        return "done"

    async def main() -> tuple[str, float]:
        policy = async_policy(attempt_timeout=2.0, base_delay=0.5, retry_on=ConnectionError)
        return await policy.execute(slow), loop_time()

    assert run(main()) == ("done", pytest.approx(2.0 + 0.5 + 2.0 + 1.0 + 1.0))


def test_synchronous_attempt_that_took_too_long_counts_as_any_other() -> None:
    """It cannot be cut off; where it fails in the end it is tried again, and where it succeeds its result is returned."""
    clock, errors = Clock(), [OSError("slow"), OSError("slower")]

    def slow() -> str:
        clock.advance(9.0)
        if errors:
            raise errors.pop()
        return "done"

    assert sync_policy(clock, attempt_timeout=2.0).execute_sync(slow) == "done"
    assert clock.slept == [1.0, 2.0]


def test_timeout_of_the_function_itself_is_its_own() -> None:
    """A TimeoutError that the function raises is an error like any other: `retry_on` decides."""

    async def impatient() -> None:
        async with asyncio.timeout(1.0):
            await asyncio.sleep(3600.0)

    async def main() -> None:
        await async_policy(attempt_timeout=2.0, retry_on=ConnectionError).execute(impatient)

    with pytest.raises(TimeoutError) as raised:
        run(main())
    assert not isinstance(raised.value, RetryTimeoutError)


def test_timeout_of_a_nested_policy_is_its_own() -> None:
    """A policy that gave up because its attempts took too long has failed like any other: the outer `retry_on` decides."""
    begun = []

    async def hang() -> None:
        begun.append(1)
        await asyncio.sleep(3600.0)

    async def main() -> None:
        inner = async_policy(attempt_timeout=1.0, max_retries=1)
        await async_policy(attempt_timeout=60.0, retry_on=ConnectionError).execute(inner.execute, hang)

    with pytest.raises(RetryTimeoutError, match="`attempt_timeout` cut off attempt 2"):
        run(main())
    assert begun == [1, 1]


def test_cancellation_is_not_taken_for_a_timeout() -> None:
    """Who cancels an attempt that also has a timeout gets its cancellation, not an error."""

    async def main() -> None:
        task = asyncio.ensure_future(async_policy(attempt_timeout=5.0, deadline=9.0).execute(asyncio.sleep, 3600.0))
        await asyncio.sleep(1.0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    run(main())


def test_deadline_ends_attempt_timeouts_too() -> None:
    """An attempt gets no more than the deadline leaves."""

    async def main() -> float:
        with pytest.raises(RetryTimeoutError, match="the deadline cut off attempt 2"):
            await async_policy(attempt_timeout=3.0, deadline=5.0).execute(asyncio.sleep, 3600.0)
        return loop_time()

    assert run(main()) == pytest.approx(5.0)


def test_deadline_passes_on_to_nested_policies() -> None:
    """A policy within another keeps to the deadline of the outer one, though its own is later."""

    async def main() -> float:
        inner, outer = async_policy(deadline=100.0, max_retries=50), async_policy(deadline=10.0, max_retries=0)

        async def fail() -> None:
            _fail()

        with pytest.raises(OSError, match="down"):
            await outer.execute(inner.execute, fail)
        return loop_time()

    # after waits of 1, 2 and 4 seconds the 8 that would follow are too many
    assert run(main()) == pytest.approx(7.0)


@pytest.mark.parametrize("form", ["called", "decorated"])
@pytest.mark.parametrize("awaited", [False, True], ids=["sync", "async"])
def test_deadline_holds_for_every_form(form: str, awaited: bool) -> None:
    """A nested policy without a deadline of its own keeps to the outer one, however it is used."""
    clock = Clock()
    config = RetryConfig(jitter="none", max_retries=9)
    inner = RetryPolicy(config, name="test", clock=clock, sleep=clock.sleep, async_sleep=clock.async_sleep)

    async def fail() -> None:
        _fail()

    if awaited:
        called = inner(fail) if form == "decorated" else functools.partial(inner.execute, fail)
        nested = RetryPolicy(RetryConfig(deadline=10.0, max_retries=0), name="test", clock=clock).execute(called)
        with pytest.raises(OSError, match="down"):
            asyncio.run(nested)
    else:
        called_sync = inner(_fail) if form == "decorated" else functools.partial(inner.execute_sync, _fail)
        with pytest.raises(OSError, match="down"):
            sync_policy(clock, deadline=10.0, max_retries=0).execute_sync(called_sync)
    assert clock.slept == [1.0, 2.0, 4.0]


def test_attempt_timeout_passes_on_to_nested_policies() -> None:
    """A policy within an attempt plans with what is left of the attempt, on another clock too."""
    inner_clock, outer_clock = Clock(5.0), Clock(99.0)
    inner = sync_policy(inner_clock, max_retries=9)
    outer = sync_policy(outer_clock, attempt_timeout=4.0, max_retries=0)
    with pytest.raises(OSError, match="down"):
        outer.execute_sync(inner.execute_sync, _fail)
    # the outer clock stands still here, so that each wait has 4 seconds left; the next one would be 4
    assert inner_clock.slept == [1.0, 2.0]


def test_functions_can_ask_what_is_left() -> None:
    """`remaining_seconds()` is the timeout to give a client; outside of policies there is none."""
    clock, seen = Clock(), []

    def work() -> None:
        seen.append(remaining_seconds())
        clock.advance(1.5)
        seen.append(remaining_seconds())
        clock.advance(9.0)
        seen.append(remaining_seconds())

    sync_policy(clock, deadline=10.0, attempt_timeout=4.0).execute_sync(work)
    assert seen == [4.0, 2.5, 0.0]
    assert remaining_seconds() is None


@pytest.mark.parametrize("form", ["called", "decorated"])
def test_nothing_begins_after_the_deadline(form: str) -> None:
    """A nested call that comes too late is not made at all."""
    clock, calls = Clock(), []
    policy = sync_policy(clock)

    def work() -> None:
        calls.append(1)

    def late() -> None:
        clock.advance(11.0)
        policy(work)() if form == "decorated" else policy.execute_sync(work)

    with pytest.raises(RetryTimeoutError, match="attempt 1 of `test` did not begin: the deadline had passed"):
        sync_policy(clock, deadline=10.0, max_retries=0).execute_sync(late)
    assert calls == []


def test_sleep_that_takes_too_long_ends_the_call() -> None:
    """Where the machine slept longer than it was told, no attempt begins after the deadline; the notes tell of the first."""
    clock = Clock()
    config = RetryConfig(deadline=10.0, jitter="none")
    policy = RetryPolicy(config, name="test", clock=clock, sleep=lambda _: clock.advance(60.0))
    with pytest.raises(RetryTimeoutError, match="attempt 2 of `test` did not begin") as raised:
        policy.execute_sync(_fail)
    assert "attempt 1 failed with OSError: down" in raised.value.__notes__[0]


def test_deadlines_of_tasks_are_apart() -> None:
    """What holds in one task does not hold in another that runs at the same time."""

    async def remaining() -> float | None:
        await asyncio.sleep(1.0)
        return remaining_seconds()

    async def main() -> list[float | None]:
        short, long = async_policy(deadline=5.0), async_policy(deadline=50.0)
        return await asyncio.gather(short.execute(remaining), long.execute(remaining), remaining())

    assert run(main()) == [pytest.approx(4.0), pytest.approx(49.0), None]


def test_async_blocks_are_cut_off() -> None:
    """`async with attempt` ends at the timeout of the attempt, and is tried again."""

    async def main() -> tuple[int, float]:
        async for attempt in async_policy(attempt_timeout=2.0, base_delay=1.0).attempts():
            async with attempt:
                await asyncio.sleep(3600.0 if attempt.number < 3 else 0.0)
        return attempt.number, loop_time()

    assert run(main()) == (3, pytest.approx(2.0 + 1.0 + 2.0 + 2.0))


def test_real_time_is_the_default() -> None:
    """Without a clock of its own a policy cuts off after real seconds."""
    began = time.monotonic()
    with pytest.raises(RetryTimeoutError):
        asyncio.run(RetryPolicy(RetryConfig(deadline=0.01)).execute(asyncio.sleep, 60.0))
    assert time.monotonic() - began >= 0.01
