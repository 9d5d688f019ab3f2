"""A metric's name that was copied along with its decorator, from the function that it is named for."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from golden_rules.config import Config
from golden_rules.findings import Edit, Fix, Safety
from golden_rules.rules.applied import Applied, applied, argument
from golden_rules.source.outline import Function, Outline

# Decorators of the runtime that name one operation or event; adapters and caches share a series on purpose.
_NAMING = frozenset({"counted", "timed", "track_errors", "track_request"})
_UNITS = frozenset({"call", "calls", "count", "duration", "errors", "failures", "latency", "seconds", "time", "total"})


@dataclass(frozen=True, slots=True, eq=False)
class Copied:
    """A name on a function that is another one's.

    Attributes:
        entry: The decorator.
        literal: The name in it.
        name: The name as such.
        original: The function that it is named for, which has the same decorator.
        own: The same name with the function's own in place of the other's.
    """

    entry: Applied
    literal: ast.Constant
    name: str
    original: Function
    own: str


def copied_names(outline: Outline, function: Function, config: Config) -> Iterator[Copied]:
    """Yield the names that stand on a function and on one of the same file for which they are named.

    A name that comes from a constant is shared on purpose, and so is one of which either function's own is a part.
    """
    for entry, literal, name in _named(outline, function, config):
        operation = _operation(name)
        if _are_kin(function.name, operation):
            continue
        for other in outline.functions:
            if other.name.strip("_") == operation and _stands_on(outline, other, entry, config):
                own = name.replace(operation, function.name.strip("_"))
                yield Copied(entry, literal, name, other, own)
                break


def renaming(source: str, copied: Copied, span: tuple[int, int]) -> Fix | None:
    """Return the fix that gives a function a name of its own, `None` where the file has that name already."""
    start, end = span
    written = source[start:end]
    if copied.name not in written or f'"{copied.own}"' in source or f"'{copied.own}'" in source:
        return None
    edit = Edit(start, end, written.replace(copied.name, copied.own))
    return Fix(Safety.UNSAFE, f"name it `{copied.own}`", (edit,))


def _stands_on(outline: Outline, other: Function, entry: Applied, config: Config) -> bool:
    """Whether the decorator stands on another function too, as it is written here."""
    return entry.call is not None and any(
        found.call is not None and ast.dump(found.call) == ast.dump(entry.call)
        for found, _, _ in _named(outline, other, config)
    )


def _named(outline: Outline, function: Function, config: Config) -> Iterator[tuple[Applied, ast.Constant, str]]:
    for entry in applied(outline, function, config) if function.decorators else ():
        if entry.name not in _NAMING or entry.call is None:
            continue
        given = argument(entry.call, 0, "operation_name" if entry.name == "track_request" else "metric_name")
        if isinstance(given, ast.Constant) and isinstance(given.value, str):
            yield entry, given, given.value


def _operation(name: str) -> str:
    """Return the part of a name that tells what is done: `pay` of `shop.orders.pay.duration`."""
    parts = name.split(".")
    return parts[-2] if len(parts) > 1 and parts[-1] in _UNITS else parts[-1]


def _are_kin(function: str, operation: str) -> bool:
    """Whether one name is part of the other: `pay`, `_pay`, `pay_all` and `apay` may well be one operation."""
    one, other = function.strip("_").lower(), operation.lower()
    return one in other or other in one
