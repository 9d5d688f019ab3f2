"""The unsafe fix of a hand timing: where a whole function is timed for one log line, `@timed` takes the place of both."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import libcst as cst

from golden_rules.findings import Edit
from golden_rules.rules.handbuilt.clocks import Unit
from golden_rules.rules.handbuilt.flows import Use
from golden_rules.rules.handbuilt.vocabulary import is_log, is_pure
from golden_rules.rules.placement import can_be_decorated
from golden_rules.source.body import callee
from golden_rules.source.deletion import without_body_lines

if TYPE_CHECKING:
    from golden_rules.rules.handbuilt.timings import Difference, Stamp, Timings
    from golden_rules.source.body import Body
    from golden_rules.source.outline import Function, Outline
    from golden_rules.source.slices import Slice
    from golden_rules.source.text import SourceText

# What the comment above a clock reading or its log line is about, where it is not about the work that follows.
_OF_TIME = re.compile(
    r"\b(tim(e[drs]?|ers|ings?)|clock|stop_?watch|elapsed|duration|latency|measur\w*|profil\w*|how long|took|log(s|ged|ging)?|report\w*)\b",
    re.IGNORECASE,
)


def decorator_edits(
    piece: Slice[cst.FunctionDef],
    source: SourceText,
    outline: Outline,
    function: Function,
    found: Timings,
    difference: Difference,
    decorator: str,
) -> tuple[Edit, ...] | None:
    """Return the edits that decorate the function and drop its clock readings and the log line they end in.

    Returns `None` unless the first statement reads the clock, the last ones log the difference, and nothing else reads
    either value or leaves the function.
    """
    lines = _timing_lines(piece.node, found, difference)
    if lines is None or function.decorators or function.yields or not can_be_decorated(outline, function):
        return None
    start = source.line_start(function.line)
    text = source.line(function.line)
    indent = text[: len(text) - len(text.lstrip())]
    edits = [Edit(start, start, f"{indent}@{decorator}{source.newline}")]
    body = piece.node.body.body
    spans = [piece.span(line) for line in lines]
    edits += without_body_lines(
        source,
        [(source.position(first)[0], source.position(last)[0]) for first, last in spans],
        _OF_TIME,
        is_first=body[0] is lines[0],
        is_last=body[-1] is lines[-1],
    )
    return tuple(edits)


def _timing_lines(
    node: cst.FunctionDef, found: Timings, difference: Difference
) -> list[cst.SimpleStatementLine] | None:
    """Return the lines that only measure and log, in order; `None` where anything else hangs on them."""
    stamp, body = difference.stamp, found.body
    if stamp is None or stamp.reading.unit is Unit.CPU_SECONDS or not isinstance(node.body, cst.IndentedBlock):
        return None
    if len(found.differences) != 1 or len(body.bindings[stamp.name]) != 1 or len(body.loads[stamp.name]) != 1:
        return None
    if stamp.name in body.captured or any(sink.use not in (Use.LOGGED, Use.SHOWN) for sink in difference.sinks):
        return None
    block = list(node.body.body)
    while block and _is_trivial(block[0]):
        del block[0]
    if block and _is_plain_return(block[-1]):
        del block[-1]
    returns = [item for item in body.nodes if isinstance(item, cst.Return)]
    if len(returns) > (len(block) < len(node.body.body) and _is_plain_return(node.body.body[-1])):
        return None
    tail = _tail(body, block, difference)
    if tail is None or len(block) <= len(tail) + 1 or block[0] is not body.statement(stamp.binding):
        return None
    lines = [block[0], *tail]
    if (
        not _only_reads(stamp, block[0])
        or not all(_is_removable(line) for line in lines)
        or _does_more(body, tail, difference.reading.call)
    ):
        return None
    return [line for line in lines if isinstance(line, cst.SimpleStatementLine)]


def _only_reads(stamp: Stamp, line: cst.BaseStatement) -> bool:
    """Whether a line sets one variable to a clock reading, and does nothing else."""
    match line:
        case cst.SimpleStatementLine(body=[cst.Assign(targets=[cst.AssignTarget(target=cst.Name())], value=value)]):
            return value is stamp.reading.value
        case cst.SimpleStatementLine(body=[cst.AnnAssign(target=cst.Name(), value=value)]):
            return value is stamp.reading.value
        case _:
            return False


def _does_more(body: Body, tail: list[cst.BaseStatement], clock: cst.Call) -> bool:
    """Whether the lines that go do anything but read the clock, log, and make a text."""
    return any(
        body.statement(node) in tail and node is not clock and _may_act(node)
        for node in body.nodes
        if isinstance(node, cst.Call | cst.Await | cst.NamedExpr)
    )


def _may_act(node: cst.CSTNode) -> bool:
    if not isinstance(node, cst.Call):
        return True
    name = callee(node)
    return not (is_log(name) or is_pure(name) or name == "len")


def _tail(body: Body, block: list[cst.BaseStatement], difference: Difference) -> list[cst.BaseStatement] | None:
    """Return the last lines of a block that read the clock, subtract and log; `None` where they are not just that."""
    if not block or not _logs(block[-1]):
        return None
    wanted = [body.statement(difference.node)]
    if difference.end is not None:
        wanted.append(body.statement(difference.end.binding))
    tail = [line for line in block if line in wanted or line is block[-1]]
    if block[-len(tail) :] != tail or len(tail) != len({id(line) for line in [*wanted, block[-1]]}):
        return None
    names = [name for line in tail[:-1] for name in _bound(line)]
    order = body.order(tail[0])
    if any(body.order(load) < order or len(body.bindings[name]) != 1 for name in names for load in body.loads[name]):
        return None
    if any(name in body.captured or not body.loads[name] for name in names):
        return None
    if any(body.statement(load) not in tail for name in names for load in body.loads[name]):
        return None
    return tail


def _bound(line: cst.BaseStatement) -> list[str]:
    if not isinstance(line, cst.SimpleStatementLine) or not isinstance(line.body[0], cst.Assign):
        return []
    return [target.target.value for target in line.body[0].targets if isinstance(target.target, cst.Name)]


def _logs(line: cst.BaseStatement) -> bool:
    match line:
        case cst.SimpleStatementLine(body=[cst.Expr(value=cst.Call() as call)]):
            return is_log(callee(call))
        case _:
            return False


def _is_removable(line: cst.BaseStatement) -> bool:
    return (
        isinstance(line, cst.SimpleStatementLine) and len(line.body) == 1 and line.trailing_whitespace.comment is None
    )


def _is_trivial(line: cst.BaseStatement) -> bool:
    """Whether a line before the first reading does nothing worth timing: a docstring, a constant, `global`."""
    match line:
        case cst.SimpleStatementLine(body=[cst.Expr(value=cst.SimpleString() | cst.ConcatenatedString())]):
            return True
        case cst.SimpleStatementLine(body=[cst.Assign(value=cst.Integer() | cst.Float() | cst.SimpleString())]):
            return True
        case _:
            return False


def _is_plain_return(line: cst.BaseStatement) -> bool:
    match line:
        case cst.SimpleStatementLine(body=[cst.Return(value=None | cst.Name() | cst.Attribute() | cst.SimpleString())]):
            return True
        case _:
            return False
