"""Whether one place of a function can be reached from another: enough to tell a last reading from an earlier one."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

from golden_rules.rules.handbuilt.reporting import takes_duration
from golden_rules.rules.handbuilt.vocabulary import hands_over, is_log, is_metric, is_pure, is_report
from golden_rules.source.own_code import OwnCode
from golden_rules.source.trees import AnyLoop, AnyTry, callee, walk

_EXITS = (ast.Return, ast.Raise, ast.Break, ast.Continue)
_BRANCHING = (ast.If, ast.IfExp, ast.BoolOp, ast.Match, ast.For, ast.AsyncFor, ast.While, ast.comprehension)
_Exits = frozenset[type[ast.stmt]]
_NO_EXITS: _Exits = frozenset()
# What ends a loop, or the function with it.
_LEAVING: _Exits = frozenset({ast.Return, ast.Raise, ast.Break})


class UnclearPathError(Exception):
    """Whether one place follows another hangs on exceptions that cannot be foreseen."""


def dominates(code: OwnCode, first: ast.AST, later: ast.AST) -> bool:
    """Whether control reaches `later` only through `first`: it stands later in the same block, or in a block within it."""
    return code.order(first) < code.order(later) and code.is_in(later, code.block(code.statement(first)))


def loops_around(code: OwnCode, node: ast.AST, start: ast.AST) -> Iterator[ast.AST]:
    """Yield the loops that hold a node, but not the place `start`."""
    outer = set(code.holders(start))
    return (holder for holder in code.holders(node) if isinstance(holder, AnyLoop) and holder not in outer)


def may_follow(code: OwnCode, first: ast.AST, later: ast.AST, start: ast.AST) -> bool:
    """Whether control can come from `first` to `later` without passing `start` again.

    Raises:
        UnclearPathError: It can where a call after `first` raises, which nobody can foresee.
    """
    around = set(loops_around(code, later, start))
    for loop in loops_around(code, first, start):
        if loop in around:
            if not _leaves(code, first, loop):
                return True
            if _may_fail_back(code, first, loop):
                raise UnclearPathError
    if first is later or code.order(later) < code.order(first):
        return False
    return _in_order(code, first, later)


def _in_order(code: OwnCode, first: ast.AST, later: ast.AST) -> bool:
    """Whether `later`, which stands after `first` in the source, follows it."""
    from_first = [first, *code.holders(first)]
    from_later = [later, *code.holders(later)]
    at = next(at for at, node in enumerate(from_first) if node in from_later)
    common = from_first[at]
    branch = from_first[at - 1] if at else first
    other = from_later[from_later.index(common) - 1]
    if isinstance(branch, ast.stmt) and isinstance(other, ast.stmt):
        block = code.block(branch)
        if other in block:
            return not _leaves(code, first, block)
    match common:
        case ast.If() if branch in common.body:
            return False
        case ast.IfExp():
            return branch is common.test
        case ast.Match():
            return branch is common.subject
        case ast.Try() | ast.TryStar():
            return _in_try(code, first, common, branch, other)
        case _:
            return True


def _in_try(code: OwnCode, first: ast.AST, statement: AnyTry, branch: ast.AST, other: ast.AST) -> bool:
    if other in statement.finalbody:
        return True
    if branch not in statement.body:
        return False
    if other in statement.orelse:
        return not _leaves(code, first, statement)
    if not all(_is_quiet(line) for line in _rest(code, first, statement)):
        raise UnclearPathError
    return False


def _rest(code: OwnCode, node: ast.AST, top: ast.AST) -> Iterator[ast.stmt]:
    """Yield the statement of a node and those after it in the blocks around it, up to `top`."""
    statement = code.statement(node)
    yield statement
    for around in _statements_around(code, statement):
        if around is top:
            return
        block = code.block(around)
        yield from block[block.index(around) + 1 :]


def _statements_around(code: OwnCode, node: ast.AST) -> Iterator[ast.stmt]:
    """Yield the statements that a node is or stands in, from the nearest."""
    return (
        holder for holder in (node, *code.holders(node)) if isinstance(holder, ast.stmt) and holder is not code.function
    )


def _is_quiet(line: ast.stmt) -> bool:
    """Whether a statement only reports, builds results and returns, so that it raises nothing worth a thought."""
    return not any(
        isinstance(node, ast.Raise) or (isinstance(node, ast.Call) and not _is_quiet_call(node)) for node in walk(line)
    )


def _is_quiet_call(call: ast.Call) -> bool:
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
        "monotonic",
        "perf_counter",
        "default_timer",
        "total_seconds",
        "stop",
        "add",
        "update",
        "labels",
    ):
        return True
    return takes_duration(call)


def _leaves(code: OwnCode, node: ast.AST, top: ast.AST | Sequence[ast.stmt]) -> bool:
    """Whether control, having passed a node, surely leaves `top`: a loop, or what follows in a block or a `try`."""
    caught = False
    inner_loop = False
    for statement in _statements_around(code, node):
        if statement is top:
            return False
        block = code.block(statement)
        if block is top:
            return False
        if isinstance(top, AnyLoop) and not inner_loop and _may_continue(code, block, statement, top):
            return False
        exits = _exits_from(block, statement)
        if exits and all(_is_effective(kind, top, caught=caught, inner_loop=inner_loop) for kind in exits):
            return True
        holder = code.parent(statement)
        if holder is top:
            return False
        if isinstance(holder, AnyTry) and block is holder.body and holder.handlers:
            caught = True
        if isinstance(holder, AnyLoop):
            inner_loop = True
    return False


def _may_continue(code: OwnCode, block: Sequence[ast.stmt], statement: ast.stmt, loop: ast.AST) -> bool:
    """Whether control that goes on from a statement may come to a `continue` of a loop before it surely leaves the block."""
    for line in block[block.index(statement) + 1 :]:
        if any(isinstance(node, ast.Continue) and _loop_of(code, node) is loop for node in (line, *code.inside(line))):
            return True
        if _exits(line):
            return False
    return False


def _loop_of(code: OwnCode, node: ast.AST) -> ast.AST | None:
    return next((holder for holder in code.holders(node) if isinstance(holder, AnyLoop)), None)


def _may_fail_back(code: OwnCode, node: ast.AST, loop: ast.AST) -> bool:
    """Whether what follows a node in a `try` may raise, and a handler of that lets the loop around it go on."""
    child = node
    for holder in code.holders(node):
        if holder is loop:
            return False
        if isinstance(holder, AnyTry) and child in holder.body:
            exits = [_block_exits(handler.body) for handler in holder.handlers]
            goes_on = any(not kinds or not kinds <= _LEAVING for kinds in exits)
            if goes_on and not all(map(_is_quiet, _rest(code, node, holder))):
                return True
        child = holder
    return False


def _is_effective(kind: type[ast.stmt], top: ast.AST | Sequence[ast.stmt], *, caught: bool, inner_loop: bool) -> bool:
    if kind is ast.Return:
        return True
    if kind is ast.Raise:
        return not caught
    if inner_loop:
        return False
    return kind is ast.Break or not isinstance(top, AnyLoop)


def _exits_from(block: Sequence[ast.stmt], statement: ast.stmt) -> _Exits:
    """Return how control surely leaves a block once it is in a statement of it; empty where it may reach the block's end."""
    # The statement itself counts only where it is the exit: `return time.time() - start`.
    if isinstance(statement, _EXITS):
        return frozenset({type(statement)})
    return _block_exits(block[block.index(statement) + 1 :])


