"""Metrics as the source declares them: by the runtime's decorators and timers, and by `prometheus_client`'s classes."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from golden_rules.catalogue.series import UNKNOWN, Call, Series, predicted_series
from golden_rules.config import Config
from golden_rules.measured import runtime_name
from golden_rules.rules.applied import Applied, argument
from golden_rules.source.names import resolve
from golden_rules.source.outline import Function, Outline, bodies_without
from golden_rules.source.trees import children, dotted

_CLIENT = "prometheus_client."
_CLIENT_KINDS = {
    "Counter": "counter",
    "Gauge": "gauge",
    "Histogram": "histogram",
    "Summary": "summary",
    "Info": "info",
    "Enum": "enum",
}


@dataclass(frozen=True, slots=True, eq=False)
class ClientMetric:
    """A metric of `prometheus_client`.

    Attributes:
        call: The call that makes it.
        kind: `counter`, `gauge`, `histogram`, `summary`, `info` or `enum`.
        name: Its name, namespace and subsystem included; `""` where it is no constant.
        labels: The names of its labels, sorted; None where they cannot be told.
        own_registry: Whether it is given a registry.
    """

    call: ast.Call
    kind: str
    name: str
    labels: tuple[str, ...] | None
    own_registry: bool


def constants(outline: Outline) -> dict[str, object]:
    """Return the module's names that are set once, to a plain text."""
    found: dict[str, object] = {}
    for statement in outline.tree.body:
        if isinstance(statement, ast.Assign):
            targets: list[ast.expr] = statement.targets
        elif isinstance(statement, ast.AnnAssign):
            targets = [statement.target]
        else:
            continue
        for target in targets:
            if isinstance(target, ast.Name):
                is_text = isinstance(statement.value, ast.Constant) and isinstance(statement.value.value, str)
                known = is_text and target.id not in found
                found[target.id] = statement.value.value if known else UNKNOWN  # type: ignore[union-attr]  # `is_text` says so
    return {name: value for name, value in found.items() if isinstance(value, str)}


def text(node: ast.expr | None, known: Mapping[str, object]) -> str | None:
    """Return the text that an expression is for sure, or `None`."""
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else None
    if isinstance(node, ast.Name):
        value = known.get(node.id)
        return value if isinstance(value, str) else None
    if isinstance(node, ast.JoinedStr):
        parts = [text(part.value if isinstance(part, ast.FormattedValue) else part, known) for part in node.values]
        return None if None in parts else "".join(part for part in parts if part)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        left, right = text(node.left, known), text(node.right, known)
        return None if left is None or right is None else left + right
    return None


def runtime_series(name: str, call: ast.Call | None, function: str, known: Mapping[str, object]) -> tuple[Series, ...]:
    """Return the series that one of the runtime's decorators exposes; none where that cannot be told."""
    if call is None or any(isinstance(value, ast.Starred) for value in call.args):
        return ()
    if any(keyword.arg is None for keyword in call.keywords):
        return ()
    keywords = {keyword.arg: _value(keyword.value, known) for keyword in call.keywords if keyword.arg}
    return predicted_series(Call(name, [_value(value, known) for value in call.args], keywords, function))


def timers(outline: Outline, function: Function, config: Config) -> Iterator[ast.Call]:
    """Yield the calls of `timed` in a function's own body: `timed("a.b").start()`, `with timed("a.b"):`."""
    if not any(call.name.rpartition(".")[2] == "timed" for call in function.calls):
        return
    for node in own_nodes(function):
        if isinstance(node, ast.Call) and dotted(node.func).rpartition(".")[2] == "timed":
            target = resolve(outline, function, dotted(node.func)) or ""
            if runtime_name(target, config) == "timed":
                yield node


def own_nodes(function: Function) -> Iterator[ast.AST]:
    """Yield the nodes of a function's own body; nested functions and classes are left out."""
    waiting: list[ast.AST] = list(function.node.body)
    while waiting:
        node = waiting.pop()
        yield node
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda):
            waiting.extend(children(node))


def client_metrics(outline: Outline, known: Mapping[str, object]) -> Iterator[ClientMetric]:
    """Yield the metrics of `prometheus_client` that a module makes anywhere."""
    classes = dict(outline.names)
    for function in outline.functions:
        classes.update(function.imports)
    classes = {name: target for name, target in classes.items() if (target + ".").startswith(_CLIENT)}
    passed_over = bodies_without(outline, classes)
    waiting: list[ast.AST] = [outline.tree] if classes else []
    for node in waiting:
        below = children(node)
        waiting += [child for child in below if not isinstance(child, ast.stmt)] if node in passed_over else below
        if not isinstance(node, ast.Call):
            continue
        root, _, rest = dotted(node.func).partition(".")
        target = f"{classes[root]}.{rest}".rstrip(".") if root in classes else ""
        kind = _CLIENT_KINDS.get(target.rpartition(".")[2])
        if kind is not None:
            yield _client_metric(node, kind, known)


def describe(entry: Applied, known: Mapping[str, object]) -> str:
    """Return a decorator as a message shows it: `@timed("a.b")`."""
    name = text(argument(entry.call, 0, "metric_name"), known) if entry.call else None
    return f'@{entry.written}("{name}")' if name else f"@{entry.written}"


def _client_metric(node: ast.Call, kind: str, known: Mapping[str, object]) -> ClientMetric:
    parts = [
        text(value, known)
        for name in ("namespace", "subsystem")
        if (value := next((keyword.value for keyword in node.keywords if keyword.arg == name), None)) is not None
    ]
    parts.append(text(argument(node, 0, "name"), known))
    name = "" if None in parts else "_".join(part for part in parts if part)
    labels = argument(node, 2, "labelnames")
    names: tuple[str, ...] | None = () if labels is None else None
    if isinstance(labels, ast.List | ast.Tuple):
        values = [text(element, known) for element in labels.elts]
        names = None if None in values else tuple(sorted(value for value in values if value))
    if any(keyword.arg is None for keyword in node.keywords):
        names = None
    return ClientMetric(node, kind, name, names, argument(node, 6, "registry") is not None)


def _value(node: ast.expr, known: Mapping[str, object]) -> object:
    if isinstance(node, ast.Dict):
        keys = [None if key is None else text(key, known) for key in node.keys]
        return UNKNOWN if None in keys else dict.fromkeys(keys, 0)
    if isinstance(node, ast.Constant):
        return node.value
    value = text(node, known)
    return UNKNOWN if value is None else value
