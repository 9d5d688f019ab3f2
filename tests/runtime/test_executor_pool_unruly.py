"""Handlers that do what no handler should: the pool stays whole, the task ends where people find it, and nothing is hidden."""

from __future__ import annotations

import asyncio
import logging
import multiprocessing
import os
import signal
import sys
import threading
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest
from golden_runtime import CircuitBreaker, ExecutorPool, RetryConfig, RetryPolicy, Task, TaskQueue
from golden_runtime.pool_executors import ExecutorUnusableError
from pooling import idle, spawning, until

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


class Picky(Exception):
    """An exception that pickle cannot make again, as those of many clients are."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(f"{status} {reason}")


def be_picky(task: Task) -> None:
    """Raise what cannot come from another process."""
    raise Picky(418, "short and stout")


def give_lock(task: Task) -> object:
    """Return what cannot come from another process."""
    return threading.Lock()


def kill_if_told(task: Task) -> None:
    """Take the process along."""
    if task.payload == "poison":
        os.kill(os.getpid(), signal.SIGKILL)


def count_up(task: Task) -> Any:
    """A generator function."""
    yield 1


async def count_up_async(task: Task) -> Any:
    """An asynchronous generator function."""
    yield 1


async def leave_async(task: Task) -> None:
    """Call what ends a program, on the event loop."""
    sys.exit(3)


async def panic_async(task: Task) -> None:
    """Raise what is no `Exception`, on the event loop."""
    raise Panic("at the disco")


async def buried(queue: TaskQueue, **settings: Any) -> list[DeadLetter]:
    """Run what is in the queue to its end, and return the dead letters."""
    async with ExecutorPool(queue=queue, max_concurrent=1, **settings):
        await idle(queue)
    return await queue.dead_letters.get_entries()


class CutOff:
    """A coroutine function whose client fails, in words of its own, when it is cancelled."""

    def __init__(self) -> None:
        self.begun = 0

    async def __call__(self, task: Task) -> None:
        """Wait."""
        self.begun += 1
        try:
            await asyncio.sleep(3600)
        finally:
            raise ValueError("the connection was cut off")


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
                assert {letter.error_type for letter in letters} == {"SystemExit", "StopIteration"}

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
        handler = CutOff()
        guards: dict[str, Any] = {}
        if is_guarded:
            retry = RetryPolicy(RetryConfig(max_retries=50, base_delay=0.001))
            guards = {"retry": retry, "breaker": CircuitBreaker("unruly"), "task_timeout": 60}
        async with TaskQueue(sqlite_path) as queue:
            pool = ExecutorPool(handler, queue, poll_interval=0.01, **guards)
            await pool.start()
            task_id = await queue.enqueue("n")
            await until(lambda: handler.begun)
            assert await pool.stop(0) == (task_id,)
            state = await queue.get_state(task_id)
            assert state is not None
            assert (state.state, state.attempts, state.receives, handler.begun) == ("ready", 0, 0, 1)

    asyncio.run(scenario())


def test_what_a_handler_raises_after_its_timeout_is_not_tried_again(sqlite_path: str) -> None:
    """Its time is up, however it leaves."""

    async def scenario() -> None:
        handler = CutOff()
        retry = RetryPolicy(RetryConfig(max_retries=50, base_delay=0.001))
        async with TaskQueue(sqlite_path) as queue:
            await queue.enqueue("n")
            [letter] = await buried(queue, handlers=handler, retry=retry, task_timeout=0.02)
            assert (letter.phase, letter.error_type, letter.attempts, handler.begun) == (
                "timeout",
                "TaskTimeoutError",
                1,
                1,
            )

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
            await until(lambda: begun == 2)
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
            await until(lambda: deaf.begun)
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
            # the store knows of an end before the pool has counted it
            assert (pool.get_metrics().completed, pool.get_metrics().failed) == (1, 1)
            assert await queue.dead_letters.count() == 1

    asyncio.run(scenario())


def test_nothing_has_to_come_back_from_another_process(sqlite_path: str) -> None:
    """A result is not wanted, and an exception that cannot be pickled is told in words: neither harms its neighbours."""

    async def scenario() -> None:
        handlers = {"picky": be_picky, "lock": give_lock}
        async with TaskQueue(sqlite_path) as queue:
            ids = {name: await queue.enqueue(name) for name in handlers}
            [letter] = await buried(queue, handlers=handlers, executor=lambda: spawning(1))
            assert (letter.error_type, letter.message, letter.phase) == ("Picky", "418 short and stout", "execute")
            assert "in be_picky" in letter.traceback
            state = await queue.get_state(ids["lock"])
            assert state is not None
            assert (state.state, state.receives) == ("completed", 1)

    asyncio.run(scenario())


def test_a_poisonous_task_does_not_take_its_neighbours_with_it(sqlite_path: str) -> None:
    """A process that dies breaks the executor for all; each then runs alone, and only the killer is charged."""

    async def scenario() -> None:
        async with TaskQueue(sqlite_path, max_receives=1) as queue:
            for payload in ("good", "poison", "good", "good"):
                await queue.enqueue("n", payload)
            async with ExecutorPool(kill_if_told, queue, max_concurrent=4, executor=lambda: spawning(1)):
                await idle(queue)
            [letter] = await queue.dead_letters.get_entries()
            assert (letter.payload, letter.phase, letter.error_type) == ("poison", "lease", "ExecutorLostError")

    asyncio.run(scenario())


@pytest.mark.parametrize("handler", [count_up, count_up_async, {"n": count_up}])
def test_generator_functions_are_refused(handler: Any) -> None:
    """Calling one runs nothing, so that every task would be completed undone."""
    with pytest.raises(TypeError, match="is a generator function"):
        ExecutorPool(handler)


def test_what_a_plain_function_returns_to_be_awaited_is_awaited(sqlite_path: str) -> None:
    """A decorator may hide that a function is a coroutine function; what nobody can run is a failure, no completion."""

    async def scenario() -> None:
        done: list[object] = []

        async def work(task: Task) -> None:
            await asyncio.sleep(0)
            done.append(task.name)

        handlers = {"hidden": lambda task: work(task), "generator": lambda task: count_up(task)}
        async with TaskQueue(sqlite_path) as queue:
            for name in handlers:
                await queue.enqueue(name)
            [letter] = await buried(queue, handlers=handlers)
            assert (letter.name, letter.error_type) == ("generator", "TypeError")
            assert done == ["hidden"]

    asyncio.run(scenario())


@pytest.mark.parametrize("make", [lambda: 1 / 0, lambda: None])
def test_an_executor_that_cannot_be_made_stops_the_pool_not_the_tasks(sqlite_path: str, make: Any) -> None:
    """A cluster that is away is no fault of the tasks."""

    async def scenario() -> None:
        async with TaskQueue(sqlite_path) as queue:
            for index in range(20):
                await queue.enqueue("n", index)
            with pytest.raises(ExecutorUnusableError, match="executor"):
                await ExecutorPool(panic, queue, executor=make).run_forever()
            assert (await queue.stats()).ready == 20

    asyncio.run(scenario())


@pytest.mark.parametrize(
    "options",
    [
        {"retry": RetryConfig()},
        {"breaker": 5},
        {"executor": 5},
        {"queue": "tasks.db"},
        {"name": 5},
        {"drain_timeout": -1},
        {"handlers": {"": panic}},
    ],
    ids=lambda options: next(iter(options)),
)
def test_parts_of_the_wrong_kind_are_refused(options: dict[str, Any]) -> None:
    """When the pool is made, not with every task."""
    with pytest.raises((TypeError, ValueError), match="must be"):
        ExecutorPool(**{"handlers": panic, **options})
