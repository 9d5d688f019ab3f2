"""Which functions may time something by hand: what tells at a glance, before anything is followed through a function."""

from __future__ import annotations

import ast
import functools
import re
from collections.abc import Iterator

from golden_rules.rules.base import Subject
from golden_rules.rules.handbuilt.clocks import clock_unit, is_since, is_start, may_be_recorded_start, may_read_clock
from golden_rules.rules.handbuilt.wrappers import is_under_wraps, takes_place_of_another, wraps_another
from golden_rules.rules.scope import is_benchmark, out_of_scope
from golden_rules.source.outline import Function, Outline
from golden_rules.source.trees import dotted, variable, walk

_CONTEXT_MANAGER = frozenset({"__enter__", "__exit__", "__aenter__", "__aexit__"})
# Where to measure is the subject: `pii_leak_benchmark/`, `autotune.py`, `perf_timer.py`.
_MEASURING = re.compile(
    r"benchmark[^/]*/|(^|[/_])auto_?tun\w*[/.]|(^|[/_])(timers?|timings?|timeit|stopwatch)\.py$"
    r"|(^|[/_])(load_?(gen|generat\w+|tests?|testing|testers?)|(stress|soak)_?(tests?|testing|testers?))([/_]|\.py$)"
)
# What runs within a test run, and tells how the tests went: `pytest_report/plugin.py`.
_PYTEST_PLUGIN = re.compile(r"(^|/)pytest_[^/]+(/|\.py$)")
_PYTEST = ("pytest", "_pytest")
_HOLDERS = (ast.Attribute, ast.Name)


def may_time(subject: Subject) -> bool:
    """Whether a function may read a clock and subtract, where that is to be looked at; where it does both, this never says no."""
    function = subject.function
    if ast.BinOp not in function.nodes and not function.nested:
        return False
    if function.name in _CONTEXT_MANAGER or not may_read_clock(subject.outline, function):
        return False
    if not any(clock_unit(subject.outline, function, call.name) for call in function.calls):
        return False
    if subject.config.is_metrics_module(subject.path) or out_of_scope(subject.path) or _compares_times(subject.path):
        return False
    if _extends_pytest(subject.outline, subject.path):
        return False
    if is_benchmark(function.qualname) or not _may_subtract_readings(subject.outline, function):
        return False
    return not (wraps_another(function) or is_under_wraps(function) or takes_place_of_another(function))


# Asked of one file for each of its functions.
@functools.lru_cache(maxsize=8)
def _compares_times(path: str) -> bool:
    """Whether durations are what a file is there to find out."""
    return bool(_MEASURING.search(path.lower()))


def _extends_pytest(outline: Outline, path: str) -> bool:
    """Whether a file is part of a plugin of pytest, which a report wants the duration of each test from."""
    if _PYTEST_PLUGIN.search(path.lower()):
        return True
    return any(target.partition(".")[0] in _PYTEST for target in outline.names.values())


def _may_subtract_readings(outline: Outline, function: Function) -> bool:
    """Whether a function may take an earlier clock reading from a later one."""
    # What is defined in the function is looked at as well: it is cheaper to see too much than to tell scopes apart.
    nodes = list(walk(function.node))
    differences = [
        node for node in nodes if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Sub) and variable(node.right)
    ]
    if not differences:
        return False
    stamps = {
        dotted(target)
        for target, value in _settings(nodes)
        if isinstance(target, _HOLDERS) and _reads(outline, function, value)
    }
    return any(
        _may_be_start(outline, function, variable(node.right), stamps)
        and (dotted(node.left) in stamps or _reads(outline, function, node.left))
        for node in differences
    )


def _may_be_start(outline: Outline, function: Function, name: str, stamps: set[str]) -> bool:
    if not name or is_since(name):
        return False
    if name in stamps or is_start(name):
        return True
    if "." not in name:
        # A function around may have read the clock.
        return function.parent is not None
    return may_be_recorded_start(outline, function, name)


def _reads(outline: Outline, function: Function, value: ast.expr) -> bool:
    """Whether there is a clock reading anywhere in an expression."""
    return any(
        isinstance(node, ast.Call) and clock_unit(outline, function, dotted(node.func)) is not None
        for node in walk(value)
    )


def _settings(nodes: list[ast.AST]) -> Iterator[tuple[ast.expr, ast.expr]]:
    """Yield each target of each assignment, those in tuples one by one, with the whole value."""
    for node in nodes:
        if isinstance(node, ast.Assign):
            for target in node.targets:
                yield from ((part, node.value) for part in _targets(target))
        elif isinstance(node, ast.AnnAssign | ast.NamedExpr) and node.value is not None:
            yield node.target, node.value


def _targets(target: ast.expr) -> Iterator[ast.expr]:
    if isinstance(target, ast.Tuple | ast.List):
        for part in target.elts:
            yield from _targets(part)
    else:
        yield target
