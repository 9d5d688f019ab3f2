"""A durable task queue: what `enqueue` has accepted ends completed or as a dead letter, whatever process is killed when."""

from __future__ import annotations

import asyncio
import math
import os
import socket
import time
from contextlib import suppress
from functools import cached_property, partial
from time import perf_counter
from typing import TYPE_CHECKING, Any, TypeVar, Unpack

from golden_runtime import failures
from golden_runtime.dead_letter_queue import DeadLetterQueue
from golden_runtime.hooks import tell
from golden_runtime.payloads import check_number, checked_text
from golden_runtime.queue_errors import StorageError
from golden_runtime.queue_requests import enqueueing, names_of, release_of
from golden_runtime.queue_series import QueueSeries
from golden_runtime.settings import check_seconds, check_whole
from golden_runtime.storage import task_operations
from golden_runtime.storage.claiming import Claim, ClaimRequest, ClaimTasks, Upkeep
from golden_runtime.storage.storage import Storage, StorageOptions, open_storage
from golden_runtime.storage.task_operations import Complete, TaskState

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from os import PathLike
    from types import TracebackType

    from golden_runtime.storage.session import Operation, Transaction
    from golden_runtime.storage.storage import Clock
    from golden_runtime.tasks import QueueStats, Task

T = TypeVar("T")

# Seconds between two rounds of upkeep while there is work; with none to claim, every poll makes one.
_UPKEEP_EVERY = 1.0


