"""The safe fix of a hand timing: the first reading becomes a started timer, the differences its values."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from golden_rules.findings import Edit
from golden_rules.rules.handbuilt.clocks import Unit
from golden_rules.rules.handbuilt.paths import UnclearPathError, dominates, loops_around, may_follow, surely_reaches
from golden_rules.source.deletion import stands_alone
from golden_rules.source.text import is_in_word
from golden_rules.source.trees import is_number
from golden_rules.source.written import code_of, is_placed, outer_span

if TYPE_CHECKING:
    from golden_rules.rules.handbuilt.timings import Difference, Stamp, Timings
    from golden_rules.source.outline import Function
    from golden_rules.source.own_code import OwnCode
    from golden_rules.source.text import SourceText

_NO_SECONDS = {
    Unit.NANOSECONDS: "the duration is not divided by a billion at once, and a timer has seconds",
    Unit.DATETIME: "the duration is not asked for its `total_seconds()` at once, and a timer has seconds",
}
_SHARES_A_LINE = "one of its statements stands behind a colon, on the line of another"
_NANOSECONDS_PER_SECOND = 1_000_000_000
_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
_END = re.compile(r"(^|_)end(?=_|$)")


@dataclass(frozen=True, slots=True, eq=False)
class _Use:
    """A later reading of one start, and the differences made of it.

    Attributes:
        place: Where the clock is read: the subtraction, or the assignment of the later reading.
        replaced: For each difference, the expression whose value is the duration in seconds.
    """

    place: ast.AST
    end: Stamp | None
    replaced: tuple[ast.expr, ...]


def timer_edits(
    source: SourceText, function: Function, found: Timings, stamp: Stamp, timer: str
) -> tuple[Edit, ...] | str:
    """Return the edits that put a timer in the place of a start and all differences from it, or in words why there are none.

    `timer` is the expression that makes the timer: `timed("shop.orders.refund.duration")`. There are none where they are not
    certain to keep every value, path and type.
    """
    code = found.code
    uses_of: dict[Stamp, list[_Use]] = {}
    if why := _why_not_plain(source, function, found, stamp.name):
        return why
    # A variable that is a timer here and a number there would not pass a type checker: all of its starts, or none.
    for other in found.stamps[stamp.name]:
        uses = _uses(source, function, found, other)
        if isinstance(uses, str):
            return uses
        uses_of[other] = uses
    used = [difference for difference in found.differences if difference.start == stamp.name]
    if len(used) != len(code.loads[stamp.name]):
        return f"`{stamp.name}` is used for more than durations"
    if any(difference.decides for difference in used):
        return f"what the program does hangs on a duration from `{stamp.name}`"
    try:
        finals = {id(use): _is_final(code, stamp, use, uses_of[stamp]) for use in uses_of[stamp]}
        if not all(_is_certain(code, other, uses) for other, uses in uses_of.items()):
            return f"it is not certain which duration from `{stamp.name}` is its last"
    except UnclearPathError:
        return f"which duration from `{stamp.name}` is its last hangs on where an exception is raised"
    edits = [*_start_edits(source, code, stamp, timer)]
    for use in uses_of[stamp]:
        value = f"{stamp.name}.stop()" if finals[id(use)] else f"{stamp.name}.elapsed"
        edits.extend(_use_edits(source, code, use, value))
    return tuple(edits)


def _why_not_plain(source: SourceText, function: Function, found: Timings, name: str) -> str:
    """Return in words why a variable is more than local, set to readings and read by one function; `""` where it is not."""
    code = found.code
    if "." in name:
        return f"others may read `{name}`"
    if name in code.captured:
        return f"an inner function uses `{name}`"
    if name in code.declared:
        return f"`{name}` is a variable of the code around the function"
    if name in _parameters(function):
        return f"`{name}` is a parameter"
    stamps = found.stamps.get(name, [])
    if len(code.bindings[name]) != len(stamps):
        return f"`{name}` is set to something else as well"
    if not all(_sets_one_name(stamp.binding) for stamp in stamps):
        return f"`{name}` is set together with something else"
    if any(_stands_on_a_header(source, code, stamp.binding) for stamp in stamps):
        return _SHARES_A_LINE
    return ""


def _sets_one_name(binding: ast.AST) -> bool:
    match binding:
        case ast.AnnAssign() | ast.Assign(targets=[ast.Name()]):
            return True
        case _:
            return False


def _stands_on_a_header(source: SourceText, code: OwnCode, node: ast.AST) -> bool:
    """Whether a statement follows a colon on its line: `if slow: start = clock()`, which is no block to reason about."""
    statements = [holder for holder in (node, *code.holders(node)) if isinstance(holder, ast.stmt)]
    firsts = (code.block(statement)[0] for statement in statements if statement is not code.function)
    return any(source.text[source.line_start(first.lineno) : source.span(first)[0]].strip() for first in firsts)


def _parameters(function: Function) -> set[str]:
    arguments = function.node.args
    every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, arguments.vararg, arguments.kwarg]
    return {argument.arg for argument in every if argument is not None}


def _uses(source: SourceText, function: Function, found: Timings, stamp: Stamp) -> list[_Use] | str:
    """Return the later readings of a start in order, or in words why one of them cannot be a timer's value."""
    if stamp.reading.value is not stamp.reading.call:
        return f"`{stamp.name}` is more than the reading of a clock"
    if stamp.reading.unit is Unit.CPU_SECONDS:
        return f"`{stamp.reading.name}` counts the time of the processor, and a timer that of the wall"
    if stamp.reading.unit is Unit.UNKNOWN:
        return f"nothing tells whether `{stamp.reading.name}` counts seconds"
    by_place: dict[ast.AST, list[Difference]] = {}
    for difference in found.differences:
        if difference.stamp is stamp:
            place = difference.end.binding if difference.end else difference.node
            by_place.setdefault(place, []).append(difference)
    uses: list[_Use] = []
    for differences in by_place.values():
        use = _use(source, function, found, stamp, differences)
        if isinstance(use, str):
            return use
        uses.append(use)
    return uses or f"`{stamp.name}` is set where no duration is measured from it"


