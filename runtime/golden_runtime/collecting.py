"""Whether the garbage collector is at work in the running thread: before CPython 3.12, no context variable may be set there.

A collection began in the middle of whatever allocated, so also in the middle of `ContextVar.set` and `reset`, which then went
on with memory that a `set` in a finalizer had freed: every later call fails with LookupError, or the process ends in a
segmentation fault. So a measured `__del__`, or a measured generator that is closed by the collector, has no marks of its own:
it is recorded, but `mark_failure` says nothing there. From 3.12 on a collection waits for the next instruction.

A collection that begins at the recursion limit cannot tell anybody, as no call has room there: CPython then prints that the
callback failed, and goes on.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator
from functools import partial
from operator import call
from threading import get_ident
from typing import Any, Final

# The thread that collects, and the keys of what the collector tells. Hot paths ask first whether there is anything.
collecting: Final[set[object]] = set()


def collects_here() -> bool:
    """Whether the running code is part of a collection, in the middle of something else in this thread."""
    return get_ident() in collecting


class _Phases:
    """Notes what the collector begins, `start`, and what it ends, `stop`, where these are set on it.

    All of it runs in C. A signal that comes during a collection is handled where the next function of Python begins; were that
    one told of the collection's end, what Ctrl-C or a time limit raises would be printed and forgotten.
    """

    # over the running thread
    __iter__: Final[partial[Iterator[Any]]] = partial(map, call, [get_ident])

    start: Final = property(None, partial(collecting.update))
    stop: Final = property(None, partial(collecting.intersection_update, ()))


if sys.version_info < (3, 12):
    # sets `start` or `stop` to a dictionary, which ends in `update(phases, dictionary)`
    gc.callbacks.append(partial(setattr, _Phases()))
