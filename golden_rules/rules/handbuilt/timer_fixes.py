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

_NO_SECONDS = {
    Unit.NANOSECONDS: "the duration is not divided by a billion at once, and a timer has seconds",
    Unit.DATETIME: "the duration is not asked for its `total_seconds()` at once, and a timer has seconds",
}
_SHARES_A_LINE = "one of its statements stands behind a colon, on the line of another"
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
) -> tuple[Edit, ...] | str:
    """Return the edits that put a timer in the place of a start and all differences from it, or in words why there are none.

    `timer` is the expression that makes the timer: `timed("shop.orders.refund.duration")`. There are none where they are not
    certain to keep every value, path and type.
    """
    body = found.body
    uses_of: dict[Stamp, list[_Use]] = {}
    if why := _why_not_plain(body, function, found, stamp.name):
        return why
    # A variable that is a timer here and a number there would not pass a type checker: all of its starts, or none.
    for other in found.stamps[stamp.name]:
        uses = _uses(piece, function, found, other)
        if isinstance(uses, str):
            return uses
        uses_of[other] = uses
    used = [difference for difference in found.differences if difference.start == stamp.name]
    if len(used) != len(body.loads[stamp.name]):
        return f"`{stamp.name}` is used for more than durations"
    if any(difference.decides for difference in used):
        return f"what the program does hangs on a duration from `{stamp.name}`"
    try:
        finals = {id(use): _is_final(body, stamp, use, uses_of[stamp]) for use in uses_of[stamp]}
        if not all(_is_certain(body, other, uses) for other, uses in uses_of.items()):
            return f"it is not certain which duration from `{stamp.name}` is its last"
    except UnclearPathError:
        return f"which duration from `{stamp.name}` is its last hangs on where an exception is raised"
    edits = [_start_edit(piece, stamp, timer)]
    for use in uses_of[stamp]:
        value = f"{stamp.name}.stop()" if finals[id(use)] else f"{stamp.name}.elapsed"
        edits.extend(_use_edits(piece, text, body, use, value))
    return tuple(edits)


def _why_not_plain(body: Body, function: Function, found: Timings, name: str) -> str:
    """Return in words why a variable is more than local, set to readings and read by one function; `""` where it is not."""
    if "." in name:
        return f"others may read `{name}`"
    if name in body.captured:
        return f"an inner function uses `{name}`"
    if name in body.declared:
        return f"`{name}` is a variable of the code around the function"
    if name in _parameters(function):
        return f"`{name}` is a parameter"
    stamps = found.stamps.get(name, [])
    if len(body.bindings[name]) != len(stamps):
        return f"`{name}` is set to something else as well"
    if not all(_sets_one_name(stamp.binding) for stamp in stamps):
        return f"`{name}` is set together with something else"
    if any(_stands_on_a_header(body, stamp.binding) for stamp in stamps):
        return _SHARES_A_LINE
    return ""


def _sets_one_name(binding: cst.CSTNode) -> bool:
    match binding:
        case cst.AnnAssign() | cst.Assign(targets=[cst.AssignTarget(target=cst.Name())]):
            return True
        case _:
            return False


def _stands_on_a_header(body: Body, node: cst.CSTNode) -> bool:
    """Whether a statement follows a colon on its line: `if slow: start = clock()`, which is no block to reason about."""
    return any(isinstance(ancestor, cst.SimpleStatementSuite) for ancestor in body.ancestors(node))


def _parameters(function: Function) -> set[str]:
    arguments = function.node.args
    every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, arguments.vararg, arguments.kwarg]
    return {argument.arg for argument in every if argument is not None}


def _uses(piece: Slice[cst.FunctionDef], function: Function, found: Timings, stamp: Stamp) -> list[_Use] | str:
    """Return the later readings of a start in order, or in words why one of them cannot be a timer's value."""
    if stamp.reading.value is not stamp.reading.call:
        return f"`{stamp.name}` is more than the reading of a clock"
    if stamp.reading.unit is Unit.CPU_SECONDS:
        return f"`{stamp.reading.name}` counts the time of the processor, and a timer that of the wall"
    if stamp.reading.unit is Unit.UNKNOWN:
        return f"nothing tells whether `{stamp.reading.name}` counts seconds"
    by_place: dict[int, list[Difference]] = {}
    for difference in found.differences:
        if difference.stamp is stamp:
            place = difference.end.binding if difference.end else difference.node
            by_place.setdefault(id(place), []).append(difference)
    uses: list[_Use] = []
    for differences in by_place.values():
        use = _use(piece, function, found, stamp, differences)
        if isinstance(use, str):
            return use
        uses.append(use)
    return uses or f"`{stamp.name}` is set where no duration is measured from it"


def _use(
    piece: Slice[cst.FunctionDef], function: Function, found: Timings, stamp: Stamp, differences: list[Difference]
) -> _Use | str:
    body = found.body
    end = differences[0].end
    place = end.binding if end else differences[0].node
    if any(_stands_on_a_header(body, node) for node in _nodes(place, differences)):
        return _SHARES_A_LINE
    if any(_is_in_comprehension(body, node) for node in _nodes(place, differences)):
        return "a comprehension measures a duration for each of its items"
    if any(_is_shown_as_code(body, node) for node in _nodes(place, differences)):
        return "a text shows how the duration is written"
    reading = differences[0].reading
    if reading.value is not reading.call:
        return f"`{piece.code(reading.value)}` is more than the reading of a clock"
    if piece.code(reading.call) != piece.code(stamp.reading.call):
        return f"`{stamp.reading.name}` and `{reading.name}` may be two clocks"
    if end is not None and not _is_read_by(body, function, found, end, differences):
        return f"`{end.name}` is used for more than the duration from `{stamp.name}`"
    if not dominates(body, stamp.binding, place):
        return f"a duration is measured where `{stamp.name}` may not have been set by this function's reading"
    if any(_binds(body, loop, stamp.name) for loop in loops_around(body, place, stamp.binding)):
        return f"a loop sets `{stamp.name}` again"
    replaced = [_seconds(body, difference.node, stamp.reading.unit) for difference in differences]
    if any(node is None for node in replaced):
        return _NO_SECONDS[stamp.reading.unit]
    if any(node is not None and "#" in piece.code(node) for node in replaced):
        return "a comment stands within the difference"
    return _Use(place, end, tuple(node for node in replaced if node is not None))


def _nodes(place: cst.CSTNode, differences: list[Difference]) -> list[cst.CSTNode]:
    return [place, *(difference.node for difference in differences)]


def _is_in_comprehension(body: Body, node: cst.CSTNode) -> bool:
    return any(isinstance(ancestor, cst.BaseComp) for ancestor in body.ancestors(node))


def _is_shown_as_code(body: Body, node: cst.CSTNode) -> bool:
    """Whether `f"{...=}"` shows an expression as it is written."""
    return any(
        isinstance(ancestor, cst.FormattedStringExpression) and ancestor.equal is not None
        for ancestor in body.ancestors(node)
    )


def _is_read_by(body: Body, function: Function, found: Timings, end: Stamp, differences: list[Difference]) -> bool:
    """Whether the later reading is kept in a variable that only these differences read."""
    if _why_not_plain(body, function, found, end.name) or len(body.bindings[end.name]) != 1:
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
