"""Whether a wrapper, a context manager's generator or a class measures what it stands around, and with what."""

from __future__ import annotations

import ast
import re
from typing import NamedTuple

from golden_rules.rules.base import ModuleSubject
from golden_rules.rules.handbuilt.clocks import clock_unit, is_limit
from golden_rules.rules.handbuilt.increments import increments
from golden_rules.source.outline import Class, Function
from golden_rules.source.own_code import OwnCode
from golden_rules.source.trees import walk

_SPANS = frozenset(
    {"start_as_current_span", "start_span", "start_active_span", "start_as_current_observation", "start_transaction"}
)
_OBSERVING = frozenset({"observe", "timing", "histogram", "record_duration", "record_latency"})
# A name that says that measuring is all it does; without one, a long wrapper does other work.
_SAYS_SO = re.compile(
    r"(^|_)(time|timed?|timer|timing|timeit|stopwatch|elapsed|duration|latency|measured?|metrics?|metered|track(ed)?|trac(e|ed|ing)|span|instrument(ed)?"
    r"|observ\w*|monitor(ed)?|profil\w*|count(ed)?|stats|telemetry|perf\w*|benchmark\w*|log(ged)?)(_|$)",
    re.IGNORECASE,
)
# Names of wrappers that do other work, and tell of it.
_OTHER_WORK = re.compile(
    r"(^|_)(cach\w*|memo\w*|retr(y|ies)|retri\w+|limit\w*|throttl\w*|debounc\w*|lock\w*|pressure|auth\w*|permission\w*|valid\w*|transaction\w*"
    r"|session|connect\w*|pool|breaker|rollback|lifespan)(_|$)",
    re.IGNORECASE,
)
# With a name that says so, and without one.
_MAX_STATEMENTS = (40, 8)


class Measures(NamedTuple):
    """How something is measured.

    Attributes:
        what: "timing", "counting" or "tracing".
        how: The clause that says with what, in the code's own terms.
    """

    what: str
    how: str


def measures(subject: ModuleSubject, function: Function) -> Measures | None:
    """Say how a function measures what it stands around; `None` where it does not, or where it does more than that."""
    if function.loops or not _is_about_it(function):
        return None
    for name in (*(call.name for call in function.calls), *function.measured_blocks):
        if name.rpartition(".")[2] in _SPANS:
            return Measures("tracing", f"opens a span with `{name}`")
    if (reading := _clock(subject, function)) and (code := _difference(subject, function)):
        return Measures("timing", f"reads `{reading}` and takes `{code}`")
    for block in function.measured_blocks:
        if _times(subject, function, block):
            return Measures("timing", f"times with `{block.replace('()', '(...)')}`")
    for call in function.calls:
        base, _, last = call.name.rpartition(".")
        if base and last in _OBSERVING:
            return Measures("timing", f"calls `{call.name.replace('()', '(...)')}`")
    for increment in increments(subject.outline, function):
        if increment.metric:
            return Measures("counting", f"adds to `{increment.shown}`")
    return None


def times_block(subject: ModuleSubject, owner: Class) -> str:
    """Return the clock that a class reads both where a block starts and where it ends, or `""`; a limit reads it to act."""
    if is_limit(owner.name):
        return ""
    methods = {function.name: function for function in subject.verdicts if function.owner is owner}
    for enter, leave in (("__enter__", "__exit__"), ("__aenter__", "__aexit__")):
        if enter not in methods or leave not in methods:
            continue
        reading = _clock(subject, methods[enter])
        if reading and _clock(subject, methods[leave]) and _subtracts(methods[leave]) and _is_small(owner):
            return reading
    return ""


def _is_small(owner: Class) -> bool:
    """Whether a class is about its block: by its name, or as it has little else."""
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", owner.name)
    methods = sum(isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) for node in owner.node.body)
    return bool(_SAYS_SO.search(words)) or methods <= 3


def _is_about_it(function: Function) -> bool:
    """Whether measuring is what a wrapper is for: by the names around it, or as it is short."""
    names = [scope.name for scope in function.scopes()]
    if any(_OTHER_WORK.search(name) for name in names):
        return False
    says_so = any(_SAYS_SO.search(name) for name in names)
    return function.statements <= _MAX_STATEMENTS[0 if says_so else 1]


def _times(subject: ModuleSubject, function: Function, block: str) -> bool:
    """Whether a block is one that a metric makes to time it: `with SECONDS.labels(name).time():`."""
    base, _, last = block.rpartition(".")
    return last == "time" and bool(base) and clock_unit(subject.outline, function, block) is None


def _clock(subject: ModuleSubject, function: Function) -> str:
    names = (call.name for call in function.calls)
    return next((name for name in names if clock_unit(subject.outline, function, name) is not None), "")


def _subtracts(function: Function) -> bool:
    return any(isinstance(node, ast.BinOp) and isinstance(node.op, ast.Sub) for node in walk(function.node))


def _difference(subject: ModuleSubject, function: Function) -> str:
    """Return a difference of clock readings of a function that decides nothing, as written, or `""`.

    One that is taken before a block begins measures something else, and one that is returned is the caller's.
    """
    if not _subtracts(function):
        return ""
    from golden_rules.rules.handbuilt.timings import timings
    from golden_rules.source.written import code_of

    found = timings(subject.outline, function)
    start = _start_of_block(function)
    for difference in found.differences:
        if difference.node.lineno < start or _is_returned(found.code, difference.node):
            continue
        if difference.stamp is not None and difference.sinks and not difference.decides:
            return " ".join(code_of(subject.source, found.code, difference.node).split())
    return ""


def _start_of_block(function: Function) -> int:
    """Return the line in which a generator first gives way to its block; 0 for any other function."""
    return min((node.lineno for node in walk(function.node) if isinstance(node, ast.Yield)), default=0)


def _is_returned(code: OwnCode, difference: ast.expr) -> bool:
    """Whether a function returns a difference, or a name that it is put into."""
    statement = code.statement(difference)
    if isinstance(statement, ast.Return):
        return True
    match statement:
        case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)):
            returned = (inner for node in code.nodes if isinstance(node, ast.Return) for inner in walk(node))
            return any(isinstance(inner, ast.Name) and inner.id == name for inner in returned)
        case _:
            return False
