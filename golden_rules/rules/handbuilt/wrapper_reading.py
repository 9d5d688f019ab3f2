"""What a homemade decorator does, where it passes the call on and measures, with nothing besides.

Then whoever calls the functions sees no difference when the runtime's decorator takes its place.
"""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from golden_rules.rules.handbuilt.clocks import clock_unit
from golden_rules.source.names import resolve
from golden_rules.source.outline import Function
from golden_rules.source.trees import AnyFunction, dotted, walk

if TYPE_CHECKING:
    from golden_rules.rules.base import ModuleSubject

# A warning or an error is news for somebody: a wrapper that writes one does more than measure.
_REPORTS = re.compile(r"(^|\.)_?(log|logger|logging)\.(debug|info)$|^print$", re.IGNORECASE)
_FEEDS = frozenset({"inc", "observe"})
_HARMLESS_CALLS = frozenset({"round", "int", "str", "type"})
_CATCHES_ALL = frozenset({"Exception", "BaseException"})


@dataclass(frozen=True, slots=True)
class Reading:
    """What a decorator does.

    Attributes:
        counterpart: Which of the runtime's decorators does it.
        called: Whether it is made by a call, `@track("orders")`, whose arguments only go into lines of the log and labels.
        only_async: Whether it can stand on coroutine functions only.
        metrics: The names of the metrics that it feeds.
    """

    counterpart: str
    called: bool
    only_async: bool
    metrics: frozenset[str]

    def told(self) -> tuple[str, bool, bool]:
        """Return what others need to know of it as plain data, for `reading_told`."""
        return self.counterpart, self.called, self.only_async


def reading_told(data: tuple[object, ...]) -> Reading:
    """Return what a file told as plain data; the metrics are its own business."""
    counterpart, called, only_async = data
    return Reading(str(counterpart), bool(called), bool(only_async), frozenset())


def reading(subject: ModuleSubject, decorator: Function) -> Reading | None:
    """Return what a decorator does; `None` where it is another shape or does anything else."""
    node: AnyFunction = decorator.node
    called = False
    match _body(node):
        case [ast.FunctionDef() as inner, ast.Return(value=ast.Name(id=name))] if (
            name == inner.name and _wrapped(inner) is not None
        ):
            node, called = inner, True
        case _:
            pass
    wrapped = _wrapped(node)
    wrappers = None if wrapped is None else _wrappers(_body(node), wrapped, {})
    if wrapped is None or not wrappers or isinstance(node, ast.AsyncFunctionDef):
        return None
    reads = [_read(subject, inner, wrapped) for inner in wrappers]
    counterparts = {None if read is None else _counterpart(read) for read in reads}
    if len(counterparts) != 1 or (counterpart := counterparts.pop()) is None:
        return None
    metrics = frozenset(metric for read in reads if read is not None for metric in read.metrics)
    only_async = all(isinstance(inner, ast.AsyncFunctionDef) for inner in wrappers)
    return Reading(counterpart, called, only_async, metrics)


def _wrapped(node: AnyFunction) -> str | None:
    """Return the only parameter of a function, the one that a decorator gets what it decorates in."""
    match node.args:
        case ast.arguments(
            posonlyargs=[], args=[ast.arg(arg=name)], vararg=None, kwonlyargs=[], kwarg=None, defaults=[]
        ):
            return name
        case _:
            return None


def _wrappers(body: list[ast.stmt], wrapped: str, known: dict[str, AnyFunction]) -> list[AnyFunction] | None:
    """Return the functions that a decorator's statements may return; `None` where they do anything else.

    It may choose between two, one of them for coroutine functions.
    """
    found: list[AnyFunction] = []
    known = dict(known)
    for statement in body:
        match statement:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                known[name] = statement
            case ast.Return(value=ast.Name(id=name)) if name in known:
                found.append(known[name])
            case ast.Return(value=ast.IfExp(test=test, body=ast.Name(id=one), orelse=ast.Name(id=other))) if (
                _asks_for_coroutines(test, wrapped) and {one, other} <= known.keys()
            ):
                found += (known[one], known[other])
            case ast.If(test=test) if _asks_for_coroutines(test, wrapped):
                for branch in (statement.body, statement.orelse):
                    inner = _wrappers(branch, wrapped, known)
                    if inner is None:
                        return None
                    found += inner
            case _:
                return None
    return found


def _asks_for_coroutines(test: ast.expr, wrapped: str) -> bool:
    match test:
        case ast.Call(func=callee, args=[ast.Name(id=name)], keywords=[]) if name == wrapped:
            return dotted(callee).rpartition(".")[2] == "iscoroutinefunction"
        case _:
            return False


def _read(subject: ModuleSubject, inner: AnyFunction, wrapped: str) -> _Wrapper | None:
    own = inner.args
    if own.posonlyargs or own.args or own.kwonlyargs or len(inner.decorator_list) > 1:
        return None
    if any(not _is_wraps(subject, item, wrapped) for item in inner.decorator_list):
        return None
    function = next(item for item in subject.outline.functions if item.node is inner)
    read = _Wrapper(subject, function, wrapped)
    if not read.only_measures(_body(inner), "body") or read.calls != 1 or read.returns != 1:
        return None
    return read


