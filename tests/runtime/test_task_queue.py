"""Task queues, on SQLite and on PostgreSQL alike."""

from __future__ import annotations

import asyncio
import json
import math
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
from exposed import value
from golden_runtime import DuplicateTaskError, StaleLeaseError, StorageError, TaskQueue
from golden_runtime.queue_requests import enqueueing
from golden_runtime.storage.sqlite import SqliteSession
from queue_clock import FakeClock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from golden_runtime import SyncTaskQueue, Task
    from golden_runtime.storage.session import Transaction


def _breaks(digits: str) -> None:
    raise ValueError(f"broken \0 \ud800 {digits}")


@pytest.fixture
def clock() -> FakeClock:
    """The clock of the queue under test."""
    return FakeClock()


@pytest.fixture
def queue(store: str, clock: FakeClock) -> Iterator[SyncTaskQueue]:
    """A queue with a lease of 60 seconds, whose time the test decides."""
    with TaskQueue(store, lease_seconds=60, max_receives=3, clock=clock).sync as opened:
        yield opened


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


def test_payloads_come_back_as_they_were(queue: SyncTaskQueue) -> None:
    """Whatever JSON can say survives, odd characters included."""
    payload = {"text": "nul \0, lone \ud800, é, 🙂", "nested": [1, 2.5, None, True, {"a": []}]}
    queue.enqueue("n", payload)
    task = queue.get_next_task()
    assert task is not None
    assert task.payload == payload


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


def test_one_key_is_one_task(queue: SyncTaskQueue) -> None:
    """A key that was seen returns the first task's id, also once that is done."""
    first = queue.enqueue("n", 1, idempotency_key="key")
    assert queue.enqueue("n", 2, idempotency_key="key") == first
    task = queue.get_next_task()
    assert task is not None
    assert task.payload == 1
    queue.mark_completed(task)
    assert queue.enqueue("n", 3, idempotency_key="key") == first
    assert queue.get_next_task() is None


def test_a_key_is_forgotten_with_its_task(store: str, clock: FakeClock) -> None:
    """After the retention time closed tasks leave the store, and their keys may come again."""
    with TaskQueue(store, retention_seconds=100, clock=clock).sync as queue:
        first = queue.enqueue("n", idempotency_key="key")
        task = queue.get_next_task()
        assert task is not None
        queue.mark_completed(task)
        clock.advance(101)
        assert queue.get_next_task() is None
        assert queue.get_state(first) is None
        assert queue.enqueue("n", idempotency_key="key") != first


def test_a_key_forgotten_at_that_moment_is_stored_anew(postgres_url: str) -> None:
    """Where another machine forgets the key's old task between two statements, the new one is not taken for it."""
    with TaskQueue(postgres_url).sync as queue, TaskQueue(postgres_url).sync as other:
        queue.enqueue("old", idempotency_key="k")
        forgotten: list[str] = []

        class Racing:
            def __init__(self, transaction: Transaction) -> None:
                self._transaction = transaction

            def execute(self, statement: str, parameters: dict[str, object]) -> list[tuple[object, ...]]:
                return self._transaction.execute(statement, parameters)

            def change(self, statement: str, parameters: dict[str, object]) -> int:
                changed = self._transaction.change(statement, parameters)
                if not forgotten:
                    forgotten.append(statement)
                    other._storage.write(lambda its: its.change("DELETE FROM golden_runtime_tasks", {}))
                return changed

            def change_all(self, statement: str, parameters: Sequence[dict[str, object]]) -> int:
                return self._transaction.change_all(statement, parameters)

            def enclose(self) -> None:
                self._transaction.enclose()

        store = enqueueing(queue.name, 3600, "new", None, 0, 0.0, "k", None)
        task_id = queue._storage.write(lambda its: store(Racing(its)))
        task = queue.get_next_task()
        assert task is not None
        assert (task.id, task.name) == (task_id, "new")


