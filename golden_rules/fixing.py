"""Applying the fixes of one file, round by round, until none is left to apply."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from golden_rules.config import Config
from golden_rules.engine import analyse_source
from golden_rules.findings import Clock, FileResult, Finding, Fix, HeldBack, written_of
from golden_rules.naming import Crowded, module_parts, package_of
from golden_rules.rules.base import Rule
from golden_rules.source.deletion import is_private
from golden_rules.source.edits import apply_edits, apply_fixes, compatible_fixes
from golden_rules.source.leftover_imports import leftover_imports
from golden_rules.source.leftover_loops import leftover_loops
from golden_rules.source.outlining import outline
from golden_rules.source.parsing import Unparseable, parse
from golden_rules.source.syntax import why_not_compiled
from golden_rules.source.text import SourceText, UndecodableSource, decode

# Each round settles at least one finding of every conflict; a rule whose fix does not remove its finding must end too.
_MAX_ROUNDS = 20


class FixError(Exception):
    """The fixes of a file are not sound: they do not parse, do not end, or cannot be written in its encoding."""


@dataclass(frozen=True, slots=True)
class FixedSource:
    """A file after its fixes.

    Attributes:
        content: The file's new bytes; the old ones where nothing was fixed.
        applied: The findings whose fixes were applied, in order of round.
        result: The analysis of the new content.
        left: The names of imports that the fixes left without a use, and that stay as others may take them from the file.
        held_back: The fixes that would bring another finding, and were not applied.
    """

    content: bytes
    applied: tuple[Finding, ...]
    result: FileResult
    left: tuple[str, ...] = ()
    held_back: tuple[HeldBack, ...] = ()


def fix_source(
    source: bytes,
    path: str,
    config: Config,
    rules: Sequence[Rule] | None = None,
    *,
    unsafe: bool = False,
    wanted: Callable[[bytes, Sequence[Finding]], Sequence[Finding]] | None = None,
    may_go: Callable[[str], bool] = is_private,
    import_may_go: Callable[[str], bool] = is_private,
    clock_may_go: Callable[[Clock], bool] = bool,
    told: Sequence[Finding] = (),
    before: bytes | None = None,
    crowded: Crowded | None = None,
    withheld: Collection[str] = (),
) -> FixedSource:
    """Apply the fixes of one file to a fixed point; nothing is written.

    Args:
        source: The file's content.
        path: Its path relative to the project's root, with `/`.
        config: The settings in force for it.
        rules: The rules to choose from; by default all that are installed.
        unsafe: Whether unsafe fixes are applied too.
        wanted: Chooses from what is found in a content what to fix; by default all of it.
        may_go: Tells of a name that is defined at the top level whether the file can lose it, as no other file imports it.
        import_may_go: Tells the same of a name that is imported there, and that the fixes leave without a use.
        clock_may_go: Tells of a clock whether no other file replaces it; by default none does. Unsafe fixes do not ask.
        told: What the rules about the whole project find in `source` and is to be fixed.
        before: What the file held before earlier fixes, where there were any.
        crowded: The functions that need other names than their own for their metrics.
        withheld: Names of metrics that no fix may write.

    Raises:
        FixError: The fixes are not sound, which is a bug in a rule; the file must be left as it is.
    """
    naming = config if crowded is None else replace(config, crowded=crowded)
    at_start = analyse_source(source, path, naming, rules, scores=False)
    held_back: tuple[HeldBack, ...] = ()

    def allowed(finding: Finding) -> Fix | None:
        fix = finding.fix_for(unsafe=unsafe)
        if fix is None or written_of(fix, withheld) or any(_place(finding) == held[:2] for held in held_back):
            return None
        goes = all(map(may_go, fix.removes)) and (unsafe or all(map(clock_may_go, fix.clocks)))
        return fix if goes else None

    while True:
        start = (source, at_start)
        content, applied, result = _fixed_point(start, path, naming, rules, told, allowed, wanted)
        bringing = tuple(_bringing(at_start.findings, result.findings, applied))
        if not bringing:
            break
        held_back += bringing
    if not applied and before is None:
        result = result if crowded is None else analyse_source(content, path, config, rules, scores=False)
        return FixedSource(content, (), result, (), held_back)
    # What a package's `__init__.py` imports, other files import from there.
    is_package = path.endswith("__init__.py")
    may_go = (lambda _: False) if is_package else import_may_go
    tidy, left = _tidied(content, before or source, may_go, applied)
    if tidy != content or crowded is not None:
        result = analyse_source(tidy, path, config, rules, scores=False)
    return FixedSource(tidy, tuple(applied), result, () if is_package else left, held_back)


def _fixed_point(
    start: tuple[bytes, FileResult],
    path: str,
    config: Config,
    rules: Sequence[Rule] | None,
    told: Sequence[Finding],
    allowed: Callable[[Finding], Fix | None],
    wanted: Callable[[bytes, Sequence[Finding]], Sequence[Finding]] | None,
) -> tuple[bytes, list[Finding], FileResult]:
    """Apply fixes round by round until none is left; return the content, what was applied, and what is found then."""
    applied: list[Finding] = []
    content, result = start
    for _ in range(_MAX_ROUNDS + 1):
        chosen_from = result.findings if wanted is None else wanted(content, result.findings)
        fixable = {finding: fix for finding in (*told, *chosen_from) if (fix := allowed(finding)) is not None}
        if not fixable:
            return content, applied, result
        told = ()
        content, chosen = _round(content, path, fixable)
        applied += chosen
        result = analyse_source(content, path, config, rules, scores=False)
    raise FixError(f"the fixes of {_codes(fixable)} do not come to an end")


def _bringing(before: Iterable[Finding], after: Iterable[Finding], applied: Sequence[Finding]) -> Iterator[HeldBack]:
    """Yield the fixes that have brought a finding which none could mend: those of its function, where there are any."""
    new = Counter(map(_place, after)) - Counter(map(_place, before))
    for code, function in new:
        near = [finding for finding in applied if _is_near(finding.function, function)]
        for blamed in dict.fromkeys(map(_place, near or applied)):
            yield HeldBack(*blamed, f"{code} would be found instead")


def _place(finding: Finding) -> tuple[str, str]:
    """Return what tells a finding while its file changes."""
    return finding.code, finding.function


def _is_near(one: str, other: str) -> bool:
    """Whether a function or class is another, or stands in it."""
    return f"{one}.".startswith(f"{other}.") or f"{other}.".startswith(f"{one}.")


def _tidied(
    content: bytes, before: bytes, may_go: Callable[[str], bool], applied: Sequence[Finding]
) -> tuple[bytes, tuple[str, ...]]:
    """Return a fixed file without the imports that its fixes left unused, and the names of those that stay all the same."""
    tree_before = parse(decode(before))
    left: dict[str, None] = {}

    def goes(name: str) -> bool:
        if may_go(name):
            return True
        left[name] = None
        return False

    while True:
        text = decode(content)
        tree = parse(text)
        edits = leftover_loops(text, tree, tree_before) or leftover_imports(text, tree, tree_before, goes)
        if not edits:
            return content, tuple(left)
        content = _encoded(text, apply_edits(text.text, edits), applied)


def _round(content: bytes, path: str, fixable: Mapping[Finding, Fix]) -> tuple[bytes, list[Finding]]:
    text = decode(content)
    tree = parse(text)
    module = outline(tree, ".".join(module_parts(path)), package_of(path))
    fixes = compatible_fixes(list(fixable.values()))
    kept = {id(fix) for fix in fixes}
    chosen = [finding for finding, fix in fixable.items() if id(fix) in kept]
    fixed = apply_fixes(text, module, fixes)
    try:
        hindrance = why_not_compiled(parse(SourceText(fixed)))
    except Unparseable as error:
        raise FixError(f"the fixes of {_codes(chosen)} would leave code that does not parse ({error})") from error
    if hindrance and not why_not_compiled(tree):
        raise FixError(f"the fixes of {_codes(chosen)} would leave code that does not compile ({hindrance})")
    return _encoded(text, fixed, chosen), chosen


def _codes(findings: Iterable[Finding]) -> str:
    return ", ".join(sorted({finding.code for finding in findings}))


def _encoded(before: SourceText, fixed: str, applied: Iterable[Finding]) -> bytes:
    """Return a fixed text as Python will read it again; raises FixError where the file's encoding does not allow that."""
    try:
        content = before.encode(fixed)
        # A comment on the coding that has moved away from the top, or to it, would say something else.
        if decode(content).text == fixed:
            return content
    except (UnicodeError, UndecodableSource):
        pass
    raise FixError(f"the fixes of {_codes(applied)} cannot be written in {before.encoding}")
