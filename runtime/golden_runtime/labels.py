"""Labels of a decorator: constants, or functions of the call's arguments; their names are known either way."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

Labels = Mapping[str, str | Callable[..., object]]


class LabelValues:
    """The label values of one decorator.

    Attributes:
        names: The label names, in the order given.
        constant: The values, where no call changes them; else `None`.
    """

    def __init__(self, labels: Labels | None) -> None:
        given = dict(labels or {})
        self.names = tuple(given)
        self._values = tuple(given.values())
        self.constant: tuple[str, ...] | None = None
        if not any(callable(value) for value in self._values):
            self.constant = tuple(str(value) for value in self._values)

    def of(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[str, ...]:
        """Return the values for a call with these arguments."""
        if self.constant is not None:
            return self.constant
        return tuple(str(value(*args, **kwargs) if callable(value) else value) for value in self._values)
