"""Task queues, on SQLite and on PostgreSQL alike."""

from __future__ import annotations

import asyncio
import json
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
from exposed import value
from golden_runtime import StaleLeaseError, StorageError, TaskQueue
from golden_runtime.storage.sqlite import SqliteSession
from queue_clock import FakeClock

if TYPE_CHECKING:
    from golden_runtime import SyncTaskQueue


def _breaks(digits: str) -> None:
    raise ValueError(f"broken \0 \ud800 {digits}")


def test_the_highest_priority_comes_first_and_in_it_the_oldest(queue: SyncTaskQueue) -> None:
    """Priority decides, then age."""
    for name, priority in [("a", 0), ("b", 5), ("c", 5), ("d", -1), ("e", 0)]:
        queue.enqueue(name, priority=priority)
    claimed = [queue.get_next_task() for _ in range(6)]
    assert [task and task.name for task in claimed] == ["b", "c", "a", "e", "d", None]


def test_a_claim_of_many_keeps_the_order(queue: SyncTaskQueue) -> None:
    """What one transaction claims comes in the same order as one by one."""
    for index in range(20):
        queue.enqueue("n", index, priority=index % 3)
    payloads = [task.payload for task in queue.get_next_tasks(20)]
    assert payloads == sorted(range(20), key=lambda index: (-(index % 3), index))


def test_a_delayed_task_waits(queue: SyncTaskQueue, clock: FakeClock) -> None:
    """A task is not handed out before its delay has passed, and comes due among others that are ready."""
    queue.enqueue("later", delay=10, priority=9)
    queue.enqueue("now")
    queue.enqueue("now too")
    first = queue.get_next_task()
    clock.advance(10.5)
    second = queue.get_next_task()
    assert (first and first.name, second and second.name) == ("now", "later")


def test_a_claimed_task_is_nobody_elses(queue: SyncTaskQueue) -> None:
    """A claim hides the task until its lease runs out."""
    queue.enqueue("n")
    assert queue.get_next_task() is not None
    assert queue.get_next_task() is None


def test_an_expired_lease_returns_the_task(queue: SyncTaskQueue, clock: FakeClock) -> None:
    """The next claim gets the same task, under a higher token."""
    queue.enqueue("n")
    first = queue.get_next_task()
    clock.advance(61)
    second = queue.get_next_task()
    assert first is not None
    assert second is not None
    assert second.id == first.id
    assert second.token > first.token
    assert second.receives == 2


@pytest.mark.parametrize("report", ["complete", "fail", "retry", "release", "heartbeat"])
def test_a_stale_token_is_refused(queue: SyncTaskQueue, clock: FakeClock, report: str) -> None:
    """Whoever lost a task to another can neither close nor extend nor return it, and the other can."""
    queue.enqueue("n")
    stale = queue.get_next_task()
    clock.advance(61)
    valid = queue.get_next_task()
    assert stale is not None
    assert valid is not None
    reports = {
        "complete": lambda: queue.mark_completed(stale),
        "fail": lambda: queue.mark_failed(stale, "late"),
        "retry": lambda: queue.mark_failed(stale, "late", retry_in=1),
        "release": lambda: queue.release(stale),
        "heartbeat": lambda: queue.heartbeat(stale),
    }
    with pytest.raises(StaleLeaseError, match="no longer valid"):
        reports[report]()
    queue.mark_completed(valid)
    assert queue.dead_letters.count() == 0


def test_a_late_completion_counts_while_nobody_else_has_the_task(queue: SyncTaskQueue, clock: FakeClock) -> None:
    """A lease that ran out unnoticed does not throw work away."""
    task_id = queue.enqueue("n")
    task = queue.get_next_task()
    clock.advance(61)
    assert task is not None
    queue.mark_completed(task)
    state = queue.get_state(task_id)
    assert state is not None
    assert state.state == "completed"


def test_a_heartbeat_keeps_the_task(queue: SyncTaskQueue, clock: FakeClock) -> None:
    """A lease that is extended does not run out."""
    queue.enqueue("n")
    task = queue.get_next_task()
    assert task is not None
    for _ in range(5):
        clock.advance(50)
        queue.heartbeat(task)
        assert queue.get_next_task() is None
    queue.mark_completed(task)


def test_completing_twice_is_one_completion(queue: SyncTaskQueue) -> None:
    """The same claim may report again, as after a lost acknowledgement."""
    queue.enqueue("n")
    task = queue.get_next_task()
    assert task is not None
    queue.mark_completed(task)
    queue.mark_completed(task)
    with pytest.raises(StaleLeaseError):
        queue.mark_failed(task, "but it was completed")


