"""Which functions may swallow their exceptions: a quick look, before anything is weighed."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from golden_rules.rules.misleading.library_errors import LAST_NAMES
from golden_rules.rules.misleading.work_words import HANDS_ON, does_something
from golden_rules.source.outline import Function
from golden_rules.source.own_code import SCOPES
from golden_rules.source.trees import AnyTry, callee, children, dotted, last_called, walk

# Last names of exceptions that stand for all failures.
_BROAD = LAST_NAMES | {"Exception", "BaseException"}
_TRIES = frozenset({ast.Try, ast.TryStar})
_HEADED = (ast.For, ast.AsyncFor, ast.While, ast.With, ast.AsyncWith)


def may_swallow(function: Function) -> bool:
    """Whether a function has a handler, a `suppress` or a `finally` that GR406 has to look at; where it has, this never says no."""
    if "suppress" in function.called:
        return True
    if _TRIES.isdisjoint(function.nodes):
        return False
    if any(_may_be_blind(function, *found) for found in _tries(function) if any(map(_is_broad, found[0].handlers))):
        return True
    return any(
        isinstance(node, AnyTry) and any(isinstance(last, ast.Return) for last in node.finalbody)
        for node in walk(function.node)
    )


def _tries(function: Function) -> Iterator[tuple[AnyTry, list[ast.AST]]]:
    """Yield the `try` statements of a function that stand in no handler or `finally`, each with the statements around it."""
    waiting: list[tuple[ast.AST, list[ast.AST]]] = [(statement, []) for statement in function.node.body]
    while waiting:
        node, around = waiting.pop()
        if isinstance(node, SCOPES) or not isinstance(node, ast.stmt | ast.match_case):
            continue
        if isinstance(node, AnyTry):
            yield node, around
        waiting += [(child, [*around, node]) for child in _main(node)]


def _main(node: ast.AST) -> list[ast.AST]:
    """Return the nodes below a node that run where nothing fails."""
    return [*node.body, *node.orelse] if isinstance(node, AnyTry) else children(node)


def _is_broad(handler: ast.ExceptHandler) -> bool:
    """Whether a handler may catch whatever goes wrong with what is tried."""
    return handler.type is None or any(
        dotted(node).rpartition(".")[2] in _BROAD for node in ast.walk(handler.type) if isinstance(node, ast.expr)
    )


def _may_be_blind(function: Function, attempt: AnyTry, around: list[ast.AST]) -> bool:
    """Whether a handler of a `try` may end the function as if its work had not failed."""
    kept = [handler for handler in attempt.handlers if _is_broad(handler) and not _hands_on(handler)]
    # One that returns gives the whole function up; with any other, most of the work has to be in what is tried.
    if any(isinstance(node, ast.Return) for handler in kept for node, _ in _own(handler)):
        return True
    return bool(kept) and _is_main(function, attempt, around)


def _hands_on(handler: ast.ExceptHandler) -> bool:
    """Whether a handler raises whatever happens, or calls what raises."""
    return any(
        (isinstance(node, ast.Raise) and not on_demand)
        or (isinstance(node, ast.Call) and HANDS_ON.fullmatch(last_called(node)))
        for node, on_demand in _own(handler)
    )


def _own(handler: ast.ExceptHandler) -> Iterator[tuple[ast.AST, bool]]:
    """Yield the nodes of a handler, those of nested functions left out, each with whether an `if` decides about it."""
    waiting: list[tuple[ast.AST, bool]] = [(statement, False) for statement in handler.body]
    while waiting:
        node, on_demand = waiting.pop()
        yield node, on_demand
        if not isinstance(node, SCOPES):
            below = on_demand or isinstance(node, ast.If)
            waiting += [(child, below) for child in children(node)]


def _is_main(function: Function, attempt: AnyTry, around: list[ast.AST]) -> bool:
    """Whether at least half of a function's work is in what is tried, as `work.share` counts it."""
    inside = outside = 0
    waiting: list[tuple[ast.AST, bool]] = [(statement, False) for statement in function.node.body]
    while waiting:
        node, tried = waiting.pop()
        if isinstance(node, SCOPES):
            continue
        if isinstance(node, ast.Call) and does_something(callee(node)):
            inside += tried
            outside += not tried
        # The heads of what is around it count as neither, nor do handlers.
        below = node.body if isinstance(node, _HEADED) and node in around else _main(node)
        waiting += [(child, tried or node is attempt) for child in below]
    return 0 < inside >= outside
