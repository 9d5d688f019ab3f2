"""Deadlines that pass on to what is called: nested retry policies, and functions that ask how long they may take."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Deadline:
    """A time of a clock, in seconds, and whether what misses it has failed by itself or because its caller gave up."""

    at: float
    clock: Callable[[], float]

    def remaining(self) -> float:
        """Seconds until then; below zero once it is over."""
        return self.at - self.clock()


_present: ContextVar[Deadline | None] = ContextVar("golden_runtime_deadline", default=None)
_attempt: ContextVar[asyncio.Timeout | None] = ContextVar("golden_runtime_attempt", default=None)

present = _present.get


def remaining_seconds() -> float | None:
    """Return how many seconds the caller's retry policies leave, at least 0; None where no deadline is set.

    For the timeouts of clients that a function calls: nothing can interrupt a synchronous one from outside.
    """
    deadline = _present.get()
    return None if deadline is None else max(0.0, deadline.remaining())


@contextmanager
def until(deadline: Deadline | None) -> Iterator[None]:
    """Let a deadline hold for what is called within."""
    token = _present.set(deadline)
    try:
        yield
    finally:
        _present.reset(token)


@contextmanager
def cut_by(timeout: asyncio.Timeout) -> Iterator[None]:
    """Let what is cancelled within, because this timeout is over, count as failed."""
    token = _attempt.set(timeout)
    try:
        yield
    finally:
        _attempt.reset(token)


def attempt_timed_out() -> bool:
    """Whether a cancellation that is on its way comes from an attempt that took too long."""
    timeout = _attempt.get()
    return timeout is not None and timeout.expired()
