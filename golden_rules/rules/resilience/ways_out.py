"""How a run of statements can end: by falling off its end, by `continue`, `break`, `return` or an exception."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum

import libcst as cst

from golden_rules.source.body import Body, callee

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


def statements_of(suite: cst.BaseSuite | None) -> Sequence[cst.CSTNode]:
    """Return the statements of a block, which may stand behind its colon."""
    return () if suite is None else suite.body


def ways_out(statements: Sequence[cst.CSTNode]) -> Ways:
    """Return every way in which statements that run one after another can end, errors of the calls in them aside."""
    ways = set(_FALLS)
    for statement in statements:
        if Way.NEXT not in ways:
            break
        ways.discard(Way.NEXT)
        ways |= _of_statement(statement)
    return frozenset(ways)


def _of_statement(node: cst.CSTNode) -> Ways:
    match node:
        case cst.SimpleStatementLine():
            return ways_out(node.body)
        case cst.Return():
            return frozenset({Way.RETURN})
        case cst.Raise():
            return _RAISES
        case cst.Break():
            return frozenset({Way.BREAK})
        case cst.Continue():
            return frozenset({Way.CONTINUE})
        case cst.Expr(value=cst.Call() as call):
            return _RAISES if callee(call) in _ENDS_THE_PROCESS else _FALLS
        case cst.If():
            return _of_suite(node.body) | (_of_statement(node.orelse) if node.orelse else _FALLS)
        case cst.Else() | cst.Finally():
            return _of_suite(node.body)
        case cst.With():
            return _of_suite(node.body) | (_FALLS if suppressed(node) else frozenset())
        case cst.Try() | cst.TryStar():
            return _of_try(node)
        case cst.For() | cst.While():
            return _of_loop(node)
        case cst.Match():
            return _FALLS.union(*(_of_suite(case.body) for case in node.cases))
        case _:
            return _FALLS


def _of_suite(suite: cst.BaseSuite) -> Ways:
    return ways_out(statements_of(suite))


def _of_try(node: cst.Try | cst.TryStar) -> Ways:
    ways = finished(node).union(*(_of_suite(handler.body) for handler in node.handlers))
    return _and_finally(node, ways)


def finished(node: cst.Try | cst.TryStar) -> Ways:
    """Return the ways out of a `try` in whose body nothing is raised, `finally` aside."""
    ways = _of_suite(node.body)
    if Way.NEXT in ways and node.orelse is not None:
        ways = (ways - _FALLS) | _of_suite(node.orelse.body)
    return ways


def _and_finally(node: cst.Try | cst.TryStar, ways: Ways) -> Ways:
    if node.finalbody is None:
        return ways
    final = _of_suite(node.finalbody.body)
    return ways | (final - _FALLS) if Way.NEXT in final else final


def _of_loop(node: cst.For | cst.While) -> Ways:
    inner = _of_suite(node.body)
    through = inner & {Way.RETURN, Way.RAISE}
    if isinstance(node, cst.While) and is_endless(node):
        return through | (_FALLS if Way.BREAK in inner else frozenset())
    ended = _of_suite(node.orelse.body) if node.orelse else _FALLS
    return through | ended | (_FALLS if Way.BREAK in inner else frozenset())


def is_endless(node: cst.While) -> bool:
    """Whether a loop's test is always true."""
    match node.test:
        case cst.Name(value="True"):
            return True
        case cst.Integer():
            return node.test.value != "0"
        case _:
            return False


def suppressed(node: cst.With) -> str:
    """Return how the errors are spelled that `with suppress(...)` swallows, or `""` where the block swallows none."""
    for item in node.items:
        if isinstance(item.item, cst.Call) and callee(item.item).rpartition(".")[2] == "suppress":
            return cst.Module([]).code_for_node(item.item.args[0]) if item.item.args else ""
    return ""


def onward(body: Body, statement: cst.CSTNode, loop: cst.CSTNode, ways: Ways) -> Ways:
    """Return the ways out of one round of a loop, for a statement in it that was left in `ways`; NEXT is another round."""
    current = statement
    while Way.NEXT in ways:
        block = body.parent(current)
        siblings = statements_of(block) if isinstance(block, cst.BaseSuite) else ()
        index = next((index for index, one in enumerate(siblings) if one is current), len(siblings))
        ways = (ways - _FALLS) | ways_out(siblings[index + 1 :])
        holder = body.parent(block)
        if Way.NEXT not in ways or holder is loop:
            return ways
        current = _statement_around(body, holder)
        if current is loop or not isinstance(current, cst.BaseStatement):
            return ways
        if isinstance(current, cst.Try | cst.TryStar):
            if block is current.body and current.orelse is not None:
                ways = (ways - _FALLS) | _of_suite(current.orelse.body)
            ways = _and_finally(current, ways)
    return ways


def _statement_around(body: Body, node: cst.CSTNode) -> cst.CSTNode:
    """Return the whole compound statement that a clause (`else`, `elif`, `except`) is part of."""
    current = node
    while isinstance(current, cst.Else | cst.Finally | cst.ExceptHandler | cst.ExceptStarHandler | cst.MatchCase):
        current = body.parent(current)
    while isinstance(current, cst.If) and isinstance(body.parent(current), cst.If):
        current = body.parent(current)
    return current
