"""Prometheus' rule files: YAML in a form that diffs well, with strings in single quotes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from golden_rules.catalogue.alerting import Group, Rule
from golden_rules.reports.links import Links


def rules_file(groups: Sequence[Group], links: Links) -> Iterator[str]:
    """Yield the lines of a rule file."""
    yield "# Made by `golden-rules alerts` from the code and its `objectives`: change those and make it anew."
    yield "groups:"
    for group in groups:
        yield f"  - name: {_text(group.name)}"
        yield "    rules:"
        for rule in group.rules:
            yield from _rule(rule, links)


def _rule(rule: Rule, links: Links) -> Iterator[str]:
    yield f"      - record: {_text(rule.record)}" if rule.record else f"      - alert: {_text(rule.alert)}"
    yield f"        expr: {_text(rule.expr)}"
    if rule.lasting:
        yield f"        for: {rule.lasting}"
    yield from _mapping("labels", rule.labels)
    places = sorted({links.url(place) or links.text(place) for place in rule.places})
    source = {"source": ", ".join(places)} if places else {}
    yield from _mapping("annotations", {**rule.annotations, **source})


def _mapping(name: str, values: Mapping[str, str]) -> Iterator[str]:
    if values:
        yield f"        {name}:"
        for key, value in values.items():
            yield f"          {key}: {_text(value)}"


def _text(value: str) -> str:
    """Return a text of one line as YAML writes it."""
    return "'" + value.replace("'", "''").replace("\n", " ") + "'"
