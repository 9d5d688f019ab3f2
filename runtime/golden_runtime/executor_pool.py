"""A pool that runs the tasks of a queue: a bounded number at a time, retried, guarded, drained, and none of them lost."""

from __future__ import annotations

import asyncio
import itertools
import logging
import math
import time
from collections.abc import Mapping
from typing import Any, Final

from golden_runtime.circuit_breaker import CircuitBreaker
from golden_runtime.payloads import checked_text
from golden_runtime.pool_claims import Claims
from golden_runtime.pool_executors import Executors, ExecutorUnusableError, Handler
from golden_runtime.pool_handlers import Handlers
from golden_runtime.pool_metrics import History, PoolMetrics
from golden_runtime.pool_pauses import Pauses
from golden_runtime.pool_runs import CLEAN_UP, Runner, TaskTimeoutError
from golden_runtime.pool_signals import stop_signals
from golden_runtime.pool_slots import Slots, end_tasks
from golden_runtime.queue_errors import DuplicateTaskError
from golden_runtime.retry_policy import RetryPolicy
from golden_runtime.settings import check_seconds, check_whole
from golden_runtime.task_queue import TaskQueue
from golden_runtime.tasks import Task

__all__ = ["ExecutorPool", "ExecutorUnusableError", "PoolClosedError", "TaskTimeoutError"]

_LOGGER = logging.getLogger(__name__)

# How many tasks may wait in a queue before submitting waits, by default.
_DEFAULT_BACKLOG: Final = 10_000
# How often the gauges are set, in seconds.
_GAUGES_EVERY: Final = 1.0
# How often it is looked whether a handler has outlived its timeout, in seconds.
_OVERDUE_EVERY: Final = 1.0
# Seconds that a cancelled handler may take to clean up once a second signal has come.
_HURRIED_CLEAN_UP: Final = 0.5


class PoolClosedError(RuntimeError):
    """Work was submitted to a pool that is stopping or has stopped."""


