"""Reads single values of a configuration: what each key may hold, and the end of a sentence for what it may not."""

from __future__ import annotations

import math
import re
from datetime import date, datetime
from keyword import iskeyword
from string import Formatter
from typing import TYPE_CHECKING, TypeVar

from golden_rules.errors import did_you_mean
from golden_rules.globs import FunctionPatterns, translate

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from golden_rules.objectives import Objective

PROFILES = ("selective", "comprehensive")
SEVERITIES = ("error", "warning")
T = TypeVar("T")
_KINDS: Mapping[type, str] = {
    bool: "a boolean",
    int: "an integer",
    float: "a number",
    str: "a string",
    list: "a list",
    tuple: "a list",
    dict: "a table",
}


class WrongValueError(ValueError):
    """The end of a sentence that starts with the key and its place; `entry` is what is wrong in a table."""

    def __init__(self, message: str, entry: str = "") -> None:
        """Keep the entry apart from the sentence."""
        super().__init__(message)
        self.entry = entry


class FrozenTable(tuple[object, ...]):
    """A table as pairs, which no option takes, told from a list."""

    __slots__ = ()


def frozen(value: object) -> object:
    """Return a value that can be part of a configuration, which is hashed."""
    if isinstance(value, dict):
        return FrozenTable((key, frozen(item)) for key, item in value.items())
    return tuple(map(frozen, value)) if isinstance(value, list) else value


def kind(value: object) -> str:
    """Return what a TOML value is, with its article: `an integer`."""
    if isinstance(value, FrozenTable):
        return "a table"
    return _KINDS.get(type(value), "a date or time")


def strings(value: object) -> tuple[str, ...]:
    """Return a list of strings."""
    if not isinstance(value, list | tuple) or isinstance(value, FrozenTable):
        raise WrongValueError(f"must be a list of strings, not {kind(value)}")
    for position, item in enumerate(value, start=1):
        if not isinstance(item, str):
            raise WrongValueError(f"must be a list of strings: its item {position} is {kind(item)}")
        if not item.strip():
            raise WrongValueError(f"must be a list of strings: its item {position} is empty")
    return tuple(value)


def globs(value: object) -> tuple[str, ...]:
    """Return patterns of paths."""
    patterns = strings(value)
    for pattern in patterns:
        _check_pattern(pattern, translate)
    return patterns


def functions(value: object) -> tuple[str, ...]:
    """Return patterns of functions, as `critical` has them."""
    patterns = strings(value)
    for pattern in patterns:
        _check_pattern(pattern, lambda single: FunctionPatterns([single]))
    return patterns


def _not_critical(value: object) -> tuple[str, ...] | dict[str, str]:
    if not isinstance(value, dict):
        if not isinstance(value, list):
            raise WrongValueError(f"must be a list of patterns, or a table from patterns to reasons, not {kind(value)}")
        return functions(value)
    functions(list(value))
    for pattern, reason in value.items():
        if not isinstance(reason, str) or not reason.strip():
            raise WrongValueError(f"must give the reason for `{pattern}`, not {_not_name(reason)}", pattern)
    return value


def _measured_by(value: object) -> tuple[str, ...]:
    names = strings(value)
    for name in names:
        if not is_module_name(name):
            raise WrongValueError(f"must hold names of modules such as `shop.telemetry`, not `{name}`")
    return names


def _check_pattern(pattern: str, compile_pattern: Callable[[str], object]) -> None:
    try:
        compile_pattern(pattern)
    except ValueError as error:
        raise WrongValueError(f"has the malformed pattern `{pattern}`: {error}") from error


def _app(value: object) -> str | tuple[tuple[str, str], ...]:
    if isinstance(value, str) and value.strip():
        return _app_name(value)
    if not isinstance(value, dict):
        raise WrongValueError(f"must be a name, or a table from path patterns to names, not {_not_name(value)}")
    for pattern, name in value.items():
        _check_pattern(pattern, translate)
        if not isinstance(name, str) or not name.strip():
            raise WrongValueError(f"must give a name for `{pattern}`, not {_not_name(name)}", pattern)
        _app_name(name, pattern)
    return tuple(value.items())


