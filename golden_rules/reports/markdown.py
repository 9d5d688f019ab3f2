"""The format `markdown`: a summary for a pull request or a job's page."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import date

from golden_rules.findings import Finding, Safety
from golden_rules.reports.words import counted, grace
from golden_rules.runner import Run

# A page with more is not read, and GitHub cuts a summary at one megabyte.
_MOST = 100


def markdown_report(run: Run) -> Iterator[str]:
    """Yield the number of findings by rule, and the findings, errors first."""
    if not run.findings:
        yield f"### golden-rules: no findings in {counted(run.files, 'file')}"
        yield from _aside(run)
        return
    files = len({finding.path for finding in run.findings})
    yield f"### golden-rules: {counted(len(run.findings), 'finding')} in {files} of {counted(run.files, 'file')}"
    yield ""
    yield "| rule | name | findings | can be fixed |"
    yield "|---|---|---:|---:|"
    counts = Counter((finding.code, finding.name) for finding in run.findings)
    fixable = Counter(finding.code for finding in run.findings if finding.fix and finding.fix.safety is Safety.SAFE)
    for (code, name), count in sorted(counts.items(), key=lambda item: (-item[1], item[0])):
        yield f"| {code} | {name} | {count} | {fixable[code] or ''} |"
    yield ""
    ordered = sorted(run.findings, key=lambda finding: finding.severity)
    for finding in ordered[:_MOST]:
        yield f"- {_line(finding, run.today)}"
    if len(ordered) > _MOST:
        yield f"- and {len(ordered) - _MOST} more"
    yield from _aside(run)


def _line(finding: Finding, today: date) -> str:
    note = f" ({grace(finding, today)})" if finding.grace_until else ""
    severity = "" if finding.severity == "error" else f" {finding.severity}"
    where = f"`{finding.path}:{finding.line}`"
    return f"{where} {finding.code}{severity}{note}: {_text(finding.message)}; {_text(finding.remedy)}"


def _text(text: str) -> str:
    """Return text that stays in its place: one line, and no markup of its own outside of code."""
    pieces = " ".join(text.split()).split("`")
    if len(pieces) % 2 == 0:
        return "".join(_escaped(piece) for piece in pieces)
    return "`".join(piece if number % 2 else _escaped(piece) for number, piece in enumerate(pieces))


def _escaped(text: str) -> str:
    return "".join(f"\\{character}" if character in "\\*_<>[]|#" else character for character in text)


def _aside(run: Run) -> Iterator[str]:
    parts = [f"{len(run.baselined)} in the baseline"] if run.baselined else []
    parts += [f"{len(run.silenced)} ignored by comments"] if run.silenced else []
    if parts:
        yield ""
        yield f"{' and '.join(parts)} do not count."
