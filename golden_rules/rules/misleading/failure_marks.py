"""The fix of GR406: a handler that swallows an exception tells the runtime of it first."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from golden_rules.findings import Edit, Fix, Safety
from golden_rules.rules.misleading.handlers import Swallow
from golden_rules.source.references import reference, why_no_reference
from golden_rules.source.trees import walk

if TYPE_CHECKING:
    from golden_rules.rules.base import Subject
    from golden_rules.source.own_code import OwnCode
    from golden_rules.source.text import SourceText

# The whole body of a handler that keeps silent.
_NOTHING = re.compile(r"pass|\.\.\.")
_CLOSING_BRACKETS = re.compile(r"[\s,]*\)")
_UP_TO_COLON = re.compile(r"(?:#[^\r\n]*|[^:#])*+:")
_NAME = re.compile(r"\bas\s+\w+")
_NAME_AT_END = re.compile(r"\s*\bas\s+\w+$")
_NAMES = ("error", "caught", "failure")


def handler_head(source: SourceText, handler: ast.ExceptHandler) -> tuple[int, int]:
    """Return the place of `except X as e`, its colon left out."""
    start = source.offset(handler.lineno, handler.col_offset)
    end = start + len("except") if handler.type is None else source.span(handler.type)[1]
    # What `ast` has no place for: brackets around the type, and the name.
    if brackets := _CLOSING_BRACKETS.match(source.text, end):
        end = brackets.end()
    if handler.name and (name := _NAME.search(source.text, end)):
        end = name.end()
    return start, end


def caught_kinds(source: SourceText, handler: ast.ExceptHandler) -> str:
    """Return the head of a handler as written, without the name: `except (OSError, KeyError)`."""
    start, end = handler_head(source, handler)
    text = source.text[start:end]
    return _NAME_AT_END.sub("", text) if handler.name else text


def marking_fix(subject: Subject, code: OwnCode, swallow: Swallow) -> Fix | str:
    """Return the fix that tells the runtime of a failure at the head of a handler, or in words why it cannot be written."""
    module = subject.config.runtime_module
    spelled = reference(subject.outline, subject.function, module, "mark_failure", inside=True)
    if spelled is None:
        return why_no_reference(subject.outline, module, "mark_failure")
    handler = swallow.handler
    name, edits = handler.name or "", []
    if not name:
        name = next((name for name in _NAMES if _is_free(subject, code, name)), "")
        at = handler_head(subject.source, handler)[1]
        edits.append(Edit(at, at, f" as {name}" if handler.type is not None else f" BaseException as {name}"))
    if not name:
        return f"{', '.join(f'`{taken}`' for taken in _NAMES)} are taken"
    marking = f"{spelled[0]}({name})"
    edits.append(_insertion(subject.source, handler, marking))
    safety = Safety.SAFE if swallow.told else Safety.UNSAFE
    imports = () if spelled[1] is None else (spelled[1],)
    return Fix(safety, f"begin the handler with `{marking}`", tuple(edits), imports)


def _insertion(source: SourceText, handler: ast.ExceptHandler, marking: str) -> Edit:
    """Put a statement at the head of a handler, above the comments of what follows; or where nothing else stands."""
    first = handler.body[0]
    at, end = source.span(first)
    if len(handler.body) == 1 and _NOTHING.fullmatch(source.text, at, end):
        return Edit(at, end, marking)
    line, column = source.position(at)
    colon = _UP_TO_COLON.match(source.text, handler_head(source, handler)[1])
    head = source.position(colon.end() - 1)[0] if colon else line
    if line == head:
        return Edit(at, at, f"{marking}; ")
    indent = source.line(line)[: column - 1]
    above = source.line_start(head + 1)
    return Edit(above, above, f"{indent}{marking}{source.newline}")


def _is_free(subject: Subject, code: OwnCode, name: str) -> bool:
    """Whether a handler may bind a name, which is gone after it, in a function that says nothing of that name."""
    return (
        name not in subject.outline.bound
        and not any(isinstance(node, ast.Name) and node.id == name for node in walk(subject.function.node))
        and name not in subject.function.bound
        and name not in code.captured
    )