def test_a_taken_id_is_refused(queue: SyncTaskQueue) -> None:
    """Two tasks never share an id, and the first stays as it was."""
    queue.enqueue("n", 1, task_id="mine")
    with pytest.raises(DuplicateTaskError, match="`mine` is taken"):
        queue.enqueue("n", 2, task_id="mine")
    assert [task.payload for task in queue.get_next_tasks(10)] == [1]


def test_an_id_that_another_queue_made_can_be_given(queue: SyncTaskQueue, tmp_path: Path) -> None:
    """A task that moves from one store to another keeps its id, which is looked up, refused and closed like any other."""
    with TaskQueue(tmp_path / "elsewhere.db").sync as elsewhere:
        made = elsewhere.enqueue("n")
    assert queue.enqueue("n", task_id=made) == made
    with pytest.raises(DuplicateTaskError, match="is taken"):
        queue.enqueue("n", task_id=made)
    task = queue.get_next_task()
    assert task is not None
    queue.mark_completed(task)
    state = queue.get_state(made)
    assert state is not None
    assert state.state == "completed"


def test_two_processes_that_make_the_same_number_both_have_their_task(queue: SyncTaskQueue) -> None:
    """Ids of one millisecond may begin alike: neither task is taken for the other, nor stored twice when tried again."""
    mine, theirs = (enqueueing(queue.name, 3600, "n", who, 0, 0.0, None, None) for who in ("mine", "theirs"))
    begun_alike = str(mine.row["id"])
    theirs.row |= {"seq": mine.row["seq"], "id": begun_alike[:-1] + ("0" if begun_alike[-1] != "0" else "1")}
    ids = [queue._storage.write(store) for store in (mine, theirs, mine, theirs)]
    assert ids[:2] == ids[2:]
    tasks = queue.get_next_tasks(10)
    assert {task.id: task.payload for task in tasks} == {ids[0]: "mine", ids[1]: "theirs"}
    for task in tasks:
        queue.mark_completed(task)


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


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("n", object()), "payload cannot be stored"),
        (("n", float("nan")), "payload cannot be stored"),
        (("", 1), "task name"),
        (("a\0b", 1), "task name"),
    ],
)
def test_what_cannot_be_stored_is_refused_at_once(
    queue: SyncTaskQueue, arguments: tuple[str, object], said: str
) -> None:
    """A bad argument is the caller's error, in a sentence, and leaves nothing behind."""
    with pytest.raises((TypeError, ValueError), match=said):
        queue.enqueue(*arguments)
    assert queue.stats().depth == 0


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (lambda queue: queue.get_next_task(names="name"), "`names` must be several names"),
        (lambda queue: queue.get_next_tasks(-1), "limit `-1`"),
        (lambda queue: queue.get_next_task(lease_seconds=float("nan")), "lease_seconds"),
        (lambda queue: queue.get_next_task(lease_seconds=-5), "lease_seconds"),
        (lambda queue: queue.enqueue("n", delay=math.inf), "delay"),
        (lambda queue: queue.enqueue("n", priority=2**70), "priority"),
        (lambda queue: queue.dead_letters.get_entries(limit=-1), "limit `-1`"),
        (lambda queue: queue.dead_letters.replay("17"), "id `'1'`"),
        (lambda queue: queue.dead_letters.add_entry("n", 1, "e", attempts=2**70), "attempts"),
    ],
)
def test_arguments_that_would_hide_or_grab_tasks_are_refused(
    queue: SyncTaskQueue, wrong: Callable[[SyncTaskQueue], object], said: str
) -> None:
    """A slip such as a lease that never ends, or a string for a list of names, says so and touches no task."""
    queue.enqueue("name")
    with pytest.raises((TypeError, ValueError), match=said):
        wrong(queue)
    assert (queue.stats().ready, queue.stats().claimed) == (1, 0)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda queue, task: queue.mark_failed(task, "e", retry_in=math.inf),
        lambda queue, task: queue.mark_failed(task, "e", attempts=2**70),
        lambda queue, task: queue.release(task, delay=math.nan),
        lambda queue, task: queue.heartbeat(task, lease_seconds=math.inf),
    ],
)
def test_reports_that_would_hide_a_task_for_ever_are_refused(
    queue: SyncTaskQueue, wrong: Callable[[SyncTaskQueue, Task], object]
) -> None:
    """A task is put off by a number of seconds that ends, and stays with its holder where it is not."""
    queue.enqueue("n")
    task = queue.get_next_task()
    assert task is not None
    with pytest.raises(ValueError, match="must be"):
        wrong(queue, task)
    queue.mark_completed(task)


