"""Names, ids and payloads, checked before anything is stored: what is accepted, every store takes and gives back alike."""

from __future__ import annotations

import json
import os
import time
from typing import Any, Final

_LONGEST_TEXT: Final = 500

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


def fresh_id() -> str:
    """Return an id that nobody else makes, and that sorts by the millisecond it was made in."""
    return f"{time.time_ns() // 1_000_000:012x}{os.urandom(10).hex()}"
