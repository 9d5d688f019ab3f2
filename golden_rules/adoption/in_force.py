"""The settings in force for a file, each with where it came from."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from golden_rules.config import Config, Configs
from golden_rules.globs import path_globs
from golden_rules.objectives import Objective
from golden_rules.paths import relative_to, shown
from golden_rules.registry import declared_options
from golden_rules.settings_places import SettingsPlace
from golden_rules.validation import OF_EVERY_RULE
from golden_rules.values import KEYS

# What makes up the settings in force, and is none of them.
_LAYERS = frozenset({"extend", "overrides", "rules"})
# Empty where they are not set, and refused where they are set empty.
_UNSET = frozenset({"decorator_order"})
_TABLES = frozenset({"grace_until", "objectives", "per_file_ignores", "severity"})


@dataclass(frozen=True, slots=True)
class Setting:
    """A setting as a configuration would state it.

    Attributes:
        value: Its value in plain data; `None` where it is not set.
        origin: The tables that make it, or `default`.
    """

    key: str
    value: object
    origin: str

    @property
    def toml(self) -> str:
        """The value as TOML."""
        return toml(self.value)


def settings_for(path: Path, configs: Configs) -> list[Setting]:
    """Return the settings in force for a file or folder, by key; raises UsageError."""
    absolute = os.path.abspath(path)  # noqa: PTH100 - links stay
    folder = absolute if path.is_dir() else os.path.dirname(absolute)  # noqa: PTH120 - as above
    base = configs.for_folder(folder)
    relative = relative_to(absolute, str(base.root))
    config = base.for_file(relative)
    places = dict(configs.origins(folder))
    changed = _overridden(base, relative, places.get("overrides", ()))
    settings = []
    for key in sorted(set(KEYS) - _LAYERS):
        field = key.replace("-", "_")
        where = [spot for place in places.get(field, ()) for spot in _spots(place, key)] + changed.get(field, [])
        value = _plain((field == "not_critical" and config.not_critical_reasons) or getattr(config, field))
        if value == []:
            value = {} if field in _TABLES else None if field in _UNSET else value
        settings.append(Setting(key, value, ", ".join(where) or _default(config, field)))
    tables = [*places.get("rules", ()), *_applied(base, relative, places.get("overrides", ()))]
    return [*settings, *_options(config, tables)]


def _spots(place: SettingsPlace, key: str) -> Iterator[str]:
    """Yield where a table of settings makes a setting: under its key, or in the tables of single rules."""
    table = place.table()
    if key in table:
        yield place.of(key)
    if key in OF_EVERY_RULE:
        yield from (place.of("rules", rule, key) for rule, said in table.get("rules", {}).items() if key in said)


def _options(config: Config, places: Sequence[SettingsPlace]) -> Iterator[Setting]:
    """Yield the options of every rule that has some."""
    for (code, name), options in declared_options().items():
        for option in options:
            where = [
                place.of("rules", rule, option.name)
                for place in places
                for rule, said in place.table().get("rules", {}).items()
                if rule in (code, name) and option.name in said
            ]
            value = _plain(config.option(code, name, option))
            yield Setting(f"rules.{code}.{option.name}", value, where[-1] if where else "default")


def _default(config: Config, field: str) -> str:
    # a baseline that stands where one is expected is used without a key
    return "found beside the configuration" if field == "baseline" and config.baseline else "default"


def _overridden(config: Config, relative: str, places: Iterable[SettingsPlace]) -> dict[str, list[str]]:
    """Return for each setting that `overrides` change for a file where they do so."""
    found: dict[str, list[str]] = {}
    for place in _applied(config, relative, places):
        for key in sorted(set(KEYS) - _LAYERS):
            if spots := list(_spots(place, key)):
                found.setdefault(key.replace("-", "_"), []).extend(spots)
    return found


def _applied(config: Config, relative: str, places: Iterable[SettingsPlace]) -> list[SettingsPlace]:
    """Return the tables of `overrides` that speak of a file."""
    tables = [place.item("overrides", number) for place in places for number in range(1, place.count("overrides") + 1)]
    pairs = zip(config.overrides, tables, strict=False)
    return [table for override, table in pairs if path_globs(override.paths).cover(relative)]


def _plain(value: object) -> object:
    if isinstance(value, Path):
        return shown(value)
    if isinstance(value, date):
        return value.isoformat()
    if not isinstance(value, tuple):
        return value
    if value and all(isinstance(item, Objective) for item in value):
        return {item.operation: {"success": item.success, "latency": item.latency} for item in value}
    if value and all(isinstance(item, tuple) for item in value):
        return {key: _plain(item) for key, item in value}
    return list(value)


def toml(value: object) -> str:
    """Return plain data as TOML."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, list):
        return f"[{', '.join(map(toml, value))}]"
    if isinstance(value, dict):
        pairs = ", ".join(f"{json.dumps(key)} = {toml(item)}" for key, item in value.items() if item is not None)
        return f"{{ {pairs} }}" if pairs else "{}"
    return json.dumps(value, ensure_ascii=False)
