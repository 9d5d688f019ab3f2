"""What a homemade decorator does, where it passes the call on and measures, with nothing besides.

Then whoever calls the functions sees no difference when the runtime's decorator takes its place.
"""

from __future__ import annotations

import ast
import re
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from golden_rules.rules.handbuilt.clocks import clock_unit
from golden_rules.source.names import resolve
from golden_rules.source.outline import Function
from golden_rules.source.trees import AnyFunction, dotted, walk

if TYPE_CHECKING:
    from golden_rules.rules.base import ModuleSubject

# A warning or an error is news for somebody: a wrapper that writes one does more than measure.
_REPORTS = re.compile(
    r"(^|[._])(log|logger|logging|getLogger\(\))\.(debug|info)$|^print$|^(click|typer)\.echo$", re.IGNORECASE
)
_LEVELLED = re.compile(r"(^|[._])(log|logger|logging|getLogger\(\))\.log$", re.IGNORECASE)
_QUIET = frozenset({"DEBUG", "INFO"})
_FEEDS = frozenset({"inc", "observe"})
_HARMLESS_CALLS = frozenset(
    {"round", "int", "float", "str", "repr", "type", "getattr", "abs", "max", "min", "logging.getLogger"}
)
# Functions that say in their name that they make text or a number of a duration, a time or a name.
_SHAPES = re.compile(
    r"(^|_)(format|fmt|human|humanize|pretty|readable|isoformat|strftime|isEnabledFor|upper|lower|title|(to|total)_(seconds|ms|millis))(_|$)"
)
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


def reading(subject: ModuleSubject, decorator: Function) -> Reading | str:
    """Return what a decorator does, or in words why nothing can take its place: it is another shape, or does more."""
    node: AnyFunction = decorator.node
    called = False
    match _body(node):
        case [*names, ast.FunctionDef() as inner, ast.Return(value=ast.Name(id=name))] if (
            name == inner.name
            and _wrapped(inner) is not None
            and all(map(_Wrapper(subject, decorator).only_names, names))
        ):
            node, called = inner, True
        case _:
            pass
    wrapped = _wrapped(node)
    if wrapped is None or isinstance(node, ast.AsyncFunctionDef):
        return "it takes more than the function"
    maker = _Wrapper(subject, decorator, wrapped)
    wrappers = _wrappers(_body(node), maker, {})
    if isinstance(wrappers, ast.stmt):
        return _more(wrappers)
    reads: list[_Wrapper] = []
    for wrapper in wrappers:
        read = _read(subject, wrapper, wrapped)
        if isinstance(read, str):
            return read
        reads.append(read)
    counterparts = {_counterpart(read) for read in reads}
    if len(counterparts) != 1 or (counterpart := counterparts.pop()) is None:
        return "none of the runtime's decorators measures the same"
    metrics = frozenset(metric for read in reads for metric in read.metrics)
    only_async = all(isinstance(wrapper, ast.AsyncFunctionDef) for wrapper in wrappers)
    return Reading(counterpart, called, only_async, metrics)


def _more(statement: ast.stmt) -> str:
    match statement:
        case ast.Expr(value=ast.Call(func=callee)) if _LEVELLED.search(dotted(callee)):
            return f"what it logs in line {statement.lineno} may be a warning or an error, by its level"
        case ast.With() | ast.AsyncWith():
            return f"it measures by a block, in line {statement.lineno}"
        case _:
            return f"it does more than measure in line {statement.lineno}"


def _wrapped(node: AnyFunction) -> str | None:
    """Return the only parameter of a function, the one that a decorator gets what it decorates in."""
    match node.args:
        case ast.arguments(
            posonlyargs=[], args=[ast.arg(arg=name)], vararg=None, kwonlyargs=[], kwarg=None, defaults=[]
        ):
            return name
        case _:
            return None


