"""The projects among the files of a run: what the rules about a whole project find, and the fixes that take all of its files."""

from __future__ import annotations

import os
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from golden_rules.cache import Caches, facts_key
from golden_rules.files import SourceFile
from golden_rules.findings import Fact, FileFacts, FileResult, Finding
from golden_rules.packing import unpacked, unpacked_facts
from golden_rules.work import Fixing, Outcome, reworked, trouble_noted

# What a fix leaves unused goes in the next round; each takes away something.
_MAX_ROUNDS = 50

Files = Sequence[SourceFile]
Outcomes = list[Outcome | None]


@dataclass(frozen=True, slots=True)
class Project:
    """Files of a run that belong to one project.

    Attributes:
        members: Their positions in the run.
        whole: Whether all of the project's files are among them.
    """

    members: tuple[int, ...]
    whole: bool


def projects_of(files: Files, outcomes: Outcomes, folders: Sequence[Path]) -> list[Project]:
    """Return the projects that the files below some folders belong to; files that tell nothing are left out."""
    # Strings, as `is_relative_to` would cost a warm run of thousands of files a tenth of its time.
    below = tuple(os.path.join(folder.absolute(), "") for folder in folders)  # noqa: PTH118 - as above
    working = str(Path().absolute())
    members: dict[Path, list[int]] = defaultdict(list)
    for index, (file, done) in enumerate(zip(files, outcomes, strict=True)):
        named = not os.path.join(working, file.path).startswith(below)  # noqa: PTH118 - as above
        if done is not None and _told(done) and not named:
            members[file.config.root].append(index)
    return [
        Project(tuple(indices), any(root.is_relative_to(folder.absolute()) for folder in folders))
        for root, indices in members.items()
    ]


def concluded_of(project: Project, files: Files, outcomes: Outcomes, caches: Caches) -> list[Finding]:
    """Return what the rules about a whole project find, which is the same as long as the facts of its files are."""
    told = [(files[index].relative, _told(outcomes[index])) for index in project.members]
    packed = [(path, facts) for path, facts in told if isinstance(facts, bytes)]
    cache = caches.of(files[project.members[0]].config)
    key = facts_key(packed, whole=project.whole) if len(packed) == len(told) else None
    if key is not None and (known := cache.concluded(key)) is not None:
        return known
    from golden_rules.engine import concluded
    from golden_rules.registry import load_rules

    results = [FileResult(path, facts=FileFacts(project=_unpacked(facts))) for path, facts in told]
    found = concluded(load_rules(), results, whole=project.whole)
    if key is not None:
        cache.conclude(key, found)
    return found


class Removals:
    """What the files of a run can lose: which names at their top level no other file mentions."""

    def __init__(self, files: Files, outcomes: Outcomes, projects: Iterable[Project]) -> None:
        """Take the projects; nothing is read before it is asked for."""
        self._files = files
        self._outcomes = outcomes
        # What could not be read may mention anything.
        sound = not any(done is not None and done.failure for done in outcomes)
        self._projects = {
            index: project for project in projects if project.whole and sound for index in project.members
        }
        self._mentions: dict[Project, Counter[str]] = {}

    def of(self, index: int) -> Callable[[str], bool]:
        """Return what tells of a name whether a file can lose it; only private ones where not all files are known."""
        from golden_rules.fixing import is_private

        project = self._projects.get(index)
        if project is None:
            return is_private
        if project not in self._mentions:
            members = project.members
            self._mentions[project] = Counter(name for member in members for name in self._names(member))
        mentions, own = self._mentions[project], self._names(index)
        return lambda name: mentions[name] == (name in own)

    def kept(self, index: int, findings: Iterable[Finding]) -> tuple[Finding, ...]:
        """Return the findings of a file without the fixes that would take from it what others may import."""
        return tuple(finding if not _removes(finding) else self._without(index, finding) for finding in findings)

    def _without(self, index: int, finding: Finding) -> Finding:
        may_go = self.of(index)
        fixes = [fix if fix and all(map(may_go, fix.removes)) else None for fix in (finding.fix, finding.unsafe_fix)]
        return replace(finding, fix=fixes[0], unsafe_fix=fixes[1])

    def _names(self, index: int) -> frozenset[str]:
        from golden_rules.rules.base import NAMES

        facts = _unpacked(_told(self._outcomes[index]))
        return frozenset(name for fact in facts if fact.code == NAMES for name in fact.data if isinstance(name, str))


def mend(
    files: Files, outcomes: Outcomes, projects: Sequence[Project], fixing: Fixing, caches: Caches
) -> Iterator[tuple[int, Outcome]]:
    """Apply the fixes that hang on other files, until none is left; yield what comes of each file that changes.

    Whoever iterates writes the file and puts its outcome among `outcomes`, so that they hold what is on disk when the next
    one is looked at.
    """
    for _ in range(_MAX_ROUNDS):
        removals = Removals(files, outcomes, projects)
        told = _told_of(files, outcomes, projects, fixing, caches)
        changed = False
        for index, file in enumerate(files):
            done = outcomes[index]
            findings = told.get(index, ())
            if done is None or done.failure or not (findings or _waits(file, done, fixing)):
                continue
            failures: list[str] = []
            further: Outcome | None = None
            with trouble_noted(failures, file):
                further = reworked(file, done, fixing, findings, removals.of(index))
            if failures:
                outcomes[index] = replace(done, failure=failures[0])
            elif further is not None:
                changed = True
                yield index, further
        if not changed:
            return


def _told_of(
    files: Files, outcomes: Outcomes, projects: Sequence[Project], fixing: Fixing, caches: Caches
) -> Mapping[int, list[Finding]]:
    """Return what the rules about a whole project find and can fix, by the position of the file."""
    told: dict[int, list[Finding]] = defaultdict(list)
    for project in projects:
        positions = {files[index].relative: index for index in project.members}
        for finding in concluded_of(project, files, outcomes, caches):
            if finding.silence is None and finding.fix_for(unsafe=fixing.unsafe):
                told[positions[finding.path]].append(finding)
    return told


def _waits(file: SourceFile, done: Outcome, fixing: Fixing) -> bool:
    """Whether a file has a fix that hangs on what other files mention."""
    result = result_of(file, done)
    fixes = () if result is None else [finding.fix_for(unsafe=fixing.unsafe) for finding in result.findings]
    return any(fix is not None and fix.removes for fix in fixes)


def result_of(file: SourceFile, done: Outcome) -> FileResult | None:
    """Return what is known of a file; `None` where its work went wrong."""
    if done.result is None and done.packed is not None:
        return unpacked(done.packed, file.relative)
    return done.result


def _removes(finding: Finding) -> bool:
    return any(fix is not None and fix.removes for fix in (finding.fix, finding.unsafe_fix))


def _told(done: Outcome | None) -> bytes | tuple[Fact, ...]:
    if done is None:
        return ()
    if done.packed is not None:
        return done.packed.facts
    return () if done.result is None else done.result.facts.project


def _unpacked(told: bytes | tuple[Fact, ...]) -> tuple[Fact, ...]:
    return unpacked_facts(told) if isinstance(told, bytes) else told
