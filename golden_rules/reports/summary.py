"""What stands under the findings: how many, how many can be fixed, what was withheld, and statistics."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from golden_rules.findings import Finding, Safety
from golden_rules.reports.style import Style, harmless
from golden_rules.reports.words import counted
from golden_rules.runner import Run


def summary(run: Run, style: Style, *, unsafe: bool, pending: bool) -> Iterator[str]:
    """Yield the closing lines of a run; `unsafe` says that unsafe fixes are allowed, `pending` that fixes are only shown."""
    yield from _fixed(run, "would fix" if pending else "fixed")
    found = len(run.findings)
    if not found and run.unknown and not run.files:
        yield f"{counted(run.unknown, 'file')} could not be checked."
        return
    if not found:
        yield style.bold("No findings left" if run.fixed else "No findings") + f" in {counted(run.files, 'file')}."
    else:
        paths = len({finding.path for finding in run.findings})
        left = " left" if run.fixed else ""
        files = f"{paths} of {counted(run.files, 'file')}{_warnings(run)}"
        yield f"{counted(found, 'finding')}{left} in {files}{_fixable(run, unsafe=unsafe)}."
    if run.unknown:
        yield f"{counted(run.unknown, 'more file')} could not be checked."
    if run.baselined:
        yield f"{counted(len(run.baselined), 'finding')} in the baseline."
    if run.base:
        yield f"{counted(run.unchanged, 'finding')} outside of what has changed since `{run.base}`."
    yield from withheld(run)


def statistics(run: Run, style: Style) -> Iterator[str]:
    """Yield the number of findings by rule, most first, and of those that do not count, by rule and reason."""
    fixable = Counter(
        finding.code for finding in run.findings if finding.fix is not None and finding.fix.safety is Safety.SAFE
    )
    notes = {code: f"  [{count} fixable]" for code, count in fixable.items()}
    yield from _rows(
        Counter((finding.code, finding.name, notes.get(finding.code, "")) for finding in run.findings), style
    )
    grace = [
        (
            finding.code,
            finding.name,
            f"  until {finding.grace_until}, {counted((finding.grace_until - run.today).days, 'day')} left",
        )
        for finding in run.findings
        if finding.grace_until
    ]
    ignored = [(finding.code, finding.name, f"  {_silence(finding)}") for finding in run.silenced]
    frozen = [(finding.code, finding.name, "") for finding in run.baselined]
    for title, entries in (("in grace", grace), ("in the baseline", frozen), ("ignored by comments", ignored)):
        if entries:
            yield f"{title}:"
            yield from _rows(Counter(entries), style)
    if grace or ignored or frozen:
        yield ""


def _rows(counts: Counter[tuple[str, str, str]], style: Style) -> Iterator[str]:
    width = max((len(str(count)) for count in counts.values()), default=1)
    for (code, name, note), count in sorted(counts.items(), key=lambda item: (-item[1], item[0])):
        yield f"{count:>{width}}  {style.red(code)}  {name}{note}"


def _silence(finding: Finding) -> str:
    silence = finding.silence
    if silence is None:
        return ""
    until = f" (until {silence.until})" if silence.until else ""
    return f"{f'-- {silence.reason}' if silence.reason else 'without a reason'}{until}"


def _warnings(run: Run) -> str:
    warnings = len(run.findings) - run.errors
    if not warnings:
        return ""
    named = counted(warnings, "warning") if run.errors or warnings > 1 else "a warning"
    return f", {named}" if run.errors else f", {'all ' if warnings > 1 else ''}{named}"


def _fixed(run: Run, verb: str) -> Iterator[str]:
    by_path = Counter(finding.path for finding in run.fixed)
    for path, count in by_path.items():
        codes = sorted({finding.code for finding in run.fixed if finding.path == path})
        yield f"{verb} {count} in {harmless(path)} ({', '.join(codes)})"


def _fixable(run: Run, *, unsafe: bool) -> str:
    safe = sum(finding.fix is not None and finding.fix.safety is Safety.SAFE for finding in run.findings)
    risky = sum(finding.fix is not None and finding.fix.safety is Safety.UNSAFE for finding in run.findings)
    parts = []
    if safe + (risky if unsafe else 0):
        parts.append(f"{safe + (risky if unsafe else 0)} can be fixed with `--fix`")
    if risky and not unsafe:
        parts.append(f"{risky} {'more ' if safe else ''}with `--fix --unsafe-fixes`")
    return f"; {', '.join(parts)}" if parts else ""


def withheld(run: Run) -> Iterator[str]:
    """Yield how many fixes are withheld for want of the runtime, and what to do."""
    for file, count in sorted(run.withheld.items()):
        yield (
            f"{counted(count, 'fix', 'fixes')} withheld: `{file}` does not declare golden-runtime; add it to the dependencies there,"
            " or name the module that re-exports it with `runtime-module`."
        )
