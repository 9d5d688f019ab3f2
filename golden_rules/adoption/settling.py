"""What counts of what a run found: comments that have run out, severities, days of grace, and the baseline.

All of it stands behind the cache: what is found in a file does not change with the day, nor with what was there before.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from golden_rules.adoption.baseline import Baseline, entry_of, match, read_baseline
from golden_rules.findings import Finding, Severity
from golden_rules.paths import relative_to

if TYPE_CHECKING:
    from golden_rules.config import Config
    from golden_rules.files import SourceFile
    from golden_rules.runner import Run

_SYNTAX_ERROR = "GR900"


def settle(run: Run, files: Sequence[SourceFile], today: date, baselines: Baselines | None = None) -> None:
    """Sort a run's findings into those that count and those that do not, and give each its severity.

    Args:
        run: The run; it is changed.
        files: The files that were checked.
        today: The day that dates are compared with.
        baselines: The baselines that hold findings of old; none do without it.
    """
    configs = {file.display: file.config for file in files}
    run.silenced, back = _run_out(run.silenced, today)
    if back:
        run.findings = _with(run.findings, back)
    run.findings = [graded(finding, configs[finding.path], today) for finding in run.findings]
    if baselines is not None:
        counting = set(map(id, baselines.counting(run.findings, configs)))
        run.baselined = [finding for finding in run.findings if id(finding) not in counting]
        run.findings = [finding for finding in run.findings if id(finding) in counting]


def _run_out(silenced: Iterable[Finding], today: date) -> tuple[list[Finding], list[Finding]]:
    """Return the findings that comments still silence, and those whose comments have run out."""
    still: list[Finding] = []
    back: list[Finding] = []
    for finding in silenced:
        until = finding.silence.until if finding.silence else ""
        if until and date.fromisoformat(until) <= today:
            message = f"{finding.message}; the comment that ignores it ran out on {until}"
            back.append(replace(finding, silence=None, message=message))
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
    if severity is Severity.ERROR and until is not None and today < until and finding.code != _SYNTAX_ERROR:
        return replace(finding, severity=Severity.WARNING, grace_until=until)
    return finding if severity is finding.severity else replace(finding, severity=severity)


class Baselines:
    """The baselines of one run, each read once."""

    def __init__(self, explicit: Path | None = None) -> None:
        """Take the baseline of the command line, which stands for all others."""
        self._explicit = None if explicit is None else Path(os.path.abspath(explicit))  # noqa: PTH100 - links stay
        self._read: dict[Path, Baseline] = {}

    def counting(self, findings: Iterable[Finding], configs: Mapping[str, Config]) -> Iterator[Finding]:
        """Yield the findings that no baseline holds; paths are relative to the working directory."""
        groups: dict[Path | None, list[Finding]] = defaultdict(list)
        for finding in findings:
            groups[self._explicit or configs[finding.path].baseline].append(finding)
        for file, members in groups.items():
            if file is None:
                yield from members
            else:
                yield from self._new(file, members)

    def _new(self, file: Path, findings: Sequence[Finding]) -> Iterator[Finding]:
        if file not in self._read:
            self._read[file] = read_baseline(file)
        folder = file.parent
        found = [entry_of(finding, beside(folder, finding.path)) for finding in findings]
        matched = match(self._read[file].entries, found, lambda path: not (folder / path).exists())
        yield from (finding for position, finding in enumerate(findings) if position not in matched.known)


def beside(folder: Path, display: str) -> str:
    """Return a path from the working directory as one from a folder, with `/`."""
    return relative_to(os.path.abspath(display), str(folder))  # noqa: PTH100 - links stay
