"""Dead letters, on SQLite and on PostgreSQL alike."""

from __future__ import annotations

import asyncio
import math
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from exposed import value
from golden_runtime import DeadLetterQueue, TaskQueue
from queue_clock import FakeClock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from golden_runtime import SyncDeadLetterQueue, SyncTaskQueue


@pytest.fixture
def queue(store: str, clock: FakeClock) -> Iterator[SyncTaskQueue]:
    """An empty queue."""
    with TaskQueue(store, clock=clock, durable=False).sync as opened:
        yield opened


def bury(queue: SyncTaskQueue, name: str = "n", payload: object = None, error: str = "broken") -> str:
    """Let a new task fail for good and return its id."""
    task_id = queue.enqueue(name, payload)
    task = queue.get_next_task(names=[name])
    assert task is not None
    queue.mark_failed(task, error)
    return task_id


def test_work_that_never_was_in_a_queue_is_kept_too(queue: SyncTaskQueue) -> None:
    """`add_entry` stores everything, and a replay makes a task of it."""
    entry_id = queue.dead_letters.add_entry("n", {"a": 1}, ValueError("no"), phase="fetch", attempts=7, priority=2)
    letter = queue.dead_letters.get_entry(entry_id)
    assert letter is not None
    assert (letter.name, letter.payload, letter.error_type, letter.message) == ("n", {"a": 1}, "ValueError", "no")
    assert (letter.phase, letter.attempts) == ("fetch", 7)
    [task_id] = queue.dead_letters.replay(entry_id)
    task = queue.get_next_task()
    assert task is not None
    assert (task.id, task.payload, task.priority) == (task_id, {"a": 1}, 2)


def test_one_task_may_fail_more_than_once(queue: SyncTaskQueue) -> None:
    """Two entries for one id are two entries, and both can be replayed."""
    first = queue.dead_letters.add_entry("n", 1, "no", task_id="same")
    second = queue.dead_letters.add_entry("n", 2, "no", task_id="same")
    replayed = queue.dead_letters.replay([first, second])
    assert len(set(replayed)) == 2
    assert sorted(task.payload for task in queue.get_next_tasks(5)) == [1, 2]


def test_a_replayed_task_that_fails_again_has_its_history(queue: SyncTaskQueue, clock: FakeClock) -> None:
    """The new entry tells what happened before, and when."""
    task_id = bury(queue, payload=[1], error="first")
    failed_at = clock.now
    clock.advance(60)
    assert queue.dead_letters.replay() == [task_id]
    assert queue.dead_letters.count() == 0
    task = queue.get_next_task()
    assert task is not None
    assert (task.id, task.payload, task.attempts, task.receives) == (task_id, [1], 0, 1)
    queue.mark_failed(task, "second")
    [letter] = queue.dead_letters.get_entries()
    assert letter.message == "second"
    past = [(past.message, past.failed_at, past.replayed_at) for past in letter.history]
    assert past == [("first", failed_at, failed_at + 60)]


def test_a_replay_outlives_the_memory_of_the_task(store: str, clock: FakeClock) -> None:
    """A letter is enough to make the task again under its id, when the queue has long forgotten it."""
    with TaskQueue(store, retention_seconds=10, clock=clock).sync as queue:
        task_id = bury(queue, payload="kept")
        clock.advance(11)
        assert queue.get_next_task() is None
        assert queue.get_state(task_id) is None
        queue.dead_letters.replay()
        task = queue.get_next_task()
        assert task is not None
        assert (task.id, task.payload) == (task_id, "kept")
        assert task.token > 1


def test_entries_come_in_pages_the_newest_first(queue: SyncTaskQueue) -> None:
    """Pages neither repeat nor leave out an entry."""
    for index in range(7):
        bury(queue, payload=index)
    seen: list[object] = []
    before = None
    while page := queue.dead_letters.get_entries(limit=3, before=before):
        seen += [letter.payload for letter in page]
        before = page[-1].id
    assert seen == [6, 5, 4, 3, 2, 1, 0]


@pytest.mark.parametrize(
    ("which", "found"),
    [
        ({"name": "a"}, [0, 2]),
        ({"error_type": "KeyError"}, [2]),
        ({"search": "TIME_OUT%"}, [1]),
        ({"phase": "fetch"}, [2]),
        ({"failed_after": 1_000_010.0}, [1, 2]),
        ({"failed_before": 1_000_010.0, "name": "a"}, [0]),
        ({"task_id": "nobody"}, []),
    ],
)
def test_entries_are_filtered(
    queue: SyncTaskQueue, clock: FakeClock, which: dict[str, object], found: list[int]
) -> None:
    """Every condition narrows down what is listed, counted and replayed alike."""
    bury(queue, "a", 0, "no")
    clock.advance(10)
    bury(queue, "b", 1, "a Time_Out% it was")
    queue.dead_letters.add_entry("a", 2, KeyError("k"), phase="fetch")
    letters = queue.dead_letters
    assert sorted(letter.payload for letter in letters.get_entries(**which)) == found
    assert letters.count(**which) == len(found)
    assert len(letters.replay(**which)) == len(found)
    assert letters.count() == 3 - len(found)


