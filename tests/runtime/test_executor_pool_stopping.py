"""How executor pools start and stop: drained, released, by a signal, or because they can go on no longer."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from exposed import run_script
from golden_runtime import (
    ExecutorPool,
    PoolClosedError,
    StorageError,
    Task,
    TaskQueue,
)
from pooling import idle, shout, until

if TYPE_CHECKING:
    from pathlib import Path


def test_stopping_drains_and_then_releases(store: str) -> None:
    """What ends before the deadline is completed; what does not goes back as if never claimed."""

    async def scenario() -> None:
        quick, never = asyncio.Event(), asyncio.Event()
        begun = 0

        async def handler(task: Task) -> None:
            nonlocal begun
            begun += 1
            await (quick if task.payload == "quick" else never).wait()

        async with TaskQueue(store) as queue:
            pool = ExecutorPool(handler, queue)
            await pool.start()
            quick_id = await pool.submit_workflow("n", "quick")
            slow_id = await pool.submit_workflow("n", "slow")
            await until(lambda: begun == 2)
            stopping = asyncio.create_task(pool.stop(0.3))
            await asyncio.sleep(0)
            quick.set()
            assert await stopping == (slow_id,)
            states = [await queue.get_state(task_id) for task_id in (quick_id, slow_id)]
            assert [state and state.state for state in states] == ["completed", "ready"]
            task = await queue.get_next_task()
            assert task is not None
            assert (task.attempts, task.receives) == (0, 1)

    asyncio.run(scenario())


def test_a_stop_that_is_cancelled_goes_on(sqlite_path: str) -> None:
    """A lifespan that is cut off in mid-stop does not leave a pool that nobody can stop any more."""

    async def scenario() -> None:
        begun = asyncio.Event()

        async def hang(task: Task) -> None:
            begun.set()
            await asyncio.sleep(3600)

        async with TaskQueue(sqlite_path) as queue:
            pool = ExecutorPool(hang, queue, poll_interval=0.01)
            running = asyncio.create_task(pool.run_forever())
            task_id = await queue.enqueue("n")
            await begun.wait()
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(pool.stop(60), 0.02)
            async with asyncio.timeout(30):
                assert await pool.stop(0) == (task_id,)
                await running
            state = await queue.get_state(task_id)
            assert state is not None
            assert state.state == "ready"

    asyncio.run(scenario())


def test_a_start_that_fails_leaves_nothing_behind(tmp_path: Path) -> None:
    """Nothing runs on, and once the store is there the same pool can be started."""

    async def scenario() -> None:
        queue = TaskQueue(tmp_path / "later" / "tasks.db")
        pool = ExecutorPool(shout, queue)
        for _ in range(2):
            with pytest.raises(StorageError, match="cannot be opened"):
                await pool.start()
            assert asyncio.all_tasks() == {asyncio.current_task()}
        (tmp_path / "later").mkdir()
        async with queue, pool:
            await queue.enqueue("n")
            await idle(queue)

    asyncio.run(scenario())


@pytest.mark.parametrize("begin", ["start", "run_forever"])
def test_a_stop_that_overtakes_the_start_leaves_nothing_running(store: str, begin: str) -> None:
    """A pool that is stopped while it looks at its queue claims nothing, and leaves nothing on the event loop."""

    async def scenario() -> None:
        async with TaskQueue(store) as queue:
            await queue.enqueue("n")
            pool = ExecutorPool(shout, queue)
            starting = asyncio.create_task(getattr(pool, begin)())
            await asyncio.sleep(0)
            assert await pool.stop() == ()
            if begin == "start":
                with pytest.raises(PoolClosedError, match="stopped while it started"):
                    await starting
            else:
                await starting
            assert asyncio.all_tasks() == {asyncio.current_task()}
            assert (await queue.stats()).ready == 1

    asyncio.run(scenario())


def test_a_stopping_pool_takes_no_more(sqlite_path: str) -> None:
    """Submitting to it is an error that says so; nothing is stored."""

    async def scenario() -> None:
        async with TaskQueue(sqlite_path) as queue:
            pool = ExecutorPool(shout, queue)
            await pool.start()
            await pool.stop()
            with pytest.raises(PoolClosedError, match="takes no more work"):
                await pool.submit_workflow("n")
            assert (await queue.stats()).depth == 0

    asyncio.run(scenario())


def test_a_pool_that_can_no_longer_claim_says_so(sqlite_path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A fault in what it does in the background ends `run_forever`, instead of leaving a pool that looks idle."""

    async def scenario() -> None:
        async with TaskQueue(sqlite_path) as queue:

            async def broken(*_: object, **__: object) -> None:
                raise ZeroDivisionError

            monkeypatch.setattr(queue, "get_next_tasks", broken)
            with pytest.raises(ZeroDivisionError):
                await ExecutorPool(shout, queue).run_forever()

    asyncio.run(scenario())


_SERVICE = """
    import asyncio, os, signal, sys
    from golden_runtime import ExecutorPool, TaskQueue

    async def main():
        async with TaskQueue(sys.argv[1]) as queue:
            quick = asyncio.Event()
            begun = 0

            async def handler(task):
                nonlocal begun
                begun += 1
                if begun == 2:
                    for _ in range(int(sys.argv[2])):
                        os.kill(os.getpid(), signal.SIGTERM)
                        await asyncio.sleep(0.05)
                if task.payload == "slow":
                    await asyncio.sleep(3600)

            for payload in ("quick", "slow"):
                await queue.enqueue("n", payload)
            pool = ExecutorPool(handler, queue, drain_timeout=float(sys.argv[3]))
            await pool.run_forever()
            print((await queue.stats()).ready, pool.get_metrics().completed)

    asyncio.run(main())
    """


@pytest.mark.parametrize(("signals", "drain_timeout"), [(1, 0.2), (2, 3600)])
def test_sigterm_drains_and_a_second_one_stops_at_once(sqlite_path: str, signals: int, drain_timeout: float) -> None:
    """Either way what is done is completed, what is not is back in the queue, and the process ends well."""
    done = run_script(_SERVICE, sqlite_path, str(signals), str(drain_timeout))
    assert done.stdout.split() == ["1", "1"]
