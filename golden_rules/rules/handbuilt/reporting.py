"""Whether statements do nothing but report: log a value, record it, hand it on."""

from __future__ import annotations

import libcst as cst

from golden_rules.rules.handbuilt.clocks import is_duration
from golden_rules.rules.handbuilt.vocabulary import is_log, is_metric, is_report
from golden_rules.source.body import callee


def reports_only(statement: cst.If) -> bool:
    """Whether every branch of an `if` does nothing but report: log, record, hand a duration on."""
    branches: list[cst.BaseSuite] = [statement.body]
    orelse = statement.orelse
    while isinstance(orelse, cst.If):
        branches.append(orelse.body)
        orelse = orelse.orelse
    if orelse is not None:
        branches.append(orelse.body)
    return all(reports(line) for branch in branches for line in branch.body)


def returns_nothing(suite: cst.BaseSuite) -> bool:
    """Whether a block is a bare `return`."""
    lines = [
        item for line in suite.body for item in (line.body if isinstance(line, cst.SimpleStatementLine) else [line])
    ]
    return len(lines) == 1 and isinstance(lines[0], cst.Return) and (lines[0].value is None or _is_none(lines[0].value))


def reports(line: cst.CSTNode) -> bool:
    """Whether a statement does nothing but report."""
    match line:
        case cst.If():
            return reports_only(line)
        case cst.SimpleStatementLine():
            return all(map(reports, line.body))
        case cst.Pass():
            return True
        case cst.Expr(value=cst.SimpleString()):
            return True
        case cst.Expr(value=cst.Await(expression=cst.Call() as call)) | cst.Expr(value=cst.Call() as call):
            return _is_report_call(call)
        case cst.Assign():
            # A message put together before it is logged.
            return all(isinstance(target.target, cst.Name) for target in line.targets) and _is_text(line.value)
        case _:
            return False


def _is_report_call(call: cst.Call) -> bool:
    name = callee(call)
    if is_log(name) or is_metric(name) or is_report(name):
        return True
    if any(argument.keyword is not None and is_duration(argument.keyword.value) for argument in call.args):
        return True
    # `asyncio.create_task(self.report(duration=...))`
    return len(call.args) == 1 and isinstance(call.args[0].value, cst.Call) and _is_report_call(call.args[0].value)


def _is_none(value: cst.BaseExpression) -> bool:
    return isinstance(value, cst.Name) and value.value == "None"


def _is_text(value: cst.BaseExpression) -> bool:
    if isinstance(value, cst.BinaryOperation):
        return _is_text(value.left)
    return isinstance(value, cst.SimpleString | cst.FormattedString | cst.ConcatenatedString)
