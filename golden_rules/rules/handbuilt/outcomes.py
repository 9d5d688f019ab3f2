"""Whether a function tells the same recorder how long it took where it failed and where it did not."""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from golden_rules.rules.handbuilt.ends import Use
from golden_rules.rules.handbuilt.reporting import takes_duration
from golden_rules.rules.handbuilt.vocabulary import is_log, is_metric, is_report
from golden_rules.source.trees import arguments, callee, is_text

if TYPE_CHECKING:
    from golden_rules.rules.handbuilt.timings import Difference
    from golden_rules.source.own_code import OwnCode


# What tells one outcome from the other in a recorder's name: `on_success`, `record_failure`.
_OUTCOME = re.compile(
    r"success(ful|es)?|succeeded|ok|done|completed?|fail(ed|ures?)?|errors?|errored|exceptions?", re.IGNORECASE
)


def recorded_by_outcome(code: OwnCode, measured: Sequence[Difference]) -> str:
    """Return the recorder that gets a duration and an outcome, or `""`.

    It is called both in an `except` clause and outside, or it takes a variable that an `except` clause sets.
    """
    if not any(sink.use is Use.RECORDED or sink.use is Use.KEPT for item in measured for sink in item.sinks):
        return ""
    failed: dict[str, str] = {}
    passed: set[str] = set()
    values = {name for item in measured for name in code.set_with(item.node)}
    for node in code.nodes:
        if not isinstance(node, ast.Call) or not _records(node) or not _takes(code, node, measured, values):
            continue
        name = callee(node)
        if _is_handled(code, node):
            failed[_OUTCOME.sub("*", name)] = name
        elif _takes_outcome(code, node):
            return name
        else:
            passed.add(_OUTCOME.sub("*", name))
    return next((failed[name] for name in sorted(passed) if name in failed), "")


def _is_handled(code: OwnCode, node: ast.AST) -> bool:
    return any(isinstance(above, ast.ExceptHandler) for above in code.holders(node))


def _takes_outcome(code: OwnCode, call: ast.Call) -> bool:
    """Whether a call, or the `labels(...)` before it, takes a variable that an `except` clause sets to a text or a flag."""
    for name, loads in code.loads.items():
        if not any(call in code.holders(load) for load in loads):
            continue
        settings = [binding for binding in code.bindings[name] if isinstance(binding, ast.Assign)]
        constants = [binding for binding in settings if _is_outcome(binding.value)]
        if len(constants) >= 2 and any(_is_handled(code, binding) for binding in constants):
            return True
    return False


def _is_outcome(value: ast.expr) -> bool:
    return is_text(value) or (isinstance(value, ast.Constant) and isinstance(value.value, bool))


def _records(call: ast.Call) -> bool:
    """Whether a call records more than the duration: a metric or a report with labels, a status or an error."""
    name = callee(call)
    if is_log(name) or not name:
        return False
    labelled = ".labels()" in name
    if is_metric(name) or is_report(name):
        return labelled or arguments(call) >= 2
    return takes_duration(call) and arguments(call) >= 2 and bool(_OUTCOME.search(name))


def _takes(code: OwnCode, call: ast.Call, measured: Sequence[Difference], values: set[str]) -> bool:
    if any(call in code.holders(item.node) for item in measured):
        return True
    loads = (load for name in values for load in code.loads[name])
    return any(call in code.holders(load) for load in loads)
