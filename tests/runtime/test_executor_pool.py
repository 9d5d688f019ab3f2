"""Executor pools: bounded, retried, guarded and drained, with nothing lost on the way."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
import threading
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from exposed import run_script, value
from golden_runtime import (
    CircuitBreaker,
    CircuitBreakerConfig,
    DuplicateTaskError,
    ExecutorPool,
    PoolClosedError,
    RetryConfig,
    RetryPolicy,
    StorageError,
    Task,
    TaskQueue,
)
from golden_runtime.pool_executors import ExecutorUnusableError
from hypothesis import given, settings
from hypothesis import strategies as st

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    """Let the event loop turn until something is so."""
    async with asyncio.timeout(30):
        while not await condition():
            await asyncio.sleep(0.002)


async def idle(queue: TaskQueue) -> None:
    """Wait until every task of the queue is closed."""

    async def is_empty() -> bool:
        return (await queue.stats()).depth == 0

    await until(is_empty)


def processes(number: int) -> ProcessPoolExecutor:
    """Return an executor whose processes do not inherit this one's threads in mid-step."""
    return ProcessPoolExecutor(number, mp_context=multiprocessing.get_context("spawn"))


def shout(task: Task) -> str:
    """A handler that another process can import."""
    return str(task.payload).upper()


def die(task: Task) -> None:
    """A handler that takes its process with it, the first two times."""
    if task.receives < 3:
        os.kill(os.getpid(), signal.SIGKILL)


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
            await until(lambda: _has(len(seen) == 2))
            assert (await queue.stats()).depth >= 1
            assert await pool.stop() == ()
            assert (await queue.stats()).ready == 1

    asyncio.run(scenario())
    assert sorted(seen) == [("a", 1), ("b", 2)]


async def _has(happened: bool) -> bool:
    return happened


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


def test_a_failure_is_a_dead_letter_after_its_retries(store: str) -> None:
    """Retries happen in the slot; the last error, its attempts and phase end in the dead letters."""

    async def scenario() -> None:
        async def fail(task: Task) -> None:
            raise KeyError("always")

        retry = RetryPolicy(RetryConfig(max_retries=2, base_delay=0.001, jitter="none"))
        async with TaskQueue(store) as queue, ExecutorPool(fail, queue, retry=retry):
            await queue.enqueue("n", {"a": 1})
            await idle(queue)
            [letter] = await queue.dead_letters.get_entries()
            assert (letter.error_type, letter.attempts, letter.phase) == ("KeyError", 3, "execute")
            assert letter.payload == {"a": 1}
            assert "in fail" in letter.traceback

    asyncio.run(scenario())


def test_an_open_breaker_keeps_good_tasks(sqlite_path: str) -> None:
    """A dependency that is down costs no task its place: all wait, none is dead, and all complete once it is up."""

    async def scenario() -> None:
        down, calls, done = True, 0, 0

        async def handler(task: Task) -> None:
            nonlocal calls, done
            calls += 1
            if down:
                raise ConnectionError("down")
            done += 1

        breaker = CircuitBreaker(
            "pool-test", CircuitBreakerConfig(failure_threshold=3, success_threshold=1, timeout_seconds=0.3)
        )
        retry = RetryPolicy(RetryConfig(max_retries=50, base_delay=0.001, max_delay=0.001))
        async with TaskQueue(sqlite_path, durable=False) as queue:
            for index in range(200):
                await queue.enqueue("n", index)
            async with ExecutorPool(handler, queue, breaker=breaker, retry=retry, poll_interval=0.01) as pool:
                await until(lambda: _has(calls >= 4))
                assert calls < 10
                assert (await queue.stats()).depth == 200
                down = False
                await idle(queue)
            assert pool.get_metrics().completed == done == 200
            assert await queue.dead_letters.count() == 0

    asyncio.run(scenario())


