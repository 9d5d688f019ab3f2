"""A function's own code as `ast` sees it: its nodes, what holds each, and what binds which name.

Nested functions, classes and lambdas are nodes of it that are not entered: what stands in them runs at another time.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Iterator
from functools import cached_property
from typing import Any

from golden_rules.source.trees import AnyFunction, children, dotted, walk

SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)


class OwnCode:
    """The nodes of a function's body.

    Attributes:
        function: The function.
        nodes: The nodes in order of the source.
    """

    def __init__(self, function: AnyFunction) -> None:
        """Walk the body of a function."""
        self.function = function
        self._holders: dict[ast.AST, ast.AST] = dict.fromkeys(function.body, function)
        self.nodes: list[ast.AST] = []
        for node in below(function.body):
            self.nodes.append(node)
            if not isinstance(node, SCOPES):
                self._holders.update(dict.fromkeys(children(node), node))

    def holders(self, node: ast.AST) -> Iterator[ast.AST]:
        """Yield what holds a node, from the nearest to the function."""
        current = self._holders.get(node)
        while current is not None:
            yield current
            current = self._holders.get(current)

    def is_in(self, node: ast.AST, block: list[ast.stmt]) -> bool:
        """Whether a node is one of the statements of a block, or stands in one."""
        return node in block or any(holder in block for holder in self.holders(node))

    @cached_property
    def bindings(self) -> dict[str, list[ast.AST]]:
        """For each variable, as written, what sets it, in order of the source: statements, clauses, parts of patterns."""
        found: dict[str, list[ast.AST]] = {}
        for node in self.nodes:
            for name in _bound(node):
                found.setdefault(name, []).append(node)
        return found

    @cached_property
    def captured(self) -> frozenset[str]:
        """Every name that stands in a nested function, class or lambda."""
        return frozenset(name for node in self.nodes if isinstance(node, SCOPES) for name in names_in(node))


def below(roots: Iterable[ast.AST]) -> Iterator[ast.AST]:
    """Yield some nodes and all below them, in order of the source; nested functions, classes and lambdas are not entered."""
    stack = [*roots]
    stack.reverse()
    while stack:
        node = stack.pop()
        yield node
        if not isinstance(node, SCOPES):
            stack += reversed(children(node))


def names_in(root: ast.AST) -> Iterator[str]:
    """Yield every name in some code: variables, attributes, keywords, parameters, and what is defined or imported."""
    for node in walk(root):
        match node:
            case ast.Name(id=name) | ast.Attribute(attr=name) | ast.arg(arg=name) | ast.keyword(arg=str(name)):
                yield name
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                yield name
            case ast.ExceptHandler(name=str(name)) | ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)):
                yield name
            case ast.Global(names=names) | ast.Nonlocal(names=names) | ast.MatchClass(kwd_attrs=names):
                yield from names
            case ast.alias(name=dotted_name, asname=renamed):
                yield from dotted_name.split(".")
                if renamed:
                    yield renamed
            case _:
                pass


def _bound(node: ast.AST) -> Iterator[str]:
    """Yield the variables that a node sets by itself."""
    targets = _TARGETS.get(type(node))
    if targets is not None:
        for target in targets(node):
            yield from _variables(target)
        return
    match node:
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            yield name
        case ast.ExceptHandler(name=str(name)) | ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)):
            yield name
        case ast.Import(names=aliases) | ast.ImportFrom(names=aliases):
            yield from (alias.asname or alias.name for alias in aliases)
        case _:
            pass


_TARGETS: dict[type[ast.AST], Callable[[Any], Iterable[ast.expr | None]]] = {
    ast.Assign: lambda node: node.targets,
    ast.Delete: lambda node: node.targets,
    **dict.fromkeys(
        (ast.AnnAssign, ast.AugAssign, ast.NamedExpr, ast.For, ast.AsyncFor, ast.comprehension),
        lambda node: (node.target,),
    ),
    ast.withitem: lambda node: (node.optional_vars,),
}


def _variables(target: ast.expr | None) -> Iterator[str]:
    """Yield the variables in a target, which may be a tuple of them, as written."""
    stack = [target]
    while stack:
        node = stack.pop()
        if isinstance(node, ast.Tuple | ast.List):
            stack += node.elts
        elif isinstance(node, ast.Starred):
            stack.append(node.value)
        elif isinstance(node, ast.Name | ast.Attribute):
            yield dotted(node)
