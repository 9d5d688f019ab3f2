"""Operations that wait at the same moment are run together: each still gets what it would have got alone."""

from __future__ import annotations

import asyncio
from functools import wraps
from typing import TYPE_CHECKING, ParamSpec

import pytest
from exposed import value
from golden_runtime import DuplicateTaskError, StaleLeaseError, TaskQueue
from queue_clock import FakeClock

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from golden_runtime import Task

P = ParamSpec("P")


def on_a_loop(test: Callable[P, Coroutine[None, None, None]]) -> Callable[P, None]:
    """Run a test on an event loop."""

    @wraps(test)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        asyncio.run(test(*args, **kwargs))

    return run


@on_a_loop
async def test_those_who_ask_first_get_what_comes_first(store: str) -> None:
    """A claim for many waiting workers hands out by priority and age, each task once, and nothing beyond what is there."""
    async with TaskQueue(store) as queue:
        for number in range(20):
            await queue.enqueue("n", number, priority=number % 2)
        claims = await asyncio.gather(*(queue.get_next_task() for _ in range(25)))
    expected = [*range(1, 20, 2), *range(0, 20, 2)]
    assert [None if task is None else task.payload for task in claims] == [*expected, *[None] * 5]


@on_a_loop
async def test_each_gets_at_most_what_it_asked_for(store: str) -> None:
    """Limits, names and leases are kept apart."""
    async with TaskQueue(store) as queue:
        for name in "aabbbaab":
            await queue.enqueue(name)
        two, bees, three, long = await asyncio.gather(
            queue.get_next_tasks(2),
            queue.get_next_tasks(2, names=["b"]),
            queue.get_next_tasks(3),
            queue.get_next_task(lease_seconds=600),
        )
    assert [[task.name for task in tasks] for tasks in (two, bees, three)] == [["a", "a"], ["b", "b"], ["b", "a", "a"]]
    assert long is not None
    assert (long.name, long.lease_until > three[-1].lease_until) == ("b", True)


@on_a_loop
async def test_only_what_is_no_longer_held_is_refused(store: str) -> None:
    """A stale completion among valid ones is refused alone, and one that comes twice is no error."""
    clock = FakeClock()
    async with TaskQueue(store, clock=clock) as queue:
        for number in range(6):
            await queue.enqueue("n", number)
        stale = await queue.get_next_tasks(2)
        clock.advance(61)
        held = await queue.get_next_tasks(6)
        closing: list[Task] = [held[0], stale[0], held[1], held[2], stale[1], held[2]]
        outcomes = await asyncio.gather(*map(queue.mark_completed, closing), return_exceptions=True)
        assert [type(outcome) for outcome in outcomes] == [
            type(None) if task in held else StaleLeaseError for task in closing
        ]
        states = [await queue.get_state(task.id) for task in held]
    assert [state.state for state in states if state] == ["completed"] * 3 + ["claimed"] * 3


@on_a_loop
async def test_only_what_is_taken_is_refused(store: str) -> None:
    """Among tasks that are stored together, an id that is taken is refused alone, and a key is one task."""
    async with TaskQueue(store) as queue:
        await queue.enqueue("n", "first", task_id="taken")
        mine, taken, other, twice, key, same_key = await asyncio.gather(
            queue.enqueue("n", "mine", task_id="mine"),
            queue.enqueue("n", "no", task_id="taken"),
            queue.enqueue("n", "other"),
            queue.enqueue("n", "no", task_id="mine"),
            queue.enqueue("n", "key", idempotency_key="k"),
            queue.enqueue("n", "no", idempotency_key="k"),
            return_exceptions=True,
        )
        stored = await queue.get_next_tasks(10)
    assert [task.payload for task in stored] == ["first", "mine", "other", "key"]
    assert [task.id for task in stored] == ["taken", mine, other, key]
    assert same_key == key
    assert isinstance(taken, DuplicateTaskError)
    assert isinstance(twice, DuplicateTaskError)


@on_a_loop
async def test_what_a_claim_for_many_finds_is_counted_once(store: str) -> None:
    """A lease that ran out is one, however many workers were waiting for the task."""
    clock = FakeClock()
    async with TaskQueue(store, name=f"found {store[:4]}", clock=clock) as queue:
        await queue.enqueue("n")
        assert await queue.get_next_task()
        clock.advance(61)
        claims = await asyncio.gather(*(queue.get_next_task() for _ in range(5)))
        assert sum(task is not None for task in claims) == 1
        assert value("queue_lease_expiries_total", queue=queue.name) == 1


@pytest.mark.parametrize("number", [1, 5])
@on_a_loop
async def test_an_unreadable_payload_keeps_nobody_waiting(store: str, number: int) -> None:
    """It becomes a dead letter, and all who wait are served with what comes next, one or many."""
    async with TaskQueue(store) as queue:
        broken = await queue.enqueue("n", "broken")
        await queue.storage.write_soon(
            lambda its: its.change("UPDATE golden_runtime_tasks SET payload = '{' WHERE id = :id", {"id": broken})
        )
        for index in range(number):
            await queue.enqueue("n", index)
        claims = await asyncio.gather(*(queue.get_next_task() for _ in range(number)))
        letters = await queue.dead_letters.get_entries()
    assert [task and task.payload for task in claims] == list(range(number))
    assert [(letter.task_id, letter.phase) for letter in letters] == [(broken, "decode")]
