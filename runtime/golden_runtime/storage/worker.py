"""The thread that owns a connection: whatever waits for it shares one transaction, and so one fsync (group commit)."""

from __future__ import annotations

import logging
import os
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from itertools import compress, groupby
from operator import itemgetter
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any, TypeVar, cast
from weakref import WeakSet

from golden_runtime.queue_errors import StorageError
from golden_runtime.storage.joint import Joint
from golden_runtime.turns import at_fork

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Sequence

    from golden_runtime.storage.job import Job
    from golden_runtime.storage.session import Session

T = TypeVar("T")

_LOGGER = logging.getLogger(__name__)

# Lets go of the interpreter's lock once. `time.sleep(0)` does so everywhere, and takes Linux 70 microseconds.
_give_way: Callable[[], None] = getattr(os, "sched_yield", partial(time.sleep, 0))

# What one transaction holds at most, so that no caller waits for thousands of others.
_MAX_BATCH = 500
# Seconds that closing waits for what is queued.
_CLOSE_PATIENCE = 60.0
# Seconds that a fork waits for a transaction that is open.
_FORK_PATIENCE = 5.0
# The first and the longest pause, in seconds, before a lost connection is opened again, or a lock that others hold asked for.
_FIRST_PAUSE = 0.05
_LONGEST_PAUSE = 1.0


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a transaction failed.

    is_of_one: whether one of its jobs may be to blame; if not, the others would fail alike.
    is_held_up: whether one of them waited in vain for what somebody else has locked.
    """

    error: Exception
    is_of_one: bool
    is_held_up: bool = False


class Worker:
    """Runs jobs on one session, one transaction at a time, from a thread that starts with the first job.

    A caller that blocks anyway, and that nobody else competes with, commits on its own thread instead: handing a job over and
    waiting to be woken takes longer than all the rest, but for the sync.
    """

    def __init__(
        self, open_session: Callable[[], Session], *, name: str, retry_for: float, wait_for: float = 0.0
    ) -> None:
        """Take what opens the session, and how many seconds an operation waits for it, and for rows that others have locked."""
        self._open_session = open_session
        self._name = name
        self._retry_for = retry_for
        self._wait_for = max(retry_for, wait_for)
        self._reset()
        _workers.add(self)

    def _reset(self) -> None:
        """Start from nothing. A fork leaves the child without the thread, and with a connection it must not touch."""
        # reentrant, for a signal handler that closes what it has interrupted
        self._lock = threading.RLock()
        self._jobs: SimpleQueue[Job[Any] | None] = SimpleQueue()
        self._thread: threading.Thread | None = None
        self._closing = threading.Event()
        # whose turn it is to use the session, and whether a caller may take one
        self._turn = threading.Lock()
        self._is_quiet = True
        # the threads that are taking one, or have it
        self._callers: set[int] = set()
        # jobs that wait for what others have locked, and when each is due again
        self._held_up: list[tuple[float, Job[Any]]] = []
        self._session = self._open_session()

    def submit(self, job: Job[Any]) -> None:
        """Queue a job. Raises StorageError when the worker is closed."""
        with self._lock:
            self._check_open()
            self._jobs.put(job)

    def run(self, job: Job[T]) -> T:
        """Run a job, on this thread if nobody else is at it. Raises StorageError when the worker is closed.

        A signal handler or finalizer that has interrupted this very thread in here is refused: it would wait for itself.
        """
        me = threading.get_ident()
        if me in self._callers:
            raise StorageError(
                f"`{self._name}` is in the middle of an operation of this thread, which a signal handler or a finalizer has "
                "interrupted: let it set a flag, and call the queue later"
            )
        if self._is_quiet and self._jobs.empty() and not self._turn.locked():
            failure = self._run_here(job, me)
            if failure is None or not self._may_wait(job, failure):
                return job.outcome()
            # others may have their turn meanwhile
        job.lock = lock = threading.Lock()
        lock.acquire()
        self.submit(job)
        with lock:
            return job.outcome()

    def _run_here(self, job: Job[Any], me: int) -> Failure | None:
        # Ctrl-C, which may come between any two steps, finds no gap here in which the turn is taken and would not be given back
        try:
            self._callers.add(me)
            with self._turn:
                # closed, or never used; no closing ends while it is this one's turn
                if not self.is_running:
                    with self._lock:
                        self._check_open()
                failure = self._commit_together(self._session, [job])
                if failure is not None:
                    job.fail(self._session.explain(failure.error))
        finally:
            self._callers.discard(me)
        return failure

    def _check_open(self) -> None:
        """Raise StorageError if it is closed; start the thread if it is not there. Call with the lock held."""
        if self._closing.is_set():
            raise StorageError(f"the storage `{self._name}` is closed: open it again to use it")
        if not self.is_running:
            # the thread holds the session too, so that a forked child, which has none, never drops the connection
            name = f"golden-runtime {self._name}"
            self._thread = threading.Thread(target=self._run, args=(self._session,), name=name, daemon=True)
            self._thread.start()

    @property
    def is_running(self) -> bool:
        """Whether its thread, and so perhaps its connection, is there."""
        # Ctrl-C may have come between the making of it and its start
        return self._thread is not None and self._thread.ident is not None

    def end(self) -> threading.Thread | None:
        """Have the thread finish what is queued and close the session, and return it, if it is there."""
        with self._lock:
            self._closing.set()
            self._jobs.put(None)
            thread = self._thread if self.is_running else None
            self._thread = None
        return thread

    def close(self) -> None:
        """Finish what is queued, then close the session.

        Waits for the thread, unless that waits for this one; not for ever, as a database may have fallen silent.
        """
        thread = self.end()
        if thread is not None and threading.get_ident() not in {thread.ident, *self._callers}:
            thread.join(_CLOSE_PATIENCE)
            if thread.is_alive():
                _LOGGER.warning("`%s` has not answered for %g seconds, it is left behind", self._name, _CLOSE_PATIENCE)

    def _run(self, session: Session) -> None:
        try:
            while (job := self._next(session)) is not None:
                if not self._is_quiet:
                    # whom the last commit has woken comes back at once, and would miss this one by microseconds
                    _give_way()
                # from here on no caller goes first
                self._is_quiet = False
                with self._turn:
                    batch = [job, *self._waiting()]
                    self._is_quiet = len(batch) == 1
                    self._commit(session, batch)
            with self._turn:
                self._commit(session, [held_up for _, held_up in self._held_up])
        finally:
            # for the other thread, where Ctrl-C came while one was started, and so another was
            self._jobs.put(None)
            with self._turn:
                session.close()

    def _next(self, session: Session) -> Job[Any] | None:
        """Return the next job, or None at the end; try those again meanwhile that are held up, one before each other job."""
        while self._held_up:
            first = min(self._held_up, key=itemgetter(0))
            left = first[0] - time.monotonic()
            if left <= 0:
                self._held_up.remove(first)
                with self._turn:
                    self._commit(session, [first[1]])
            with suppress(Empty):
                return self._jobs.get(timeout=max(left, 0))
        return self._jobs.get()

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
        jobs = [job for job in jobs if not job.is_cancelled]
        failure = self._commit_together(session, jobs)
        if failure is not None and failure.is_of_one and len(jobs) > 1:
            for job in jobs:
                self._commit(session, [job])
            return
        if failure is not None:
            if self._may_wait(jobs[0], failure):
                now = time.monotonic()
                # the longer it has waited, the less it shall keep the others waiting
                pause = min(max(now - jobs[0].submitted, _FIRST_PAUSE), _LONGEST_PAUSE)
                self._held_up.append((now + pause, jobs[0]))
                return
            shown = session.explain(failure.error)
            for job in jobs:
                job.fail(shown)
        _deliver(jobs)

    def _may_wait(self, job: Job[Any], failure: Failure) -> bool:
        """Whether a job that failed alone, for a lock that others hold, is to be tried again after others have had their turn."""
        is_patient = time.monotonic() - job.submitted < self._wait_for and not self._closing.is_set()
        return failure.is_held_up and is_patient

    def _commit_together(self, session: Session, jobs: Sequence[Job[Any]]) -> Failure | None:
        """Return what failed, after opening a lost connection again for as long as callers may be kept waiting.

        What waits for a lock is not tried again here: nobody else needs to wait for it.
        """
        pause = _FIRST_PAUSE
        while True:
            failure = _attempt(session, jobs)
            if failure is None or failure.is_held_up or not session.is_lost(failure.error):
                return failure
            if time.monotonic() - jobs[0].submitted >= self._retry_for or self._closing.wait(pause):
                return Failure(failure.error, is_of_one=False)
            pause = min(2 * pause, _LONGEST_PAUSE)


def _attempt(session: Session, jobs: Sequence[Job[Any]]) -> Failure | None:
    if not jobs:
        return None
    has_begun = False
    try:
        if len(jobs) == 1:
            job = jobs[0]
            session.begin(is_synced=job.is_synced, is_single=job.is_single)
            has_begun = True
            job.attempt(session)
        else:
            session.begin(is_synced=any(job.is_synced for job in jobs))
            has_begun = True
            _attempt_all(session, jobs)
        session.commit()
    except Exception as error:  # noqa: BLE001 - whatever an operation raises belongs to its caller, not to this thread
        session.rollback()
        return Failure(error, is_of_one=has_begun, is_held_up=has_begun and session.is_held_up(error))
    except BaseException:  # Ctrl-C, on the thread of a caller
        session.rollback()
        raise
    return None


def _attempt_all(session: Session, jobs: Sequence[Job[Any]]) -> None:
    """Run jobs in order, those that follow each other and can be run as one together."""
    for kind, run in groupby(jobs, _kind):
        alike = list(run)
        if kind is None or len(alike) == 1:
            for job in alike:
                job.attempt(session)
            continue
        first, *others = (cast("Joint[Any]", job.operation) for job in alike)
        for job, outcome in zip(alike, first.run_with(session, others), strict=True):
            job.keep(outcome)


def _kind(job: Job[Any]) -> object:
    return job.operation.kind if isinstance(job.operation, Joint) else None


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


class _Fork(threading.local):
    """The turns that the forking thread has taken."""

    def __init__(self) -> None:
        self.turns: list[threading.Lock] = []


_fork = _Fork()


def _take_turns() -> None:
    """Let no transaction be open: a child would find the file locked, by the parent's lock that it has a copy of, for ever."""
    for worker in list(_workers):
        turn = worker._turn
        # an operation that forks has its own turn, and must not wait for itself
        if threading.get_ident() not in worker._callers and turn not in _fork.turns:
            # taken and noted by one call, so that an interrupt finds both done, or nothing
            _fork.turns.extend(compress([turn], map(turn.acquire, [True], [_FORK_PATIENCE])))


def _give_turns_back() -> None:
    turns = _fork.turns
    while turns:
        turn = turns[-1]
        del turns[-1]
        # the first call since, before which no interrupt comes
        turn.release()


def _reset_all() -> None:
    _fork.turns.clear()
    for worker in _workers:
        worker._reset()


at_fork(before=_take_turns, after_in_parent=_give_turns_back, after_in_child=_reset_all)
