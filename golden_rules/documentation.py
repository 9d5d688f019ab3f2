"""The rules' documentation, made from the rules themselves: a page for each, and the list of all."""

from __future__ import annotations

import inspect
import json
from collections.abc import Iterable
from typing import Any

from golden_rules.engine_rules import ENGINE_RULES
from golden_rules.findings import Safety
from golden_rules.options import Option
from golden_rules.rules.base import Bad, Rule

_ABOUT_OPTIONS = "Every rule takes `severity` and `grace-until` under `[tool.golden-rules.rules.CODE]`; some take options of their own, too."
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
    text = f"{sections[:why_end].rstrip()}\n\n{_example(rule)}{sections[why_end:].lstrip()}".strip() + _options(rule)
    return f"# {rule.name} ({rule.code})\n\n{headline}\n\n{_FIXES[rule.fixability()]}\n\n{text}\n"


def _options(rule: type[Rule]) -> str:
    """Return how a project sets the options that a rule declares, and what each is for."""
    if not rule.options:
        return ""
    title = "" if "## Options" in (rule.__doc__ or "") else "\n\n## Options"
    lines = [f"- `{option.name}` ({_default(option)}): {option.doc}" for option in rule.options]
    return f"{title}\n\nUnder `[tool.golden-rules.rules.{rule.code}]`:\n\n" + "\n".join(lines)


def _default(option: Option[Any]) -> str:
    default = list(option.default) if isinstance(option.default, tuple) else option.default
    return "not set by default" if default is None else f"`{json.dumps(default)}` by default"


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
    """Return the list of rules in Markdown, with a link to each page, and that of their options."""
    listed = list(rules)
    marks = {None: "", Safety.SAFE: "safe", Safety.UNSAFE: "unsafe"}
    rows = [
        f"| [{rule.code}]({rule.code}.md) | {rule.name} | {rule.summary()} | {marks[rule.fixability()]} |"
        for rule in listed
    ]
    rows += [
        f"| [{rule.code}]({rule.code}.md) | {rule.name} | {rule.summary} | {'safe' if rule.fixable else ''} |"
        for rule in ENGINE_RULES
    ]
    options = [
        f"| `{option.name}` | [{rule.code}]({rule.code}.md) | {option.doc} |"
        for rule in listed
        for option in rule.options
    ]
    return "\n".join(
        [
            *("# Rules", "", "| code | name | finds | fix |", "|---|---|---|---|", *rows, ""),
            *("## Options", "", _ABOUT_OPTIONS, "", "| option | rule | for |", "|---|---|---|", *options, ""),
        ]
    )


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
    rows: list[dict[str, object]] = [
        {
            "code": rule.code,
            "name": rule.name,
            "summary": rule.summary(),
            "fix": rule.fixability(),
            "options": [
                {"name": option.name, "default": option.default, "description": option.doc} for option in rule.options
            ],
        }
        for rule in rules
    ]
    rows += [
        {
            "code": rule.code,
            "name": rule.name,
            "summary": rule.summary,
            "fix": Safety.SAFE if rule.fixable else None,
            "options": [],
        }
        for rule in ENGINE_RULES
    ]
    return json.dumps(sorted(rows, key=lambda row: str(row["code"])), indent=2)