def test_a_replay_at_a_rate_comes_due_bit_by_bit(queue: SyncTaskQueue, clock: FakeClock) -> None:
    """Two a second: after a second and a half four are due, and the store alone keeps the schedule."""
    for index in range(10):
        bury(queue, payload=index)
    assert len(queue.dead_letters.replay(rate=2)) == 10
    clock.advance(1.6)
    assert [task.payload for task in queue.get_next_tasks(20)] == [0, 1, 2, 3]
    clock.advance(10)
    assert len(queue.get_next_tasks(20)) == 6


def test_many_are_replayed_in_order(queue: SyncTaskQueue) -> None:
    """All, or the oldest so many, whatever their number."""
    for index in range(450):
        queue.dead_letters.add_entry("n", index, "no")
    assert len(queue.dead_letters.replay(limit=300)) == 300
    assert queue.dead_letters.count() == 150
    assert [task.payload for task in queue.get_next_tasks(1000)] == list(range(300))


def test_a_letter_that_is_named_twice_is_replayed_once(queue: SyncTaskQueue) -> None:
    """What is returned, and counted, is what was put back."""
    first, second = bury(queue), bury(queue)
    newer, older = (letter.id for letter in queue.dead_letters.get_entries())
    assert queue.dead_letters.replay([older, newer, older]) == [first, second]


def test_a_worker_that_had_the_task_cannot_close_its_replay(queue: SyncTaskQueue) -> None:
    """The fencing token goes on growing through the dead letters."""
    queue.enqueue("n")
    old = queue.get_next_task()
    assert old is not None
    queue.mark_failed(old, "no")
    queue.dead_letters.replay()
    new = queue.get_next_task()
    assert new is not None
    assert new.token > old.token


def test_removing_and_purging(queue: SyncTaskQueue, clock: FakeClock) -> None:
    """`remove` deletes the ones named, `purge` the old ones, and both say how many."""
    bury(queue, payload="old")
    clock.advance(3600)
    bury(queue, payload="young")
    assert queue.dead_letters.purge(timedelta(minutes=59)) == 1
    [letter] = queue.dead_letters.get_entries()
    assert letter.payload == "young"
    assert queue.dead_letters.remove([letter.id, 999]) == 1
    assert queue.dead_letters.get_entry(letter.id) is None


def test_each_queue_has_its_own(store: str) -> None:
    """What fails in one queue does not show in another's dead letters."""
    with TaskQueue(store, name="one").sync as one, DeadLetterQueue(store, queue="two").sync as two:
        bury(one)
        assert (one.dead_letters.count(), two.count()) == (1, 0)


def test_a_broken_error_is_kept_all_the_same(queue: SyncTaskQueue) -> None:
    """An exception that cannot even say its message does not keep its task from being closed."""

    class Broken(Exception):
        def __str__(self) -> str:
            raise RuntimeError("no message for you")

    queue.enqueue("n")
    task = queue.get_next_task()
    assert task is not None
    queue.mark_failed(task, Broken())
    [letter] = queue.dead_letters.get_entries()
    assert letter.error_type == "Broken"


def test_endless_errors_are_cut(queue: SyncTaskQueue) -> None:
    """A message of megabytes does not fill the store."""
    queue.dead_letters.add_entry("n", None, ValueError("x" * 10_000_000))
    [letter] = queue.dead_letters.get_entries()
    assert len(letter.message) == 4_000
    assert len(letter.traceback) < 40_000


def test_a_long_message_does_not_push_the_frames_out(queue: SyncTaskQueue) -> None:
    """Where an error with a page of HTML in it was raised is what people look for."""

    def answer() -> None:
        raise ValueError("<p>" * 50_000)

    try:
        answer()
    except ValueError as error:
        queue.dead_letters.add_entry("n", None, error)
    [letter] = queue.dead_letters.get_entries()
    assert "in answer" in letter.traceback


def test_coroutines_do_the_same(store: str) -> None:
    """The methods for event loops reach the same letters."""

    async def scenario() -> tuple[int, list[str], int, int]:
        async with DeadLetterQueue(store) as letters:
            entries = [await letters.add_entry("n", index, "no") for index in range(4)]
            first = await letters.get_entry(entries[0])
            assert first is not None
            assert [letter.payload for letter in await letters.get_entries(limit=2)] == [3, 2]
            return (
                await letters.count(),
                await letters.replay(entries[:2]),
                await letters.remove(entries[2]),
                await letters.purge(0),
            )

    count, replayed, removed, purged = asyncio.run(scenario())
    assert (count, len(replayed), removed, purged) == (4, 2, 1, 1)


