"""GR205: metrics and tracing clients used directly, outside the modules that are for it."""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import ClassVar

from golden_rules.naming import snake
from golden_rules.options import StringsOption
from golden_rules.rules.base import Bad, Good, ModuleRule, ModuleSubject, Violation
from golden_rules.rules.handbuilt.client_cases import CLIENT_CASES
from golden_rules.rules.handbuilt.counter_words import feeds_metrics, manages_metrics
from golden_rules.rules.handbuilt.metric_modules import is_instrumentation
from golden_rules.rules.scope import in_runtime, out_of_scope
from golden_rules.source.importing import imported_names
from golden_rules.source.names import resolve
from golden_rules.source.outline import Class, Function, Outline
from golden_rules.source.trees import children, dotted

_SETS_UP = re.compile(
    r"^(init|setup|set_up|configure|install|register|enable|export)_(\w+_)?(otel|otlp|opentelemetry|metrics|telemetry|tracing|prometheus)$"
)
# A program or a module that exports numbers: metrics are what it is for.
_EXPORTER = re.compile(r"(^|[/_])exporters?([/_]|\.pyi?$)")
# What sends or serves all that a registry holds: who makes metrics for that reports what others did.
_GIVES_OUT = frozenset({"push_to_gateway", "pushadd_to_gateway", "start_http_server"})
# Sets the agent of New Relic up.
_AGENT = "newrelic.agent"
_STARTS_AGENT = "newrelic.agent.initialize"
_MOVE = "define it in a module named in `metrics-modules`"
_COUNT = f"let `@counted` or `@track_errors` count, or {_MOVE}"
_TIME = f"let `@timed` or `@track_request` measure, or {_MOVE}"
_TRACE = "let `@traced` or `@track_request` open the spans"
_ANY = f"let the runtime's decorators measure, or {_MOVE}"
# What makes a metric or a client, and what to write instead.
_MAKERS: dict[str, str] = {
    "prometheus_client.Counter": _COUNT,
    "prometheus_client.Histogram": _TIME,
    "prometheus_client.Summary": _TIME,
    "prometheus_client.Gauge": _MOVE,
    "prometheus_client.Info": _MOVE,
    "prometheus_client.Enum": _MOVE,
    "aioprometheus.Counter": _COUNT,
    "aioprometheus.Histogram": _TIME,
    "aioprometheus.Summary": _TIME,
    "aioprometheus.Gauge": _MOVE,
    "opentelemetry.trace.get_tracer": _TRACE,
    "opentelemetry.metrics.get_meter": _ANY,
    "statsd.StatsClient": _ANY,
    "statsd.TCPStatsClient": _ANY,
    "datadog.DogStatsd": _ANY,
    "datadog.dogstatsd.DogStatsd": _ANY,
    "datadog.ThreadStats": _ANY,
}
# Clients that an import alone brings.
_CLIENTS: dict[str, str] = {
    "datadog.statsd": _ANY,
    "statsd.statsd": _ANY,
    "ddtrace.tracer": _TRACE,
    _AGENT: _ANY,
}

_ALLOWED = StringsOption(
    "allowed",
    'Libraries, and what they make, that may be used anywhere: `"opentelemetry.trace"`, `"prometheus_client.Gauge"`.',
)


@dataclass(frozen=True, slots=True)
class _Found:
    node: ast.expr | ast.stmt
    name: str
    target: str
    around: Function | Class | None


