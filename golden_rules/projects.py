"""The projects among the files of a run: what their files tell, and what the rules about a whole project find in them."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from golden_rules.cache import Caches, facts_key
from golden_rules.files import SourceFile
from golden_rules.findings import NAMES, Fact, FileFacts, FileResult, Finding
from golden_rules.packing import unpacked, unpacked_facts
from golden_rules.work import Outcome

Files = Sequence[SourceFile]
Outcomes = list[Outcome | None]


class Project(NamedTuple):
    """Files of a run that belong to one project.

    Attributes:
        members: Their positions in the run.
        whole: Whether all of the project's files are among them, and each could be read.
    """

    members: tuple[int, ...]
    whole: bool


def projects_of(files: Files, outcomes: Outcomes, folders: Sequence[Path]) -> list[Project]:
    """Return the projects that the files below some folders belong to; files that tell nothing are left out."""
    # Strings, as `is_relative_to` would cost a warm run of thousands of files a tenth of its time.
    below = tuple(os.path.join(folder.absolute(), "") for folder in folders)  # noqa: PTH118 - as above
    working = str(Path().absolute())
    # What could not be read may mention anything.
    sound = not any(done is not None and done.failure for done in outcomes)
    members: dict[Path, list[int]] = defaultdict(list)
    for index, (file, done) in enumerate(zip(files, outcomes, strict=True)):
        named = not os.path.join(working, file.path).startswith(below)  # noqa: PTH118 - as above
        if done is not None and told_by(done) and not named:
            members[file.config.root].append(index)
    return [
        Project(tuple(indices), sound and any(root.is_relative_to(folder.absolute()) for folder in folders))
        for root, indices in members.items()
    ]


def concluded_of(project: Project, files: Files, outcomes: Outcomes, caches: Caches) -> list[Finding]:
    """Return what the rules about a whole project find, which is the same as long as the facts of its files are."""
    told = [(files[index].relative, told_by(outcomes[index])) for index in project.members]
    packed = [(path, facts) for path, facts in told if isinstance(facts, bytes)]
    cache = caches.of(files[project.members[0]].config)
    key = facts_key(packed, whole=project.whole) if len(packed) == len(told) else None
    if key is not None and (known := cache.concluded(key)) is not None:
        return known
    from golden_rules.engine import concluded
    from golden_rules.registry import load_rules

    results = [FileResult(path, facts=FileFacts(project=unpacked_told(facts))) for path, facts in told]
    found = concluded(load_rules(), results, whole=project.whole)
    if key is not None:
        cache.conclude(key, found)
    return found


def names_of(done: Outcome | None) -> frozenset[str]:
    """Return the names that a file mentions."""
    facts = unpacked_told(told_by(done))
    return frozenset(name for fact in facts if fact.code == NAMES for name in fact.data if isinstance(name, str))


def told_by(done: Outcome | None) -> bytes | tuple[Fact, ...]:
    """Return what a file tells the rules about the whole project."""
    if done is None:
        return ()
    if done.packed is not None:
        return done.packed.facts
    return () if done.result is None else done.result.facts.project


def unpacked_told(told: bytes | tuple[Fact, ...]) -> tuple[Fact, ...]:
    """Return the facts in what `told_by` returns."""
    return unpacked_facts(told) if isinstance(told, bytes) else told


def result_of(file: SourceFile, done: Outcome) -> FileResult | None:
    """Return what is known of a file; `None` where its work went wrong."""
    if done.result is None and done.packed is not None:
        return unpacked(done.packed, file.relative)
    return done.result
