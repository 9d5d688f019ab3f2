"""Counting without a lock, for what is counted on every call: the client's own counters cost ten times as much."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from itertools import repeat
from operator import length_hint


class Tally:
    """Counts by ones. `fold` hands on what was added since the last time.

    `add` is the `__next__` of an iterator that ends after 2**63 steps, and what is left of it says how often that was called:
    one step of the interpreter, so that threads lose none.
    """

    __slots__ = ("_folded", "_left", "_lock", "_record", "add")

    add: Callable[[], object]

    def __init__(self, record: Callable[[float], None]) -> None:
        self._left = repeat(None, sys.maxsize)
        self._record = record
        self._folded = 0
        # Reentrant, because a signal handler may fold while this thread does.
        self._lock = threading.RLock()
        self.add = self._left.__next__

    def fold(self) -> None:
        """Record what has been added since the last time."""
        with self._lock:
            added = sys.maxsize - length_hint(self._left) - self._folded
            if added:
                self._folded += added
                self._record(float(added))
