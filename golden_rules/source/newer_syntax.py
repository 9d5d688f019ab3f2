"""Text without the syntax that the running interpreter is too old for, found by LibCST, every offset kept."""

from __future__ import annotations

import re
from collections.abc import Iterator

import libcst as cst

from golden_rules.source.slices import spans_of
from golden_rules.source.syntax import SliceError, parsed


def without_newer_syntax(text: str) -> str | None:
    """Return the text with syntax newer than the interpreter blanked, or `None` where LibCST cannot parse it either."""
    try:
        module = cst.parse_module(text)
        spans = spans_of(module, text)
    except (cst.ParserSyntaxError, cst.CSTValidationError, RecursionError, SliceError):
        return None
    pieces = []
    position = 0
    for start, end, replacement in sorted(_replacements(module, spans, text)):
        if start < position:
            continue
        pieces += [text[position:start], replacement]
        position = end
    return "".join([*pieces, text[position:]])


def _replacements(module: cst.Module, spans: dict[int, tuple[int, int]], text: str) -> Iterator[tuple[int, int, str]]:
    """Yield the places of syntax newer than the interpreter, outermost first, with text of the same length."""
    stack: list[object] = [module]
    while stack:
        node = stack.pop()
        if isinstance(node, cst.TypeParameters):
            start, end = spans[id(node)]
            yield start, end, _blank(text[start:end])
        elif isinstance(node, cst.TypeAlias):
            start, end = spans[id(node)]
            yield start, end, "pass" + _blank(text[start + 4 : end])
        elif isinstance(node, cst.FormattedString) and not _parses(text[slice(*spans[id(node)])]):
            start, end = spans[id(node)]
            yield start, end, _plain_string(text[start:end])
        elif isinstance(node, cst.CSTNode):
            stack.extend(node.children)


def _parses(expression: str) -> bool:
    try:
        parsed(f"({expression})")
    except (SyntaxError, ValueError):
        return False
    return True


def _blank(text: str) -> str:
    """Return blanks of the same length, line ends escaped so that the statement goes on."""
    blanks = re.sub(r"[^\r\n]", " ", text)
    return re.sub(r" (?=\r?\n|\r)", r"\\", blanks)


def _plain_string(text: str) -> str:
    if "\n" not in text and "\r" not in text:
        return "'" + "_" * (len(text) - 2) + "'"
    return "'''" + re.sub(r"[^\r\n]", "_", text[3:-3]) + "'''"
