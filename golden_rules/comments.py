"""Comments that speak to the linter: `# golden-rules: ignore[GR201] -- reason` and its sisters."""

from __future__ import annotations

import contextlib
import io
import re
import tokenize
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from golden_rules.source.outline import Class, Function
from golden_rules.source.text import SourceText

MARKER = "golden-rules:"
_DIRECTIVE = re.compile(
    r"#\s*golden-rules:\s*(?P<word>ignore-file|ignore|critical|not-critical)\b\s*(?:\[(?P<codes>[^\]]*)\])?"
)
_EVERY_CODE = frozenset({"ALL"})


@dataclass(frozen=True, slots=True)
class Directives:
    """What a file's comments say, by line.

    Attributes:
        ignored: For a line, the codes ignored on it.
        ignored_in_file: The codes ignored in the whole file.
        critical: The lines that say `critical`.
        not_critical: The lines that say `not-critical`.
        alone: The lines that hold nothing but such a comment.
    """

    ignored: Mapping[int, frozenset[str]] = field(default_factory=dict)
    ignored_in_file: frozenset[str] = frozenset()
    critical: frozenset[int] = frozenset()
    not_critical: frozenset[int] = frozenset()
    alone: frozenset[int] = frozenset()

    def suppress(self, code: str, line: int, around: Function | Class | None) -> bool:
        """Return whether a comment on the line, on the header of the function or class around it, or for the file ignores a code."""
        lines = {line} if around is None else {line, *self.lines_about(around)}
        codes = self.ignored_in_file.union(*(self.ignored.get(number, ()) for number in lines))
        return code in codes or codes >= _EVERY_CODE

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
    ignored: dict[int, frozenset[str]] = {}
    in_file: frozenset[str] = frozenset()
    lines: dict[str, set[int]] = {"critical": set(), "not-critical": set()}
    alone: set[int] = set()
    for line, column, comment in _comments(source):
        if not source.line(line)[:column].strip():
            alone.add(line)
        for match in _DIRECTIVE.finditer(comment):
            word = match["word"]
            if word in lines:
                lines[word].add(line)
                continue
            codes = _codes(match["codes"])
            if word == "ignore-file":
                in_file |= codes
            else:
                ignored[line] = ignored.get(line, frozenset()) | codes
    said = (frozenset(lines["critical"]), frozenset(lines["not-critical"]), frozenset(alone))
    return Directives(ignored, in_file, *said)


def _codes(listed: str | None) -> frozenset[str]:
    if listed is None:
        return _EVERY_CODE
    return frozenset(code.strip().upper() for code in listed.split(",") if code.strip())


def _comments(source: SourceText) -> Iterator[tuple[int, int, str]]:
    reader = io.StringIO(source.parseable, newline="").readline
    # Newer syntax than this interpreter's tokenizer knows ends the reading; what was read so far counts.
    with contextlib.suppress(tokenize.TokenError, SyntaxError):
        for token in tokenize.generate_tokens(reader):
            if token.type == tokenize.COMMENT and MARKER in token.string:
                yield *token.start, token.string
