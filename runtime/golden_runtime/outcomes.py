"""What a call ended in."""

from __future__ import annotations

import asyncio
from enum import StrEnum


class Outcome(StrEnum):
    """The values of the label `status`."""

    SUCCESS = "success"
    FAILURE = "failure"
    CANCELLED = "cancelled"


# Who asks for the end of a call does not make it a failure.
_CANCELLATIONS = (asyncio.CancelledError, GeneratorExit, KeyboardInterrupt, SystemExit)


def outcome_of(error: BaseException | None) -> Outcome:
    """Return what a call ended in, by what it raised."""
    if error is None:
        return Outcome.SUCCESS
    return Outcome.CANCELLED if isinstance(error, _CANCELLATIONS) else Outcome.FAILURE