class DirectMetricClient(ModuleRule):
    """A metric or a client of a metrics or tracing library is made outside the metrics modules.

    ## What it does

    Finds metric objects of `prometheus_client` and `aioprometheus`, tracers and meters of OpenTelemetry, and
    clients of StatsD, Datadog and New Relic, where they are made (or imported, where the import brings a client ready
    made). There is one finding for each object, not for each use.

    Setting a library up is left alone: providers, exporters, the endpoint that is scraped, and context that is passed on.

    ## Why is this bad?

    Each object brings its own name, labels and buckets, so that no two parts of a service can be compared, and each use of
    it is a line that somebody must remember. The runtime's decorators name the series after the function and
    record every call. What is worth a metric of its own belongs where all of them can be seen together.

    ## Fix safety

    There is no fix: dashboards and alerts know the series by its name.

    ## When not to follow it

    For domain metrics, such as a pool's size or the depth of a queue: put them into a metrics module. Modules named in
    `metrics-modules`, others that are named like instrumentation (`tracing`, `prometheus.py`, `http_stats.py`), exporters,
    that is, modules and packages called so (`exporter.py`, `stock_exporter/`), for which metrics are all they are for, classes
    that are a set of metrics or an exporter by name (`ShopMetrics`, `OtelSink`), functions that set metrics up or export
    them (`configure_telemetry`, `export_metrics`) or return a client by the name that they are given
    (`return trace.get_tracer(name)`) or one that their own file does not use, functions and classes that serve or push what
    they make themselves (`push_to_gateway`), files that start an agent (`newrelic.agent.initialize()`), tests, benchmarks, migrations and vendored code are left alone.
    """

    code: ClassVar[str] = "GR205"
    name: ClassVar[str] = "direct-metric-client"
    triggers: ClassVar[tuple[str, ...]] = (
        "prometheus_client",
        "aioprometheus",
        "opentelemetry",
        "statsd",
        "datadog",
        "ddtrace",
        "newrelic",
    )
    options = (_ALLOWED,)
    cases: ClassVar[tuple[Bad | Good, ...]] = CLIENT_CASES

    def check(self, subject: ModuleSubject) -> Iterator[Violation]:
        """Yield one violation for each metric object or client."""
        if out_of_scope(subject.path) or is_instrumentation(subject.path, subject.config):
            return
        if _EXPORTER.search(subject.path.lower()):
            return
        if in_runtime(subject.outline, subject.config):
            return
        allowed = self.value(_ALLOWED, subject.config)
        seen: set[tuple[str, Function | Class | None]] = set()
        for found in sorted(_found(subject.outline), key=lambda found: (found.node.lineno, found.node.col_offset)):
            if found.name and (found.name, found.around) in seen:
                # One object, made in one way or another.
                continue
            if any(f"{found.target}.".startswith(f"{name}.") for name in allowed):
                continue
            if _is_for_metrics(subject.outline, found.around):
                continue
            if found.target == _AGENT and _calls(subject.outline.functions, {_STARTS_AGENT}):
                continue
            seen.add((found.name, found.around))
            shown = f"`{found.name}` is" if found.name else "here is"
            yield Violation(
                span=subject.source.span(found.node),
                message=f"{shown} {_kind(found.target)} of its own (`{found.target}`) outside the metrics modules",
                remedy=_MAKERS.get(found.target) or _CLIENTS[found.target],
                around=found.around,
            )


def _found(outline: Outline) -> Iterator[_Found]:
    for entry in outline.imports:
        yield from _imported(outline, entry.node, None)
    functions = {id(function.node): function for function in outline.functions}
    classes = {id(owner.node): owner for owner in outline.classes}
    waiting: list[tuple[ast.AST, Function | Class | None, Function | None, str]] = [(outline.tree, None, None, "")]
    while waiting:
        node, around, function, name = waiting.pop()
        if id(node) in functions:
            around = function = functions[id(node)]
        elif id(node) in classes:
            around = classes[id(node)]
        elif isinstance(node, ast.Import | ast.ImportFrom) and function is not None:
            yield from _imported(outline, node, function)
        elif isinstance(node, ast.Return) and function is not None and _hands_on(outline, function, node):
            continue
        elif isinstance(node, ast.Call):
            target = _maker(outline, function, dotted(node.func))
            if target in _MAKERS:
                yield _Found(node, name, target, around)
        bound = _bound_name(node, name)
        below = children(node)
        if function is not None and function.node is node and not _may_make(outline, function):
            below = [child for child in below if not isinstance(child, ast.stmt)]
        waiting.extend([(child, around, function, bound) for child in below])


