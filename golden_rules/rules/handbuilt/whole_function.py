"""The unsafe fix of a hand timing: where a whole function is timed for one log line, `@timed` takes the place of both."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from golden_rules.findings import Edit
from golden_rules.rules.handbuilt.clocks import Unit
from golden_rules.rules.handbuilt.ends import Use
from golden_rules.rules.handbuilt.vocabulary import is_log, is_pure
from golden_rules.rules.placement import can_be_decorated
from golden_rules.source.deletion import stands_alone, without_body_lines
from golden_rules.source.trees import callee, is_number, is_text

if TYPE_CHECKING:
    from golden_rules.rules.handbuilt.timings import Difference, Stamp, Timings
    from golden_rules.source.outline import Function, Outline
    from golden_rules.source.own_code import OwnCode
    from golden_rules.source.text import SourceText

# What the comment above a clock reading or its log line is about, where it is not about the work that follows.
_OF_TIME = re.compile(
    r"\b(tim(e[drs]?|ers|ings?)|clock|stop_?watch|elapsed|duration|latency|measur\w*|profil\w*|how long|took|log(s|ged|ging)?|report\w*)\b",
    re.IGNORECASE,
)


def decorator_edits(
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
    lines = _timing_lines(source, function.node.body, found, difference)
    if lines is None or function.decorators or function.yields or not can_be_decorated(outline, function):
        return None
    start = source.line_start(function.line)
    text = source.line(function.line)
    indent = text[: len(text) - len(text.lstrip())]
    edits = [Edit(start, start, f"{indent}@{decorator}{source.newline}")]
    body = function.node.body
    edits += without_body_lines(
        source,
        [(line.lineno, line.end_lineno or line.lineno) for line in lines],
        _OF_TIME,
        is_first=body[0] is lines[0],
        is_last=body[-1] is lines[-1],
    )
    return tuple(edits)


def _timing_lines(
    source: SourceText, body: list[ast.stmt], found: Timings, difference: Difference
) -> list[ast.stmt] | None:
    """Return the lines that only measure and log, in order; `None` where anything else hangs on them."""
    stamp, code = difference.stamp, found.code
    if stamp is None or stamp.reading.unit is Unit.CPU_SECONDS:
        return None
    if len(found.differences) != 1 or len(code.bindings[stamp.name]) != 1 or len(code.loads[stamp.name]) != 1:
        return None
    if stamp.name in code.captured or any(sink.use not in (Use.LOGGED, Use.SHOWN) for sink in difference.sinks):
        return None
    block = [*body]
    while block and _is_trivial(block[0]):
        del block[0]
    if block and _is_plain_return(block[-1]):
        del block[-1]
    returns = [item for item in code.nodes if isinstance(item, ast.Return)]
    if len(returns) > (len(block) < len(body) and _is_plain_return(body[-1])):
        return None
    tail = _tail(code, block, difference)
    if tail is None or len(block) <= len(tail) + 1 or block[0] is not code.statement(stamp.binding):
        return None
    lines = [block[0], *tail]
    if (
        not _only_reads(stamp, block[0])
        or not all(stands_alone(source, line) for line in lines)
        or _does_more(code, tail, difference.reading.call)
    ):
        return None
    return lines


def _only_reads(stamp: Stamp, line: ast.stmt) -> bool:
    """Whether a line sets one variable to a clock reading, and does nothing else."""
    match line:
        case ast.Assign(targets=[ast.Name()], value=value) | ast.AnnAssign(target=ast.Name(), value=value):
            return value is stamp.reading.value
        case _:
            return False


def _does_more(code: OwnCode, tail: list[ast.stmt], clock: ast.Call) -> bool:
    """Whether the lines that go do anything but read the clock, log, and make a text."""
    return any(
        code.statement(node) in tail and node is not clock and _may_act(node)
        for node in code.nodes
        if isinstance(node, ast.Call | ast.Await | ast.NamedExpr)
    )


def _may_act(node: ast.AST) -> bool:
    if not isinstance(node, ast.Call):
        return True
    name = callee(node)
    return not (is_log(name) or is_pure(name) or name == "len")


def _tail(code: OwnCode, block: list[ast.stmt], difference: Difference) -> list[ast.stmt] | None:
    """Return the last lines of a block that read the clock, subtract and log; `None` where they are not just that."""
    if not block or not _logs(block[-1]):
        return None
    wanted = [code.statement(difference.node)]
    if difference.end is not None:
        wanted.append(code.statement(difference.end.binding))
    tail = [line for line in block if line in wanted or line is block[-1]]
    if block[-len(tail) :] != tail or len(tail) != len({id(line) for line in [*wanted, block[-1]]}):
        return None
    names = [name for line in tail[:-1] for name in _bound(line)]
    order = code.order(tail[0])
    if any(code.order(load) < order or len(code.bindings[name]) != 1 for name in names for load in code.loads[name]):
        return None
    if any(name in code.captured or not code.loads[name] for name in names):
        return None
    if any(code.statement(load) not in tail for name in names for load in code.loads[name]):
        return None
    return tail


def _bound(line: ast.stmt) -> list[str]:
    targets = line.targets if isinstance(line, ast.Assign) else []
    return [target.id for target in targets if isinstance(target, ast.Name)]


def _logs(line: ast.stmt) -> bool:
    match line:
        case ast.Expr(value=ast.Call() as call):
            return is_log(callee(call))
        case _:
            return False


def _is_trivial(line: ast.stmt) -> bool:
    """Whether a line before the first reading does nothing worth timing: a docstring, a constant, `global`."""
    match line:
        case ast.Expr(value=value):
            return is_text(value)
        case ast.Assign(value=value):
            return is_number(value) or is_text(value)
        case _:
            return False


def _is_plain_return(line: ast.stmt) -> bool:
    match line:
        case ast.Return(value=None | ast.Name() | ast.Attribute()):
            return True
        case ast.Return(value=ast.Constant(value=value)):
            return value is None or isinstance(value, str | bytes | bool)
        case _:
            return False
