"""Plain functions in any `concurrent.futures.Executor`: sent there, waited for, and judged when an executor breaks."""

from __future__ import annotations

import asyncio
import functools
import inspect
import pickle
from collections.abc import AsyncGenerator, Callable, Generator
from concurrent.futures import BrokenExecutor, CancelledError, Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import suppress
from typing import Any, Protocol, TypeAlias

from golden_runtime.failures import RemoteError
from golden_runtime.tasks import Task
from golden_runtime.turns import is_interrupt

Handler: TypeAlias = Callable[[Task], Any]
Executors: TypeAlias = Executor | Callable[[], Executor]


class ExecutorLostError(Exception):
    """The executor gave up a task without an outcome: a worker process died, or a cluster is gone."""


class ExecutorUnusableError(Exception):
    """The executor takes no more tasks: it broke down, was shut down or could not be made, and cannot be replaced from here."""


class _BrokenAmongOthersError(Exception):
    """The executor broke down under several tasks, of which any may be to blame."""


class Errand(Protocol):
    """A task on its way, and where it runs outside."""

    task: Task
    outside: Future[Any] | None


class Outside:
    """Runs plain functions in an executor: the one given, the ones a function makes, or threads.

    A process that dies breaks its whole executor. Where several tasks were in it, each runs again alone, so that only the
    one that breaks it by itself is charged.
    """

    def __init__(self, executors: Executors | None, size: int) -> None:
        if executors is not None and not isinstance(executors, Executor) and not callable(executors):
            raise TypeError(f"`executor` must be an Executor, or a function that makes one, not `{executors!r}`")
        self._make = executors if not isinstance(executors, Executor) else None
        if executors is None:
            self._make = functools.partial(ThreadPoolExecutor, size, "golden-runtime pool")
        self._executor = executors if isinstance(executors, Executor) else None
        self._making = asyncio.Lock()
        self._sendable: list[Handler] = []
        # the latest executor that broke down, and whether several tasks were in it
        self._broken: tuple[Executor, bool] | None = None
        self._under_way = 0
        self._emptied = asyncio.Event()
        # closed while a task runs alone
        self._gate = asyncio.Lock()

    async def call(self, handler: Handler, run: Errand) -> object:
        """Run a handler and return what it returns.

        Raises ExecutorLostError where the executor has lost the task, ExecutorUnusableError where it did not take it.
        """
        async with self._gate:
            pass
        try:
            return await _awaited(handler, await self._in_executor(handler, run))
        except _BrokenAmongOthersError:
            async with self._gate:
                while self._under_way:
                    self._emptied.clear()
                    await self._emptied.wait()
                return await _awaited(handler, await self._in_executor(handler, run))

    def close(self) -> None:
        """Shut down the executor, if it was made here; what runs in it is not waited for."""
        if self._make is not None and self._executor is not None:
            self._executor.shutdown(wait=False, cancel_futures=True)
            self._executor = None

    async def _in_executor(self, handler: Handler, run: Errand) -> object:
        self._under_way += 1
        try:
            executor, outside = await self._submit(handler, run.task)
            run.outside = outside
            return await self._outcome(executor, outside)
        finally:
            self._under_way -= 1
            self._emptied.set()

    async def _outcome(self, executor: Executor, outside: Future[Any]) -> object:
        try:
            await ended(outside)
        except asyncio.CancelledError:
            outside.cancel()
            raise
        try:
            return outside.result()
        except BrokenExecutor as error:
            if self._make is not None and self._is_crowded(executor):
                raise _BrokenAmongOthersError from error
            raise ExecutorLostError(f"the executor broke down under the task ({error})") from error
        except CancelledError as error:
            raise ExecutorLostError("the executor cancelled the task") from error
        except KeyboardInterrupt as error:
            # Ctrl-C reaches the processes of an executor too
            raise ExecutorLostError("the executor was interrupted") from error
        except GeneratorExit as error:
            # on the event loop it would say that this coroutine is closed
            raise RuntimeError("the handler raised GeneratorExit") from error

    def _is_crowded(self, executor: Executor) -> bool:
        """Return whether several tasks were in an executor when it broke, as the first of them has found."""
        if self._broken is None or self._broken[0] is not executor:
            self._broken = (executor, self._under_way > 1)
        return self._broken[1]

    async def _submit(self, handler: Handler, task: Task) -> tuple[Executor, Future[Any]]:
        """Hand a task over, to a new executor where the present one is broken and can be replaced."""
        executor = self._executor
        if executor is None:
            executor = await self._made_after(None)
        self._check_sendable(executor, handler)
        try:
            return executor, _sent(executor, handler, task)
        except BrokenExecutor as error:
            if self._make is None:
                raise ExecutorUnusableError(f"the executor is broken ({error}): start the process again") from error
        except RuntimeError as error:
            raise ExecutorUnusableError(f"the executor takes no more tasks ({error})") from error
        executor = await self._made_after(executor)
        try:
            return executor, _sent(executor, handler, task)
        except BrokenExecutor as error:
            raise ExecutorLostError(f"the executor broke down before the task ({error})") from error

    def _check_sendable(self, executor: Executor, handler: Handler) -> None:
        """Raise ExecutorUnusableError for a handler that other processes cannot import: it would fail for every task."""
        if not isinstance(executor, ProcessPoolExecutor) or any(known is handler for known in self._sendable):
            return
        try:
            pickle.dumps(handler)
        except Exception as error:
            if is_interrupt(error):
                raise
            raise ExecutorUnusableError(
                f"the handler `{handler_name(handler)}` cannot be sent to another process ({error}): "
                "make it a function of a module"
            ) from error
        self._sendable.append(handler)

    async def _made_after(self, broken: Executor | None) -> Executor:
        """Return the executor that takes the place of a broken one, made by whoever comes first."""
        async with self._making:
            if self._executor is broken:
                self._executor = await self._made()
            assert self._executor is not None, "just made"  # noqa: S101 - for the type checker
            return self._executor

    async def _made(self) -> Executor:
        assert self._make is not None, "an executor was given, or how to make one"  # noqa: S101 - for the type checker
        try:
            # in a thread, as it may connect to a cluster first
            made = await asyncio.to_thread(self._make)
        except Exception as error:
            raise ExecutorUnusableError(f"no executor could be made ({error!r})") from error
        if not isinstance(made, Executor):
            raise ExecutorUnusableError(f"what was to make an executor has made `{made!r}`")
        return made


