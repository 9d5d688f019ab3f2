"""The places where a measured value may end."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Use(Enum):
    """What becomes of a value."""

    LOGGED = "logged"
    SHOWN = "shown"
    """Printed, or written to a terminal."""

    RECORDED = "recorded"
    KEPT = "kept"
    RETURNED = "returned"
    DECIDES = "decides"
    PASSED = "passed"


TELEMETRY = frozenset({Use.LOGGED, Use.SHOWN, Use.RECORDED, Use.KEPT})


@dataclass(frozen=True, slots=True)
class Sink:
    """One place where a value ends.

    Attributes:
        words: The place in the code's own terms, to follow "ends in": "the log call `logger.info`".
        series: What is called there, where it makes a series of the project's own of the value.
    """

    use: Use
    words: str
    series: str = ""
