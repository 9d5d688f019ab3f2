"""Writing comments that ignore what is found: `check --add-ignores --reason "..."`."""

from __future__ import annotations

import contextlib
import io
import tokenize
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from golden_rules.comments import ABOUT_COMMENTS, Directives, Ignore, read_directives
from golden_rules.findings import Edit, Finding
from golden_rules.source.edits import apply_edits
from golden_rules.source.outlining import outline
from golden_rules.source.parsing import parse
from golden_rules.source.text import SourceText, decode


@dataclass(frozen=True, slots=True)
class Ignored:
    """A file after comments were added.

    Attributes:
        content: Its new bytes.
        comments: How many findings comments ignore now.
        left: The findings that no comment can ignore.
    """

    content: bytes
    comments: int
    left: tuple[Finding, ...]


def with_ignores(source: bytes, findings: Iterable[Finding], reason: str) -> Ignored:
    """Return a file with a comment for each finding: at the end of its line, or above its function.

    Where a comment ignores other rules there, the new ones join them. What is said of comments, and files that do not
    parse, are left.
    """
    listed = list(findings)
    ignorable = [finding for finding in listed if not finding.code.startswith(ABOUT_COMMENTS)]
    if not ignorable:
        return Ignored(source, 0, tuple(listed))
    text = decode(source)
    ends = _ends(text)
    starts = {entry.qualname: entry.start_line for entry in outline(parse(text), "", "").functions}
    at_end: dict[int, list[str]] = defaultdict(list)
    above: dict[int, list[str]] = defaultdict(list)
    left = [finding for finding in listed if finding not in ignorable]
    for finding in ignorable:
        if finding.line in ends:
            at_end[finding.line].append(finding.code)
        elif finding.function in starts:
            above[starts[finding.function]].append(finding.code)
        else:
            left.append(finding)
    directives = read_directives(text)
    words = " ".join(reason.split())
    edits = [_at_end(text, directives, line, codes, words) for line, codes in at_end.items()]
    edits += [_above(text, directives, line, codes, words) for line, codes in above.items()]
    return Ignored(text.encode(apply_edits(text.text, edits)), len(listed) - len(left), tuple(left))


def _ends(text: SourceText) -> set[int]:
    """Return the lines that a comment can be added to: not inside a string, nor before a backslash."""
    lines: set[int] = set()
    reader = io.StringIO(text.parseable, newline="").readline
    # newer syntax than this interpreter's tokenizer knows ends the reading; other lines get their comment above
    with contextlib.suppress(tokenize.TokenError, SyntaxError):
        lines.update(
            token.start[0]
            for token in tokenize.generate_tokens(reader)
            if token.type in {tokenize.NEWLINE, tokenize.NL}
        )
    return lines


def _at_end(text: SourceText, directives: Directives, line: int, codes: list[str], reason: str) -> Edit:
    there = next((ignore for ignore in directives.ignores if ignore.line == line and not ignore.whole_file), None)
    if there is not None and there.has_codes:
        return _joined(text, there, codes)
    end = text.line_end(line)
    start = text.line_start(line) + len(text.line(line).rstrip())
    return Edit(start, end, f"  {_comment(codes, reason)}")


def _above(text: SourceText, directives: Directives, line: int, codes: list[str], reason: str) -> Edit:
    there = next((ignore for ignore in directives.ignores if ignore.line == line - 1 and ignore.alone), None)
    if there is not None and there.has_codes and not there.whole_file:
        return _joined(text, there, codes)
    first = text.line(line)
    indent = first[: len(first) - len(first.lstrip())]
    start = text.line_start(line)
    return Edit(start, start, f"{indent}{_comment(codes, reason)}{text.newline}")


def _joined(text: SourceText, ignore: Ignore, codes: list[str]) -> Edit:
    opening = text.text.index("[", ignore.start) + 1
    closing = text.text.index("]", opening)
    return Edit(opening, closing, ", ".join(dict.fromkeys([*ignore.selectors, *sorted(codes)])))


def _comment(codes: list[str], reason: str) -> str:
    return f"# golden-rules: ignore[{', '.join(sorted(set(codes)))}] -- {reason}"


def by_path(findings: Iterable[Finding]) -> Mapping[str, list[Finding]]:
    """Return findings by the file they are in, in their order."""
    grouped: dict[str, list[Finding]] = defaultdict(list)
    for finding in findings:
        grouped[finding.path].append(finding)
    return grouped
