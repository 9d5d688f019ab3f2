"""How expressions are written: with parentheses around them, or as a part of a text, where their place needs a second look."""

from __future__ import annotations

import ast

from golden_rules.source.own_code import OwnCode
from golden_rules.source.text import SourceText


def outer_span(source: SourceText, code: OwnCode, node: ast.expr) -> tuple[int, int]:
    """Return the file offsets of an expression with the parentheses that stand right around it."""
    text = source.text
    start, end = source.span(node)
    parent = code.parent(node)
    # The outermost pair around a call's only argument is the call's own, and the last of its characters.
    limit = source.span(parent)[1] - 1 if isinstance(parent, ast.Call) and parent.func is not node else len(text)
    while (before := len(text[:start].rstrip())) and text[before - 1] == "(":
        after = end + len(text[end:]) - len(text[end:].lstrip())
        if after >= limit or text[after] != ")" or _may_be_comment(source, before - 1, start):
            break
        start, end = before - 1, after + 1
    return start, end


def _may_be_comment(source: SourceText, at: int, below: int) -> bool:
    """Whether a parenthesis at the end of a line above may be that of a comment."""
    line, below_line = source.position(at)[0], source.position(below)[0]
    return line < below_line and "#" in source.text[source.line_start(line) : at]


def code_of(source: SourceText, code: OwnCode, node: ast.expr) -> str:
    """Return the source text of an expression, the parentheses around it included."""
    return source.text[slice(*outer_span(source, code, node))]


def is_placed(source: SourceText, code: OwnCode, node: ast.expr) -> bool:
    """Whether an expression stands where `ast` says; within a formatted text, Python before 3.12 can be wrong about that."""
    if not any(isinstance(holder, ast.JoinedStr) for holder in code.holders(node)):
        return True
    try:
        found = ast.parse(f"({source.code(node)})", mode="eval").body
    except SyntaxError:
        return False
    return ast.dump(found) == ast.dump(node)


def text_of(source: SourceText, code: OwnCode, statement: ast.stmt) -> str:
    """Return the lines of a compound statement, with the comments right above it and, indented like its body, behind it.

    What stands behind the last statement of the function is not looked at.
    """
    end = code.function.end_lineno or code.function.lineno
    first, last = statement.lineno, statement.end_lineno or statement.lineno
    while first > 1 and _is_between(line := source.line(first - 1)) and _indent(line) <= statement.col_offset:
        first -= 1
    while last < end and _is_between(line := source.line(last + 1)):
        if line.strip() and _indent(line) <= statement.col_offset:
            break
        last += 1
    return source.text[source.line_start(first) : source.line_end(last)]


def _is_between(line: str) -> bool:
    return not line.strip() or line.lstrip().startswith("#")


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())
