"""Whether a function tells the same recorder how long it took where it failed and where it did not."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

import libcst as cst

from golden_rules.rules.handbuilt.clocks import is_duration
from golden_rules.rules.handbuilt.flows import Use
from golden_rules.rules.handbuilt.vocabulary import is_log, is_metric, is_report
from golden_rules.source.body import callee

if TYPE_CHECKING:
    from golden_rules.rules.handbuilt.timings import Difference
    from golden_rules.source.body import Body


# What tells one outcome from the other in a recorder's name: `on_success`, `record_failure`.
_OUTCOME = re.compile(
    r"success(ful|es)?|succeeded|ok|done|completed?|fail(ed|ures?)?|errors?|errored|exceptions?", re.IGNORECASE
)


def recorded_by_outcome(body: Body, measured: Sequence[Difference]) -> str:
    """Return the recorder that gets a duration and an outcome, or `""`.

    It is called both in an `except` clause and outside, or it takes a variable that an `except` clause sets.
    """
    if not any(sink.use is Use.RECORDED or sink.use is Use.KEPT for item in measured for sink in item.sinks):
        return ""
    failed: dict[str, str] = {}
    passed: set[str] = set()
    values = {name for item in measured for name in _names(body, item)}
    for node in body.nodes:
        if not isinstance(node, cst.Call) or not _records(node) or not _takes(body, node, measured, values):
            continue
        name = callee(node)
        if _is_handled(body, node):
            failed[_OUTCOME.sub("*", name)] = name
        elif _takes_outcome(body, node):
            return name
        else:
            passed.add(_OUTCOME.sub("*", name))
    return next((failed[name] for name in sorted(passed) if name in failed), "")


def _is_handled(body: Body, node: cst.CSTNode) -> bool:
    return any(isinstance(above, cst.ExceptHandler) for above in body.ancestors(node))


def _takes_outcome(body: Body, call: cst.Call) -> bool:
    """Whether a call, or the `labels(...)` before it, takes a variable that an `except` clause sets to a text or a flag."""
    for name, loads in body.loads.items():
        if not any(call in body.ancestors(load) for load in loads):
            continue
        settings = [binding for binding in body.bindings[name] if isinstance(binding, cst.Assign)]
        constants = [binding for binding in settings if _is_outcome(binding.value)]
        if len(constants) >= 2 and any(_is_handled(body, binding) for binding in constants):
            return True
    return False


def _is_outcome(value: cst.BaseExpression) -> bool:
    return isinstance(value, cst.SimpleString) or (isinstance(value, cst.Name) and value.value in ("True", "False"))


def _records(call: cst.Call) -> bool:
    """Whether a call records more than the duration: a metric or a report with labels, a status or an error."""
    name = callee(call)
    if is_log(name) or not name:
        return False
    labelled = ".labels()" in name
    if is_metric(name) or is_report(name):
        return labelled or len(call.args) >= 2
    timed = any(argument.keyword is not None and is_duration(argument.keyword.value) for argument in call.args)
    return timed and len(call.args) >= 2 and bool(_OUTCOME.search(name))


def _takes(body: Body, call: cst.Call, measured: Sequence[Difference], values: set[str]) -> bool:
    if any(call in body.ancestors(item.node) for item in measured):
        return True
    loads = (load for name in values for load in body.loads[name])
    return any(call in body.ancestors(load) for load in loads)


def _names(body: Body, difference: Difference) -> list[str]:
    """Return the variables that a difference is assigned to."""
    statement = body.statement(difference.node)
    return [
        name for name, bindings in body.bindings.items() if any(body.statement(item) is statement for item in bindings)
    ]
