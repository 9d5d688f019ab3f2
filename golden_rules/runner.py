"""Checking and fixing many files: what one run finds, changes and cannot do."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from golden_rules.cache import Caches, seen
from golden_rules.collector import collector_off
from golden_rules.config import Config
from golden_rules.files import SourceFile
from golden_rules.findings import FileResult, Finding, Severity, without_held_back
from golden_rules.packing import unpacked
from golden_rules.progress import Progress
from golden_rules.project_fixing import ProjectFixes, Step
from golden_rules.projects import Files, Outcomes, Project, concluded_of, projects_of, result_of
from golden_rules.removals import Removals
from golden_rules.work import Fixing, Outcome, outcome, trouble_noted, unfixed
from golden_rules.writing import Replacement, replace_files

if TYPE_CHECKING:
    from golden_rules.crowding import Crowds
    from golden_rules.patches import Diff
    from golden_rules.project_texts import ProjectTexts

__all__ = ["Fixing", "Run", "check_files", "check_stdin", "trouble_noted"]


@dataclass(slots=True)
class Run:
    """What a run has found so far; paths are as the user would type them.

    Attributes:
        files: How many files were checked.
        findings: What is wrong, after fixes where they were asked for.
        fixed: The findings whose fixes were applied.
        silenced: The findings that comments silence.
        baselined: The findings that a baseline holds.
        today: The day that dates are compared with.
        base: What changes were looked for since; empty where all findings count.
        unchanged: How many findings lie outside of what has changed since.
        withheld: How many fixes were left out for want of the runtime, by the file that declares the dependencies.
        diffs: The unified diffs of what fixes would change.
        failures: What went wrong with single files, a sentence each.
        unknown: How many files nothing is known of, as something went wrong with them.
    """

    files: int = 0
    findings: list[Finding] = field(default_factory=list)
    fixed: list[Finding] = field(default_factory=list)
    silenced: list[Finding] = field(default_factory=list)
    baselined: list[Finding] = field(default_factory=list)
    today: date = field(default_factory=date.today)
    base: str = ""
    unchanged: int = 0
    withheld: Counter[str] = field(default_factory=Counter)
    diffs: list[Diff] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    unknown: int = 0

    def add(self, display: str, config: Config, result: FileResult, fixed: Iterable[Finding] = ()) -> None:
        """Take in the result of one file."""
        self.files += 1
        self.findings += [finding._replace(path=display) for finding in result.findings]
        self.fixed += [finding._replace(path=display) for finding in fixed]
        self.silenced += [finding._replace(path=display) for finding in result.facts.silenced]
        if result.facts.withheld and config.declaration_file:
            self.withheld[config.declaration_file] += result.facts.withheld

    @property
    def errors(self) -> int:
        """How many of the findings are errors; warnings do not change the exit status."""
        return sum(finding.severity is Severity.ERROR for finding in self.findings)


def check_files(
    files: Iterable[SourceFile],
    fixing: Fixing | None = None,
    *,
    folders: Sequence[Path] = (),
    caches: Caches | None = None,
    jobs: int | None = 1,
    progress: Progress | None = None,
) -> Run:
    """Check files, and fix them where that is asked for; trouble with one file never ends the run.

    Args:
        files: The files.
        fixing: How fixes are applied; none are without it.
        folders: The folders among what the user named. The rules about the whole project look at files below them only,
            so that what is said of a file that was named by itself hangs on no other.
        caches: What earlier runs found; without them, every file is analysed and nothing is kept.
        jobs: How many processes may share the work, by default one; `None` for as many as there are processors. What
            comes out is the same for any number.
        progress: Where to show how far the run is.
    """
    caches = caches or Caches(on=False)
    files = list(files)
    outcomes = [_remembered(caches, file, fixing) for file in files]
    texts: dict[Path, ProjectTexts] = {}
    crowds = None if fixing is None else _crowds(files, outcomes, fixing, texts)
    try:
        for step in _by_themselves(files, outcomes, fixing, crowds, jobs, progress or Progress()):
            _settle(caches, files, fixing, outcomes, step)
        projects = projects_of(files, outcomes, folders)
        if crowds is not None and fixing is not None:
            for step in ProjectFixes(files, outcomes, projects, fixing, caches, texts, crowds).steps():
                _settle(caches, files, fixing, outcomes, step)
        run = Run()
        kept = partial(_kept, Removals(files, outcomes, projects, texts), crowds)
        for index, (file, done) in enumerate(zip(files, outcomes, strict=True)):
            if done is not None:
                _take_in(run, file, done, partial(kept, index))
        _take_in_projects(run, projects, files, outcomes, caches, kept)
    finally:
        # What an interrupted run has found need not be found again.
        caches.save()
    return run


def _crowds(files: Files, outcomes: Outcomes, fixing: Fixing, texts: dict[Path, ProjectTexts]) -> Crowds:
    # What it takes to read metrics is of no use to a run that fixes nothing.
    from golden_rules.crowding import Crowds

    return Crowds(files, outcomes, fixing, texts)


def _by_themselves(
    files: Files,
    outcomes: Outcomes,
    fixing: Fixing | None,
    crowds: Crowds | None,
    jobs: int | None,
    progress: Progress,
) -> Iterator[Step]:
    """Yield what comes of each file of which nothing is known; those that fixes change come last, in the order of their paths."""
    missing = [index for index, known in enumerate(outcomes) if known is None]
    if not missing:
        return
    from golden_rules.workers import processors, worked

    changed: dict[int, Outcome] = {}
    for at, done in worked([files[index] for index in missing], fixing, jobs or processors(), progress):
        if done.content is None:
            yield [(missing[at], done)]
        else:
            changed[missing[at]] = done
    for index in sorted(changed, key=lambda index: files[index].relative):
        yield [(index, changed[index] if crowds is None else crowds.alone(index, changed[index]))]


def _kept(removals: Removals, crowds: Crowds | None, index: int, findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Return the findings of a file with the fixes that may be applied, and with the reasons where others may not."""
    kept = removals.kept(index, findings, clocks=crowds is not None)
    return kept if crowds is None else crowds.kept(index, kept)


