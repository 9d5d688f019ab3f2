"""From source files to the catalogue: decorators, timers, the runtime's parts and `prometheus_client`'s metrics."""

from __future__ import annotations

import ast
import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from golden_rules.catalogue.metrics import Catalogue, Declaration
from golden_rules.catalogue.parts import PARTS, Part
from golden_rules.catalogue.series import Series, SeriesKind, in_namespace
from golden_rules.collector import collector_off
from golden_rules.config import Config
from golden_rules.files import SourceFile, read_source
from golden_rules.measured import RUNTIME, RUNTIME_DECORATORS
from golden_rules.naming import module_parts, package_of
from golden_rules.objectives import Objective
from golden_rules.rules.applied import applied, argument
from golden_rules.rules.misleading.declared import (
    ClientMetric,
    client_metrics,
    constants,
    own_nodes,
    runtime_series,
    text,
)
from golden_rules.rules.scope import in_runtime, out_of_scope
from golden_rules.runner import trouble_noted
from golden_rules.source.names import resolve
from golden_rules.source.outline import Function, Outline
from golden_rules.source.outlining import outline
from golden_rules.source.parsing import Unparseable, parse
from golden_rules.source.text import UndecodableSource, decode
from golden_rules.source.trees import dotted

REQUEST_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0)
"""The runtime's bounds, in seconds, where nothing else is said; the contract test holds them to it."""
WORKFLOW_BUCKETS = (
    *(1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 150.0, 300.0, 600.0, 1800.0, 3600.0),
    *(7200.0, 14400.0, 28800.0, 86400.0),
)

_NAMED_BUCKETS = {"REQUEST_BUCKETS": REQUEST_BUCKETS, "WORKFLOW_BUCKETS": WORKFLOW_BUCKETS}
_SUBJECTS = ("metric_name", "operation_name", "adapter_name", "cache_level", "name")
_CLIENT_KINDS: Mapping[str, tuple[SeriesKind, str]] = {
    "counter": ("counter", "_total"),
    "gauge": ("gauge", ""),
    "histogram": ("histogram", ""),
    "summary": ("summary", ""),
    "info": ("gauge", "_info"),
    "enum": ("gauge", ""),
}


@dataclass(frozen=True, slots=True)
class _Configured:
    """What a call of the runtime's `configure` says: nothing (`None`) where it is no constant."""

    namespace: str | None
    buckets: tuple[float, ...] | None


@dataclass(slots=True)
class _Read:
    """What has been read of one project so far."""

    declarations: list[Declaration] = field(default_factory=list)
    configured: dict[str, _Configured] = field(default_factory=dict)


def read_catalogue(files: Iterable[SourceFile], failures: list[str]) -> Catalogue:
    """Return what files expose; trouble with one file is added to `failures`, a sentence each, and never ends the run."""
    projects: dict[Path, _Read] = defaultdict(_Read)
    namespaces: dict[Path, str | None] = {}
    objectives: dict[Objective, None] = {}
    read = 0
    with collector_off():
        for file in files:
            with trouble_noted(failures, file):
                read += 1
                namespaces[file.config.root] = file.config.namespace
                objectives.update(dict.fromkeys(file.config.objectives))
                _read_file(file, projects[file.config.root], failures)
    declarations = [
        declaration for root, project in projects.items() for declaration in _configured(project, namespaces[root])
    ]
    declarations.sort(key=lambda entry: (entry.app, entry.path, entry.line, entry.maker))
    return Catalogue(
        tuple(entry for entry in declarations if entry.series),
        tuple(entry for entry in declarations if not entry.series),
        read,
        tuple(objectives),
    )


def app_of(relative: str, config: Config) -> str:
    """Return the app that a file counts for: as configured, or the first part of its module."""
    parts = module_parts(relative)
    return config.app_for(relative) or (parts[0] if len(parts) > 1 else "(top level)")


