"""Clock readings of a function, the differences between them, and what those differences are for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import libcst as cst

from golden_rules.rules.handbuilt.clocks import Unit, clock_unit, is_since, is_start, may_be_recorded_start
from golden_rules.rules.handbuilt.flows import TELEMETRY, Sink, Use, sinks
from golden_rules.source.body import Body, dotted, read_body
from golden_rules.source.outline import Function, Outline


@dataclass(frozen=True, slots=True, eq=False)
class Reading:
    """A clock reading.

    Attributes:
        value: The expression that holds it: the call, or what is made of it at once (`int(time.time() * 1000)`).
        call: The call itself.
    """

    value: cst.BaseExpression
    call: cst.Call
    name: str
    unit: Unit


@dataclass(frozen=True, slots=True, eq=False)
class Stamp:
    """A variable set to a clock reading."""

    name: str
    binding: cst.CSTNode
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

    node: cst.BinaryOperation
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

    body: Body
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


def timings(outline: Outline, function: Function, node: cst.FunctionDef) -> Timings:
    """Find a function's clock readings and their differences."""
    body = read_body(node)
    found = Timings(body)
    readings = _readings(outline, function, body)
    if not readings:
        return found
    for stamp in _stamps(body, readings):
        found.stamps.setdefault(stamp.name, []).append(stamp)
    for candidate in body.nodes:
        if isinstance(candidate, cst.BinaryOperation) and isinstance(candidate.operator, cst.Subtract):
            difference = _difference(outline, function, found, readings, candidate)
            if difference is not None:
                found.differences.append(difference)
    return found


def _readings(outline: Outline, function: Function, body: Body) -> dict[int, Reading]:
    """Return the clock readings by the `id` of their expressions, those made of a reading at once included."""
    readings: dict[int, Reading] = {}
    for node in body.nodes:
        if not isinstance(node, cst.Call) or len(node.args) > 1:
            continue
        name = dotted(node.func)
        unit = clock_unit(outline, function, name)
        if unit is None:
            continue
        value: cst.BaseExpression = node
        readings[id(value)] = Reading(value, node, name, unit)
        while (outer := _same_reading(body, value)) is not None:
            value = outer
            readings[id(value)] = Reading(value, node, name, unit)
    return readings


def _same_reading(body: Body, value: cst.BaseExpression) -> cst.BaseExpression | None:
    """Return the expression around a reading that is the same moment in another form: `int(...)`, `... * 1000`, `.timestamp()`, `.replace(...)`."""
    parent = body.parent(value)
    if isinstance(parent, cst.BinaryOperation) and isinstance(
        parent.operator, cst.Multiply | cst.Divide | cst.FloorDivide
    ):
        other = parent.right if value is parent.left else parent.left
        return parent if isinstance(other, cst.Integer | cst.Float) else None
    if isinstance(parent, cst.Arg):
        call = body.parent(parent)
        if isinstance(call, cst.Call) and dotted(call.func) in ("int", "round", "float") and parent is call.args[0]:
            return call
    if isinstance(parent, cst.Attribute) and parent.attr.value in ("timestamp", "replace", "astimezone"):
        call = body.parent(parent)
        return call if isinstance(call, cst.Call) else None
    if isinstance(parent, cst.BooleanOperation | cst.IfExp) and value is not getattr(parent, "test", None):
        return parent
    if isinstance(parent, cst.NamedExpr):
        return parent
    return None


def _stamps(body: Body, readings: dict[int, Reading]) -> Iterator[Stamp]:
    for node in body.nodes:
        if isinstance(node, cst.Assign):
            for target in node.targets:
                yield from _stamped(node, target.target, node.value, readings)
        elif isinstance(node, cst.AnnAssign | cst.NamedExpr) and node.value is not None:
            yield from _stamped(node, node.target, node.value, readings)


