"""Where a measured value goes within its function: into logs and records, or into decisions."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum

import libcst as cst

from golden_rules.rules.handbuilt.clocks import is_duration, is_limit, is_rate, is_weight
from golden_rules.rules.handbuilt.reporting import reports, reports_only, returns_nothing
from golden_rules.rules.handbuilt.vocabulary import (
    feeds_series,
    hands_over,
    is_log,
    is_metric,
    is_pure,
    is_report,
    is_shown,
    is_waiting,
    keeps_durations,
    puts,
    tells_progress,
)
from golden_rules.source.body import Body, callee, dotted


class Use(Enum):
    """What becomes of a value."""

    LOGGED = "logged"
    SHOWN = "shown"
    """Printed, or written to a terminal."""

    RECORDED = "recorded"
    KEPT = "kept"
    RETURNED = "returned"
    DECIDES = "decides"
    PASSED = "passed"


TELEMETRY = frozenset({Use.LOGGED, Use.SHOWN, Use.RECORDED, Use.KEPT})


@dataclass(frozen=True, slots=True)
class Sink:
    """One place where a value ends.

    Attributes:
        words: The place in the code's own terms, to follow "ends in": "the log call `logger.info`".
        series: What is called there, where it makes a series of the project's own of the value.
    """

    use: Use
    words: str
    series: str = ""


@dataclass(frozen=True, slots=True)
class _Step:
    """A node on the value's way.

    Attributes:
        name: The variable that the value was last known by.
        decision: Whether the value has become the outcome of a comparison.
    """

    node: cst.CSTNode
    name: str = ""
    decision: bool = False


_Outcome = Sink | list[_Step] | None


def sinks(body: Body, value: cst.BaseExpression) -> list[Sink]:
    """Follow a value through expressions and variables, and return all places where it ends."""
    found: list[Sink] = []
    waiting = [_Step(value)]
    seen: set[tuple[int, bool]] = set()
    while waiting:
        step = waiting.pop(0)
        if (id(step.node), step.decision) in seen:
            continue
        seen.add((id(step.node), step.decision))
        outcome = _next(body, step)
        if isinstance(outcome, Sink):
            found.append(outcome)
        elif outcome:
            waiting.extend(outcome)
    return found


def _next(body: Body, step: _Step) -> _Outcome:
    node, parent = step.node, body.parent(step.node)
    match parent:
        case cst.BinaryOperation():
            return _arithmetic(parent, step)
        case cst.Comparison() | cst.ComparisonTarget():
            return _comparison(body, parent, step)
        case cst.Attribute() | cst.Await() | cst.UnaryOperation() | cst.BooleanOperation() | cst.ConcatenatedString():
            return [_Step(parent, step.name, step.decision)]
        case cst.FormattedString() | cst.FormattedStringExpression() | cst.StarredElement():
            return [_Step(parent, step.name, step.decision)]
        case cst.IfExp():
            if node is parent.test and not step.decision:
                return None
            return [_Step(parent, step.name)]
        case cst.Call():
            return [_Step(parent, step.name, step.decision)]
        case cst.Arg():
            return _argument(body, parent, step)
        case cst.DictElement():
            return _dict_element(body, parent, step)
        case cst.Element():
            return _element(body, parent, step)
        case cst.Assign():
            return _assigned(body, [target.target for target in parent.targets], step)
        case cst.AnnAssign():
            return _assigned(body, [parent.target], step) if node is parent.value else None
        case cst.NamedExpr():
            return [*_loads(body, dotted(parent.target), step), _Step(parent, step.name, step.decision)]
        case cst.AugAssign():
            return _accumulated(body, parent, step)
        case cst.Return():
            return Sink(Use.DECIDES if step.decision else Use.RETURNED, "the returned value")
        case cst.If() if node is parent.test:
            return _guard(body, parent, step)
        case cst.While() | cst.Assert():
            return Sink(Use.DECIDES, "a condition")
        case cst.Expr() | cst.Raise():
            return None
        case _:
            return Sink(Use.DECIDES if step.decision else Use.PASSED, "other code")


def _arithmetic(operation: cst.BinaryOperation, step: _Step) -> _Outcome:
    other = operation.right if step.node is operation.left else operation.left
    if _is_formatting(operation):
        return [_Step(operation, step.name)]
    if isinstance(operation.operator, cst.Divide | cst.FloorDivide | cst.Modulo):
        return [_Step(operation, step.name)]
    if _speaks(other, is_rate if isinstance(operation.operator, cst.Multiply) else is_limit):
        return Sink(Use.DECIDES, "a limit")
    if isinstance(operation.operator, cst.Multiply) and not _is_factor(other):
        return Sink(Use.DECIDES, "an amount")
    subtracted_from = isinstance(operation.operator, cst.Subtract) and step.node is operation.right
    if subtracted_from and not is_duration(dotted(other)):
        return Sink(Use.DECIDES, "what is left of a time")
    return [_Step(operation, step.name)]


def _is_factor(node: cst.BaseExpression) -> bool:
    """Whether a product with this is the same time in another unit, or a share of it for an average; power times time is neither."""
    match node:
        case cst.Integer() | cst.Float():
            return True
        case cst.Name(value=name) | cst.Attribute(attr=cst.Name(value=name)):
            return name.isupper() or is_weight(name)
        case cst.BinaryOperation(left=left, right=right):
            return _is_factor(left) and _is_factor(right)
        case _:
            return False


def _speaks(node: cst.CSTNode, of: Callable[[str], bool]) -> bool:
    stack = [node]
    while stack:
        current = stack.pop()
        if isinstance(current, cst.Name) and of(current.value):
            return True
        stack.extend(current.children)
    return False


def _comparison(body: Body, node: cst.Comparison | cst.ComparisonTarget, step: _Step) -> _Outcome:
    comparison = node if isinstance(node, cst.Comparison) else body.parent(node)
    if isinstance(comparison, cst.Comparison):
        sides = [comparison.left, *(target.comparator for target in comparison.comparisons)]
        if any(_is_nothing(side) for side in sides):
            return None
    return [_Step(comparison, step.name, decision=True)]


def _is_nothing(node: cst.BaseExpression) -> bool:
    """Whether a comparison with this only asks if there is a value, mostly before a division."""
    if isinstance(node, cst.Integer | cst.Float):
        return node.evaluated_value == 0
    return isinstance(node, cst.Name) and node.value == "None"


def _guard(body: Body, statement: cst.If, step: _Step) -> _Outcome:
    """Take a branch that only decides whether to report for part of the report."""
    if not step.decision or reports_only(statement) or _returns_unreported(body, statement):
        return None
    return Sink(Use.DECIDES, "a condition")


def _returns_unreported(body: Body, statement: cst.If) -> bool:
    """Whether an `if` leaves the function, and all that comes after it reports: `if took < 1: return`."""
    block = body.parent(statement)
    if statement.orelse is not None or not isinstance(block, cst.IndentedBlock):
        return False
    if not isinstance(body.parent(block), cst.FunctionDef) or not returns_nothing(statement.body):
        return False
    following = [line for line in block.body if body.order(line) > body.order(statement)]
    return bool(following) and all(map(reports, following))


def _argument(body: Body, argument: cst.Arg, step: _Step) -> _Outcome:
    call = body.parent(argument)
    if not isinstance(call, cst.Call):
        return Sink(Use.PASSED, "other code")
    name = callee(call)
    keyword = argument.keyword.value if argument.keyword is not None else ""
    if is_log(name):
        return Sink(Use.SHOWN if is_shown(name) else Use.LOGGED, f"the log call `{name}`")
    if tells_progress(name):
        return Sink(Use.SHOWN, f"`{name}`")
    if is_waiting(name) or is_limit(keyword):
        return Sink(Use.DECIDES, f"`{name}`")
    if is_metric(name):
        return _recorded(name)
    if is_pure(name):
        return [_Step(call, step.name, step.decision)]
    if any(isinstance(ancestor, cst.Raise) for ancestor in body.ancestors(call)):
        return None
    if step.decision:
        return Sink(Use.PASSED, f"`{name}`")
    if not keyword and (entry := _entry(call)) and puts(name):
        return Sink(Use.KEPT, f'the entry `"{entry}"`')
    # A text is for somebody who reads it: `on_status(f"done in {took:.1f} s")`.
    kept = Use.SHOWN if _is_text(argument.value) else Use.KEPT
    if is_duration(keyword):
        return Sink(kept, f"`{keyword}=` of `{name}`" if name else f"`{keyword}=`")
    if is_report(name) and is_shown(name):
        return Sink(Use.SHOWN, f"`{name}`")
    if is_report(name) or (not keyword and any(map(keeps_durations, (name, _method(call))))):
        return _recorded(name)
    if not keyword and is_duration(step.name) and hands_over(name):
        return Sink(kept, f"`{name}`")
    return Sink(Use.PASSED, f"`{name}`")


def _is_text(value: cst.BaseExpression) -> bool:
    if isinstance(value, cst.BinaryOperation):
        return _is_formatting(value)
    return isinstance(value, cst.FormattedString | cst.ConcatenatedString)


def _is_formatting(operation: cst.BinaryOperation) -> bool:
    """Whether an operation is `"took %s" % took`."""
    return isinstance(operation.operator, cst.Modulo) and isinstance(
        operation.left, cst.SimpleString | cst.ConcatenatedString | cst.FormattedString
    )


def _recorded(name: str) -> Sink:
    return Sink(Use.RECORDED, f"`{name}`", name if feeds_series(name) else "")


def _method(call: cst.Call) -> str:
    """Return the last two names of what a call calls: `latency.append` for `nodes[url].latency.append(...)`."""
    if not isinstance(call.func, cst.Attribute) or not isinstance(call.func.value, cst.Attribute):
        return ""
    return f"{call.func.value.attr.value}.{call.func.attr.value}"


def _entry(call: cst.Call) -> str:
    """Return the key that a call's first argument names, where it names a duration: `headers.add("Server-Timing", took)`."""
    first = call.args[0].value if call.args else None
    key = first.evaluated_value if isinstance(first, cst.SimpleString) else None
    return key if isinstance(key, str) and is_duration(key.replace("-", "_")) else ""


