"""Reads a table of settings: what each key may hold, and one clear sentence for what it may not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from golden_rules.errors import UsageError, did_you_mean
from golden_rules.settings_places import SettingsPlace
from golden_rules.values import KEYS, WrongValueError, day, frozen, globs, severity

if TYPE_CHECKING:
    from collections.abc import Mapping

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
# What the table of a rule may hold beside the rule's own options, and the setting that it goes into.
OF_EVERY_RULE = {"severity": severity, "grace-until": day}


def check_table(table: Mapping[str, object], place: SettingsPlace) -> dict[str, Any]:
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
        if key == "rules":
            continue
        try:
            settings[key.replace("-", "_")] = KEYS[key](value)
        except WrongValueError as error:
            keys = (key, error.entry) if error.entry and place.line(key, error.entry) else (key,)
            raise UsageError(f"`{key}` in {place.of(*keys)} {error}") from error
    if isinstance(settings.get("not_critical"), dict):
        reasons = tuple(settings["not_critical"].items())
        settings |= {"not_critical": tuple(pattern for pattern, _ in reasons), "not_critical_reasons": reasons}
    elif "not_critical" in settings:
        settings["not_critical_reasons"] = ()
    if "rules" in table:
        _take_in_rules(settings, table["rules"], place)
    return settings


def _take_in_rules(settings: dict[str, Any], value: object, place: SettingsPlace) -> None:
    """Add what the tables of single rules say; whether these have such options is checked once rules are loaded."""
    if not isinstance(value, dict):
        raise UsageError(f"`rules` in {place.of('rules')} must be tables such as `[{_dotted(place, 'rules.GR405')}]`")
    options: list[tuple[str, tuple[tuple[str, object], ...]]] = []
    for rule, table in value.items():
        if not isinstance(table, dict):
            example = f'`rules.{rule}.severity = "warning"`'
            raise UsageError(f"`rules.{rule}` in {place.of('rules', rule)} must be a table, as in {example}")
        for key, given in table.items():
            if key in OF_EVERY_RULE:
                _add_for_rule(settings, rule, key, given, place)
        own = {key: given for key, given in table.items() if key not in OF_EVERY_RULE}
        options.append((rule, tuple((key, frozen(given)) for key, given in own.items())))
    settings["rules"] = tuple(options)


def _add_for_rule(settings: dict[str, Any], rule: str, key: str, value: object, place: SettingsPlace) -> None:
    where = f"`rules.{rule}.{key}` in {place.of('rules', rule, key)}"
    field = key.replace("-", "_")
    said = settings.get(field, ())
    if rule in dict(said):
        raise UsageError(f"{where} is said under `{key}` too: leave one out")
    try:
        settings[field] = (*said, (rule, OF_EVERY_RULE[key](value)))
    except WrongValueError as error:
        raise UsageError(f"{where} {error}") from error


def _hint(key: str, place: SettingsPlace) -> str:
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


def _overrides(value: object, place: SettingsPlace) -> tuple[Override, ...]:
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise UsageError(
            f"`overrides` in {place.of('overrides')} must be tables under `[[{_dotted(place, 'overrides')}]]`"
        )
    return tuple(_override(item, place.item("overrides", number)) for number, item in enumerate(value, start=1))


def _override(table: dict[str, object], place: SettingsPlace) -> Override:
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
        paths = globs(table["paths"])
    except WrongValueError as error:
        raise UsageError(f"`paths` in {place.of('paths')} {error}") from error
    if not paths:
        raise UsageError(f'`paths` in {place.of("paths")} is empty: name the files, such as `paths = ["legacy/**"]`')
    settings = check_table({key: value for key, value in table.items() if key != "paths"}, place)
    return Override(paths, tuple(settings.items()))


def _dotted(place: SettingsPlace, key: str) -> str:
    return ".".join((*place.header, key))
