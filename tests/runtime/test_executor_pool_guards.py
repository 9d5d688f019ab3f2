"""Retries, breakers and timeouts of executor pools: what counts against a task, and what does not."""

from __future__ import annotations

import asyncio

from golden_runtime import (
    CircuitBreaker,
    CircuitBreakerConfig,
    ExecutorPool,
    RetryConfig,
    RetryPolicy,
    Task,
    TaskQueue,
)
from pooling import idle, until


def test_a_failure_is_a_dead_letter_after_its_retries(store: str) -> None:
    """Retries happen in the slot; the last error, its attempts and phase end in the dead letters."""

    async def scenario() -> None:
        async def fail(task: Task) -> None:
            raise KeyError("always")

        retry = RetryPolicy(RetryConfig(max_retries=2, base_delay=0.001, jitter="none"))
        async with TaskQueue(store) as queue, ExecutorPool(fail, queue, retry=retry):
            await queue.enqueue("n", {"a": 1})
            await idle(queue)
            [letter] = await queue.dead_letters.get_entries()
            assert (letter.error_type, letter.attempts, letter.phase) == ("KeyError", 3, "execute")
            assert letter.payload == {"a": 1}
            assert "in fail" in letter.traceback

    asyncio.run(scenario())


def test_an_open_breaker_keeps_good_tasks(sqlite_path: str) -> None:
    """A dependency that is down costs no task its place: all wait, none is dead, and all complete once it is up."""

    async def scenario() -> None:
        down, calls, done = True, 0, 0

        async def handler(task: Task) -> None:
            nonlocal calls, done
            calls += 1
            if down:
                raise ConnectionError("down")
            done += 1

        breaker = CircuitBreaker(
            "pool-test", CircuitBreakerConfig(failure_threshold=3, success_threshold=1, timeout_seconds=0.3)
        )
        retry = RetryPolicy(RetryConfig(max_retries=50, base_delay=0.001, max_delay=0.001))
        async with TaskQueue(sqlite_path, durable=False) as queue:
            for index in range(200):
                await queue.enqueue("n", index)
            async with ExecutorPool(handler, queue, breaker=breaker, retry=retry, poll_interval=0.01) as pool:
                await until(lambda: calls >= 4)
                assert calls < 10
                assert (await queue.stats()).depth == 200
                down = False
                await idle(queue)
            assert pool.get_metrics().completed == done == 200
            assert await queue.dead_letters.count() == 0

    asyncio.run(scenario())


def test_a_rejection_counts_neither_as_attempt_nor_as_claim(store: str) -> None:
    """However often a breaker rejects a task, its counts stay as they were."""

    async def scenario() -> None:
        breaker = CircuitBreaker("pool-rejects", CircuitBreakerConfig(timeout_seconds=0.05))

        async def handler(task: Task) -> None:
            nonlocal rejected
            rejected += 1
            await breaker.call(asyncio.sleep, 0)

        rejected = 0
        breaker.force_open()
        async with TaskQueue(store, max_receives=2) as queue:
            pool = ExecutorPool(handler, queue, poll_interval=0.01)
            async with pool:
                task_id = await queue.enqueue("n")
                await until(lambda: pool.get_metrics().released >= 1)
            state = await queue.get_state(task_id)
            assert state is not None
            assert (state.state, state.attempts, state.receives) == ("delayed", 0, 0)
            assert rejected == 1

    asyncio.run(scenario())


def test_a_task_that_keeps_opening_the_breaker_is_given_up(sqlite_path: str) -> None:
    """Its own failures count, however the breaker splits them up; after `max_attempts` of them it is a dead letter."""

    async def scenario() -> None:
        async def fail(task: Task) -> None:
            raise ConnectionError("always")

        breaker = CircuitBreaker("pool-gives-up", CircuitBreakerConfig(failure_threshold=1, timeout_seconds=0.05))
        retry = RetryPolicy(RetryConfig(max_retries=50, base_delay=0.001, max_delay=0.001))
        async with TaskQueue(sqlite_path) as queue:
            async with ExecutorPool(fail, queue, breaker=breaker, retry=retry, max_attempts=3, poll_interval=0.01):
                await queue.enqueue("n")
                await idle(queue)
            [letter] = await queue.dead_letters.get_entries()
            assert letter.attempts == 3

    asyncio.run(scenario())


def test_only_the_workflow_whose_breaker_is_open_rests(sqlite_path: str) -> None:
    """Other names are claimed as before."""

    async def scenario() -> None:
        breaker = CircuitBreaker("pool-rests")
        breaker.force_open()
        done: list[object] = []

        async def blocked(task: Task) -> None:
            await breaker.call(asyncio.sleep, 0)

        async def free(task: Task) -> None:
            done.append(task.payload)

        async with TaskQueue(sqlite_path) as queue:
            for index in range(5):
                await queue.enqueue("blocked", index, priority=9)
                await queue.enqueue("free", index)
            async with ExecutorPool({"blocked": blocked, "free": free}, queue, max_concurrent=1, poll_interval=0.01):
                await until(lambda: len(done) == 5)
            stats = await queue.stats()
            assert stats.depth == 5

    asyncio.run(scenario())


def test_a_task_that_takes_too_long_is_a_dead_letter(sqlite_path: str) -> None:
    """The timeout ends the task, retries included, and the letter says so."""

    async def scenario() -> None:
        async with TaskQueue(sqlite_path) as queue:
            never = asyncio.Event()

            async def hang(task: Task) -> None:
                await never.wait()

            async with ExecutorPool(hang, queue, task_timeout=0.02):
                await queue.enqueue("n")
                await idle(queue)
            [letter] = await queue.dead_letters.get_entries()
            assert (letter.phase, letter.error_type) == ("timeout", "TaskTimeoutError")

    asyncio.run(scenario())
