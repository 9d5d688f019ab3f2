"""Where a function adds to a counter: a metric's `inc()`, or one more on an attribute, an entry or a global."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass

from golden_rules.naming import snake
from golden_rules.rules.handbuilt.counter_words import holds_metrics, is_counter
from golden_rules.rules.handbuilt.metric_calls import error_call, is_one, may_feed, metric_call, tells_what
from golden_rules.source.outline import Function, Outline
from golden_rules.source.trees import children, dotted, walk

_NESTED = frozenset({ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda})


@dataclass(frozen=True, slots=True, eq=False)
class Increment:
    """One more on a counter.

    Attributes:
        node: The statement or the call.
        counter: The counter as written: `REQUESTS`, `self.stats["failed"]`.
        word: What it counts, in snake case; for a metric with its labels' and arguments' constants.
        target: The variable that is added to; `None` for a metric of a client or of the project's own.
        handlers: The `except` clauses around it, the nearest first.
        branch: Whether a condition or a loop decides if it is reached.
    """

    node: ast.AugAssign | ast.Assign | ast.Call
    counter: str
    word: str
    target: ast.expr | None
    handlers: tuple[ast.ExceptHandler, ...]
    branch: bool

    @property
    def metric(self) -> bool:
        """Whether the counter is a metric of a client or of the project's own."""
        return self.target is None

    @property
    def named(self) -> bool:
        """Whether a client is told the metric's name right here: `statsd.increment("orders.refused")`."""
        if not isinstance(self.node, ast.Call):
            return False
        match self.node.func:
            case ast.Attribute(value=ast.Call(func=ast.Attribute(attr=made), args=[ast.Constant(value=str())])):
                if made != "labels" and is_counter(made):
                    # `registry.counter("orders.refused").inc()`
                    return True
            case _:
                pass
        if not self.node.args:
            return False
        first = self.node.args[0]
        if isinstance(first, ast.Name):
            return first.id.isupper() and isinstance(self.node.func, ast.Attribute) and self.node.func.attr != "inc"
        return isinstance(first, ast.JoinedStr) or (isinstance(first, ast.Constant) and isinstance(first.value, str))

    @property
    def key(self) -> str:
        """What tells one entry of a tally from the next, as written: `tool` in `self.stats[tool] += 1`; empty where nothing does."""
        match self.target:
            case ast.Subscript(slice=ast.Constant()):
                return ""
            case ast.Subscript(slice=key):
                return ast.unparse(key)
            case _:
                return ""

    @property
    def shown(self) -> str:
        """The counter as a message names it."""
        return self.counter.replace("()", "(...)")


# A node on the way down, with the `except` clauses around it, and whether a condition decides if it is reached.
_Handlers = tuple[ast.ExceptHandler, ...]
_Place = tuple[ast.AST, _Handlers, bool]
_BRANCHES = (ast.For, ast.AsyncFor, ast.While, ast.Match, ast.IfExp, ast.BoolOp)
_LEAVES = frozenset({ast.Name, ast.Constant})


def may_increment(function: Function) -> bool:
    """Whether a function's own code may add to a counter, by what the outline knows of it; where it does, this never says no."""
    return function.adds_one or may_feed(function)


def increments(outline: Outline, function: Function) -> Iterator[Increment]:
    """Yield where a function's own code adds to a counter, in order of the source."""
    if not may_increment(function):
        return
    waiting: list[_Place] = [(statement, (), False) for statement in reversed(function.node.body)]
    declared = _declared(function)
    kept: ast.expr | None = None
    alone: set[int] = set()
    while waiting:
        node, handlers, branch = waiting.pop()
        kind = type(node)
        if kind in _LEAVES or kind in _NESTED or kind is ast.Compare:
            # `if self.channels.inc() == 1:` asks for a number.
            continue
        if isinstance(node, ast.Assign | ast.AnnAssign | ast.NamedExpr):
            # `number = await self.step_counter.increment(step)` draws a number, and the program goes on with it.
            kept = node.value.value if isinstance(node.value, ast.Await) else node.value
        if kind is ast.Expr:
            alone.update(id(call) for call in _standing_alone(node))
        if isinstance(node, ast.Call | ast.AugAssign | ast.Assign) and node is not kept:
            found = _increment(outline, function, node, declared) or (_told(node) if handlers else None)
            if found is not None and (not isinstance(node, ast.Call) or id(node) in alone or tells_what(node)):
                yield Increment(node, *found, handlers, branch)
        waiting += _inner(node, handlers, branch)


