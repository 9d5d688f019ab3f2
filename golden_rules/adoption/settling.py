"""What counts of what a run found: comments that have run out, severities, days of grace, and the baseline.

All of it stands behind the cache: what is found in a file does not change with the day, nor with what was there before.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING

from golden_rules.adoption.scope import Scope, in_change, new_findings
from golden_rules.engine_rules import SYNTAX_ERROR
from golden_rules.findings import Finding, Severity

if TYPE_CHECKING:
    from pathlib import Path

    from golden_rules.adoption.baseline import Baseline
    from golden_rules.config import Config
    from golden_rules.files import SourceFile
    from golden_rules.runner import Run


def settle(run: Run, files: Sequence[SourceFile], today: date, scope: Scope | None = None) -> None:
    """Sort a run's findings into those that count and those that do not, and give each its severity.

    Args:
        run: The run; it is changed.
        files: The files that were checked.
        today: The day that dates are compared with.
        scope: What else the findings are held against: baselines, and what was changed.
    """
    configs = {file.display: file.config for file in files}
    run.silenced, back = _run_out(run.silenced, today)
    if back:
        run.findings = _with(run.findings, back)
    run.findings = [graded(finding, configs[finding.path], today) for finding in run.findings]
    if scope is not None:
        _hold_against(scope, run, configs)


def _hold_against(scope: Scope, run: Run, configs: Mapping[str, Config]) -> None:
    """Take out of a run's findings what baselines hold and what was not changed."""
    groups: dict[Config, list[Finding]] = defaultdict(list)
    for finding in run.findings:
        groups[configs[finding.path]].append(finding)
    old: set[int] = set()
    by_file: dict[Path, tuple[Baseline, list[Finding]]] = {}
    for config, members in groups.items():
        if (known := scope.baseline_of(config)) is not None:
            by_file.setdefault(known[0], (known[1], []))[1].extend(members)
    for file, (baseline, members) in by_file.items():
        fresh = set(new_findings(file, baseline, members))
        old.update(id(finding) for position, finding in enumerate(members) if position not in fresh)
    run.baselined = [finding for finding in run.findings if id(finding) in old]
    run.findings = [finding for finding in run.findings if id(finding) not in old]
    if scope.changes is not None:
        counting = in_change(scope.changes, run.findings)
        run.base, run.unchanged = scope.changes.base, len(run.findings) - len(counting)
        run.findings = counting


def _run_out(silenced: Iterable[Finding], today: date) -> tuple[list[Finding], list[Finding]]:
    """Return the findings that comments still silence, and those whose comments have run out."""
    still: list[Finding] = []
    back: list[Finding] = []
    for finding in silenced:
        until = finding.silence.until if finding.silence else ""
        if until and date.fromisoformat(until) <= today:
            message = f"{finding.message}; the comment that ignores it ran out on {until}"
            back.append(finding._replace(silence=None, message=message))
        else:
            still.append(finding)
    return still, back


def _with(findings: Iterable[Finding], back: Iterable[Finding]) -> list[Finding]:
    """Return findings with others among them, where one wrong is still one finding."""
    from golden_rules.precedence import one_finding_per_wrong

    by_path: dict[str, list[Finding]] = defaultdict(list)
    for finding in (*findings, *back):
        by_path[finding.path].append(finding)
    merged = [finding for path in sorted(by_path) for finding in one_finding_per_wrong(by_path[path])]
    return sorted(merged, key=lambda finding: (finding.path, finding.line, finding.column, finding.code))


def graded(finding: Finding, config: Config, today: date) -> Finding:
    """Return a finding with the severity that the configuration gives it on a day."""
    severity = Severity(config.severity_of(finding.code, finding.name) or finding.severity)
    until = config.grace_of(finding.code, finding.name)
    # What could not be looked at is not clean, whatever the day.
    if severity is Severity.ERROR and until is not None and today < until and finding.code != SYNTAX_ERROR.code:
        return finding._replace(severity=Severity.WARNING, grace_until=until)
    return finding if severity is finding.severity else finding._replace(severity=severity)
