"""Which functions may hold a loop that tries again: what tells at a glance, before any way through a loop is followed."""

from __future__ import annotations

import ast

from golden_rules.naming import snake
from golden_rules.rules.resilience.retry_syntax import names_of
from golden_rules.rules.resilience.retry_words import (
    COUNTING,
    RETRYING,
    WRAPPERS,
    is_attempt,
    is_delay,
    is_failure,
    is_pause,
    is_report,
)
from golden_rules.source.names import resolve
from golden_rules.source.outline import Function, Outline
from golden_rules.source.own_code import SCOPES, below
from golden_rules.source.text import SourceText
from golden_rules.source.trees import AnyLoop, AnyTry, arguments, children, dotted

# Where a read of a counter decides something.
_DECIDES = (ast.Compare, ast.Raise, ast.AugAssign, ast.If, ast.IfExp, ast.While)


def may_retry(outline: Outline, function: Function, source: SourceText) -> bool:
    """Tell whether a loop of the function may go round to try again; where there is one, this never says no."""
    if not (function.clauses or any(_may_wait(call.name) for call in function.calls)):
        return False
    return any(_may_go_round(outline, function, loop, source) for loop in function.loops)


def _may_go_round(outline: Outline, function: Function, loop: AnyLoop, source: SourceText) -> bool:
    if not _tries(loop):
        return False
    if isinstance(loop, ast.While):
        return _speaks_of_tries(loop) or _says_retry(function, source)
    names = list(names_of(loop.target))
    if not _may_count(outline, function, loop.iter, names):
        return False
    return not any(_is_worked_on(loop, name) for name in names if not (is_delay(name) or is_attempt(name)))


def _speaks_of_tries(loop: ast.While) -> bool:
    """Tell whether something in a loop waits, or sets what is named like a count of tries."""
    for node in below([loop.test, *loop.body, *loop.orelse]):
        if isinstance(node, ast.Call):
            if is_pause(dotted(node.func), arguments(node)):
                return True
        elif isinstance(node, ast.AugAssign | ast.Assign):
            targets = [node.target] if isinstance(node, ast.AugAssign) else node.targets
            if any(is_attempt(name) or is_failure(name) for name in map(dotted, targets)):
                return True
    return False


def _says_retry(function: Function, source: SourceText) -> bool:
    """Tell whether the text of a function, comments included, speaks of trying again."""
    start, end = source.line_start(function.start_line), source.line_end(function.end_line)
    return RETRYING.search(source.text, start, end) is not None


def _is_worked_on(loop: ast.For | ast.AsyncFor, name: str) -> bool:
    """Tell whether a loop's variable is more than a number of tries: it is read where that neither decides, reports nor waits."""
    stack: list[tuple[ast.AST, bool]] = [(loop, False)]
    while stack:
        node, counts = stack.pop()
        if isinstance(node, ast.Name):
            if node.id == name and not counts and isinstance(node.ctx, ast.Load):
                return True
            continue
        if isinstance(node, SCOPES):
            continue
        if isinstance(node, _DECIDES):
            counts = True
        elif isinstance(node, ast.Assign):
            counts = all(is_delay(target) or is_attempt(target) for target in map(dotted, node.targets))
        elif isinstance(node, ast.stmt):
            counts = False
        elif isinstance(node, ast.Call):
            called = dotted(node.func) or getattr(node.func, "attr", "")
            waits = is_pause(called, arguments(node))
            counts = counts or waits or is_report(called) or bool(RETRYING.search(called))
        stack += [(child, counts) for child in children(node)]
    return False


def _tries(loop: AnyLoop) -> bool:
    """Tell whether something in a loop may fail and be caught; or something waits there, and the rounds are counted."""
    waits, counts = False, not isinstance(loop, ast.While)
    for node in below([*loop.body, *loop.orelse]):
        if isinstance(node, AnyTry) and node.handlers:
            return True
        if isinstance(node, ast.Call) and (called := dotted(node.func)):
            if called.endswith("suppress"):
                return True
            waits = waits or is_pause(called, 1)
        elif isinstance(node, ast.AugAssign | ast.Assign) and not counts:
            targets = [node.target] if isinstance(node, ast.AugAssign) else node.targets
            counts = any(is_attempt(name) or is_failure(name) for name in map(dotted, targets))
    return waits and counts


def _may_wait(call: str) -> bool:
    """Tell whether a call may wait, or swallow what fails."""
    return call.endswith("suppress") or is_pause(call, 1)


def _may_count(outline: Outline, function: Function, iterable: ast.expr, names: list[str]) -> bool:
    """Tell whether a `for` may count tries, or run through the pauses between them."""
    if any(is_delay(name) or is_attempt(name) for name in names):
        return True
    match iterable:
        case ast.Call(func=func):
            called = dotted(func)
            first = [*iterable.args, *(keyword.value for keyword in iterable.keywords)]
            if called in WRAPPERS and first:
                return _may_count(outline, function, first[0], names)
            if (resolve(outline, function, called) or called) in COUNTING:
                return True
        case ast.Starred(value=value) | ast.BinOp(left=value):
            return _may_count(outline, function, value, names)
        case ast.Tuple(elts=items) | ast.List(elts=items):
            return bool(items) and all(isinstance(item, ast.Constant) for item in items)
        case _:
            pass
    spelled = snake(dotted(iterable).replace("()", ""))
    return is_delay(spelled) or is_attempt(spelled)
