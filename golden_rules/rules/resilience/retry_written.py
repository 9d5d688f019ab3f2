"""What a retry loop comes to as a policy of the runtime: the errors, the attempts and the pauses, as they are written there."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from golden_rules.rules.resilience.known_names import is_known_before
from golden_rules.rules.resilience.retry_settings import settings_of
from golden_rules.source.names import resolve
from golden_rules.source.references import reference
from golden_rules.source.trees import dotted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from golden_rules.findings import ImportedName
    from golden_rules.rules.base import Subject
    from golden_rules.rules.resilience.retry_parts import Parts
    from golden_rules.source.text import SourceText

COMMENTED = "its lines hold comments or something else, too"
_SLEEPS = {True: "asyncio.sleep", False: "time.sleep"}
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


@dataclass(frozen=True, slots=True)
class Policy:
    """A policy as a file writes it.

    Attributes:
        name: How what takes the settings is called there.
        arguments: The settings, as keywords.
        imports: What that takes.
    """

    name: str
    arguments: tuple[str, ...]
    imports: tuple[ImportedName, ...]


def only_speaks_of_retrying(text: str) -> bool:
    """Whether the comments in a text, if there are any, speak to tools or of the trying again, so that they go with it."""
    return "#" not in _OF_RETRYING.sub("", text)


def shares_a_line(source: SourceText, statement: ast.stmt) -> bool:
    """Whether another statement, or a comment that has to stay, is on the lines of this one."""
    start, end = source.span(statement)
    last = statement.end_lineno or statement.lineno
    others = source.text[source.line_start(statement.lineno) : start] + source.text[end : source.line_end(last)]
    return bool(_OF_RETRYING.sub("", others).strip())


def policy_of(subject: Subject, parts: Parts, maker: str, *, inside: bool = False) -> Policy | str:
    """Return the policy that tries and waits as a loop does, or in words why there is none.

    Args:
        subject: The function.
        parts: The loop and what belongs to it.
        maker: The name in the runtime of what takes the settings.
        inside: Whether it is written in the body of the function, not above it.
    """
    caught = _caught(subject, parts.handler)
    if caught is None and parts.handler.type is not None:
        return _UNKNOWN_ERRORS
    if caught is None or _catches_ends(subject, parts.handler.type):
        return _CATCHES_ENDS
    settings = settings_of(subject, parts, lambda statement: _slept(subject, statement))
    if isinstance(settings, str):
        return settings
    names = (maker, "RetryStrategy") if any("RetryStrategy" in item for item in settings) else (maker,)
    spelled = [
        reference(subject.outline, subject.function, subject.config.runtime_module, name, inside=inside)
        for name in names
    ]
    found = [item for item in spelled if item is not None]
    if len(found) < len(names):
        return f"`{maker}` cannot be imported in this file"
    retries, *delays = (item.replace("RetryStrategy", found[-1][0]) for item in settings)
    arguments = (retries, *([f"retry_on={caught}"] if caught else []), *delays)
    return Policy(found[0][0], arguments, tuple(needed for _, needed in found if needed is not None))


def _caught(subject: Subject, handler: ast.ExceptHandler) -> str | None:
    """Return the errors that a clause catches, `""` for `Exception`; `None` where a decorator may not know them."""
    kind = handler.type
    if kind is None or not is_known_before(subject, kind):
        return None
    if resolve(subject.outline, subject.function, dotted(kind)) == "Exception":
        return ""
    return subject.source.code(kind)


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