class TaskQueue:
    """A queue in an SQLite file (a path) or a PostgreSQL database (a `postgresql://` URL); methods are coroutines.

    `sync` has the same methods for code without an event loop. Several queues, told apart by `name`, may share a store,
    and any number of processes may share a queue. Tasks are delivered at least once: a worker that dies after its work
    and before `mark_completed` leaves the task to another, so handlers should be idempotent or hand on `task.token`.

    name: which queue of the store.
    lease_seconds: how long a claim lasts without a heartbeat.
    max_receives: how many claims in a row may end with a lease that ran out, before the task is a dead letter.
    retention_seconds: how long closed tasks, and with them idempotency keys, are remembered.
    worker: who claims, for people to read; the host and process id by default.
    storage_options: as in `golden_runtime.storage.open_storage`, for a queue that opens its store itself.
    Every method raises StorageError where the store cannot be used, TypeError or ValueError for arguments that make no sense.
    """

    def __init__(
        self,
        url: str | PathLike[str] | Storage,
        *,
        name: str = "default",
        lease_seconds: float = 60.0,
        max_receives: int = 5,
        retention_seconds: float = 86_400.0,
        worker: str | None = None,
        clock: Clock | None = None,
        **storage_options: Unpack[StorageOptions],
    ) -> None:
        self.name = checked_text("queue name", name)
        check_seconds("lease_seconds", lease_seconds)
        check_whole("max_receives", max_receives, least=1)
        check_seconds("retention_seconds", retention_seconds, zero=True)
        self.lease_seconds = lease_seconds
        self.max_receives = max_receives
        self._upkeep = Upkeep(max_receives, retention_seconds)
        self._owns_storage = not isinstance(url, Storage)
        self.storage = url if isinstance(url, Storage) else open_storage(url, clock=clock, **storage_options)
        self._worker = None if worker is None else checked_text("worker", worker)
        self._host = socket.gethostname()
        self._clock = clock or time.monotonic
        self._upkeep_at = -math.inf
        self._series = QueueSeries(self.name)
        self._enqueueing = partial(enqueueing, self.name, retention_seconds)
        self.dead_letters = DeadLetterQueue(self.storage, queue=self.name)
        self._listeners: list[Callable[[], None]] = []
        self.dead_letters.on_replay = self._announce

    @cached_property
    def sync(self) -> SyncTaskQueue:
        """The same queue for code without an event loop."""
        return SyncTaskQueue(self)

    async def enqueue(
        self,
        name: str,
        payload: Any = None,
        *,
        priority: int = 0,
        delay: float = 0.0,
        idempotency_key: str | None = None,
        task_id: str | None = None,
    ) -> str:
        """Store a task and return its id; once this returns, the task is safe.

        name: what to do, for handlers to be chosen by.
        payload: whatever JSON can say; a tuple comes back as a list, a key of a mapping as a string.
        priority: higher first; within one priority the oldest first.
        delay: seconds before it may be claimed.
        idempotency_key: two tasks of this queue with one key are one task, whose id is returned, for as long as it is
        remembered, whatever their names and payloads: make the name part of the key where several belong to one order.
        task_id: the id to use instead of a generated one.

        Raises DuplicateTaskError for a task id that is taken, StorageError when it could not be stored (see there),
        TypeError or ValueError for a payload or argument that cannot be stored.
        """
        operation = self._enqueueing(name, payload, priority, delay, idempotency_key, task_id)
        stored = await self._soon("enqueue", operation, is_single=True)
        self._announce()
        return stored

    async def get_next_task(
        self, *, names: Iterable[str] | None = None, lease_seconds: float | None = None
    ) -> Task | None:
        """Claim the task that comes first, or return None: the highest priority, in it the oldest.

        names: claim tasks of these names alone. lease_seconds: instead of the queue's.
        """
        tasks = await self.get_next_tasks(1, names=names, lease_seconds=lease_seconds)
        return tasks[0] if tasks else None

    async def get_next_tasks(
        self, limit: int, *, names: Iterable[str] | None = None, lease_seconds: float | None = None
    ) -> tuple[Task, ...]:
        """Claim up to `limit` tasks in one transaction."""
        operation = self._request(limit, names, lease_seconds)
        began = perf_counter()
        future = self.storage.write_soon(operation, is_synced=False, is_single=limit == 1)
        try:
            claim = await asyncio.shield(future)
        except asyncio.CancelledError:
            # the claim may be committed all the same: give back what nobody will work on
            future.add_done_callback(self._give_back)
            raise
        return self._claimed(claim, perf_counter() - began)

    async def heartbeat(self, task: Task, *, lease_seconds: float | None = None) -> None:
        """Extend the lease to `lease_seconds` from now. Raises StaleLeaseError when the task is no longer held."""
        task_operations.check_held(await self.heartbeat_all((task,), lease_seconds=lease_seconds))

    async def heartbeat_all(self, tasks: Sequence[Task], *, lease_seconds: float | None = None) -> tuple[Task, ...]:
        """Extend many leases in one transaction, and return the tasks that are no longer held."""
        return await self._soon("heartbeat", self._heartbeat(tasks, lease_seconds), is_synced=False)

    async def mark_completed(self, task: Task) -> None:
        """Close a task as done. Raises StaleLeaseError when it is no longer held: then this result does not count."""
        await self._soon("complete", Complete(task), is_single=True)

    async def mark_failed(
        self,
        task: Task,
        error: BaseException | str,
        *,
        retry_in: float | None = None,
        phase: str = "execute",
        attempts: int = 1,
    ) -> None:
        """Report a failure: the task becomes a dead letter, or is due again after `retry_in` seconds.

        attempts: how many tries failed since it was claimed. Raises StaleLeaseError when the task is no longer held.
        """
        operation, error_type = self._failure(task, error, retry_in, phase, attempts)
        await self._soon("fail", operation, is_single=error_type is None)
        if error_type is not None:
            self.dead_letters.series.added(error_type)

    async def release(
        self, task: Task, *, delay: float = 0.0, attempts: int = 0, counts_as_received: bool = False
    ) -> None:
        """Put a task back as if it had not been claimed, to be claimed again after `delay` seconds.

        attempts: how many tries failed since it was claimed. counts_as_received: the claim counts towards
        `max_receives`, as when its lease runs out: for whoever saw its worker die.

        Raises StaleLeaseError when the task is no longer held.
        """
        await self._soon("release", release_of(task, delay, attempts, counts_as_received), is_single=True)
        self._announce()

    async def stats(self) -> QueueStats:
        """Count the tasks that are not closed, and set the gauges of the queue to what was found: ages in seconds."""
        found = await self.storage.read_soon(partial(task_operations.stats, queue=self.name))
        self._series.counted(found)
        return found

    async def get_state(self, task_id: str) -> TaskState | None:
        """Return where a task stands, or None if it is unknown or forgotten."""
        return await self.storage.read_soon(self._state(task_id))

    async def aclose(self) -> None:
        """Close the store, unless it was handed in; other tasks of the event loop go on meanwhile."""
        await asyncio.to_thread(self.close)

    def close(self) -> None:
        """Close the store, unless it was handed in."""
        if self._owns_storage:
            self.storage.close()

    async def __aenter__(self) -> TaskQueue:
        await self.storage.read_soon(_nothing)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        await self.aclose()

    def subscribe(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Call `listener` whenever this object puts a task into the queue, and return what ends that; its errors are logged once."""
        self._listeners.append(listener)
        return partial(self._listeners.remove, listener)

    def _announce(self) -> None:
        if self._listeners:
            tell(tuple(self._listeners), f"queue `{self.name}`")

    async def _soon(self, name: str, operation: Operation[T], *, is_synced: bool = True, is_single: bool = False) -> T:
        began = perf_counter()
        try:
            return await self.storage.write_soon(operation, is_synced=is_synced, is_single=is_single)
        finally:
            self._series.timed(name, perf_counter() - began)

    def _request(self, limit: int, names: Iterable[str] | None, lease_seconds: float | None) -> Operation[Claim]:
        check_number("limit", limit, least=0)
        # asked for here: this may be a child of the process that made the queue
        worker = self._worker or f"{self._host}:{os.getpid()}"
        request = ClaimRequest(limit, self._lease(lease_seconds), worker, names_of(names))
        now = self._clock()
        forget = now - self._upkeep_at >= _UPKEEP_EVERY
        if forget:
            self._upkeep_at = now
        return ClaimTasks(self.name, request, self._upkeep, forget=forget)

    def _state(self, task_id: str) -> Operation[TaskState | None]:
        return partial(task_operations.state_of, queue=self.name, task_id=checked_text("task_id", task_id))

    def _claimed(self, claim: Claim, seconds: float) -> tuple[Task, ...]:
        self._series.timed("claim" if claim.tasks else "poll", seconds)
        self._series.claimed(len(claim.tasks), claim.expired)
        if claim.is_behind:
            # forget more with the next claim, not only in a second
            self._upkeep_at = -math.inf
        for burial in claim.buried:
            self.dead_letters.series.added(burial.error_type)
        return claim.tasks

    def _give_back(self, future: asyncio.Future[Claim]) -> None:
        if future.cancelled() or future.exception() is not None:
            return
        for task in self._claimed(future.result(), 0.0):
            # where the store was closed meanwhile, the lease runs out instead
            with suppress(StorageError):
                released = self.storage.write_soon(release_of(task, 0.0, 0, counted=False))
                released.add_done_callback(_noted)

    def _heartbeat(self, tasks: Sequence[Task], lease_seconds: float | None) -> Operation[tuple[Task, ...]]:
        return partial(task_operations.heartbeat, tasks=tasks, lease=self._lease(lease_seconds))

    def _lease(self, seconds: float | None) -> float:
        if seconds is None:
            return self.lease_seconds
        check_seconds("lease_seconds", seconds)
        return seconds

    def _failure(
        self, task: Task, error: BaseException | str, retry_in: float | None, phase: str, attempts: int
    ) -> tuple[Operation[None], str | None]:
        check_number("attempts", attempts, least=0)
        if retry_in is not None:
            check_seconds("retry_in", retry_in, zero=True)
            words = failures.message(error)
            return task_operations.retry_later(task, retry_in, attempts, words), None
        burial = failures.burial(error, phase=checked_text("phase", phase), attempts=attempts)
        return partial(task_operations.fail, task=task, burial=burial), burial.error_type


class SyncTaskQueue:
    """A `TaskQueue` for code without an event loop: each method blocks its thread until it is done."""

    def __init__(self, queue: TaskQueue) -> None:
        self._queue = queue
        self._storage = queue.storage
        self._series = queue._series
        self.name = queue.name
        self.dead_letters = queue.dead_letters.sync

    def enqueue(
        self,
        name: str,
        payload: Any = None,
        *,
        priority: int = 0,
        delay: float = 0.0,
        idempotency_key: str | None = None,
        task_id: str | None = None,
    ) -> str:
        """See `TaskQueue.enqueue`."""
        operation = self._queue._enqueueing(name, payload, priority, delay, idempotency_key, task_id)
        stored = self._now("enqueue", operation, is_single=True)
        self._queue._announce()
        return stored

    def get_next_task(self, *, names: Iterable[str] | None = None, lease_seconds: float | None = None) -> Task | None:
        """See `TaskQueue.get_next_task`."""
        tasks = self.get_next_tasks(1, names=names, lease_seconds=lease_seconds)
        return tasks[0] if tasks else None

    def get_next_tasks(
        self, limit: int, *, names: Iterable[str] | None = None, lease_seconds: float | None = None
    ) -> tuple[Task, ...]:
        """See `TaskQueue.get_next_tasks`."""
        operation = self._queue._request(limit, names, lease_seconds)
        began = perf_counter()
        claim = self._storage.write(operation, is_synced=False, is_single=limit == 1)
        return self._queue._claimed(claim, perf_counter() - began)

    def heartbeat(self, task: Task, *, lease_seconds: float | None = None) -> None:
        """See `TaskQueue.heartbeat`."""
        task_operations.check_held(self.heartbeat_all((task,), lease_seconds=lease_seconds))

    def heartbeat_all(self, tasks: Sequence[Task], *, lease_seconds: float | None = None) -> tuple[Task, ...]:
        """See `TaskQueue.heartbeat_all`."""
        return self._now("heartbeat", self._queue._heartbeat(tasks, lease_seconds), is_synced=False)

    def mark_completed(self, task: Task) -> None:
        """See `TaskQueue.mark_completed`."""
        self._now("complete", Complete(task), is_single=True)

    def mark_failed(
        self,
        task: Task,
        error: BaseException | str,
        *,
        retry_in: float | None = None,
        phase: str = "execute",
        attempts: int = 1,
    ) -> None:
        """See `TaskQueue.mark_failed`."""
        operation, error_type = self._queue._failure(task, error, retry_in, phase, attempts)
        self._now("fail", operation, is_single=error_type is None)
        if error_type is not None:
            self._queue.dead_letters.series.added(error_type)

    def release(self, task: Task, *, delay: float = 0.0, attempts: int = 0, counts_as_received: bool = False) -> None:
        """See `TaskQueue.release`."""
        self._now("release", release_of(task, delay, attempts, counts_as_received), is_single=True)
        self._queue._announce()

    def stats(self) -> QueueStats:
        """See `TaskQueue.stats`."""
        found = self._storage.read(partial(task_operations.stats, queue=self.name))
        self._series.counted(found)
        return found

    def get_state(self, task_id: str) -> TaskState | None:
        """See `TaskQueue.get_state`."""
        return self._storage.read(self._queue._state(task_id))

    def close(self) -> None:
        """See `TaskQueue.close`."""
        self._queue.close()

    def __enter__(self) -> SyncTaskQueue:
        self._storage.read(_nothing)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self.close()

    def _now(self, name: str, operation: Operation[T], *, is_synced: bool = True, is_single: bool = False) -> T:
        began = perf_counter()
        try:
            return self._storage.write(operation, is_synced=is_synced, is_single=is_single)
        finally:
            self._series.timed(name, perf_counter() - began)


def _noted(future: asyncio.Future[None]) -> None:
    """Look at the outcome that nobody waits for, lest the event loop logs an error."""
    if not future.cancelled():
        future.exception()


def _nothing(transaction: Transaction) -> None:
    """Open the store, and so learn whether it can be opened."""
