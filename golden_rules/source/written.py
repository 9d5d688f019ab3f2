"""How expressions are written: with parentheses around them, or as a part of a text, where their place needs a second look."""

from __future__ import annotations

import ast

from golden_rules.source.own_code import OwnCode
from golden_rules.source.text import SourceText
from golden_rules.source.trees import arguments


def outer_span(source: SourceText, code: OwnCode, node: ast.expr) -> tuple[int, int]:
    """Return the file offsets of an expression with the parentheses that stand right around it."""
    start, end = source.span(node)
    # The innermost pair around a call's only argument, or behind it, is the call's own.
    opening = 0
    parent = code.parent(node)
    if isinstance(parent, ast.Call) and parent.func is not node and arguments(parent) == 1:
        opening = source.text.index("(", source.span(parent.func)[1]) + 1
    while (before := len(source.text[:start].rstrip())) > opening and source.text[before - 1] == "(":
        after = end + len(source.text[end:]) - len(source.text[end:].lstrip())
        if source.text[after : after + 1] != ")":
            break
        start, end = before - 1, after + 1
    return start, end


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
