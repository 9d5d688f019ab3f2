"""Moving lines to the left, when what stood around them goes."""

from __future__ import annotations

import ast
from collections.abc import Sequence

from golden_rules.findings import Edit
from golden_rules.source.text import SourceText


def dedent_edits(source: SourceText, above: int, statements: Sequence[ast.stmt], indent: str) -> list[Edit] | None:
    """Return the edits that give a block, from the line after `above`, another, smaller indent.

    Returns `None` where that would change what they mean, or take more than blanks away: a string over several lines, a
    statement behind a colon.
    """
    first, last = statements[0].lineno, statements[-1].end_lineno or statements[-1].lineno
    line = source.line(first)
    present = line[: len(line) - len(line.lstrip())]
    if source.offset(first, statements[0].col_offset) != source.line_start(first) + len(present):
        return None
    if not present.startswith(indent) or any(_spans_lines(node) for item in statements for node in ast.walk(item)):
        return None
    edits = []
    for number in range(above + 1, last + 1):
        text = source.line(number)
        start = source.line_start(number)
        if text.startswith(present):
            edits.append(Edit(start + len(indent), start + len(present), ""))
        elif text.strip() and not text.lstrip().startswith("#") and not _is_continued(statements, number):
            return None
    return edits


def _spans_lines(node: ast.AST) -> bool:
    text = isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str | bytes))
    return text and node.lineno != node.end_lineno  # type: ignore[attr-defined]  # expressions have both


def _is_continued(statements: Sequence[ast.stmt], line: int) -> bool:
    """Whether a line goes on with a statement that began above it, so that its indent is of no account."""
    return not any(
        isinstance(node, ast.stmt) and node.lineno == line for statement in statements for node in ast.walk(statement)
    )
