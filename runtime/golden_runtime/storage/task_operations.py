"""What can be done to tasks, as operations that run on either store. Each refuses, if it does, before it writes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from golden_runtime.queue_errors import QueueError, StaleLeaseError
from golden_runtime.storage.burying import Burial, bury
from golden_runtime.storage.joint import Joint
from golden_runtime.storage.rows import key
from golden_runtime.storage.schema import CLAIMED, COMPLETED, DEAD, DELAYED, READY, STATES
from golden_runtime.tasks import QueueStats

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Self

    from golden_runtime.storage.session import Parameters, Transaction
    from golden_runtime.tasks import Task

# a row that somebody has locked is passed over, so that it costs nobody else the lease
_HEARTBEAT = """UPDATE golden_runtime_tasks SET moment = {now} + :lease WHERE seq = (
    SELECT seq FROM golden_runtime_tasks WHERE {is_it} AND token = :token AND state = {claimed} {skip_locked})"""

_COMPLETE = """UPDATE golden_runtime_tasks SET state = {completed}, moment = {now}
    WHERE {is_it} AND token = :token AND state = {claimed}"""

_RETRY = """UPDATE golden_runtime_tasks SET {becomes_waiting}, worker = NULL,
    attempts = attempts + :attempts, receives = 0, last_error = :error
    WHERE {is_it} AND token = :token AND state = {claimed}"""

_RELEASE = """UPDATE golden_runtime_tasks SET {becomes_waiting}, worker = NULL,
    attempts = attempts + :attempts, receives = receives - :uncounted
    WHERE {is_it} AND token = :token AND state = {claimed}"""

_PRESENT = "SELECT state, token, receives FROM golden_runtime_tasks WHERE {is_it}"

_COUNTS = """SELECT state, count(*), min(moment), {now} FROM golden_runtime_tasks
    WHERE queue = :queue AND state IN ({claimed}, {ready}, {delayed}) GROUP BY state"""

_STATE = """SELECT state, attempts, receives, last_error FROM golden_runtime_tasks WHERE queue = :queue AND {is_it}"""


@dataclass(frozen=True, slots=True)
class TaskState:
    """Where a task stands."""

    state: str
    attempts: int
    receives: int
    last_error: str | None


def heartbeat(transaction: Transaction, tasks: Sequence[Task], lease: float) -> tuple[Task, ...]:
    """Extend leases by `lease` seconds from now, and return the tasks that are no longer held."""
    return tuple(
        task
        for task in tasks
        if not transaction.change(_HEARTBEAT, {**key(task.id), "token": task.token, "lease": lease})
        and not _stands_so(transaction, task, CLAIMED)
    )


class Complete(Joint[None]):
    """Closes a task as done."""

    __slots__ = ("_task",)

    kind: object = "complete"

    def __init__(self, task: Task) -> None:
        self._task = task

    def __call__(self, transaction: Transaction) -> None:
        """Close it. Raises StaleLeaseError when it is no longer held."""
        if not transaction.change(_COMPLETE, self._closed()):
            _check_closed_so(transaction, self._task, COMPLETED)

    def run_with(self, transaction: Transaction, others: Sequence[Self]) -> list[QueueError | None]:
        """Close many with one statement. What it has closed answers afterwards as if an earlier try had done so."""
        operations = (self, *others)
        if transaction.change_all(_COMPLETE, [operation._closed() for operation in operations]) == len(operations):
            return [None] * len(operations)
        return [operation.attempt(transaction) for operation in operations]

    def _closed(self) -> Parameters:
        return {**key(self._task.id), "token": self._task.token}


class PutBack:
    """Puts a task back into the queue, due again after a delay; made by `retry_later` and `release`."""

    __slots__ = ("_parameters", "_receives", "_statement", "_task", "_was_tried")

    def __init__(self, statement: str, task: Task, receives: int, **parameters: object) -> None:
        self._statement = statement
        self._task = task
        # how many claims count against the task once it is back
        self._receives = receives
        self._parameters: Parameters = {**key(task.id), "token": task.token, **parameters}
        self._was_tried = False

    def __call__(self, transaction: Transaction) -> None:
        """Put it back. Raises StaleLeaseError when it is no longer held."""
        if transaction.change(self._statement, self._parameters):
            self._was_tried = True
        elif not (self._was_tried and self._is_back(transaction)):
            raise _stale(self._task)

    def _is_back(self, transaction: Transaction) -> bool:
        """Whether an earlier try was committed, and its commit not acknowledged.

        It was where the task waits, and where the one claim that came since counts as the first after it: had the lease run out
        instead, the claim that lost it would count, too.
        """
        for state, token, receives in transaction.execute(_PRESENT, key(self._task.id)):
            if token == self._task.token:
                return state in (READY, DELAYED)
            is_next = token == self._task.token + 1 and state not in (READY, DELAYED)
            return is_next and bool(receives == self._receives + 1)
        return False


def retry_later(task: Task, delay: float, attempts: int, error: str) -> PutBack:
    """Return what puts a failed task back, due again after `delay` seconds."""
    return PutBack(_RETRY, task, 0, delay=delay, attempts=attempts, error=error)


def release(task: Task, delay: float, attempts: int, *, counted: bool = False) -> PutBack:
    """Return what puts a task back as if it had not been claimed, or, `counted`, as if its lease had run out."""
    uncounted = 0 if counted else 1
    return PutBack(_RELEASE, task, task.receives - uncounted, delay=delay, attempts=attempts, uncounted=uncounted)


def fail(transaction: Transaction, task: Task, burial: Burial) -> None:
    """Move a task to the dead letters and close it, in one transaction."""
    if not bury(transaction, task.id, task.token, burial):
        _check_closed_so(transaction, task, DEAD)


def stats(transaction: Transaction, queue: str) -> QueueStats:
    """Count the tasks that are not closed, by state."""
    rows = transaction.execute(_COUNTS, {"queue": queue})
    counts = {row[0]: row for row in rows}
    first = counts.get(READY)
    oldest = 0.0 if first is None else max(0.0, float(first[3]) - float(first[2]))
    ready, delayed, claimed = (int(counts[state][1]) if state in counts else 0 for state in (READY, DELAYED, CLAIMED))
    return QueueStats(ready, delayed, claimed, oldest)


def state_of(transaction: Transaction, queue: str, task_id: str) -> TaskState | None:
    """Return where a task stands, or None if it is unknown or forgotten."""
    rows = transaction.execute(_STATE, {"queue": queue, **key(task_id)})
    return TaskState(STATES[rows[0][0]], *rows[0][1:]) if rows else None


def check_held(lost: Sequence[Task]) -> None:
    """Raise StaleLeaseError for the first of the tasks that are no longer held, if there is one."""
    for task in lost:
        raise _stale(task)


def _stale(task: Task) -> StaleLeaseError:
    return StaleLeaseError(
        f"the claim of task `{task.id}` is no longer valid, its lease ran out or it was closed: "
        "drop the result, and use a longer lease or heartbeats if this happens often"
    )


def _check_closed_so(transaction: Transaction, task: Task, state: int) -> None:
    """Refuse, unless this very claim was closed this way already: a commit may be acknowledged to nobody, and tried again."""
    if not _stands_so(transaction, task, state):
        raise _stale(task)


def _stands_so(transaction: Transaction, task: Task, state: int) -> bool:
    """Whether a task is in a state by this very claim."""
    return [row[:2] for row in transaction.execute(_PRESENT, key(task.id))] == [(state, task.token)]
