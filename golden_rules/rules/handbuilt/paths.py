"""Whether one place of a function can be reached from another: enough to tell a last reading from an earlier one."""

from __future__ import annotations

from collections.abc import Iterator

import libcst as cst

from golden_rules.rules.handbuilt.clocks import is_duration
from golden_rules.rules.handbuilt.vocabulary import hands_over, is_log, is_metric, is_pure, is_report
from golden_rules.source.body import Body, callee

_LOOPS = (cst.For, cst.While)
_EXITS = (cst.Return, cst.Raise, cst.Break, cst.Continue)
_TRIES = (cst.Try, cst.TryStar)
_BRANCHING = (cst.If, cst.IfExp, cst.BooleanOperation, cst.Match, cst.For, cst.While, cst.CompFor)


class UnclearPathError(Exception):
    """Whether one place follows another hangs on exceptions that cannot be foreseen."""


def dominates(body: Body, first: cst.CSTNode, later: cst.CSTNode) -> bool:
    """Whether control reaches `later` only through `first`: it stands later in the same block, or in a block within it."""
    block = body.parent(body.statement(first))
    return body.order(first) < body.order(later) and any(ancestor is block for ancestor in body.ancestors(later))


def loops_around(body: Body, node: cst.CSTNode, start: cst.CSTNode) -> Iterator[cst.CSTNode]:
    """Yield the loops that hold a node, but not the place `start`."""
    outer = {id(ancestor) for ancestor in body.ancestors(start)}
    for ancestor in body.ancestors(node):
        if isinstance(ancestor, _LOOPS) and id(ancestor) not in outer:
            yield ancestor


def may_follow(body: Body, first: cst.CSTNode, later: cst.CSTNode, start: cst.CSTNode) -> bool:
    """Whether control can come from `first` to `later` without passing `start` again.

    Raises:
        UnclearPathError: It can where a call after `first` raises, which nobody can foresee.
    """
    around = {id(loop) for loop in loops_around(body, later, start)}
    for loop in loops_around(body, first, start):
        if id(loop) in around and not _leaves(body, first, loop):
            return True
    if first is later or body.order(later) < body.order(first):
        return False
    return _in_order(body, first, later)


def _in_order(body: Body, first: cst.CSTNode, later: cst.CSTNode) -> bool:
    """Whether `later`, which stands after `first` in the source, follows it."""
    from_first = [first, *body.ancestors(first)]
    from_later = [later, *body.ancestors(later)]
    later_ids = {id(node): index for index, node in enumerate(from_later)}
    index = next(index for index, node in enumerate(from_first) if id(node) in later_ids)
    common = from_first[index]
    branch = from_first[index - 1] if index else first
    other = from_later[later_ids[id(common)] - 1]
    match common:
        case cst.If() if branch is common.body:
            return False
        case cst.IfExp():
            return branch is common.test
        case cst.Match():
            return branch is common.subject
        case cst.Try() | cst.TryStar():
            return _in_try(body, first, common, branch, other)
        case cst.IndentedBlock():
            return not _leaves(body, first, common)
        case _:
            return True


def _in_try(
    body: Body, first: cst.CSTNode, statement: cst.Try | cst.TryStar, branch: cst.CSTNode, other: cst.CSTNode
) -> bool:
    if other is statement.finalbody:
        return True
    if branch is not statement.body:
        return False
    if other is statement.orelse:
        return not _leaves(body, first, statement)
    if not all(_is_quiet(line) for line in _rest(body, first, statement)):
        raise UnclearPathError
    return False


def _rest(body: Body, node: cst.CSTNode, top: cst.CSTNode) -> Iterator[cst.CSTNode]:
    """Yield the statement of a node and those after it in the blocks around it, up to `top`."""
    statement = body.statement(node)
    yield statement
    for block in body.ancestors(statement):
        if block is top:
            return
        if isinstance(block, cst.IndentedBlock):
            yield from (line for line in block.body if body.order(line) > body.order(statement))


