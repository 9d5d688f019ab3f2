"""Deadlines that pass on to what is called: to nested retry policies, and to functions that ask how long they may take."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, nullcontext
from contextvars import ContextVar
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Deadline:
    """A time of a clock, in seconds. `of_attempt` says that missing it is a failure of what was called.

    Otherwise it is the whole call whose time is over, and nothing is said about what happened to be running then.
    """

    at: float
    clock: Callable[[], float]
    of_attempt: bool = False

    def remaining(self) -> float:
        """Seconds until then; below zero once it is over."""
        return self.at - self.clock()


class RetryTimeoutError(TimeoutError):
    """An attempt that took longer than `attempt_timeout`, or that the deadline cut off or left no time for."""

    __slots__ = ("limit",)

    def __init__(self, message: str, limit: Deadline | None = None) -> None:
        super().__init__(message)
        self.limit = limit


_present: ContextVar[Deadline | None] = ContextVar("golden_runtime_deadline", default=None)
_attempt: ContextVar[asyncio.Timeout | None] = ContextVar("golden_runtime_attempt", default=None)

# Read on every call under a retry policy: the variable's own method, not a function that calls it.
present: Callable[[], Deadline | None] = _present.get


def remaining_seconds() -> float | None:
    """Return how many seconds the retry policies around the caller leave it, at least 0; None where there is no deadline.

    For the timeouts of clients that a function calls: a synchronous one cannot be interrupted from outside.
    """
    deadline = _present.get()
    return None if deadline is None else max(0.0, deadline.remaining())


@contextmanager
def until(deadline: Deadline) -> Iterator[None]:
    """Let a deadline hold for what is called within."""
    token = _present.set(deadline)
    try:
        yield
    finally:
        _present.reset(token)


@asynccontextmanager
async def cut_off(deadline: Deadline, told: str) -> AsyncIterator[None]:
    """Cut off what is awaited within when the deadline passes. Raises RetryTimeoutError, which says what was `told`, then."""
    try:
        async with asyncio.timeout(max(0.0, deadline.remaining())) as timeout:
            with until(deadline), _cut_by(timeout) if deadline.of_attempt else nullcontext():
                yield
    except TimeoutError as error:
        if not timeout.expired():
            raise
        raise RetryTimeoutError(told, deadline) from (error.__cause__ or error)


@contextmanager
def _cut_by(timeout: asyncio.Timeout) -> Iterator[None]:
    token = _attempt.set(timeout)
    try:
        yield
    finally:
        _attempt.reset(token)


def attempt_timed_out() -> bool:
    """Whether a cancellation that is on its way comes from an attempt that took too long."""
    timeout = _attempt.get()
    return timeout is not None and timeout.expired()
