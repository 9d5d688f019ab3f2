"""What operations are held to, as `objectives` in the configuration says it."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

_SPAN = re.compile(r"(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+(?:\.\d+)?)s)?(?:(\d+)ms)?")
_SECONDS = (86_400, 3_600, 60, 1, 0.001)
_KEYS = ("success", "latency")


class WrongObjective(ValueError):
    """The end of a sentence that starts with the key and its place."""


@dataclass(frozen=True, slots=True)
class Objective:
    """What an operation is held to.

    Attributes:
        operation: The name given to `track_request`, or a pattern of such names (`shop.orders.*`).
        success: The share of calls that are to succeed, below 1.
        latency: The seconds within which that share of calls is to end; None where that does not matter.
    """

    operation: str
    success: float
    latency: float | None = None


def read_objective(operation: str, table: object) -> Objective:
    """Return the objective that a table of the configuration states; raises WrongObjective."""
    if not isinstance(table, dict):
        raise WrongObjective(f"for `{operation}` must be a table such as `{{ success = 0.99 }}`, not `{table}`")
    for key in table:
        if key not in _KEYS:
            raise WrongObjective(f"for `{operation}` has the unknown key `{key}`: the keys are `success` and `latency`")
    success, latency = table.get("success"), table.get("latency")
    if success is None:
        raise WrongObjective(f"for `{operation}` lacks `success`: give a share such as `0.99`")
    if isinstance(success, bool) or not isinstance(success, int | float) or not 0 < success < 1:
        raise WrongObjective(f"for `{operation}` needs a `success` between 0 and 1, such as `0.99`, not `{success}`")
    if latency is None:
        return Objective(operation, float(success))
    try:
        return Objective(operation, float(success), seconds(latency))
    except ValueError as error:
        raise WrongObjective(f"for `{operation}` needs a `latency` such as `30s`, not `{latency}`") from error


def seconds(value: object) -> float:
    """Return the seconds of a span of time as Prometheus writes it (`30s`, `1h30m`, `250ms`), or of a number.

    Raises ValueError for anything else, and for no time at all.
    """
    if isinstance(value, str) and value and (match := _SPAN.fullmatch(value)):
        parts = zip(match.groups(), _SECONDS, strict=True)
        found = round(sum(float(part) * unit for part, unit in parts if part), 3)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        found = float(value)
    else:
        raise ValueError(value)
    if not 0 < found < math.inf:
        raise ValueError(value)
    return found
