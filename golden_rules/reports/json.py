"""The format `json`; other programs rely on its keys."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date

from golden_rules.findings import Finding, Safety
from golden_rules.reports.words import days_left
from golden_rules.runner import Run

# Raised when a key changes its meaning or goes; new keys do not raise it.
FORMAT_VERSION = 1


def json_report(run: Run) -> Iterator[str]:
    """Yield the run as one JSON document."""
    fixes = [finding.fix for finding in run.findings if finding.fix is not None]
    summary = {
        "files": run.files,
        "findings": len(run.findings),
        "fixable": sum(fix.safety is Safety.SAFE for fix in fixes),
        "unsafe_fixable": sum(fix.safety is Safety.UNSAFE for fix in fixes),
        "fixed": len(run.fixed),
        "suppressed": len(run.silenced),
        "baselined": len(run.baselined),
        "unchanged": run.unchanged,
        "warnings": len(run.findings) - run.errors,
        "in_grace": sum(finding.grace_until is not None for finding in run.findings),
        "withheld": run.withheld.total(),
    }
    document = {
        "version": FORMAT_VERSION,
        "findings": [_finding(finding, run.today) for finding in run.findings],
        "summary": summary,
    }
    yield json.dumps(document, indent=2)


def _finding(finding: Finding, today: date) -> dict[str, object]:
    fix = finding.fix
    return {
        "code": finding.code,
        "name": finding.name,
        "message": finding.message,
        "path": finding.path,
        "line": finding.line,
        "column": finding.column,
        "end_line": finding.end_line,
        "end_column": finding.end_column,
        "function": finding.function,
        "severity": finding.severity,
        **(
            {"grace_until": str(finding.grace_until), "grace_days": days_left(finding, today)}
            if finding.grace_until
            else {}
        ),
        "remedy": finding.remedy,
        "fix": None if fix is None else {"safety": fix.safety, "description": fix.description},
    }
