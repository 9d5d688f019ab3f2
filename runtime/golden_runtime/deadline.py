"""Deadlines that pass on to what is called: to nested retry policies, and to functions that ask how long they may take."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextvars import ContextVar
from typing import TYPE_CHECKING, NamedTuple

from golden_runtime.collecting import collecting, collects_here

if TYPE_CHECKING:
    from contextvars import Token
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


_present: ContextVar[Until | None] = ContextVar("golden_runtime_deadline", default=None)

# Read on every call under a retry policy: the variable's own method. None says that there is no deadline to look for.
innermost: Callable[[], Until | None] = _present.get


def present() -> Deadline | None:
    """Return the deadline that holds for the caller."""
    block = _open()
    return None if block is None else block.deadline


def _open() -> Until | None:
    """Return the innermost block around the caller that is not over.

    A task or a thread that was started within a block may outlive it.
    """
    block = _present.get()
    while block is not None and block.is_over:
        block = block.outer
    return block


def remaining_seconds() -> float | None:
    """Return how many seconds the retry policies around the caller leave it, at least 0; None where there is no deadline.

    For the timeouts of clients that a function calls: a synchronous one cannot be interrupted from outside.
    """
    deadline = present()
    return None if deadline is None else max(0.0, deadline.remaining())


class Until:
    """Lets a deadline hold for what is called within the block, and for tasks and threads started there while it lasts.

    A class, for generators cost three times as much.
    """

    __slots__ = ("_token", "deadline", "is_over", "outer")

    # the loop in which the deadline cuts off what is awaited, if it does
    loop: asyncio.AbstractEventLoop | None = None

    _token: Token[Until | None] | None

    def __init__(self, deadline: Deadline) -> None:
        self.deadline = deadline
        self.is_over = False
        # not `_open`: this is on the way of every call that has a deadline
        outer = innermost()
        self.outer = outer if outer is None or not outer.is_over else _open()

    def __enter__(self) -> None:
        # what the collector runs keeps to the deadline, but cannot pass it on
        self._token = None if collecting and collects_here() else _present.set(self)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.is_over = True
        if self._token is None or (collecting and collects_here()):
            return
        try:
            _present.reset(self._token)
        except ValueError:
            # a generator was closed in another context than it ran in, where there is nothing to set back
            return

    def timed_out(self) -> bool:
        """Whether this is an attempt that is being cut off."""
        return False


class CutOff(Until):
    """Lets a deadline hold, and cuts off what is awaited within the block when it passes.

    Raises RetryTimeoutError then, which says what was `told`. A deadline that a block further out cuts off at is left to
    that one: its cancellation reaches whatever it waits for, and not the tasks that it left behind.
    """

    __slots__ = ("_timeout", "_told", "loop")

    def __init__(self, deadline: Deadline, told: str) -> None:
        super().__init__(deadline)
        self._told = told
        self._timeout: asyncio.Timeout | None = None
        self.loop = asyncio.get_running_loop()

    async def __aenter__(self) -> None:
        outer = self.outer
        if outer is None or outer.deadline is not self.deadline or outer.loop is not self.loop:
            self._timeout = asyncio.timeout(max(0.0, self.deadline.remaining()))
            await self._timeout.__aenter__()
        self.__enter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.__exit__(kind, error, traceback)
        # let go of the task: one that was started within may outlive it, and keeps this block
        timeout, self._timeout = self._timeout, None
        if timeout is None:
            return
        try:
            await timeout.__aexit__(kind, error, traceback)
        except TimeoutError as expired:
            raise RetryTimeoutError(self._told, self.deadline) from (expired.__cause__ or expired)

    def timed_out(self) -> bool:
        """Whether this is an attempt that is being cut off."""
        is_cut_off = self._timeout is not None and self._timeout.expired()
        return is_cut_off and self.deadline.of_attempt and not self.is_over


def attempt_timed_out() -> bool:
    """Whether a cancellation that is on its way comes from an attempt that took too long."""
    block = _present.get()
    while block is not None and not block.timed_out():
        block = block.outer
    return block is not None
