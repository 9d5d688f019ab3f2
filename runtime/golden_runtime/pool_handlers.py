"""The handlers of a pool: coroutine functions run on the event loop, plain functions in an executor."""

from __future__ import annotations

import asyncio
import functools
import inspect
import math
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

from golden_runtime.outcomes import SUCCESS
from golden_runtime.payloads import checked_text
from golden_runtime.pool_executors import Executors, Handler, Outside, ended, handler_name, innermost
from golden_runtime.pool_metrics import PoolSeries
from golden_runtime.recording import Buffer
from golden_runtime.tasks import Task


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
        for name in handlers if isinstance(handlers, Mapping) else ():
            checked_text("name of a handler", name)
        # where there is one handler for all, the function's name, not the tasks' names, which nothing bounds
        by_name = dict(handlers) if isinstance(handlers, Mapping) else {handler_name(handlers): handlers}
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
        if _is_function(handler, inspect.isgeneratorfunction) or _is_function(handler, inspect.isasyncgenfunction):
            raise TypeError(
                f"the handler of `{workflow}` is a generator function, which nobody would run: let it return"
            )
        if _is_function(handler, inspect.iscoroutinefunction):
            return lambda run: handler(run.task)
        return functools.partial(self._outside.call, handler)


async def left_behind(run: Run) -> None:
    """Wait for a function that a timeout has left running: its thread is not free before, and so is no slot."""
    if run.outside is not None and run.outside.running():
        await ended(run.outside)


def _is_function(handler: Handler, is_kind: Callable[[object], bool]) -> bool:
    """Return whether a handler, or what is called when it is called, is a function of a kind."""
    inner = innermost(inspect.unwrap(handler))
    return is_kind(inner) or is_kind(getattr(inner, "__call__", None))  # noqa: B004 - it is looked at, not called