def _read_file(file: SourceFile, project: _Read, failures: list[str]) -> None:
    if out_of_scope(file.relative):
        return
    source = read_source(file.path)
    words = (RUNTIME, file.config.runtime_module.rpartition(".")[2], "prometheus_client")
    if not any(word.encode() in source for word in words):
        return
    try:
        tree = parse(decode(source))
    except UndecodableSource as error:
        failures.append(f"`{file.display}` (line {error.line}): {error}")
        return
    except Unparseable as error:
        failures.append(f"`{file.display}` (line {error.line}): {error}")
        return
    module = outline(tree, ".".join(module_parts(file.relative)), package_of(file.relative))
    if not in_runtime(module, file.config):
        reader = _Reader(file, module, constants(module))
        project.declarations.extend(reader.declarations())
        for configured in reader.configured():
            project.configured.setdefault(app_of(file.relative, file.config), configured)


def _configured(project: _Read, namespace: str | None) -> Iterator[Declaration]:
    """Yield the declarations of a project below the namespace, which the setting or a call of `configure` gives.

    An app without a call of its own takes that of the others, if they agree.
    """
    every = set(project.configured.values())
    shared = next(iter(every)) if len(every) == 1 else _Configured("", REQUEST_BUCKETS)
    for declaration in project.declarations:
        if not declaration.from_runtime:
            yield declaration
            continue
        own = project.configured.get(declaration.app, shared)
        prefix = own.namespace or "" if namespace is None else namespace
        series = tuple(in_namespace(entry, prefix) for entry in declaration.series)
        # an empty tuple stands for histograms that have no bounds of their own
        buckets = own.buckets if declaration.buckets == () else declaration.buckets
        yield replace(declaration, series=series, buckets=buckets)


