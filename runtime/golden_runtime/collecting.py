"""Whether the garbage collector is at work in the running thread: before CPython 3.12, no context variable may be set there.

A collection began in the middle of whatever allocated, so also in the middle of `ContextVar.set` and `reset`, which then went
on with memory that a `set` in a finalizer had freed: every later call fails with LookupError, or the process ends in a
segmentation fault. So a measured `__del__`, or a measured generator that is closed by the collector, has no marks of its own:
it is recorded, but `mark_failure` says nothing there. From 3.12 on a collection waits for the next instruction.
"""

from __future__ import annotations

import gc
import sys
from threading import get_ident
from typing import Final

# The thread that collects, as long as it does. Hot paths ask first whether there is one.
collecting: Final[list[int]] = []


def collects_here() -> bool:
    """Whether the running code is part of a collection, in the middle of something else in this thread."""
    return collecting == [get_ident()]


def _note(phase: str, _info: dict[str, int]) -> None:
    if phase == "start":
        # in place of what an interrupt has kept the last end from taking away
        collecting[:] = [get_ident()]
    else:
        collecting.clear()


if sys.version_info < (3, 12):
    gc.callbacks.append(_note)
