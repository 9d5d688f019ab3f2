"""Where a file mentions the variables that it counts in, and what stands around a mention."""

from __future__ import annotations

import ast
import functools
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

from golden_rules.source.outline import Outline
from golden_rules.source.trees import children, dotted

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)

_Variable = ast.Name | ast.Attribute | ast.Subscript


@dataclass(slots=True)
class Mentions:
    """The attributes and names of a file, by name, and the node around each node."""

    parents: dict[int, ast.AST] = field(default_factory=dict)
    attributes: dict[str, list[ast.Attribute]] = field(default_factory=lambda: defaultdict(list))
    names: dict[str, list[ast.Name]] = field(default_factory=lambda: defaultdict(list))


@functools.lru_cache(maxsize=1)
def mentions_of(outline: Outline) -> Mentions:
    """Return what a file mentions."""
    index = Mentions()
    parents = index.parents
    stack: list[ast.AST] = [outline.tree]
    while stack:
        node = stack.pop()
        if isinstance(node, ast.Attribute):
            index.attributes[node.attr].append(node)
        elif isinstance(node, ast.Name):
            index.names[node.id].append(node)
        for child in children(node):
            parents[id(child)] = node
            stack.append(child)
    return index


def statement_of(index: Mentions, node: ast.AST) -> ast.AST:
    """Return the statement that holds a node."""
    while not isinstance(node, ast.stmt):
        node = index.parents[id(node)]
    return node


def of_variable(index: Mentions, target: ast.expr) -> Iterator[_Variable]:
    """Yield the places that mean the same variable: by name, by attribute of `self`, by key of the same container."""
    match target:
        case ast.Name(id=name):
            yield from index.names[name]
        case ast.Attribute(value=ast.Name(id=("self" | "cls") as root), attr=attribute):
            owner = _class_around(index, target)
            for node in index.attributes[attribute]:
                own = isinstance(node.value, ast.Name) and node.value.id == root
                if _class_around(index, node) is owner if own else "_" in attribute.strip("_"):
                    yield node
        case ast.Attribute(value=base, attr=attribute):
            shown = dotted(base)
            yield from (
                node
                for node in index.attributes[attribute]
                if dotted(node.value) == shown or "_" in attribute.strip("_")
            )
        case ast.Subscript(value=base, slice=key):
            for held in of_variable(index, base):
                parent = index.parents[id(held)]
                if not (isinstance(parent, ast.Subscript) and parent.value is held):
                    # Setting up the container is no start of a counter; what reads it as a whole reads every entry.
                    if isinstance(held.ctx, ast.Load):
                        yield held
                elif (
                    not isinstance(key, ast.Constant)
                    or not isinstance(parent.slice, ast.Constant)
                    or parent.slice.value == key.value
                ):
                    yield parent
        case _:
            pass


def _class_around(index: Mentions, node: ast.AST) -> ast.AST | None:
    current: ast.AST | None = node
    while current is not None and not isinstance(current, ast.ClassDef):
        current = index.parents.get(id(current))
    return current


def name_around(index: Mentions, node: ast.AST) -> str:
    """Return the name of the function around a node, or `""`."""
    current: ast.AST | None = node
    while current is not None:
        if isinstance(current, _FUNCTIONS):
            return current.name
        current = index.parents.get(id(current))
    return ""


def values_given(index: Mentions, variables: list[ast.Attribute]) -> Iterator[ast.expr]:
    """Yield what assignments set some attributes to, several at once included: `self.total, self.jobs = len(jobs), jobs`."""
    for variable in variables:
        match index.parents[id(variable)]:
            case ast.Assign(value=value) | ast.AnnAssign(value=ast.expr() as value) if value is not variable:
                yield value
            case ast.Tuple(elts=targets) as several if isinstance(several.ctx, ast.Store):
                match index.parents[id(several)]:
                    case ast.Assign(value=ast.Tuple(elts=values)) if len(values) == len(targets):
                        yield values[targets.index(variable)]
                    case _:
                        pass
            case _:
                pass


def function_around(index: Mentions, node: ast.AST) -> ast.AST | None:
    """Return the function around a node; `None` at the top level or in a class."""
    current: ast.AST | None = node
    while current is not None and not isinstance(current, _FUNCTIONS):
        current = index.parents.get(id(current))
    return current
