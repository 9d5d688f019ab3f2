"""One at a time, whatever a signal handler raises meanwhile, and without waiting.

What it raises (Ctrl-C, a soft time limit) may come at the start of a function, after a call, and at each turn of a loop, and
must find no gap in which a lock is held and would not be given back. There is none in `with lock:`, nor where the first call
of a `finally` gives back what its `try` took. Lines without a call are one step: all of them are done, or none.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from inspect import CO_VARARGS
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import FrameType


class Turn:
    """A reentrant lock that can be asked whether this thread holds it, as a signal handler asks of what it has interrupted."""

    __slots__ = ("is_mine", "lock")

    is_mine: Callable[[], bool]

    def __init__(self) -> None:
        self.lock = threading.RLock()
        # `threading.Condition` asks the same of every reentrant lock
        self.is_mine = self.lock._is_owned  # type: ignore[attr-defined]  # not in the stubs

    def take(self, work: Callable[[], object]) -> bool:
        """Do work with the lock held, and return True; leave it, and return False, where any thread holds it: this one, too."""
        if self.is_mine():
            return False
        try:
            if not self.lock.acquire(blocking=False):
                return False
            work()
            return True
        finally:
            try:  # noqa: SIM105 - `suppress` would be a call before the one that must be the first
                self.lock.release()
            except RuntimeError:
                # it was not taken
                pass


def is_interrupt(error: BaseException) -> bool:
    """Whether an error came from outside of the code that it came out of: no `Exception`, or one that a signal handler raised.

    A handler is called with the frame that it has interrupted, which is the one before its own in the traceback; nobody else is.
    """
    if not isinstance(error, Exception):
        return True
    traceback = error.__traceback__
    while traceback is not None and traceback.tb_next is not None:
        interrupted, traceback = traceback.tb_frame, traceback.tb_next
        if any(argument is interrupted for argument in _arguments(traceback.tb_frame)):
            return True
    return False


def _arguments(frame: FrameType) -> list[object]:
    """Return what a function was called with by position, as far as its parameters still hold it."""
    code, present = frame.f_code, frame.f_locals
    given = [present.get(name) for name in code.co_varnames[: code.co_argcount]]
    if code.co_flags & CO_VARARGS:
        rest = present.get(code.co_varnames[code.co_argcount + code.co_kwonlyargcount])
        # `args = query(*args)`: what the name holds now may be no tuple, and going through it may do anything
        given += rest if type(rest) is tuple else ()
    return given


def at_fork(**hooks: Callable[[], object]) -> None:
    """Have functions called when the process forks (see `os.register_at_fork`), where it can; they may be called twice.

    What a signal handler raises in one of them is printed and forgotten, and leaves undone what it was to do. Ctrl-C that comes
    while the process forks is raised at the very start of the first one.
    """
    for _ in range(2 if hasattr(os, "register_at_fork") else 0):
        os.register_at_fork(**hooks)