def _standing_alone(node: ast.AST) -> Iterator[ast.AST]:
    """Yield the calls of a statement whose results nobody takes: `HITS.inc() if found else MISSES.inc()`."""
    match node:
        case ast.Expr(value=value) | ast.Await(value=value):
            yield from _standing_alone(value)
        case ast.IfExp(body=body, orelse=orelse):
            yield from _standing_alone(body)
            yield from _standing_alone(orelse)
        case ast.BoolOp(values=values):
            for value in values:
                yield from _standing_alone(value)
        case _:
            yield node


def _inner(node: ast.AST, handlers: _Handlers, branch: bool) -> list[_Place]:
    """Return the places right below a node that are worth a visit, the last one first."""
    if isinstance(node, ast.ExceptHandler):
        handlers = (node, *handlers)
        return [(child, handlers, branch) for child in reversed(node.body)]
    if isinstance(node, ast.If):
        decided = branch or not _is_guard(node)
        below = [(child, handlers, decided) for child in reversed([*node.body, *node.orelse])]
        return [*below, (node.test, handlers, branch)]
    branch = branch or isinstance(node, _BRANCHES)
    return [(child, handlers, branch) for child in reversed(children(node))]


def _is_guard(statement: ast.If) -> bool:
    """Whether an `if` only asks if there are metrics at all: `if REQUESTS is not None:`, `if self.metrics_enabled:`."""
    test = statement.test
    if statement.orelse:
        return False
    if isinstance(test, ast.Compare) and len(test.comparators) == 1 and isinstance(test.comparators[0], ast.Constant):
        return test.comparators[0].value is None and isinstance(test.ops[0], ast.IsNot)
    name = snake(dotted(test))
    return bool(name) and (holds_metrics(name) or is_counter(name) or "prom" in name)


def _increment(
    outline: Outline, function: Function, node: ast.Call | ast.AugAssign | ast.Assign, declared: set[str]
) -> tuple[str, str, ast.expr | None] | None:
    """Return what a node adds one to: the counter as written, its word, and the variable unless it is a metric."""
    if isinstance(node, ast.Call):
        counter, word = metric_call(outline, function, node)
        return (counter, word, None) if counter else None
    target = bumped(node)
    if target is None or (isinstance(target, ast.Name) and target.id not in declared):
        return None
    counter, word = _variable(target)
    return (counter, word, target) if counter else None


def _told(node: ast.AST) -> tuple[str, str, None] | None:
    """Return the method by which metrics are told of a failure; only where an error was caught, as a verdict may be told, too."""
    counter, word = error_call(node) if isinstance(node, ast.Call) else ("", "")
    return (counter, word, None) if counter else None


def _declared(function: Function) -> set[str]:
    """Return the names under `global` in a function; those under `nonlocal` are a closure's own state."""
    if not function.declares_scope:
        return set()
    return {name for node in walk(function.node) if isinstance(node, ast.Global) for name in node.names}


def bumped(node: ast.AST) -> ast.expr | None:
    """Return what a statement makes one more: `x += 1`, `x = x + 1`, `d[k] = d.get(k, 0) + 1`."""
    match node:
        case ast.AugAssign(target=target, op=ast.Add(), value=ast.Constant(value=value)):
            return target if is_one(value) else None
        case ast.Assign(
            targets=[target], value=ast.BinOp(left=left, op=ast.Add(), right=ast.Constant(value=value))
        ) if is_one(value):
            if isinstance(left, ast.Call):
                return target if _gets(left, target) else None
            same = isinstance(left, ast.Attribute | ast.Subscript | ast.Name) and ast.unparse(left) == ast.unparse(
                target
            )
            return target if same else None
        case _:
            return None


def _gets(call: ast.Call, target: ast.expr) -> bool:
    """Whether a call is `d.get(k, 0)` for the target `d[k]`."""
    return (
        isinstance(target, ast.Subscript)
        and isinstance(call.func, ast.Attribute)
        and call.func.attr == "get"
        and len(call.args) == 2
        and ast.unparse(call.func.value) == ast.unparse(target.value)
        and ast.unparse(call.args[0]) == ast.unparse(target.slice)
    )


def _variable(target: ast.expr) -> tuple[str, str]:
    """Return a counted variable as written, and the word that says what it counts; empty where nothing does."""
    match target:
        case ast.Name(id=name):
            return name, snake(name)
        case ast.Attribute(attr=attribute):
            return dotted(target), snake(attribute)
        case ast.Subscript(value=base, slice=ast.Constant(value=str(key))):
            return (f'{dotted(base)}["{key}"]', snake(re.sub(r"\W+", "_", key))) if dotted(base) else ("", "")
        case ast.Subscript(value=base, slice=key):
            return (f"{dotted(base)}[{ast.unparse(key)}]", snake(dotted(base))) if dotted(base) else ("", "")
        case _:
            return "", ""
