"""The handlers of a pool: coroutine functions run on the event loop, plain functions in an executor."""

from __future__ import annotations

import asyncio
import functools
import inspect
import math
import pickle
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import BrokenExecutor, CancelledError, Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, TypeAlias

from golden_runtime.outcomes import SUCCESS
from golden_runtime.pool_metrics import PoolSeries
from golden_runtime.recording import Buffer
from golden_runtime.tasks import Task

Handler: TypeAlias = Callable[[Task], Any]
Executors: TypeAlias = Executor | Callable[[], Executor]


class ExecutorLostError(Exception):
    """The executor gave up a task without an outcome: a worker process died, or a cluster is gone."""


class ExecutorUnusableError(Exception):
    """The executor takes no more tasks: it broke down, or was shut down, and cannot be replaced from here."""


@dataclass(frozen=True, slots=True, eq=False)
class Workflow:
    """A handler: its name in series, how it is called, and where the durations of its successes are noted."""

    name: str
    call: Callable[[Run], Awaitable[object]]
    succeeded: Buffer


class Run:
    """One task on its way through the pool.

    What most runs never change is a class's attribute until it is changed: a pool makes one of these for each task.
    """

    # how many attempts have reached the handler
    attempts = 0
    # who runs the handler, while it runs
    worker: asyncio.Task[None] | None = None
    # why the pool cancelled it, if it did: "lease" or "stop"
    cancelled_for = ""
    # when its handler was called, in seconds of the performance counter
    began = 0.0
    # when its time is up, in seconds of the monotonic clock
    times_out_at = math.inf
    # whether its outcome was reported while the handler went on, deaf to its cancellation
    is_given_up = False
    # whether the pool has put it back
    is_back = False
    # what runs in an executor
    outside: Future[Any] | None = None

    def __init__(self, task: Task, workflow: Workflow) -> None:
        self.task = task
        self.workflow = workflow


class Handlers:
    """Finds the handler of a task, by its name or the one there is."""

    def __init__(
        self, pool: str, handlers: Handler | Mapping[str, Handler], executors: Executors | None, size: int
    ) -> None:
        self._outside = Outside(executors, size)
        named = isinstance(handlers, Mapping)
        if named and not handlers:
            raise ValueError("a pool without handlers can do nothing: give at least one")
        # where there is one handler for all, the function's name, not the tasks' names, which nothing bounds
        by_name = dict(handlers) if isinstance(handlers, Mapping) else {_name(handlers): handlers}
        calls = {name: self._call(name, handler) for name, handler in by_name.items()}
        self.series = PoolSeries(pool, tuple(calls), size)
        self._workflows = {
            name: Workflow(name, call, self.series.buffer(name, SUCCESS)) for name, call in calls.items()
        }
        self.workflows = tuple(calls)
        self.names = self.workflows if named else None
        self._only = None if named else self._workflows[self.workflows[0]]

    def run_of(self, task: Task) -> Run:
        """Return a run of the task. Raises KeyError where there is no handler for its name."""
        return Run(task, self._only or self._workflows[task.name])

    def close(self) -> None:
        """Shut down the executors that were made here."""
        self._outside.close()

    def _call(self, workflow: str, handler: Handler) -> Callable[[Run], Awaitable[object]]:
        if not callable(handler):
            raise TypeError(f"the handler of `{workflow}` must be a function of a task, not `{handler!r}`")
        if _is_coroutine_function(handler):
            return lambda run: handler(run.task)
        return functools.partial(self._outside.call, handler)


