"""Handlers that do what no handler should: the pool stays whole, the task ends where people find it, and nothing is hidden."""

from __future__ import annotations

import asyncio
import logging
import multiprocessing
import sys
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest
from golden_runtime import CircuitBreaker, ExecutorPool, RetryConfig, RetryPolicy, Task, TaskQueue

if TYPE_CHECKING:
    from collections.abc import Callable

    from golden_runtime import DeadLetter


class Panic(BaseException):
    """What libraries in Rust raise when they panic: no `Exception`."""


def leave(task: Task) -> None:
    """Call what ends a program."""
    sys.exit(3)


def panic(task: Task) -> None:
    """Raise what is no `Exception`."""
    raise Panic("at the disco")


def ask_too_much(task: Task) -> object:
    """Raise what no future of asyncio takes."""
    return next(iter([]))


def close(task: Task) -> None:
    """Raise what closes coroutines."""
    raise GeneratorExit


async def leave_async(task: Task) -> None:
    """Call what ends a program, on the event loop."""
    sys.exit(3)


async def panic_async(task: Task) -> None:
    """Raise what is no `Exception`, on the event loop."""
    raise Panic("at the disco")


async def idle(queue: TaskQueue) -> None:
    """Wait until every task of the queue is closed."""
    async with asyncio.timeout(30):
        while (await queue.stats()).depth:
            await asyncio.sleep(0.002)


async def buried(queue: TaskQueue, **settings: Any) -> list[DeadLetter]:
    """Run what is in the queue to its end, and return the dead letters."""
    async with ExecutorPool(queue=queue, max_concurrent=1, **settings):
        await idle(queue)
    return await queue.dead_letters.get_entries()


