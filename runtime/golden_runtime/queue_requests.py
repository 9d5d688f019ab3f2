"""What callers ask of a queue, checked before it goes to the store."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from golden_runtime.payloads import check_number, checked_text, encoded
from golden_runtime.settings import check_seconds
from golden_runtime.storage import task_operations
from golden_runtime.storage.task_operations import NewTask
from golden_runtime.task_ids import fresh_id

if TYPE_CHECKING:
    from golden_runtime.storage.session import Operation
    from golden_runtime.tasks import Task


def new_task(
    name: str, payload: Any, priority: int, delay: float, idempotency_key: str | None, task_id: str | None
) -> NewTask:
    """Return a task to be stored. Raises TypeError or ValueError where it cannot be."""
    check_number("priority", priority)
    check_seconds("delay", delay, zero=True)
    return NewTask(
        id=fresh_id() if task_id is None else checked_text("task_id", task_id),
        id_is_generated=task_id is None,
        name=checked_text("task name", name),
        payload=encoded(payload),
        priority=priority,
        delay=delay,
        idempotency_key=None if idempotency_key is None else checked_text("idempotency_key", idempotency_key),
    )


def release_of(task: Task, delay: float, attempts: int, counted: bool) -> Operation[None]:
    """Return what puts a task back. Raises ValueError for a delay that never ends, or no number of attempts."""
    check_seconds("delay", delay, zero=True)
    check_number("attempts", attempts, least=0)
    return partial(task_operations.release, task=task, delay=delay, attempts=attempts, counted=counted)