@dataclass(slots=True)
class _Wrapper:
    """What the statements of a wrapper do, as they are read.

    Attributes:
        wrapped: The parameter that holds the decorated function.
        result: The name that its result is kept under, or `""`.
        calls: How often the function is called; `returns` likewise.
        metrics: The names of the metrics that are fed.
    """

    subject: ModuleSubject
    function: Function
    wrapped: str
    result: str = ""
    calls: int = 0
    returns: int = 0
    times: bool = False
    counts: bool = False
    errors: bool = False
    metrics: set[str] = field(default_factory=set)

    def only_measures(self, body: list[ast.stmt], where: str) -> bool:
        """Whether statements only measure and pass the call on; `where` is `body`, `handler` or `finally`."""
        return all(self._is_read(statement, where) for statement in body)

    def _is_read(self, statement: ast.stmt, where: str) -> bool:
        match statement:
            case ast.Try(handlers=handlers) if where == "body":
                return (
                    self.only_measures(statement.body, "body")
                    and all(self._is_handler(handler) for handler in handlers)
                    and self.only_measures(statement.orelse, "body")
                    and self.only_measures(statement.finalbody, "finally")
                )
            case ast.Return(value=ast.Name(id=name)) if where == "body" and name == self.result:
                self.returns += 1
                return True
            case ast.Return(value=ast.expr() as value) if where == "body" and self._passes_on(value):
                self.calls += 1
                self.returns += 1
                return True
            case ast.Assign(targets=[ast.Name(id=name)], value=value) if where == "body" and self._passes_on(value):
                self.calls += 1
                self.result = name
                return True
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                return name not in {self.wrapped, *self._hidden()} and self._is_plain(value)
            case ast.Expr(value=ast.Call(args=arguments, keywords=keywords, func=callee) as call):
                given = [*arguments, *(keyword.value for keyword in keywords)]
                if _REPORTS.search(dotted(callee)):
                    return all(map(self._is_plain, given))
                return self._feeds(call, where)
            case _:
                return False

    def _is_handler(self, handler: ast.ExceptHandler) -> bool:
        """Whether a handler looks at what passes, all of it, and lets it pass."""
        *rest, last = handler.body
        whole = handler.type is None or dotted(handler.type) in _CATCHES_ALL
        raised = isinstance(last, ast.Raise) and last.exc is None
        return whole and raised and self.only_measures(rest, "handler")

    def _passes_on(self, value: ast.expr) -> bool:
        if isinstance(value, ast.Await) != self.function.is_async:
            return False
        call = value.value if isinstance(value, ast.Await) else value
        arguments = self.function.node.args
        if arguments.vararg is None or arguments.kwarg is None:
            return False
        expected = f"{self.wrapped}(*{arguments.vararg.arg}, **{arguments.kwarg.arg})"
        return ast.unparse(call) == expected

    def _feeds(self, call: ast.Call, where: str) -> bool:
        callee = call.func
        if not isinstance(callee, ast.Attribute) or callee.attr not in _FEEDS or call.keywords:
            return False
        metric = callee.value
        if isinstance(metric, ast.Call) and isinstance(metric.func, ast.Attribute) and metric.func.attr == "labels":
            given = [*metric.args, *(keyword.value for keyword in metric.keywords)]
            if not all(map(self._is_plain, given)):
                return False
            metric = metric.func.value
        if not isinstance(metric, ast.Name) or not all(map(self._is_plain, call.args)):
            return False
        self.metrics.add(metric.id)
        if callee.attr == "observe":
            return len(call.args) == 1 and where != "handler"
        if call.args:
            return False
        # Counted where the call has gone well only, it is no count of calls.
        if where == "handler":
            self.errors = True
        elif where == "finally" or not self.calls:
            self.counts = True
        else:
            return False
        return True

    def _hidden(self) -> set[str]:
        """Return the names of arguments and result, which are none of a measurement's business."""
        own = self.function.node.args
        return {own.vararg.arg if own.vararg else "", own.kwarg.arg if own.kwarg else "", self.result}

    def _is_plain(self, value: ast.expr) -> bool:
        """Whether a value tells of time and of the function only, and making it has no effect."""
        hidden = self._hidden()
        for node in walk(value):
            if isinstance(node, ast.Await | ast.NamedExpr | ast.Yield | ast.YieldFrom | ast.Subscript):
                return False
            if isinstance(node, ast.Name) and node.id in hidden:
                return False
            if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Sub):
                self.times = True
            if isinstance(node, ast.Call):
                if _formats(node.func):
                    continue
                name = dotted(node.func)
                clock = clock_unit(self.subject.outline, self.function, name) is not None
                if name not in _HARMLESS_CALLS and not (clock and not node.args and not node.keywords):
                    return False
        return True


def _formats(callee: ast.expr) -> bool:
    """Whether `"...".format` is called."""
    return isinstance(callee, ast.Attribute) and callee.attr == "format" and isinstance(callee.value, ast.Constant)


def _body(node: ast.FunctionDef | ast.AsyncFunctionDef) -> list[ast.stmt]:
    return node.body[1:] if ast.get_docstring(node, clean=False) is not None else node.body


def _is_wraps(subject: ModuleSubject, item: ast.expr, wrapped: str) -> bool:
    match item:
        case ast.Call(func=callee, args=[ast.Name(id=name)], keywords=[]) if name == wrapped:
            return resolve(subject.outline, None, dotted(callee)) == "functools.wraps"
        case _:
            return False


def _counterpart(read: _Wrapper) -> str | None:
    """Return the runtime's decorator that records what a wrapper does."""
    if read.times:
        return "track_request" if read.counts or read.errors else "timed"
    if read.errors:
        return "track_request" if read.counts else None
    return "counted" if read.counts else None
