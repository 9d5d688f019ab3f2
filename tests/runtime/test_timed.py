"""timed: functions, blocks, and timers that a block cannot wrap."""

import asyncio
import contextlib
import threading
import tracemalloc
from time import perf_counter

import pytest
from exposed import value
from golden_runtime import timed


def count(name: str) -> float | None:
    """Return how many durations were recorded."""
    return value(f"{name}_seconds_count")


def test_timed_observes_seconds(name: str) -> None:
    """A measured call adds its duration in seconds, no more than the caller saw, and one to the count."""

    @timed(f"{name}.duration")
    def work() -> None:
        sum(range(10_000))

    assert value(f"{name}_duration_seconds_count") == 0.0
    before = perf_counter()
    work()
    outside = perf_counter() - before
    assert value(f"{name}_duration_seconds_count") == 1.0
    recorded = value(f"{name}_duration_seconds_sum")
    assert recorded is not None
    assert 0 < recorded <= outside


def test_the_unit_is_never_said_twice(name: str) -> None:
    """A name that ends in `_seconds` already keeps one."""
    timed(f"{name}.wait_seconds")
    assert value(f"{name}_wait_seconds_count") == 0.0
    assert value(f"{name}_wait_seconds_seconds_count") is None


def test_failing_calls_are_timed(name: str) -> None:
    """A call that raises took time too."""

    @timed(name)
    def work() -> None:
        raise LookupError

    with pytest.raises(LookupError):
        work()
    assert count(name) == 1.0


def test_failing_calls_do_not_pile_up(name: str) -> None:
    """A function that only ever fails takes no more memory with each call, although nobody scrapes."""

    @timed(name)
    def work() -> None:
        raise LookupError

    tracemalloc.start()
    for _ in range(10_000):
        with contextlib.suppress(LookupError):
            work()
    taken, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert taken < 100_000
    assert count(name) == 10_000.0


def test_coroutines_are_timed_until_they_end(name: str) -> None:
    """The duration of a coroutine function runs to the end of its coroutine, not to its creation."""

    @timed(name)
    async def work(release: asyncio.Event) -> None:
        await release.wait()

    async def drive() -> None:
        release = asyncio.Event()
        task = asyncio.create_task(work(release))
        await asyncio.sleep(0)
        assert count(name) == 0.0
        release.set()
        await task

    asyncio.run(drive())
    assert count(name) == 1.0


def test_a_block_is_timed(name: str) -> None:
    """`with timed(...)` records when the block is left, also by an exception, which passes through."""
    with timed(name) as timer:
        assert count(name) == 0.0
    assert value(f"{name}_seconds_sum") == timer.elapsed
    with pytest.raises(LookupError), timed(name):
        raise LookupError
    assert count(name) == 2.0


def test_an_async_block_is_timed(name: str) -> None:
    """`async with timed(...)` does as `with` does."""

    async def drive() -> float:
        async with timed(name) as timer:
            await asyncio.sleep(0)
        return timer.elapsed

    assert value(f"{name}_seconds_sum") is None
    seconds = asyncio.run(drive())
    assert value(f"{name}_seconds_sum") == seconds


def test_start_and_stop_record_once(name: str) -> None:
    """`stop` returns the seconds and records them; stopping again changes nothing."""
    timer = timed(name).start()
    first = timer.stop()
    assert first > 0
    assert (timer.stop(), timer.elapsed) == (first, first)
    assert (count(name), value(f"{name}_seconds_sum")) == (1.0, first)


def test_elapsed_grows_until_the_stop(name: str) -> None:
    """A running timer can be read without recording."""
    timer = timed(name).start()
    first = timer.elapsed
    assert 0 <= first <= timer.elapsed <= timer.stop()


def test_what_is_never_stopped_is_never_recorded(name: str) -> None:
    """A timer that is dropped leaves no trace."""
    timer = timed(name).start()
    del timer
    assert count(name) == 0.0


def test_timers_of_one_timed_are_independent(name: str) -> None:
    """Each `start` gives a timer of its own."""
    shared = timed(name)
    first, second = shared.start(), shared.start()
    assert first.stop() <= second.stop()
    assert count(name) == 2.0


def test_one_stop_of_many_records(name: str) -> None:
    """Threads that stop one timer at once record it once, and all get the same duration."""
    timer = timed(name).start()
    barrier = threading.Barrier(8)
    seconds = []

    def stop() -> None:
        barrier.wait()
        seconds.append(timer.stop())

    threads = [threading.Thread(target=stop) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(seconds)) == 1
    assert count(name) == 1.0


def test_a_shared_block_nests_and_recurs(name: str) -> None:
    """One `timed` may be entered again before it is left, in one function or in a recursive one."""
    shared = timed(name)

    def work(depth: int) -> float:
        with shared as outer, shared as inner:
            if depth:
                work(depth - 1)
        return outer.elapsed - inner.elapsed

    assert work(3) >= 0
    assert count(name) == 8.0


def test_a_shared_block_serves_interleaved_tasks(name: str) -> None:
    """Tasks that leave a shared block in another order than they entered it each record their own time."""
    shared = timed(name)
    elapsed = []

    async def work(release: asyncio.Event) -> None:
        with shared as timer:
            await release.wait()
        elapsed.append(timer.elapsed)

    async def drive() -> None:
        first, second = asyncio.Event(), asyncio.Event()
        tasks = [asyncio.create_task(work(first)), asyncio.create_task(work(second))]
        await asyncio.sleep(0)
        first.set()
        await tasks[0]
        second.set()
        await tasks[1]

    asyncio.run(drive())
    assert count(name) == 2.0
    assert value(f"{name}_seconds_sum") == pytest.approx(sum(elapsed))


def test_a_shared_block_works_in_an_exit_stack(name: str) -> None:
    """An exit stack enters in one place and leaves in another."""
    shared = timed(name)
    with contextlib.ExitStack() as stack:
        stack.enter_context(shared)
        handed_on = stack.pop_all()
    handed_on.close()
    assert count(name) == 1.0


def test_one_timed_decorates_and_wraps_blocks(name: str) -> None:
    """What `timed` returns serves as decorator, block and source of timers at once."""
    shared = timed(name)

    @shared
    def work() -> None:
        with shared:
            shared.start().stop()

    work()
    assert count(name) == 3.0


def test_a_block_with_labels_has_its_constants(name: str) -> None:
    """Constant labels hold for blocks and timers too."""
    with timed(name, labels={"kind": "slow"}):
        pass
    assert value(f"{name}_seconds_count", kind="slow") == 1.0