class ExecutorPool:
    """Runs handlers for the tasks of a queue, at most `max_concurrent` at a time.

    handlers: a function of a `Task`, or one for each task name; a pool claims only the names it has handlers for. Coroutine
    functions run on the event loop, plain functions in `executor`: any `concurrent.futures.Executor` (threads, processes, a
    `dask.distributed` client's), or a function that makes one, again when it breaks; threads by default. One with fewer workers
    than `max_concurrent` keeps tasks waiting, and that counts towards `task_timeout`.
    queue: a TaskQueue. Without one, tasks wait in memory, and are lost with the process.
    retry, breaker: what each task is run under; the order is slot, retry, breaker, handler. A task that fails in the end
    becomes a dead letter. One that an open breaker rejects, this one or another within the handler, is put back for as long
    as the breaker says, and nothing of its kind is claimed meanwhile; that counts neither as an attempt nor as a claim.
    task_timeout: seconds for a task, retries included; beyond them it has failed.
    max_backlog: how many tasks may wait before `submit_workflow` waits itself; by default ten thousand in a queue, and
    `max_concurrent` in memory.
    max_attempts: how often a task may fail, between releases by a breaker, before it is a dead letter all the same.
    poll_interval: seconds between looks at an empty queue; a task that this process enqueues is seen at once.
    drain_timeout: seconds that `stop`, and the first SIGTERM or SIGINT under `run_forever`, wait for what is under way.
    """

    def __init__(
        self,
        handlers: Handler | Mapping[str, Handler],
        queue: TaskQueue | None = None,
        *,
        max_concurrent: int = 10,
        retry: RetryPolicy | None = None,
        breaker: CircuitBreaker | None = None,
        executor: Executors | None = None,
        name: str = "default",
        task_timeout: float | None = None,
        max_backlog: int | None = None,
        max_attempts: int = 20,
        poll_interval: float = 0.5,
        drain_timeout: float = 20.0,
    ) -> None:
        checked_text("pool name", name)
        _check_kind("queue", queue, TaskQueue)
        _check_kind("retry", retry, RetryPolicy)
        _check_kind("breaker", breaker, CircuitBreaker)
        check_seconds("drain_timeout", drain_timeout, zero=True)
        check_whole("max_concurrent", max_concurrent, least=1)
        check_whole("max_attempts", max_attempts, least=1)
        check_seconds("poll_interval", poll_interval)
        if task_timeout is not None:
            check_seconds("task_timeout", task_timeout)
        if max_backlog is not None:
            check_whole("max_backlog", max_backlog, least=1)
        self.name = name
        self.max_concurrent = max_concurrent
        self.drain_timeout = drain_timeout
        self._queue = queue
        self._handlers = Handlers(name, handlers, executor, max_concurrent)
        self._max_backlog = max_backlog or (max_concurrent if queue is None else _DEFAULT_BACKLOG)
        self._poll_interval = poll_interval
        self._has_timeout = task_timeout is not None
        self._series = self._handlers.series
        self._history = History()
        pauses = Pauses(self._handlers.workflows, time.monotonic)
        self._runner = Runner(
            queue,
            retry=retry,
            breaker=breaker,
            task_timeout=task_timeout,
            max_attempts=max_attempts,
            series=self._series,
            history=self._history,
            pauses=pauses,
            on_broken=self._break,
        )
        self._slots = Slots(max_concurrent, self._runner.perform, self._break)
        self._claims = None if queue is None else self._claims_on(queue, pauses)
        self._prefix = f"{name}-"
        self._ids = itertools.count(1)
        # the event loop keeps no reference to its tasks
        self._background: list[asyncio.Task[None]] = []
        self._is_starting = False
        self._stopping: asyncio.Task[tuple[str, ...]] | None = None
        self._deadline = math.inf
        self._stopped = asyncio.Event()
        self._broken: BaseException | None = None

    async def start(self) -> None:
        """Begin to run tasks, in the background of the running event loop.

        Raises StorageError where the queue cannot be used, PoolClosedError where the pool was started or stopped before.
        """
        if self._is_starting or self._slots.is_open or self._slots.is_closed:
            raise PoolClosedError(f"pool `{self.name}` was started before: make a new one")
        if self._claims is not None:
            self._is_starting = True
            try:
                await self._claims.look()
            finally:
                self._is_starting = False
            if self._slots.is_closed:
                raise PoolClosedError(f"pool `{self.name}` was stopped while it started: make a new one")
            self._claims.open()
        self._slots.open()
        self._background.append(asyncio.create_task(self._show_gauges()))
        if self._has_timeout:
            self._background.append(asyncio.create_task(self._end_overdue()))

    async def submit_workflow(
        self,
        name: str,
        payload: Any = None,
        *,
        workflow_id: str | None = None,
        priority: int = 0,
        delay: float = 0.0,
        idempotency_key: str | None = None,
    ) -> str:
        """Accept a task and return its id; waits while too many wait already, unless a handler of this pool submits it.

        With a queue the task is stored when this returns, as by `TaskQueue.enqueue`, and any pool on that queue may run it.
        Priority, delay and idempotency key need one.

        Raises DuplicateTaskError for a `workflow_id` that is taken, PoolClosedError once the pool stops, ValueError for a
        name without a handler, and what `TaskQueue.enqueue` raises.
        """
        if self._slots.is_closed:
            raise self._closed()
        known = self._handlers.names
        if known is not None and name not in known:
            there = ", ".join(f"`{name}`" for name in known)
            raise ValueError(f"pool `{self.name}` has no handler for `{name}`, only for {there}")
        if self._queue is None or self._claims is None:
            if priority or delay or idempotency_key is not None:
                raise ValueError("priority, delay and idempotency_key need a queue: give the pool one")
            slots = self._slots
            if len(slots.waiting) >= self._max_backlog and not slots.holds_current_task():
                await slots.room(self._max_backlog)
                if slots.is_closed:
                    raise self._closed()
            if workflow_id is None:
                workflow_id = self._prefix + str(next(self._ids))
            else:
                self._check_free(checked_text("workflow_id", workflow_id))
            # `_make` takes half the time of a call with so many arguments
            task = Task._make((workflow_id, self.name, name, payload, 0, 0, 1, 0, time.time(), math.inf, None))
            slots.begin(self._handlers.run_of(task))
            return workflow_id
        while (
            await self._claims.backlog(self._max_backlog) >= self._max_backlog and not self._slots.holds_current_task()
        ):
            await self._slots.change.wait(self._poll_interval)
            if self._slots.is_closed:
                raise self._closed()
        task_id = await self._queue.enqueue(
            name, payload, priority=priority, delay=delay, idempotency_key=idempotency_key, task_id=workflow_id
        )
        self._claims.submitted()
        return task_id

    async def run_forever(self) -> None:
        """Run tasks until SIGTERM or SIGINT, or until `stop` is called.

        The first signal drains for `drain_timeout` seconds, a second one stops at once. Raises what has broken the pool.
        """
        if not self._slots.is_open:
            try:
                await self.start()
            except PoolClosedError:
                if self._stopping is None:
                    raise
                # `stop` was called, and nothing had begun
                return
        with stop_signals(self._on_signal):
            try:
                await self._stopped.wait()
            except asyncio.CancelledError:
                await self.stop(0)
                raise
        if self._broken is not None:
            raise self._broken

    async def stop(self, drain_timeout: float | None = None) -> tuple[str, ...]:
        """Claim nothing more, wait for what is under way, and release the rest for others after the deadline.

        Returns the ids of the tasks that did not end: with a queue they are back in it, in memory they are lost. A coroutine
        function that does not end when it is cancelled goes on, and its task is released after five seconds all the same.
        Called again, it brings the deadline forward, and waits for the same end; one that is cancelled goes on all the same.
        """
        if drain_timeout is not None:
            check_seconds("drain_timeout", drain_timeout, zero=True)
        # in a task of its own, which goes on where this one is cancelled
        return await asyncio.shield(self._begin_stop(self.drain_timeout if drain_timeout is None else drain_timeout))

    def get_metrics(self) -> PoolMetrics:
        """Return the figures of now: size, load, success rate, percentiles of durations, and where they move."""
        return self._history.figures(
            size=self.max_concurrent, active=self._slots.busy, backlog=len(self._slots.waiting)
        )

    async def __aenter__(self) -> ExecutorPool:
        await self.start()
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self.stop()

    def _claims_on(self, queue: TaskQueue, pauses: Pauses) -> Claims:
        return Claims(
            queue,
            self._slots,
            name=self.name,
            handlers=self._handlers,
            runner=self._runner,
            pauses=pauses,
            history=self._history,
            poll_interval=self._poll_interval,
            on_broken=self._break,
        )

    def _check_free(self, workflow_id: str) -> None:
        if any(run.task.id == workflow_id for run in self._slots.active):
            raise DuplicateTaskError(
                f"workflow `{workflow_id}` is waiting or under way in pool `{self.name}`: give another id"
            )

    def _closed(self) -> PoolClosedError:
        return PoolClosedError(f"pool `{self.name}` is stopping and takes no more work: submit to another one")

    def _on_signal(self, count: int) -> None:
        if count == 1:
            _LOGGER.info("pool `%s` drains for up to %g seconds", self.name, self.drain_timeout)
            self._begin_stop(self.drain_timeout)
        else:
            _LOGGER.info("pool `%s` stops at once", self.name)
            self._begin_stop(-math.inf)

    def _break(self, error: BaseException) -> None:
        """Stop for a fault that no task is to blame for."""
        if self._broken is None:
            _LOGGER.error("pool `%s` stops: %s", self.name, error)
            self._broken = error
            self._begin_stop(self.drain_timeout)

    def _begin_stop(self, seconds: float) -> asyncio.Task[tuple[str, ...]]:
        """Take no more, and return the task that stops; one that is under way waits no longer than so many seconds."""
        self._deadline = min(self._deadline, time.monotonic() + seconds)
        self._slots.close()
        if self._stopping is None:
            self._stopping = asyncio.create_task(self._drain())
        return self._stopping

    async def _drain(self) -> tuple[str, ...]:
        while self._slots.active and (left := self._deadline - time.monotonic()) > 0:
            await self._slots.change.wait(left)
        back = await self._finish()
        if back:
            _LOGGER.info("pool `%s` has put back %s", self.name, "1 task" if len(back) == 1 else f"{len(back)} tasks")
        return back

    async def _finish(self) -> tuple[str, ...]:
        """Release what has not begun, cancel what has, and end everything that was begun on the event loop here."""
        left = list(self._slots.active)
        never_begun = self._slots.take_waiting()
        self._slots.cancel(self._slots.active, "stop")
        cancelled_at = time.monotonic()
        while self._slots.active and (seconds := cancelled_at + self._clean_up - time.monotonic()) > 0:
            await self._slots.change.wait(seconds)
        deaf = [run for run in self._slots.active if run.worker is not None and not run.is_given_up]
        back = [asyncio.create_task(self._runner.give_back(run)) for run in never_begun]
        back += [asyncio.create_task(self._runner.give_up(run)) for run in deaf]
        await end_tasks(back, CLEAN_UP)
        await self._slots.end()
        if self._claims is not None:
            await self._claims.close(CLEAN_UP)
        await end_tasks(self._background, 0)
        self._handlers.close()
        self._series.occupied(0)
        self._stopped.set()
        return tuple(run.task.id for run in left if run.is_back)

    @property
    def _clean_up(self) -> float:
        """Seconds that cancelled handlers may take: next to none once a second signal has come."""
        return _HURRIED_CLEAN_UP if self._deadline == -math.inf else CLEAN_UP

    async def _end_overdue(self) -> None:
        """Report tasks whose time is up, and whose handlers do not end all the same."""
        while True:
            await asyncio.sleep(_OVERDUE_EVERY)
            now = time.monotonic()
            for run in list(self._slots.active):
                if run.worker is not None and not run.is_given_up and run.times_out_at + CLEAN_UP <= now:
                    await self._runner.time_out(run)

    async def _show_gauges(self) -> None:
        while True:
            self._series.occupied(self._slots.busy)
            await asyncio.sleep(_GAUGES_EVERY)


def _check_kind(setting: str, given: object, kind: type) -> None:
    if given is not None and not isinstance(given, kind):
        raise TypeError(f"`{setting}` must be a {kind.__name__}, not `{given!r}`")
