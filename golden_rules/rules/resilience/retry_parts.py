"""The parts of a function that is nothing but a retry loop: what is tried, what follows success, and what only serves the loop."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from golden_rules.rules.effects import only_logs, only_names
from golden_rules.rules.resilience.carried_state import carried, leaves, swallowing_managers
from golden_rules.source.trees import AnyLoop, AnyTry, bound_by, children, walk

if TYPE_CHECKING:
    from golden_rules.source.outline import Function, Outline

_NO_TRY = "a `try` with one clause is not all that is in the loop"
_NO_END = "what is tried does not end by returning"
_BY_RESULT = "a result that it does not return makes it try again, without an error"
_GOES_ON = "it goes on after the loop"
LOOKS_AT_NAMES = frozenset({"locals", "vars", "eval", "exec", "dir"})
Loop = ast.For | ast.While


@dataclass(frozen=True, slots=True)
class Parts:
    """A function whose body is a retry loop.

    Attributes:
        before: What stands above the loop, the docstring left out: assignments without effect, and imports.
        loop: The loop.
        attempt: The `try` in it.
        handler: Its only clause.
        tried: What is tried, without a `break` at its end.
        ending: The `return` that follows success, outside of what is tried.
        after: What stands below the loop.
        kept: The statements of `before` that what is tried needs.
        set_by_tried: The names that it sets.
    """

    before: tuple[ast.stmt, ...]
    loop: Loop
    attempt: ast.Try
    handler: ast.ExceptHandler
    tried: tuple[ast.stmt, ...]
    ending: ast.Return | None
    after: tuple[ast.stmt, ...]
    kept: tuple[ast.stmt, ...]
    set_by_tried: frozenset[str]

    def machinery(self) -> Iterator[ast.AST]:
        """Yield the nodes of all that `@retry` takes the place of."""
        parts = [statement for statement in self.before if statement not in self.kept]
        parts += [statement for statement in self.loop.body if statement is not self.attempt]
        parts += [*self.handler.body, *self.loop.orelse, *(item for item in self.after if item is not self.ending)]
        head = (self.loop.target, self.loop.iter) if isinstance(self.loop, ast.For) else (self.loop.test,)
        for part in (*head, *parts):
            yield from walk(part)


def parts_of(outline: Outline, function: Function, line: int) -> Parts | str:
    """Return the parts of a function that is nothing but the retry loop at a line, or in words why it is more."""
    node = function.node
    body = node.body[1:] if ast.get_docstring(node, clean=False) is not None else node.body
    at = next((number for number, statement in enumerate(body) if statement.lineno == line), None)
    if at is None:
        return "the loop stands within another statement"
    before, after = body[:at], body[at + 1 :]
    working = next((statement for statement in before if not only_names(statement)), None)
    if working is not None:
        return f"line {working.lineno} would be done again for each attempt"
    parts = loop_parts(outline, body[at], after)
    if isinstance(parts, str):
        return parts
    kept = _needed(before, [*parts.tried, *([parts.ending] if parts.ending else [])])
    parts = replace(parts, before=tuple(before), kept=kept)
    return _why_not_alone(function, parts, swallowing_managers(outline)) or parts


def loop_parts(outline: Outline, loop: ast.stmt, after: Sequence[ast.stmt]) -> Parts | str:
    """Return the parts of a loop itself and of what follows it, or in words why it does more than to try again."""
    if not isinstance(loop, Loop):
        return "the loop is no plain `for` or `while`"
    attempt = next((statement for statement in loop.body if isinstance(statement, ast.Try)), None)
    match attempt:
        case ast.Try(handlers=[handler], finalbody=[]):
            pass
        case _:
            return _NO_TRY if any(isinstance(node, AnyTry) for node in walk(loop)) else _BY_RESULT
    if not all(map(may_end, after)):
        return _GOES_ON
    success = _after_success(loop, attempt, after, swallowing_managers(outline))
    if isinstance(success, str):
        return success
    tried, ending = success
    set_by_tried = frozenset(_stored(tried))
    return Parts((), loop, attempt, handler, tuple(tried), ending, tuple(after), (), set_by_tried)


def _why_not_alone(function: Function, parts: Parts, swallowing: Collection[str]) -> str:
    """Return in words how what is tried hangs together with the loop, or with the attempt before; `""` where it does not."""
    if function.declares_scope:
        return "it sets a variable of another scope"
    if looking := LOOKS_AT_NAMES & function.called:
        return f"`{min(looking)}` may look at any variable"
    remaining = [*parts.kept, *parts.tried, *([parts.ending] if parts.ending else [])]
    names = {node.id for statement in remaining for node in walk(statement) if isinstance(node, ast.Name)}
    served = {name for node in parts.machinery() for name in bound_by(node)}
    served.update([parts.handler.name] if parts.handler.name else [])
    for statement in parts.before:
        if statement not in parts.kept:
            served.update(_stored([statement]))
    if shared := served & names:
        return f"what is tried uses `{min(shared)}`, which the loop sets"
    kept = frozenset(_stored(parts.kept))
    if hindrance := carried(function, kept, [*parts.tried, *([parts.ending] if parts.ending else [])], swallowing):
        return hindrance
    changed = _attributes(parts.tried, ast.Store) & _attributes(parts.kept, ast.Load)
    return f"line {parts.kept[0].lineno} would be done again for each attempt" if changed else ""


def _after_success(
    loop: Loop, attempt: ast.Try, after: Sequence[ast.stmt], swallowing: Collection[str]
) -> tuple[list[ast.stmt], ast.Return | None] | str:
    """Return what is tried and the `return` that follows it, or in words why success is followed by more."""
    tried = list(attempt.body)
    if not attempt.orelse and isinstance(tried[-1], ast.Break):
        *tried, following = tried
    else:
        rest = [*attempt.orelse, *loop.body[loop.body.index(attempt) + 1 :]]
        following = rest[0] if rest else ast.Pass()
    if not tried or any(map(_turns, tried)):
        return _NO_END
    if leaves(tried, swallowing):
        return _NO_TRY if attempt.orelse else (tried, None)
    if isinstance(following, ast.Break):
        if not after:
            return tried, None
        following = after[0]
    elif not isinstance(following, ast.Return):
        returns = any(isinstance(node, ast.Return) for statement in tried for node in walk(statement))
        return _BY_RESULT if returns else _NO_END
    return (tried, following) if isinstance(following, ast.Return) and _cannot_fail(following.value) else _GOES_ON


def may_end(statement: ast.stmt) -> bool:
    """Whether a statement may be how a function ends: it raises, returns, decides on that, or tells of it."""
    match statement:
        case ast.Raise() | ast.Return() | ast.Assert() | ast.Pass():
            return True
        case ast.If(body=body, orelse=orelse):
            return all(map(may_end, (*body, *orelse)))
        case ast.Expr(value=ast.Call() as call):
            return only_logs(call)
        case _:
            return False


def _turns(node: ast.AST) -> bool:
    """Whether a `break` or `continue` of the loop around it stands in a statement."""
    if isinstance(node, ast.Break | ast.Continue):
        return True
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return False
    inner = node.orelse if isinstance(node, AnyLoop) else children(node)
    return any(map(_turns, inner))


def _cannot_fail(value: ast.expr | None) -> bool:
    match value:
        case None | ast.Constant() | ast.Name():
            return True
        case ast.Tuple(elts=items):
            return all(map(_cannot_fail, items))
        case _:
            return False


def _needed(before: Sequence[ast.stmt], users: Sequence[ast.stmt]) -> tuple[ast.stmt, ...]:
    """Return the statements that set a name which others use, or which another such statement uses."""
    kept: list[ast.stmt] = []
    for statement in reversed(before):
        used = {node.id for user in (*users, *kept) for node in walk(user) if isinstance(node, ast.Name)}
        if used & set(_stored([statement])):
            kept.insert(0, statement)
    return tuple(kept)


def _stored(statements: Sequence[ast.stmt]) -> Iterator[str]:
    for statement in statements:
        for node in walk(statement):
            yield from bound_by(node)


def _attributes(statements: Sequence[ast.stmt], context: type[ast.expr_context]) -> set[str]:
    return {
        node.attr
        for statement in statements
        for node in walk(statement)
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, context)
    }
