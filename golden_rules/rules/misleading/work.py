"""What in a function is its work, and how much of it a block holds."""

from __future__ import annotations

import ast
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from golden_rules.rules.misleading.work_words import does_something, writes_log
from golden_rules.source.own_code import OwnCode, below
from golden_rules.source.trees import AnyLoop, AnyTry, AnyWith, callee, dotted, walk


@dataclass(frozen=True, slots=True)
class Share:
    """How many calls that do something stand in a block, and how many elsewhere in its function."""

    inside: int
    outside: int


def share(code: OwnCode, statement: ast.stmt, block: list[ast.stmt], orelse: Sequence[ast.stmt] = ()) -> Share:
    """Count the work of a function in a block of a statement and its `else`, and outside of them.

    Handlers, what is done in the end, and the heads of the loops and `with` statements around the block count as neither.
    """
    around = frozenset((statement, *code.holders(statement)))
    inside = frozenset((*block, *orelse))
    found = [_is_inside(code, node, around, inside) for node in code.nodes if is_work(node)]
    return Share(found.count(True), found.count(False))


def _is_inside(code: OwnCode, node: ast.AST, around: Collection[ast.AST], inside: Collection[ast.AST]) -> bool | None:
    """Return whether a node stands in some statements, or elsewhere; `None` where it counts as neither."""
    current = node
    for holder in code.holders(node):
        if current in inside:
            return True
        if isinstance(holder, ast.ExceptHandler) or (isinstance(holder, AnyTry) and current in holder.finalbody):
            return None
        if isinstance(holder, AnyLoop | AnyWith) and holder in around and current not in holder.body:
            return None
        current = holder
    return False


def is_main(block: list[ast.stmt], found: Share) -> bool:
    """Whether a block does most of a function's work, or as much as the rest and returns what comes of it."""
    if found.inside == found.outside:
        gives = any(isinstance(node, ast.Return) and node.value is not None for node in below(block))
        return found.inside > 0 and gives
    return found.inside > found.outside


def nothing_comes(code: OwnCode, block: list[ast.stmt], after: Sequence[ast.stmt]) -> bool:
    """Whether a function that goes on after a block just ends, and with no result that was there before the block."""
    return all(map(_is_trivial, after)) and not result_stands(code, block, after)


def result_stands(code: OwnCode, block: list[ast.stmt], after: Sequence[ast.stmt]) -> bool:
    """Whether what is returned in the end was there before a block, which then was no main work."""
    returns = [node for statement in after for node in walk(statement) if isinstance(node, ast.Return)]
    for name in (dotted(node.value) for node in returns):
        made = [binding for binding in code.bindings.get(name, ()) if isinstance(binding, ast.Assign)]
        if any(not _is_empty(binding.value) for binding in made) and not is_set_in(code, block, name):
            return True
    return False


def is_set_in(code: OwnCode, block: list[ast.stmt], name: str) -> bool:
    """Whether a block sets a variable."""
    return any(code.is_in(binding, block) for binding in code.bindings.get(name, ()))


def _is_trivial(statement: ast.stmt) -> bool:
    """Whether a statement after a block does no work of its own, and cannot raise what was caught."""
    return not any(
        isinstance(node, ast.Raise | AnyLoop | ast.Yield | ast.YieldFrom | ast.Await) or is_work(node)
        for node in below([statement])
    )


def is_work(node: ast.AST) -> bool:
    """Whether a node is a call that does something: not one that logs, counts, cleans up, computes or constructs."""
    return isinstance(node, ast.Call) and does_something(callee(node))


def logs_something(call: ast.Call) -> bool:
    """Whether a call writes to a log, or tells a person of an exception."""
    return writes_log(callee(call))


def _is_empty(value: ast.expr) -> bool:
    """Whether a variable is only got ready: with `None`, a number or text, an empty container."""
    match value:
        case ast.List(elts=items) | ast.Tuple(elts=items) | ast.Dict(values=items):
            return not items
        case ast.Call(args=args, keywords=keywords):
            return not (args or keywords)
        case ast.Constant(value=constant):
            return constant is not ...
        case _:
            return isinstance(value, ast.Name | ast.JoinedStr)
