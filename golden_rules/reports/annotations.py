"""The formats that show findings in a change: `github` for annotations, `gitlab` for its code quality widget."""

from __future__ import annotations

import json
from collections.abc import Iterator

from golden_rules.findings import Finding, Severity
from golden_rules.reports.fingerprints import fingerprints
from golden_rules.reports.words import grace
from golden_rules.runner import Run

_GITLAB_SEVERITIES = {Severity.ERROR: "major", Severity.WARNING: "minor"}


def github_report(run: Run) -> Iterator[str]:
    """Yield a workflow command for each finding, which GitHub shows at its line in the pull request."""
    for finding in run.findings:
        note = f"\nnote: {grace(finding, run.today)}" if finding.grace_until else ""
        text = _data(f"{finding.message}\nhelp: {finding.remedy}{note}")
        yield f"::{finding.severity} {_properties(finding)}::{text}"


def _properties(finding: Finding) -> str:
    values = {
        "title": f"{finding.code} {finding.name}",
        "file": finding.path,
        "line": finding.line,
        "endLine": finding.end_line,
        "col": finding.column,
        "endColumn": finding.end_column,
    }
    if finding.line != finding.end_line:
        # GitHub takes columns only where they are on one line
        del values["col"], values["endColumn"]
    return ",".join(f"{key}={_property(str(value))}" for key, value in values.items())


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def _in_grace(finding: Finding, run: Run) -> str:
    return f" ({grace(finding, run.today)})" if finding.grace_until else ""


def gitlab_report(run: Run) -> Iterator[str]:
    """Yield the findings as a code quality report of GitLab."""
    entries = [
        {
            "type": "issue",
            "check_name": finding.code,
            "description": f"{finding.code}: {finding.message}; {finding.remedy}{_in_grace(finding, run)}",
            "fingerprint": fingerprint,
            "severity": _GITLAB_SEVERITIES[finding.severity],
            "categories": ["Style"],
            "location": {
                "path": finding.path,
                "lines": {"begin": finding.line, "end": finding.end_line},
            },
        }
        for finding, fingerprint in zip(run.findings, fingerprints(run.findings), strict=True)
    ]
    yield json.dumps(entries, indent=2)