def _is_quiet(line: cst.CSTNode) -> bool:
    """Whether a statement only reports, builds results and returns, so that it raises nothing worth a thought."""
    stack = [line]
    while stack:
        node = stack.pop()
        if isinstance(node, cst.Raise):
            return False
        if isinstance(node, cst.Call) and not _is_quiet_call(node):
            return False
        stack.extend(node.children)
    return True


def _is_quiet_call(call: cst.Call) -> bool:
    name = callee(call)
    if is_log(name) or is_metric(name) or is_report(name) or is_pure(name) or hands_over(name):
        return True
    if name.rpartition(".")[2] in (
        "len",
        "type",
        "str",
        "create_task",
        "get",
        "items",
        "time",
        "total_seconds",
        "stop",
        "add",
        "update",
        "labels",
    ):
        return True
    return any(argument.keyword is not None and is_duration(argument.keyword.value) for argument in call.args)


def _leaves(body: Body, node: cst.CSTNode, top: cst.CSTNode) -> bool:
    """Whether control, having passed a node, surely leaves `top`: a loop, or what follows in a block."""
    caught = False
    inner_loop = False
    current = node
    for ancestor in body.ancestors(node):
        if ancestor is top and not isinstance(top, _LOOPS):
            return False
        if isinstance(ancestor, cst.IndentedBlock | cst.SimpleStatementLine):
            exits = _exits_after(body, ancestor, current)
            if exits and all(_is_effective(kind, top, caught=caught, inner_loop=inner_loop) for kind in exits):
                return True
        if ancestor is top:
            return False
        if isinstance(ancestor, _TRIES) and current is ancestor.body and ancestor.handlers:
            caught = True
        if isinstance(ancestor, _LOOPS):
            inner_loop = True
        current = ancestor
    return False


def _is_effective(kind: type[cst.CSTNode], top: cst.CSTNode, *, caught: bool, inner_loop: bool) -> bool:
    if kind is cst.Return:
        return True
    if kind is cst.Raise:
        return not caught
    if inner_loop:
        return False
    return kind is cst.Break or not isinstance(top, _LOOPS)


def _exits_after(
    body: Body, block: cst.IndentedBlock | cst.SimpleStatementLine, node: cst.CSTNode
) -> set[type[cst.CSTNode]]:
    """Return how control surely leaves a block once it has passed `node`; empty where it may reach the block's end."""
    order = body.order(node)
    for line in block.body:
        # The statement that holds the node counts only where it is the exit itself: `return time.time() - start`.
        if (body.order(line) > order or line is node) and (exits := _exits(line, whole=line is not node)):
            return exits
    return set()


def _exits(line: cst.CSTNode, *, whole: bool = True) -> set[type[cst.CSTNode]]:
    """Return how a statement surely leaves its block; empty where it may go on."""
    if isinstance(line, _EXITS):
        return {type(line)}
    if not whole:
        return set()
    if isinstance(line, cst.SimpleStatementLine):
        return next((exits for part in line.body if (exits := _exits(part))), set())
    if isinstance(line, cst.If) and line.orelse is not None:
        body = _block_exits(line.body)
        orelse = _exits(line.orelse) if isinstance(line.orelse, cst.If) else _block_exits(line.orelse.body)
        return body | orelse if body and orelse else set()
    return set()


def _block_exits(suite: cst.BaseSuite) -> set[type[cst.CSTNode]]:
    return next((exits for line in suite.body if (exits := _exits(line))), set())


def surely_reaches(body: Body, first: cst.CSTNode, later: cst.CSTNode) -> bool:
    """Whether control that goes on from `first` certainly comes to `later`, exceptions apart."""
    around = {id(ancestor) for ancestor in body.ancestors(first)}
    child = later
    for ancestor in body.ancestors(later):
        if isinstance(ancestor, _BRANCHING) and child is not getattr(ancestor, "test", None):
            return False
        if isinstance(ancestor, _TRIES) and isinstance(child, cst.ExceptHandler | cst.ExceptStarHandler):
            return False
        if id(ancestor) in around:
            break
        child = ancestor
    held_by = {id(ancestor) for ancestor in body.ancestors(later)}
    between = body.nodes[body.order(first) : body.order(later)]
    return not any(isinstance(node, _EXITS) and id(node) not in held_by for node in between)