def _stamped(
    binding: cst.CSTNode, target: cst.BaseExpression, value: cst.BaseExpression, readings: dict[int, Reading]
) -> Iterator[Stamp]:
    if isinstance(target, cst.Tuple) and isinstance(value, cst.Tuple) and len(target.elements) == len(value.elements):
        for left, right in zip(target.elements, value.elements, strict=True):
            yield from _stamped(binding, left.value, right.value, readings)
    elif id(value) in readings and (name := dotted(target)):
        yield Stamp(name, binding, readings[id(value)])


def _difference(
    outline: Outline, function: Function, found: Timings, readings: dict[int, Reading], node: cst.BinaryOperation
) -> Difference | None:
    start = _variable(node.right)
    if not start or is_since(start):
        return None
    end = None
    reading = readings.get(id(node.left))
    if reading is None:
        end = _last_stamp(found, dotted(node.left), node)
        if end is None:
            return None
        reading = end.reading
    stamp = _last_stamp(found, start, node)
    ends = tuple(sinks(found.body, node))
    if stamp is None and not _is_start_elsewhere(outline, function, found.body, start, reading.unit):
        # What a metric is fed with is no data, whatever the start is called.
        recorded = any(sink.use is Use.RECORDED for sink in ends)
        if not recorded or not may_be_recorded_start(outline, function, start):
            return None
    return Difference(node, start, stamp, end, reading, ends)


def _variable(node: cst.BaseExpression) -> str:
    """Return a variable as written: a chain of names, or an entry of one under a constant key."""
    if isinstance(node, cst.Subscript) and len(node.slice) == 1:
        index = node.slice[0].slice
        if isinstance(index, cst.Index) and isinstance(index.value, cst.SimpleString):
            return f"{dotted(node.value)}.{index.value.raw_value}" if dotted(node.value) else ""
    return dotted(node) if isinstance(node, cst.Name | cst.Attribute) else ""


def _last_stamp(found: Timings, name: str, node: cst.CSTNode) -> Stamp | None:
    """Return the stamp that a variable holds at a node: the last one before it, or the first one of a loop around both."""
    body, stamps = found.body, found.stamps.get(name, [])
    order = body.order(node)
    earlier = [stamp for stamp in stamps if body.order(stamp.binding) < order]
    if earlier:
        return earlier[-1]
    loops = [ancestor for ancestor in body.ancestors(node) if isinstance(ancestor, cst.For | cst.While)]
    return next((stamp for stamp in stamps if any(loop in body.ancestors(stamp.binding) for loop in loops)), None)


def _is_start_elsewhere(outline: Outline, function: Function, body: Body, start: str, unit: Unit) -> bool:
    """Whether a variable that this function does not set to a reading is the start of an operation all the same."""
    root, _, rest = start.partition(".")
    if not rest and root not in body.bindings and _outer_stamp(outline, function, root):
        return True
    if not is_start(start) or _is_each(body, root):
        return False
    if root in ("self", "cls"):
        return rest.count(".") == 0
    if not rest and not _is_local(function, root):
        # A moment that a module keeps is when the program began.
        return False
    # The start of an entity, such as `run.start_time`, is data; a clock for intervals says that it is a measurement.
    return unit is not Unit.DATETIME and (not rest or start not in body.bindings)


def _is_local(function: Function, name: str) -> bool:
    """Whether a variable is one of the function, or of one around it, rather than of the module."""
    scope: Function | None = function
    while scope is not None:
        if name in scope.bound:
            return True
        scope = scope.parent
    return False


def _is_each(body: Body, root: str) -> bool:
    """Whether a variable is one of many that a loop goes through: `for run in runs`, whose starts are data."""
    return any(isinstance(binding, cst.For) for binding in body.bindings[root])


def _outer_stamp(outline: Outline, function: Function, name: str) -> bool:
    """Whether a function around sets the name to a clock reading."""
    scope = function.parent
    while scope is not None:
        if name in scope.instances:
            return clock_unit(outline, scope, scope.instances[name]) is not None
        scope = scope.parent
    return False
