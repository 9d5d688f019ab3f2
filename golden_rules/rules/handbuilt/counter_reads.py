"""Whether a counter that is kept in an attribute, an entry or a global only reports, by all that its file does with it."""

from __future__ import annotations

import ast
import functools
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum

from golden_rules.naming import snake
from golden_rules.rules.handbuilt.clocks import is_limit
from golden_rules.rules.handbuilt.counter_words import holds_metrics, is_reporting, is_store, may_reset
from golden_rules.rules.handbuilt.increments import bumped
from golden_rules.rules.handbuilt.vocabulary import is_log, is_metric, is_pure, is_report, is_waiting
from golden_rules.source.outline import Outline
from golden_rules.source.trees import children, dotted

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
# Keys under which a number tells one record from the next.
_NUMBERS = re.compile(r"(^|_)(ordinal|seq|seq_?no|sequence|index|idx|position|serial)$")
_MAX_STEPS = 4

_Variable = ast.Name | ast.Attribute | ast.Subscript


class Reading(Enum):
    """What becomes of a counter's value where it is read."""

    REPORTED = "reported"
    NEUTRAL = "neutral"
    """Compared with nothing, or handed out as it is."""

    DECIDES = "decides"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Usage:
    """What a file does with a counter."""

    readings: tuple[Reading, ...]
    goes_down: bool
    starts_anew: bool

    @property
    def reports(self) -> bool:
        """Whether it is read, and every reading serves a report."""
        return Reading.REPORTED in self.readings and self.only_reports

    @property
    def only_reports(self) -> bool:
        """Whether nothing the program does depends on it; it may be read elsewhere."""
        harmless = all(reading in (Reading.REPORTED, Reading.NEUTRAL) for reading in self.readings)
        return harmless and not self.goes_down and not self.starts_anew


@dataclass(slots=True)
class _Index:
    """The attributes, names and nodes around them in a file."""

    parents: dict[int, ast.AST] = field(default_factory=dict)
    attributes: dict[str, list[ast.Attribute]] = field(default_factory=lambda: defaultdict(list))
    names: dict[str, list[ast.Name]] = field(default_factory=lambda: defaultdict(list))


@functools.lru_cache(maxsize=1)
def _index(outline: Outline) -> _Index:
    index = _Index()
    parents = index.parents
    stack: list[ast.AST] = [outline.tree]
    while stack:
        node = stack.pop()
        if isinstance(node, ast.Attribute):
            index.attributes[node.attr].append(node)
        elif isinstance(node, ast.Name):
            index.names[node.id].append(node)
        for child in children(node):
            parents[id(child)] = node
            stack.append(child)
    return index


def usage(outline: Outline, target: ast.expr) -> Usage:
    """Return what the file does with the variable that an increment adds to."""
    index = _index(outline)
    readings: list[Reading] = []
    down = anew = False
    for node in _mentions(index, target):
        parent = index.parents[id(node)]
        if isinstance(parent, ast.AugAssign) and parent.target is node:
            down = down or isinstance(parent.op, ast.Sub)
        elif isinstance(node.ctx, ast.Load):
            if bumped(_statement(index, node)) is not None:
                # `self.hits = self.hits + 1`
                continue
            readings.append(_reading_beside(index, node, target))
        elif isinstance(parent, ast.Assign | ast.AnnAssign):
            anew = anew or _starts_anew(index, parent)
    return Usage(tuple(readings), down, anew)


def _reading_beside(index: _Index, node: ast.expr, target: ast.expr) -> Reading:
    """Return what becomes of a value; the caller of the function that counts gets it to act on it."""
    reading = _reading(index, node, _MAX_STEPS)
    beside = _scope_around(index, node) is _scope_around(index, target)
    return Reading.OTHER if beside and isinstance(_statement(index, node), ast.Return) else reading


def _statement(index: _Index, node: ast.AST) -> ast.AST:
    while not isinstance(node, ast.stmt):
        node = index.parents[id(node)]
    return node