def _app_name(name: str, entry: str = "") -> str:
    # metric names start with it, and the runtime refuses those that start with anything but a letter
    if not re.match(r"[^A-Za-z0-9]*[A-Za-z]", name):
        raise WrongValueError(f"must start with a letter, as metric names do, not `{name}`", entry)
    return name


def _not_name(value: object) -> str:
    return "an empty string" if isinstance(value, str) else kind(value)


def _module(value: object) -> str:
    if not isinstance(value, str):
        raise WrongValueError(f"must be the name of a module, not {kind(value)}")
    if not is_module_name(value):
        raise WrongValueError(f"must be the name of a module such as `app.metrics_runtime`, not `{value}`")
    return value


def is_module_name(text: str) -> bool:
    """Return whether a module can be imported under this name."""
    return all(part.isidentifier() and not iskeyword(part) for part in text.split("."))


def _per_file(value: object) -> tuple[tuple[str, tuple[str, ...]], ...]:
    if not isinstance(value, dict):
        raise WrongValueError(f"must be a table from path patterns to lists of rules, not {kind(value)}")
    ignores: list[tuple[str, tuple[str, ...]]] = []
    for pattern, rules in value.items():
        _check_pattern(pattern.removeprefix("!"), translate)
        try:
            ignores.append((pattern, strings(rules)))
        except WrongValueError as error:
            raise WrongValueError(f"for `{pattern}` {error}", pattern) from error
    return tuple(ignores)


def _decorator_order(value: object) -> tuple[str, ...]:
    names = strings(value)
    for name in names:
        if not all(part.isidentifier() for part in name.split(".")):
            raise WrongValueError(f"must hold names of decorators such as `app.auth.requires`, not `{name}`")
        if names.count(name) > 1:
            raise WrongValueError(f"names `{name}` more than once")
    if "measuring" not in names:
        raise WrongValueError(
            f"must say where `measuring` stands among {', '.join(f'`{name}`' for name in names) or 'them'}"
        )
    return names


def _metric_name(value: object) -> str:
    if not isinstance(value, str):
        raise WrongValueError(f"must be a text such as `{_TEMPLATE}`, not {kind(value)}")
    try:
        parts = [part for part in Formatter().parse(value) if part[1] is not None]
    except ValueError as error:
        raise WrongValueError(f"must be made from {_FIELDS_LISTED}, as `{_TEMPLATE}` is, not `{value}`") from error
    # `{app[0]}`, `{function!r}` and `{function:.3}` would make names that nobody expects
    if any(field not in _FIELDS or spec or conversion for _, field, spec, conversion in parts):
        raise WrongValueError(f"must be made from {_FIELDS_LISTED}, as `{_TEMPLATE}` is, not `{value}`")
    sample = value.format(**dict.fromkeys(_FIELDS, "a"))
    if "function" not in [field for _, field, _, _ in parts]:
        raise WrongValueError(f"must hold `{{function}}`, or all functions had one name: `{value}` does not")
    if not re.fullmatch(r"[a-z][a-z0-9_.]*", sample):
        raise WrongValueError(
            f"must give names of small letters, digits, `_` and `.` that start with a letter, which `{value}` does not"
        )
    if (end := re.search(_ADDED_ANYWAY, value)) is not None:
        raise WrongValueError(
            f"must not end in `{end[0]}`, which decorators add to names by themselves: `{value}` does"
        )
    return value


_ADDED_ANYWAY = r"[._](total|seconds|bytes|duration|errors|calls)$"
_TEMPLATE = "{app}.{module}.{function}"
_FIELDS = ("app", "module", "function")
_FIELDS_LISTED = "`{app}`, `{module}` and `{function}`"


def _profile(value: object) -> str:
    if not isinstance(value, str):
        raise WrongValueError(f"must be {_PROFILES_LISTED}, not {kind(value)}")
    if value not in PROFILES:
        raise WrongValueError(f"must be {_PROFILES_LISTED}, not `{value}`{did_you_mean(value, PROFILES)}")
    return value


_PROFILES_LISTED = " or ".join(f"`{profile}`" for profile in PROFILES)


