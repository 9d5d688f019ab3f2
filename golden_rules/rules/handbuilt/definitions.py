"""What a file defines of instrumentation, and does not use itself."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Collection, Iterator
from typing import NamedTuple

from golden_rules.rules.base import ModuleSubject
from golden_rules.rules.handbuilt.helpers import measuring_helpers
from golden_rules.rules.handbuilt.increments import increments
from golden_rules.source.names import resolve
from golden_rules.source.outline import Function, Outline, bodies_without
from golden_rules.source.trees import AnyFunction, children, dotted

_METRICS = frozenset({"Counter", "Histogram", "Summary", "Gauge"})
_PACKAGES = ("prometheus_client", "aioprometheus")
_LIBRARIES = tuple(f"{package}." for package in _PACKAGES)
# Where a project keeps what it uses itself; a public helper anywhere else may be what a library is for.
_OWN_HOME = re.compile(r"(^|/)_(?!_)|(^|[/_])(utils?|helpers?|common|shared|misc|internal)([/_]|\.pyi?$)")
_HARMLESS = frozenset({"contextmanager", "asynccontextmanager", "staticmethod", "overload", "wraps"})


class Definition(NamedTuple):
    """A metric or helper at the top level of a file that nothing else in the file uses.

    Attributes:
        kind: What it is, in words, to follow its name.
    """

    name: str
    kind: str
    node: ast.Name | AnyFunction | ast.ClassDef


def definitions(subject: ModuleSubject) -> Iterator[Definition]:
    """Yield the instrumentation that a file defines at its top level and does not use itself."""
    found = [*_metrics(subject.outline), *_helpers(subject), *_feeders(subject)]
    if not found:
        return
    used = _uses(subject.outline, {definition.name for definition in found})
    for definition in found:
        if not used[definition.name]:
            yield definition


def _uses(outline: Outline, names: Collection[str]) -> Counter[str]:
    """Count the reads of some names in a file; a function's own name within it is none."""
    uses: Counter[str] = Counter()
    passed_over = bodies_without(outline, names)
    stack: list[tuple[ast.AST, str]] = [(outline.tree, "")]
    while stack:
        node, inside = stack.pop()
        kind = type(node)
        if kind is ast.Name:
            if isinstance(node.ctx, ast.Load) and node.id != inside:  # type: ignore[attr-defined]  # `kind` says what it is
                uses[node.id] += 1  # type: ignore[attr-defined]  # as above
            continue
        if not inside and isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            inside = node.name
        below = children(node)
        if node in passed_over:
            below = [child for child in below if not isinstance(child, ast.stmt)]
        stack += [(child, inside) for child in below]
    return uses


def _metrics(outline: Outline) -> Iterator[Definition]:
    if not any(target.startswith(_PACKAGES) for target in outline.names.values()):
        return
    for statement in outline.tree.body:
        match statement:
            case ast.Assign(targets=[ast.Name() as name], value=ast.Call() as call):
                pass
            case ast.AnnAssign(target=ast.Name() as name, value=ast.Call() as call):
                pass
            case _:
                continue
        target = resolve(outline, None, dotted(call.func)) or ""
        kind = target.rpartition(".")[2]
        if target.startswith(_LIBRARIES) and kind in _METRICS:
            yield Definition(name.id, f"a metric (`{kind}`)", name)


def _helpers(subject: ModuleSubject) -> Iterator[Definition]:
    for helper in measuring_helpers(subject):
        around = helper.around
        top_level = "." not in around.qualname
        own = (
            around.name.startswith("_")
            or _OWN_HOME.search(subject.path)
            or subject.config.is_metrics_module(subject.path)
        )
        if top_level and own and all(name.rpartition(".")[2] in _HARMLESS for name in around.decorators):
            yield Definition(around.name, f"a {helper.kind}", around.node)


def _feeders(subject: ModuleSubject) -> Iterator[Definition]:
    """Yield the functions of a metrics module that feed one of its metrics."""
    if not subject.config.is_metrics_module(subject.path):
        return
    metrics = {definition.name for definition in _metrics(subject.outline)}
    for function in subject.verdicts:
        if (
            function.owner is None
            and function.parent is None
            and not function.decorators
            and _feeds(subject, function, metrics)
        ):
            yield Definition(function.name, "a function that feeds a metric", function.node)


def _feeds(subject: ModuleSubject, function: Function, metrics: set[str]) -> bool:
    if any(increment.counter in metrics for increment in increments(subject.outline, function)):
        return True
    return any(call.name.partition(".")[0] in metrics for call in function.calls)