def _mentions(index: _Index, target: ast.expr) -> Iterator[_Variable]:
    """Yield the places that mean the same variable: by name, by attribute of `self`, by key of the same container."""
    match target:
        case ast.Name(id=name):
            yield from index.names[name]
        case ast.Attribute(value=ast.Name(id=("self" | "cls") as root), attr=attribute):
            owner = _class_around(index, target)
            for node in index.attributes[attribute]:
                own = isinstance(node.value, ast.Name) and node.value.id == root
                if _class_around(index, node) is owner if own else "_" in attribute.strip("_"):
                    yield node
        case ast.Attribute(value=base, attr=attribute):
            shown = dotted(base)
            yield from (
                node
                for node in index.attributes[attribute]
                if dotted(node.value) == shown or "_" in attribute.strip("_")
            )
        case ast.Subscript(value=base, slice=key):
            for held in _mentions(index, base):
                parent = index.parents[id(held)]
                if not (isinstance(parent, ast.Subscript) and parent.value is held):
                    # Setting up the container is no start of a counter; what reads it as a whole reads every entry.
                    if isinstance(held.ctx, ast.Load):
                        yield held
                elif (
                    not isinstance(key, ast.Constant)
                    or not isinstance(parent.slice, ast.Constant)
                    or parent.slice.value == key.value
                ):
                    yield parent
        case _:
            pass


def _class_around(index: _Index, node: ast.AST) -> ast.AST | None:
    current: ast.AST | None = node
    while current is not None and not isinstance(current, ast.ClassDef):
        current = index.parents.get(id(current))
    return current


def _function_around(index: _Index, node: ast.AST) -> str:
    current: ast.AST | None = node
    while current is not None:
        if isinstance(current, _FUNCTIONS):
            return current.name
        current = index.parents.get(id(current))
    return ""


def _starts_anew(index: _Index, assignment: ast.Assign | ast.AnnAssign) -> bool:
    """Whether an assignment of zero stands where work is done: then the counter is one of a row of failures, or of one run."""
    value = assignment.value
    if not (isinstance(value, ast.Constant) and value.value == 0):
        return False
    name = _function_around(index, assignment)
    return bool(name) and not may_reset(name)


def _reading(index: _Index, node: ast.AST, steps: int, *, decision: bool = False) -> Reading:
    """Follow a value upwards through expressions, and through a variable, to what becomes of it."""
    current = node
    while True:
        parent = index.parents[id(current)]
        match parent:
            case ast.Compare():
                sides = [parent.left, *parent.comparators]
                if not any(isinstance(side, ast.Constant) and side.value in (0, None) for side in sides):
                    decision = True
            case ast.BinOp(op=ast.Mod(), left=left) if left is current:
                decision = True
            case ast.IfExp(test=test) if test is current:
                return Reading.DECIDES if decision else Reading.NEUTRAL
            case ast.If(test=test):
                if test is not current:
                    return Reading.NEUTRAL
                if _only_reports(parent):
                    # It says when to log; what is logged is another reading.
                    return Reading.NEUTRAL
                return Reading.DECIDES if decision or not _returns_early(parent) else Reading.NEUTRAL
            case ast.While() | ast.Assert() | ast.Match():
                return Reading.DECIDES
            case ast.Subscript(slice=key) if key is current:
                return Reading.OTHER
            case ast.Subscript() if not isinstance(parent.ctx, ast.Load):
                return Reading.NEUTRAL
            case ast.Call():
                outcome = _called(parent, current)
                if outcome is not None:
                    return outcome
            case ast.keyword():
                call = index.parents[id(parent)]
                return _keyword(dotted(call.func) if isinstance(call, ast.Call) else "", parent.arg or "", current)
            case ast.Dict():
                return _entry(parent, current)
            case ast.Return() | ast.Yield() | ast.YieldFrom():
                return _returned(index, parent, current, decision=decision)
            case ast.Assign(targets=[target]) | ast.AnnAssign(target=target) | ast.NamedExpr(target=target):
                return _assigned(index, target, steps, decision=decision)
            case ast.AugAssign():
                return _assigned(index, parent.target, steps, decision=decision)
            case ast.For() | ast.AsyncFor() | ast.comprehension():
                return Reading.NEUTRAL
            case ast.Expr() | ast.Raise():
                return Reading.NEUTRAL
            case ast.stmt():
                return Reading.OTHER
            case _:
                pass
        current = parent