def _dict_element(body: Body, element: cst.DictElement, step: _Step) -> _Outcome:
    key = element.key.evaluated_value if isinstance(element.key, cst.SimpleString) else dotted(element.key)
    word = key.decode(errors="replace") if isinstance(key, bytes) else key
    if step.node is element.key or step.decision:
        return Sink(Use.PASSED, "a dictionary")
    if is_limit(word):
        return Sink(Use.DECIDES, f'`"{word}"`')
    if is_duration(word.replace("-", "_")):
        return Sink(Use.KEPT, f'the entry `"{word}"`')
    return [_Step(body.parent(element), step.name)]


def _element(body: Body, element: cst.Element, step: _Step) -> _Outcome:
    container = body.parent(element)
    holder = body.parent(container)
    if isinstance(holder, cst.Return) and is_duration(step.name) and not step.decision:
        return Sink(Use.KEPT, f"the returned `{step.name}`")
    if isinstance(holder, cst.Assign) and isinstance(container, cst.Tuple | cst.List):
        index = [id(item) for item in container.elements].index(id(element))
        targets = [_unpacked(target.target, index, len(container.elements)) for target in holder.targets]
        return _assigned(body, targets, step)
    return [_Step(container, step.name, step.decision)]


def _unpacked(target: cst.BaseExpression, index: int, length: int) -> cst.BaseExpression:
    """Return the target at `index` of `a, b = x, y`; the whole where the two sides do not match."""
    if isinstance(target, cst.Tuple | cst.List) and len(target.elements) == length:
        return target.elements[index].value
    return target


