"""A task queue against a model: whatever is done in whatever order, every accepted task is somewhere, and in one place."""

from __future__ import annotations

import tempfile
from contextlib import ExitStack
from pathlib import Path

import pytest
from golden_runtime import StaleLeaseError, Task, TaskQueue
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, multiple, precondition, rule
from queue_clock import FakeClock

_LEASE = 10.0
_MAX_RECEIVES = 3
# few, so that the same ones meet again and again
_MOST_TASKS = 3


class QueueMachine(RuleBasedStateMachine):
    """The model knows of each task whether it is open, completed or dead, and which claim of it is the latest."""

    claims = Bundle("claims")

    def __init__(self) -> None:
        super().__init__()
        self._stack = ExitStack()
        folder = Path(self._stack.enter_context(tempfile.TemporaryDirectory()))
        self.clock = FakeClock()
        queue = TaskQueue(
            folder / "tasks.db", lease_seconds=_LEASE, max_receives=_MAX_RECEIVES, clock=self.clock, durable=False
        )
        self.queue = self._stack.enter_context(queue.sync)
        self.state: dict[str, str] = {}
        self.keys: dict[str, str] = {}
        self.latest: dict[str, tuple[int, float]] = {}

    def teardown(self) -> None:
        """Close the store."""
        self._stack.close()

    def is_valid(self, task: Task) -> bool:
        """Whether a claim is still the latest of an open task, and nobody has taken it back."""
        return self.state[task.id] == "open" and self.latest.get(task.id, (0, 0.0))[0] == task.token

    @precondition(lambda self: len(self.state) < _MOST_TASKS)
    @rule(priority=st.integers(-1, 1), delay=st.sampled_from([0.0, 5.0]))
    def enqueue(self, priority: int, delay: float) -> None:
        """Accept a task."""
        self.state[self.queue.enqueue("n", priority=priority, delay=delay)] = "open"

    @rule(key=st.sampled_from(["a", "b"]))
    def enqueue_with_key(self, key: str) -> None:
        """Accept a task once for each key."""
        task_id = self.queue.enqueue("n", idempotency_key=key)
        assert self.keys.setdefault(key, task_id) == task_id
        self.state.setdefault(task_id, "open")

    @rule(seconds=st.sampled_from([_LEASE + 1, 5.0]))
    def wait(self, seconds: float) -> None:
        """Let time pass, and leases run out."""
        self.clock.advance(seconds)

    @rule(target=claims, limit=st.integers(1, 3))
    def claim(self, limit: int) -> object:
        """Claim, never what somebody else holds; whose lease has run out goes back or dies."""
        tasks = self.queue.get_next_tasks(limit)
        dead = {letter.task_id for letter in self.queue.dead_letters.get_entries(limit=1000)}
        for task_id in list(self.latest):
            if self.state[task_id] == "open" and task_id in dead:
                assert self.latest.pop(task_id)[1] <= self.clock.now
                self.state[task_id] = "dead"
        for task in tasks:
            assert self.state[task.id] == "open"
            token, until = self.latest.get(task.id, (0, 0.0))
            assert task.token > token
            assert until <= self.clock.now
            self.latest[task.id] = (task.token, self.clock.now + _LEASE)
        return multiple(*tasks)

    @rule(task=claims)
    def heartbeat(self, task: Task) -> None:
        """Extend a claim that is valid."""
        try:
            self.queue.heartbeat(task)
        except StaleLeaseError:
            # taken back by a claim since, or closed
            assert not self.is_valid(task) or self.latest[task.id][1] <= self.clock.now
        else:
            assert self.is_valid(task)
            self.latest[task.id] = (task.token, self.clock.now + _LEASE)

    @rule(task=consumes(claims), how=st.sampled_from(["complete", "fail", "retry", "release"]))
    def report(self, task: Task, how: str) -> None:
        """Close a task, or put it back: only under its latest claim."""
        reports = {
            "complete": lambda: self.queue.mark_completed(task),
            "fail": lambda: self.queue.mark_failed(task, "no"),
            "retry": lambda: self.queue.mark_failed(task, "no", retry_in=3),
            "release": lambda: self.queue.release(task),
        }
        try:
            reports[how]()
        except StaleLeaseError:
            assert not self.is_valid(task) or self.latest[task.id][1] <= self.clock.now
            return
        assert self.is_valid(task)
        self.state[task.id] = {"complete": "completed", "fail": "dead"}.get(how, "open")
        self.latest[task.id] = (task.token, 0.0)

    @rule()
    def replay(self) -> None:
        """Put every dead letter back, under its own id."""
        for task_id in self.queue.dead_letters.replay():
            assert self.state[task_id] == "dead"
            self.state[task_id] = "open"

    @invariant()
    def nothing_is_lost(self) -> None:
        """What is open is in the queue or has just died of its lease; what is dead has one letter; the rest is completed."""
        letters = [letter.task_id for letter in self.queue.dead_letters.get_entries(limit=1000)]
        assert len(letters) == len(set(letters))
        for task_id, state in self.state.items():
            found = self.queue.get_state(task_id)
            assert found is not None
            if state == "open":
                assert found.state in {"ready", "delayed", "claimed"}
            else:
                assert found.state == state
            assert (task_id in letters) == (found.state == "dead")


@pytest.mark.filterwarnings("error")
class TestQueueMachine(QueueMachine.TestCase):  # type: ignore[name-defined,misc]  # hypothesis makes the class
    """Runs the machine."""

    settings = settings(max_examples=80, stateful_step_count=40, deadline=None)
