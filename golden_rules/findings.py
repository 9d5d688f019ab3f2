"""Findings and fixes: plain frozen data that every later step only reads.

Named tuples rather than data classes, here and wherever a run that finds all in its cache comes by: they are defined in a
fifth of the time, and made in an eighth, where a commit of few files spends most of its time on imports.
"""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

NAMES = "names"
"""The code of the facts that say which names a file mentions."""


class Safety(StrEnum):
    """Whether a fix may be applied unasked."""

    SAFE = "safe"
    """Behaviour, values and logs stay as they were."""

    UNSAFE = "unsafe"
    """Behaviour can change, or a log line goes; applied with `--unsafe-fixes` only."""


class Severity(StrEnum):
    """How a finding counts."""

    ERROR = "error"
    WARNING = "warning"


class Edit(NamedTuple):
    """Replace the text between two offsets (in characters of the decoded text) by another."""

    start: int
    end: int
    text: str


class ImportedName(NamedTuple):
    """A name that a fix needs: `from module import name`, or `import module` where `name` is empty."""

    module: str
    name: str


class FileEdits(NamedTuple):
    """Edits of another file than that of the finding, and the imports that they need.

    Attributes:
        path: The file, relative to the project's root, with `/`.
    """

    path: str
    edits: tuple[Edit, ...]
    imports: tuple[ImportedName, ...] = ()


class Clock(NamedTuple):
    """A clock that a file reads before a fix, and not after it.

    Attributes:
        written: Its name as the file has it: `time.time`, `perf_counter`.
        target: What that stands for: `time.time`, `time.perf_counter`.
    """

    written: str
    target: str


class Fix(NamedTuple):
    """Edits that remedy one finding.

    The imports they need are named apart and written when fixes are applied, so that several fixes of one file share
    one import statement.

    Attributes:
        removes: The names at the top level of the file that are gone afterwards; it is applied only where no other file
            may import them.
        elsewhere: What changes in other files of the project; all of it is applied, or nothing.
        clocks: The clocks that the code does not read any more; where another file replaces one, a safe fix is an unsafe one.
    """

    safety: Safety
    description: str
    edits: tuple[Edit, ...]
    imports: tuple[ImportedName, ...] = ()
    removes: tuple[str, ...] = ()
    elsewhere: tuple[FileEdits, ...] = ()
    clocks: tuple[Clock, ...] = ()


def written_of(fix: Fix, names: Collection[str]) -> str:
    """Return which of some names of metrics a fix writes, in any file; `""` where it writes none."""
    edits = (*fix.edits, *(edit for other in fix.elsewhere for edit in other.edits))
    return next((name for name in names if any(f'"{name}"' in edit.text for edit in edits)), "")


class Silence(NamedTuple):
    """What a comment that silences a finding says of it.

    Attributes:
        reason: Why, in the author's words; empty where he gives none.
        until: The first day on which the finding counts again, as `2027-03-01`; empty where it never does.
    """

    reason: str
    until: str = ""


class Finding(NamedTuple):
    """One wrong in one place.

    Attributes:
        path: The file, relative to the project's root, with `/`.
        line: The line of its first character, from 1; `column` likewise, in characters.
        end_line: The line of the character after its last; `end_column` likewise.
        function: The qualified name of the function or class it speaks of, `""` for the module.
        remedy: What to write instead, in one sentence.
        text: The source line it starts on.
        fix: The fix; the safe one where there are two.
        unsafe_fix: What `--unsafe-fixes` does instead of a safe fix.
        silence: What the comment says that silences it; `None` where none does.
        grace_until: The day from which it is an error; `None` where it is what `severity` says on every day.
        supplements: Whether it is none of its own: it gives its fix and its remedy to the one at the same place.
    """

    code: str
    name: str
    message: str
    path: str
    line: int
    column: int
    end_line: int
    end_column: int
    function: str
    severity: Severity
    remedy: str
    text: str
    fix: Fix | None = None
    unsafe_fix: Fix | None = None
    silence: Silence | None = None
    grace_until: date | None = None
    supplements: bool = False

    def fix_for(self, *, unsafe: bool) -> Fix | None:
        """Return the fix to apply, where unsafe ones are allowed or not, or `None`."""
        if unsafe:
            return self.unsafe_fix or self.fix
        return self.fix if self.fix is not None and self.fix.safety is Safety.SAFE else None


class HeldBack(NamedTuple):
    """A fix that was not applied, as it would bring another finding.

    Attributes:
        why: The end of a sentence that says which.
    """

    code: str
    function: str
    why: str


def without_held_back(finding: Finding, held_back: Iterable[HeldBack]) -> Finding:
    """Return a finding without its fix where that was held back, and with the reason."""
    place = (finding.code, finding.function)
    why = next((held.why for held in held_back if (held.code, held.function) == place), "")
    return without_fix(finding, why) if why and (finding.fix or finding.unsafe_fix) else finding


def without_fix(finding: Finding, why: str) -> Finding:
    """Return a finding without its fix, whose remedy says why there is none."""
    return finding._replace(fix=None, unsafe_fix=None, remedy=without_fix_as(finding.remedy, why))


def without_fix_as(remedy: str, why: str) -> str:
    """Return a remedy that says why there is no fix; as it is without a reason."""
    return f"{remedy} (no fix, as {why})" if why else remedy


class ScoredFunction(NamedTuple):
    """What the linter thinks of one function, for `coverage`.

    Attributes:
        line: The line of its `def`.
        score: How critical it is, in points; the sum of what `reasons` name.
        critical: Whether the score reaches the threshold, or the configuration says so.
        measured: Whether something measures it.
        reasons: Why, in words, the weightiest first.
    """

    path: str
    function: str
    line: int
    score: float
    critical: bool
    measured: bool
    reasons: tuple[str, ...]


class Place(NamedTuple):
    """Where something stands in a file: lines and columns from 1, the end behind the last character.

    Attributes:
        function: The qualified name of the function or class around it, `""` for the module.
        text: The source line it starts on.
    """

    line: int
    column: int
    end_line: int
    end_column: int
    function: str
    text: str


class Fact(NamedTuple):
    """What one file tells a rule about the whole project.

    Attributes:
        code: The rule that it is for.
        path: The file, relative to the project's root, with `/`.
        place: What a finding would mark; `None` where none can follow.
        silence: What the comment says that silences the rule there; `None` where none does.
        fix: What remedies a finding there; `None` where nothing does.
    """

    code: str
    path: str
    data: tuple[object, ...]
    place: Place | None = None
    silence: Silence | None = None
    fix: Fix | None = None


class FileFacts(NamedTuple):
    """What else is known of a file after its analysis.

    Attributes:
        lines: How many lines it has.
        silenced: The findings that comments silence; each says how in `silence`.
        withheld: How many fixes were left out because the project does not declare the runtime.
        project: What the file tells the rules about the whole project.
    """

    lines: int = 0
    silenced: tuple[Finding, ...] = ()
    withheld: int = 0
    project: tuple[Fact, ...] = ()


class FileResult(NamedTuple):
    """All that one file's analysis yields; plain data, so that it can be cached and cross processes."""

    path: str
    findings: tuple[Finding, ...] = ()
    functions: tuple[ScoredFunction, ...] = ()
    facts: FileFacts = FileFacts()
