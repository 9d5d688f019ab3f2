"""The work on one file, from reading it to what is known of it; plain data goes in and comes out, so that processes share it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from golden_rules.cache import Seen, seen
from golden_rules.errors import described
from golden_rules.files import SourceFile, UnreadableFile, read_source
from golden_rules.packing import Packed, packed
from golden_rules.writing import UnwritableFile

if TYPE_CHECKING:
    from golden_rules.adoption.scope import Scope
    from golden_rules.claims import Claim
    from golden_rules.findings import Clock, FileResult, Finding, HeldBack
    from golden_rules.fixing import FixedSource
    from golden_rules.naming import Crowded
    from golden_rules.patches import Diff


class Fixing(NamedTuple):
    """How fixes are applied.

    Attributes:
        unsafe: Unsafe fixes too.
        write: Files are replaced; otherwise the changes are only kept as diffs.
        scope: What findings are held against; only those that count are fixed. All are without it.
    """

    unsafe: bool = False
    write: bool = True
    scope: Scope | None = None


class Outcome(NamedTuple):
    """What the work on a file led to.

    Attributes:
        packed: What is known of it, after its fixes.
        result: The same where it cannot be packed.
        seen: What to know the content by that this is said of; `None` where nothing tells.
        content: The content after fixes; `None` where they changed nothing.
        before: What the file held at the start.
        held: What it held when the content was made, so that nothing else is overwritten.
        applied: The findings whose fixes were applied.
        diff: What fixes changed; `None` where that is nothing.
        left: The names of imports that fixes left without a use, and that stay as others may take them from the file.
        claims: The metrics that the file declares after fixes that changed it.
        claimed: Those that it declared at the start.
        held_back: The fixes that would bring another finding.
        failure: What went wrong, a sentence; what else is known is from before that.
    """

    packed: Packed | None = None
    result: FileResult | None = None
    seen: Seen | None = None
    content: bytes | None = None
    before: bytes | None = None
    held: bytes | None = None
    applied: tuple[Finding, ...] = ()
    diff: Diff | None = None
    left: tuple[str, ...] = ()
    claims: tuple[Claim, ...] = ()
    claimed: tuple[Claim, ...] = ()
    held_back: tuple[HeldBack, ...] = ()
    failure: str = ""


def work(file: SourceFile, fixing: Fixing | None) -> Outcome:
    """Read and analyse a file, and compute its fixes where they are asked for; nothing is written."""
    failures: list[str] = []
    with trouble_noted(failures, file):
        status = None
        with suppress(OSError):
            status = os.stat(file.path)  # noqa: PTH116 - one for each of thousands of files
        source = read_source(file.path)
        return outcome(source, file, fixing, None if status is None else seen(status, source))
    return unfixed(file, failures[0])


def unfixed(file: SourceFile, failure: str, source: bytes | None = None) -> Outcome:
    """Return what is known of a file that cannot be fixed: what it holds is still there, and so is what is wrong with it.

    Args:
        file: The file.
        failure: What went wrong, a sentence.
        source: Its content; by default it is read.
    """
    with trouble_noted([], file):
        content = read_source(file.path) if source is None else source
        return outcome(content, file, None)._replace(failure=failure)
    return Outcome(failure=failure)


def refixed(file: SourceFile, source: bytes, fixing: Fixing, losable: Losable, apart: Apart) -> Outcome:
    """Compute the fixes of a file anew from what it held, with metrics that keep apart from others."""
    failures: list[str] = []
    with trouble_noted(failures, file):
        return outcome(source, file, fixing, None, losable, apart)
    return unfixed(file, failures[0], source)


def nothing(_: object) -> bool:
    """Say of nothing that a file can lose it."""
    return False


class Losable(NamedTuple):
    """What a file can lose, as no other takes it from there; each tells of one thing whether it is such.

    Attributes:
        definition: Of a name at the top level, its definition.
        imported: Its import.
        clock: A clock that it reads.
    """

    definition: Callable[[str], bool] = nothing
    imported: Callable[[str], bool] = nothing
    clock: Callable[[Clock], bool] = nothing


NOTHING = Losable()


class Apart(NamedTuple):
    """How the metrics that fixes write keep apart from those of the other files.

    Attributes:
        crowded: The functions that need other names than their own.
        withheld: The names that no fix may write.
    """

    crowded: Crowded | None = None
    withheld: frozenset[str] = frozenset()


PLAIN = Apart()


def outcome(
    source: bytes,
    file: SourceFile,
    fixing: Fixing | None,
    known_by: Seen | None = None,
    losable: Losable = NOTHING,
    apart: Apart = PLAIN,
) -> Outcome:
    """Analyse the content of a file, and compute its fixes where they are asked for; by default they take nothing from others."""
    if fixing is None:
        from golden_rules.engine import analyse_source

        return _outcome(analyse_source(source, file.relative, file.config, scores=False), known_by)
    fixed = _fixed(source, None, file, fixing, losable, apart)
    if fixed.content != source:
        return _changed(fixed, source, source, file)
    return _outcome(fixed.result, known_by)._replace(held_back=fixed.held_back)


def reworked(
    file: SourceFile,
    done: Outcome,
    fixing: Fixing,
    told: Sequence[Finding],
    losable: Losable,
    apart: Apart = PLAIN,
) -> Outcome | None:
    """Fix a file further by what is known of its project; `None` where that changes nothing.

    Args:
        file: The file.
        done: What the work on it led to so far.
        fixing: How fixes are applied.
        told: What the rules about the whole project find in it.
        losable: What the file can lose.
        apart: How the metrics that are written keep apart from others.

    Raises:
        UnreadableFile: It cannot be read any more.
        UnwritableFile: It is another one than `done` speaks of.
    """
    current = read_source(file.path) if done.content is None else done.content
    before = current if done.before is None else done.before
    if told and _changed_meanwhile(file, current, done):
        raise UnwritableFile(f"`{file.display}` changed while it was being fixed: run the command again")
    fixed = _fixed(current, done.before, file, fixing, losable, apart, told)
    if fixed.content == current:
        return None
    further = _changed(fixed, before, current, file)
    return further._replace(applied=(*done.applied, *fixed.applied))


def _changed_meanwhile(file: SourceFile, current: bytes, done: Outcome) -> bool:
    """Whether a file tells something else of itself than it did, so that what was concluded from it does not hold."""
    from golden_rules.engine import analyse_source

    now = _outcome(analyse_source(current, file.relative, file.config, scores=False), None)
    return now.result != done.result if done.packed is None else now.packed != done.packed


def _fixed(
    source: bytes,
    before: bytes | None,
    file: SourceFile,
    fixing: Fixing,
    losable: Losable,
    apart: Apart,
    told: Sequence[Finding] = (),
) -> FixedSource:
    from golden_rules.fixing import fix_source

    scope = fixing.scope
    return fix_source(
        source,
        file.relative,
        file.config,
        unsafe=fixing.unsafe,
        wanted=None if scope is None else partial(scope.fixable, file, source if before is None else before),
        may_go=losable.definition,
        import_may_go=losable.imported,
        clock_may_go=losable.clock,
        told=told,
        before=before,
        crowded=apart.crowded,
        withheld=apart.withheld,
    )


def _changed(fixed: FixedSource, before: bytes, held: bytes, file: SourceFile) -> Outcome:
    from golden_rules.claims import claims_of
    from golden_rules.patches import diff_of
    from golden_rules.source.text import decode

    changes = diff_of(file.path, before, fixed.content, decode(before).encoding)
    done = _outcome(fixed.result, None)
    return done._replace(
        content=fixed.content,
        before=before,
        held=held,
        applied=fixed.applied,
        diff=changes,
        left=fixed.left,
        claims=claims_of(decode(fixed.content).text, file.relative, file.config),
        claimed=claims_of(decode(before).text, file.relative, file.config),
        held_back=fixed.held_back,
    )


def _outcome(result: FileResult, known_by: Seen | None) -> Outcome:
    told = packed(result)
    return Outcome(told, result if told is None else None, known_by)


@contextmanager
def trouble_noted(failures: list[str], file: SourceFile) -> Iterator[None]:
    """Note what goes wrong with a file, a sentence each, and go on."""
    try:
        yield
    except (UnreadableFile, UnwritableFile) as error:
        failures.append(str(error))
    except Exception as error:  # noqa: BLE001 - a bug in one rule must not hide what others find in other files
        failures.append(_failure(file, error))


def _failure(file: SourceFile, error: Exception) -> str:
    from golden_rules.fixing import FixError

    if isinstance(error, FixError):
        return f"`{file.display}` was left as it was: {error}; please report this"
    return f"`{file.display}` could not be checked ({described(error)}); please report this"
