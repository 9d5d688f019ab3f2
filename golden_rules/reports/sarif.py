"""The format `sarif`: SARIF 2.1.0, for GitHub's code scanning, Azure DevOps and editors.

https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import quote

from golden_rules import __version__
from golden_rules.documentation import page
from golden_rules.engine_rules import ENGINE_RULES
from golden_rules.findings import Edit, Finding, Fix, Severity
from golden_rules.registry import load_rules
from golden_rules.reports.fingerprints import fingerprints
from golden_rules.reports.rule_pages import HOME, page_url
from golden_rules.reports.words import days_left, grace
from golden_rules.runner import Run
from golden_rules.source.text import SourceText

_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_ROOT = "%SRCROOT%"


def sarif_report(run: Run) -> Iterator[str]:
    """Yield the run as one SARIF log; paths are relative to the working directory, `%SRCROOT%`."""
    rules = list(_rules({finding.code for finding in run.findings}))
    numbers = {rule["id"]: number for number, rule in enumerate(rules)}
    sources = _Sources()
    results = [
        _result(finding, numbers[finding.code], fingerprint, sources, run.today)
        for finding, fingerprint in zip(run.findings, fingerprints(run.findings), strict=True)
    ]
    driver = {
        "name": "golden-rules",
        "version": __version__,
        "semanticVersion": __version__,
        "informationUri": HOME,
        "rules": rules,
    }
    notes = [{"level": "error", "message": {"text": failure}} for failure in run.failures]
    log = {
        "$schema": _SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {"driver": driver},
                "columnKind": "unicodeCodePoints",
                "invocations": [{"executionSuccessful": not run.failures, "toolExecutionNotifications": notes}],
                "results": results,
            }
        ],
    }
    yield json.dumps(log, indent=2)


def _rules(codes: set[str]) -> Iterator[dict[str, Any]]:
    """Yield the descriptions of rules, in order of code."""
    pages = [(rule.code, rule.name, rule.summary(), page(type(rule))) for rule in load_rules() if rule.code in codes]
    pages += [(rule.code, rule.name, rule.summary, rule.page) for rule in ENGINE_RULES if rule.code in codes]
    severities = {rule.code: rule.severity for rule in ENGINE_RULES}
    for code, name, summary, text in sorted(pages):
        described: dict[str, Any] = {
            "id": code,
            "name": name,
            "shortDescription": {"text": summary},
            "help": {"text": text, "markdown": text},
            "defaultConfiguration": {"level": str(severities.get(code, Severity.ERROR))},
            "properties": {"tags": ["observability"]},
        }
        if url := page_url(code):
            described["helpUri"] = url
        yield described


def _result(finding: Finding, number: int, fingerprint: str, sources: _Sources, today: date) -> dict[str, Any]:
    result: dict[str, Any] = {
        "ruleId": finding.code,
        "ruleIndex": number,
        "level": str(finding.severity),
        "message": {"text": f"{finding.message}; {finding.remedy}"},
        "locations": [_location(finding)],
        "partialFingerprints": {"goldenRules/v1": fingerprint},
    }
    if finding.grace_until:
        result["message"]["text"] += f" ({grace(finding, today)})"
        result["properties"] = {"graceUntil": str(finding.grace_until), "graceDays": days_left(finding, today)}
    if fixes := list(_fixes(finding, sources)):
        result["fixes"] = fixes
    return result


def _location(finding: Finding) -> dict[str, Any]:
    region = {
        "startLine": finding.line,
        "startColumn": finding.column,
        "endLine": finding.end_line,
        "endColumn": finding.end_column,
        "snippet": {"text": finding.text},
    }
    location: dict[str, Any] = {
        "physicalLocation": {"artifactLocation": _artifact(finding.path), "region": region},
    }
    if finding.function:
        location["logicalLocations"] = [{"fullyQualifiedName": finding.function}]
    return location


def _artifact(path: str) -> dict[str, str]:
    return {"uri": quote(path, errors="surrogateescape"), "uriBaseId": _ROOT}


def _fixes(finding: Finding, sources: _Sources) -> Iterator[dict[str, Any]]:
    for fix in (finding.fix, finding.unsafe_fix):
        if fix is not None and (changes := sources.changes(finding.path, fix)):
            yield {
                "description": {"text": f"{fix.description} ({fix.safety})"},
                "artifactChanges": [{"artifactLocation": _artifact(finding.path), "replacements": changes}],
            }


class _Sources:
    """The files of a report, each read once, for the places of its fixes."""

    def __init__(self) -> None:
        self._read: dict[str, SourceText | None] = {}

    def changes(self, path: str, fix: Fix) -> list[dict[str, Any]]:
        """Return the replacements of a fix, its imports included; none where the file cannot be read any more."""
        if path not in self._read:
            self._read[path] = _source(path)
        source = self._read[path]
        return [] if source is None else [_replacement(source, edit) for edit in _edits(source, path, fix)]


def _source(path: str) -> SourceText | None:
    from golden_rules.source.text import UndecodableSource, decode

    try:
        return decode(Path(path).read_bytes())
    except (OSError, UndecodableSource):
        return None


def _edits(source: SourceText, path: str, fix: Fix) -> Iterable[Edit]:
    if not fix.imports:
        return fix.edits
    from golden_rules.naming import module_parts, package_of
    from golden_rules.source.imports import import_edits
    from golden_rules.source.outlining import outline
    from golden_rules.source.parsing import parse

    module = outline(parse(source), ".".join(module_parts(path)), package_of(path))
    return (*import_edits(source, module, set(fix.imports)), *fix.edits)


def _replacement(source: SourceText, edit: Edit) -> dict[str, Any]:
    start, end = source.position(edit.start), source.position(edit.end)
    region = {"startLine": start[0], "startColumn": start[1], "endLine": end[0], "endColumn": end[1]}
    return {"deletedRegion": region, "insertedContent": {"text": edit.text}}