def number(value: object) -> float:
    """Return a number from 0 upwards."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise WrongValueError(f"must be a number, not {kind(value)}")
    if not 0 <= value < math.inf:
        raise WrongValueError(f"must be a number from 0 upwards, not `{value}`")
    return float(value)


def _severities(value: object) -> tuple[tuple[str, str], ...]:
    if not isinstance(value, dict):
        raise WrongValueError(f"must be a table from rules to {_SEVERITIES_LISTED}, not {kind(value)}")
    return _by_rule(value, severity)


def _by_rule(table: dict[str, object], read: Callable[[object], T]) -> tuple[tuple[str, T], ...]:
    found: list[tuple[str, T]] = []
    for selector, value in table.items():
        try:
            found.append((selector, read(value)))
        except WrongValueError as error:
            raise WrongValueError(f"for `{selector}` {error}", selector) from error
    return tuple(found)


def severity(value: object) -> str:
    """Return how findings count: `error` or `warning`."""
    if isinstance(value, str) and value in SEVERITIES:
        return value
    wrong = f"`{value}`{did_you_mean(value, SEVERITIES)}" if isinstance(value, str) else kind(value)
    raise WrongValueError(f"must be {_SEVERITIES_LISTED}, not {wrong}")


_SEVERITIES_LISTED = " or ".join(f"`{severity}`" for severity in SEVERITIES)


def _grace(value: object) -> tuple[tuple[str, date], ...]:
    if isinstance(value, dict):
        return _by_rule(value, day)
    if not isinstance(value, str | date) or isinstance(value, datetime):
        raise WrongValueError(f"must be a date such as `2027-06-01`, or a table from rules to dates, not {kind(value)}")
    return (("ALL", day(value)),)


def day(value: object) -> date:
    """Return a day, written as a date or as a string."""
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    if not isinstance(value, str):
        raise WrongValueError(f"must be a date such as `2027-06-01`, not {kind(value)}")
    try:
        return date.fromisoformat(value)
    except ValueError as error:
        raise WrongValueError(f"must be a date such as `2027-06-01`, not `{value}`") from error


def _objectives(value: object) -> tuple[Objective, ...]:
    from golden_rules.objectives import WrongObjective, read_objective

    if not isinstance(value, dict):
        raise WrongValueError(f"must be a table from operations to objectives, not {kind(value)}")
    try:
        return tuple(read_objective(operation, table) for operation, table in value.items())
    except WrongObjective as error:
        raise WrongValueError(str(error)) from error


def _namespace(value: object) -> str:
    if not isinstance(value, str):
        raise WrongValueError(f"must be a name, not {kind(value)}")
    if value and not re.fullmatch(r"[A-Za-z][A-Za-z0-9_./-]{0,254}", value):
        raise WrongValueError(f"must be a name such as `shop`, not `{value}`")
    return value


def _path(value: object, *, of: str = "file") -> str:
    if not isinstance(value, str):
        raise WrongValueError(f"must be the path of a {of}, not {kind(value)}")
    if not value.strip():
        raise WrongValueError(f"must be the path of a {of}, not an empty string")
    return value


def _folder(value: object) -> str:
    return _path(value, of="folder")


KEYS: Mapping[str, Callable[[object], object]] = {
    "app": _app,
    "baseline": _path,
    "cache-dir": _folder,
    "critical": functions,
    "decorator-order": _decorator_order,
    "exclude": globs,
    "extend": _path,
    "extend-exclude": globs,
    "extend-select": strings,
    "grace-until": _grace,
    "ignore": strings,
    "measured-by": _measured_by,
    "metric-name": _metric_name,
    "metrics-modules": globs,
    "namespace": _namespace,
    "not-critical": _not_critical,
    "objectives": _objectives,
    "overrides": lambda value: value,  # read by `check_table`, which knows where each of its tables stands
    "per-file-ignores": _per_file,
    "profile": _profile,
    "rules": lambda value: value,  # read by `check_table`, as the above
    "runtime-module": _module,
    "select": strings,
    "severity": _severities,
    "threshold": number,
}
"""The keys of the configuration; each reads a TOML value or raises a ValueError that ends the sentence."""
