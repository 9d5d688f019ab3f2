"""The safe fix of a hand timing: the first reading becomes a started timer, the differences its values."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import libcst as cst

from golden_rules.findings import Edit
from golden_rules.rules.handbuilt.clocks import Unit
from golden_rules.rules.handbuilt.paths import UnclearPathError, dominates, loops_around, may_follow, surely_reaches

if TYPE_CHECKING:
    from golden_rules.rules.handbuilt.timings import Difference, Stamp, Timings
    from golden_rules.source.body import Body
    from golden_rules.source.outline import Function
    from golden_rules.source.slices import Slice

_REPLACEABLE = frozenset({Unit.SECONDS, Unit.DATETIME, Unit.NANOSECONDS})
_NANOSECONDS_PER_SECOND = 1_000_000_000
_END = re.compile(r"(^|_)end(?=_|$)")


@dataclass(frozen=True, slots=True, eq=False)
class _Use:
    """A later reading of one start, and the differences made of it.

    Attributes:
        place: Where the clock is read: the subtraction, or the assignment of the later reading.
        replaced: For each difference, the expression whose value is the duration in seconds.
    """

    place: cst.CSTNode
    end: Stamp | None
    replaced: tuple[cst.BaseExpression, ...]


def timer_edits(
    piece: Slice[cst.FunctionDef], text: str, function: Function, found: Timings, stamp: Stamp, timer: str
) -> tuple[Edit, ...] | None:
    """Return the edits that put a timer in the place of a start and all differences from it.

    `timer` is the expression that makes the timer: `timed("shop.orders.refund.duration")`. Returns `None` where the edits
    are not certain to keep every value, path and type.
    """
    body = found.body
    uses_of: dict[Stamp, list[_Use]] = {}
    if not _is_plain_variable(body, function, found, stamp.name):
        return None
    # A variable that is a timer here and a number there would not pass a type checker: all of its starts, or none.
    for other in found.stamps[stamp.name]:
        uses = _uses(piece, function, found, other)
        if uses is None:
            return None
        uses_of[other] = uses
    used = [difference for difference in found.differences if difference.start == stamp.name]
    if len(used) != len(body.loads[stamp.name]) or any(difference.decides for difference in used):
        return None
    try:
        finals = {id(use): _is_final(body, stamp, use, uses_of[stamp]) for use in uses_of[stamp]}
        if not all(_is_certain(body, other, uses) for other, uses in uses_of.items()):
            return None
    except UnclearPathError:
        return None
    edits = [_start_edit(piece, stamp, timer)]
    for use in uses_of[stamp]:
        value = f"{stamp.name}.stop()" if finals[id(use)] else f"{stamp.name}.elapsed"
        edits.extend(_use_edits(piece, text, body, use, value))
    return tuple(edits)


def _is_plain_variable(body: Body, function: Function, found: Timings, name: str) -> bool:
    """Whether nothing but the function's own assignments of readings sets a local variable, and only it reads it."""
    if "." in name or name in body.captured or name in body.declared or name in _parameters(function):
        return False
    if any(_stands_on_a_header(body, stamp.binding) for stamp in found.stamps.get(name, [])):
        return False
    bindings = body.bindings[name]
    stamps = found.stamps.get(name, [])
    return len(bindings) == len(stamps) and all(
        isinstance(stamp.binding, cst.AnnAssign)
        or (
            (isinstance(stamp.binding, cst.Assign) and len(stamp.binding.targets) == 1)
            and isinstance(stamp.binding.targets[0].target, cst.Name)
        )
        for stamp in stamps
    )


def _stands_on_a_header(body: Body, node: cst.CSTNode) -> bool:
    """Whether a statement follows a colon on its line: `if slow: start = clock()`, which is no block to reason about."""
    return any(isinstance(ancestor, cst.SimpleStatementSuite) for ancestor in body.ancestors(node))


def _parameters(function: Function) -> set[str]:
    arguments = function.node.args
    every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, arguments.vararg, arguments.kwarg]
    return {argument.arg for argument in every if argument is not None}


