"""Breakers, policies and queues, interrupted everywhere.

Run as `interrupts_resilience.py SCENARIO FOLDER`, in a process of its own; exits with 0 where the scenario holds.
"""

from __future__ import annotations

import contextlib
import sys
import tracemalloc
from pathlib import Path
from typing import TYPE_CHECKING

from golden_runtime import (
    CircuitBreaker,
    CircuitBreakerConfig,
    CircuitBreakerError,
    CircuitState,
    RetryBudget,
    RetryConfig,
    RetryPolicy,
    TaskQueue,
    measure_memory,
    remaining_seconds,
)
from interrupting import at_every_step, elsewhere, everywhere, forked, join_children
from prometheus_client import REGISTRY
from resilience_time import Clock

if TYPE_CHECKING:
    from golden_runtime.storage.session import Transaction


def _nothing() -> None:
    pass


def _fail() -> None:
    raise OSError


def breaking() -> None:
    """A breaker opens all the same, lets nothing through then, shows its state, and closes again."""
    clock = Clock()
    breaker = CircuitBreaker("b", CircuitBreakerConfig(failure_threshold=2, timeout_seconds=1), clock=clock)

    def shown() -> CircuitState:
        values = {
            s: REGISTRY.get_sample_value("circuit_breaker_state", {"name": "b", "state": s}) for s in CircuitState
        }
        assert sorted(value or 0.0 for value in values.values()) == [0.0, 0.0, 1.0]
        return max(values, key=lambda state: values[state] or 0.0)

    def fail() -> None:
        with contextlib.suppress(OSError):
            breaker.call_sync(_fail)

    def prepare() -> None:
        breaker.reset()
        fail()

    for _ in at_every_step(fail, prepare):
        while breaker.state is CircuitState.CLOSED:
            fail()
        with contextlib.suppress(CircuitBreakerError):
            breaker.call_sync(_nothing)
            raise AssertionError
        assert shown() is CircuitState.OPEN
        clock.advance(2)
        everywhere(lambda: breaker.call_sync(_nothing))
        assert shown() is breaker.state is CircuitState.CLOSED


def retrying() -> None:
    """No deadline of a call that is over holds for what comes after it."""
    policy = RetryPolicy(RetryConfig(deadline=9.0, base_delay=0.0))

    def loop() -> None:
        for attempt in policy.attempts():
            with attempt:
                assert remaining_seconds()

    def call() -> None:
        policy.execute_sync(_nothing)

    for operation in (call, loop):
        for _ in at_every_step(operation, _nothing):
            assert remaining_seconds() is None
            everywhere(operation)


def budgeting() -> None:
    """A budget is not filled twice for the same time."""
    clock = Clock()
    budget = RetryBudget(1e-9, per_second=1.0, reserve=10, clock=clock)

    def prepare() -> None:
        while budget.take():
            pass
        clock.advance(4)

    for _ in at_every_step(budget.take, prepare):
        assert sum(budget.take() for _ in range(20)) in (3, 4)


def measuring() -> None:
    """What is traced for calls is traced no longer than they run."""
    work = measure_memory("peak")(_nothing)
    for _ in at_every_step(work, _nothing):
        everywhere(work)
        assert not tracemalloc.is_tracing()


def storing(path: Path) -> None:
    """A queue goes on, and what it accepts is on the disk, whatever was interrupted: here a claim, whose commit is not synced."""
    with TaskQueue(path, durable=True).sync as queue:

        def level(transaction: Transaction) -> object:
            return transaction.execute("PRAGMA synchronous", {})[0][0]

        def prepare() -> None:
            queue.enqueue("n")

        for _ in at_every_step(queue.get_next_task, prepare):
            elsewhere(lambda: queue.enqueue("n"))
            assert queue._storage.write(level) == 2
        assert queue.stats().ready > 2


def forking(path: Path) -> None:
    """Parent and child of a fork go on with a queue that is open."""
    with TaskQueue(path, durable=False).sync as queue:

        def fork() -> None:
            forked(lambda: everywhere(lambda: queue.enqueue("child")))

        queue.enqueue("n")
        for _ in at_every_step(fork, _nothing, least=200):
            join_children()
            everywhere(lambda: queue.enqueue("parent"))


if __name__ == "__main__":
    _, scenario, *folder = sys.argv
    globals()[scenario](*(Path(one, "tasks.db") for one in folder))
