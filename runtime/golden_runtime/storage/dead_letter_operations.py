"""What can be done to dead letters, as operations that run on either store."""

from __future__ import annotations

import json
from dataclasses import asdict, fields
from typing import TYPE_CHECKING

from golden_runtime.tasks import DeadLetter, DeadLetterFilter, PastFailure

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from golden_runtime.storage.session import Row, Transaction

# Earlier failures that a letter keeps, the newest ones: a task replayed for ever must not grow for ever.
_KEPT_HISTORY = 20

_COLUMNS = tuple(field.name for field in fields(DeadLetter))

_SELECT = f"SELECT {', '.join(_COLUMNS)} FROM golden_runtime_dead_letters WHERE queue = :queue"  # noqa: S608 - from constants

# One condition for each field of the filter that is set.
_CONDITIONS = {
    "name": "name = :name",
    "error_type": "error_type = :error_type",
    "phase": "phase = :phase",
    "task_id": "task_id = :task_id",
    "failed_after": "failed_at >= :failed_after",
    "failed_before": "failed_at < :failed_before",
    "search": "lower(message) LIKE lower(:search) ESCAPE '!'",
}

_TAKE = f"""DELETE FROM golden_runtime_dead_letters WHERE queue = :queue AND id = :id
    RETURNING {", ".join(_COLUMNS)}"""  # noqa: S608 - from constants

_REVIVE = """UPDATE golden_runtime_tasks SET state = :state, available_at = {now} + :delay, finished_at = NULL, attempts = 0,
    receives = 0, worker = NULL, history = :history WHERE id = :id AND state = 'dead' RETURNING id"""

_REINSERT = """INSERT INTO golden_runtime_tasks
    (id, queue, name, payload, priority, state, available_at, enqueued_at, token, idempotency_key, history)
    VALUES (:id, :queue, :name, :payload, :priority, :state, {now} + :delay, :enqueued_at, :token, :key, :history)
    ON CONFLICT DO NOTHING RETURNING id"""


def get(transaction: Transaction, queue: str, entry_id: int) -> DeadLetter | None:
    """Return a letter, or None if there is none of that id."""
    rows = transaction.execute(f"{_SELECT} AND id = :id", {"queue": queue, "id": entry_id})
    return _letter(rows[0]) if rows else None


def page(
    transaction: Transaction, queue: str, wanted: DeadLetterFilter, limit: int, before: int | None
) -> list[DeadLetter]:
    """Return letters, the newest first, at most `limit`, below the id `before`."""
    condition, parameters = _where(wanted)
    if before is not None:
        condition += " AND id < :before"
        parameters["before"] = before
    statement = f"{_SELECT}{condition} ORDER BY id DESC LIMIT :limit"
    return [_letter(row) for row in transaction.execute(statement, {"queue": queue, "limit": limit, **parameters})]


def count(transaction: Transaction, queue: str, wanted: DeadLetterFilter) -> int:
    """Count letters."""
    condition, parameters = _where(wanted)
    statement = f"SELECT count(*) FROM golden_runtime_dead_letters WHERE queue = :queue{condition}"  # noqa: S608 - from constants
    return int(transaction.execute(statement, {"queue": queue, **parameters})[0][0])


def ids(transaction: Transaction, queue: str, wanted: DeadLetterFilter, limit: int | None) -> list[int]:
    """Return the ids of letters, the oldest first."""
    condition, parameters = _where(wanted)
    statement = f"SELECT id FROM golden_runtime_dead_letters WHERE queue = :queue{condition} ORDER BY id"  # noqa: S608 - from constants
    if limit is not None:
        statement += " LIMIT :limit"
        parameters["limit"] = limit
    return [int(row[0]) for row in transaction.execute(statement, {"queue": queue, **parameters})]


def remove(transaction: Transaction, queue: str, entry_ids: Sequence[int]) -> int:
    """Delete letters for good and return how many there were."""
    return sum(len(transaction.execute(_TAKE, {"queue": queue, "id": entry_id})) for entry_id in entry_ids)


def purge(transaction: Transaction, queue: str, wanted: DeadLetterFilter, older_than: float) -> int:
    """Delete letters that failed more than `older_than` seconds ago and return how many there were."""
    condition, parameters = _where(wanted)
    statement = f"""DELETE FROM golden_runtime_dead_letters
        WHERE queue = :queue AND failed_at <= {{now}} - :older_than{condition} RETURNING id"""  # noqa: S608 - from constants
    return len(transaction.execute(statement, {"queue": queue, "older_than": older_than, **parameters}))


def replay(
    transaction: Transaction,
    queue: str,
    delays: Iterable[tuple[int, float]],
    now: float,
    fresh_id: Callable[[], str],
) -> list[str]:
    """Put letters back into the queue, each due after its delay in seconds, and return the ids of their tasks."""
    replayed: list[str] = []
    for entry_id, delay in delays:
        rows = transaction.execute(_TAKE, {"queue": queue, "id": entry_id})
        if rows:
            replayed.append(_revive(transaction, _letter(rows[0]), delay, now, fresh_id))
    return replayed


def _revive(transaction: Transaction, letter: DeadLetter, delay: float, now: float, fresh_id: Callable[[], str]) -> str:
    """Open the task again under its id; where that is forgotten, or taken by now, as a new row."""
    parameters: dict[str, object] = {
        "id": letter.task_id,
        "state": "delayed" if delay > 0 else "ready",
        "delay": delay,
        "history": json.dumps([asdict(failure) for failure in _history(letter, now)]),
    }
    if transaction.execute(_REVIVE, parameters):
        return letter.task_id
    row: dict[str, object] = {
        **parameters,
        "queue": letter.queue,
        "name": letter.name,
        "payload": json.dumps(letter.payload),
        "priority": letter.priority,
        "enqueued_at": letter.enqueued_at,
        # a worker that still holds the old claim must not close the new one
        "token": letter.token + 1,
        "key": letter.idempotency_key,
    }
    if transaction.execute(_REINSERT, row):
        return letter.task_id
    row |= {"id": fresh_id(), "key": None}
    transaction.execute(_REINSERT, row)
    return str(row["id"])


def _history(letter: DeadLetter, now: float) -> tuple[PastFailure, ...]:
    latest = PastFailure(
        letter.error_type, letter.message, letter.traceback, letter.phase, letter.attempts, letter.failed_at, now
    )
    return (*letter.history, latest)[-_KEPT_HISTORY:]


def _where(wanted: DeadLetterFilter) -> tuple[str, dict[str, object]]:
    parameters = {name: value for name, value in asdict(wanted).items() if value is not None}
    condition = "".join(f" AND {_CONDITIONS[name]}" for name in parameters)
    if wanted.search is not None:
        escaped = wanted.search.replace("!", "!!").replace("%", "!%").replace("_", "!_")
        parameters["search"] = f"%{escaped}%"
    return condition, parameters


def _letter(row: Row) -> DeadLetter:
    columns = dict(zip(_COLUMNS, row, strict=True))
    columns["payload"] = json.loads(columns["payload"])
    columns["history"] = tuple(PastFailure(**failure) for failure in json.loads(columns["history"]))
    return DeadLetter(**columns)