class Outside:
    """Runs plain functions in an executor: the one given, the ones a function makes, or threads."""

    def __init__(self, executors: Executors | None, size: int) -> None:
        self._make = executors if not isinstance(executors, Executor) else None
        if executors is None:
            self._make = functools.partial(ThreadPoolExecutor, size, "golden-runtime pool")
        self._executor = executors if isinstance(executors, Executor) else None
        self._making = asyncio.Lock()
        self._sendable: list[Handler] = []

    async def call(self, handler: Handler, run: Run) -> object:
        """Run a handler and return what it returns.

        Raises ExecutorLostError where the executor has lost the task, ExecutorUnusableError where it did not take it.
        """
        run.outside = outside = await self._submit(handler, run.task)
        try:
            await _ended(outside)
        except asyncio.CancelledError:
            outside.cancel()
            raise
        try:
            return outside.result()
        except BrokenExecutor as error:
            raise ExecutorLostError(f"the executor broke down under the task ({error})") from error
        except CancelledError as error:
            raise ExecutorLostError("the executor cancelled the task") from error
        except KeyboardInterrupt as error:
            # Ctrl-C reaches the processes of an executor too
            raise ExecutorLostError("the executor was interrupted") from error
        except GeneratorExit as error:
            # on the event loop it would say that this coroutine is closed
            raise RuntimeError("the handler raised GeneratorExit") from error

    async def _submit(self, handler: Handler, task: Task) -> Future[Any]:
        """Hand a task over, to a new executor where the present one is broken and can be replaced."""
        executor = self._executor
        if executor is None:
            executor = await self._made_after(None)
        self._check_sendable(executor, handler)
        try:
            return executor.submit(handler, task)
        except BrokenExecutor as error:
            if self._make is None:
                raise ExecutorUnusableError(f"the executor is broken ({error}): start the process again") from error
        except RuntimeError as error:
            raise ExecutorUnusableError(f"the executor takes no more tasks ({error})") from error
        executor = await self._made_after(executor)
        try:
            return executor.submit(handler, task)
        except BrokenExecutor as error:
            raise ExecutorLostError(f"the executor broke down before the task ({error})") from error

    def _check_sendable(self, executor: Executor, handler: Handler) -> None:
        """Raise ExecutorUnusableError for a handler that other processes cannot import: it would fail for every task."""
        if not isinstance(executor, ProcessPoolExecutor) or any(known is handler for known in self._sendable):
            return
        try:
            pickle.dumps(handler)
        except Exception as error:
            raise ExecutorUnusableError(
                f"the handler `{_name(handler)}` cannot be sent to another process ({error}): make it a function of a module"
            ) from error
        self._sendable.append(handler)

    async def _made_after(self, broken: Executor | None) -> Executor:
        """Return the executor that takes the place of a broken one, made by whoever comes first."""
        async with self._making:
            if self._executor is broken:
                assert self._make is not None, "an executor was given, or how to make one"  # noqa: S101 - for the type checker
                # in a thread, as it may connect to a cluster first
                self._executor = await asyncio.to_thread(self._make)
            assert self._executor is not None, "just made"  # noqa: S101 - for the type checker
            return self._executor

    def close(self) -> None:
        """Shut down the executor, if it was made here; what runs in it is not waited for."""
        if self._make is not None and self._executor is not None:
            self._executor.shutdown(wait=False, cancel_futures=True)
            self._executor = None


async def left_behind(run: Run) -> None:
    """Wait for a function that a timeout has left running: its thread is not free before, and so is no slot."""
    if run.outside is not None and run.outside.running():
        await _ended(run.outside)


async def _ended(outside: Future[Any]) -> None:
    """Wait until a future of an executor is done.

    `asyncio.wrap_future` waits for ever where a function raises StopIteration, which no future of asyncio takes.
    """
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()

    def wake(_: Future[Any]) -> None:
        # a loop that is closed meanwhile raises: nobody waits there
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(ended.set)

    outside.add_done_callback(wake)
    await ended.wait()


def _is_coroutine_function(handler: Handler) -> bool:
    inner = inspect.unwrap(handler)
    while isinstance(inner, functools.partial):
        inner = inner.func
    return inspect.iscoroutinefunction(inner) or inspect.iscoroutinefunction(getattr(inner, "__call__", None))  # noqa: B004 - it is looked at, not called


def _name(handler: Handler) -> str:
    inner: object = handler
    while isinstance(inner, functools.partial):
        inner = inner.func
    return str(getattr(inner, "__name__", type(inner).__name__))
