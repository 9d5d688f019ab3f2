"""The fix of a homemade decorator: the runtime's decorator at each of its uses, and the definition goes.

The decorator must be private to its file, take no arguments, stand nowhere else than on functions, and have a wrapper that passes
the call on and measures, with nothing besides: then whoever calls the functions sees no difference.
"""

from __future__ import annotations

import ast
import itertools
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from golden_rules.findings import Edit, Fix, ImportedName, Safety
from golden_rules.naming import metric_name
from golden_rules.rules.handbuilt.clocks import clock_unit
from golden_rules.rules.misleading.applied import applied
from golden_rules.rules.placement import can_be_decorated
from golden_rules.source.imports import reference
from golden_rules.source.names import resolve
from golden_rules.source.outline import Function
from golden_rules.source.removal import stands_alone, without_lines
from golden_rules.source.trees import dotted, walk

if TYPE_CHECKING:
    from golden_rules.rules.base import ModuleSubject

# A warning or an error is news for somebody: a wrapper that writes one does more than measure.
_REPORTS = re.compile(r"(^|\.)_?(log|logger|logging)\.(debug|info)$|^print$", re.IGNORECASE)
_FEEDS = frozenset({"inc", "observe"})
_HARMLESS_CALLS = frozenset({"round", "int", "str", "type"})
_CATCHES_ALL = frozenset({"Exception", "BaseException"})


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
                name = dotted(node.func)
                clock = clock_unit(self.subject.outline, self.function, name) is not None
                if name not in _HARMLESS_CALLS and not (clock and not node.args and not node.keywords):
                    return False
        return True


def homemade_fix(subject: ModuleSubject, decorator: Function) -> Fix | None:
    """Return the fix that puts the runtime's decorator where a private one stands, or `None` where the two may differ."""
    outline, source, node = subject.outline, subject.source, decorator.node
    if not _is_private(subject, decorator) or not stands_alone(source, node):
        return None
    read = _read(subject, decorator)
    name = None if read is None else _counterpart(read)
    if read is None or name is None:
        return None
    users = [function for function in outline.functions if decorator.name in function.decorators]
    mentions = len(re.findall(rf"\b{re.escape(decorator.name)}\b", source.text))
    if not users or mentions != len(users) + 1:
        return None
    removed: list[ast.stmt] = [node]
    for metric in read.metrics:
        statement = _own_metric(subject, metric, node)
        if statement is None:
            return None
        removed.append(statement)
    edits, imports = _without(subject, removed), set[ImportedName]()
    for function in users:
        replaced = _replaced(subject, function, name, read)
        if replaced is None:
            return None
        edits.append(replaced[0])
        imports |= replaced[1]
    edits.sort()
    if any(one.end > other.start for one, other in itertools.pairwise(edits)):
        return None
    description = f"use `@{name}(...)` in place of `@{decorator.name}`, and delete that"
    removes = (decorator.name, *sorted(read.metrics))
    return Fix(Safety.UNSAFE, description, tuple(edits), tuple(sorted(imports)), removes)


def _is_private(subject: ModuleSubject, decorator: Function) -> bool:
    source, line = subject.source, decorator.node.lineno
    commented = line > 1 and source.line(line - 1).lstrip().startswith("#")
    return (
        decorator.name.startswith("_")
        and not decorator.decorators
        and decorator.node in subject.outline.tree.body
        and not subject.path.endswith("__init__.py")
        and not commented
    )


def _read(subject: ModuleSubject, decorator: Function) -> _Wrapper | None:
    """Return what the wrapper of a plain decorator does; `None` where it is another shape or does anything else."""
    match decorator.node:
        case ast.FunctionDef(
            args=ast.arguments(
                posonlyargs=[], args=[ast.arg(arg=wrapped)], vararg=None, kwonlyargs=[], kwarg=None, defaults=[]
            )
        ):
            pass
        case _:
            return None
    match _body(decorator.node):
        case [ast.FunctionDef() | ast.AsyncFunctionDef() as inner, ast.Return(value=ast.Name(id=returned))] if (
            returned == inner.name
        ):
            pass
        case _:
            return None
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


def _own_metric(subject: ModuleSubject, metric: str, decorator: ast.AST) -> ast.stmt | None:
    """Return the statement that makes a metric which the decorator alone feeds; `None` where others know it."""
    word = re.compile(rf"\b{re.escape(metric)}\b")
    inside = ast.get_source_segment(subject.source.parseable, decorator) or ""
    if len(word.findall(subject.source.text)) != len(word.findall(inside)) + 1:
        return None
    for statement in subject.outline.tree.body:
        match statement:
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.Call(func=maker)) if name == metric:
                made = resolve(subject.outline, None, dotted(maker)) or ""
                known = made.startswith("prometheus_client.") and stands_alone(subject.source, statement)
                return statement if known else None
            case _:
                pass
    return None


def _without(subject: ModuleSubject, removed: list[ast.stmt]) -> list[Edit]:
    """Return the edits that take statements out; those that stand next to each other go as one, with what parts them."""
    runs: list[ast.stmt] = []
    for statement in sorted(removed, key=lambda item: item.lineno):
        first, last = statement.lineno, statement.end_lineno or statement.lineno
        if runs:
            end = runs[-1].end_lineno or runs[-1].lineno
            if not any(subject.source.line(line).strip() for line in range(end + 1, first)):
                first = runs.pop().lineno
        runs.append(ast.Pass(lineno=first, end_lineno=last))
    return [without_lines(subject.source, run) for run in runs]


def _replaced(
    subject: ModuleSubject, function: Function, name: str, read: _Wrapper
) -> tuple[Edit, set[ImportedName]] | None:
    """Return the edit of one use, and the import it takes: the decorator must stand right above the function."""
    last = function.node.decorator_list[-1]
    if not isinstance(last, ast.Name) or last.id != function.decorators[-1] or not can_be_decorated(function):
        return None
    if function.is_async != read.function.is_async or function.yields:
        return None
    entries = list(applied(subject.outline, function, subject.config))
    if any(entry.name for entry in entries):
        return None
    metric = metric_name(subject.outline, function, *subject.config.naming(subject.path))
    written = reference(subject.outline, function, subject.config.runtime_module, name)
    if written is None or f'"{metric}' in subject.source.text:
        return None
    series = f"{metric}.duration" if name == "timed" else metric
    start = subject.source.offset(last.lineno, last.col_offset)
    edit = Edit(start, start + len(last.id), f'{written[0]}("{series}")')
    return edit, set() if written[1] is None else {written[1]}
