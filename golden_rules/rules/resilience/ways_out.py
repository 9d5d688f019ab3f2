"""How a run of statements can end: by falling off its end, by `continue`, `break`, `return` or an exception."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from enum import Enum

from golden_rules.source.own_code import OwnCode
from golden_rules.source.trees import AnyLoop, AnyTry, AnyWith, callee

_ENDS_THE_PROCESS = frozenset({"sys.exit", "os._exit", "exit", "quit", "pytest.fail"})


class Way(Enum):
    """One way for a run of statements to end."""

    NEXT = "next"
    """It falls off its end."""

    CONTINUE = "continue"
    BREAK = "break"
    RETURN = "return"
    RAISE = "raise"


Ways = frozenset[Way]
_FALLS: Ways = frozenset({Way.NEXT})
_RAISES: Ways = frozenset({Way.RAISE})
LEAVES: Ways = frozenset({Way.BREAK, Way.RETURN})
"""The ways that leave a loop as its author meant it to be left."""


def ways_out(statements: Sequence[ast.stmt]) -> Ways:
    """Return every way in which statements that run one after another can end, errors of the calls in them aside."""
    ways = set(_FALLS)
    for statement in statements:
        if Way.NEXT not in ways:
            break
        ways.discard(Way.NEXT)
        ways |= _of_statement(statement)
    return frozenset(ways)


def _of_statement(node: ast.stmt) -> Ways:
    match node:
        case ast.Return():
            return frozenset({Way.RETURN})
        case ast.Raise():
            return _RAISES
        case ast.Break():
            return frozenset({Way.BREAK})
        case ast.Continue():
            return frozenset({Way.CONTINUE})
        case ast.Expr(value=ast.Call() as call):
            return _RAISES if callee(call) in _ENDS_THE_PROCESS else _FALLS
        case ast.If():
            return ways_out(node.body) | ways_out(node.orelse)
        case ast.With() | ast.AsyncWith():
            return ways_out(node.body) | (_FALLS if suppressed(node) else frozenset())
        case ast.Try() | ast.TryStar():
            return _of_try(node)
        case ast.For() | ast.AsyncFor() | ast.While():
            return _of_loop(node)
        case ast.Match():
            return _FALLS.union(*(ways_out(case.body) for case in node.cases))
        case _:
            return _FALLS


def _of_try(node: AnyTry) -> Ways:
    ways = finished(node).union(*(ways_out(handler.body) for handler in node.handlers))
    return _and_finally(node, ways)


def finished(node: AnyTry) -> Ways:
    """Return the ways out of a `try` in whose body nothing is raised, `finally` aside."""
    ways = ways_out(node.body)
    return (ways - _FALLS) | ways_out(node.orelse) if Way.NEXT in ways else ways


def _and_finally(node: AnyTry, ways: Ways) -> Ways:
    final = ways_out(node.finalbody)
    return ways | (final - _FALLS) if Way.NEXT in final else final


def _of_loop(node: AnyLoop) -> Ways:
    inner = ways_out(node.body)
    through = inner & {Way.RETURN, Way.RAISE}
    broken = _FALLS if Way.BREAK in inner else frozenset()
    if is_endless(node):
        return through | broken
    return through | ways_out(node.orelse) | broken


def is_endless(node: ast.AST) -> bool:
    """Whether a node is a `while` whose test is always true."""
    match node:
        case ast.While(test=ast.Constant(value=bool() | int() as value)):
            return bool(value)
        case _:
            return False


def suppressed(node: AnyWith) -> list[ast.expr]:
    """Return the errors that `with suppress(...)` swallows; none where the block swallows none."""
    for item in node.items:
        call = item.context_expr
        if isinstance(call, ast.Call) and callee(call).rpartition(".")[2] == "suppress":
            return call.args
    return []


def onward(code: OwnCode, statement: ast.stmt, loop: ast.stmt, ways: Ways) -> Ways:
    """Return the ways out of one round of a loop, for a statement in it that was left in `ways`; NEXT is another round."""
    current = statement
    while Way.NEXT in ways:
        block = code.block(current)
        ways = (ways - _FALLS) | ways_out(block[block.index(current) + 1 :])
        current = code.statement(code.parent(current))
        if Way.NEXT not in ways or current is loop or current is code.function:
            return ways
        if isinstance(current, AnyTry):
            if block is current.body:
                ways = (ways - _FALLS) | ways_out(current.orelse)
            ways = _and_finally(current, ways)
    return ways


def cleans_up(outer: ast.AST, child: ast.AST) -> bool:
    """Whether a statement stands right in a clause, or in a `finally`, of what holds it."""
    return isinstance(outer, ast.ExceptHandler) or (isinstance(outer, AnyTry) and child in outer.finalbody)
