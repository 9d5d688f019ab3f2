"""Executor pools whose handlers run in threads and in other processes."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from golden_runtime import (
    ExecutorPool,
    Task,
    TaskQueue,
)
from golden_runtime.pool_executors import ExecutorUnusableError
from pooling import idle, shout, spawning, until


def die(task: Task) -> None:
    """A handler that takes its process with it, the first two times."""
    if task.receives < 3:
        os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.parametrize("make", [ThreadPoolExecutor, spawning, None])
def test_plain_functions_run_in_any_executor(sqlite_path: str, make: Any) -> None:
    """Threads, processes, or the pool's own threads."""

    async def scenario() -> None:
        executor = None if make is None else make(2)
        async with TaskQueue(sqlite_path) as queue:
            async with ExecutorPool(shout, queue, executor=executor) as pool:
                for index in range(5):
                    await queue.enqueue("n", index)
                await idle(queue)
            assert pool.get_metrics().completed == 5
        if executor is not None:
            executor.shutdown()

    asyncio.run(scenario())


def test_making_an_executor_does_not_hold_up_the_event_loop(sqlite_path: str) -> None:
    """One that takes its time, as a client of a cluster does, is made once, while everything else goes on."""
    may_go_on = threading.Event()
    made: list[ThreadPoolExecutor] = []

    def make() -> ThreadPoolExecutor:
        assert may_go_on.wait(30)
        made.append(ThreadPoolExecutor(2))
        return made[-1]

    async def scenario() -> None:
        async with TaskQueue(sqlite_path) as queue:
            for index in range(4):
                await queue.enqueue("n", index)
            async with ExecutorPool(shout, queue, executor=make, max_concurrent=4) as pool:
                await until(lambda: pool.get_metrics().active == 4)
                may_go_on.set()
                await until(lambda: pool.get_metrics().completed == 4)

    asyncio.run(scenario())
    assert len(made) == 1


def test_a_killed_worker_process_loses_nothing(sqlite_path: str) -> None:
    """A task whose process is killed goes back, counted as a claim, and a new executor runs it."""

    async def scenario() -> None:
        async with TaskQueue(sqlite_path, max_receives=5) as queue:
            async with ExecutorPool(die, queue, executor=lambda: spawning(1)):
                task_id = await queue.enqueue("n")
                await idle(queue)
            state = await queue.get_state(task_id)
            assert state is not None
            assert (state.state, state.receives) == ("completed", 3)

    asyncio.run(scenario())


def test_a_task_that_kills_worker_processes_is_given_up(sqlite_path: str) -> None:
    """After `max_receives` lost workers the task is a dead letter, and the pool lives on."""

    async def scenario() -> None:
        async with TaskQueue(sqlite_path, max_receives=2) as queue:
            async with ExecutorPool(die, queue, executor=lambda: spawning(1)):
                await queue.enqueue("n")
                await idle(queue)
            [letter] = await queue.dead_letters.get_entries()
            assert (letter.phase, letter.error_type) == ("lease", "ExecutorLostError")

    asyncio.run(scenario())


def test_a_useless_executor_stops_the_pool_not_the_tasks(sqlite_path: str) -> None:
    """Where no task can run, none is to blame: they stay, and `run_forever` raises the reason."""

    async def scenario() -> None:
        executor = ThreadPoolExecutor(1)
        executor.shutdown()
        async with TaskQueue(sqlite_path) as queue:
            for index in range(20):
                await queue.enqueue("n", index)
            with pytest.raises(ExecutorUnusableError, match="takes no more tasks"):
                await ExecutorPool(shout, queue, executor=executor).run_forever()
            assert (await queue.stats()).ready == 20

    asyncio.run(scenario())


def test_a_handler_that_no_process_can_import_stops_the_pool_not_the_tasks(sqlite_path: str) -> None:
    """A lambda for a process pool fails for every task: that is said once, and none is a dead letter for it."""

    async def scenario() -> None:
        async with TaskQueue(sqlite_path) as queue:
            for index in range(20):
                await queue.enqueue("n", index)
            pool = ExecutorPool({"n": lambda _: None}, queue, executor=lambda: spawning(1))
            with pytest.raises(ExecutorUnusableError, match="cannot be sent to another process"):
                await asyncio.wait_for(pool.run_forever(), 30)
            assert (await queue.stats()).ready == 20

    asyncio.run(scenario())


def test_a_thread_that_outlives_its_timeout_keeps_its_slot(sqlite_path: str) -> None:
    """A thread cannot be stopped, so the next task waits for it rather than pile up behind."""

    async def scenario() -> None:
        release, running = threading.Event(), []

        def handler(task: Task) -> None:
            running.append(task.payload)
            release.wait(30)

        async with TaskQueue(sqlite_path) as queue:
            async with ExecutorPool(handler, queue, max_concurrent=1, task_timeout=0.02, poll_interval=0.01):
                await queue.enqueue("n", 0)
                await queue.enqueue("n", 1)
                async with asyncio.timeout(30):
                    while await queue.dead_letters.count() < 1:
                        await asyncio.sleep(0.002)
                assert running == [0]
                release.set()
                await idle(queue)
            assert running == [0, 1]

    asyncio.run(scenario())
