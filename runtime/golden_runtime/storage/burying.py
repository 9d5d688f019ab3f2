"""How a task becomes a dead letter: its row closed, its letter written, in the one transaction that is open."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from golden_runtime.storage.rows import key

if TYPE_CHECKING:
    from golden_runtime.storage.session import Transaction

_BURIED_AT_ONCE = 100

_CLOSE = """UPDATE golden_runtime_tasks SET state = {dead}, moment = {now},
    attempts = attempts + :attempts, last_error = :message WHERE {is_it} AND token = :token AND state = {claimed}
    RETURNING queue, id, name, payload, attempts, receives, priority, token, enqueued_at, worker, idempotency_key, history"""

_WRITE = """INSERT INTO golden_runtime_dead_letters
    (queue, task_id, name, payload, error_type, message, traceback, phase, attempts, receives, priority, token,
    enqueued_at, failed_at, worker, idempotency_key, history, receipt)
    VALUES (:queue, :task_id, :name, :payload, :error_type, :message, :traceback, :phase, :attempts, :receives, :priority,
    :token, :enqueued_at, {now}, :worker, :idempotency_key, :history, :receipt) RETURNING id"""

_BY_RECEIPT = "SELECT id FROM golden_runtime_dead_letters WHERE receipt = :receipt"

_POISONOUS = """SELECT id, token, receives, worker FROM golden_runtime_tasks
    WHERE queue = :queue AND state = {claimed} AND rank = 0 AND moment <= {now} AND receives >= :max_receives
    ORDER BY moment LIMIT :limit {skip_locked}"""

# the worker that stalled must not take this letter for one of its own making
_REVOKE = "UPDATE golden_runtime_tasks SET token = token + 1 WHERE {is_it} AND token = :token AND state = {claimed}"

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
        _CLOSE, {**key(task_id), "token": token, "attempts": burial.attempts, "message": burial.message}
    )
    if not rows:
        return None
    return _write_letter(transaction, {**dict(zip(_COLUMNS, rows[0], strict=True)), "receipt": None}, burial)


def bury_expired(transaction: Transaction, queue: str, max_receives: int) -> tuple[Burial, ...]:
    """Bury tasks whose workers died, or stalled, too often."""
    parameters = {"queue": queue, "max_receives": max_receives, "limit": _BURIED_AT_ONCE}
    buried: list[Burial] = []
    for task_id, token, receives, worker in transaction.execute(_POISONOUS, parameters):
        message = f"claimed {receives} times and never closed: its worker, {worker} at last, died or stalled each time"
        burial = Burial("LeaseExpired", message, phase="lease", attempts=0)
        transaction.change(_REVOKE, {**key(task_id), "token": token})
        if bury(transaction, task_id, token + 1, burial) is not None:
            buried.append(burial)
    return tuple(buried)


def bury_unreadable(transaction: Transaction, task_id: str, token: int, error: Exception) -> Burial:
    """Bury a task that was just claimed, and whose payload cannot be read."""
    burial = Burial("UnreadablePayload", f"its payload cannot be read: {error}", phase="decode", attempts=0)
    bury(transaction, task_id, token, burial)
    return burial


def write_new_letter(transaction: Transaction, letter: dict[str, object], burial: Burial) -> int:
    """Write a letter for work that never was in a queue and return its id.

    Its receipt tells it from others: where an earlier try was committed and not acknowledged, it is there already.
    """
    present = transaction.execute(_BY_RECEIPT, {"receipt": letter["receipt"]})
    if present:
        return int(present[0][0])
    [[now]] = transaction.execute("SELECT {now}", {})
    never = {"receives": 0, "token": 0, "enqueued_at": now, "worker": None, "idempotency_key": None, "history": "[]"}
    return _write_letter(transaction, {**never, **letter}, burial)


def _write_letter(transaction: Transaction, task: dict[str, object], burial: Burial) -> int:
    """Write a letter from a task's columns and return its id."""
    reason = {
        "error_type": burial.error_type,
        "message": burial.message,
        "traceback": burial.traceback,
        "phase": burial.phase,
    }
    return int(transaction.execute(_WRITE, {**task, **reason})[0][0])