@pytest.mark.parametrize("option", ["lease_seconds", "max_receives", "retention_seconds"])
def test_settings_that_make_no_sense_are_refused(sqlite_path: str, option: str) -> None:
    """A queue that would forget at once, or bury at the first claim, is not made."""
    with pytest.raises(ValueError, match=f"`{option}` must be"):
        TaskQueue(sqlite_path, **{option: -0.5})  # type: ignore[arg-type]  # the name varies


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


def _deep(levels: int) -> list[object]:
    nested: list[object] = []
    for _ in range(levels):
        nested = [nested]
    return nested


def test_a_payload_nested_too_deep_to_be_read_back_is_refused(queue: SyncTaskQueue) -> None:
    """Whoever claims it may stand deeper in the stack than whoever wrote it: what is accepted leaves room for that."""
    with pytest.raises(ValueError, match="nested more than 100 levels"):
        queue.enqueue("n", _deep(100))
    with pytest.raises(ValueError, match="nested more than 100 levels"):
        queue.dead_letters.add_entry("n", {"deep": _deep(100)}, "broken")
    queue.enqueue("n", {"deep": _deep(98), "text": "[" * 500, "many": [[]] * 500})
    task = queue.get_next_task()
    assert task is not None
    assert task.payload["deep"] == _deep(98)


def test_a_payload_that_nobody_can_read_is_a_dead_letter_and_stops_nobody(queue: SyncTaskQueue) -> None:
    """However it got there: the others are handed out, and its text is kept for people to look at, and to put back."""
    bad, good = queue.enqueue("n", "bad", priority=9), queue.enqueue("n", "good")
    text = "[" * 20_000 + "]" * 20_000

    def spoil(transaction: Transaction) -> None:
        transaction.change("UPDATE golden_runtime_tasks SET payload = :text WHERE id = :id", {"text": text, "id": bad})

    queue._storage.write(spoil)
    assert [task.id for task in queue.get_next_tasks(1)] == [good]
    [letter] = queue.dead_letters.get_entries()
    assert (letter.task_id, letter.error_type, letter.phase, letter.payload) == (
        bad,
        "UnreadablePayload",
        "decode",
        text,
    )
    assert queue.dead_letters.replay() == [bad]
    assert queue.get_next_tasks(1) == ()
    [letter] = queue.dead_letters.get_entries()
    assert [failure.error_type for failure in letter.history] == ["UnreadablePayload"]


def test_a_number_is_no_boolean_on_either_store(queue: SyncTaskQueue) -> None:
    """Both stores give the same answer."""
    with pytest.raises(ValueError, match="priority `True` must be a whole number"):
        queue.enqueue("n", priority=True)


def test_a_key_counts_no_longer_than_its_task_is_remembered(store: str, clock: FakeClock) -> None:
    """Nor does an id, though no claim has come by to forget the old task: else what is accepted would never be done."""
    with TaskQueue(store, retention_seconds=100, clock=clock).sync as queue:
        old = queue.enqueue("n", "old", idempotency_key="key")
        queue.enqueue("n", "old", task_id="mine")
        for task in queue.get_next_tasks(2):
            queue.mark_completed(task)
        clock.advance(99)
        assert queue.enqueue("n", "refused", idempotency_key="key") == old
        with pytest.raises(DuplicateTaskError):
            queue.enqueue("n", "refused", task_id="mine")
        clock.advance(2)
        assert queue.enqueue("n", "new", idempotency_key="key") != old
        assert queue.enqueue("n", "new", task_id="mine") == "mine"
        assert [task.payload for task in queue.get_next_tasks(9)] == ["new", "new"]


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