class Deaf:
    """A coroutine function that ends when it is told to, and not when it is cancelled."""

    def __init__(self) -> None:
        self.begun = 0
        self.may_end = asyncio.Event()

    async def __call__(self, task: Task) -> None:
        """Wait."""
        self.begun += 1
        while not self.may_end.is_set():
            with suppress(asyncio.CancelledError):
                await self.may_end.wait()


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave cancelled handlers little time to clean up."""
    monkeypatch.setattr("golden_runtime.executor_pool.CLEAN_UP", 0.05)
    monkeypatch.setattr("golden_runtime.executor_pool._OVERDUE_EVERY", 0.01)


@pytest.mark.parametrize(
    ("handler", "error_type"),
    [
        (leave, "SystemExit"),
        (panic, "Panic"),
        (ask_too_much, "RuntimeError"),
        (close, "RuntimeError"),
        (leave_async, "SystemExit"),
        (panic_async, "Panic"),
    ],
)
def test_whatever_a_handler_raises_is_a_failure(
    sqlite_path: str, handler: Callable[[Task], object], error_type: str
) -> None:
    """The task is a dead letter with its traceback, and the only slot goes on with the next one."""

    async def scenario() -> None:
        async with TaskQueue(sqlite_path) as queue:
            for index in range(3):
                await queue.enqueue("n", index)
            letters = await buried(queue, handlers=handler)
            assert [(letter.error_type, letter.phase) for letter in letters] == [(error_type, "execute")] * 3
            assert f"in {handler.__name__}" in letters[0].traceback

    asyncio.run(scenario())


def test_what_ends_a_program_does_not_cross_from_another_process(sqlite_path: str) -> None:
    """Neither `sys.exit()` nor an exhausted iterator in a process pool ends, or hangs, the process that runs the pool."""

    async def scenario() -> None:
        with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as executor:
            async with TaskQueue(sqlite_path) as queue:
                await queue.enqueue("leave")
                await queue.enqueue("ask")
                handlers = {"leave": leave, "ask": ask_too_much}
                letters = await buried(queue, handlers=handlers, executor=executor)
                assert {letter.error_type for letter in letters} == {"SystemExit", "RuntimeError"}

    asyncio.run(scenario())


def test_an_executor_that_gives_a_task_up_does_not_fail_it(sqlite_path: str) -> None:
    """A future that others cancel, or that Ctrl-C has reached in its process, says nothing of the task: it goes back."""

    class Forgetful(ThreadPoolExecutor):
        taken = 0

        def submit(self, function: Any, /, *args: Any, **named: Any) -> Future[Any]:
            self.taken += 1
            future: Future[Any] = Future()
            if self.taken == 1:
                future.cancel()
                future.set_running_or_notify_cancel()
            elif self.taken == 2:
                future.set_exception(KeyboardInterrupt())
            else:
                future.set_result(None)
            return future

    async def scenario() -> None:
        async with TaskQueue(sqlite_path) as queue:
            task_id = await queue.enqueue("n")
            assert await buried(queue, handlers=panic, executor=Forgetful()) == []
            state = await queue.get_state(task_id)
            assert state is not None
            assert (state.state, state.receives) == ("completed", 3)

    asyncio.run(scenario())


@pytest.mark.parametrize("is_guarded", [False, True])
def test_what_a_cancelled_handler_raises_is_not_held_against_its_task(sqlite_path: str, is_guarded: bool) -> None:
    """A client that fails when it is cut off, at every deploy: the task goes back as if it had never been claimed."""

    async def scenario() -> None:
        begun = 0

        async def handler(task: Task) -> None:
            nonlocal begun
            begun += 1
            try:
                await asyncio.sleep(3600)
            finally:
                raise ValueError("the connection was cut off")

        guards: dict[str, Any] = {}
        if is_guarded:
            retry = RetryPolicy(RetryConfig(max_retries=50, base_delay=0.001))
            guards = {"retry": retry, "breaker": CircuitBreaker("unruly"), "task_timeout": 60}
        async with TaskQueue(sqlite_path) as queue:
            pool = ExecutorPool(handler, queue, poll_interval=0.01, **guards)
            await pool.start()
            task_id = await queue.enqueue("n")
            while not begun:
                await asyncio.sleep(0.002)
            assert await pool.stop(0) == (task_id,)
            state = await queue.get_state(task_id)
            assert state is not None
            assert (state.state, state.attempts, state.receives, begun) == ("ready", 0, 0, 1)

    asyncio.run(scenario())


def test_what_a_handler_raises_after_its_timeout_is_not_tried_again(sqlite_path: str) -> None:
    """Its time is up, however it leaves."""

    async def scenario() -> None:
        begun = 0

        async def handler(task: Task) -> None:
            nonlocal begun
            begun += 1
            try:
                await asyncio.sleep(3600)
            finally:
                raise ValueError("the connection was cut off")

        retry = RetryPolicy(RetryConfig(max_retries=50, base_delay=0.001))
        async with TaskQueue(sqlite_path) as queue:
            await queue.enqueue("n")
            [letter] = await buried(queue, handlers=handler, retry=retry, task_timeout=0.02)
            assert (letter.phase, letter.error_type, letter.attempts, begun) == ("timeout", "TaskTimeoutError", 1, 1)

    asyncio.run(scenario())


def test_stop_names_only_what_is_back(sqlite_path: str) -> None:
    """A handler that brings its work to an end when it is cancelled has completed its task."""

    async def scenario() -> None:
        begun = 0

        async def handler(task: Task) -> None:
            nonlocal begun
            begun += 1
            try:
                await asyncio.sleep(3600)
            except asyncio.CancelledError:
                if task.payload != "ends":
                    raise

        async with TaskQueue(sqlite_path) as queue:
            pool = ExecutorPool(handler, queue, poll_interval=0.01)
            await pool.start()
            ends, breaks_off = [await queue.enqueue("n", payload) for payload in ("ends", "breaks off")]
            while begun < 2:
                await asyncio.sleep(0.002)
            assert await pool.stop(0) == (breaks_off,)
            states = [await queue.get_state(task_id) for task_id in (ends, breaks_off)]
            assert [state and state.state for state in states] == ["completed", "ready"]

    asyncio.run(scenario())


def test_stop_does_not_wait_for_the_deaf(sqlite_path: str, hasty: None, caplog: pytest.LogCaptureFixture) -> None:
    """A handler that swallows its cancellation goes on; its task is put back, named, and said to be so."""

    async def scenario() -> None:
        deaf = Deaf()
        async with TaskQueue(sqlite_path) as queue:
            pool = ExecutorPool(deaf, queue, poll_interval=0.01)
            await pool.start()
            task_id = await queue.enqueue("n")
            while not deaf.begun:
                await asyncio.sleep(0.002)
            async with asyncio.timeout(30):
                assert await pool.stop(0) == (task_id,)
            [said] = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
            assert f"`{task_id}` (Deaf) does not end when it is cancelled" in said
            state = await queue.get_state(task_id)
            assert state is not None
            assert (state.state, state.receives) == ("ready", 0)
            # whoever has it now is not disturbed by the end of the one who does not
            task = await queue.get_next_task()
            assert task is not None
            deaf.may_end.set()
            await queue.mark_completed(task)

    asyncio.run(scenario())


def test_the_time_of_the_deaf_is_up_all_the_same(sqlite_path: str, hasty: None) -> None:
    """Its task is a dead letter; like a thread that cannot be stopped, it keeps its slot until it ends."""

    async def scenario() -> None:
        deaf = Deaf()
        async with TaskQueue(sqlite_path) as queue:
            await queue.enqueue("n", 0)
            await queue.enqueue("n", 1)
            async with ExecutorPool(deaf, queue, max_concurrent=1, task_timeout=0.02, poll_interval=0.01) as pool:
                async with asyncio.timeout(30):
                    while not await queue.dead_letters.count():
                        await asyncio.sleep(0.002)
                [letter] = await queue.dead_letters.get_entries()
                assert (letter.phase, letter.error_type, letter.payload) == ("timeout", "TaskTimeoutError", 0)
                assert deaf.begun == 1
                deaf.may_end.set()
                await idle(queue)
                assert (pool.get_metrics().completed, pool.get_metrics().failed) == (1, 1)
            assert await queue.dead_letters.count() == 1

    asyncio.run(scenario())
