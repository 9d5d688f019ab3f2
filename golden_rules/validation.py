"""Reads a table of settings: what each key may hold, and one clear sentence for what it may not."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from datetime import date, datetime
from keyword import iskeyword
from string import Formatter
from typing import TYPE_CHECKING, Any

from golden_rules.errors import UsageError, did_you_mean
from golden_rules.globs import FunctionPatterns, translate
from golden_rules.objectives import Objective, WrongObjective, read_objective
from golden_rules.places import Place

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

PROFILES = ("selective", "comprehensive")
SEVERITIES = ("error", "warning")
# What an override cannot change: it speaks of files, these of the whole run or of which files there are.
NOT_BY_PATH = frozenset(
    {
        "baseline",
        "cache-dir",
        "exclude",
        "extend",
        "extend-exclude",
        "namespace",
        "objectives",
        "overrides",
        "per-file-ignores",
        "runtime-module",
    }
)

_KINDS = {
    bool: "a boolean",
    int: "an integer",
    float: "a number",
    str: "a string",
    list: "a list",
    dict: "a table",
}


class _WrongValueError(ValueError):
    """The end of a sentence that starts with the key and its place; `entry` is what is wrong in a table."""

    def __init__(self, message: str, entry: str = "") -> None:
        """Keep the entry apart from the sentence."""
        super().__init__(message)
        self.entry = entry


def check_table(table: Mapping[str, object], place: Place) -> dict[str, Any]:
    """Return the settings of a table by the names of Config's fields.

    Raises UsageError for an unknown key or a wrong value, with the line and the nearest right key.
    """
    settings: dict[str, Any] = {}
    for key, value in table.items():
        if key not in KEYS:
            raise UsageError(f"unknown key `{key}` in {place.of(key)}{_hint(key, place)}")
        if key == "overrides":
            settings[key] = _overrides(value, place)
            continue
        try:
            settings[key.replace("-", "_")] = KEYS[key](value)
        except _WrongValueError as error:
            keys = (key, error.entry) if error.entry and place.line(key, error.entry) else (key,)
            raise UsageError(f"`{key}` in {place.of(*keys)} {error}") from error
    return settings


def _hint(key: str, place: Place) -> str:
    if not place.header and key == "tool":
        return ": here the keys stand at the top level, without `[tool.golden-rules]`"
    return did_you_mean(key, KEYS) or f": the keys are {', '.join(f'`{known}`' for known in sorted(KEYS))}"


@dataclass(frozen=True, slots=True)
class Override:
    """Settings for some of the files.

    Attributes:
        paths: Patterns for the files, as in `exclude`.
        settings: The settings by the names of Config's fields.
    """

    paths: tuple[str, ...]
    settings: tuple[tuple[str, Any], ...]


def _overrides(value: object, place: Place) -> tuple[Override, ...]:
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise UsageError(
            f"`overrides` in {place.of('overrides')} must be tables under `[[{_dotted(place, 'overrides')}]]`"
        )
    return tuple(_override(item, place.item("overrides", number)) for number, item in enumerate(value, start=1))


def _override(table: dict[str, object], place: Place) -> Override:
    if "paths" not in table:
        raise UsageError(f'{place.of()} has no `paths`: name the files it is for, such as `paths = ["legacy/**"]`')
    for key in table:
        if key in NOT_BY_PATH:
            raise UsageError(f"`{key}` in {place.of(key)} cannot differ by path: move it out of `overrides`")
        if key != "paths" and key not in KEYS:
            by_path = {"paths", *KEYS} - NOT_BY_PATH
            hint = (
                did_you_mean(key, by_path) or f": the keys are {', '.join(f'`{known}`' for known in sorted(by_path))}"
            )
            raise UsageError(f"unknown key `{key}` in {place.of(key)}{hint}")
    try:
        paths = _globs(table["paths"])
    except _WrongValueError as error:
        raise UsageError(f"`paths` in {place.of('paths')} {error}") from error
    settings = check_table({key: value for key, value in table.items() if key != "paths"}, place)
    return Override(paths, tuple(settings.items()))


def _dotted(place: Place, key: str) -> str:
    return ".".join((*place.header, key))


def kind(value: object) -> str:
    """Return what a TOML value is, with its article: `an integer`."""
    return _KINDS.get(type(value), "a date or time")


def _strings(value: object) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise _WrongValueError(f"must be a list of strings, not {kind(value)}")
    for position, item in enumerate(value, start=1):
        if not isinstance(item, str):
            raise _WrongValueError(f"must be a list of strings: its item {position} is {kind(item)}")
        if not item.strip():
            raise _WrongValueError(f"must be a list of strings: its item {position} is empty")
    return tuple(value)


def _globs(value: object) -> tuple[str, ...]:
    globs = _strings(value)
    for glob in globs:
        _check_pattern(glob, translate)
    return globs


def _functions(value: object) -> tuple[str, ...]:
    patterns = _strings(value)
    for pattern in patterns:
        _check_pattern(pattern, lambda single: FunctionPatterns([single]))
    return patterns


def _check_pattern(pattern: str, compile_pattern: Callable[[str], object]) -> None:
    try:
        compile_pattern(pattern)
    except ValueError as error:
        raise _WrongValueError(f"has the malformed pattern `{pattern}`: {error}") from error


def _app(value: object) -> str | tuple[tuple[str, str], ...]:
    if isinstance(value, str) and value.strip():
        return _app_name(value)
    if not isinstance(value, dict):
        raise _WrongValueError(f"must be a name, or a table from path patterns to names, not {_not_name(value)}")
    for pattern, name in value.items():
        _check_pattern(pattern, translate)
        if not isinstance(name, str) or not name.strip():
            raise _WrongValueError(f"must give a name for `{pattern}`, not {_not_name(name)}")
        _app_name(name)
    return tuple(value.items())


def _app_name(name: str) -> str:
    # metric names start with it, and the runtime refuses those that start with anything but a letter
    if not re.match(r"[^A-Za-z0-9]*[A-Za-z]", name):
        raise _WrongValueError(f"must start with a letter, as metric names do, not `{name}`")
    return name


def _not_name(value: object) -> str:
    return "an empty string" if isinstance(value, str) else kind(value)


def _module(value: object) -> str:
    if not isinstance(value, str):
        raise _WrongValueError(f"must be the name of a module, not {kind(value)}")
    if not is_module_name(value):
        raise _WrongValueError(f"must be the name of a module such as `app.metrics_runtime`, not `{value}`")
    return value


def is_module_name(text: str) -> bool:
    """Return whether a module can be imported under this name."""
    return all(part.isidentifier() and not iskeyword(part) for part in text.split("."))


def _per_file(value: object) -> tuple[tuple[str, tuple[str, ...]], ...]:
    if not isinstance(value, dict):
        raise _WrongValueError(f"must be a table from path patterns to lists of rules, not {kind(value)}")
    ignores: list[tuple[str, tuple[str, ...]]] = []
    for pattern, rules in value.items():
        _check_pattern(pattern.removeprefix("!"), translate)
        try:
            ignores.append((pattern, _strings(rules)))
        except _WrongValueError as error:
            raise _WrongValueError(f"for `{pattern}` {error}", pattern) from error
    return tuple(ignores)


def _decorator_order(value: object) -> tuple[str, ...]:
    names = _strings(value)
    for name in names:
        if not all(part.isidentifier() for part in name.split(".")):
            raise _WrongValueError(f"must hold names of decorators such as `app.auth.requires`, not `{name}`")
        if names.count(name) > 1:
            raise _WrongValueError(f"names `{name}` more than once")
    if "measuring" not in names:
        raise _WrongValueError(
            f"must say where `measuring` stands among {', '.join(f'`{name}`' for name in names) or 'them'}"
        )
    return names


def _metric_name(value: object) -> str:
    if not isinstance(value, str):
        raise _WrongValueError(f"must be a text such as `{_TEMPLATE}`, not {kind(value)}")
    try:
        fields = [field for _, field, _, _ in Formatter().parse(value) if field is not None]
        sample = value.format(**dict.fromkeys(_FIELDS, "a"))
    except (KeyError, IndexError, ValueError, AttributeError) as error:
        raise _WrongValueError(f"must be made from {_FIELDS_LISTED}, as `{_TEMPLATE}` is, not `{value}`") from error
    if "function" not in fields:
        raise _WrongValueError(f"must hold `{{function}}`, or all functions had one name: `{value}` does not")
    if not re.fullmatch(r"[a-z][a-z0-9_.]*", sample):
        raise _WrongValueError(
            f"must give names of small letters, digits, `_` and `.` that start with a letter, which `{value}` does not"
        )
    return value


_TEMPLATE = "{app}.{module}.{function}"
_FIELDS = ("app", "module", "function")
_FIELDS_LISTED = "`{app}`, `{module}` and `{function}`"


def _profile(value: object) -> str:
    if not isinstance(value, str):
        raise _WrongValueError(f"must be {_PROFILES_LISTED}, not {kind(value)}")
    if value not in PROFILES:
        raise _WrongValueError(f"must be {_PROFILES_LISTED}, not `{value}`{did_you_mean(value, PROFILES)}")
    return value


_PROFILES_LISTED = " or ".join(f"`{profile}`" for profile in PROFILES)


def _threshold(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _WrongValueError(f"must be a number, not {kind(value)}")
    if not 0 <= value < math.inf:
        raise _WrongValueError(f"must be a number from 0 upwards, not `{value}`")
    return float(value)


def _severity(value: object) -> tuple[tuple[str, str], ...]:
    if not isinstance(value, dict):
        raise _WrongValueError(f"must be a table from rules to {_SEVERITIES_LISTED}, not {kind(value)}")
    for selector, severity in value.items():
        if severity not in SEVERITIES:
            wrong = f"`{severity}`{did_you_mean(severity, SEVERITIES)}" if isinstance(severity, str) else kind(severity)
            raise _WrongValueError(f"for `{selector}` must be {_SEVERITIES_LISTED}, not {wrong}", selector)
    return tuple(value.items())


_SEVERITIES_LISTED = " or ".join(f"`{severity}`" for severity in SEVERITIES)


def _grace(value: object) -> tuple[tuple[str, date], ...]:
    if not isinstance(value, dict):
        return (("ALL", _day(value)),)
    days: list[tuple[str, date]] = []
    for selector, day in value.items():
        try:
            days.append((selector, _day(day)))
        except _WrongValueError as error:
            raise _WrongValueError(f"for `{selector}` {error}", selector) from error
    return tuple(days)


def _day(value: object) -> date:
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    if not isinstance(value, str):
        raise _WrongValueError(
            f"must be a date such as `2027-06-01`, or a table from rules to dates, not {kind(value)}"
        )
    try:
        return date.fromisoformat(value)
    except ValueError as error:
        raise _WrongValueError(f"must be a date such as `2027-06-01`, not `{value}`") from error


def _objectives(value: object) -> tuple[Objective, ...]:
    if not isinstance(value, dict):
        raise _WrongValueError(f"must be a table from operations to objectives, not {kind(value)}")
    try:
        return tuple(read_objective(operation, table) for operation, table in value.items())
    except WrongObjective as error:
        raise _WrongValueError(str(error)) from error


def _namespace(value: object) -> str:
    if not isinstance(value, str):
        raise _WrongValueError(f"must be a name, not {kind(value)}")
    if value and not re.fullmatch(r"[A-Za-z][A-Za-z0-9_./-]{0,254}", value):
        raise _WrongValueError(f"must be a name such as `shop`, not `{value}`")
    return value


def _path(value: object, *, of: str = "file") -> str:
    if not isinstance(value, str):
        raise _WrongValueError(f"must be the path of a {of}, not {kind(value)}")
    if not value.strip():
        raise _WrongValueError(f"must be the path of a {of}, not an empty string")
    return value


def _folder(value: object) -> str:
    return _path(value, of="folder")


KEYS: Mapping[str, Callable[[object], object]] = {
    "app": _app,
    "baseline": _path,
    "cache-dir": _folder,
    "critical": _functions,
    "decorator-order": _decorator_order,
    "exclude": _globs,
    "extend": _path,
    "extend-exclude": _globs,
    "extend-select": _strings,
    "grace-until": _grace,
    "ignore": _strings,
    "measured-by": _strings,
    "metric-name": _metric_name,
    "metrics-modules": _globs,
    "namespace": _namespace,
    "not-critical": _functions,
    "objectives": _objectives,
    "overrides": lambda value: value,  # read by `check_table`, which knows where each of its tables stands
    "per-file-ignores": _per_file,
    "profile": _profile,
    "runtime-module": _module,
    "select": _strings,
    "severity": _severity,
    "threshold": _threshold,
}
"""The keys of the configuration; each reads a TOML value or raises a ValueError that ends the sentence."""