def _remembered(caches: Caches, file: SourceFile, fixing: Fixing | None) -> Outcome | None:
    """Return what is known of a file from earlier runs, unless it has fixes to be applied."""
    known = caches.of(file.config).get(file)
    if known is None:
        return None
    try:
        result = unpacked(known, file.relative)
    except (ValueError, TypeError, EOFError, KeyError):
        return None
    if fixing is not None and any(finding.fix_for(unsafe=fixing.unsafe) for finding in result.findings):
        return None
    return Outcome(known, result)


def _settle(
    caches: Caches, files: Sequence[SourceFile], fixing: Fixing | None, outcomes: list[Outcome | None], step: Step
) -> None:
    """Write what fixes changed in files, in all of them or in none, and take their outcomes in, as they are then."""
    replacements = [
        Replacement(files[index].path, done.content, done.held)
        for index, done in step
        if done.content is not None and fixing is not None and fixing.write
    ]
    if replacements:
        last, _ = step[-1]
        failures: list[str] = []
        with trouble_noted(failures, files[last]):
            replace_files(replacements)
        if failures:
            known = outcomes[last]
            outcomes[last] = unfixed(files[last], failures[0]) if known is None else known._replace(failure=failures[0])
            return
    for index, done in step:
        outcomes[index] = done
        _keep(caches, files[index], done, written=bool(replacements))


def _keep(caches: Caches, file: SourceFile, done: Outcome, *, written: bool) -> None:
    """Keep what is known of a file in the cache, where something tells that it is still that content."""
    known_by = done.seen
    if done.content is not None and written:
        with contextlib.suppress(OSError):
            known_by = seen(file.path.stat(), done.content)
    if done.packed is not None and known_by is not None:
        caches.of(file.config).put(file, known_by, done.packed)


def _take_in(
    run: Run, file: SourceFile, done: Outcome, kept: Callable[[Iterable[Finding]], tuple[Finding, ...]]
) -> None:
    """Add what came of one file to the run, with the fixes that are kept."""
    if done.failure:
        run.failures.append(done.failure)
    result = result_of(file, done)
    if result is None:
        run.unknown += 1
    else:
        findings = tuple(without_held_back(finding, done.held_back) for finding in kept(result.findings))
        run.add(file.display, file.config, result._replace(findings=findings), done.applied)
    if done.diff is not None:
        run.diffs.append(done.diff)


def _take_in_projects(
    run: Run,
    projects: Iterable[Project],
    files: Files,
    outcomes: Outcomes,
    caches: Caches,
    kept: Callable[[int, Iterable[Finding]], tuple[Finding, ...]],
) -> None:
    """Add what the rules about a whole project find in each of the projects that the files belong to."""
    for project in projects:
        positions = {files[index].relative: index for index in project.members}
        for finding in concluded_of(project, files, outcomes, caches):
            index = positions[finding.path]
            (fixable,) = kept(index, [finding])
            shown = fixable._replace(path=files[index].display)
            if finding.supplements:
                run.findings = [_supplemented(known, shown) for known in run.findings]
            else:
                (run.findings if finding.silence is None else run.silenced).append(shown)
    if projects:
        run.findings.sort(key=lambda finding: (finding.path, finding.line, finding.column, finding.code))


def _supplemented(known: Finding, found: Finding) -> Finding:
    """Return what is known of a place in a file, with what the rule has found for it in all files."""
    same = (known.path, known.code, known.line, known.column) == (found.path, found.code, found.line, found.column)
    return known._replace(fix=found.fix, remedy=found.remedy) if same else known


def check_stdin(source: bytes, file: SourceFile, fixing: Fixing | None = None) -> tuple[Run, bytes]:
    """Check one file whose content came by standard input; return the run and the content after fixes."""
    run = Run()
    failures: list[str] = []
    done = Outcome()
    texts: dict[Path, ProjectTexts] = {}
    removals = Removals([file], [done], [], texts)
    crowds = None if fixing is None else _crowds([file], [done], fixing, texts)
    with trouble_noted(failures, file), collector_off():
        losable = removals.losable(0)
        done = outcome(source, file, fixing, None, losable)
        if crowds is not None:
            done = crowds.alone(0, done, losable)
    if failures:
        done = unfixed(file, failures[0], source)
    _take_in(run, file, done, partial(_kept, removals, crowds, 0))
    return run, source if done.content is None else done.content