@dataclass(frozen=True, slots=True)
class _Reader:
    """Reads one module."""

    file: SourceFile
    outline: Outline
    known: Mapping[str, object]

    def declarations(self) -> Iterator[Declaration]:
        """Yield what the module declares."""
        for function in self.outline.functions:
            for entry in applied(self.outline, function, self.file.config):
                if entry.name in _DECORATORS and entry.call is not None:
                    yield self._decorated(function, entry.name, f"@{entry.written}", entry.call)
        for around, call, decorated in self._calls():
            name = self._in_runtime(around, call, decorated)
            if name in PARTS:
                yield self._part(name, PARTS[name], decorated or around, call, decorated)
            elif name in _DECORATORS and decorated is None:
                # a timer in a body, or a decorator that is applied later: `measured = track_request("a.b")`
                yield self._decorated(around, name, dotted(call.func), call)
        for metric in client_metrics(self.outline, self.known):
            yield self._client(metric)

    def configured(self) -> Iterator[_Configured]:
        """Yield what calls of the runtime's `configure` say."""
        for function, call, decorated in self._calls():
            if self._in_runtime(function, call, decorated) == "configure":
                namespace = argument(call, 99, "namespace")
                buckets = argument(call, 99, "buckets")
                yield _Configured(
                    "" if namespace is None else text(namespace, self.known),
                    REQUEST_BUCKETS if buckets is None else self._bounds(buckets),
                )

    def _calls(self) -> Iterator[tuple[Function | None, ast.Call, Function | None]]:
        """Yield every call with the function it stands in, and, for a decorator's, the function it decorates."""
        for function in self.outline.functions:
            for node in own_nodes(function):
                if isinstance(node, ast.Call):
                    yield function, node, None
            for decorator in function.node.decorator_list:
                if isinstance(decorator, ast.Call):
                    yield function.parent, decorator, function
        waiting: list[ast.AST] = list(self.outline.tree.body)
        while waiting:
            node = waiting.pop()
            if isinstance(node, ast.Call):
                yield None, node, None
            if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                waiting.extend(ast.iter_child_nodes(node))

    def _in_runtime(self, function: Function | None, call: ast.Call, decorated: Function | None) -> str:
        """Return what a call calls, below the runtime's module, or `""`."""
        written = dotted(call.func)
        last = written.rpartition(".")[2]
        if last not in _LAST_PARTS:
            return ""
        target = resolve(self.outline, function, written) or ""
        for name in _OF_RUNTIME:
            module = target.removesuffix(f".{name}")
            known = (RUNTIME, self.file.config.runtime_module)
            # a method of that name is not meant: `golden_runtime.some_module.SomeClass.timed`
            is_module = module == module.lower() or module in known
            if (
                module != target
                and is_module
                and any(module == base or module.startswith(base + ".") for base in known)
            ):
                return name if name != "retry" or decorated is not None else ""
        return ""

    def _decorated(self, function: Function | None, maker: str, written: str, call: ast.Call) -> Declaration:
        subject = next(
            (text(value, self.known) or "" for key in _SUBJECTS if (value := argument(call, 0, key)) is not None), ""
        )
        series = runtime_series(maker, call, function.name if function else "", self.known)
        line = function.line if function and written.startswith("@") else call.lineno
        return self._declaration(maker, written, subject, call, line, function, series)

    def _part(
        self, name: str, part: Part, function: Function | None, call: ast.Call, decorated: Function | None
    ) -> Declaration:
        given = argument(call, 99 if part.position is None else part.position, part.keyword)
        default = part.default
        if name == "retry" and decorated is not None:
            default = f"{self.outline.module}.{decorated.qualname}"
        subject = (default if given is None else text(given, self.known)) or ""
        written = f"@{dotted(call.func)}" if decorated is not None else dotted(call.func)
        return self._declaration(name, written, subject, call, call.lineno, function, part.series)

    def _client(self, metric: ClientMetric) -> Declaration:
        kind, suffix = _CLIENT_KINDS[metric.kind]
        series: tuple[Series, ...] = ()
        if metric.name:
            name = metric.name.removesuffix(suffix) + suffix
            unit = next((unit for unit in ("seconds", "bytes") if name.endswith(f"_{unit}")), "")
            labels = metric.labels
            if metric.kind == "enum" and labels is not None:
                labels = tuple(sorted([*labels, metric.name]))
            series = (Series(name, kind, None if metric.kind == "info" else labels, unit),)  # type: ignore[arg-type]  # `unit` is one of the literals
        maker = dotted(metric.call.func)
        function = _around(self.outline, metric.call)
        found = self._declaration(
            maker.rpartition(".")[2], maker, metric.name, metric.call, metric.call.lineno, function, series
        )
        return replace(found, written=f'{maker}("{metric.name}")', from_runtime=False, buckets=None)

    def _declaration(
        self,
        maker: str,
        written: str,
        subject: str,
        call: ast.Call,
        line: int,
        function: Function | None,
        series: tuple[Series, ...],
    ) -> Declaration:
        buckets = argument(call, 99, "buckets")
        return Declaration(
            maker=maker,
            written=f"{written}({', '.join(self._shown(call))})",
            subject=subject,
            path=self.file.display,
            root_path=self.file.relative,
            line=line,
            function=function.qualname if function else "",
            app=app_of(self.file.relative, self.file.config),
            series=series,
            buckets=() if buckets is None else self._bounds(buckets),
            from_runtime=True,
        )

    def _shown(self, call: ast.Call) -> Iterator[str]:
        """Yield the texts that a call is given first, which name what is measured."""
        named = [keyword.value for keyword in call.keywords if keyword.arg in (*_SUBJECTS, "queue")]
        for value in [*call.args, *named]:
            constant = text(value, self.known)
            if constant is not None:
                yield json.dumps(constant, ensure_ascii=False)

    def _bounds(self, node: ast.expr) -> tuple[float, ...] | None:
        if isinstance(node, ast.Name | ast.Attribute):
            return _NAMED_BUCKETS.get(dotted(node).rpartition(".")[2])
        if not isinstance(node, ast.Tuple | ast.List):
            return None
        values = [element.value for element in node.elts if isinstance(element, ast.Constant)]
        numbers = tuple(float(value) for value in values if isinstance(value, int | float))
        return numbers if len(numbers) == len(node.elts) else None


# `traced` opens spans, and exposes no series.
_DECORATORS = RUNTIME_DECORATORS - {"traced"}
_OF_RUNTIME = (*PARTS, *sorted(_DECORATORS), "configure")
_LAST_PARTS = frozenset(name.rpartition(".")[2] for name in _OF_RUNTIME)


def _around(module: Outline, node: ast.expr) -> Function | None:
    """Return the innermost function that a node stands in."""
    holding = [function for function in module.functions if function.line <= node.lineno <= function.end_line]
    return max(holding, key=lambda function: function.line, default=None)
