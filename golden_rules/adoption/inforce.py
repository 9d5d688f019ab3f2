"""The settings in force for a file, each with where it came from."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from golden_rules.config import Config, Configs
from golden_rules.globs import path_globs
from golden_rules.objectives import Objective
from golden_rules.paths import relative_to, shown
from golden_rules.places import Place
from golden_rules.validation import KEYS

# What makes up the settings in force, and is none of them.
_LAYERS = frozenset({"extend", "overrides"})
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
        where = [place.of(key) for place in places.get(field, ())] + changed.get(field, [])
        value = _plain(getattr(config, field))
        if value == []:
            value = {} if field in _TABLES else None if field in _UNSET else value
        settings.append(Setting(key, value, ", ".join(where) or _default(config, field)))
    return settings


def _default(config: Config, field: str) -> str:
    # a baseline that stands where one is expected is used without a key
    return "found beside the configuration" if field == "baseline" and config.baseline else "default"


def _overridden(config: Config, relative: str, places: Iterable[Place]) -> dict[str, list[str]]:
    """Return for each setting that `overrides` change for a file where they do so."""
    tables = [place.item("overrides", number) for place in places for number in range(1, place.count("overrides") + 1)]
    found: dict[str, list[str]] = {}
    for override, place in zip(config.overrides, tables, strict=False):
        if path_globs(override.paths).cover(relative):
            for field, _ in override.settings:
                found.setdefault(field, []).append(place.of(field.replace("_", "-")))
    return found


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