def _uses(piece: Slice[cst.FunctionDef], function: Function, found: Timings, stamp: Stamp) -> list[_Use] | None:
    """Return the later readings of a start in order; `None` where one of them cannot be a timer's value."""
    if stamp.reading.value is not stamp.reading.call or stamp.reading.unit not in _REPLACEABLE:
        return None
    by_place: dict[int, list[Difference]] = {}
    for difference in found.differences:
        if difference.stamp is stamp:
            place = difference.end.binding if difference.end else difference.node
            by_place.setdefault(id(place), []).append(difference)
    uses = [_use(piece, function, found, stamp, differences) for differences in by_place.values()]
    if not uses or None in uses:
        return None
    return [use for use in uses if use is not None]


def _use(
    piece: Slice[cst.FunctionDef], function: Function, found: Timings, stamp: Stamp, differences: list[Difference]
) -> _Use | None:
    body = found.body
    end = differences[0].end
    place = end.binding if end else differences[0].node
    if any(_stands_on_a_header(body, node) or _is_shown_as_code(body, node) for node in _nodes(place, differences)):
        return None
    reading = differences[0].reading
    if reading.value is not reading.call or piece.code(reading.call) != piece.code(stamp.reading.call):
        return None
    if end is not None and not _is_read_by(body, function, found, end, differences):
        return None
    if not dominates(body, stamp.binding, place):
        return None
    if any(_binds(body, loop, stamp.name) for loop in loops_around(body, place, stamp.binding)):
        return None
    replaced = [_seconds(body, difference.node, stamp.reading.unit) for difference in differences]
    if any(node is None or "#" in piece.code(node) for node in replaced):
        return None
    return _Use(place, end, tuple(node for node in replaced if node is not None))


def _nodes(place: cst.CSTNode, differences: list[Difference]) -> list[cst.CSTNode]:
    return [place, *(difference.node for difference in differences)]


def _is_shown_as_code(body: Body, node: cst.CSTNode) -> bool:
    """Whether `f"{...=}"` shows an expression as it is written."""
    return any(
        isinstance(ancestor, cst.FormattedStringExpression) and ancestor.equal is not None
        for ancestor in body.ancestors(node)
    )


def _is_read_by(body: Body, function: Function, found: Timings, end: Stamp, differences: list[Difference]) -> bool:
    """Whether the later reading is kept in a variable that only these differences read."""
    if not _is_plain_variable(body, function, found, end.name) or len(body.bindings[end.name]) != 1:
        return False
    if isinstance(end.binding, cst.AnnAssign) and not _is_final_annotation(end.binding):
        return False
    return len(body.loads[end.name]) == len(differences)


def _binds(body: Body, loop: cst.CSTNode, name: str) -> bool:
    return any(loop in body.ancestors(binding) for binding in body.bindings[name])


def _seconds(body: Body, node: cst.BinaryOperation, unit: Unit) -> cst.BaseExpression | None:
    """Return the expression around a difference that is its value in seconds."""
    if unit is Unit.SECONDS:
        return node
    parent = body.parent(node)
    if unit is Unit.NANOSECONDS:
        if not isinstance(parent, cst.BinaryOperation) or not isinstance(parent.operator, cst.Divide):
            return None
        return parent if parent.left is node and _is_billion(parent.right) else None
    if isinstance(parent, cst.Attribute) and parent.attr.value == "total_seconds":
        call = body.parent(parent)
        return call if isinstance(call, cst.Call) and call.func is parent else None
    return None


def _is_billion(node: cst.BaseExpression) -> bool:
    return isinstance(node, cst.Integer | cst.Float) and node.evaluated_value == _NANOSECONDS_PER_SECOND


def _is_certain(body: Body, stamp: Stamp, uses: list[_Use]) -> bool:
    """Whether every way from the start that reads the clock ends in exactly one last reading."""
    finals = [use for use in uses if _is_final(body, stamp, use, uses)]
    return all(
        use in finals or any(surely_reaches(body, use.place, final.place) for final in finals if final is not use)
        for use in uses
    )


