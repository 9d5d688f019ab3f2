"""Ids and keys of tasks, on SQLite and on PostgreSQL alike: what is one task, and for how long."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from golden_runtime import DuplicateTaskError, TaskQueue
from golden_runtime.queue_requests import enqueueing

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from golden_runtime import SyncTaskQueue
    from golden_runtime.storage.session import Transaction
    from queue_clock import FakeClock


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