def _use(
    source: SourceText, function: Function, found: Timings, stamp: Stamp, differences: list[Difference]
) -> _Use | str:
    code = found.code
    end = differences[0].end
    place = end.binding if end else differences[0].node
    if any(_stands_on_a_header(source, code, node) for node in _nodes(place, differences)):
        return _SHARES_A_LINE
    if any(_is_in_comprehension(code, node) for node in _nodes(place, differences)):
        return "a comprehension measures a duration for each of its items"
    if not all(is_placed(source, code, difference.node) for difference in differences):
        return "it cannot be told where in a text the duration is made"
    if any(_is_shown_as_code(source, code, node) for node in _nodes(place, differences)):
        return "a text shows how the duration is written"
    reading = differences[0].reading
    if reading.value is not reading.call:
        return f"`{code_of(source, code, reading.value)}` is more than the reading of a clock"
    if code_of(source, code, reading.call) != code_of(source, code, stamp.reading.call):
        return f"`{stamp.reading.name}` and `{reading.name}` may be two clocks"
    if end is not None and not _is_read_by(source, function, found, end, differences):
        return f"`{end.name}` is used for more than the duration from `{stamp.name}`"
    if not dominates(code, stamp.binding, place):
        return f"a duration is measured where `{stamp.name}` may not have been set by this function's reading"
    if any(_binds(code, loop, stamp.name) for loop in loops_around(code, place, stamp.binding)):
        return f"a loop sets `{stamp.name}` again"
    replaced = [_seconds(code, difference.node, stamp.reading.unit) for difference in differences]
    if any(node is None for node in replaced):
        return _NO_SECONDS[stamp.reading.unit]
    if any(node is not None and "#" in code_of(source, code, node) for node in replaced):
        return "a comment stands within the difference"
    return _Use(place, end, tuple(node for node in replaced if node is not None))


def _nodes(place: ast.AST, differences: list[Difference]) -> list[ast.AST]:
    return [place, *(difference.node for difference in differences)]


def _is_in_comprehension(code: OwnCode, node: ast.AST) -> bool:
    return any(isinstance(holder, _COMPREHENSIONS) for holder in code.holders(node))


def _is_shown_as_code(source: SourceText, code: OwnCode, node: ast.AST) -> bool:
    """Whether `f"{...=}"` shows an expression as it is written."""
    shown = (holder.value for holder in code.holders(node) if isinstance(holder, ast.FormattedValue))
    return any(source.text[outer_span(source, code, value)[1] :].lstrip().startswith("=") for value in shown)


def _is_read_by(
    source: SourceText, function: Function, found: Timings, end: Stamp, differences: list[Difference]
) -> bool:
    """Whether the later reading is kept in a variable that only these differences read."""
    code = found.code
    if _why_not_plain(source, function, found, end.name) or len(code.bindings[end.name]) != 1:
        return False
    if isinstance(end.binding, ast.AnnAssign) and not _is_final_annotation(end.binding):
        return False
    return len(code.loads[end.name]) == len(differences)


