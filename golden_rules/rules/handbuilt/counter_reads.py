"""Whether a counter that is kept in an attribute, an entry or a global only reports, by all that its file does with it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from golden_rules.naming import snake
from golden_rules.rules.handbuilt.clocks import is_limit
from golden_rules.rules.handbuilt.counter_places import (
    Mentions,
    function_around,
    mentions_of,
    name_around,
    of_variable,
    statement_of,
    values_given,
)
from golden_rules.rules.handbuilt.counter_words import (
    holds_metrics,
    is_reporting,
    is_store,
    may_reset,
    tells_statistics,
)
from golden_rules.rules.handbuilt.increments import bumped
from golden_rules.rules.handbuilt.vocabulary import is_log, is_metric, is_pure, is_report, is_shown, is_waiting
from golden_rules.source.outline import Outline
from golden_rules.source.trees import dotted

# Keys under which a number tells one record from the next.
_NUMBERS = re.compile(r"(^|_)(id|uid|ordinal|seq|seq_?no|sequence|index|idx|position|serial)$")
# A number of all there is to do, beside which another says how far it got.
_WHOLE = re.compile(r"^_*(total|total_count|expected|planned)$")
_MAX_STEPS = 4


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
    told: bool
    """Whether it is told where the program tells statistics."""

    goes_down: bool
    starts_anew: bool

    @property
    def only_reports(self) -> bool:
        """Whether nothing the program does depends on it; it may be read elsewhere."""
        harmless = all(reading in (Reading.REPORTED, Reading.NEUTRAL) for reading in self.readings)
        return harmless and not self.goes_down and not self.starts_anew


def usage(outline: Outline, target: ast.expr) -> Usage:
    """Return what the file does with the variable that an increment adds to."""
    index = mentions_of(outline)
    readings: list[Reading] = []
    told = down = anew = False
    for node in of_variable(index, target):
        parent = index.parents[id(node)]
        if isinstance(parent, ast.AugAssign) and parent.target is node:
            down = down or isinstance(parent.op, ast.Sub)
        elif isinstance(node.ctx, ast.Load):
            if bumped(statement_of(index, node)) is not None:
                # `self.hits = self.hits + 1`
                continue
            reading = _reading_beside(index, node, target)
            readings.append(reading)
            told = told or (reading is Reading.REPORTED and _tells_statistics(index, node))
        elif isinstance(parent, ast.Assign | ast.AnnAssign) and bumped(parent) is None:
            anew = anew or _starts_anew(index, parent)
    anew = anew or _holder_starts_anew(index, target)
    readings += _readings_of_holder(index, target)
    return Usage(tuple(readings), told, down, anew)


def _tells_statistics(index: Mentions, node: ast.expr) -> bool:
    """Whether a value is told where the program tells statistics, rather than printed there for whoever runs it."""
    match statement_of(index, node):
        case ast.Expr(value=ast.Call(func=func)) if is_shown(dotted(func)):
            return False
        case _:
            return tells_statistics(name_around(index, node))


def _readings_of_holder(index: Mentions, target: ast.expr) -> Iterator[Reading]:
    """Yield what becomes of the object that holds a counter, where beside the counting something is asked of it: `verdict = decide(call, self.stats)`."""
    holder = _holder(target)
    if holder is None:
        return
    function = function_around(index, target)
    for node in of_variable(index, holder):
        parent = index.parents[id(node)]
        asked = isinstance(parent, ast.Call) and node in parent.args and function_around(index, node) is function
        if asked and not isinstance(statement_of(index, node), ast.Expr):
            yield _reading(index, node, _MAX_STEPS)


def _holder(target: ast.expr) -> ast.Attribute | None:
    """Return the attribute that holds statistics: `self.stats` of `self.stats["sent"]`."""
    holder = target
    while isinstance(holder, ast.Attribute | ast.Subscript) and not isinstance(holder.value, ast.Name):
        holder = holder.value
    return holder if holder is not target and isinstance(holder, ast.Attribute) and is_store(holder.attr) else None


def _holder_starts_anew(index: Mentions, target: ast.expr) -> bool:
    """Whether the statistics that a counter is kept in are made anew where work is done."""
    holder = _holder(target)
    if holder is None:
        return False
    assignments = (index.parents[id(node)] for node in of_variable(index, holder) if isinstance(node.ctx, ast.Store))
    return any(_starts_anew(index, item) for item in assignments if isinstance(item, ast.Assign | ast.AnnAssign))


def _reading_beside(index: Mentions, node: ast.expr, target: ast.expr) -> Reading:
    """Return what becomes of a value; the caller of the function that counts gets it to act on it."""
    reading = _reading(index, node, _MAX_STEPS, key=_key(target))
    beside = function_around(index, node) is function_around(index, target)
    return Reading.OTHER if beside and isinstance(statement_of(index, node), ast.Return) else reading


def _starts_anew(index: Mentions, assignment: ast.AST) -> bool:
    """Whether an assignment stands where work is done: then what it sets is of one run or one row of failures, or data that was kept elsewhere."""
    name = name_around(index, assignment)
    return bool(name) and not may_reset(name)


def _is_part(index: Mentions, beside: list[ast.expr]) -> bool:
    """Whether a number is told beside how many there are in all: then it says how far something got, and not how often it happened."""
    return any(
        isinstance(value, ast.Attribute) and _WHOLE.match(value.attr) and _is_given(index, value.attr)
        for value in beside
    )


def _is_given(index: Mentions, name: str) -> bool:
    """Whether an attribute is set to something, or grows with the work that is put in, rather than by one with what is done."""
    mentions = index.attributes[name]
    grown = [index.parents[id(node)] for node in mentions]
    amounts = [node.value for node in grown if isinstance(node, ast.AugAssign)]
    if any(isinstance(amount, ast.Constant) for amount in amounts):
        return False
    return bool(amounts) or any(not isinstance(value, ast.Constant) for value in values_given(index, mentions))


def _key(target: ast.expr) -> object:
    """Return the key under which a counter stands among others, `None` where nothing tells."""
    match target:
        case ast.Subscript(slice=ast.Constant(value=key)):
            return key
        case _:
            return None


def _reading(index: Mentions, node: ast.AST, steps: int, *, key: object = None, decision: bool = False) -> Reading:
    """Follow a value upwards through expressions, and through a variable, to what becomes of it.

    Args:
        index: What the file mentions.
        node: The value, or what holds it under a key.
        steps: Through how many variables more to follow it.
        key: The key, where there is one: what is done with other entries is no matter.
        decision: Whether something was asked of the value on the way here.
    """
    current = node
    while True:
        parent = index.parents[id(current)]
        match parent:
            case ast.Subscript(value=held, slice=ast.Constant(value=other)) if held is current and key not in (
                None,
                other,
            ):
                return Reading.NEUTRAL
            case ast.Compare():
                sides = [parent.left, *parent.comparators]
                if not any(isinstance(side, ast.Constant) and side.value in (0, None) for side in sides):
                    decision = True
            case ast.BinOp(op=ast.Mod(), left=left) if left is current:
                decision = True
            case ast.BinOp(op=ast.Sub(), left=ast.Attribute(attr=whole), right=right) if right is current and (
                _is_given(index, whole)
            ):
                # `self.planned_jobs - self.done` is what is left to do.
                return Reading.OTHER
            case ast.BinOp(op=ast.Sub(), left=now, right=before) if _is_earlier(now, before) and not is_reporting(
                name_around(index, parent)
            ):
                # By how much it grew over some work is what that work came to.
                return Reading.OTHER
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
            case ast.Subscript(slice=place) if place is current:
                return Reading.OTHER
            case ast.Subscript() if not isinstance(parent.ctx, ast.Load):
                return Reading.NEUTRAL
            case ast.Call():
                outcome = _called(parent, current)
                if outcome is not None:
                    return outcome
            case ast.JoinedStr() if _is_part(
                index, [part.value for part in parent.values if isinstance(part, ast.FormattedValue)]
            ):
                return Reading.OTHER
            case ast.keyword():
                call = index.parents[id(parent)]
                if isinstance(call, ast.Call) and _is_part(index, [each.value for each in call.keywords]):
                    return Reading.OTHER
                return _keyword(dotted(call.func) if isinstance(call, ast.Call) else "", parent.arg or "", current)
            case ast.Dict():
                return Reading.OTHER if _is_part(index, parent.values) else _entry(parent, current)
            case ast.Return() | ast.Yield() | ast.YieldFrom():
                return _returned(index, parent, current, decision=decision)
            case ast.Assign(targets=[target]) | ast.AnnAssign(target=target) | ast.NamedExpr(target=target):
                return _assigned(index, target, steps, key=key, decision=decision)
            case ast.AugAssign():
                return _assigned(index, parent.target, steps, key=key, decision=decision)
            case ast.For() | ast.AsyncFor() | ast.comprehension():
                return Reading.NEUTRAL
            case ast.Expr() | ast.Raise():
                return Reading.NEUTRAL
            case ast.stmt():
                return Reading.OTHER
            case _:
                pass
        current = parent


def _is_earlier(now: ast.expr, before: ast.expr) -> bool:
    """Whether one number is what the other was when a copy was taken: `before["sent"]` beside `self.stats["sent"]`."""
    match now, before:
        case ast.Attribute(attr=name), ast.Attribute(value=ast.Name(id=copy), attr=same):
            return name == same and copy not in ("self", "cls")
        case ast.Subscript(slice=ast.Constant(value=key)), ast.Subscript(
            value=ast.Name(), slice=ast.Constant(value=same)
        ):
            return bool(key == same)
        case _:
            return False


def _only_reports(statement: ast.If) -> bool:
    """Whether all that hangs on an `if` is a report: log calls and metrics, and what is worked out for them."""
    lines = [line for line in (*statement.body, *statement.orelse) if not _names_a_value(line)]
    return bool(lines) and all(map(_is_report, lines))


def _names_a_value(line: ast.stmt) -> bool:
    match line:
        case ast.Assign(targets=[ast.Name()]):
            return True
        case _:
            return False


def _is_report(line: ast.stmt) -> bool:
    match line:
        case ast.Expr(value=ast.Call(func=func)) | ast.Expr(value=ast.Await(value=ast.Call(func=func))):
            name = dotted(func)
            return is_log(name) or is_metric(name) or is_report(name)
        case _:
            return False


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


def _returned(index: Mentions, statement: ast.AST, value: ast.AST, *, decision: bool) -> Reading:
    if decision:
        return Reading.DECIDES
    if is_reporting(name_around(index, statement)):
        return Reading.REPORTED
    # A property or a getter: whoever asks decides what it is for.
    return Reading.NEUTRAL if isinstance(value, ast.Attribute | ast.Subscript | ast.Name) else Reading.OTHER


def _assigned(index: Mentions, target: ast.expr, steps: int, *, key: object, decision: bool) -> Reading:
    if not isinstance(target, ast.Name):
        words = dotted(target.value if isinstance(target, ast.Subscript) else target)
        if decision:
            return Reading.OTHER
        # `status["hits"] = self.hits`, and `out["hits"]` where the function is called `stats`.
        entry = isinstance(target, ast.Subscript) and (is_reporting(words) or is_reporting(name_around(index, target)))
        return Reading.REPORTED if entry or is_store(words) or holds_metrics(words) else Reading.OTHER
    if not steps:
        return Reading.OTHER
    function = function_around(index, target)
    loads = [
        node
        for node in index.names[target.id]
        if isinstance(node.ctx, ast.Load) and function_around(index, node) is function
    ]
    readings = {_reading(index, load, steps - 1, key=key, decision=decision) for load in loads}
    for worst in (Reading.DECIDES, Reading.OTHER, Reading.REPORTED):
        if worst in readings:
            return worst
    return Reading.NEUTRAL
