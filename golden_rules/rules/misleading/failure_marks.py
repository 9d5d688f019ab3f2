"""The fix of GR406: a handler that swallows an exception tells the runtime of it first."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from golden_rules.findings import Edit, Fix, Safety
from golden_rules.rules.misleading.handlers import AnyHandler, Swallow, caught
from golden_rules.source.references import reference, why_no_reference
from golden_rules.source.trees import walk

if TYPE_CHECKING:
    import libcst as cst

    from golden_rules.rules.base import Subject
    from golden_rules.source.body import Body
    from golden_rules.source.slices import Slice

# The whole body of a handler that keeps silent.
_NOTHING = re.compile(r"pass|\.\.\.")
_CLOSING_BRACKETS = re.compile(r"[\s,]*\)")
_NAMES = ("error", "caught", "failure")


def handler_head(subject: Subject, piece: Slice[cst.FunctionDef], handler: AnyHandler) -> tuple[int, int]:
    """Return the place of `except X as e`, its colon left out; brackets are no part of a node's span."""
    start = piece.span(handler)[0]
    last = handler.name or handler.type
    end = piece.span(last)[1] if last is not None else start + len("except")
    brackets = _CLOSING_BRACKETS.match(subject.source.text, end)
    return start, brackets.end() if brackets else end


def marking_fix(subject: Subject, piece: Slice[cst.FunctionDef], body: Body, swallow: Swallow) -> Fix | str:
    """Return the fix that tells the runtime of a failure at the head of a handler, or in words why it cannot be written."""
    module = subject.config.runtime_module
    spelled = reference(subject.outline, subject.function, module, "mark_failure", inside=True)
    if spelled is None:
        return why_no_reference(subject.outline, module, "mark_failure")
    handler = swallow.handler
    name, edits = caught(handler), []
    if not name:
        name = next((name for name in _NAMES if _is_free(subject, body, name)), "")
        at = handler_head(subject, piece, handler)[1]
        edits.append(Edit(at, at, f" as {name}" if handler.type is not None else f" BaseException as {name}"))
    if not name:
        return f"{', '.join(f'`{taken}`' for taken in _NAMES)} are taken"
    marking = f"{spelled[0]}({name})"
    edits.append(_insertion(subject, piece, handler, marking))
    safety = Safety.SAFE if swallow.told else Safety.UNSAFE
    imports = () if spelled[1] is None else (spelled[1],)
    return Fix(safety, f"begin the handler with `{marking}`", tuple(edits), imports)


def _insertion(subject: Subject, piece: Slice[cst.FunctionDef], handler: AnyHandler, marking: str) -> Edit:
    """Put a statement at the head of a handler, above the comments of what follows; or where nothing else stands."""
    source, first = subject.source, handler.body.body[0]
    at, end = piece.span(first)
    if len(handler.body.body) == 1 and _NOTHING.fullmatch(source.text, at, end):
        return Edit(at, end, marking)
    line, column = source.position(at)
    if line == source.position(piece.span(handler)[0])[0] or not hasattr(first, "leading_lines"):
        return Edit(at, at, f"{marking}; ")
    indent = source.line(line)[: column - 1]
    above = source.line_start(line - len(first.leading_lines))
    return Edit(above, above, f"{indent}{marking}{source.newline}")


def _is_free(subject: Subject, body: Body, name: str) -> bool:
    """Whether a handler may bind a name, which is gone after it, in a function that says nothing of that name."""
    return (
        name not in subject.outline.bound
        and not any(isinstance(node, ast.Name) and node.id == name for node in walk(subject.function.node))
        and name not in subject.function.bound
        and name not in body.captured
    )
