"""Which functions may label with what grows without bound: what `ast` tells, before LibCST parses anything."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterable, Iterator

from golden_rules.rules.misleading.unbounded_words import CLOCKS, RANDOM, endless, words_of
from golden_rules.source.outline import Function
from golden_rules.source.trees import dotted, walk

# Attributes and keys that say nothing by themselves: what they are of, makes them grow.
_BY_HOLDER = frozenset(
    {
        "path", "url", "raw_url", "uri", "host", "id", "uuid", "pk", "message", "msg", "detail", "args", "strerror", "path_info",
        "raw_path", "request_uri",
    }
)  # fmt: skip
_CALLED = RANDOM | CLOCKS


def may_label_endlessly(function: Function, recording: Collection[str]) -> bool:
    """Tell whether something that may grow is handed to `labels`, or to a call among these as written; if so, this never says no.

    What a variable may be set to counts with it, and so does what that is made of.
    """
    nodes = list(walk(function.node))
    settings: dict[str, list[ast.expr]] = {}
    for name, value in _settings(nodes):
        settings.setdefault(name, []).append(value)
    waiting: list[ast.AST] = [
        argument
        for node in nodes
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and (node.func.attr == "labels" or dotted(node.func) in recording)
        for argument in (*node.args, *(keyword.value for keyword in node.keywords))
        if not isinstance(argument, ast.Constant)
    ]
    caught = {node.name for node in nodes if isinstance(node, ast.ExceptHandler)}
    while waiting:
        for word in _words(waiting.pop()):
            if word in caught or _may_grow(word):
                return True
            waiting += settings.pop(word, ())
    return False


def _settings(nodes: Iterable[ast.AST]) -> Iterator[tuple[str, ast.expr]]:
    for node in nodes:
        if isinstance(node, ast.Assign):
            for target in node.targets:
                yield from ((part.id, node.value) for part in walk(target) if isinstance(part, ast.Name))
        elif (
            isinstance(node, ast.AnnAssign | ast.NamedExpr)
            and isinstance(node.target, ast.Name)
            and node.value is not None
        ):
            yield node.target.id, node.value


def _words(expression: ast.AST) -> Iterator[str]:
    """Yield the names, attributes and texts in an expression."""
    for node in walk(expression):
        if isinstance(node, ast.Name):
            yield node.id
        elif isinstance(node, ast.Attribute):
            yield node.attr
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def _may_grow(word: str) -> bool:
    plain = words_of(word)
    return word in _CALLED or plain in _BY_HOLDER or endless(plain) is not None
