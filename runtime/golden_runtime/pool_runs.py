"""One task, from its handler's call to the queue being told how it ended."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from functools import partial
from time import monotonic, perf_counter
from typing import TYPE_CHECKING, Final, TypeAlias

from golden_runtime.circuit_breaker import CircuitBreaker, CircuitBreakerError
from golden_runtime.outcomes import CANCELLED, FAILURE, SUCCESS
from golden_runtime.pool_executors import ExecutorLostError, ExecutorUnusableError
from golden_runtime.pool_handlers import Run, left_behind
from golden_runtime.pool_metrics import History, PoolSeries
from golden_runtime.pool_pauses import Pauses
from golden_runtime.queue_errors import QueueError, StaleLeaseError, StorageUnavailableError
from golden_runtime.recording import LIMIT
from golden_runtime.retry_policy import RetryPolicy

if TYPE_CHECKING:
    from golden_runtime.task_queue import TaskQueue

_LOGGER = logging.getLogger(__name__)

# Seconds a task is put back for at least and, where a breaker cannot say how long it stays open, at most.
_SHORTEST_PAUSE: Final = 0.05
_LONGEST_PAUSE: Final = 60.0

# Seconds that a cancelled handler may take to clean up.
CLEAN_UP: Final = 5.0

# What the queue is to be told, if it is to be told anything.
Report: TypeAlias = Callable[[], Awaitable[object]] | None
# The status to record; a rejection by a breaker is none.
Ending: TypeAlias = tuple[str | None, Report]


class _NoMoreAttempts(BaseException):
    """Leaves the retry policy, since the pool has cancelled the task."""


class TaskTimeoutError(TimeoutError):
    """A task that took longer than `task_timeout`."""


class Runner:
    """Runs tasks under a timeout, a retry policy and a breaker, in this order from outside in, and reports how they end."""

    def __init__(
        self,
        queue: TaskQueue | None,
        *,
        retry: RetryPolicy | None,
        breaker: CircuitBreaker | None,
        task_timeout: float | None,
        max_attempts: int,
        series: PoolSeries,
        history: History,
        pauses: Pauses,
        on_broken: Callable[[Exception], None],
    ) -> None:
        self._queue = queue
        self._retry = retry
        self._breaker = breaker
        self._task_timeout = task_timeout
        self._max_attempts = max_attempts
        self._series = series
        self._history = history
        self._pauses = pauses
        self._on_broken = on_broken
        self._is_plain = retry is None and breaker is None and task_timeout is None

    async def perform(self, run: Run) -> None:
        """Run a task to its end, and tell the queue which end that was. Raises no `Exception`."""
        queue, workflow = self._queue, run.workflow
        report: Report = None
        status: str | None = SUCCESS
        run.began = began = perf_counter()
        try:
            await (workflow.call(run) if self._is_plain else self._guarded(run))
            if queue is not None:
                report = partial(queue.mark_completed, run.task)
            if self._pauses:
                self._pauses.succeeded(workflow.name)
        except (GeneratorExit, KeyboardInterrupt):
            # the event loop ends, or is told to
            raise
        except BaseException as error:  # noqa: BLE001 - what a handler raises, `sys.exit()` too, is never the pool's failure
            status, report = self._judged(run, error)
        seconds = perf_counter() - began
        # from here on nobody cancels it: its outcome is known
        run.worker = None
        if run.cancelled_for:
            asyncio.current_task().uncancel()  # type: ignore[union-attr]  # a coroutine runs in a task
        if run.is_given_up:
            return
        if report is not None:
            await self._report(run, report)
        if status is SUCCESS:
            # written out, like the rest of the way of a task that succeeds
            noted = workflow.succeeded
            noted.append(seconds)
            if len(noted.pending) >= LIMIT:
                noted.settle()
            self._history.succeeded_after(seconds)
        elif status is not None:
            self._ended(workflow.name, status, seconds)
        if run.outside is not None and run.cancelled_for != "stop":
            await left_behind(run)

    async def give_back(self, run: Run) -> None:
        """Release a task that never began; where the store is away just now, its lease will run out."""
        await self._report(run, self._put_back(run), patient=False)

    async def give_up(self, run: Run) -> None:
        """Release a task whose handler is deaf to its cancellation, at the end of the pool: it goes on, and no longer counts."""
        run.is_given_up = True
        self._ended(run.workflow.name, CANCELLED, perf_counter() - run.began)
        await self._report(run, self._put_back(run), patient=False)
        where = "" if self._queue is None else ", which others may run now"
        _LOGGER.warning(
            "the handler of task `%s` (%s) does not end when it is cancelled, and goes on%s: let it raise CancelledError",
            run.task.id,
            run.workflow.name,
            where,
        )

    async def time_out(self, run: Run) -> None:
        """Report that a task has taken too long whose handler does not end all the same, and so keeps its slot."""
        run.is_given_up = True
        error = TaskTimeoutError(
            f"the task took longer than {self._task_timeout:g} seconds, and its handler does not end when it is cancelled"
        )
        self._ended(run.workflow.name, FAILURE, perf_counter() - run.began)
        await self._report(run, self._failed(run, error))

    def _ended(self, workflow: str, status: str, seconds: float) -> None:
        """Record an end that is no success."""
        self._series.ended(workflow, status, seconds)
        if status is FAILURE:
            self._history.failed_after(seconds)

    def _judged(self, run: Run, error: BaseException) -> Ending:
        """Return what an exception means for the task; one that followed the pool's own cancellation means nothing else."""
        if run.cancelled_for:
            return self._cut_short(run, error)
        if isinstance(error, CircuitBreakerError):
            return self._rejected(run, error)
        if isinstance(error, asyncio.CancelledError | ExecutorLostError):
            return self._cut_short(run, error)
        if isinstance(error, ExecutorUnusableError):
            self._on_broken(error)
            return CANCELLED, self._put_back(run)
        return FAILURE, self._failed(run, error)

    async def _guarded(self, run: Run) -> object:
        if self._task_timeout is None:
            return await self._tried(run)
        run.times_out_at = monotonic() + self._task_timeout
        try:
            async with asyncio.timeout(self._task_timeout) as limit:
                return await self._tried(run)
        except (TimeoutError, _NoMoreAttempts) as error:
            if isinstance(error, _NoMoreAttempts) or limit.expired():
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
        """Count the attempts that reached the handler; one that a breaker within it rejects is none."""
        run.attempts += 1
        try:
            return await run.workflow.call(run)
        except CircuitBreakerError:
            run.attempts -= 1
            raise
        except (Exception, asyncio.CancelledError) as error:
            if run.cancelled_for:
                run.attempts -= 1
            elif isinstance(error, asyncio.CancelledError) or monotonic() < run.times_out_at:
                raise
            # what it raises on its way out is nothing to try again for
            raise _NoMoreAttempts from error

    def _failed(self, run: Run, error: BaseException) -> Report:
        _LOGGER.warning("task `%s` (%s) failed for good: %r", run.task.id, run.workflow.name, error)
        if self._queue is None:
            return None
        phase = "timeout" if isinstance(error, TaskTimeoutError) else "execute"
        return partial(self._queue.mark_failed, run.task, error, phase=phase, attempts=max(1, run.attempts))

    def _rejected(self, run: Run, error: CircuitBreakerError) -> Ending:
        """An open breaker is no fault of the task: put it back, unless it has itself failed too often on the way."""
        if self._queue is None or run.task.attempts + run.attempts >= self._max_attempts:
            return FAILURE, self._failed(run, error)
        pause = min(max(_SHORTEST_PAUSE, error.retry_after), _LONGEST_PAUSE)
        self._pauses.pause(run.workflow.name, pause)
        self._history.released += 1
        return None, partial(self._queue.release, run.task, delay=pause, attempts=run.attempts)

    def _cut_short(self, run: Run, error: BaseException) -> Ending:
        """Cancelled by the pool: put back, or given up for the one who holds it now. By others: its worker was lost."""
        if run.cancelled_for == "lease":
            return CANCELLED, None
        if run.cancelled_for or self._queue is None:
            return CANCELLED, self._put_back(run)
        if run.task.receives >= self._queue.max_receives:
            lost = ExecutorLostError(f"its worker was lost {run.task.receives} times ({error!r} at last)")
            return FAILURE, partial(self._queue.mark_failed, run.task, lost, phase="lease", attempts=run.attempts)
        _LOGGER.warning("task `%s` (%s) lost its worker, it goes back: %r", run.task.id, run.workflow.name, error)
        return CANCELLED, partial(self._queue.release, run.task, attempts=run.attempts, counts_as_received=True)

    def _put_back(self, run: Run) -> Report:
        self._history.released += 1
        if self._queue is None:
            run.is_back = True
            return None
        return partial(self._release, run)

    async def _release(self, run: Run) -> None:
        assert self._queue is not None, "the queue that the task came from"  # noqa: S101 - for the type checker
        await self._queue.release(run.task, attempts=run.attempts)
        run.is_back = True

    async def _report(self, run: Run, report: Report, *, patient: bool = True) -> None:
        """Tell the queue, and where it is `patient`, for as long as it takes: only a store that is away keeps it waiting."""
        pause = _SHORTEST_PAUSE
        while report is not None:
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
