"""How a task is stored, once, however often its commit is tried."""

from __future__ import annotations

from typing import TYPE_CHECKING

from golden_runtime.queue_errors import DuplicateTaskError, QueueError
from golden_runtime.storage.joint import Joint
from golden_runtime.storage.rows import key, new_key
from golden_runtime.task_ids import following

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Self

    from golden_runtime.storage.session import Parameters, Transaction

_INSERT = """INSERT INTO golden_runtime_tasks
    (seq, id, is_given, queue, name, payload, priority, state, rank, moment, enqueued_at, idempotency_key)
    VALUES (:seq, :id, :is_given, :queue, :name, :payload, :priority, :state, :rank, {now} + :delay, {now}, :key)
    ON CONFLICT DO NOTHING"""

_HOLDER = "SELECT id, seq, name, payload FROM golden_runtime_tasks WHERE {is_in_the_way}"

_BY_KEY = "SELECT id FROM golden_runtime_tasks WHERE queue = :queue AND idempotency_key = :key"

# a closed task is remembered for the retention and no longer, whether or not a claim has come by to forget it
_FORGET_HOLDER = """DELETE FROM golden_runtime_tasks WHERE ({is_in_the_way} OR (queue = :queue AND idempotency_key = :key))
    AND state IN ({dead}, {completed}) AND moment <= {now} - :retention"""


class Enqueue(Joint[str]):
    """Stores a task and returns its id, or the id of the task that has its idempotency key.

    row: the parameters of `_INSERT`. id_is_generated: whether its id was made for it.
    retention: seconds after which closed tasks are in nobody's way.
    """

    __slots__ = ("_was_tried", "id_is_generated", "kind", "retention", "row")

    def __init__(self, row: Parameters, retention: float, *, id_is_generated: bool) -> None:
        self.row = row
        self.retention = retention
        self.id_is_generated = id_is_generated
        # one that was given, of the form of those that are made, has no number of its own that would tell its row from another's
        self.kind: object = "enqueue" if id_is_generated or row["is_given"] else None
        # whether an earlier try has stored it, in a transaction of which nobody knows whether it was committed
        self._was_tried = False

    def __call__(self, transaction: Transaction) -> str:
        """Store it. Raises DuplicateTaskError where its id is taken."""
        row = self.row
        if transaction.change(_INSERT, row):
            self._was_tried = True
            return str(row["id"])
        return self._store_beside(transaction)

    def run_with(self, transaction: Transaction, others: Sequence[Self]) -> list[str | QueueError]:
        """Store many with one statement. What it has stored answers afterwards as if an earlier try had done so."""
        operations = (self, *others)
        rows = [operation.row for operation in operations]
        if transaction.change_all(_INSERT, rows) == len(rows):
            return [str(row["id"]) for row in rows]
        return [operation.attempt(transaction) for operation in operations]

    def _store_beside(self, transaction: Transaction) -> str:
        """Store it where something is in the way: a task long closed, one of the same key or id, or of the same number."""
        transaction.enclose()
        row = self.row
        while not transaction.change(_INSERT, row):
            task_id = str(row["id"])
            old = {**key(task_id), "queue": row["queue"], "key": row["key"], "retention": self.retention}
            if transaction.change(_FORGET_HOLDER, old):
                continue
            if row["key"] is not None:
                present = transaction.execute(_BY_KEY, {"queue": row["queue"], "key": row["key"]})
                if present:
                    return str(present[0][0])
            holder = transaction.execute(_HOLDER, key(task_id))
            if self._is_stored_as(row, holder):
                # by an earlier try, whose commit was not acknowledged
                return task_id
            if holder and not self.id_is_generated:
                raise DuplicateTaskError(f"the task id `{task_id}` is taken: give another id, or none to have one made")
            if holder:
                row = {**row, **new_key(following(task_id))}
            # or else what was in the way has been forgotten by another machine between two statements
        self._was_tried = True
        return str(row["id"])

    def _is_stored_as(self, row: Parameters, holder: Sequence[tuple[object, ...]]) -> bool:
        """Whether what is in the way is this very task: beside an id that was given stands a number that no other has."""
        is_alike = holder == [(row["id"], row["seq"], row["name"], row["payload"])]
        return is_alike and (self.id_is_generated or row["is_given"] == 1 or self._was_tried)
