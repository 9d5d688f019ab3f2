"""Clock readings of a function, the differences between them, and what those differences are for."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field

from golden_rules.rules.handbuilt.clocks import Unit, clock_unit, is_since, is_start, may_be_recorded_start
from golden_rules.rules.handbuilt.ends import TELEMETRY, Sink, Use
from golden_rules.rules.handbuilt.flows import sinks
from golden_rules.source.outline import Function, Outline
from golden_rules.source.own_code import OwnCode, own_code
from golden_rules.source.trees import AnyLoop, arguments, dotted, is_number, variable


@dataclass(frozen=True, slots=True, eq=False)
class Reading:
    """A clock reading.

    Attributes:
        value: The expression that holds it: the call, or what is made of it at once (`int(time.time() * 1000)`).
        call: The call itself.
    """

    value: ast.expr
    call: ast.Call
    name: str
    unit: Unit


@dataclass(frozen=True, slots=True, eq=False)
class Stamp:
    """A variable set to a clock reading."""

    name: str
    binding: ast.AST
    reading: Reading


@dataclass(frozen=True, slots=True, eq=False)
class Difference:
    """A later reading less an earlier one.

    Attributes:
        node: The subtraction.
        start: The variable that holds the earlier reading, as written.
        stamp: Where the function sets it; `None` where another function does.
        end: The variable that holds the later reading; `None` where the clock is read in place.
        reading: The later reading.
        sinks: The places where the value ends.
    """

    node: ast.BinOp
    start: str
    stamp: Stamp | None
    end: Stamp | None
    reading: Reading
    sinks: tuple[Sink, ...]

    @property
    def decides(self) -> bool:
        """Whether anything the program does depends on the value."""
        return any(sink.use is Use.DECIDES for sink in self.sinks)

    @property
    def telemetry(self) -> str:
        """The place, in words, that makes the value telemetry; `""` where it is none."""
        if self.decides:
            return ""
        return next((sink.words for sink in self.sinks if sink.use in TELEMETRY), "")

    @property
    def is_only_shown(self) -> bool:
        """Whether nobody but a person before a screen gets to know the value."""
        return all(sink.use is Use.SHOWN for sink in self.sinks if sink.use in TELEMETRY)

    @property
    def series(self) -> str:
        """What makes a series of the project's own of the value, as called, or `""`."""
        return next((sink.series for sink in self.sinks if sink.series), "")


@dataclass(frozen=True, slots=True)
class Timings:
    """What a function does with clocks."""

    code: OwnCode
    stamps: dict[str, list[Stamp]] = field(default_factory=dict)
    differences: list[Difference] = field(default_factory=list)

    def series_of(self, difference: Difference) -> str:
        """Return what makes a series of any value measured from the same start, as called, or `""`."""
        alike = (other for other in self.differences if other.start == difference.start)
        return next((other.series for other in alike if other.series), "")

    def alike(self, difference: Difference) -> list[Difference]:
        """Return all differences that are measured from the same reading."""
        return [
            other for other in self.differences if (other.start, other.stamp) == (difference.start, difference.stamp)
        ]


def timings(outline: Outline, function: Function) -> Timings:
    """Find a function's clock readings and their differences."""
    code = own_code(function.node)
    found = Timings(code)
    readings = _readings(outline, function, code)
    if not readings:
        return found
    for stamp in _stamps(code, readings):
        found.stamps.setdefault(stamp.name, []).append(stamp)
    for candidate in code.nodes:
        if isinstance(candidate, ast.BinOp) and isinstance(candidate.op, ast.Sub):
            difference = _difference(outline, function, found, readings, candidate)
            if difference is not None:
                found.differences.append(difference)
    return found


def _readings(outline: Outline, function: Function, code: OwnCode) -> dict[ast.expr, Reading]:
    """Return the clock readings by their expressions, those made of a reading at once included."""
    readings: dict[ast.expr, Reading] = {}
    for node in code.nodes:
        if not isinstance(node, ast.Call) or arguments(node) > 1:
            continue
        name = dotted(node.func)
        unit = clock_unit(outline, function, name)
        if unit is None:
            continue
        value: ast.expr = node
        readings[value] = Reading(value, node, name, unit)
        while (outer := _same_reading(code, value)) is not None:
            value = outer
            readings[value] = Reading(value, node, name, unit)
    return readings


