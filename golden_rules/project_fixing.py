"""Fixes that hang on the other files of a project, or change several of them, applied until none is left."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from golden_rules.cache import Caches
from golden_rules.files import SourceFile, read_source
from golden_rules.findings import Finding
from golden_rules.projects import Files, Outcomes, Project, concluded_of, names_of, result_of
from golden_rules.removals import Removals
from golden_rules.work import PLAIN, Apart, Fixing, Losable, Outcome, reworked, trouble_noted

if TYPE_CHECKING:
    from golden_rules.crowding import Crowds
    from golden_rules.project_texts import ProjectTexts

# What a fix leaves unused goes in the next round; each takes away something.
_MAX_ROUNDS = 200
# What comes of files that change together, with their positions in the run.
Step = list[tuple[int, Outcome]]


class ProjectFixes:
    """Fixes that hang on other files, or change several, applied until none is left."""

    def __init__(
        self,
        files: Files,
        outcomes: Outcomes,
        projects: Sequence[Project],
        fixing: Fixing,
        caches: Caches,
        texts: dict[Path, ProjectTexts],
        crowds: Crowds,
    ) -> None:
        """Take the run, and what was read of its projects before; nothing is done before it is asked for."""
        self._files = files
        self._outcomes = outcomes
        self._projects = projects
        self._fixing = fixing
        self._caches = caches
        self._texts = texts
        self._crowds = crowds

    def steps(self) -> Iterator[Step]:
        """Yield what comes of each file that changes, together where all of them change or none.

        Whoever iterates writes the files and puts their outcomes among those of the run, so that they hold what is on disk when
        the next ones are looked at.
        """
        for _ in range(_MAX_ROUNDS):
            changed = False
            for step in itertools.chain(self._single(), self._across()):
                changed = True
                yield step
            if not changed:
                return

    def _single(self) -> Iterator[Step]:
        """Yield what comes of the fixes of single files, one round of them."""
        removals = self._removals()
        told: dict[int, list[Finding]] = defaultdict(list)
        for index, finding in self._fixable():
            if not _spans(finding):
                told[index].append(finding)
        for index, file in sorted(enumerate(self._files), key=lambda numbered: numbered[1].relative):
            done = self._outcomes[index]
            if done is None or done.failure:
                continue
            losable = removals.losable(index)
            due = _waits(file, done, self._fixing, losable) or any(map(losable.imported, done.left))
            if not (told[index] or due):
                continue
            counting = self._counting(index, done, told[index])
            again = partial(self._reworked, index, done, counting, losable)
            further = again(PLAIN)
            further = None if further is None else self._crowds.settled(index, further, again)
            if further is not None:
                yield [(index, further)]

    def _across(self) -> Iterator[Step]:
        """Yield what comes of one fix that changes several files: all of it, the file that loses a name last, or nothing."""
        for index, finding in self._fixable():
            done = self._outcomes[index]
            if done is None or not _spans(finding) or not self._counting(index, done, [finding]):
                continue
            step = self._step_across(index, finding)
            if any(other is not None and other.failure for other in self._outcomes):
                return  # what could not be read or fixed may still use the name
            if step:
                yield step
                return

    def _fixable(self) -> Iterator[tuple[int, Finding]]:
        """Yield what the rules about the whole project find now and can fix, with the position of the file."""
        for project in self._projects:
            positions = {self._files[index].relative: index for index in project.members}
            for finding in concluded_of(project, self._files, self._outcomes, self._caches):
                if finding.silence is None and finding.fix_for(unsafe=self._fixing.unsafe):
                    yield positions[finding.path], finding

    def _counting(self, index: int, done: Outcome, told: Sequence[Finding]) -> Sequence[Finding]:
        """Return those of a project's findings in a file that count: not in a baseline, and in what was changed."""
        scope, file = self._fixing.scope, self._files[index]
        result = result_of(file, done)
        if scope is None or not told or result is None:
            return told
        content = read_source(file.path) if done.content is None else done.content
        before = content if done.before is None else done.before
        own = [finding for finding in result.findings if not any(_same_place(finding, other) for other in told)]
        counting = {id(finding) for finding in scope.fixable(file, before, content, [*own, *told])}
        return [finding for finding in told if id(finding) in counting]

    def _step_across(self, index: int, finding: Finding) -> Step:
        """Return what comes of each file of a fix that changes several; nothing where one would still mention what goes."""
        fix = finding.fix_for(unsafe=self._fixing.unsafe)
        removals = self._removals()
        if fix is None or any(removals.unread(index, fix)):
            return []
        root = self._files[index].config.root
        positions = {file.relative: at for at, file in enumerate(self._files) if file.config.root == root}
        own = fix._replace(elsewhere=(), removes=())
        parts = [
            *(
                (positions[other.path], own._replace(edits=other.edits, imports=other.imports))
                for other in fix.elsewhere
            ),
            (index, own),
        ]
        step: Step = []
        for at, part in parts:
            done = self._outcomes[at]
            told = finding._replace(path=self._files[at].relative, fix=part)
            losable = Losable(imported=removals.imports_of(at, fix.removes))
            further = None if done is None else self._reworked(at, done, [told], losable, PLAIN)
            if further is None or (at != index and not names_of(further).isdisjoint(fix.removes)):
                return []
            step.append((at, further))
        return step if self._crowds.fits(index, step) else []

    def _removals(self) -> Removals:
        return Removals(self._files, self._outcomes, self._projects, self._texts)

    def _reworked(
        self,
        index: int,
        done: Outcome,
        told: Sequence[Finding],
        losable: Losable,
        apart: Apart,
    ) -> Outcome | None:
        """Return what comes of further fixes of a file; `None` where that is nothing, or trouble, which is noted."""
        file = self._files[index]
        failures: list[str] = []
        with trouble_noted(failures, file):
            return reworked(file, done, self._fixing, told, losable, apart)
        self._outcomes[index] = done._replace(failure=failures[0])
        return None


def _spans(finding: Finding) -> bool:
    """Whether a finding's fix changes several files."""
    return any(fix is not None and fix.elsewhere for fix in (finding.fix, finding.unsafe_fix))


def _same_place(one: Finding, other: Finding) -> bool:
    return (one.code, one.line, one.column) == (other.code, other.line, other.column)


def _waits(file: SourceFile, done: Outcome, fixing: Fixing, losable: Losable) -> bool:
    """Whether a file has a fix that waited for what other files say, and can have it."""
    result = result_of(file, done)
    fixes = () if result is None else [finding.fix_for(unsafe=fixing.unsafe) for finding in result.findings]
    return any(
        fix is not None
        and bool(fix.removes or fix.clocks)
        and all(map(losable.definition, fix.removes))
        and (fixing.unsafe or all(map(losable.clock, fix.clocks)))
        for fix in fixes
    )
