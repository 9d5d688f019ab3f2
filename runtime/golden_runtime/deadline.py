"""Deadlines that pass on to what is called: to nested retry policies, and to functions that ask how long they may take."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextvars import ContextVar
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from types import TracebackType


class Deadline(NamedTuple):
    """A time of a clock, in seconds. `of_attempt` says that missing it is a failure of what was called.

    Otherwise it is the whole call whose time is over, and nothing is said about what happened to be running then.
    A named tuple, because one is made for every call, and a frozen dataclass takes four times as long to make.
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


class Until:
    """Lets a deadline hold for what is called within the block. A class, for generators cost three times as much."""

    __slots__ = ("_deadline", "_token")

    def __init__(self, deadline: Deadline) -> None:
        self._deadline = deadline

    def __enter__(self) -> None:
        self._token = _present.set(self._deadline)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        _present.reset(self._token)


class CutOff:
    """Lets a deadline hold, and cuts off what is awaited within the block when it passes.

    Raises RetryTimeoutError then, which says what was `told`.
    """

    __slots__ = ("_attempt", "_deadline", "_present", "_timeout", "_told")

    def __init__(self, deadline: Deadline, told: str) -> None:
        self._deadline = deadline
        self._told = told

    async def __aenter__(self) -> None:
        self._timeout = asyncio.timeout(max(0.0, self._deadline.remaining()))
        await self._timeout.__aenter__()
        self._present = _present.set(self._deadline)
        # a deadline of the whole call hides no attempt around it that is over at the same time
        self._attempt = _attempt.set(self._timeout if self._deadline.of_attempt else _attempt.get())

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        _present.reset(self._present)
        _attempt.reset(self._attempt)
        try:
            await self._timeout.__aexit__(kind, error, traceback)
        except TimeoutError as timeout:
            raise RetryTimeoutError(self._told, self._deadline) from (timeout.__cause__ or timeout)


def attempt_timed_out() -> bool:
    """Whether a cancellation that is on its way comes from an attempt that took too long."""
    timeout = _attempt.get()
    return timeout is not None and timeout.expired()
