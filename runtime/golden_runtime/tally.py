"""Counting without a lock, for what is counted on every call: the client's own counters cost ten times as much."""

from __future__ import annotations

import sys
from collections.abc import Callable
from itertools import repeat
from operator import length_hint


class Tally:
    """Counts by ones. Its length is what was added and not taken.

    `add` is the `__next__` of an iterator that ends after 2**63 steps, and what is left of it says how often that was called:
    one step of the interpreter, so that threads lose none.
    """

    __slots__ = ("_left", "add", "taken")

    add: Callable[[], object]

    def __init__(self) -> None:
        self._left = repeat(None, sys.maxsize)
        # how many whoever adds up has taken; one thread at a time
        self.taken = 0
        self.add = self._left.__next__

    def __len__(self) -> int:
        """Return how many were added and not taken."""
        return sys.maxsize - length_hint(self._left) - self.taken
