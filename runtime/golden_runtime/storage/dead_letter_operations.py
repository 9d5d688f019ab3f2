"""What can be done to dead letters, as operations that run on either store."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import asdict, fields
from typing import TYPE_CHECKING

from golden_runtime.payloads import UNREADABLE
from golden_runtime.storage.rows import key, new_key, waiting
from golden_runtime.task_ids import fresh_id
from golden_runtime.tasks import DeadLetter, DeadLetterFilter, PastFailure

if TYPE_CHECKING:
    from collections.abc import Sequence

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

_REMOVE = "DELETE FROM golden_runtime_dead_letters WHERE queue = :queue AND id = :id"
_TAKE = f"{_REMOVE} RETURNING {', '.join(_COLUMNS)}"

_REVIVE = """UPDATE golden_runtime_tasks SET {becomes_waiting}, attempts = 0, receives = 0, worker = NULL,
    history = :history WHERE {is_it} AND queue = :queue AND token = :token AND state = {dead}"""

_ALIVE = "SELECT 1 FROM golden_runtime_tasks WHERE {is_it} AND state <> {dead}"

_REINSERT = """INSERT INTO golden_runtime_tasks
    (seq, id, is_given, queue, name, payload, priority, state, rank, moment, enqueued_at, token, idempotency_key, history)
    VALUES (:seq, :id, :is_given, :queue, :name, :payload, :priority, :state, :rank,
    CASE WHEN :delay > 0 THEN {now} + :delay ELSE :enqueued_at END, :enqueued_at, :token, :key, :history)
    ON CONFLICT DO NOTHING"""


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


class Remove:
    """Deletes letters for good and returns how many there were, those included that an earlier try has deleted."""

    def __init__(self, queue: str, entry_ids: Sequence[int]) -> None:
        self._queue = queue
        self._entry_ids = entry_ids
        self._removed: set[int] = set()

    def __call__(self, transaction: Transaction) -> int:
        """Delete them, and pass over those that are not there."""
        self._removed |= {
            entry_id
            for entry_id in self._entry_ids
            if transaction.change(_REMOVE, {"queue": self._queue, "id": entry_id})
        }
        return len(self._removed)


class Purge:
    """Deletes letters that failed more than `older_than` seconds ago and returns how many there were.

    Where an earlier try was committed and not acknowledged, that is what that one has deleted.
    """

    def __init__(self, queue: str, wanted: DeadLetterFilter, older_than: float) -> None:
        self._queue = queue
        self._wanted = wanted
        self._older_than = older_than
        self._purged = 0

    def __call__(self, transaction: Transaction) -> int:
        """Delete them."""
        condition, parameters = _where(self._wanted)
        statement = f"""DELETE FROM golden_runtime_dead_letters
            WHERE queue = :queue AND failed_at <= {{now}} - :older_than{condition}"""  # noqa: S608 - from constants
        asked = {"queue": self._queue, "older_than": self._older_than, **parameters}
        # one that was undone is done again, and finds no fewer
        self._purged = max(self._purged, transaction.change(statement, asked))
        return self._purged


class Replay:
    """Puts letters back into the queue, each due after its delay in seconds, and returns the ids of their tasks."""

    def __init__(self, queue: str, delays: Sequence[tuple[int, float]]) -> None:
        self._queue = queue
        self._delays = delays
        # the tasks that an earlier try has made of letters, by the ids of these; whether it was committed is not known
        self._tried: dict[int, str] = {}

    def __call__(self, transaction: Transaction) -> list[str]:
        """Put them back, and pass over those that are not there."""
        # by the clock of the store, as the other times of a letter
        [[now]] = transaction.execute("SELECT {now}", {})
        tasks = [self._replayed(transaction, entry_id, delay, now) for entry_id, delay in self._delays]
        return [task_id for task_id in tasks if task_id is not None]

    def _replayed(self, transaction: Transaction, entry_id: int, delay: float, now: float) -> str | None:
        rows = transaction.execute(_TAKE, {"queue": self._queue, "id": entry_id})
        if rows:
            self._tried[entry_id] = _revive(transaction, rows[0], delay, now)
            return self._tried[entry_id]
        task_id = self._tried.get(entry_id)
        return task_id if task_id is not None and transaction.execute(_ALIVE, key(task_id)) else None


def _revive(transaction: Transaction, row: Row, delay: float, now: float) -> str:
    """Open the task again under its id; where that is forgotten, or taken by now, as a new row."""
    letter = _letter(row)
    history = json.dumps([asdict(failure) for failure in _history(letter, now)])
    # the very claim that the letter is of: another task may have the same id by now, or in another queue
    own = {**key(letter.task_id), "queue": letter.queue, "token": letter.token}
    if transaction.change(_REVIVE, {**own, "delay": delay, "history": history}):
        return letter.task_id
    task: dict[str, object] = {
        **new_key(letter.task_id),
        **waiting(letter.priority, delay),
        "queue": letter.queue,
        "name": letter.name,
        # as it was written: what cannot be read stays what it is
        "payload": row[_COLUMNS.index("payload")],
        "enqueued_at": letter.enqueued_at,
        # a worker that still holds the old claim must not close the new one
        "token": letter.token + 1,
        "key": letter.idempotency_key,
        "history": history,
    }
    while not transaction.change(_REINSERT, task):
        task |= {**new_key(fresh_id()), "key": None}
    return str(task["id"])


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
    # one that cannot be read is shown as it was written, and hides no other letter
    with suppress(*UNREADABLE):
        columns["payload"] = json.loads(columns["payload"])
    columns["history"] = tuple(PastFailure(**failure) for failure in json.loads(columns["history"]))
    return DeadLetter(**columns)