def _wrappers(body: list[ast.stmt], maker: _Wrapper, known: dict[str, AnyFunction]) -> list[AnyFunction] | ast.stmt:
    """Return the functions that a decorator's statements may return, or the first statement that does anything else.

    It may choose between two, one of them for coroutine functions, and give names to what is said of the function.
    """
    known = dict(known)
    for number, statement in enumerate(body):
        match statement:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                known[name] = statement
            case ast.Return(value=ast.Name(id=name)) if name in known:
                return [known[name]]
            case ast.Return(value=ast.IfExp(test=test, body=ast.Name(id=one), orelse=ast.Name(id=other))) if (
                maker.asks_for_coroutines(test) and {one, other} <= known.keys()
            ):
                return [known[one], known[other]]
            case ast.If(test=test) if maker.asks_for_coroutines(test):
                found: list[AnyFunction] = []
                for branch in (statement.body, statement.orelse):
                    inner = _wrappers([*branch, *body[number + 1 :]], maker, known)
                    if isinstance(inner, ast.stmt):
                        return inner
                    found += inner
                return found
            case _ if maker.only_names(statement):
                pass
            case _:
                return statement
    return body[-1] if body else []


def _read(subject: ModuleSubject, inner: AnyFunction, wrapped: str) -> _Wrapper | str:
    own = inner.args
    if own.posonlyargs or own.kwonlyargs or own.defaults or len(inner.decorator_list) > 1:
        return f"`{inner.name}` looks at its arguments"
    if any(not _is_wraps(subject, item, wrapped) for item in inner.decorator_list):
        return f"`{inner.name}` is decorated itself"
    function = next(item for item in subject.outline.functions if item.node is inner)
    read = _Wrapper(subject, function, wrapped, _arguments(own))
    refused = read.refused(_body(inner), "body")
    if refused is not None:
        return _more(refused)
    if read.calls != 1 or read.returns != 1:
        return f"`{inner.name}` does not just call the function and return what that does"
    return read


def _arguments(own: ast.arguments) -> frozenset[str]:
    given = [*own.args, *(argument for argument in (own.vararg, own.kwarg) if argument is not None)]
    return frozenset(argument.arg for argument in given)


def _is_standard(statement: ast.Import | ast.ImportFrom) -> bool:
    """Whether an import is of the standard library alone, and so does nothing else."""
    modules = (
        [alias.name for alias in statement.names] if isinstance(statement, ast.Import) else [statement.module or "."]
    )
    return all(module.partition(".")[0] in sys.stdlib_module_names for module in modules)


