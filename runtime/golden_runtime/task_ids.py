"""The ids of tasks: made without asking the store, and found again in it by the number they begin with."""

from __future__ import annotations

import itertools
import os
import re
import time
from typing import Final

# The number is the milliseconds since 1970, shifted by these bits, and a count: 63 bits until the year 2248.
_COUNT_BITS: Final = 20
_COUNTED: Final = 1 << _COUNT_BITS
_MADE: Final = re.compile(r"[0-7][0-9a-f]{31}")


class Ids:
    """Makes ids that nobody else makes, and that sort by the millisecond they were made in.

    The randomness is drawn once for each process: drawing it for each id gives the interpreter's lock away each time, and
    under load waiting to get it back costs more than all the rest of `enqueue`.
    """

    def __init__(self) -> None:
        self.renew()

    def renew(self) -> None:
        """Draw again, in a process that was forked."""
        drawn = os.urandom(11)
        self._process = drawn[:8].hex()
        self._counts = itertools.count(int.from_bytes(drawn[8:]) % _COUNTED)

    def number(self) -> int:
        """Return a new number, which ids of this process alone begin with, but for chance."""
        return time.time_ns() // 1_000_000 << _COUNT_BITS | next(self._counts) & (_COUNTED - 1)

    def of(self, number: int) -> str:
        """Return the id that begins with a number: sixteen hexadecimal digits of it, sixteen of the process."""
        return f"{number:016x}{self._process}"

    def fresh(self) -> str:
        """Return a new id."""
        return self.of(self.number())


def number_of(task_id: str) -> int | None:
    """Return the number that an id made here begins with, or None for other ids."""
    return int(task_id[:16], 16) if _MADE.fullmatch(task_id) else None


def following(task_id: str) -> str:
    """Return the id to take where another process has made one with the same number in the same millisecond."""
    return f"{int(task_id[:16], 16) + 1:016x}{task_id[16:]}"


_ids = Ids()
fresh_id: Final = _ids.fresh
fresh_number: Final = _ids.number
id_of: Final = _ids.of

if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_ids.renew)
