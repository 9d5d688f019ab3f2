"""What in a function is its work, and how much of it a block holds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import libcst as cst

from golden_rules.rules.misleading.endings import nodes_of, nodes_within
from golden_rules.rules.misleading.work_words import does_something, writes_log
from golden_rules.source.body import Body, callee, dotted


@dataclass(frozen=True, slots=True)
class Share:
    """How many calls that do something stand in a block, and how many elsewhere in its function."""

    inside: int
    outside: int


def share(body: Body, block: cst.CSTNode, orelse: cst.CSTNode | None = None) -> Share:
    """Count the work of a function in a block and its `else`, and outside of them.

    Handlers, what is done in the end, and the heads of the loops and `with` statements around the block count as neither.
    """
    around = {id(holder) for holder in body.ancestors(block)}
    inside = outside = 0
    for node in body.nodes:
        if not is_work(node):
            continue
        below = node
        for holder in body.ancestors(node):
            if isinstance(holder, cst.ExceptHandler | cst.ExceptStarHandler | cst.Finally):
                break
            if isinstance(holder, cst.For | cst.While | cst.With) and id(holder) in around and below is not holder.body:
                break
            if holder is block or (orelse is not None and holder is orelse):
                inside += 1
                break
            below = holder
        else:
            outside += 1
    return Share(inside, outside)


def is_main(body: Body, block: cst.CSTNode, found: Share) -> bool:
    """Whether a block does most of a function's work, or as much as the rest and returns what comes of it."""
    if found.inside == found.outside:
        gives = any(isinstance(node, cst.Return) and node.value is not None for node in nodes_within(body, block))
        return found.inside > 0 and gives
    return found.inside > found.outside


def nothing_comes(body: Body, block: cst.CSTNode, after: Sequence[cst.CSTNode]) -> bool:
    """Whether a function that goes on after a block just ends, and with no result that was there before the block."""
    return all(_is_trivial(body, statement) for statement in after) and not result_stands(body, block, after)


def result_stands(body: Body, block: cst.CSTNode, after: Sequence[cst.CSTNode]) -> bool:
    """Whether what is returned in the end was there before a block, which then was no main work."""
    returns = [node for statement in after for node in nodes_of(statement) if isinstance(node, cst.Return)]
    for name in (dotted(node.value) for node in returns):
        made = [binding for binding in body.bindings.get(name, ()) if isinstance(binding, cst.Assign)]
        if any(not _is_empty(binding.value) for binding in made) and not is_set_in(body, block, name):
            return True
    return False


def is_set_in(body: Body, block: cst.CSTNode, name: str) -> bool:
    """Whether a block sets a variable."""
    return any(block in body.ancestors(binding) for binding in body.bindings.get(name, ()))


def _is_trivial(body: Body, statement: cst.CSTNode) -> bool:
    """Whether a statement after a block does no work of its own, and cannot raise what was caught."""
    return not any(
        isinstance(node, cst.Raise | cst.For | cst.While | cst.Yield | cst.Await) or is_work(node)
        for node in [statement, *nodes_within(body, statement)]
    )


def is_work(node: cst.CSTNode) -> bool:
    """Whether a node is a call that does something: not one that logs, counts, cleans up, computes or constructs."""
    return isinstance(node, cst.Call) and does_something(callee(node))


def logs_something(call: cst.Call) -> bool:
    """Whether a call writes to a log, or tells a person of an exception."""
    return writes_log(callee(call))


def last_name(call: cst.Call) -> str:
    """Return the last part of the name of what is called."""
    return callee(call).rpartition(".")[2]


def _is_empty(value: cst.BaseExpression) -> bool:
    """Whether a variable is only got ready: with `None`, a number or text, an empty container."""
    match value:
        case cst.List(elements=elements) | cst.Dict(elements=elements) | cst.Tuple(elements=elements):
            return not elements
        case cst.Call(args=args):
            return not args
        case _:
            return isinstance(value, cst.Name | cst.BaseNumber | cst.BaseString)
