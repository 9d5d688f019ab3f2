"""Which findings count: not those of a baseline, and with `--changed` only those of the change."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from golden_rules.config import Config
from golden_rules.files import SourceFile
from golden_rules.findings import Finding
from golden_rules.paths import relative_to

if TYPE_CHECKING:
    from golden_rules.adoption.baseline import Baseline
    from golden_rules.adoption.changed import Changes


class Scope(NamedTuple):
    """What a run's findings are held against; plain, so that processes can share it.

    Attributes:
        baselines: The baselines by their files.
        explicit: The baseline of the command line, which stands for all others.
        changes: What was changed, where only that counts.
        only: The one finding to be fixed, where an editor asks for that.
    """

    baselines: tuple[tuple[Path, Baseline], ...] = ()
    explicit: Path | None = None
    changes: Changes | None = None
    only: Finding | None = None

    def baseline_of(self, config: Config) -> tuple[Path, Baseline] | None:
        """Return the baseline for files of a configuration."""
        file = self.explicit or config.baseline
        return next(((known, content) for known, content in self.baselines if known == file), None)

    def fixable(self, file: SourceFile, before: bytes, content: bytes, findings: Sequence[Finding]) -> list[Finding]:
        """Return the findings of one file that count, to be fixed.

        Args:
            file: The file.
            before: Its content at the start, which the changes speak of.
            content: Its content now, after some fixes.
            findings: What is found in it now.
        """
        counting = list(findings)
        if self.only is not None:
            # What its fix leads to is not what was asked for.
            return [finding for finding in counting if before == content and _is_at(finding, self.only)]
        if self.changes is not None:
            from golden_rules.adoption.changed import moved, touched

            counting = touched(counting, content, moved(self.changes.of(file.path), before, content))
        if (known := self.baseline_of(file.config)) is not None:
            fresh = new_findings(*known, [finding._replace(path=file.display) for finding in findings])
            positions = {id(findings[at]) for at in fresh}
            counting = [finding for finding in counting if id(finding) in positions]
        return counting


def _is_at(finding: Finding, other: Finding) -> bool:
    """Whether two findings are one, whatever path and severity each names."""
    return finding.code == other.code and (finding.line, finding.column) == (other.line, other.column)


def scope_of(
    files: Iterable[SourceFile], *, explicit: Path | None = None, baselines: bool = True, changes: Changes | None = None
) -> Scope:
    """Return what the findings of files are held against; raises UsageError for a baseline that cannot be read."""
    if not baselines:
        return Scope(changes=changes)
    if explicit is not None:
        explicit = Path(os.path.abspath(explicit))  # noqa: PTH100 - links stay
        named = {explicit}
    else:
        named = {file.config.baseline for file in files if file.config.baseline is not None}
    if not named:
        return Scope((), explicit, changes)
    from golden_rules.adoption.baseline import read_baseline

    return Scope(tuple((name, read_baseline(name)) for name in sorted(named)), explicit, changes)


def new_findings(file: Path, baseline: Baseline, findings: Sequence[Finding]) -> list[int]:
    """Return the positions of the findings that a baseline does not hold; paths are relative to the working directory."""
    from golden_rules.adoption.baseline import entry_of, match

    folder = file.parent
    found = [entry_of(finding, beside(folder, finding.path)) for finding in findings]
    matched = match(baseline.entries, found, lambda path: not (folder / path).exists())
    return [position for position in range(len(findings)) if position not in matched.known]


def beside(folder: Path, display: str) -> str:
    """Return a path from the working directory as one from a folder, with `/`."""
    return relative_to(os.path.abspath(display), str(folder))  # noqa: PTH100 - links stay


def in_change(changes: Changes, findings: Sequence[Finding]) -> list[Finding]:
    """Return the findings that a change touches, in their order; files are read as they are now."""
    from golden_rules.adoption.changed import touched

    by_path: dict[str, list[Finding]] = defaultdict(list)
    for finding in findings:
        by_path[finding.path].append(finding)
    kept: set[int] = set()
    for path, members in by_path.items():
        if ranges := changes.of(path):
            kept.update(id(finding) for finding in touched(members, _content(path), ranges))
    return [finding for finding in findings if id(finding) in kept]


def _content(path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError:
        return b""
