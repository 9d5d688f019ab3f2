"""What a server said about when to try again: `Retry-After`, as RFC 9110, section 10.2.3 has it."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from datetime import UTC, timedelta
from email.utils import parsedate_to_datetime
from typing import Any


def retry_after(outcome: object) -> float | None:
    """Return after how many seconds, at least 0, an exception or a result asks to be tried again; None where it does not ask.

    It may ask by an attribute `retry_after`, in seconds or as a timedelta, or by a header of itself or of its `response`,
    which is where httpx, requests, aiohttp and urllib have it.
    """
    asked = _seconds(getattr(outcome, "retry_after", None))
    if asked is not None:
        return asked
    for holder in (outcome, getattr(outcome, "response", None)):
        asked = _seconds(_header(getattr(holder, "headers", None)))
        if asked is not None:
            return asked
    return None


def _header(headers: Any) -> object:
    if isinstance(headers, Mapping):
        # a plain dict does not ignore case, as header classes do
        found = headers.get("Retry-After")
        return headers.get("retry-after") if found is None else found
    get = getattr(headers, "get", None)
    return get("Retry-After") if callable(get) else None


def _seconds(asked: object) -> float | None:
    if isinstance(asked, timedelta):
        return max(0.0, asked.total_seconds())
    if isinstance(asked, bytes):
        asked = asked.decode("latin-1")
    if isinstance(asked, bool) or not isinstance(asked, int | float | str):
        return None
    try:
        seconds = float(asked)
    except ValueError:
        return _until(str(asked))
    return max(0.0, seconds) if math.isfinite(seconds) else None


def _until(date: str) -> float | None:
    try:
        moment = parsedate_to_datetime(date)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    # dates are compared with the clock on the wall, which is the one the server meant
    return max(0.0, moment.timestamp() - time.time())