def _exits(statement: ast.stmt) -> _Exits:
    """Return how a statement surely leaves its block; empty where it may go on."""
    if isinstance(statement, _EXITS):
        return frozenset({type(statement)})
    if isinstance(statement, ast.If) and statement.orelse:
        body, orelse = _block_exits(statement.body), _block_exits(statement.orelse)
        return body | orelse if body and orelse else _NO_EXITS
    return _NO_EXITS


def _block_exits(block: Sequence[ast.stmt]) -> _Exits:
    return next((exits for statement in block if (exits := _exits(statement))), _NO_EXITS)


def surely_reaches(code: OwnCode, first: ast.AST, later: ast.AST) -> bool:
    """Whether control that goes on from `first` certainly comes to `later`, exceptions apart."""
    around = set(code.holders(first))
    child = later
    for holder in code.holders(later):
        if isinstance(child, ast.stmt) and code.is_in(first, code.block(child)):
            break
        if isinstance(holder, _BRANCHING) and child is not getattr(holder, "test", None):
            return False
        if isinstance(holder, AnyTry) and isinstance(child, ast.ExceptHandler):
            return False
        if holder in around:
            break
        child = holder
    held_by = set(code.holders(later))
    between = code.nodes[code.order(first) : code.order(later)]
    return not any(isinstance(node, _EXITS) and node not in held_by for node in between)
