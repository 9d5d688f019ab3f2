"""Checks of what users configure. Each failure is a ValueError that names the setting, what is wrong, and what to write."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TypeAlias

# Which exceptions: a class, several, or a function that says so of one.
Which: TypeAlias = type[BaseException] | tuple[type[BaseException], ...] | Callable[[BaseException], object]


def check_whole(setting: str, value: int, *, least: int) -> None:
    """Raise ValueError where a value is no whole number from `least` up."""
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise ValueError(f"`{setting}` must be a whole number from {least} up, not `{value!r}`")


def check_seconds(setting: str, value: float, *, zero: bool = False) -> None:
    """Raise ValueError where a value is no finite number of seconds above zero, or from zero up where `zero` may be."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    if not is_number or value < 0 or (value == 0 and not zero):
        raise ValueError(f"`{setting}` must be seconds {'from zero up' if zero else 'above zero'}, not `{value!r}`")


def check_share(setting: str, value: float) -> None:
    """Raise ValueError where a value is no share above 0 and up to 1."""
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 < value <= 1:
        raise ValueError(f"`{setting}` must be a share above 0 and up to 1, such as 0.5 for half, not `{value!r}`")


def matcher(setting: str, which: Which) -> Callable[[BaseException], object]:
    """Return a function that says whether an exception is one of these.

    Raises ValueError where `which` is no exception class, no tuple of them and no function.
    """
    if isinstance(which, tuple | type):
        classes = which if isinstance(which, tuple) else (which,)
        if all(isinstance(kind, type) and issubclass(kind, BaseException) for kind in classes):
            return lambda error: isinstance(error, classes)
    elif callable(which):
        return which
    raise ValueError(
        f"`{setting}` must be an exception class, a tuple of them, or a function of an exception, not `{which!r}`"
    )
