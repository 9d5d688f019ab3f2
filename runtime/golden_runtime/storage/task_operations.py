"""What can be done to tasks, as operations that run on either store. Each refuses, if it does, before it writes."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from golden_runtime.queue_errors import DuplicateTaskError, StaleLeaseError
from golden_runtime.storage.burying import Burial, bury, bury_expired
from golden_runtime.tasks import QueueStats, Task

if TYPE_CHECKING:
    from collections.abc import Sequence

    from golden_runtime.storage.session import Row, Transaction

# How many rows one claim returns to the queue, or forgets, in passing: enough to keep up, too few to keep others waiting.
_RETURNED_AT_ONCE = 500
_FORGOTTEN_AT_ONCE = 200

_INSERT = """INSERT INTO golden_runtime_tasks
    (id, queue, name, payload, priority, state, available_at, enqueued_at, idempotency_key)
    VALUES (:id, :queue, :name, :payload, :priority, :state, {now} + :delay, {now}, :key)
    ON CONFLICT DO NOTHING RETURNING id"""

_BY_KEY = "SELECT id FROM golden_runtime_tasks WHERE queue = :queue AND idempotency_key = :key"

_PROMOTE = """UPDATE golden_runtime_tasks SET state = 'ready' WHERE seq IN (
    SELECT seq FROM golden_runtime_tasks WHERE queue = :queue AND state = 'delayed' AND available_at <= {now}
    ORDER BY available_at LIMIT :limit {skip_locked})"""

_RETURN_EXPIRED = """UPDATE golden_runtime_tasks SET state = 'ready', lease_until = NULL, worker = NULL WHERE seq IN (
    SELECT seq FROM golden_runtime_tasks
    WHERE queue = :queue AND state = 'claimed' AND lease_until <= {now} AND receives < :max_receives
    ORDER BY lease_until LIMIT :limit {skip_locked}) RETURNING id"""

_FORGET = """DELETE FROM golden_runtime_tasks WHERE seq IN (
    SELECT seq FROM golden_runtime_tasks WHERE queue = :queue AND finished_at IS NOT NULL AND finished_at <= {now} - :retention
    ORDER BY finished_at LIMIT :limit {skip_locked})"""

# MATERIALIZED: PostgreSQL may otherwise run the inner query again, and claim more than asked for
_CLAIM = """WITH due AS MATERIALIZED (
    SELECT seq FROM golden_runtime_tasks WHERE queue = :queue AND state = 'ready'CONDITION
    ORDER BY priority DESC, seq LIMIT :limit {skip_locked})
    UPDATE golden_runtime_tasks SET state = 'claimed', token = {next_token}, receives = receives + 1,
    lease_until = {now} + :lease, worker = :worker WHERE seq IN (SELECT seq FROM due)
    RETURNING seq, id, queue, name, payload, priority, attempts, receives, token, enqueued_at, lease_until, idempotency_key"""
_CLAIM_ANY = _CLAIM.replace("CONDITION", "")
_CLAIM_NAMED = _CLAIM.replace("CONDITION", " AND {among_names}")

_HEARTBEAT = """UPDATE golden_runtime_tasks SET lease_until = {now} + :lease
    WHERE id = :id AND token = :token AND state = 'claimed' RETURNING lease_until"""

_COMPLETE = """UPDATE golden_runtime_tasks SET state = 'completed', finished_at = {now}, lease_until = NULL
    WHERE id = :id AND token = :token AND state = 'claimed' RETURNING id"""

_RETRY = """UPDATE golden_runtime_tasks SET state = :state, available_at = {now} + :delay, lease_until = NULL, worker = NULL,
    attempts = attempts + :attempts, receives = 0, last_error = :error
    WHERE id = :id AND token = :token AND state = 'claimed' RETURNING id"""

_RELEASE = """UPDATE golden_runtime_tasks SET state = :state, available_at = {now} + :delay, lease_until = NULL, worker = NULL,
    attempts = attempts + :attempts, receives = receives - :uncounted
    WHERE id = :id AND token = :token AND state = 'claimed' RETURNING id"""

_PRESENT = "SELECT state, token FROM golden_runtime_tasks WHERE id = :id"

_COUNTS = """SELECT state, count(*), min(enqueued_at), {now} FROM golden_runtime_tasks
    WHERE queue = :queue AND state IN ('ready', 'delayed', 'claimed') GROUP BY state"""

_STATE = """SELECT state, attempts, receives, last_error FROM golden_runtime_tasks WHERE queue = :queue AND id = :id"""


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


def enqueue(transaction: Transaction, queue: str, new: NewTask) -> str:
    """Store a task and return its id, or the id of the task that has its idempotency key."""
    row: dict[str, object] = {
        "id": new.id,
        "queue": queue,
        "name": new.name,
        "payload": new.payload,
        "priority": new.priority,
        "state": "delayed" if new.delay > 0 else "ready",
        "delay": new.delay,
        "key": new.idempotency_key,
    }
    while not transaction.execute(_INSERT, row):
        if new.idempotency_key is not None:
            present = transaction.execute(_BY_KEY, {"queue": queue, "key": new.idempotency_key})
            if present:
                return str(present[0][0])
        if transaction.execute(_PRESENT, {"id": new.id}):
            if new.id_is_generated:
                # stored by an earlier try, whose commit was not acknowledged
                return new.id
            raise DuplicateTaskError(f"the task id `{new.id}` is taken: give another id, or none to have one made")
        # what was in the way has been forgotten by another machine between two statements
    return new.id


def claim(transaction: Transaction, queue: str, request: ClaimRequest) -> tuple[Task, ...]:
    """Claim the tasks that come first: the highest priority, in it the oldest."""
    parameters: dict[str, object] = {
        "queue": queue,
        "limit": request.limit,
        "lease": request.lease,
        "worker": request.worker,
    }
    if request.names is None:
        rows = transaction.execute(_CLAIM_ANY, parameters)
    else:
        rows = transaction.execute(_CLAIM_NAMED, {**parameters, "names": json.dumps(request.names)})
    # RETURNING promises no order
    rows.sort(key=lambda row: (-row[5], row[0]))
    return tuple(_task(row) for row in rows)


def upkeep(transaction: Transaction, queue: str, settings: Upkeep, *, forget: bool) -> tuple[int, tuple[Burial, ...]]:
    """Let delayed tasks come due, return expired leases, bury what kills its workers, `forget` what is long closed.

    Returns how many leases had run out, and what was buried.
    """
    limited = {"queue": queue, "limit": _RETURNED_AT_ONCE}
    transaction.execute(_PROMOTE, limited)
    returned = transaction.execute(_RETURN_EXPIRED, {**limited, "max_receives": settings.max_receives})
    buried = bury_expired(transaction, queue, settings.max_receives)
    if forget:
        transaction.execute(_FORGET, {"queue": queue, "limit": _FORGOTTEN_AT_ONCE, "retention": settings.retention})
    return len(returned) + len(buried), buried


def claim_and_keep_up(
    transaction: Transaction, queue: str, request: ClaimRequest, settings: Upkeep, *, forget: bool
) -> Claim:
    """Claim; with upkeep first when it is time to `forget`, or else when there is too little to claim."""
    if forget:
        expired, buried = upkeep(transaction, queue, settings, forget=True)
        return Claim(claim(transaction, queue, request), expired, buried)
    tasks = claim(transaction, queue, request)
    if len(tasks) == request.limit:
        return Claim(tasks, 0, ())
    expired, buried = upkeep(transaction, queue, settings, forget=False)
    rest = ClaimRequest(request.limit - len(tasks), request.lease, request.worker, request.names)
    return Claim((*tasks, *claim(transaction, queue, rest)), expired, buried)


def heartbeat(transaction: Transaction, tasks: Sequence[Task], lease: float) -> tuple[Task, ...]:
    """Extend leases by `lease` seconds from now, and return the tasks that are no longer held."""
    return tuple(
        task
        for task in tasks
        if not transaction.execute(_HEARTBEAT, {"id": task.id, "token": task.token, "lease": lease})
    )


def complete(transaction: Transaction, task: Task) -> None:
    """Close a task as done."""
    if not transaction.execute(_COMPLETE, {"id": task.id, "token": task.token}):
        _check_closed_so(transaction, task, "completed")


def retry_later(transaction: Transaction, task: Task, delay: float, attempts: int, error: str) -> None:
    """Put a failed task back, due again after `delay` seconds."""
    _put_back(transaction, _RETRY, task, delay, {"attempts": attempts, "error": error})


def release(transaction: Transaction, task: Task, delay: float, attempts: int, *, counted: bool = False) -> None:
    """Put a task back as if it had not been claimed, or, `counted`, as if its lease had run out."""
    _put_back(transaction, _RELEASE, task, delay, {"attempts": attempts, "uncounted": 0 if counted else 1})


def fail(transaction: Transaction, task: Task, burial: Burial) -> None:
    """Move a task to the dead letters and close it, in one transaction."""
    if not bury(transaction, task.id, task.token, burial):
        _check_closed_so(transaction, task, "dead")


def stats(transaction: Transaction, queue: str) -> QueueStats:
    """Count the tasks that are not closed, by state."""
    rows = transaction.execute(_COUNTS, {"queue": queue})
    counts = {row[0]: row for row in rows}
    waiting = counts.get("ready")
    oldest = 0.0 if waiting is None else max(0.0, float(waiting[3]) - float(waiting[2]))
    ready, delayed, claimed = (
        int(counts[state][1]) if state in counts else 0 for state in ("ready", "delayed", "claimed")
    )
    return QueueStats(ready, delayed, claimed, oldest)


def state_of(transaction: Transaction, queue: str, task_id: str) -> TaskState | None:
    """Return where a task stands, or None if it is unknown or forgotten."""
    rows = transaction.execute(_STATE, {"queue": queue, "id": task_id})
    return TaskState(*rows[0]) if rows else None


def stale(task: Task) -> StaleLeaseError:
    """Return the error for a claim that is no longer valid."""
    return StaleLeaseError(
        f"the claim of task `{task.id}` is no longer valid, its lease ran out or it was closed: "
        "drop the result, and use a longer lease or heartbeats if this happens often"
    )


def _put_back(
    transaction: Transaction, statement: str, task: Task, delay: float, parameters: dict[str, object]
) -> None:
    state = "delayed" if delay > 0 else "ready"
    present = {"id": task.id, "token": task.token, "state": state, "delay": max(0.0, delay)}
    if not transaction.execute(statement, {**present, **parameters}):
        raise stale(task)


def _check_closed_so(transaction: Transaction, task: Task, state: str) -> None:
    """Refuse, unless this very claim was closed this way already: a commit may be acknowledged to nobody, and tried again."""
    if transaction.execute(_PRESENT, {"id": task.id}) != [(state, task.token)]:
        raise stale(task)


def _task(row: Row) -> Task:
    payload: Any = json.loads(row[4])
    return Task(row[1], row[2], row[3], payload, *row[5:])