def _assigned(body: Body, targets: list[cst.BaseExpression], step: _Step) -> _Outcome:
    steps: list[_Step] = []
    for target in targets:
        if isinstance(target, cst.Tuple | cst.List):
            # `minutes, seconds = divmod(elapsed, 60)`
            parts = [element.value for element in target.elements if isinstance(element.value, cst.Name)]
            steps.extend(found for part in parts for found in _loads(body, part.value, step))
        elif isinstance(target, cst.Name):
            if not step.decision and is_duration(target.value) and _lives_outside(body, target.value):
                return Sink(Use.KEPT, f"`{target.value}`")
            steps.extend(_loads(body, target.value, step))
        elif step.decision:
            return Sink(Use.PASSED, "a stored flag")
        else:
            return _stored(target)
    return steps


def _lives_outside(body: Body, name: str) -> bool:
    """Whether a function sets a variable of the module, or of a function around it."""
    return any(
        item.name.value == name
        for node in body.nodes
        if isinstance(node, cst.Nonlocal | cst.Global)
        for item in node.names
    )


def _stored(target: cst.BaseExpression) -> Sink:
    """Say what storing a value in an attribute or an entry makes of it."""
    words = list(_target_words(target))
    if any(is_limit(word) for word in words):
        return Sink(Use.DECIDES, "a limit")
    if word := next((word for word in words if is_duration(word)), ""):
        return Sink(Use.KEPT, f"`{dotted(target) or word}`")
    return Sink(Use.PASSED, "other code")


def _target_words(target: cst.BaseExpression) -> Iterator[str]:
    """Yield the names that say what an attribute or an entry holds: `elapsed` in `stats["elapsed"]`, `timings` in `timings[x]`."""
    if isinstance(target, cst.Subscript):
        for element in target.slice:
            index = element.slice
            if isinstance(index, cst.Index) and isinstance(index.value, cst.SimpleString):
                value = index.value.evaluated_value
                yield value.replace("-", "_") if isinstance(value, str) else ""
            elif isinstance(index, cst.Index):
                yield dotted(index.value)
        yield dotted(target.value)
    else:
        yield dotted(target)


def _accumulated(body: Body, statement: cst.AugAssign, step: _Step) -> _Outcome:
    if isinstance(statement.operator, cst.SubtractAssign) or step.decision:
        return Sink(Use.DECIDES, "what is left of a time")
    return _assigned(body, [statement.target], step)


def _loads(body: Body, name: str, step: _Step) -> list[_Step]:
    return [_Step(load, name, step.decision) for load in body.loads.get(name, ()) if not _is_updated(body, load)]


def _is_updated(body: Body, load: cst.CSTNode) -> bool:
    """Whether a read is only that of `total += ...`."""
    parent = body.parent(load)
    return isinstance(parent, cst.AugAssign) and load is parent.target
