"""How a task becomes a dead letter: its row closed, its letter written, in the one transaction that is open."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from golden_runtime.storage.session import Transaction

_BURIED_AT_ONCE = 100

_CLOSE = """UPDATE golden_runtime_tasks SET state = 'dead', finished_at = {now}, lease_until = NULL,
    attempts = attempts + :attempts, last_error = :message WHERE id = :id AND token = :token AND state = 'claimed'
    RETURNING queue, id, name, payload, attempts, receives, priority, token, enqueued_at, worker, idempotency_key, history"""

_WRITE = """INSERT INTO golden_runtime_dead_letters
    (queue, task_id, name, payload, error_type, message, traceback, phase, attempts, receives, priority, token,
    enqueued_at, failed_at, worker, idempotency_key, history)
    VALUES (:queue, :task_id, :name, :payload, :error_type, :message, :traceback, :phase, :attempts, :receives, :priority,
    :token, :enqueued_at, {now}, :worker, :idempotency_key, :history) RETURNING id"""

_POISONOUS = """SELECT id, token, receives, worker FROM golden_runtime_tasks
    WHERE queue = :queue AND state = 'claimed' AND lease_until <= {now} AND receives >= :max_receives
    ORDER BY lease_until LIMIT :limit {skip_locked}"""

# the worker that stalled must not take this letter for one of its own making
_REVOKE = "UPDATE golden_runtime_tasks SET token = token + 1 WHERE id = :id"

_COLUMNS = (
    "queue",
    "task_id",
    "name",
    "payload",
    "attempts",
    "receives",
    "priority",
    "token",
    "enqueued_at",
    "worker",
    "idempotency_key",
    "history",
)


@dataclass(frozen=True, slots=True)
class Burial:
    """Why a task is given up."""

    error_type: str
    message: str
    traceback: str = ""
    phase: str = "execute"
    attempts: int = 1


def bury(transaction: Transaction, task_id: str, token: int, burial: Burial) -> int | None:
    """Close a claimed task as dead and return the id of its letter, or None where the claim is not valid."""
    rows = transaction.execute(
        _CLOSE, {"id": task_id, "token": token, "attempts": burial.attempts, "message": burial.message}
    )
    if not rows:
        return None
    return write_letter(transaction, dict(zip(_COLUMNS, rows[0], strict=True)), burial)


def write_letter(transaction: Transaction, task: dict[str, object], burial: Burial) -> int:
    """Write a letter from a task's columns and return its id."""
    reason = {
        "error_type": burial.error_type,
        "message": burial.message,
        "traceback": burial.traceback,
        "phase": burial.phase,
    }
    return int(transaction.execute(_WRITE, {**task, **reason})[0][0])


def bury_expired(transaction: Transaction, queue: str, max_receives: int) -> tuple[Burial, ...]:
    """Bury tasks whose workers died, or stalled, too often."""
    parameters = {"queue": queue, "max_receives": max_receives, "limit": _BURIED_AT_ONCE}
    buried: list[Burial] = []
    for task_id, token, receives, worker in transaction.execute(_POISONOUS, parameters):
        message = f"claimed {receives} times and never closed: its worker, {worker} at last, died or stalled each time"
        burial = Burial("LeaseExpired", message, phase="lease", attempts=0)
        if bury(transaction, task_id, token, burial) is not None:
            transaction.execute(_REVOKE, {"id": task_id})
            buried.append(burial)
    return tuple(buried)


def write_new_letter(transaction: Transaction, letter: dict[str, object], burial: Burial) -> int:
    """Write a letter for work that never was in a queue and return its id."""
    [[now]] = transaction.execute("SELECT {now}", {})
    never = {"receives": 0, "token": 0, "enqueued_at": now, "worker": None, "idempotency_key": None, "history": "[]"}
    return write_letter(transaction, {**never, **letter}, burial)
