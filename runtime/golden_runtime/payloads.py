"""Names, ids and payloads, checked before anything is stored: what is accepted, every store takes and gives back alike."""

from __future__ import annotations

import itertools
import json
import os
import time
from typing import Any, Final

_LONGEST_TEXT: Final = 500
_LARGEST_NUMBER: Final = 2**63 - 1

# made once: `json.dumps` with settings makes one for each call
_encode: Final = json.JSONEncoder(allow_nan=False, separators=(",", ":")).encode


def encoded(payload: Any) -> str:
    """Return a payload as JSON text. Raises TypeError or ValueError where JSON cannot say it."""
    try:
        return _encode(payload)
    except TypeError as error:
        raise TypeError(
            f"the payload cannot be stored, JSON has no way to say it ({error}): give plain data"
        ) from error
    except (ValueError, RecursionError) as error:
        raise ValueError(f"the payload cannot be stored as JSON ({error}): give plain, finite data") from error


def checked_text(what: str, text: str) -> str:
    """Return a name or id that both stores take. Raises TypeError or ValueError for others."""
    if not isinstance(text, str):
        raise TypeError(f"the {what} must be a string, not `{text!r}`")
    if not text or len(text) > _LONGEST_TEXT or not text.isprintable():
        raise ValueError(f"the {what} `{text[:50]!r}` must be 1 to {_LONGEST_TEXT} printable characters")
    return text


def check_number(what: str, number: int, *, least: int = -_LARGEST_NUMBER) -> None:
    """Raise ValueError where a number is not one that both stores take, from `least` up."""
    if not isinstance(number, int) or not least <= number <= _LARGEST_NUMBER:
        raise ValueError(f"{what} `{number!r}` must be a whole number of 64 bits, from {least} up")


class Ids:
    """Makes ids that nobody else makes, and that sort by the millisecond they were made in.

    The randomness is drawn once for each process: drawing it for each id gives the interpreter's lock away each time, and
    under load waiting to get it back costs more than all the rest of `enqueue`.
    """

    def __init__(self) -> None:
        self._numbers = itertools.count()
        self._process = ""
        self.renew()

    def renew(self) -> None:
        """Draw again, in a process that was forked."""
        self._process = os.urandom(6).hex()

    def fresh(self) -> str:
        """Return a new id: twelve hexadecimal digits of time, eight of a number, twelve of the process."""
        return f"{time.time_ns() // 1_000_000:012x}{next(self._numbers) & 0xFFFFFFFF:08x}{self._process}"


_ids = Ids()
fresh_id: Final = _ids.fresh

if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_ids.renew)