@dataclass(slots=True)
class _Wrapper:
    """What the statements of a wrapper do, as they are read.

    Attributes:
        wrapped: The parameter that holds the decorated function.
        arguments: The names of the wrapper's own parameters.
        result: The name that its result is kept under, or `""`.
        calls: How often the function is called; `returns` likewise.
        metrics: The names of the metrics that are fed.
        asked: The names that say whether the function is a coroutine function.
        other: The first statement that does more.
    """

    subject: ModuleSubject
    function: Function
    wrapped: str = ""
    arguments: frozenset[str] = frozenset()
    result: str = ""
    calls: int = 0
    returns: int = 0
    times: bool = False
    counts: bool = False
    errors: bool = False
    metrics: set[str] = field(default_factory=set)

    asked: set[str] = field(default_factory=set)
    other: ast.stmt | None = None

    def refused(self, body: list[ast.stmt], where: str) -> ast.stmt | None:
        """Return the first statement that does more than measure and pass the call on; `where` is `body`, `handler` or `finally`."""
        for statement in body:
            if not self._is_read(statement, where):
                # The innermost one, of those that stand around each other.
                self.other = self.other or statement
                return self.other
        return None

    def only_names(self, statement: ast.stmt) -> bool:
        """Whether a statement only gives a name to what is said of the function, or imports of the standard library."""
        match statement:
            case ast.Import() | ast.ImportFrom():
                return _is_standard(statement)
            case ast.Assign(targets=[ast.Name(id=name)], value=value) if self.asks_for_coroutines(value):
                self.asked.add(name)
                return True
            case (
                ast.Assign(targets=[ast.Name(id=name)], value=ast.expr() as value)
                | ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value)
            ):
                return name not in {self.wrapped, *self._hidden()} and self._is_plain(value)
            case _:
                return False

    def asks_for_coroutines(self, test: ast.expr) -> bool:
        """Whether an expression asks whether the function is a coroutine function."""
        match test:
            case ast.Name(id=name):
                return name in self.asked
            case ast.Call(func=callee, args=[ast.Name(id=name)], keywords=[]) if name == self.wrapped:
                return dotted(callee).rpartition(".")[2] == "iscoroutinefunction"
            case _:
                return False

    def _is_read(self, statement: ast.stmt, where: str) -> bool:
        match statement:
            case ast.Try(handlers=handlers) if where == "body":
                return (
                    self._only_measures(statement.body, "body")
                    and all(self._is_handler(handler) for handler in handlers)
                    and self._only_measures(statement.orelse, "body")
                    and self._only_measures(statement.finalbody, "finally")
                )
            case ast.Return(value=ast.Name(id=name)) if where == "body" and name == self.result:
                self.returns += 1
                return True
            case ast.Return(value=ast.expr() as value) if where == "body" and self._passes_on(value):
                self.calls += 1
                self.returns += 1
                return True
            case (
                ast.Assign(targets=[ast.Name(id=name)], value=ast.expr() as value)
                | ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value)
            ) if where == "body" and self._passes_on(value):
                self.calls += 1
                self.result = name
                return True
            case ast.If(test=test):
                # Slow calls only, or where the level is on: lines of the log go in any case.
                return self._is_plain(test) and all(map(self._only_reports, (*statement.body, *statement.orelse)))
            case ast.Expr(value=ast.Call() as call) if not self._only_reports(statement):
                return self._feeds(call, where)
            case _:
                return self._only_reports(statement) or self.only_names(statement)

    def _only_measures(self, body: list[ast.stmt], where: str) -> bool:
        return self.refused(body, where) is None

    def _only_reports(self, statement: ast.stmt) -> bool:
        """Whether a statement writes a line that is no news for anybody."""
        match statement:
            case ast.Expr(value=ast.Call(args=arguments, keywords=keywords, func=callee)):
                pass
            case _:
                return False
        given = [*arguments, *(keyword.value for keyword in keywords)]
        name = dotted(callee)
        if _LEVELLED.search(name) and arguments:
            quiet = dotted(arguments[0]).rpartition(".")[2] in _QUIET
            return quiet and all(map(self._is_plain, given[1:]))
        return _REPORTS.search(name) is not None and all(map(self._is_plain, given))

    def _is_handler(self, handler: ast.ExceptHandler) -> bool:
        """Whether a handler looks at what passes, all of it, and lets it pass."""
        *rest, last = handler.body
        whole = handler.type is None or dotted(handler.type) in _CATCHES_ALL
        raised = isinstance(last, ast.Raise) and last.exc is None
        return whole and raised and self._only_measures(rest, "handler")

    def _passes_on(self, value: ast.expr) -> bool:
        if isinstance(value, ast.Await) != self.function.is_async:
            return False
        call = value.value if isinstance(value, ast.Await) else value
        arguments = self.function.node.args
        if arguments.vararg is None or arguments.kwarg is None:
            return False
        given = [*(argument.arg for argument in arguments.args), f"*{arguments.vararg.arg}", f"**{arguments.kwarg.arg}"]
        return ast.unparse(call) == f"{self.wrapped}({', '.join(given)})"

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
        return {*self.arguments, self.result}

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
                if clock and not node.args and not node.keywords:
                    continue
                if name not in _HARMLESS_CALLS and not _SHAPES.search(_called(node.func)):
                    return False
        return True


def _called(callee: ast.expr) -> str:
    """Return the last name of what is called."""
    return callee.attr if isinstance(callee, ast.Attribute) else dotted(callee)


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