def test_a_task_that_kills_its_workers_becomes_a_dead_letter(queue: SyncTaskQueue, clock: FakeClock) -> None:
    """After `max_receives` leases that ran out the task is given up, with the reason."""
    queue.enqueue("poison", {"n": 1})
    for _ in range(3):
        assert queue.get_next_task() is not None
        clock.advance(61)
    assert queue.get_next_task() is None
    [letter] = queue.dead_letters.get_entries()
    assert (letter.name, letter.payload, letter.phase, letter.receives) == ("poison", {"n": 1}, "lease", 3)
    assert "claimed 3 times" in letter.message


def test_released_tasks_are_never_given_up(queue: SyncTaskQueue) -> None:
    """A release counts neither as an attempt nor towards `max_receives`."""
    queue.enqueue("n")
    for _ in range(10):
        task = queue.get_next_task()
        assert task is not None
        queue.release(task)
    task = queue.get_next_task()
    assert task is not None
    assert (task.attempts, task.receives) == (0, 1)


def test_a_release_may_be_delayed(queue: SyncTaskQueue, clock: FakeClock) -> None:
    """The task comes back when told, not before."""
    queue.enqueue("n")
    task = queue.get_next_task()
    assert task is not None
    queue.release(task, delay=30)
    assert queue.get_next_task() is None
    clock.advance(30)
    assert queue.get_next_task() is not None


def test_a_failure_with_a_retry_comes_back_with_its_count(queue: SyncTaskQueue, clock: FakeClock) -> None:
    """The attempts add up over claims; the reports show that its workers live."""
    queue.enqueue("n")
    for expected in range(5):
        task = queue.get_next_task()
        assert task is not None
        assert (task.attempts, task.receives) == (expected, 1)
        queue.mark_failed(task, ValueError("not yet"), retry_in=5)
        clock.advance(5)
    assert queue.dead_letters.count() == 0


def test_a_failure_without_a_retry_is_a_dead_letter(queue: SyncTaskQueue) -> None:
    """The task is closed in the queue and kept with everything a replay needs."""
    task_id = queue.enqueue("n", [1], priority=3, idempotency_key="k")
    task = queue.get_next_task()
    assert task is not None
    with pytest.raises(ValueError, match="broken") as raised:
        json.loads("[1]", object_hook=None, parse_int=_breaks)
    queue.mark_failed(task, raised.value, phase="parse", attempts=4)
    [letter] = queue.dead_letters.get_entries()
    assert (letter.task_id, letter.payload, letter.priority, letter.idempotency_key) == (task_id, [1], 3, "k")
    assert (letter.error_type, letter.phase, letter.attempts) == ("ValueError", "parse", 4)
    assert letter.message.startswith("broken")
    assert "in _breaks" in letter.traceback
    assert queue.stats().depth == 0


def test_a_worker_may_choose_names(queue: SyncTaskQueue) -> None:
    """A pool claims what it has handlers for, and leaves the rest to others."""
    for name in ["a", "b", "it's"]:
        queue.enqueue(name)
    assert [task.name for task in queue.get_next_tasks(10, names=["it's", "b"])] == ["b", "it's"]
    assert [task.name for task in queue.get_next_tasks(10)] == ["a"]


def test_queues_in_one_store_are_apart(store: str) -> None:
    """A name is a queue of its own, keys included."""
    with TaskQueue(store, name="one").sync as one, TaskQueue(store, name="two").sync as two:
        assert one.enqueue("n", idempotency_key="k") != two.enqueue("n", idempotency_key="k")
        assert len(one.get_next_tasks(10)) == 1
        assert two.stats().ready == 1


def test_many_claimers_never_share_a_task(store: str) -> None:
    """Claims are atomic over threads and over connections."""
    with TaskQueue(store, durable=False).sync as one, TaskQueue(store, durable=False).sync as two:
        for index in range(200):
            one.enqueue("n", index)

        def drain(queue: SyncTaskQueue) -> list[str]:
            claimed = []
            while task := queue.get_next_task():
                claimed.append(task.id)
                queue.mark_completed(task)
            return claimed

        with ThreadPoolExecutor(8) as threads:
            claimed = [task_id for ids in threads.map(drain, [one, two] * 4) for task_id in ids]
    assert len(claimed) == len(set(claimed)) == 200


