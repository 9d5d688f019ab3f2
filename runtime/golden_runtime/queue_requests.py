"""What callers ask of a queue, checked before it goes to the store."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from golden_runtime.failures import clean
from golden_runtime.payloads import check_number, checked_text, encoded
from golden_runtime.settings import check_seconds
from golden_runtime.storage import task_operations
from golden_runtime.storage.enqueueing import Enqueue
from golden_runtime.storage.rows import fresh_key, new_key, waiting
from golden_runtime.tasks import DeadLetterFilter

if TYPE_CHECKING:
    from golden_runtime.storage.session import Operation
    from golden_runtime.tasks import Task

_TEXTS: Final = ("name", "error_type", "phase", "task_id", "search")
_TIMES: Final = ("failed_after", "failed_before")


def enqueueing(
    queue: str,
    retention: float,
    name: str,
    payload: Any,
    priority: int,
    delay: float,
    idempotency_key: str | None,
    task_id: str | None,
) -> Enqueue:
    """Return what stores a task. Raises TypeError or ValueError for one that cannot be stored."""
    check_number("priority", priority)
    check_seconds("delay", delay, zero=True)
    row = waiting(priority, delay)
    row["queue"] = queue
    row["name"] = checked_text("task name", name)
    row["payload"] = encoded(payload)
    row["key"] = None if idempotency_key is None else checked_text("idempotency_key", idempotency_key)
    row |= fresh_key() if task_id is None else new_key(checked_text("task_id", task_id))
    return Enqueue(row, retention, id_is_generated=task_id is None)


def release_of(task: Task, delay: float, attempts: int, counted: bool) -> Operation[None]:
    """Return what puts a task back. Raises ValueError for a delay that never ends, or no number of attempts."""
    check_seconds("delay", delay, zero=True)
    check_number("attempts", attempts, least=0)
    return task_operations.release(task, delay, attempts, counted=counted)


def filter_of(which: Mapping[str, Any]) -> DeadLetterFilter:
    """Return which dead letters are meant. Raises TypeError or ValueError for what no store could compare with."""
    conditions = {name: condition for name, condition in which.items() if condition is not None}
    for name in conditions.keys() & set(_TEXTS):
        _check_storable(name, conditions[name])
    for name in conditions.keys() & set(_TIMES):
        conditions[name] = _seconds_since_1970(name, conditions[name])
    return DeadLetterFilter(**conditions)


def age_of(older_than: float | timedelta) -> float:
    """Return an age in seconds. Raises ValueError where it is none: it decides what is deleted."""
    seconds = older_than.total_seconds() if isinstance(older_than, timedelta) else older_than
    check_seconds("older_than", seconds, zero=True)
    return seconds


def ids_of(ids: int | Iterable[int]) -> list[int]:
    """Return the ids of dead letters as a list, each once. Raises TypeError or ValueError for what is none."""
    if not isinstance(ids, int) and not isinstance(ids, Iterable):
        raise TypeError(f"ids must be a whole number or several, not `{ids!r}`")
    listed = [ids] if isinstance(ids, int) else list(ids)
    for entry_id in listed:
        check_number("id", entry_id)
    return list(dict.fromkeys(listed))


def names_of(names: Iterable[str] | None) -> tuple[str, ...] | None:
    """Return the names of tasks to claim. Raises TypeError for what is none."""
    if names is None:
        return None
    if isinstance(names, str):
        raise TypeError(f"`names` must be several names, not the string `{names}`: give a list")
    chosen = tuple(names)
    for name in chosen:
        if not isinstance(name, str):
            raise TypeError(f"`names` must be strings, not `{name!r}`")
    return chosen


def _check_storable(name: str, text: object) -> None:
    if not isinstance(text, str):
        raise TypeError(f"`{name}` must be a string, not `{text!r}`")
    if clean(text, 8 * len(text)) != text:
        raise ValueError(f"`{name}` has characters in it that no store holds: {text!r}")


def _seconds_since_1970(name: str, moment: object) -> float:
    if isinstance(moment, datetime):
        if moment.tzinfo is None:
            raise ValueError(f"`{name}` must say its time zone, as `datetime.now(UTC)` does, not `{moment!r}`")
        return moment.timestamp()
    if not isinstance(moment, int | float) or isinstance(moment, bool) or math.isnan(moment):
        raise TypeError(f"`{name}` must be seconds since 1970 or a datetime, not `{moment!r}`")
    return float(moment)