def _binds(code: OwnCode, loop: ast.AST, name: str) -> bool:
    return any(loop in code.holders(binding) for binding in code.bindings[name])


def _seconds(code: OwnCode, node: ast.BinOp, unit: Unit) -> ast.expr | None:
    """Return the expression around a difference that is its value in seconds."""
    if unit is Unit.SECONDS:
        return node
    parent = code.parent(node)
    if unit is Unit.NANOSECONDS:
        if not isinstance(parent, ast.BinOp) or not isinstance(parent.op, ast.Div):
            return None
        return parent if parent.left is node and _is_billion(parent.right) else None
    if isinstance(parent, ast.Attribute) and parent.attr == "total_seconds":
        call = code.parent(parent)
        return call if isinstance(call, ast.Call) and call.func is parent else None
    return None


def _is_billion(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and is_number(node) and node.value == _NANOSECONDS_PER_SECOND


def _is_certain(code: OwnCode, stamp: Stamp, uses: list[_Use]) -> bool:
    """Whether every way from the start that reads the clock ends in exactly one last reading."""
    finals = [use for use in uses if _is_final(code, stamp, use, uses)]
    return all(
        use in finals or any(surely_reaches(code, use.place, final.place) for final in finals if final is not use)
        for use in uses
    )


def _is_final(code: OwnCode, stamp: Stamp, use: _Use, uses: list[_Use]) -> bool:
    # Each is asked, so that an unclear path to any of them is noticed.
    following = [other for other in uses if may_follow(code, use.place, other.place, stamp.binding)]
    return not following


def _start_edits(source: SourceText, code: OwnCode, stamp: Stamp, timer: str) -> Iterator[Edit]:
    binding = stamp.binding
    if isinstance(binding, ast.AnnAssign) and not _is_final_annotation(binding):
        # The annotation says `float`, which the timer is not.
        sign = source.text.index("=", source.span(binding.annotation)[1])
        yield Edit(source.span(binding.target)[1], sign, " ")
    yield Edit(*outer_span(source, code, stamp.reading.call), f"{timer}.start()")


def _is_final_annotation(binding: ast.AnnAssign) -> bool:
    return isinstance(binding.annotation, ast.Name) and binding.annotation.id == "Final"


def _use_edits(source: SourceText, code: OwnCode, use: _Use, value: str) -> Iterator[Edit]:
    if use.end is None:
        yield from (_edit(source, code, node, value) for node in use.replaced)
    elif len(use.replaced) == 1 and (line := _line_before(source, code, use)) is not None:
        yield line
        yield _edit(source, code, use.replaced[0], value)
    else:
        name, renaming = _name_of_duration(source, use.end)
        yield from renaming
        yield _edit(source, code, use.end.reading.call, value)
        yield from (_edit(source, code, node, name) for node in use.replaced)


def _name_of_duration(source: SourceText, end: Stamp) -> tuple[str, list[Edit]]:
    """Return `elapsed_time` for `end_time`, which holds a duration now, with the edit where it is set.

    The name stays where the file has the other one already.
    """
    name = _END.sub(r"\1elapsed", end.name)
    match end.binding:
        case ast.Assign(targets=[target]) | ast.AnnAssign(target=target):
            if not re.search(rf"\b{name}\b", source.text):
                return name, [Edit(*source.span(target), name)]
        case _:
            pass
    return end.name, []


def _line_before(source: SourceText, code: OwnCode, use: _Use) -> Edit | None:
    """Return the edit that drops `end = clock()` where the very next statement uses it before it calls anything."""
    line = code.statement(use.place)
    following = code.statement(use.replaced[0])
    block = code.block(line)
    if block[block.index(line) + 1 :][:1] != [following] or hasattr(following, "body"):
        return None
    if (
        not stands_alone(source, line)
        or "#" in source.code(line)
        or following.lineno != (line.end_lineno or line.lineno) + 1
    ):
        return None
    around = set(code.holders(use.replaced[0]))
    for node in code.nodes[code.order(following) : code.order(use.replaced[0])]:
        if isinstance(node, ast.Call | ast.Await) and node not in around:
            return None
    return Edit(source.span(line)[0], source.span(following)[0], "")


def _edit(source: SourceText, code: OwnCode, node: ast.expr, replacement: str) -> Edit:
    start, end = outer_span(source, code, node)
    # `return(a - b)` needs a blank in place of its parenthesis.
    before = " " if is_in_word(source.text[start - 1 : start]) else ""
    after = " " if is_in_word(source.text[end : end + 1]) else ""
    return Edit(start, end, before + replacement + after)
