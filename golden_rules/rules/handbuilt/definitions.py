"""What a file defines of instrumentation, and which names it mentions that may be another file's."""

from __future__ import annotations

import ast
import re
import sys
from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

from golden_rules.rules.base import ModuleSubject
from golden_rules.rules.handbuilt.increments import increments
from golden_rules.source.names import resolve
from golden_rules.source.outline import AnyFunction, Function, Outline, children, dotted

_METRICS = frozenset({"Counter", "Histogram", "Summary", "Gauge"})
_PACKAGES = ("prometheus_client", "aioprometheus")
_LIBRARIES = tuple(f"{package}." for package in _PACKAGES)
_WORD = re.compile(r"[A-Za-z_]\w*")
# Possessive, and from the start of a word only: a word that no dot follows is passed over in one step.
_CHAIN = re.compile(r"\b[A-Za-z_]\w*+(?:\s*+\.\s*+[A-Za-z_]\w*+)++")
_TEXT = re.compile(r"""['"]([A-Za-z_][\w.:]*)['"]""")
# Where names stand in texts of one word: exports, and look-ups by name. Elsewhere only a path to something names it.
_BY_NAME = ("__all__", "getattr", "import_module")
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
    used = _uses(subject.outline)
    for definition in found:
        if not used[definition.name]:
            yield definition


def mentions(subject: ModuleSubject) -> set[str]:
    """Return the names in a file that may stand for something at the top level of another: imports, attributes of modules, texts.

    They are read from the source text, comments included, which is fast and errs to the side of use.
    """
    outline, text = subject.outline, subject.source.text
    imported = dict(outline.names)
    for function in subject.verdicts:
        imported.update(function.imports)
    own = {name: target for name, target in imported.items() if target.partition(".")[0] not in sys.stdlib_module_names}
    found = {target.rpartition(".")[2] for target in own.values()}
    for chain in set(_CHAIN.findall(text)):
        # A sentence of a comment can run on into the code below it, so the module need not stand first.
        parts = _WORD.findall(chain)
        if not own.keys().isdisjoint(parts):
            found.update(parts)
    if outline.star_import:
        found.update(_WORD.findall(text))
    by_name = any(word in text for word in _BY_NAME)
    for name in _TEXT.findall(text):
        parts = re.split(r"[.:]", name)
        if by_name or len(parts) > 1:
            found.add(parts[-1])
    return found


def _uses(outline: Outline) -> Counter[str]:
    """Count the reads of each name in a file; a function's own name within it is none."""
    uses: Counter[str] = Counter()
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
        stack += [(child, inside) for child in children(node)]
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
    from golden_rules.rules.handbuilt.homemade_instrumentation import measuring_helpers

    for helper in measuring_helpers(subject):
        around = helper.around
        top_level = "." not in around.qualname
        if top_level and all(name.rpartition(".")[2] in _HARMLESS for name in around.decorators):
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