def run_afar(handler: Handler, task: Task) -> None:
    """Run a handler in another process, and bring back nothing that cannot come: no result, and an exception only as it is.

    An exception that cannot be unpickled would break a process pool, and one that is no `Exception` a worker of Dask.
    """
    try:
        result = handler(task)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # `sys.exit()` too would end the process of others
        if isinstance(error, Exception) and _can_travel(error):
            raise
        raise RemoteError.of(error) from None
    if inspect.isawaitable(result) or isinstance(result, Generator | AsyncGenerator):
        raise TypeError(_NOT_RUN.format(name=handler_name(handler), kind=type(result).__name__))


async def ended(outside: Future[Any]) -> None:
    """Wait until a future of an executor is done.

    `asyncio.wrap_future` waits for ever where a function raises StopIteration, which no future of asyncio takes.
    """
    loop = asyncio.get_running_loop()
    done = asyncio.Event()

    def wake(_: Future[Any]) -> None:
        # a loop that is closed meanwhile raises: nobody waits there
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(done.set)

    outside.add_done_callback(wake)
    await done.wait()


def handler_name(handler: Handler) -> str:
    """Return the name of a handler: of a function, also under `functools.partial`, or of a class."""
    inner = innermost(handler)
    return str(getattr(inner, "__name__", type(inner).__name__))


def innermost(handler: object) -> object:
    """Return what `functools.partial` was made from."""
    while isinstance(handler, functools.partial):
        handler = handler.func
    return handler


_NOT_RUN = "the handler `{name}` returned a {kind}, which nobody has run: make it an `async def` function"


def _sent(executor: Executor, handler: Handler, task: Task) -> Future[Any]:
    # threads need nothing that can be pickled, and keep their tracebacks
    if isinstance(executor, ThreadPoolExecutor):
        return executor.submit(handler, task)
    return executor.submit(run_afar, handler, task)


async def _awaited(handler: Handler, result: object) -> object:
    """Await what a plain function returned to be awaited, as a decorator around a coroutine function does."""
    if inspect.isawaitable(result):
        return await result
    if isinstance(result, Generator | AsyncGenerator):
        raise TypeError(_NOT_RUN.format(name=handler_name(handler), kind=type(result).__name__))
    return result


def _can_travel(error: Exception) -> bool:
    try:
        pickle.loads(pickle.dumps(error))  # noqa: S301 - just made here
    except Exception as failed:  # whatever it raises, it would raise at the other end
        if is_interrupt(failed):
            raise
        return False
    return not isinstance(error, StopIteration)
