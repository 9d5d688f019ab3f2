"""A database that goes away in mid-commit is asked again: what it has stored already is found, not stored or refused once more.

Running an operation twice is what the queue does when a commit was not acknowledged.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from golden_runtime import DuplicateTaskError, StaleLeaseError, TaskQueue
from golden_runtime.queue_requests import release_of
from queue_clock import FakeClock

if TYPE_CHECKING:
    from collections.abc import Iterator

    from golden_runtime import SyncTaskQueue, Task
    from golden_runtime.storage.session import Operation, Transaction


@pytest.fixture
def queue(store: str) -> Iterator[SyncTaskQueue]:
    """A queue on either store."""
    with TaskQueue(store).sync as opened:
        yield opened


def claimed(queue: SyncTaskQueue) -> Task:
    """Return a task that is held."""
    queue.enqueue("n")
    task = queue.get_next_task()
    assert task is not None
    return task


def test_a_letter_whose_commit_was_not_acknowledged_is_not_written_twice(queue: SyncTaskQueue) -> None:
    """A database that goes away in mid-commit is asked again: what it has stored already is found, not stored once more."""
    queue.enqueue("n")
    task = queue.get_next_task()
    assert task is not None
    added, _ = queue.dead_letters._entries._addition("n", None, "broken", "execute", 1, "same id", 0)
    failed, _ = queue._queue._failure(task, "broken", None, "execute", 1)
    first, second = [queue._storage.write(added) for _ in range(2)]
    for _ in range(2):
        queue._storage.write(failed)
    assert first == second
    assert queue.dead_letters.count() == 2
    # two of one id on purpose are two
    queue.dead_letters.add_entry("n", None, "broken", task_id="same id")
    assert queue.dead_letters.count() == 3


def test_a_task_with_an_id_of_its_own_is_stored_once(queue: SyncTaskQueue) -> None:
    """Its own row is no reason to refuse it; the row of another task is."""
    store = queue._queue._enqueueing("n", 1, 0, 0.0, None, "mine")
    assert [queue._storage.write(store) for _ in range(2)] == ["mine", "mine"]
    with pytest.raises(DuplicateTaskError, match="`mine` is taken"):
        queue.enqueue("n", 2, task_id="mine")
    assert [task.payload for task in queue.get_next_tasks(10)] == [1]


def test_an_id_of_the_form_of_those_that_are_made_is_stored_once(queue: SyncTaskQueue) -> None:
    """It may have come from another queue; a second task of that id is refused as ever."""
    taken = queue.enqueue("n", 0)
    queue.mark_completed(queue.get_next_tasks(1)[0])
    given = f"{int(taken[:16], 16) + 5:016x}{taken[16:]}"
    store = queue._queue._enqueueing("n", 1, 0, 0.0, None, given)
    assert [queue._storage.write(store) for _ in range(2)] == [given, given]
    for task_id in (given, taken):
        with pytest.raises(DuplicateTaskError, match="is taken"):
            queue.enqueue("n", 1, task_id=task_id)
    assert [(task.id, task.payload) for task in queue.get_next_tasks(10)] == [(given, 1)]


def test_letters_that_are_deleted_are_counted(queue: SyncTaskQueue) -> None:
    """Whoever deletes learns how many there were, however often that was tried."""
    for task in [claimed(queue) for _ in range(5)]:
        queue.mark_failed(task, "broken")
    letters = [letter.id for letter in queue.dead_letters.get_entries()]
    remove = queue.dead_letters._entries._remove([*letters[:2], 10**6])
    assert [queue._storage.write(remove) for _ in range(2)] == [2, 2]
    purge = queue.dead_letters._entries._purge(0, {})
    assert [queue._storage.write(purge) for _ in range(2)] == [3, 3]


def putting_back(queue: SyncTaskQueue, task: Task, how: str) -> Operation[None]:
    """Return what puts a task back, after one attempt that failed."""
    if how == "retry":
        return queue._queue._failure(task, "broken", 0.0, "execute", 1)[0]
    return release_of(task, 0.0, 1, counted=how == "counted release")


WAYS_BACK = pytest.mark.parametrize("how", ["release", "counted release", "retry"])


@WAYS_BACK
def test_a_task_is_put_back_once(queue: SyncTaskQueue, how: str) -> None:
    """It waits, so all is well; who asks for the first time does not hold it."""
    task = claimed(queue)
    put_back = putting_back(queue, task, how)
    for _ in range(2):
        queue._storage.write(put_back)
    state = queue.get_state(task.id)
    assert state is not None
    assert (state.state, state.attempts) == ("ready", 1)
    with pytest.raises(StaleLeaseError):
        queue.release(task)


@WAYS_BACK
@pytest.mark.parametrize("and_then", ["works on it", "completes it", "gives it up"])
def test_a_task_that_another_has_taken_since_was_put_back(store: str, how: str, and_then: str) -> None:
    """Who has put it back is not told that its lease ran out, and what the other one does with it stands."""
    with TaskQueue(store, clock=FakeClock()).sync as queue:
        put_back = putting_back(queue, claimed(queue), how)
        queue._storage.write(put_back)
        [other] = queue.get_next_tasks(9)
        if and_then == "completes it":
            queue.mark_completed(other)
        if and_then == "gives it up":
            queue.mark_failed(other, "broken again")
        before = queue.get_state(other.id)
        queue._storage.write(put_back)
        assert queue.get_state(other.id) == before


@pytest.mark.parametrize("how", ["release", "retry"])
def test_a_task_whose_lease_ran_out_was_not_put_back(store: str, how: str) -> None:
    """A try that was undone is no proof: the other one has it because the lease ran out, and this one learns so."""
    clock = FakeClock()
    with TaskQueue(store, clock=clock).sync as queue:
        put_back = putting_back(queue, claimed(queue), how)

        def undone(transaction: Transaction) -> None:
            put_back(transaction)
            raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            queue._storage.write(undone)
        clock.advance(61)
        assert queue.get_next_task() is not None
        with pytest.raises(StaleLeaseError):
            queue._storage.write(put_back)


def test_letters_are_replayed_once(queue: SyncTaskQueue) -> None:
    """Those who replay learn which tasks they have made, however often that was tried."""
    for task in [claimed(queue) for _ in range(3)]:
        queue.mark_failed(task, "broken")
    letters = [letter.id for letter in queue.dead_letters.get_entries()]
    queue.dead_letters.remove(letters[0])
    [replay] = queue.dead_letters._entries._replays(letters, None)
    first, second = [queue._storage.write(replay) for _ in range(2)]
    assert first == second
    assert [task.id for task in queue.get_next_tasks(10)] == sorted(first)
    assert queue.dead_letters.count() == 0


def test_letters_that_others_have_removed_were_not_replayed(queue: SyncTaskQueue) -> None:
    """A try that was undone counts for nothing where the letter is gone by the next one."""
    task = claimed(queue)
    queue.mark_failed(task, "broken")
    [letter] = queue.dead_letters.get_entries()
    [replay] = queue.dead_letters._entries._replays([letter.id], None)

    def undone(transaction: object) -> None:
        replay(transaction)  # type: ignore[arg-type]  # of the store
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        queue._storage.write(undone)
    queue.dead_letters.remove(letter.id)
    assert queue._storage.write(replay) == []
