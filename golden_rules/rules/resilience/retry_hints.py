"""Which functions may hold a loop that tries again: what the outline's own tree tells, before LibCST parses anything."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from golden_rules.naming import snake
from golden_rules.rules.resilience.retry_words import COUNTING, WRAPPERS, is_attempt, is_delay, is_failure, is_pause
from golden_rules.source.names import resolve
from golden_rules.source.outline import Function, Outline
from golden_rules.source.trees import children, dotted

_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)


def may_retry(outline: Outline, function: Function) -> bool:
    """Tell whether a loop of the function may go round to try again; where there is one, this never says no."""
    if not (function.clauses or any(_may_wait(call.name) for call in function.calls)):
        return False
    return any(
        (isinstance(loop, ast.While) or _may_count(outline, function, loop.iter, [*_names(loop.target)]))
        and _tries(loop)
        for loop in function.loops
    )


def _own(statements: list[ast.stmt]) -> Iterator[ast.AST]:
    """Yield the nodes below some statements, those of nested functions and classes left out."""
    stack: list[ast.AST] = list(statements)
    while stack:
        node = stack.pop()
        yield node
        if not isinstance(node, _SCOPES):
            stack += children(node)


def _tries(loop: ast.For | ast.AsyncFor | ast.While) -> bool:
    """Tell whether something in a loop may fail and be caught; or something waits there, and the rounds are counted."""
    waits, counts = False, not isinstance(loop, ast.While)
    for node in _own([*loop.body, *loop.orelse]):
        if isinstance(node, ast.Try | ast.TryStar) and node.handlers:
            return True
        if isinstance(node, ast.Call) and (called := dotted(node.func)):
            if called.endswith("suppress"):
                return True
            waits = waits or is_pause(called, 1)
        elif isinstance(node, ast.AugAssign | ast.Assign) and not counts:
            targets = [node.target] if isinstance(node, ast.AugAssign) else node.targets
            counts = any(is_attempt(name) or is_failure(name) for name in map(dotted, targets))
    return waits and counts


def _may_wait(call: str) -> bool:
    """Tell whether a call may wait, or swallow what fails."""
    return call.endswith("suppress") or is_pause(call, 1)


def _may_count(outline: Outline, function: Function, iterable: ast.expr, names: list[str]) -> bool:
    """Tell whether a `for` may count tries, or run through the pauses between them."""
    if any(is_delay(name) or is_attempt(name) for name in names):
        return True
    match iterable:
        case ast.Call(func=func):
            called = dotted(func)
            first = [*iterable.args, *(keyword.value for keyword in iterable.keywords)]
            if called in WRAPPERS and first:
                return _may_count(outline, function, first[0], names)
            if (resolve(outline, function, called) or called) in COUNTING:
                return True
        case ast.Starred(value=value) | ast.BinOp(left=value):
            return _may_count(outline, function, value, names)
        case ast.Tuple(elts=items) | ast.List(elts=items):
            return bool(items) and all(isinstance(item, ast.Constant) for item in items)
        case _:
            pass
    spelled = snake(dotted(iterable).replace("()", ""))
    return is_delay(spelled) or is_attempt(spelled)


def _names(target: ast.expr) -> Iterator[str]:
    if isinstance(target, ast.Tuple | ast.List):
        for element in target.elts:
            yield from _names(element)
    elif isinstance(target, ast.Starred):
        yield from _names(target.value)
    elif isinstance(target, ast.Name | ast.Attribute):
        yield dotted(target)