def test_a_rejection_counts_neither_as_attempt_nor_as_claim(store: str) -> None:
    """However often a breaker rejects a task, its counts stay as they were."""

    async def scenario() -> None:
        breaker = CircuitBreaker("pool-rejects", CircuitBreakerConfig(timeout_seconds=0.05))

        async def handler(task: Task) -> None:
            nonlocal rejected
            rejected += 1
            await breaker.call(asyncio.sleep, 0)

        rejected = 0
        breaker.force_open()
        async with TaskQueue(store, max_receives=2) as queue:
            pool = ExecutorPool(handler, queue, poll_interval=0.01)
            async with pool:
                task_id = await queue.enqueue("n")
                await until(lambda: _has(pool.get_metrics().released >= 1))
            state = await queue.get_state(task_id)
            assert state is not None
            assert (state.state, state.attempts, state.receives) == ("delayed", 0, 0)
            assert rejected == 1

    asyncio.run(scenario())


def test_a_task_that_keeps_opening_the_breaker_is_given_up(sqlite_path: str) -> None:
    """Its own failures count, however the breaker splits them up; after `max_attempts` of them it is a dead letter."""

    async def scenario() -> None:
        async def fail(task: Task) -> None:
            raise ConnectionError("always")

        breaker = CircuitBreaker("pool-gives-up", CircuitBreakerConfig(failure_threshold=1, timeout_seconds=0.05))
        retry = RetryPolicy(RetryConfig(max_retries=50, base_delay=0.001, max_delay=0.001))
        async with TaskQueue(sqlite_path) as queue:
            async with ExecutorPool(fail, queue, breaker=breaker, retry=retry, max_attempts=3, poll_interval=0.01):
                await queue.enqueue("n")
                await idle(queue)
            [letter] = await queue.dead_letters.get_entries()
            assert letter.attempts == 3

    asyncio.run(scenario())


def test_only_the_workflow_whose_breaker_is_open_rests(sqlite_path: str) -> None:
    """Other names are claimed as before."""

    async def scenario() -> None:
        breaker = CircuitBreaker("pool-rests")
        breaker.force_open()
        done: list[object] = []

        async def blocked(task: Task) -> None:
            await breaker.call(asyncio.sleep, 0)

        async def free(task: Task) -> None:
            done.append(task.payload)

        async with TaskQueue(sqlite_path) as queue:
            for index in range(5):
                await queue.enqueue("blocked", index, priority=9)
                await queue.enqueue("free", index)
            async with ExecutorPool({"blocked": blocked, "free": free}, queue, max_concurrent=1, poll_interval=0.01):
                await until(lambda: _has(len(done) == 5))
            stats = await queue.stats()
            assert stats.depth == 5

    asyncio.run(scenario())


def test_a_task_that_takes_too_long_is_a_dead_letter(sqlite_path: str) -> None:
    """The timeout ends the task, retries included, and the letter says so."""

    async def scenario() -> None:
        async with TaskQueue(sqlite_path) as queue:
            never = asyncio.Event()

            async def hang(task: Task) -> None:
                await never.wait()

            async with ExecutorPool(hang, queue, task_timeout=0.02):
                await queue.enqueue("n")
                await idle(queue)
            [letter] = await queue.dead_letters.get_entries()
            assert (letter.phase, letter.error_type) == ("timeout", "TaskTimeoutError")

    asyncio.run(scenario())


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
            await until(lambda: _has(begun == 2))
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


@pytest.mark.parametrize("make", [ThreadPoolExecutor, processes, None])
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

                async def all_wait() -> bool:
                    return pool.get_metrics().active == 4

                await until(all_wait)
                may_go_on.set()
                await idle(queue)
                assert pool.get_metrics().completed == 4

    asyncio.run(scenario())
    assert len(made) == 1


def test_a_killed_worker_process_loses_nothing(sqlite_path: str) -> None:
    """A task whose process is killed goes back, counted as a claim, and a new executor runs it."""

    async def scenario() -> None:
        async with TaskQueue(sqlite_path, max_receives=5) as queue:
            async with ExecutorPool(die, queue, executor=lambda: processes(1)):
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
            async with ExecutorPool(die, queue, executor=lambda: processes(1)):
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
            pool = ExecutorPool({"n": lambda _: None}, queue, executor=lambda: processes(1))
            with pytest.raises(ExecutorUnusableError, match="cannot be sent to another process"):
                await asyncio.wait_for(pool.run_forever(), 30)
            assert (await queue.stats()).ready == 20

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

                async def first_is_dead() -> bool:
                    return await queue.dead_letters.count() == 1

                await until(first_is_dead)
                assert running == [0]
                release.set()
                await idle(queue)
            assert running == [0, 1]

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
