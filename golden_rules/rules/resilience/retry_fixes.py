"""The fix of a plain retry loop: what is tried becomes the function, under `@retry(...)`.

The loop must be all that the function does, give up after a number of attempts that is known, by raising the last error
again, and wait for a constant, a doubling or an evenly growing time. Attempts, errors and delays are then those of the loop;
what it logged between them goes, since the policy counts attempts and notes them on the error.
"""

from __future__ import annotations

import ast
import re
from functools import partial
from typing import TYPE_CHECKING

from golden_rules.findings import Edit, Fix, ImportedName, Safety
from golden_rules.rules.placement import insertion_point, is_unfinished, why_not_decorated
from golden_rules.rules.resilience.known_names import is_known_before
from golden_rules.rules.resilience.retry_parts import Parts, parts_of
from golden_rules.rules.resilience.retry_settings import settings_of
from golden_rules.source.dedent import dedent_edits
from golden_rules.source.deletion import without_lines
from golden_rules.source.names import resolve
from golden_rules.source.references import reference
from golden_rules.source.trees import dotted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from golden_rules.rules.base import Subject
    from golden_rules.source.text import SourceText

_SLEEPS = {True: "asyncio.sleep", False: "time.sleep"}
_COMMENTED = "its lines hold comments or something else, too"
_UNKNOWN_ERRORS = "which errors it catches is not known before the function is called"
_CATCHES_ENDS = "it catches what ends a program or a task, which `@retry` lets through"
_ENDS = frozenset(
    {
        "BaseException", "BaseExceptionGroup", "KeyboardInterrupt", "SystemExit", "GeneratorExit", "asyncio.CancelledError",
        "asyncio.exceptions.CancelledError", "concurrent.futures.CancelledError",
    }
)  # fmt: skip
# Comments to tools, and those that speak of the trying again: they go with it.
_OF_RETRYING = re.compile(
    r"#\s*(noqa|type:|pragma|pylint|pyright|nosec|ruff|fmt:|golden-rules)[^\n]*"
    r"|#[^\n]*\b(retr(y|ies|ying)|attempts?|tries|tr(y|ying) again|back[- ]?off|exponential|last (error|exception|try|one)|giv(e|ing) up|re-?raise|unreachable|never (get|reach)\w*)\b[^\n]*",
    re.IGNORECASE,
)


def retry_fix(subject: Subject, line: int) -> Fix | str:
    """Return the fix of the retry loop at a line, or in words why there is none."""
    parts = _why_not_decorated(subject) or parts_of(subject.outline, subject.function, line)
    if isinstance(parts, str):
        return parts
    caught = _caught(subject, parts.handler)
    if caught is None:
        return _UNKNOWN_ERRORS if parts.handler.type is not None else _CATCHES_ENDS
    if _catches_ends(subject, parts.handler.type):
        return _CATCHES_ENDS
    settings = settings_of(subject, parts, lambda statement: _slept(subject, statement))
    if isinstance(settings, str):
        return settings
    names = ("retry", "RetryStrategy") if any("RetryStrategy" in item for item in settings) else ("retry",)
    spelled = [reference(subject.outline, subject.function, subject.config.runtime_module, name) for name in names]
    found = [item for item in spelled if item is not None]
    if len(found) < len(names):
        return "`retry` cannot be imported in this file"
    imports: tuple[ImportedName, ...] = tuple(needed for _, needed in found if needed is not None)
    retries, *delays = (item.replace("RetryStrategy", found[-1][0]) for item in settings)
    arguments = [retries, *([f"retry_on={caught}"] if caught else []), *delays]
    decorator = f"@{found[0][0]}({', '.join(arguments)})"
    edits = _edits(subject, parts)
    if edits is None:
        return _COMMENTED
    at, indent = insertion_point(subject, len(subject.function.decorators))
    above = Edit(at, at, f"{indent}{decorator}{subject.source.newline}")
    return Fix(Safety.UNSAFE, f"decorate with `{decorator}` in place of the loop", (above, *edits), imports)


def _why_not_decorated(subject: Subject) -> str:
    function = subject.function
    if function.parent is not None:
        return "the function stands in another one, and each call of that would make a policy"
    if function.yields:
        return "the function is a generator, which `@retry` does not try again once it has given an item"
    if is_unfinished(function):
        return "the function is not finished"
    return why_not_decorated(subject.outline, function)


