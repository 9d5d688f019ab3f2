"""The rules' documentation, made from the rules themselves: a page for each, and the list of all."""

from __future__ import annotations

import inspect
import json
from collections.abc import Iterable

from golden_rules.catalogue.engine_rules import ENGINE_RULES
from golden_rules.findings import Safety
from golden_rules.rules.base import Bad, Rule

_FIXES = {
    None: "No fix is available.",
    Safety.SAFE: "A fix is available.",
    Safety.UNSAFE: "An unsafe fix is available: it needs `--unsafe-fixes`.",
}


def page(rule: type[Rule]) -> str:
    """Return a rule's page in Markdown: its docstring, with the example from its first bad case."""
    headline, _, body = inspect.cleandoc(rule.__doc__ or "").partition("\n")
    sections = body.strip()
    why_end = _section_end(sections, "## Why is this bad?")
    text = f"{sections[:why_end].rstrip()}\n\n{_example(rule)}{sections[why_end:].lstrip()}".strip()
    return f"# {rule.name} ({rule.code})\n\n{headline}\n\n{_FIXES[rule.fixability()]}\n\n{text}\n"


def _section_end(text: str, title: str) -> int:
    start = text.find(title)
    end = text.find("\n## ", start + len(title))
    return len(text) if start < 0 or end < 0 else end


def _example(rule: type[Rule]) -> str:
    first = next((case for case in rule.cases if isinstance(case, Bad)), None)
    if first is None:
        return ""
    example = f"## Example\n```python\n{first.code}```\n\n"
    if first.fixed is None:
        return example
    return f"{example}Use instead:\n```python\n{first.fixed}```\n\n"


def index(rules: Iterable[Rule]) -> str:
    """Return the list of rules in Markdown, with a link to each page."""
    marks = {None: "", Safety.SAFE: "safe", Safety.UNSAFE: "unsafe"}
    rows = [
        f"| [{rule.code}]({rule.code}.md) | {rule.name} | {rule.summary()} | {marks[rule.fixability()]} |"
        for rule in rules
    ]
    rows += [
        f"| [{rule.code}]({rule.code}.md) | {rule.name} | {rule.summary} | {'safe' if rule.fixable else ''} |"
        for rule in ENGINE_RULES
    ]
    return "\n".join(["# Rules", "", "| code | name | finds | fix |", "|---|---|---|---|", *rows, ""])


def rules_table(rules: Iterable[Rule]) -> str:
    """Return a line for each rule: code, name, whether it has a fix, and what it finds."""
    marks = {None: "", Safety.SAFE: "fix", Safety.UNSAFE: "unsafe fix"}
    rows = [(rule.code, rule.name, marks[rule.fixability()], rule.summary()) for rule in rules]
    rows += [(rule.code, rule.name, "fix" if rule.fixable else "", rule.summary) for rule in ENGINE_RULES]
    rows.sort()
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    return "\n".join(
        f"{code:<{widths[0]}}  {name:<{widths[1]}}  {fix:<{widths[2]}}  {summary}" for code, name, fix, summary in rows
    )


def rules_json(rules: Iterable[Rule]) -> str:
    """Return the rules as a JSON list."""
    rows: list[tuple[str, str, str, Safety | None]] = [
        (rule.code, rule.name, rule.summary(), rule.fixability()) for rule in rules
    ]
    rows += [(rule.code, rule.name, rule.summary, Safety.SAFE if rule.fixable else None) for rule in ENGINE_RULES]
    listed = [{"code": code, "name": name, "summary": summary, "fix": fix} for code, name, summary, fix in sorted(rows)]
    return json.dumps(listed, indent=2)