def test_series_say_what_died_and_came_back(sqlite_path: str) -> None:
    """Entries, their error types, the depth and replays are exposed under the queue's name."""
    letters: SyncDeadLetterQueue
    with TaskQueue(sqlite_path, name="dead-series").sync as queue:
        letters = queue.dead_letters
        bury(queue)
        letters.add_entry("n", None, KeyError("k"))
        assert letters.count() == 2
        letters.replay(limit=1)
    assert value("dlq_entries_total", queue="dead-series") == 2
    assert value("dlq_errors_total", queue="dead-series", error_type="KeyError") == 1
    assert value("dlq_depth", queue="dead-series") == 2
    assert value("dlq_replayed_total", queue="dead-series") == 1


@pytest.mark.parametrize(
    "older_than", ["1d", "x", -1, timedelta(days=-1), -math.inf, math.nan, None, True], ids=lambda given: repr(given)
)
def test_an_age_that_is_none_deletes_nothing(queue: SyncTaskQueue, older_than: Any) -> None:
    """What decides over deletion is not guessed: a database would take text for a number, and not-a-number for the largest."""
    bury(queue)
    with pytest.raises(ValueError, match="`older_than` must be seconds from zero up"):
        queue.dead_letters.purge(older_than)
    assert queue.dead_letters.count() == 1


def test_ids_and_conditions_exclude_each_other(queue: SyncTaskQueue) -> None:
    """Whoever gives both means fewer than either says; nothing is replayed."""
    bury(queue)
    [letter] = queue.dead_letters.get_entries()
    for options in ({"name": "other"}, {"limit": 1}):
        with pytest.raises(ValueError, match="give ids, or conditions and a limit, not both"):
            queue.dead_letters.replay([letter.id], **options)
    assert queue.dead_letters.count() == 1


@pytest.mark.parametrize(
    "which",
    [
        {"name": 5},
        {"error_type": ValueError},
        {"search": "\0"},
        {"search": "\ud800"},
        {"failed_after": "x"},
        {"failed_after": math.nan},
        {"failed_before": datetime(2026, 1, 1)},
    ],
    ids=lambda given: repr(given),
)
def test_conditions_that_no_store_could_compare_with_are_refused(queue: SyncTaskQueue, which: dict[str, Any]) -> None:
    """The same sentence for both stores, naming the condition."""
    with pytest.raises((TypeError, ValueError), match=f"`{next(iter(which))}` (must|has)"):
        queue.dead_letters.count(**which)


def test_ids_and_names_of_the_wrong_kind_are_refused(queue: SyncTaskQueue) -> None:
    """Neither store is asked."""
    attempts: list[Callable[[], object]] = [
        lambda: queue.dead_letters.get_entries(before="x"),  # type: ignore[arg-type]  # that is the point
        lambda: queue.dead_letters.get_entry(True),
        lambda: queue.dead_letters.remove(1.5),  # type: ignore[arg-type]  # as above
        lambda: queue.get_next_task(names=[5]),  # type: ignore[list-item]  # as above
        lambda: queue.get_state(5),  # type: ignore[arg-type]  # as above
    ]
    for attempt in attempts:
        with pytest.raises((TypeError, ValueError), match="must be"):
            attempt()


def test_times_may_be_dates(queue: SyncTaskQueue, clock: FakeClock) -> None:
    """As long as they say their time zone."""
    bury(queue)
    an_hour_ago = datetime.fromtimestamp(clock.now, UTC) - timedelta(hours=1)
    assert queue.dead_letters.count(failed_after=an_hour_ago) == 1
    assert queue.dead_letters.count(failed_before=an_hour_ago) == 0


def test_a_letter_revives_its_own_task_and_no_other(queue: SyncTaskQueue) -> None:
    """Another dead task may have the same id, here or in another queue of the store: what the letter holds is not lost."""
    queue.enqueue("first", 1, task_id="X")
    task = queue.get_next_task()
    assert task is not None
    queue.mark_failed(task, "broken")
    second = queue.dead_letters.add_entry("second", 2, "other", task_id="X")
    with TaskQueue(queue._storage, name="elsewhere", clock=FakeClock()).sync as elsewhere:
        third = elsewhere.dead_letters.add_entry("third", 3, "other", task_id="X")
        for letters, entry in ((queue.dead_letters, second), (elsewhere.dead_letters, third)):
            assert len(letters.replay(entry)) == 1
        assert [task.payload for task in elsewhere.get_next_tasks(9)] == [3]
    assert [task.payload for task in queue.get_next_tasks(9)] == [2]
    assert queue.dead_letters.replay() == ["X"]
    assert [task.payload for task in queue.get_next_tasks(9)] == [1]
