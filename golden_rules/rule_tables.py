"""Checks the tables of single rules, `[tool.golden-rules.rules.GR405]`, against the options that the rules declare."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from golden_rules.errors import UsageError, did_you_mean
from golden_rules.options import Option
from golden_rules.selection import is_selector, nearest_rule
from golden_rules.settings import Config, RuleTable
from golden_rules.settings_places import SettingsPlace
from golden_rules.validation import OF_EVERY_RULE

Declared = Mapping[tuple[str, str], Sequence[Option[Any]]]
"""The options of each rule, by its code and name."""


def check_rule_tables(config: Config, declared: Declared, origins: Mapping[str, Sequence[SettingsPlace]]) -> None:
    """Check that a configuration speaks to rules that exist, and gives them options that they have.

    Args:
        config: The configuration.
        declared: The options of all rules.
        origins: The tables that each setting is from, see `Configs.origins`.

    Raises:
        UsageError: It does not.
    """
    by_path = [table for override in config.overrides for table in dict(override.settings).get("rules", ())]
    places = [*origins.get("rules", ()), *_overrides(origins.get("overrides", ()))]
    for table in (*config.rules, *by_path):
        _check(table, declared, places)


def _overrides(places: Iterable[SettingsPlace]) -> Iterator[SettingsPlace]:
    for place in places:
        yield from (place.item("overrides", number) for number in range(1, place.count("overrides") + 1))


def _check(table: RuleTable, declared: Declared, places: Sequence[SettingsPlace]) -> None:
    rule, given = table
    found = next(((names, options) for names, options in declared.items() if rule in names), None)
    if found is None:
        raise UsageError(f"{_no_rule(rule, declared)} in {_where(places, rule)}{_instead(rule, declared)}")
    (code, _), options = found
    known = {option.name: option for option in options}
    for key, value in given:
        where = _where(places, rule, key)
        if key not in known:
            names = ", ".join(f"`{name}`" for name in (*known, *OF_EVERY_RULE))
            hint = did_you_mean(key, (*known, *OF_EVERY_RULE)) or f": its options are {names}"
            raise UsageError(f"{code} has no option `{key}`, which {where} sets{hint}")
        try:
            known[key].parsed(value)
        except ValueError as error:
            raise UsageError(f"`rules.{rule}.{key}` in {where} {error}") from error


def _no_rule(rule: str, declared: Declared) -> str:
    several = is_selector(rule, [code for code, _ in declared])
    return f"`rules.{rule}` names more than one rule" if several else f"unknown rule `{rule}`"


def _instead(rule: str, declared: Declared) -> str:
    if is_selector(rule, [code for code, _ in declared]):
        return ": give each rule its own table, or use the tables `severity` and `grace-until`"
    return nearest_rule(rule, [word for names in declared for word in names])


def _where(places: Sequence[SettingsPlace], *keys: str) -> str:
    """Return the place of a rule's table or option; the last that has it, as that prevails."""
    for place in reversed(places):
        table: Any = place.table().get("rules", {})
        if keys[0] in table and (len(keys) == 1 or keys[1] in table[keys[0]]):
            return place.of("rules", *keys)
    return places[-1].of() if places else "the configuration"
