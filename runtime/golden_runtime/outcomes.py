"""How a call ends: the values of the label `status`, and functions that say themselves that they failed."""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import MutableSequence
from contextvars import ContextVar
from typing import Final, TypeAlias

from golden_runtime.collecting import collecting, collects_here

SUCCESS: Final = "success"
FAILURE: Final = "failure"
CANCELLED: Final = "cancelled"

STATUSES: Final = (SUCCESS, FAILURE, CANCELLED)

_CANCELLATIONS: Final = (GeneratorExit, KeyboardInterrupt, SystemExit)
# Their `CancelledError`s are two. They take longer to import than all that measures; before somebody has, nothing is cancelled.
_CANCELLING: Final = ("asyncio", "concurrent.futures")

# The failures that a call of a measured function was marked with.
Marks: TypeAlias = MutableSequence[BaseException]

# The marks of the measured call whose code is running. Tasks and threads that are started with a copy of its context have
# the same ones. Each call, however many decorators are stacked on it, sets its own, and sets back what was there: a
# generator does both at every step, so that its consumer never sees the generator's marks, nor the other way round.
current_marks: ContextVar[Marks | None] = ContextVar("golden_runtime_marks", default=None)

# The marks of calls of which nobody asks how they ended. It stays empty.
NO_MARKS: Final[Marks] = deque(maxlen=0)


class UnsuccessfulResult(Exception):
    """What failed where a result does not satisfy `success_when`: errors are labelled by a class, and there was none."""


def is_cancellation(error: BaseException) -> bool:
    """Whether an exception says that the caller gave up, not that the function failed.

    A group is a cancellation when every exception in it is one.
    """
    cancellations = _cancellations()
    if isinstance(error, BaseExceptionGroup):
        return error.split(cancellations)[1] is None
    return isinstance(error, cancellations)


def _cancellations() -> tuple[type[BaseException], ...]:
    loaded = (getattr(sys.modules.get(name), "CancelledError", None) for name in _CANCELLING)
    return (*_CANCELLATIONS, *(cancelled for cancelled in loaded if cancelled is not None))


def mark_failure(error: BaseException) -> None:
    """Have the running call of a measured function count as a failure, although it handles the error and returns.

    Every decorator stacked on that function counts this call as failed with `error`; its callers do not. The first mark
    stands. It also counts when the caller gives the call up afterwards; an error that the call raises itself takes its place.
    Tasks that the function starts, and threads it hands its context to (`asyncio.to_thread`), may mark it while it
    runs. Outside of measured functions this does nothing, nor does it in what the garbage collector runs before Python 3.12.

    Raises TypeError where `error` is no exception.
    """
    if not isinstance(error, BaseException):
        raise TypeError(f"`mark_failure` takes the exception that was handled, not `{error!r}`")
    marks = current_marks.get()
    if marks is not None and not (collecting and collects_here()):
        marks.append(error)


def decided(error: BaseException | None, marks: Marks) -> BaseException | None:
    """Return what a call failed with, from what it raised and what it was marked with."""
    if marks and (error is None or is_cancellation(error)):
        return marks[0]
    return error
