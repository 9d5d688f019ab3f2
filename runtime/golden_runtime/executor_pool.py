"""A pool that runs the tasks of a queue: a bounded number at a time, retried, guarded, drained, and none of them lost."""

from __future__ import annotations

import asyncio
import itertools
import logging
import math
import time
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from time import perf_counter
from typing import TYPE_CHECKING, Any, Final

from golden_runtime.circuit_breaker import CircuitBreaker, CircuitBreakerError
from golden_runtime.outcomes import CANCELLED, FAILURE, SUCCESS
from golden_runtime.payloads import checked_text
from golden_runtime.pool_handlers import (
    ExecutorLostError,
    Executors,
    ExecutorUnusableError,
    Handler,
    Handlers,
    Run,
    left_behind,
)
from golden_runtime.pool_metrics import History, PoolMetrics, PoolSeries
from golden_runtime.pool_pauses import Pauses
from golden_runtime.pool_signals import stop_signals
from golden_runtime.queue_errors import DuplicateTaskError, QueueError, StaleLeaseError, StorageUnavailableError
from golden_runtime.retry import RetryPolicy
from golden_runtime.tasks import Task

if TYPE_CHECKING:
    from golden_runtime.task_queue import TaskQueue

_LOGGER = logging.getLogger(__name__)

# The longest a task is put back for when a breaker cannot say how long it stays open.
_LONGEST_PAUSE: Final = 60.0
_SHORTEST_PAUSE: Final = 0.05
# How often the gauges are set, and how often the depth of the queue is asked for, in seconds.
_GAUGES_EVERY: Final = 1.0
_DEPTH_EVERY: Final = 5.0
# How long a cancelled handler may take to clean up before its task is released regardless.
_CLEAN_UP: Final = 5.0


class PoolClosedError(RuntimeError):
    """Work was submitted to a pool that is stopping or has stopped."""


