"""Whether statements do nothing but report: log a value, record it, hand it on."""

from __future__ import annotations

import ast
from collections.abc import Sequence

from golden_rules.rules.handbuilt.clocks import is_duration
from golden_rules.rules.handbuilt.vocabulary import is_log, is_metric, is_report
from golden_rules.source.trees import arguments, callee, is_text


def reports_only(statement: ast.If) -> bool:
    """Whether every branch of an `if` does nothing but report: log, record, hand a duration on."""
    return all(map(reports, (*statement.body, *statement.orelse)))


def returns_nothing(block: Sequence[ast.stmt]) -> bool:
    """Whether a block is a bare `return`."""
    match block:
        case [ast.Return(value=None | ast.Constant(value=None))]:
            return True
        case _:
            return False


def reports(statement: ast.stmt) -> bool:
    """Whether a statement does nothing but report."""
    match statement:
        case ast.If():
            return reports_only(statement)
        case ast.Pass():
            return True
        case ast.Expr(value=ast.Constant(value=str() | bytes())):
            return True
        case ast.Expr(value=ast.Await(value=ast.Call() as call)) | ast.Expr(value=ast.Call() as call):
            return _is_report_call(call)
        case ast.Assign():
            # A message put together before it is logged.
            return all(isinstance(target, ast.Name) for target in statement.targets) and _is_text(statement.value)
        case _:
            return False


def takes_duration(call: ast.Call) -> bool:
    """Whether a keyword of a call names a duration."""
    return any(keyword.arg is not None and is_duration(keyword.arg) for keyword in call.keywords)


def _is_report_call(call: ast.Call) -> bool:
    name = callee(call)
    if is_log(name) or is_metric(name) or is_report(name) or takes_duration(call):
        return True
    # `asyncio.create_task(self.report(duration=...))`
    values = [*call.args, *(keyword.value for keyword in call.keywords)]
    return arguments(call) == 1 and isinstance(values[0], ast.Call) and _is_report_call(values[0])


def _is_text(value: ast.expr) -> bool:
    if isinstance(value, ast.BinOp):
        return _is_text(value.left)
    return is_text(value) or isinstance(value, ast.JoinedStr)
