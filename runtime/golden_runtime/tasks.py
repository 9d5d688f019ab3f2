"""What queues hand out: tasks, dead letters, and figures about both. Plain data, picklable, times in seconds since 1970."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple


class Task(NamedTuple):
    """A task as claimed: what to do, and the proof that the claim is valid.

    `token` grows with every claim of the task (a fencing token): hand `id` and `token` on to systems that must refuse a
    worker whose lease has run out. `attempts` counts failures reported so far; `receives` counts claims since the
    task was last heard of, this one included. `enqueued_at` and `lease_until` are seconds since 1970, by the clock of the store;
    heartbeats extend the lease in the store, not here.

    A tuple, because a pool makes one for each task, and a frozen dataclass of so many fields takes eight times as long.
    """

    id: str
    queue: str
    name: str
    payload: Any
    priority: int
    attempts: int
    receives: int
    token: int
    enqueued_at: float
    lease_until: float
    idempotency_key: str | None = None


@dataclass(frozen=True, slots=True)
class QueueStats:
    """How many tasks wait, are delayed and are claimed, and the age in seconds of the oldest that waits."""

    ready: int = 0
    delayed: int = 0
    claimed: int = 0
    oldest_age: float = 0.0

    @property
    def depth(self) -> int:
        """Every task that is accepted and not yet closed."""
        return self.ready + self.delayed + self.claimed


@dataclass(frozen=True, slots=True)
class PastFailure:
    """An earlier dead letter of the same task, which was replayed. Times in seconds since 1970."""

    error_type: str
    message: str
    traceback: str
    phase: str
    attempts: int
    failed_at: float
    replayed_at: float


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A task that will not be tried again until somebody has looked at it, with all that a replay needs.

    `phase` says where it failed: `execute`, `timeout`, `lease` (its workers died), `decode` (its payload, which is
    then text, cannot be read), or what the caller named it.
    `history` has the earlier failures of the same task, oldest first. Times are seconds since 1970, by the clock of the store.
    """

    id: int
    queue: str
    task_id: str
    name: str
    payload: Any
    error_type: str
    message: str
    traceback: str
    phase: str
    attempts: int
    receives: int
    priority: int
    token: int
    enqueued_at: float
    failed_at: float
    worker: str | None
    idempotency_key: str | None
    history: tuple[PastFailure, ...] = ()


@dataclass(frozen=True, slots=True)
class DeadLetterFilter:
    """Which dead letters are meant; what is None does not matter. Times in seconds since 1970, `search` in the message."""

    name: str | None = None
    error_type: str | None = None
    phase: str | None = None
    task_id: str | None = None
    failed_after: float | None = None
    failed_before: float | None = None
    search: str | None = None