def _caught(subject: Subject, handler: ast.ExceptHandler) -> str | None:
    """Return the errors that a clause catches, `""` for `Exception`; `None` where a decorator may not know them."""
    kind = handler.type
    if kind is None or not is_known_before(subject, kind):
        return None
    if resolve(subject.outline, subject.function, dotted(kind)) == "Exception":
        return ""
    return ast.get_source_segment(subject.source.parseable, kind)


def _catches_ends(subject: Subject, kind: ast.expr | None) -> bool:
    """Whether exceptions are caught that no policy tries again: interrupts, exits, cancellation, and what is one of those.

    The `StopIteration` of an attempt that is a coroutine of its own becomes another error where that ends.
    """
    names = [dotted(item) for item in (kind.elts if isinstance(kind, ast.Tuple) else [kind])]
    seen: set[str] = set()
    while names:
        name = names.pop()
        target = resolve(subject.outline, subject.function, name) or name
        if target in _ENDS or (subject.function.is_async and target == "StopIteration"):
            return True
        if name not in seen:
            seen.add(name)
            names += [base for entry in subject.outline.classes if entry.qualname == name for base in entry.bases]
            names += _listed(subject.outline.tree, name)
    return False


def _listed(tree: ast.Module, name: str) -> Iterator[str]:
    """Yield the errors that a constant of the module lists: `RETRYABLE = (ConnectionError, TimeoutError)`."""
    for statement in tree.body:
        match statement:
            case ast.Assign(targets=[ast.Name(id=target)], value=value) if target == name:
                yield from filter(None, map(dotted, value.elts if isinstance(value, ast.Tuple) else [value]))
            case _:
                pass


def _slept(subject: Subject, statement: ast.stmt) -> ast.expr | None:
    """Return for how long a statement sleeps, in the way in which a policy does; `None` where it does anything else."""
    match statement:
        case ast.Expr(value=ast.Await(value=ast.Call(args=[seconds], keywords=[]) as call)):
            awaited = True
        case ast.Expr(value=ast.Call(args=[seconds], keywords=[]) as call):
            awaited = False
        case _:
            return None
    is_async = subject.function.is_async
    slept = resolve(subject.outline, subject.function, dotted(call.func)) == _SLEEPS[is_async]
    return seconds if slept and awaited == is_async else None


def _edits(subject: Subject, parts: Parts) -> list[Edit] | None:
    """Return the edits that leave what is tried of a function; `None` where a comment would go, or layout is in the way."""
    source, loop, attempt = subject.source, parts.loop, parts.attempt
    gone = [statement for statement in parts.before if statement not in parts.kept]
    line = source.line(loop.lineno)
    indent = line[: len(line) - len(line.lstrip())]
    ending = ""
    if parts.ending is not None:
        if parts.ending.lineno != parts.ending.end_lineno:
            return None
        written = ast.get_source_segment(source.parseable, parts.ending)
        ending = f"{indent}{written}{source.newline}"
    if any(map(partial(_shares_a_line, source), gone)):
        return None
    inner = dedent_edits(source, attempt.lineno, parts.tried, indent)
    if inner is None:
        return None
    start = loop.lineno if parts.kept else min(statement.lineno for statement in (*gone, loop))
    head = Edit(source.line_start(start), source.line_start(attempt.lineno + 1), "")
    end = source.line_start((subject.function.node.end_lineno or 0) + 1)
    tail = Edit(source.line_start((parts.tried[-1].end_lineno or 0) + 1), end, ending)
    single = [without_lines(source, statement) for statement in gone] if parts.kept else []
    taken = [source.text[edit.start : edit.end] for edit in (head, tail, *single)]
    if any("#" in _OF_RETRYING.sub("", text) for text in taken):
        return None
    return [*single, head, *inner, tail]


def _shares_a_line(source: SourceText, statement: ast.stmt) -> bool:
    """Whether another statement, or a comment that has to stay, is on the lines of this one."""
    start, end = source.span(statement)
    last = statement.end_lineno or statement.lineno
    others = source.text[source.line_start(statement.lineno) : start] + source.text[end : source.line_end(last)]
    return bool(_OF_RETRYING.sub("", others).strip())