def _same_reading(code: OwnCode, value: ast.expr) -> ast.expr | None:
    """Return the expression around a reading that is the same moment in another form: `int(...)`, `... * 1000`, `.timestamp()`, `.replace(...)`."""
    parent = code.parent(value)
    match parent:
        case ast.BinOp(left=left, right=right, op=ast.Mult() | ast.Div() | ast.FloorDiv()):
            return parent if is_number(right if value is left else left) else None
        case ast.Call(func=func, args=[first, *_]) if value is first and dotted(func) in ("int", "round", "float"):
            return parent
        case ast.Attribute(attr="timestamp" | "replace" | "astimezone"):
            call = code.parent(parent)
            return call if isinstance(call, ast.Call) and call.func is parent else None
        case ast.BoolOp() | ast.NamedExpr():
            return parent
        case ast.IfExp(test=test) if value is not test:
            return parent
        case _:
            return None


def _stamps(code: OwnCode, readings: dict[ast.expr, Reading]) -> Iterator[Stamp]:
    for node in code.nodes:
        if isinstance(node, ast.Assign):
            for target in node.targets:
                yield from _stamped(node, target, node.value, readings)
        elif isinstance(node, ast.AnnAssign | ast.NamedExpr) and node.value is not None:
            yield from _stamped(node, node.target, node.value, readings)


def _stamped(binding: ast.AST, target: ast.expr, value: ast.expr, readings: dict[ast.expr, Reading]) -> Iterator[Stamp]:
    if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple) and len(target.elts) == len(value.elts):
        for left, right in zip(target.elts, value.elts, strict=True):
            yield from _stamped(binding, left, right, readings)
    elif value in readings and (name := dotted(target)):
        yield Stamp(name, binding, readings[value])


def _difference(
    outline: Outline, function: Function, found: Timings, readings: dict[ast.expr, Reading], node: ast.BinOp
) -> Difference | None:
    start = variable(node.right)
    if not start or is_since(start):
        return None
    end = None
    reading = readings.get(node.left)
    if reading is None:
        end = _last_stamp(found, dotted(node.left), node)
        if end is None:
            return None
        reading = end.reading
    stamp = _last_stamp(found, start, node)
    ends = tuple(sinks(found.code, node))
    if stamp is None and not _is_start_elsewhere(outline, function, found.code, start, reading.unit):
        # What a metric is fed with is no data, whatever the start is called.
        recorded = any(sink.use is Use.RECORDED for sink in ends)
        if not recorded or not may_be_recorded_start(outline, function, start):
            return None
    return Difference(node, start, stamp, end, reading, ends)


def _last_stamp(found: Timings, name: str, node: ast.AST) -> Stamp | None:
    """Return the stamp that a variable holds at a node: the last one before it, or the first one of a loop around both."""
    code, stamps = found.code, found.stamps.get(name, [])
    order = code.order(node)
    earlier = [stamp for stamp in stamps if code.order(stamp.binding) < order]
    if earlier:
        return earlier[-1]
    loops = [holder for holder in code.holders(node) if isinstance(holder, AnyLoop)]
    return next((stamp for stamp in stamps if any(loop in code.holders(stamp.binding) for loop in loops)), None)


def _is_start_elsewhere(outline: Outline, function: Function, code: OwnCode, start: str, unit: Unit) -> bool:
    """Whether a variable that this function does not set to a reading is the start of an operation all the same."""
    root, _, rest = start.partition(".")
    if not rest and root not in code.bindings and _outer_stamp(outline, function, root):
        return True
    if not is_start(start) or _is_each(code, root):
        return False
    if root in ("self", "cls"):
        return rest.count(".") == 0
    if not rest and not function.is_local(root):
        # A moment that a module keeps is when the program began.
        return False
    # The start of an entity, such as `run.start_time`, is data; a clock for intervals says that it is a measurement.
    return unit is not Unit.DATETIME and (not rest or start not in code.bindings)


def _is_each(code: OwnCode, root: str) -> bool:
    """Whether a variable is one of many that a loop goes through: `for run in runs`, whose starts are data."""
    return any(isinstance(binding, ast.For | ast.AsyncFor) for binding in code.bindings[root])


def _outer_stamp(outline: Outline, function: Function, name: str) -> bool:
    """Whether a function around sets the name to a clock reading."""
    scope = function.parent
    while scope is not None:
        if name in scope.instances:
            return clock_unit(outline, scope, scope.instances[name]) is not None
        scope = scope.parent
    return False
