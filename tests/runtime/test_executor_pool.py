"""Executor pools: bounded, retried, guarded and drained, with nothing lost on the way."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from exposed import value
from golden_runtime import (
    DuplicateTaskError,
    ExecutorPool,
    Task,
    TaskQueue,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from pooling import idle, shout, until


def test_tasks_run_and_are_completed(store: str) -> None:
    """What is in the queue is handed to the handler of its name, and closed."""
    seen: list[object] = []

    async def scenario() -> None:
        async def record(task: Task) -> None:
            seen.append((task.name, task.payload))

        async with TaskQueue(store) as queue, ExecutorPool({"a": record, "b": record}, queue) as pool:
            await pool.submit_workflow("a", 1)
            await queue.enqueue("b", 2)
            await queue.enqueue("nobody's", 3)
            await until(lambda: len(seen) == 2)
            assert (await queue.stats()).depth >= 1
            assert await pool.stop() == ()
            assert (await queue.stats()).ready == 1

    asyncio.run(scenario())
    assert sorted(seen) == [("a", 1), ("b", 2)]


def test_no_more_run_than_there_are_slots(sqlite_path: str) -> None:
    """The number under way reaches the bound and never passes it."""
    most = 0

    async def scenario() -> None:
        active = 0

        async def handler(task: Task) -> None:
            nonlocal active, most
            active += 1
            most = max(most, active)
            await asyncio.sleep(0.005)
            active -= 1

        async with TaskQueue(sqlite_path, durable=False) as queue:
            for index in range(30):
                await queue.enqueue("n", index)
            async with ExecutorPool(handler, queue, max_concurrent=4):
                await idle(queue)

    asyncio.run(scenario())
    assert most == 4


@settings(max_examples=60, deadline=None)
@given(size=st.integers(1, 9), turns=st.lists(st.integers(0, 3) | st.none(), max_size=40))
def test_no_slot_stays_idle_while_a_task_waits(size: int, turns: list[int | None]) -> None:
    """Whatever handlers do, end at once, wait some turns, or wait for a sign: as many run as can, in order, and all end."""

    async def scenario() -> None:
        begun: list[int] = []
        sign = asyncio.Event()

        async def handler(task: Task) -> None:
            index, waits = task.payload
            begun.append(index)
            if waits is None:
                await sign.wait()
            for _ in range(waits or 0):
                await asyncio.sleep(0)

        pool = ExecutorPool(handler, max_concurrent=size, max_backlog=100)
        await pool.start()
        for index, waits in enumerate(turns):
            await pool.submit_workflow("n", (index, waits))
        for _ in range(10 * len(turns) + 10):
            await asyncio.sleep(0)
        hanging = [index for index, waits in enumerate(turns) if waits is None][:size]
        expected = hanging[-1] + 1 if len(hanging) == size else len(turns)
        assert begun == list(range(expected))
        sign.set()
        assert await pool.stop() == ()
        assert begun == list(range(len(turns)))

    asyncio.run(scenario())


@pytest.mark.parametrize("is_durable", [False, True])
def test_handlers_that_submit_to_their_own_pool_do_not_wait_for_themselves(sqlite_path: str, is_durable: bool) -> None:
    """Back-pressure would hold every slot, and none would ever be free."""

    async def scenario() -> None:
        done = 0

        async def handler(task: Task) -> None:
            nonlocal done
            if task.name == "parent":
                for index in range(3):
                    await pool.submit_workflow("child", index)
            done += 1

        async with TaskQueue(sqlite_path) as queue:
            pool = ExecutorPool(
                handler, queue if is_durable else None, max_concurrent=2, max_backlog=2, poll_interval=0.01
            )
            async with pool, asyncio.timeout(30):
                for index in range(6):
                    await pool.submit_workflow("parent", index)
                while done < 24:
                    await asyncio.sleep(0.002)

    asyncio.run(scenario())


def test_submitting_waits_while_too_many_wait(sqlite_path: str) -> None:
    """Back-pressure: with two allowed to wait, the third submit returns when one has gone."""

    async def scenario() -> None:
        gate = asyncio.Event()

        async def handler(task: Task) -> None:
            await gate.wait()

        async with TaskQueue(sqlite_path) as queue:
            pool = ExecutorPool(handler, queue, max_concurrent=1, max_backlog=2, poll_interval=0.01)
            for index in range(2):
                await pool.submit_workflow("n", index)
            third = asyncio.create_task(pool.submit_workflow("n", 2))
            for _ in range(20):
                await asyncio.sleep(0.001)
            assert not third.done()
            async with pool:
                gate.set()
                await third
                await idle(queue)

    asyncio.run(scenario())


def test_duplicate_ids_are_refused(store: str) -> None:
    """A workflow id names one task, in a queue and in memory."""

    async def scenario() -> None:
        gate = asyncio.Event()

        async def handler(task: Task) -> None:
            await gate.wait()

        async with TaskQueue(store) as queue:
            for pool in (ExecutorPool(handler, queue), ExecutorPool(handler)):
                async with pool:
                    await pool.submit_workflow("n", workflow_id="mine")
                    with pytest.raises(DuplicateTaskError, match="`mine`"):
                        await pool.submit_workflow("n", workflow_id="mine")
                    gate.set()

    asyncio.run(scenario())


def test_a_name_without_a_handler_is_refused(sqlite_path: str) -> None:
    """The error names the handlers there are."""

    async def scenario() -> None:
        pool = ExecutorPool({"known": shout}, TaskQueue(sqlite_path))
        with pytest.raises(ValueError, match="no handler for `unknown`, only for `known`"):
            await pool.submit_workflow("unknown")

    asyncio.run(scenario())


def test_leases_are_kept_while_handlers_run(sqlite_path: str) -> None:
    """A task that takes longer than its lease is not handed to another pool."""

    async def scenario() -> None:
        runs = 0

        async def handler(task: Task) -> None:
            nonlocal runs
            runs += 1
            await asyncio.sleep(0.6)

        async with (
            TaskQueue(sqlite_path, lease_seconds=0.2) as queue,
            ExecutorPool(handler, queue, name="one", poll_interval=0.02),
            ExecutorPool(handler, queue, name="two", poll_interval=0.02),
        ):
            await queue.enqueue("n", {"a": ["payload"]})
            await idle(queue)
        assert runs == 1

    asyncio.run(scenario())


def test_a_task_lost_to_others_is_cancelled(sqlite_path: str) -> None:
    """Once the lease is gone, the handler is ended rather than left to work for nothing."""

    async def scenario() -> None:
        cancelled, begun = asyncio.Event(), asyncio.Event()

        async def handler(task: Task) -> None:
            begun.set()
            try:
                await asyncio.sleep(3600)
            except asyncio.CancelledError:
                cancelled.set()
                raise

        async with TaskQueue(sqlite_path, lease_seconds=0.3) as queue, ExecutorPool(handler, queue):
            task_id = await queue.enqueue("n")
            await begun.wait()

            def steal(transaction: Any) -> None:
                transaction.execute("UPDATE golden_runtime_tasks SET token = 99 WHERE id = :id", {"id": task_id})

            await queue.storage.write_soon(steal)
            async with asyncio.timeout(10):
                await cancelled.wait()

    asyncio.run(scenario())


def test_a_pool_in_memory_needs_no_queue() -> None:
    """Tasks run in order, submitting waits for room, and what is left at the end is named."""

    async def scenario() -> None:
        seen: list[object] = []
        gate = asyncio.Event()

        async def handler(task: Task) -> None:
            if task.payload == "hang":
                await gate.wait()
            seen.append(task.payload)

        async with ExecutorPool(handler, max_concurrent=3) as pool:
            for index in range(50):
                await pool.submit_workflow("n", index)
        assert seen == list(range(50))

        pool = ExecutorPool(handler, max_concurrent=1)
        await pool.start()
        hanging = await pool.submit_workflow("n", "hang")
        waiting = await pool.submit_workflow("n", "waits")
        assert await pool.stop(0.05) == (hanging, waiting)

    asyncio.run(scenario())


def test_figures_tell_the_load_the_outcomes_and_the_trends() -> None:
    """`get_metrics` counts, and compares the later half of what it remembers with the earlier."""

    async def scenario() -> None:
        async def handler(task: Task) -> None:
            await asyncio.sleep(0.02 if task.payload >= 30 else 0)
            if task.payload >= 50:
                raise ValueError

        pool = ExecutorPool(handler, max_concurrent=5)
        await pool.start()
        for index in range(60):
            await pool.submit_workflow("n", index)
        await pool.stop()
        figures = pool.get_metrics()
        assert (figures.pool_size, figures.active, figures.free_slots) == (5, 0, 5)
        assert (figures.completed, figures.failed) == (50, 10)
        assert figures.success_rate == pytest.approx(50 / 60)
        assert figures.p50 <= figures.p95 <= figures.p99
        assert figures.p99 >= 0.02
        assert (figures.trends.duration, figures.trends.success_rate) == ("degrading", "degrading")
        assert figures.trends.queue_depth == "unknown"

    asyncio.run(scenario())


def test_series_count_outcomes_under_the_handlers_name() -> None:
    """Outcomes and durations are labelled with what bounds them, active and capacity with the pool."""

    async def scenario() -> None:
        async def halves(task: Task) -> None:
            if task.payload % 2:
                raise ValueError

        async with ExecutorPool(halves, name="series", max_concurrent=7) as pool:
            for index in range(10):
                await pool.submit_workflow(f"n{index}", index)

    asyncio.run(scenario())
    labels = {"pool": "series", "workflow": "halves"}
    assert value("executor_pool_workflow_calls_total", **labels, status="success") == 5
    assert value("executor_pool_workflow_calls_total", **labels, status="failure") == 5
    assert value("executor_pool_workflow_calls_total", **labels, status="cancelled") == 0
    assert value("executor_pool_workflow_duration_seconds_count", **labels) == 10
    assert value("executor_pool_capacity", pool="series") == 7
    assert value("executor_pool_active", pool="series") == 0