def _is_for_metrics(outline: Outline, around: Function | Class | None) -> bool:
    """Whether metrics are what a class or function is for: a set of metrics, an exporter, or the place that sets them up."""
    if isinstance(around, Function):
        if _SETS_UP.search(snake(around.name)) or _calls([around], _GIVES_OUT):
            return True
        around = around.owner
    if around is None:
        return False
    methods = [function for function in outline.functions if function.owner is around]
    return feeds_metrics(around.name) or manages_metrics(around.name) or _calls(methods, _GIVES_OUT)


def _calls(functions: Iterable[Function], names: Collection[str]) -> bool:
    """Whether one of some functions calls something by its whole name, as written, or by the last part of that."""
    called = (call.name for function in functions for call in function.calls)
    return any(name in names or name.rpartition(".")[2] in names for name in called)


def _hands_on(outline: Outline, function: Function, statement: ast.Return) -> bool:
    """Whether a function makes a client for others: by a name that it is given, `return trace.get_tracer(name)`, or none of it for its file.

    What its file calls it for is handed on as well where it stands in a function's `return`.
    """
    parameters = function.node.args
    names = {each.arg for each in (*parameters.posonlyargs, *parameters.args, *parameters.kwonlyargs)}
    match statement.value:
        case ast.Call(args=[ast.Name(id=name), *_]) if name in names:
            return True
        case ast.Call():
            is_plain = function.parent is None and function.owner is None
            return is_plain and not _is_used(outline.tree, function.name)
        case _:
            return False


def _is_used(tree: ast.AST, name: str) -> bool:
    """Whether a name is read below a node, other than in a `return`."""
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Name) and node.id == name:
            return True
        waiting.extend(child for child in children(node) if not isinstance(child, ast.Return))
    return False


def _may_make(outline: Outline, function: Function) -> bool:
    """Whether a function's body may import or make a client or metric object, by what the outline knows of it."""
    return bool(function.nested or function.imports) or any(
        _maker(outline, function, call.name) in _MAKERS for call in function.calls
    )


def _bound_name(node: ast.AST, name: str) -> str:
    """Return the name that a statement binds, for what stands in its value."""
    match node:
        case ast.Assign(targets=[target]) | ast.AnnAssign(target=target) | ast.NamedExpr(target=target):
            return dotted(target)
        case ast.stmt():
            return ""
        case _:
            return name


def _maker(outline: Outline, function: Function | None, name: str) -> str:
    """Return what a callee stands for, also where `except ImportError` binds its name to something else."""
    if not name:
        return ""
    target = resolve(outline, function, name)
    root, dot, rest = name.partition(".")
    if target is None and root in outline.rebound:
        target = outline.names[root] + dot + rest
    if target is None:
        return ""
    # `prometheus_client.metrics.Counter` and the like are the same classes.
    return target.replace("prometheus_client.metrics.", "prometheus_client.").replace(".trace.api.", ".trace.")


def _imported(outline: Outline, node: ast.Import | ast.ImportFrom, function: Function | None) -> Iterator[_Found]:
    for name, target in imported_names(node, outline.package):
        if target in _CLIENTS:
            yield _Found(node, name, target, function)
    if isinstance(node, ast.Import):
        # `import newrelic.agent` binds `newrelic`.
        for alias in node.names:
            if not alias.asname and alias.name in _CLIENTS:
                yield _Found(node, alias.name, alias.name, function)


def _kind(target: str) -> str:
    last = target.rpartition(".")[2]
    if last == "get_tracer" or target == "ddtrace.tracer":
        return "a tracer"
    if last == "get_meter":
        return "a meter"
    if target.startswith(("prometheus_client.", "aioprometheus.")):
        return f"{'an' if last in ('Info', 'Enum') else 'a'} {last.lower()}"
    return "a metrics client"