class ExecutorPool:
    """Runs handlers for the tasks of a queue, at most `max_concurrent` at a time.

    handlers: a function of a `Task`, or one for each task name; a pool claims only the names it has handlers for. Coroutine
    functions run on the event loop, plain functions in `executor`: any `concurrent.futures.Executor` (threads, processes, a
    `dask.distributed` client's), or a function that makes one, again when it breaks; threads by default.
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
        drain_timeout: float = 30.0,
    ) -> None:
        if max_concurrent < 1:
            raise ValueError(f"max_concurrent `{max_concurrent!r}` must be one or more")
        self.name = name
        self.max_concurrent = max_concurrent
        self.drain_timeout = drain_timeout
        self._queue = queue
        self._handlers = Handlers(handlers, executor, max_concurrent)
        self._retry = retry
        self._breaker = breaker
        self._task_timeout = task_timeout
        self._max_backlog = max_backlog or (max_concurrent if queue is None else 10_000)
        self._max_attempts = max_attempts
        self._poll_interval = poll_interval
        self._series = PoolSeries(name, self._handlers.workflows, max_concurrent)
        self._history = History()
        self._pauses = Pauses(self._handlers.workflows, time.monotonic)
        self._plain = retry is None and breaker is None and task_timeout is None
        self._waiting: deque[Run] = deque()
        # by id and token: a task whose lease was lost may come again while its first run is being cancelled
        self._active: dict[tuple[str, int], Run] = {}
        self._ids = itertools.count(1)
        self._workers: list[asyncio.Task[None]] = []
        self._idle: list[asyncio.Future[None]] = []
        self._submitters: deque[asyncio.Future[None]] = deque()
        self._background: list[asyncio.Task[None]] = []
        self._claimer: asyncio.Task[None] | None = None
        self._stopping = False
        self._deadline = math.inf
        self._stopped = asyncio.Event()
        self._changed = asyncio.Event()
        self._unsubscribe: Callable[[], object] | None = None
        self._broken: Exception | None = None
        self._backlog_seen = 0
        self._backlog_seen_at = -math.inf

    async def start(self) -> None:
        """Begin to run tasks, in the background of the running event loop. Raises StorageError where the queue cannot be used."""
        if self._workers or self._stopping:
            raise PoolClosedError(f"pool `{self.name}` was started before: make a new one")
        self._workers = [asyncio.create_task(self._work()) for _ in range(self.max_concurrent)]
        self._keep(self._show_gauges())
        if self._queue is None:
            return
        await self._look_at_queue()
        loop = asyncio.get_running_loop()
        self._unsubscribe = self._queue.subscribe(partial(_wake, loop, self._changed))
        self._claimer = asyncio.create_task(self._claim_on())
        self._keep(self._beat())
        self._keep(self._look_on())

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
        """Accept a task and return its id; waits while too many wait already.

        With a queue the task is stored when this returns, as by `TaskQueue.enqueue`, and any pool on that queue may run it.
        Priority, delay and idempotency key need one.

        Raises DuplicateTaskError for a `workflow_id` that is taken, PoolClosedError once the pool stops, ValueError for a
        name without a handler, and what `TaskQueue.enqueue` raises.
        """
        if self._stopping:
            raise self._closed()
        if self._handlers.names is not None and name not in self._handlers.names:
            known = ", ".join(f"`{known}`" for known in self._handlers.names)
            raise ValueError(f"pool `{self.name}` has no handler for `{name}`, only for {known}")
        if self._queue is None:
            if priority or delay or idempotency_key is not None:
                raise ValueError("priority, delay and idempotency_key need a queue: give the pool one")
            return await self._submit_in_memory(name, payload, workflow_id)
        while await self._backlog() >= self._max_backlog:
            await self._wait_for_change(self._poll_interval)
            if self._stopping:
                raise self._closed()
        task_id = await self._queue.enqueue(
            name, payload, priority=priority, delay=delay, idempotency_key=idempotency_key, task_id=workflow_id
        )
        self._backlog_seen += 1
        return task_id

    async def run_forever(self) -> None:
        """Run tasks until SIGTERM or SIGINT, or until `stop` is called.

        The first signal drains for `drain_timeout` seconds, a second one stops at once. Raises what has broken the pool.
        """
        if not self._workers:
            await self.start()
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

        Returns the ids of the tasks that did not end: with a queue they are back in it, in memory they are lost.
        """
        seconds = self.drain_timeout if drain_timeout is None else drain_timeout
        deadline = time.monotonic() + seconds
        if self._stopping:
            self._hurry(deadline)
            await self._stopped.wait()
            return ()
        self._begin_stop(deadline)
        while self._active and (left := self._deadline - time.monotonic()) > 0:
            await self._wait_for_change(left)
        return await self._finish()

    def get_metrics(self) -> PoolMetrics:
        """Return the figures of now: size, load, success rate, percentiles of durations, and where they move."""
        waiting = len(self._waiting)
        return self._history.figures(size=self.max_concurrent, active=len(self._active) - waiting, backlog=waiting)

    async def __aenter__(self) -> ExecutorPool:
        await self.start()
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self.stop()

    # submitting in memory

    async def _submit_in_memory(self, name: str, payload: Any, workflow_id: str | None) -> str:
        while len(self._waiting) >= self._max_backlog:
            turn = asyncio.get_running_loop().create_future()
            self._submitters.append(turn)
            await turn
            if self._stopping:
                raise self._closed()
        if workflow_id is None:
            workflow_id = f"{self.name}-{next(self._ids)}"
        elif (checked_text("workflow_id", workflow_id), 0) in self._active:
            raise DuplicateTaskError(
                f"workflow `{workflow_id}` is waiting or under way in pool `{self.name}`: give another id"
            )
        now = time.time()
        self._begin(self._handlers.run_of(Task(workflow_id, self.name, name, payload, 0, 0, 1, 0, now, math.inf)))
        return workflow_id

    def _begin(self, run: Run) -> None:
        self._active[run.task.id, run.task.token] = run
        self._waiting.append(run)
        if self._idle:
            self._idle.pop().set_result(None)

    # running

    async def _work(self) -> None:
        """Run one task after the other: one slot of the pool."""
        waiting, submitters = self._waiting, self._submitters
        loop = asyncio.get_running_loop()
        me = asyncio.current_task()
        while True:
            while waiting:
                run = waiting.popleft()
                if submitters:
                    _let_in(submitters)
                run.worker = me
                await self._perform(run)
            if self._stopping:
                return
            turn = loop.create_future()
            self._idle.append(turn)
            await turn

    async def _perform(self, run: Run) -> None:
        """Run a task to its end, and tell the queue which end that was."""
        began = perf_counter()
        report: Callable[[], Awaitable[object]] | None = None
        status = SUCCESS
        try:
            await (run.call(run) if self._plain else self._guarded(run))
            if self._pauses:
                self._pauses.succeeded(run.workflow)
            if self._queue is not None:
                report = partial(self._queue.mark_completed, run.task)
        except CircuitBreakerError as error:
            status, report = self._rejected(run, error)
        except (asyncio.CancelledError, ExecutorLostError) as error:
            status, report = self._cut_short(run, error)
        except ExecutorUnusableError as error:
            status, report = CANCELLED, self._released(run)
            self._break(error)
        except Exception as error:  # noqa: BLE001 - whatever a handler raises is its task's failure, never the pool's
            status, report = FAILURE, self._failed(run, error)
        seconds = perf_counter() - began
        # from here on nobody cancels it: its outcome is known
        run.worker = None
        if run.cancelled_for:
            asyncio.current_task().uncancel()  # type: ignore[union-attr]  # a coroutine runs in a task
        if report is not None:
            await self._report(run, report)
        if status:
            self._series.ended(run.workflow, status, seconds)
            self._history.ended(status, seconds)
        if run.outside is not None and not self._stopping:
            await left_behind(run)
        del self._active[run.task.id, run.task.token]
        if self._queue is not None or self._stopping:
            self._changed.set()

    async def _guarded(self, run: Run) -> object:
        if self._task_timeout is None:
            return await self._tried(run)
        try:
            async with asyncio.timeout(self._task_timeout) as limit:
                return await self._tried(run)
        except TimeoutError as error:
            if limit.expired():
                raise TaskTimeoutError(f"the task took longer than {self._task_timeout:g} seconds") from error
            raise

    async def _tried(self, run: Run) -> object:
        """Retry outside, breaker inside: every attempt is one call of the breaker."""
        if self._retry is None:
            return await self._attempt(run)
        return await self._retry.execute(self._attempt, run)

    async def _attempt(self, run: Run) -> object:
        if self._breaker is None:
            return await self._counted(run)
        return await self._breaker.call(self._counted, run)

    async def _counted(self, run: Run) -> object:
        run.attempts += 1
        try:
            return await run.call(run)
        except CircuitBreakerError:
            run.attempts -= 1
            raise

    # how a run may end, other than well: the status to record, and what the queue is to be told

    def _failed(self, run: Run, error: BaseException) -> Callable[[], Awaitable[object]] | None:
        _LOGGER.warning("task `%s` (%s) failed for good: %r", run.task.id, run.workflow, error)
        if self._queue is None:
            return None
        phase = "timeout" if isinstance(error, TaskTimeoutError) else "execute"
        return partial(self._queue.mark_failed, run.task, error, phase=phase, attempts=max(1, run.attempts))

    def _rejected(self, run: Run, error: CircuitBreakerError) -> tuple[str, Callable[[], Awaitable[object]] | None]:
        """An open breaker is no fault of the task: put it back, unless it has itself failed too often on the way."""
        if self._queue is None or run.task.attempts + run.attempts >= self._max_attempts:
            return FAILURE, self._failed(run, error)
        pause = min(max(error.retry_after, _SHORTEST_PAUSE), _LONGEST_PAUSE)
        self._pauses.pause(run.workflow, pause)
        self._history.released += 1
        return "", partial(self._queue.release, run.task, delay=pause, attempts=run.attempts)

    def _cut_short(self, run: Run, error: BaseException) -> tuple[str, Callable[[], Awaitable[object]] | None]:
        """Cancelled by the pool: put back, or given up for the one who holds it now. By others: its worker was lost."""
        if run.cancelled_for == "lease":
            return CANCELLED, None
        if run.cancelled_for or self._queue is None:
            return CANCELLED, self._released(run)
        if run.task.receives >= self._queue.max_receives:
            lost = ExecutorLostError(f"its worker was lost {run.task.receives} times ({error!r} at last)")
            return FAILURE, partial(self._queue.mark_failed, run.task, lost, phase="lease", attempts=run.attempts)
        _LOGGER.warning("task `%s` (%s) lost its worker, it goes back: %r", run.task.id, run.workflow, error)
        return CANCELLED, partial(self._queue.release, run.task, counts_as_received=True)

    def _released(self, run: Run) -> Callable[[], Awaitable[object]] | None:
        self._history.released += 1
        return None if self._queue is None else partial(self._queue.release, run.task, attempts=run.attempts)

    async def _report(self, run: Run, report: Callable[[], Awaitable[object]], *, patient: bool = True) -> None:
        """Tell the queue, and where it is `patient`, for as long as it takes: only a store that is away keeps it waiting."""
        pause = _SHORTEST_PAUSE
        while True:
            try:
                await report()
            except StaleLeaseError as error:
                _LOGGER.warning("%s", error)
            except StorageUnavailableError as error:
                _LOGGER.warning("the outcome of task `%s` cannot be stored yet: %s", run.task.id, error)
                if patient:
                    await asyncio.sleep(pause)
                    pause = min(2 * pause, _LONGEST_PAUSE)
                    continue
            except QueueError:
                _LOGGER.exception("the outcome of task `%s` cannot be stored, its lease will run out", run.task.id)
            return

    # claiming

    async def _claim_on(self) -> None:
        """Claim as many tasks as there are free slots, whenever there are."""
        assert self._queue is not None, "pools without a queue do not claim"  # noqa: S101 - for the type checker
        pause = self._poll_interval
        while not self._stopping:
            self._changed.clear()
            workflows, probation = self._pauses.open_to({run.workflow for run in self._active.values()})
            free = min(self.max_concurrent - len(self._active), 1 if probation else self.max_concurrent)
            if free <= 0 or not workflows:
                await self._wait_for_change(min(self._poll_interval, self._pauses.seconds_left()))
                continue
            try:
                tasks = await self._queue.get_next_tasks(
                    free, names=None if self._handlers.names is None else workflows
                )
            except QueueError as error:
                _LOGGER.warning("pool `%s` cannot claim: %s", self.name, error)
                await self._wait_for_stop(pause)
                pause = min(2 * pause, _LONGEST_PAUSE)
                continue
            pause = self._poll_interval
            for task in tasks:
                await self._take(self._handlers.run_of(task))
            if len(tasks) < free:
                await self._wait_for_change(self._poll_interval)

    async def _take(self, run: Run) -> None:
        """Begin to run what was claimed, or put it back where the pool has begun to stop meanwhile."""
        if not self._stopping:
            self._begin(run)
        elif (release := self._released(run)) is not None:
            await self._report(run, release, patient=False)

    async def _beat(self) -> None:
        """Keep the leases of what is under way; what is lost to others all the same is cancelled."""
        assert self._queue is not None, "pools without a queue have no leases"  # noqa: S101 - for the type checker
        while True:
            await asyncio.sleep(self._queue.lease_seconds / 3)
            tasks = [run.task for run in self._active.values()]
            if not tasks:
                continue
            try:
                lost = await self._queue.heartbeat_all(tasks)
            except QueueError as error:
                _LOGGER.warning("pool `%s` cannot extend its leases: %s", self.name, error)
                continue
            for task in lost:
                run = self._active.get((task.id, task.token))
                if run is not None:
                    self._cancel(run, "lease")

    async def _look_on(self) -> None:
        while True:
            await asyncio.sleep(_DEPTH_EVERY)
            try:
                await self._look_at_queue()
            except QueueError as error:
                _LOGGER.warning("pool `%s` cannot count its queue: %s", self.name, error)

    async def _look_at_queue(self) -> int:
        assert self._queue is not None, "pools without a queue have none to look at"  # noqa: S101 - for the type checker
        stats = await self._queue.stats()
        await self._queue.dead_letters.count()
        self._history.saw_depth(stats.depth)
        self._backlog_seen, self._backlog_seen_at = stats.ready + stats.delayed, time.monotonic()
        return self._backlog_seen

    async def _backlog(self) -> int:
        """Return how many tasks wait, as seen a moment ago, with what was submitted since."""
        if time.monotonic() - self._backlog_seen_at >= self._poll_interval or self._backlog_seen >= self._max_backlog:
            return await self._look_at_queue()
        return self._backlog_seen

    # stopping

    def _on_signal(self, count: int) -> None:
        if count == 1:
            _LOGGER.info("pool `%s` drains for up to %g seconds", self.name, self.drain_timeout)
            self._keep(self._stop_quietly(None))
        else:
            _LOGGER.info("pool `%s` stops at once", self.name)
            self._hurry(-math.inf)

    async def _stop_quietly(self, drain_timeout: float | None) -> None:
        left = await self.stop(drain_timeout)
        if left:
            _LOGGER.info("pool `%s` has put back %d tasks", self.name, len(left))

    def _break(self, error: Exception) -> None:
        """Stop for a fault that no task is to blame for."""
        if self._broken is None:
            _LOGGER.error("pool `%s` stops: %s", self.name, error)
            self._broken = error
            self._keep(self._stop_quietly(None))

    def _hurry(self, deadline: float) -> None:
        """Let a stop that is under way wait no longer than until the deadline."""
        self._deadline = min(deadline, self._deadline)
        self._changed.set()

    def _begin_stop(self, deadline: float) -> None:
        self._stopping = True
        self._deadline = deadline
        if self._unsubscribe is not None:
            self._unsubscribe()
        self._changed.set()
        for turn in (*self._submitters, *self._idle):
            if not turn.done():
                turn.set_result(None)
        self._submitters.clear()
        self._idle.clear()

    async def _finish(self) -> tuple[str, ...]:
        """Cancel what is still under way, release what has not begun, and end every task of the event loop made here."""
        left = tuple(task_id for task_id, _ in self._active)
        for run in self._waiting:
            del self._active[run.task.id, run.task.token]
            if (release := self._released(run)) is not None:
                await self._report(run, release, patient=False)
        self._waiting.clear()
        for run in list(self._active.values()):
            self._cancel(run, "stop")
        await self._end((*self._workers, *filter(None, (self._claimer,))), grace=_CLEAN_UP)
        me = asyncio.current_task()
        await self._end([task for task in self._background if task is not me], grace=0)
        self._handlers.close()
        self._series.occupied(0)
        self._stopped.set()
        return left

    async def _end(self, tasks: Sequence[asyncio.Task[None]], *, grace: float) -> None:
        """Wait for tasks of the event loop, and cancel those that take longer than the grace."""
        if not tasks:
            return
        _, stubborn = await asyncio.wait(tasks, timeout=grace)
        for task in stubborn:
            if grace:
                _LOGGER.warning("pool `%s` leaves something behind that does not end: its lease will", self.name)
            task.cancel()
        if stubborn:
            await asyncio.wait(stubborn, timeout=grace or None)

    def _cancel(self, run: Run, reason: str) -> None:
        if run.worker is not None and not run.cancelled_for:
            run.cancelled_for = reason
            run.worker.cancel()

    def _closed(self) -> PoolClosedError:
        return PoolClosedError(f"pool `{self.name}` is stopping and takes no more work: submit to another one")

    def _keep(self, work: Any) -> None:
        """Run a loop in the background, held by a reference, as the event loop keeps none."""
        self._background.append(asyncio.create_task(work))

    async def _show_gauges(self) -> None:
        while True:
            self._series.occupied(len(self._active) - len(self._waiting))
            await asyncio.sleep(_GAUGES_EVERY)

    async def _wait_for_change(self, seconds: float) -> None:
        """Wait until something ends or is enqueued, at most so long."""
        try:
            async with asyncio.timeout(seconds):
                await self._changed.wait()
        except TimeoutError:
            return
        self._changed.clear()

    async def _wait_for_stop(self, seconds: float) -> None:
        """Wait out a trouble of the store, at most so long; nothing but the end of the pool shortens it."""
        deadline = time.monotonic() + seconds
        while not self._stopping and (left := deadline - time.monotonic()) > 0:
            await self._wait_for_change(left)


class TaskTimeoutError(TimeoutError):
    """A task that took longer than `task_timeout`."""


def _let_in(submitters: deque[asyncio.Future[None]]) -> None:
    """Let the first who waits, and still does, submit."""
    while submitters:
        turn = submitters.popleft()
        if not turn.done():
            turn.set_result(None)
            return


def _wake(loop: asyncio.AbstractEventLoop, changed: asyncio.Event) -> None:
    """Set an event of a loop from whatever thread this is."""
    try:
        running = asyncio.get_running_loop()
    except RuntimeError:
        running = None
    if running is loop:
        changed.set()
    elif not loop.is_closed():
        loop.call_soon_threadsafe(changed.set)
