"""Variables as the code of a class reads and writes them: attributes, items of a mapping, fields of a record."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from typing import cast

from golden_rules.naming import snake
from golden_rules.source.trees import dotted, walk

# Longer texts are sentences.
_LONGEST_WORD = 40
_DECLARING = frozenset({ast.Global, ast.Nonlocal})
AnyTarget = ast.Attribute | ast.Subscript | ast.Name


def word_of(node: ast.AST) -> str:
    """Return the word by which a variable is known, in snake case.

    That is `failures` for `self._failures`, `state.failures`, `self.failures[host]` and `entry["failures"]`, also where
    `len(...)`, `await` or a method call stands around it.
    """
    return snake(name_of(node))


def name_of(node: ast.AST) -> str:
    """Return the name by which a variable is known, as written."""
    while True:
        match node:
            case ast.Subscript(slice=ast.Constant(value=str(key))):
                return key
            case ast.Subscript(value=inner) | ast.Await(value=inner):
                node = inner
            case ast.Call(func=ast.Name(id="len" | "sum" | "int" | "float"), args=[inner]):
                node = inner
            case ast.Call(func=ast.Attribute(attr="get"), args=[ast.Constant(value=str(key)), *_]):
                return key
            case ast.Call(func=ast.Attribute(value=inner, attr="get" | "copy" | "values" | "items" | "keys")):
                node = inner
            case ast.Attribute(attr=attribute):
                return attribute
            case ast.Name(id=name):
                return name
            case _:
                return ""


def shown(node: ast.AST) -> str:
    """Return a variable as a message shows it: `self._failures`, `state.failures`, `entry["failures"]`, `failures`."""
    while isinstance(node, ast.Subscript) and not isinstance(node.slice, ast.Constant):
        node = node.value
    match node:
        case ast.Subscript(value=ast.Name() | ast.Attribute(value=ast.Name())):
            return ast.unparse(node)
        case ast.Attribute() | ast.Name():
            return dotted(node) or name_of(node)
        case _:
            return name_of(node)


def stores(node: ast.AST) -> Iterator[tuple[AnyTarget, ast.expr]]:
    """Yield what an assignment sets, with the value."""
    match node:
        case ast.Assign(targets=targets, value=value):
            for target in targets:
                yield from _single(target, value)
        case ast.AnnAssign(target=target, value=ast.expr() as value) | ast.NamedExpr(target=target, value=value):
            yield from _single(target, value)
        case _:
            pass


def _single(target: ast.expr, value: ast.expr) -> Iterator[tuple[AnyTarget, ast.expr]]:
    match target, value:
        case ast.Tuple(elts=targets), ast.Tuple(elts=values) if len(targets) == len(values):
            for inner, part in zip(targets, values, strict=True):
                yield from _single(inner, part)
        case ((ast.Attribute() | ast.Subscript() | ast.Name()), _):
            yield target, value
        case _:
            pass


def is_kept(target: ast.AST, outer: frozenset[str]) -> bool:
    """Whether a variable outlives the function that sets it: an attribute, an item, or a name of `outer`."""
    return isinstance(target, ast.Attribute | ast.Subscript) or (isinstance(target, ast.Name) and target.id in outer)


def declared(nodes: Iterable[ast.AST]) -> frozenset[str]:
    """Return the names under `global` and `nonlocal` among the nodes of a function."""
    statements = [node for node in nodes if type(node) in _DECLARING]
    return frozenset(name for statement in statements for name in cast("ast.Global | ast.Nonlocal", statement).names)


def words_in(node: ast.AST) -> Iterator[str]:
    """Yield the word of every variable in an expression, and of the keys by which items are looked up."""
    for inner in walk(node):
        # Plain tests, as patterns of classes take three times as long.
        if isinstance(inner, ast.Name):
            yield snake(inner.id)
        elif isinstance(inner, ast.Attribute):
            yield snake(inner.attr)
        elif isinstance(inner, ast.Constant) and isinstance(inner.value, str) and len(inner.value) < _LONGEST_WORD:
            yield snake(inner.value)