def _only_reports(statement: ast.If) -> bool:
    """Whether all that hangs on an `if` is a report: log calls and metrics."""
    calls = []
    for line in (*statement.body, *statement.orelse):
        if not isinstance(line, ast.Expr):
            return False
        value = line.value.value if isinstance(line.value, ast.Await) else line.value
        if not isinstance(value, ast.Call):
            return False
        calls.append(dotted(value.func))
    return all(is_log(name) or is_metric(name) or is_report(name) for name in calls)


def _returns_early(statement: ast.If) -> bool:
    """Whether an `if` only keeps a ratio from a division by zero: `if not self.hits: return 0.0`."""
    return len(statement.body) == 1 and isinstance(statement.body[0], ast.Return)


def _called(call: ast.Call, current: ast.AST) -> Reading | None:
    """Say what a call makes of its argument; `None` where it only makes another form of it, or is a method of it."""
    if current is call.func:
        return None
    name = dotted(call.func)
    if not name and isinstance(call.func, ast.Attribute):
        # `"...".format(self.hits)`
        return None
    if is_log(name) or is_metric(name):
        return Reading.REPORTED
    if is_waiting(name):
        return Reading.DECIDES
    if is_pure(name) or name in (
        "sum",
        "max",
        "min",
        "sorted",
        "dict",
        "vars",
        "asdict",
        "deepcopy",
        "copy.deepcopy",
        "copy.copy",
    ):
        return None
    if is_report(name) or is_reporting(name):
        return Reading.REPORTED
    return Reading.OTHER


def _entry(entries: ast.Dict, current: ast.AST) -> Reading:
    """Say what an entry makes of a value: `{"ordinal": self.events}` numbers what is recorded."""
    for key, value in zip(entries.keys, entries.values, strict=True):
        if value is current:
            word = snake(key.value) if isinstance(key, ast.Constant) and isinstance(key.value, str) else ""
            return Reading.OTHER if _NUMBERS.search(word) else Reading.REPORTED
    return Reading.OTHER


def _keyword(name: str, keyword: str, value: ast.AST) -> Reading:
    same = isinstance(value, ast.Attribute) and snake(value.attr) == snake(keyword)
    if not same and is_limit(keyword):
        return Reading.DECIDES
    if is_waiting(name):
        return Reading.DECIDES
    if _NUMBERS.search(snake(keyword)):
        return Reading.OTHER
    if is_log(name) or is_metric(name) or is_report(name) or is_reporting(name):
        return Reading.REPORTED
    last = name.rpartition(".")[2]
    if last == "dict" or last[:1].isupper():
        return Reading.REPORTED
    return Reading.OTHER


def _returned(index: _Index, statement: ast.AST, value: ast.AST, *, decision: bool) -> Reading:
    if decision:
        return Reading.DECIDES
    if is_reporting(_function_around(index, statement)):
        return Reading.REPORTED
    # A property or a getter: whoever asks decides what it is for.
    return Reading.NEUTRAL if isinstance(value, ast.Attribute | ast.Subscript | ast.Name) else Reading.OTHER


def _assigned(index: _Index, target: ast.expr, steps: int, *, decision: bool) -> Reading:
    if not isinstance(target, ast.Name):
        words = dotted(target.value if isinstance(target, ast.Subscript) else target)
        if decision:
            return Reading.OTHER
        entry = isinstance(target, ast.Subscript) and is_reporting(words)
        return Reading.REPORTED if entry or is_store(words) or holds_metrics(words) else Reading.OTHER
    if not steps:
        return Reading.OTHER
    function = _scope_around(index, target)
    loads = [
        node
        for node in index.names[target.id]
        if isinstance(node.ctx, ast.Load) and _scope_around(index, node) is function
    ]
    readings = {_reading(index, load, steps - 1, decision=decision) for load in loads}
    for worst in (Reading.DECIDES, Reading.OTHER, Reading.REPORTED):
        if worst in readings:
            return worst
    return Reading.NEUTRAL


def _scope_around(index: _Index, node: ast.AST) -> ast.AST | None:
    current: ast.AST | None = node
    while current is not None and not isinstance(current, _FUNCTIONS):
        current = index.parents.get(id(current))
    return current
