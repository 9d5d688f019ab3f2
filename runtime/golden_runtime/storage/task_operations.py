"""What can be done to tasks, as operations that run on either store. Each refuses, if it does, before it writes."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

from golden_runtime.payloads import UNREADABLE
from golden_runtime.queue_errors import DuplicateTaskError, StaleLeaseError
from golden_runtime.storage.burying import Burial, bury, bury_expired, bury_unreadable
from golden_runtime.storage.rows import key, new_key, waiting
from golden_runtime.storage.schema import CLAIMED, COMPLETED, DEAD, DELAYED, READY, STATES
from golden_runtime.task_ids import following
from golden_runtime.tasks import QueueStats, Task

if TYPE_CHECKING:
    from collections.abc import Sequence

    from golden_runtime.storage.session import Row, Transaction

# How many rows one claim returns to the queue, or forgets, in passing: enough to keep up, too few to keep others waiting.
_RETURNED_AT_ONCE = 500
_FORGOTTEN_AT_ONCE = 200
_BURIED_AT_ONCE = 100

_INSERT = """INSERT INTO golden_runtime_tasks
    (seq, id, is_given, queue, name, payload, priority, state, rank, moment, enqueued_at, idempotency_key)
    VALUES (:seq, :id, :is_given, :queue, :name, :payload, :priority, :state, :rank, {now} + :delay, {now}, :key)
    ON CONFLICT DO NOTHING"""

_HOLDER = "SELECT id FROM golden_runtime_tasks WHERE {is_in_the_way}"

_BY_KEY = "SELECT id FROM golden_runtime_tasks WHERE queue = :queue AND idempotency_key = :key"

# a closed task is remembered for the retention and no longer, whether or not a claim has come by to forget it
_FORGET_HOLDER = """DELETE FROM golden_runtime_tasks WHERE ({is_in_the_way} OR (queue = :queue AND idempotency_key = :key))
    AND state IN ({dead}, {completed}) AND moment <= {now} - :retention"""

_PROMOTE = """UPDATE golden_runtime_tasks SET {becomes_ready} WHERE seq IN (
    SELECT seq FROM golden_runtime_tasks WHERE queue = :queue AND state = {delayed} AND rank = 0 AND moment <= {now}
    ORDER BY moment LIMIT :limit {skip_locked})"""

_RETURN_EXPIRED = """UPDATE golden_runtime_tasks SET {becomes_ready}, worker = NULL WHERE seq IN (
    SELECT seq FROM golden_runtime_tasks
    WHERE queue = :queue AND state = {claimed} AND rank = 0 AND moment <= {now} AND receives < :max_receives
    ORDER BY moment LIMIT :limit {skip_locked})"""

_FORGET = """DELETE FROM golden_runtime_tasks WHERE seq IN (
    SELECT seq FROM golden_runtime_tasks
    WHERE queue = :queue AND state IN ({dead}, {completed}) AND rank = 0 AND moment <= {now} - :retention
    LIMIT :limit {skip_locked})"""

# MATERIALIZED: PostgreSQL may otherwise run the inner query again, and claim more than asked for
_CLAIM = """WITH due AS MATERIALIZED (
    SELECT seq FROM golden_runtime_tasks WHERE queue = :queue AND state = {ready}CONDITION
    ORDER BY rank, moment, seq LIMIT :limit {skip_locked})
    UPDATE golden_runtime_tasks SET state = {claimed}, rank = 0, moment = {now} + :lease, token = {next_token},
    receives = receives + 1, worker = :worker WHERE seq IN (SELECT seq FROM due)
    RETURNING seq, id, queue, name, payload, priority, attempts, receives, token, enqueued_at, moment, idempotency_key"""
_CLAIM_ANY = _CLAIM.replace("CONDITION", "")
_CLAIM_NAMED = _CLAIM.replace("CONDITION", " AND {among_names}")
# for one task SQLite needs no table of those that are due, which is a third of what the claim costs
_CLAIM_ONE = _CLAIM_ANY.replace("WHERE seq IN", "WHERE seq =")

_HEARTBEAT = """UPDATE golden_runtime_tasks SET moment = {now} + :lease
    WHERE {is_it} AND token = :token AND state = {claimed}"""

_COMPLETE = """UPDATE golden_runtime_tasks SET state = {completed}, moment = {now}
    WHERE {is_it} AND token = :token AND state = {claimed}"""

_RETRY = """UPDATE golden_runtime_tasks SET {becomes_waiting}, worker = NULL,
    attempts = attempts + :attempts, receives = 0, last_error = :error
    WHERE {is_it} AND token = :token AND state = {claimed}"""

_RELEASE = """UPDATE golden_runtime_tasks SET {becomes_waiting}, worker = NULL,
    attempts = attempts + :attempts, receives = receives - :uncounted
    WHERE {is_it} AND token = :token AND state = {claimed}"""

_PRESENT = "SELECT state, token FROM golden_runtime_tasks WHERE {is_it}"

_COUNTS = """SELECT state, count(*), min(moment), {now} FROM golden_runtime_tasks
    WHERE queue = :queue AND state IN ({claimed}, {ready}, {delayed}) GROUP BY state"""

_STATE = """SELECT state, attempts, receives, last_error FROM golden_runtime_tasks WHERE queue = :queue AND {is_it}"""


class NewTask(NamedTuple):
    """A task to be enqueued, its payload as JSON text; a tuple for the reason that `Task` is one."""

    id: str
    id_is_generated: bool
    name: str
    payload: str
    priority: int
    delay: float
    idempotency_key: str | None


@dataclass(frozen=True, slots=True)
class ClaimRequest:
    """What a worker asks for."""

    limit: int
    lease: float
    worker: str
    names: tuple[str, ...] | None


@dataclass(frozen=True, slots=True)
class Claim:
    """What a worker got, and what was found on the way: leases that had run out."""

    tasks: tuple[Task, ...]
    expired: int
    buried: tuple[Burial, ...]
    # whether there is more to forget than one claim forgets
    is_behind: bool = False


NOTHING = Claim((), 0, ())


@dataclass(frozen=True, slots=True)
class Upkeep:
    """What a claim does for the queue besides."""

    max_receives: int
    retention: float


@dataclass(frozen=True, slots=True)
class TaskState:
    """Where a task stands."""

    state: str
    attempts: int
    receives: int
    last_error: str | None


def enqueue(transaction: Transaction, queue: str, new: NewTask, retention: float) -> str:
    """Store a task and return its id, or the id of the task that has its idempotency key.

    Closed tasks are in nobody's way once they have been closed for the `retention` in seconds.
    """
    task_id = new.id
    row = {
        "queue": queue,
        "name": new.name,
        "payload": new.payload,
        "key": new.idempotency_key,
        **waiting(new.priority, new.delay),
    }
    while not transaction.change(_INSERT, {**row, **new_key(task_id)}):
        old = {**key(task_id), "queue": queue, "key": new.idempotency_key, "retention": retention}
        if transaction.change(_FORGET_HOLDER, old):
            continue
        if new.idempotency_key is not None:
            present = transaction.execute(_BY_KEY, {"queue": queue, "key": new.idempotency_key})
            if present:
                return str(present[0][0])
        holder = transaction.execute(_HOLDER, key(task_id))
        if holder and not new.id_is_generated:
            raise DuplicateTaskError(f"the task id `{task_id}` is taken: give another id, or none to have one made")
        if holder == [(task_id,)]:
            # stored by an earlier try, whose commit was not acknowledged
            return task_id
        if holder:
            task_id = following(task_id)
        # or else what was in the way has been forgotten by another machine between two statements
    return task_id


def claim(transaction: Transaction, queue: str, request: ClaimRequest) -> Claim:
    """Claim the tasks that come first: the highest priority, in it the oldest.

    One whose payload nobody can read, whoever wrote it, becomes a dead letter: it must not keep the others waiting.
    """
    tasks, buried = _readable(transaction, _claimed(transaction, queue, request))
    unreadable = buried
    while unreadable and len(buried) < _BURIED_AT_ONCE:
        rest = replace(request, limit=len(unreadable))
        more, unreadable = _readable(transaction, _claimed(transaction, queue, rest))
        tasks, buried = tasks + more, buried + unreadable
    return Claim(tuple(tasks), 0, tuple(buried))


def _readable(transaction: Transaction, rows: list[Row]) -> tuple[list[Task], list[Burial]]:
    """Return the tasks of rows that were claimed, and bury those whose payload cannot be read."""
    tasks: list[Task] = []
    buried: list[Burial] = []
    for row in rows:
        try:
            payload: Any = json.loads(row[4])
        except UNREADABLE as error:
            buried.append(bury_unreadable(transaction, row[1], row[8], error))
        else:
            tasks.append(Task(row[1], row[2], row[3], payload, *row[5:]))
    return tasks, buried


def _claimed(transaction: Transaction, queue: str, request: ClaimRequest) -> list[Row]:
    """Claim, and return the rows in order."""
    parameters: dict[str, object] = {
        "queue": queue,
        "limit": request.limit,
        "lease": request.lease,
        "worker": request.worker,
    }
    if request.names is None:
        rows = transaction.execute(_CLAIM_ONE if request.limit == 1 else _CLAIM_ANY, parameters)
    else:
        rows = transaction.execute(_CLAIM_NAMED, {**parameters, "names": json.dumps(request.names)})
    # RETURNING promises no order
    rows.sort(key=_order)
    return rows


def upkeep(
    transaction: Transaction, queue: str, settings: Upkeep, *, forget: bool
) -> tuple[int, tuple[Burial, ...], bool]:
    """Let delayed tasks come due, return expired leases, bury what kills its workers, `forget` what is long closed.

    Returns how many leases had run out, what was buried, and whether there is more to forget.
    """
    limited = {"queue": queue, "limit": _RETURNED_AT_ONCE}
    transaction.change(_PROMOTE, dict(limited))
    returned = transaction.change(_RETURN_EXPIRED, {**limited, "max_receives": settings.max_receives})
    buried = bury_expired(transaction, queue, settings.max_receives)
    forgotten = 0
    if forget:
        old = {"queue": queue, "limit": _FORGOTTEN_AT_ONCE, "retention": settings.retention}
        forgotten = transaction.change(_FORGET, old)
    return returned + len(buried), buried, forgotten == _FORGOTTEN_AT_ONCE


def claim_and_keep_up(
    transaction: Transaction, queue: str, request: ClaimRequest, settings: Upkeep, *, forget: bool
) -> Claim:
    """Claim; with upkeep first when it is time to `forget`, or else when there is too little to claim."""
    first = NOTHING if forget else claim(transaction, queue, request)
    if len(first.tasks) == request.limit:
        return first
    expired, buried, is_behind = upkeep(transaction, queue, settings, forget=forget)
    rest = replace(request, limit=request.limit - len(first.tasks))
    second = claim(transaction, queue, rest)
    return Claim(first.tasks + second.tasks, expired, first.buried + buried + second.buried, is_behind)


def heartbeat(transaction: Transaction, tasks: Sequence[Task], lease: float) -> tuple[Task, ...]:
    """Extend leases by `lease` seconds from now, and return the tasks that are no longer held."""
    return tuple(
        task
        for task in tasks
        if not transaction.change(_HEARTBEAT, {**key(task.id), "token": task.token, "lease": lease})
    )


def complete(transaction: Transaction, task: Task) -> None:
    """Close a task as done."""
    if not transaction.change(_COMPLETE, {**key(task.id), "token": task.token}):
        _check_closed_so(transaction, task, COMPLETED)


def retry_later(transaction: Transaction, task: Task, delay: float, attempts: int, error: str) -> None:
    """Put a failed task back, due again after `delay` seconds."""
    _put_back(transaction, _RETRY, task, delay, {"attempts": attempts, "error": error})


def release(transaction: Transaction, task: Task, delay: float, attempts: int, *, counted: bool = False) -> None:
    """Put a task back as if it had not been claimed, or, `counted`, as if its lease had run out."""
    _put_back(transaction, _RELEASE, task, delay, {"attempts": attempts, "uncounted": 0 if counted else 1})


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


def stale(task: Task) -> StaleLeaseError:
    """Return the error for a claim that is no longer valid."""
    return StaleLeaseError(
        f"the claim of task `{task.id}` is no longer valid, its lease ran out or it was closed: "
        "drop the result, and use a longer lease or heartbeats if this happens often"
    )


def _put_back(
    transaction: Transaction, statement: str, task: Task, delay: float, parameters: dict[str, object]
) -> None:
    if not transaction.change(statement, {**key(task.id), "token": task.token, "delay": delay, **parameters}):
        raise stale(task)


def _check_closed_so(transaction: Transaction, task: Task, state: int) -> None:
    """Refuse, unless this very claim was closed this way already: a commit may be acknowledged to nobody, and tried again."""
    if transaction.execute(_PRESENT, key(task.id)) != [(state, task.token)]:
        raise stale(task)


def _order(row: Row) -> tuple[int, float, int]:
    """Return what claimed rows are sorted by: the priority, then the age."""
    return -row[5], row[9], row[0]
