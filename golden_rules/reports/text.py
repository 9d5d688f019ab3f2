"""The formats `text`, with the code frame, and `concise`, one line for each finding."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from datetime import date

from golden_rules.findings import Finding, Safety, Severity
from golden_rules.reports.style import Style, harmless
from golden_rules.reports.words import grace
from golden_rules.runner import Run


def text_report(run: Run, style: Style) -> Iterator[str]:
    """Yield the findings with their lines, carets and remedies."""
    for finding in run.findings:
        yield _headline(finding, style)
        yield from _frame(finding, style, run.today)
        yield ""


def concise_report(run: Run, style: Style) -> Iterator[str]:
    """Yield one line for each finding."""
    for finding in run.findings:
        note = f"  [{grace(finding, run.today)}]" if finding.grace_until else ""
        yield f"{_headline(finding, style)}{note}{_fixable(finding, style)}"


def _headline(finding: Finding, style: Style) -> str:
    place = style.bold(f"{harmless(finding.path)}:{finding.line}:{finding.column}:")
    message = harmless(finding.message)
    if finding.severity is Severity.WARNING:
        return f"{place} {style.yellow(finding.code)} (warning) {message}"
    return f"{place} {style.red(finding.code)} {message}"


def _frame(finding: Finding, style: Style, today: date) -> Iterator[str]:
    number = str(finding.line)
    margin = " " * len(number)
    bar = style.blue("|")
    if finding.text.strip():
        source = harmless(finding.text.expandtabs(4))
        yield f"{margin} {bar}"
        yield f"{style.blue(number)} {bar} {source.rstrip()}"
        yield f"{margin} {bar} {style.red(_carets(finding))}"
    yield f"{margin} {style.blue('=')} help: {harmless(finding.remedy)}{_fixable(finding, style)}"
    if finding.grace_until:
        yield f"{margin} {style.blue('=')} note: {grace(finding, today)}"


def _carets(finding: Finding) -> str:
    start = finding.column - 1
    end = finding.end_column - 1 if finding.end_line == finding.line else len(finding.text.rstrip())
    before = finding.text[:start].expandtabs(4)
    marked = finding.text[start : max(end, start + 1)]
    return " " * _width(before) + "^" * max(_width(marked), 1)


def _width(text: str) -> int:
    """Return how many terminal columns a text takes."""
    return sum(
        0 if unicodedata.combining(character) else 1 + (unicodedata.east_asian_width(character) in "WF")
        for character in text
    )


def _fixable(finding: Finding, style: Style) -> str:
    if finding.fix is None:
        return ""
    return "  " + style.cyan("[fix]" if finding.fix.safety is Safety.SAFE else "[unsafe fix]")
