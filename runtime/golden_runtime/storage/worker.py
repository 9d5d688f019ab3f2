"""The thread that owns a connection: whatever waits for it shares one transaction, and so one fsync (group commit)."""

from __future__ import annotations

import asyncio
import os
import threading
import time
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any, Generic, TypeVar
from weakref import WeakSet

from golden_runtime.queue_errors import QueueError, StorageError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from golden_runtime.storage.session import Operation, Session

T = TypeVar("T")

# What one transaction holds at most, so that no caller waits for thousands of others.
_MAX_BATCH = 500
# The first and the longest pause, in seconds, before a lost connection is opened again.
_FIRST_PAUSE = 0.05
_LONGEST_PAUSE = 1.0


class Job(Generic[T]):
    """An operation, and who waits for its outcome: a future of an event loop, or one of a thread."""

    __slots__ = ("_error", "_value", "loop", "operation", "submitted", "waiter")

    def __init__(
        self,
        operation: Operation[T],
        waiter: asyncio.Future[T] | Future[T],
        loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        self.operation = operation
        self.waiter = waiter
        self.loop = loop
        self.submitted = time.monotonic()
        self._value: T | None = None
        self._error: Exception | None = None

    def attempt(self, session: Session) -> None:
        """Run the operation and keep its outcome; a refusal is one, any other exception is raised."""
        self._error = None
        try:
            self._value = self.operation(session)
        except QueueError as refusal:
            self._error = refusal

    def fail(self, error: Exception) -> None:
        """Keep an error as the outcome."""
        self._error = error

    def settle(self) -> None:
        """Hand the outcome to who waits for it, if anybody still does."""
        if self.waiter.done():
            return
        if self._error is not None:
            self.waiter.set_exception(self._error)
        else:
            self.waiter.set_result(self._value)  # type: ignore[arg-type]  # set by `attempt`, None only where T allows it


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a transaction failed, and whether one of its jobs may be to blame; if not, the others would fail alike."""

    error: Exception
    is_of_one: bool


class Worker:
    """Runs jobs on one session, in the order they come, from a thread that starts with the first job."""

    def __init__(self, open_session: Callable[[], Session], *, name: str, retry_for: float) -> None:
        self._open_session = open_session
        self._name = name
        self._retry_for = retry_for
        self._reset()
        _workers.add(self)

    def _reset(self) -> None:
        """Start from nothing. A fork leaves the child without the thread, and with a connection it must not touch."""
        self._lock = threading.Lock()
        self._jobs: SimpleQueue[Job[Any] | None] = SimpleQueue()
        self._thread: threading.Thread | None = None
        self._closing = threading.Event()

    def submit(self, job: Job[Any]) -> None:
        """Queue a job. Raises StorageError when the worker is closed."""
        with self._lock:
            if self._closing.is_set():
                raise StorageError(f"the storage `{self._name}` is closed: open it again to use it")
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name=f"golden-runtime {self._name}", daemon=True)
                self._thread.start()
            self._jobs.put(job)

    def close(self) -> None:
        """Finish what is queued, then close the session. Waits for the thread."""
        with self._lock:
            self._closing.set()
            self._jobs.put(None)
            thread, self._thread = self._thread, None
        if thread is not None and thread is not threading.current_thread():
            thread.join()

    def _run(self) -> None:
        session = self._open_session()
        try:
            while (job := self._jobs.get()) is not None:
                self._commit(session, [job, *self._waiting()])
        finally:
            session.close()

    def _waiting(self) -> list[Job[Any]]:
        """Return what has queued up behind a job: while one batch is synced to disk, the next one gathers."""
        batch: list[Job[Any]] = []
        with suppress(Empty):
            while len(batch) < _MAX_BATCH:
                job = self._jobs.get_nowait()
                if job is None:
                    self._jobs.put(None)
                    break
                batch.append(job)
        return batch

    def _commit(self, session: Session, jobs: list[Job[Any]]) -> None:
        """Run jobs in one transaction; where that fails, each in one of its own, so that only the culprit fails."""
        jobs = [job for job in jobs if not job.waiter.cancelled()]
        failure = self._commit_together(session, jobs)
        if failure is not None and failure.is_of_one and len(jobs) > 1:
            for job in jobs:
                self._commit(session, [job])
            return
        if failure is not None:
            shown = session.explain(failure.error)
            for job in jobs:
                job.fail(shown)
        _deliver(jobs)

    def _commit_together(self, session: Session, jobs: Sequence[Job[Any]]) -> Failure | None:
        """Return what failed, after opening a lost connection again for as long as callers may be kept waiting."""
        pause = _FIRST_PAUSE
        while True:
            failure = _attempt(session, jobs)
            if failure is None or not session.is_lost(failure.error):
                return failure
            if time.monotonic() - jobs[0].submitted >= self._retry_for or self._closing.wait(pause):
                return Failure(failure.error, is_of_one=False)
            pause = min(2 * pause, _LONGEST_PAUSE)


def _attempt(session: Session, jobs: Sequence[Job[Any]]) -> Failure | None:
    if not jobs:
        return None
    has_begun = False
    try:
        session.begin()
        has_begun = True
        for job in jobs:
            job.attempt(session)
        session.commit()
    except Exception as error:  # noqa: BLE001 - whatever an operation raises belongs to its caller, not to this thread
        session.rollback()
        return Failure(error, is_of_one=has_begun)
    return None


def _deliver(jobs: Sequence[Job[Any]]) -> None:
    """Settle jobs where their callers live; each event loop is woken once."""
    by_loop: dict[asyncio.AbstractEventLoop, list[Job[Any]]] = {}
    for job in jobs:
        if job.loop is None:
            job.settle()
        else:
            by_loop.setdefault(job.loop, []).append(job)
    for loop, own in by_loop.items():
        # a closed loop raises: nobody is left to wait there
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(_settle_all, own)


def _settle_all(jobs: Sequence[Job[Any]]) -> None:
    for job in jobs:
        job.settle()


_workers: WeakSet[Worker] = WeakSet()


def _reset_all() -> None:
    for worker in _workers:
        worker._reset()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_reset_all)
