"""Names and payloads, checked before anything is stored: what is accepted, every store takes and gives back alike."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from json.encoder import encode_basestring_ascii
from typing import Any, Final

_LONGEST_TEXT: Final = 500
_LARGEST_NUMBER: Final = 2**63 - 1

# What reading JSON raises that somebody else wrote: no JSON, nested too deep, or a number of more digits than Python takes.
UNREADABLE: Final = (ValueError, RecursionError)

# How deep lists and mappings may be nested: Python reads some hundred levels, fewer where the stack is deep already.
_DEEPEST: Final = 100
# what opens and closes a level in JSON; brackets in strings do not
_LEVELS: Final = re.compile(r'"(?:[^"\\]|\\.)*"|[\[\]{}]')


def _make_encode() -> Callable[[Any], str]:
    """Return what encodes; what contains itself ends as a RecursionError.

    `json` makes its encoder anew for each call, and a table of what it is in the midst of: half of the time a small payload takes.
    """
    encoder = json.JSONEncoder(allow_nan=False, separators=(",", ":"), check_circular=False)
    try:
        from _json import make_encoder

        pieces = make_encoder(None, encoder.default, encode_basestring_ascii, None, ":", ",", False, False, False)
    except (ImportError, TypeError):  # not CPython, or one that takes other arguments: this is no public part of it
        return encoder.encode
    return lambda payload: "".join(pieces(payload, 0))


_encode: Final = _make_encode()


def encoded(payload: Any) -> str:
    """Return a payload as JSON text. Raises TypeError or ValueError where JSON cannot say it."""
    try:
        text = _encode(payload)
    except TypeError as error:
        raise TypeError(
            f"the payload cannot be stored, JSON has no way to say it ({error}): give plain data"
        ) from error
    except (ValueError, RecursionError) as error:
        raise ValueError(f"the payload cannot be stored as JSON ({error}): give plain, finite data") from error
    if text.count("[") + text.count("{") > _DEEPEST and _depth(text) > _DEEPEST:
        raise ValueError(
            f"the payload cannot be stored, it is nested more than {_DEEPEST} levels deep: make it flatter"
        )
    return text


def _depth(text: str) -> int:
    """Return how deep lists and mappings are nested in JSON text."""
    depth = deepest = 0
    for match in _LEVELS.finditer(text):
        if match[0] in "[{":
            depth += 1
            deepest = max(deepest, depth)
        elif match[0] in "]}":
            depth -= 1
    return deepest


def checked_text(what: str, text: str) -> str:
    """Return a name or id that both stores take. Raises TypeError or ValueError for others."""
    if not isinstance(text, str):
        raise TypeError(f"the {what} must be a string, not `{text!r}`")
    if not text or len(text) > _LONGEST_TEXT or not text.isprintable():
        raise ValueError(f"the {what} `{text[:50]!r}` must be 1 to {_LONGEST_TEXT} printable characters")
    return text


def check_number(what: str, number: int, *, least: int = -_LARGEST_NUMBER) -> None:
    """Raise ValueError where a number is not one that both stores take, from `least` up."""
    if not isinstance(number, int) or isinstance(number, bool) or not least <= number <= _LARGEST_NUMBER:
        raise ValueError(f"{what} `{number!r}` must be a whole number of 64 bits, from {least} up")