def _is_final(body: Body, stamp: Stamp, use: _Use, uses: list[_Use]) -> bool:
    # Each is asked, so that an unclear path to any of them is noticed.
    following = [other for other in uses if may_follow(body, use.place, other.place, stamp.binding)]
    return not following


def _start_edit(piece: Slice[cst.FunctionDef], stamp: Stamp, timer: str) -> Edit:
    binding = stamp.binding
    start, end = outer_span(piece, stamp.reading.call)
    if isinstance(binding, cst.AnnAssign) and not _is_final_annotation(binding):
        # The annotation says `float`, which the timer is not.
        return Edit(piece.span(binding.target)[1], end, f" = {timer}.start()")
    return Edit(start, end, f"{timer}.start()")


def _is_final_annotation(binding: cst.AnnAssign) -> bool:
    annotation = binding.annotation.annotation
    return isinstance(annotation, cst.Name) and annotation.value == "Final"


def _use_edits(piece: Slice[cst.FunctionDef], text: str, body: Body, use: _Use, value: str) -> Iterator[Edit]:
    if use.end is None:
        yield from (_edit(piece, text, node, value) for node in use.replaced)
    elif len(use.replaced) == 1 and (line := _line_before(piece, body, use)) is not None:
        yield line
        yield _edit(piece, text, use.replaced[0], value)
    else:
        name, renaming = _name_of_duration(piece, text, use.end)
        yield from renaming
        yield _edit(piece, text, use.end.reading.call, value)
        yield from (_edit(piece, text, node, name) for node in use.replaced)


def _name_of_duration(piece: Slice[cst.FunctionDef], text: str, end: Stamp) -> tuple[str, list[Edit]]:
    """Return `elapsed_time` for `end_time`, which holds a duration now, with the edit where it is set.

    The name stays where the file has the other one already.
    """
    name = _END.sub(r"\1elapsed", end.name)
    match end.binding:
        case cst.Assign(targets=[cst.AssignTarget(target=target)]) | cst.AnnAssign(target=target):
            if not re.search(rf"\b{name}\b", text):
                return name, [Edit(*piece.span(target), name)]
        case _:
            pass
    return end.name, []


def _line_before(piece: Slice[cst.FunctionDef], body: Body, use: _Use) -> Edit | None:
    """Return the edit that drops `end = clock()` where the very next statement uses it before it calls anything."""
    line = body.statement(use.place)
    block = body.parent(line)
    if not isinstance(line, cst.SimpleStatementLine) or not isinstance(block, cst.IndentedBlock) or len(line.body) != 1:
        return None
    index = [id(other) for other in block.body].index(id(line)) + 1
    following = block.body[index] if index < len(block.body) else None
    if following is not body.statement(use.replaced[0]) or not isinstance(following, cst.SimpleStatementLine):
        return None
    if line.trailing_whitespace.comment or following.leading_lines:
        return None
    around = {id(ancestor) for ancestor in body.ancestors(use.replaced[0])}
    order = body.order(use.replaced[0])
    for node in body.nodes[body.order(following) : order]:
        if isinstance(node, cst.Call | cst.Await) and id(node) not in around:
            return None
    return Edit(piece.span(line)[0], piece.span(following)[0], "")


def _edit(piece: Slice[cst.FunctionDef], text: str, node: cst.BaseExpression, replacement: str) -> Edit:
    start, end = outer_span(piece, node)
    # `return(a - b)` needs a blank in place of its parenthesis.
    before = " " if _is_word(text[start - 1 : start]) else ""
    after = " " if _is_word(text[end : end + 1]) else ""
    return Edit(start, end, before + replacement + after)


def _is_word(character: str) -> bool:
    return character.isalnum() or character == "_"


def outer_span(piece: Slice[cst.FunctionDef], node: cst.BaseExpression) -> tuple[int, int]:
    """Return the file offsets of an expression with the parentheses around it."""
    if node.lpar:
        return piece.span(node.lpar[0])[0], piece.span(node.rpar[-1])[1]
    return piece.span(node)
