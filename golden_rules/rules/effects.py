"""Statements that leave nothing behind but a name or a line in a log, so that it makes no difference when they run, or how often."""

from __future__ import annotations

import ast
import re

from golden_rules.naming import snake
from golden_rules.source.trees import dotted, walk

_LOGGER = re.compile(r"(^|_)(log|logger|logging)$")
_LOGGING = frozenset(
    {"debug", "info", "warning", "warn", "error", "exception", "critical", "fatal", "log", "msg", "trace", "success"}
)
_PRINTING = frozenset({"print", "warnings.warn", "click.echo", "typer.echo", "console.print", "traceback.print_exc"})
_LOGS = re.compile(r"log(?!_(in|out|off|on)(_|$))(_\w+)?")
# Calls in the arguments of a log line that only make a text, or look at the clock.
_TELLING = frozenset(
    {"str", "repr", "len", "type", "round", "int", "float", "format", "getattr", "isinstance", "min", "max", "format_exc", "time", "monotonic", "perf_counter", "strip", "join"}
)  # fmt: skip


def only_logs(call: ast.Call) -> bool:
    """Whether a call does nothing but write a line to a log, or print one: what its arguments call only makes a text."""
    name = dotted(call.func)
    base, _, last = name.rpartition(".")
    logger = snake(base.removesuffix("()").rpartition(".")[2])
    written = (
        name in _PRINTING
        or (last in _LOGGING and bool(_LOGGER.search(logger)))
        or (base in ("", "self", "cls") and bool(_LOGS.fullmatch(snake(last))))
    )
    return written and not any(_acts(node) for part in (*call.args, *call.keywords) for node in walk(part))


def only_names(statement: ast.stmt) -> bool:
    """Whether a statement only gives a name to what cannot change, or imports something."""
    match statement:
        case ast.Assign(targets=[ast.Name() | ast.Tuple() as target], value=value):
            return all(isinstance(part, ast.Name) for part in getattr(target, "elts", [target])) and is_plain(value)
        case ast.AnnAssign(target=ast.Name(), value=value):
            return value is None or is_plain(value)
        case ast.Import() | ast.ImportFrom():
            return True
        case _:
            return False


def is_plain(value: ast.expr) -> bool:
    """Whether an expression only reads variables and attributes, and combines them into what cannot change."""
    match value:
        case ast.Constant() | ast.Name():
            return True
        case (
            ast.Attribute(value=inner) | ast.UnaryOp(operand=inner) | ast.FormattedValue(value=inner, format_spec=None)
        ):
            return is_plain(inner)
        case ast.BinOp(left=left, right=right):
            return is_plain(left) and is_plain(right)
        case ast.Tuple(elts=items) | ast.JoinedStr(values=items) | ast.BoolOp(values=items):
            return all(map(is_plain, items))
        case ast.Compare(left=left, comparators=items):
            return all(map(is_plain, [left, *items]))
        case ast.IfExp(test=test, body=body, orelse=orelse):
            return all(map(is_plain, [test, body, orelse]))
        case _:
            return False


def _acts(node: ast.AST) -> bool:
    match node:
        case ast.Call(func=func):
            return (func.attr if isinstance(func, ast.Attribute) else dotted(func)) not in _TELLING
        case ast.Await() | ast.NamedExpr() | ast.Yield() | ast.YieldFrom():
            return True
        case _:
            return False
