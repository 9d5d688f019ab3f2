"""What a pool costs for each task that does nothing, in microseconds, and what a task costs that a queue keeps safe.

Every figure is taken in one run, in repeats that take turns; at most a hundred tasks are under way. Medians of the processor's
time, which other programs disturb least; of the wall clock where a disk is waited for:

    python benchmarks/pools.py [--tasks N] [--repeats N]

Ours records outcomes and durations and knows what is under way; the others do not. "semaphore inside" is the idiom that most
code has, a semaphore entered in each of as many tasks as there is work, which is also unbounded in memory.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import random
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import aiojobs
import aiometer
import anyio
from golden_runtime import CircuitBreaker, ExecutorPool, RetryPolicy, TaskQueue

LIMIT = 100
SEMAPHORE_INSIDE = "semaphore inside create_task"
OURS = "golden-runtime"
GOAL = 0.5
# of the tasks, what the durable pool runs: each of them is written to the disk three times
DURABLE_SHARE = 20

Handler = Callable[[object], Awaitable[None]]


async def nothing(_task: object) -> None:
    """Return at once."""


async def yielding(_task: object) -> None:
    """Let the event loop turn once."""
    await asyncio.sleep(0)


async def semaphore_inside(handler: Handler, tasks: int) -> None:
    """Create all tasks, each of which waits for the semaphore."""
    semaphore = asyncio.Semaphore(LIMIT)

    async def one(index: int) -> None:
        async with semaphore:
            await handler(index)

    async with asyncio.TaskGroup() as group:
        for index in range(tasks):
            group.create_task(one(index))


async def semaphore_before(handler: Handler, tasks: int) -> None:
    """Create a task once the semaphore lets it."""
    semaphore = asyncio.Semaphore(LIMIT)

    async def one(index: int) -> None:
        try:
            await handler(index)
        finally:
            semaphore.release()

    async with asyncio.TaskGroup() as group:
        for index in range(tasks):
            await semaphore.acquire()
            group.create_task(one(index))


async def queue_and_workers(handler: Handler, tasks: int) -> None:
    """Let workers take from a bounded queue: what a pool is, without all that one needs of it."""
    queue: asyncio.Queue[int | None] = asyncio.Queue(LIMIT)

    async def work() -> None:
        while (index := await queue.get()) is not None:
            await handler(index)

    workers = [asyncio.create_task(work()) for _ in range(LIMIT)]
    for index in range(tasks):
        await queue.put(index)
    for _ in workers:
        await queue.put(None)
    await asyncio.gather(*workers)


async def with_aiojobs(handler: Handler, tasks: int) -> None:
    """Run aiojobs' scheduler."""
    async with aiojobs.Scheduler(limit=LIMIT, pending_limit=LIMIT) as scheduler:
        for index in range(tasks):
            await scheduler.spawn(handler(index))
        await scheduler.wait_and_close()


async def with_aiometer(handler: Handler, tasks: int) -> None:
    """Run aiometer."""
    await aiometer.run_on_each(handler, range(tasks), max_at_once=LIMIT)


async def with_anyio(handler: Handler, tasks: int) -> None:
    """Run anyio's task group under its capacity limiter."""
    limiter = anyio.CapacityLimiter(LIMIT)

    async def one(index: int) -> None:
        async with limiter:
            await handler(index)

    async with anyio.create_task_group() as group:
        for index in range(tasks):
            group.start_soon(one, index)


async def ours(handler: Handler, tasks: int) -> None:
    """Run our pool in memory."""
    async with ExecutorPool(handler, max_concurrent=LIMIT, name="bench") as pool:
        for index in range(tasks):
            await pool.submit_workflow("n", index)


async def ours_guarded(handler: Handler, tasks: int) -> None:
    """Run our pool in memory, each task under a retry policy and a breaker."""
    retry, breaker = RetryPolicy(name="bench"), CircuitBreaker("bench")
    async with ExecutorPool(handler, max_concurrent=LIMIT, name="guarded", retry=retry, breaker=breaker) as pool:
        for index in range(tasks):
            await pool.submit_workflow("n", index)


async def ours_durable(handler: Handler, tasks: int) -> None:
    """Run our pool on a queue in an SQLite file that is synced at every commit, from submit to completion."""
    with tempfile.TemporaryDirectory() as folder:
        async with (
            TaskQueue(Path(folder) / "tasks.db") as queue,
            ExecutorPool(handler, queue, max_concurrent=LIMIT, name="durable") as pool,
        ):
            for _ in range(tasks // LIMIT):
                await asyncio.gather(*(pool.submit_workflow("n", index) for index in range(LIMIT)))
            while (await queue.stats()).depth:
                await asyncio.sleep(0.001)


CONTENDERS: dict[str, Callable[[Handler, int], Awaitable[None]]] = {
    "queue and workers": queue_and_workers,
    "semaphore before create_task": semaphore_before,
    SEMAPHORE_INSIDE: semaphore_inside,
    "aiojobs": with_aiojobs,
    "aiometer": with_aiometer,
    "anyio": with_anyio,
    OURS: ours,
    f"{OURS}, retry and breaker": ours_guarded,
    f"{OURS}, durable": ours_durable,
}


def microseconds(run: Callable[[Handler, int], Awaitable[None]], handler: Handler, tasks: int) -> float:
    """Return what a task costs in one run."""
    clock = time.perf_counter if run is ours_durable else time.process_time

    async def timed() -> float:
        began = clock()
        await run(handler, tasks)
        return clock() - began

    gc.collect()
    return asyncio.run(timed()) / tasks * 1e6


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tasks", type=int, default=100_000)
    parser.add_argument("--repeats", type=int, default=5)
    given = parser.parse_args()
    handlers = {"no-op": nothing, "yielding": yielding}
    taken: dict[tuple[str, str], list[float]] = {}
    for _ in range(given.repeats):
        for kind, handler in handlers.items():
            for name, run in random.sample(sorted(CONTENDERS.items()), len(CONTENDERS)):
                tasks = given.tasks // DURABLE_SHARE if run is ours_durable else given.tasks
                taken.setdefault((name, kind), []).append(microseconds(run, handler, tasks))
    median = {contender: statistics.median(figures) for contender, figures in taken.items()}
    print("microseconds a task, at most 100 under way\n")
    print("| pool | no-op | yielding |\n|---|---:|---:|")
    for name in CONTENDERS:
        print(f"| {name} | {median[name, 'no-op']:.1f} | {median[name, 'yielding']:.1f} |")
    for kind in handlers:
        pairs = zip(taken[OURS, kind], taken[SEMAPHORE_INSIDE, kind], strict=True)
        share = statistics.median(mine / theirs for mine, theirs in pairs)
        print(f"\n{kind}: ours is {share:.2f} of a {SEMAPHORE_INSIDE} (goal {GOAL} for no-op)", end="")
    print()


if __name__ == "__main__":
    main()