def test_the_event_loop_runs_while_the_store_is_locked(sqlite_path: str) -> None:
    """A locked database makes coroutines wait, never the loop they run on."""

    async def scenario() -> None:
        async with TaskQueue(sqlite_path) as queue, TaskQueue(sqlite_path) as other:
            await other.enqueue("n")
            locked, unlock = threading.Event(), threading.Event()

            def hold(transaction: object) -> None:
                locked.set()
                unlock.wait(30)

            holding = other.storage.write_soon(hold)
            assert await asyncio.to_thread(locked.wait, 30)
            enqueued = asyncio.create_task(queue.enqueue("n"))
            # the loop turns as often as it likes while the other one holds the lock
            for _ in range(100):
                await asyncio.sleep(0)
            assert not enqueued.done()
            unlock.set()
            await holding
            await enqueued
            assert (await queue.stats()).ready == 2

    asyncio.run(scenario())


def test_a_cancelled_claim_gives_the_task_back(store: str) -> None:
    """Whoever stops waiting for a task takes none with him."""

    async def scenario() -> None:
        async with TaskQueue(store) as queue:
            await queue.enqueue("n")
            claim = asyncio.create_task(queue.get_next_task())
            await asyncio.sleep(0)
            claim.cancel()
            with pytest.raises(asyncio.CancelledError):
                await claim
            while (task := await queue.get_next_task()) is None:
                await asyncio.sleep(0)
            assert task.receives == 1

    asyncio.run(scenario())


def test_a_claim_cancelled_as_the_queue_closes_is_no_error(sqlite_path: str) -> None:
    """Nobody is left to give the task back: its lease runs out, and nothing is logged about it."""
    said: list[dict[str, object]] = []

    async def scenario() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: said.append(context))
        queue = TaskQueue(sqlite_path)
        await queue.enqueue("n")
        claim = asyncio.create_task(queue.get_next_task())
        await asyncio.sleep(0)
        claim.cancel()
        queue.close()
        with pytest.raises(asyncio.CancelledError):
            await claim
        # the outcome of the claim is handed over now
        for _ in range(5):
            await asyncio.sleep(0)

    asyncio.run(scenario())
    assert said == []


def test_concurrent_producers_share_commits(sqlite_path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A hundred enqueues at once need far fewer transactions than a hundred, and all are stored."""
    commits = 0
    commit = SqliteSession.commit

    def counted(session: SqliteSession) -> None:
        nonlocal commits
        commits += 1
        commit(session)

    async def scenario() -> None:
        nonlocal commits
        async with TaskQueue(sqlite_path, name="shared") as queue:
            commits = 0
            await asyncio.gather(*(queue.enqueue("n", index) for index in range(100)))
            assert commits <= 10
            assert (await queue.stats()).ready == 100

    monkeypatch.setattr(SqliteSession, "commit", counted)
    asyncio.run(scenario())
    assert value("queue_operation_duration_seconds_count", queue="shared", operation="enqueue") == 100


def test_series_say_what_happens(store: str) -> None:
    """Depth by state, age, claims, expiries and durations are exposed under the queue's name."""
    clock = FakeClock()
    name = f"series-{'sqlite' if store.endswith('.db') else 'postgres'}"
    with TaskQueue(store, name=name, clock=clock, lease_seconds=10).sync as queue:
        queue.enqueue("n")
        queue.enqueue("n", delay=100)
        queue.enqueue("n")
        assert queue.get_next_task() is not None
        clock.advance(5)
        stats = queue.stats()
        assert (stats.ready, stats.delayed, stats.claimed, stats.oldest_age) == (1, 1, 1, 5.0)
        clock.advance(20)
        assert queue.get_next_task() is not None
    assert value("queue_depth", queue=name, state="ready") == 1
    assert value("queue_depth", queue=name, state="claimed") == 1
    assert value("queue_oldest_age_seconds", queue=name) == 5.0
    assert value("queue_claims_total", queue=name) == 2
    assert value("queue_lease_expiries_total", queue=name) == 1
    assert value("queue_operation_duration_seconds_count", queue=name, operation="claim") == 2


def test_a_closed_queue_says_so(store: str) -> None:
    """Using a queue after `close` is an error in a sentence, not a hang."""
    queue = TaskQueue(store).sync
    queue.enqueue("n")
    queue.close()
    with pytest.raises(StorageError, match="is closed"):
        queue.enqueue("n")


def test_forgetting_keeps_up_with_what_is_done(sqlite_path: str, clock: FakeClock) -> None:
    """However many tasks are closed in a second, the file does not grow for ever."""
    with TaskQueue(sqlite_path, retention_seconds=0, clock=clock, durable=False).sync as queue:
        ids: list[str] = []
        for _ in range(20):
            ids += [queue.enqueue("n") for _ in range(50)]
            for task in queue.get_next_tasks(50):
                queue.mark_completed(task)
        clock.advance(2)
        for _ in range(6):
            assert queue.get_next_tasks(50) == ()
        assert [task_id for task_id in ids if queue.get_state(task_id) is not None] == []
