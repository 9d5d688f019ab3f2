"""Comments that speak to the linter: `# golden-rules: ignore[GR201] until 2027-03-01 -- reason` and its sisters."""

from __future__ import annotations

import contextlib
import io
import re
import tokenize
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from itertools import chain

from golden_rules.findings import Silence
from golden_rules.selection import EVERYTHING, reach
from golden_rules.source.outline import Class, Function
from golden_rules.source.text import SourceText

MARKER = "golden-rules:"
WORDS = ("ignore", "ignore-file", "critical", "not-critical")
# The rules about comments: a comment that silences everything does not silence what is said of itself.
ABOUT_COMMENTS = "GR90"
_DIRECTIVE = re.compile(r"(?<!\S)#\s*golden-rules:\s*(?P<word>[a-z][\w-]*)\s*(?:\[(?P<codes>[^\]]*)\])?", re.IGNORECASE)
# What follows the codes: up to the next comment on the same line; `#123` in a reason starts none.
_REST = re.compile(r"(?:(?!\s+#\s*[A-Za-z]).)*")
# A day counts anywhere before or in the reason; right after the brackets every word stands where the day must, and a day
# after another word is one that somebody meant.
_UNTIL = re.compile(r"^\s*until\s+(?!--)(\S+)|\buntil\s+(\d[\w-]*)|^\s*([A-Za-z]+:?\s+\d{4}-\d\d?-\d\d?)(?!\S)")
_UNCLOSED = re.compile(r"\s*\[")
_REASON = re.compile(r"(?:^|\s)--\s*(.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Ignore:
    """A comment that silences rules.

    Attributes:
        line: The line it stands on.
        start: The offset of its first character in the file, the `#`.
        end: The offset after its last character.
        alone: Nothing but comments stand on its line.
        whole_file: It speaks for the whole file.
        selectors: The codes, prefixes and names in its brackets, as written; `("ALL",)` without brackets.
        reason: Why, in the author's words.
        until: The first day on which it does not count any more, as written; empty where it always counts.
    """

    line: int
    start: int
    end: int
    alone: bool
    whole_file: bool
    selectors: tuple[str, ...]
    reason: str
    until: str

    @property
    def has_codes(self) -> bool:
        """Whether it names what it silences."""
        return self.selectors != (EVERYTHING,)

    @property
    def silence(self) -> Silence:
        """What a finding that it silences carries along."""
        return Silence(self.reason, self.until if is_date(self.until) else "")

    def selecting(self, code: str, name: str) -> str | None:
        """Return the selector that takes in a rule, or `None`."""
        for selector in self.selectors:
            if takes_in(selector, code, name) and (selector != EVERYTHING or not code.startswith(ABOUT_COMMENTS)):
                return selector
        return None


@dataclass(frozen=True, slots=True)
class Directives:
    """What a file's comments say.

    Attributes:
        ignores: The comments that silence rules, in order.
        critical: The lines that say `critical`.
        not_critical: The lines that say `not-critical`.
        alone: The lines that hold nothing but comments, such a one among them.
        unknown: Words that are none, with the offsets of the comments they stand in.
    """

    ignores: tuple[Ignore, ...] = ()
    critical: frozenset[int] = frozenset()
    not_critical: frozenset[int] = frozenset()
    alone: frozenset[int] = frozenset()
    unknown: tuple[tuple[str, int, int], ...] = ()
    _by_line: Mapping[int, tuple[Ignore, ...]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Sort the comments by line."""
        by_line: dict[int, tuple[Ignore, ...]] = {}
        for ignore in self.ignores:
            line = 0 if ignore.whole_file else ignore.line
            by_line[line] = (*by_line.get(line, ()), ignore)
        object.__setattr__(self, "_by_line", by_line)

    def silencing(self, code: str, name: str, line: int, around: Function | Class | None) -> tuple[Ignore, str] | None:
        """Return the comment that silences a rule, and its selector: on the line, on the header of the function or class around it, for the file."""
        if not self._by_line:
            return None
        about = () if around is None else self.lines_about(around)
        for number in chain((line,), about, (0,)):
            for ignore in self._by_line.get(number, ()):
                selector = ignore.selecting(code, name)
                if selector is not None:
                    return ignore, selector
        return None

    def lines_about(self, around: Function | Class) -> Iterator[int]:
        """Yield the lines on which a comment speaks of a function or class: the one above it, its decorators, its header."""
        above = around.start_line - 1
        # At the end of the line above, a comment speaks of what stands there.
        if above in self.alone:
            yield above
        yield from range(around.start_line, max(around.line + 1, around.node.body[0].lineno))


NO_DIRECTIVES = Directives()


def read_directives(source: SourceText) -> Directives:
    """Read the directives among a file's comments; strings that look like one are none."""
    if MARKER not in source.text:
        return NO_DIRECTIVES
    ignores: list[Ignore] = []
    unknown: list[tuple[str, int, int]] = []
    lines: dict[str, set[int]] = {"critical": set(), "not-critical": set()}
    alone: set[int] = set()
    for line, column, comment in _comments(source):
        is_alone = not source.line(line)[:column].strip()
        if is_alone:
            alone.add(line)
        for match in _DIRECTIVE.finditer(comment):
            rest = _REST.match(comment, match.end())
            start, end = (source.line_start(line) + column + at for at in (match.start(), rest.end() if rest else 0))
            word = match["word"].lower()
            if word in lines:
                lines[word].add(line)
            elif word in WORDS:
                ignores.append(_ignore(line, start, end, match, rest[0] if rest else "", alone=is_alone))
            else:
                unknown.append((match["word"], start, end))
    said = (frozenset(lines["critical"]), frozenset(lines["not-critical"]), frozenset(alone))
    return Directives(tuple(ignores), *said, tuple(unknown))


def _ignore(line: int, start: int, end: int, match: re.Match[str], rest: str, *, alone: bool) -> Ignore:
    listed = match["codes"]
    selectors = (EVERYTHING,) if listed is None else tuple(code for part in listed.split(",") if (code := part.strip()))
    if listed is None and _UNCLOSED.match(rest):
        # Whoever forgets the `]` has named rules, and must not silence all of them.
        selectors = ()
    until = _UNTIL.search(rest)
    reason = _REASON.search(rest)
    words = reason[1].strip() if reason else ""
    whole_file = match["word"].lower() == "ignore-file"
    return Ignore(line, start, end, alone, whole_file, selectors, words, until[until.lastindex or 0] if until else "")


def takes_in(selector: str, code: str, name: str) -> bool:
    """Return whether a selector in a comment takes in a rule; comments are read whatever their case."""
    return reach(selector.upper(), code, "") >= 0 or selector.lower() == name


def is_date(text: str) -> bool:
    """Return whether a text is a day of the calendar, as `2027-03-01`."""
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return len(text) == len("2027-03-01")


def _comments(source: SourceText) -> Iterator[tuple[int, int, str]]:
    reader = io.StringIO(source.parseable, newline="").readline
    # Newer syntax than this interpreter's tokenizer knows ends the reading; what was read so far counts.
    with contextlib.suppress(tokenize.TokenError, SyntaxError):
        for token in tokenize.generate_tokens(reader):
            if token.type == tokenize.COMMENT and MARKER in token.string:
                yield *token.start, token.string
