"""A function's own code as `ast` sees it: its nodes, what holds each, and what binds which name.

Nested functions, classes and lambdas are nodes of it that are not entered: what stands in them runs at another time.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Iterator
from functools import cached_property, lru_cache
from typing import Any, TypeVar

from golden_rules.source.trees import AnyFunction, children, dotted, walk

SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)

N = TypeVar("N", bound=ast.AST)


class Places(dict[str, list[N]]):
    """Nodes by variable; one that is nowhere has none, and to ask for it leaves no entry for the next rule to find."""

    def __missing__(self, _variable: str) -> list[N]:
        return []


class OwnCode:
    """The nodes of a function's body.

    Variables are named as written, attributes among them: `start`, `self._started`.

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

    def parent(self, node: ast.AST) -> ast.AST:
        """Return the node that holds another."""
        return self._holders[node]

    def holders(self, node: ast.AST) -> Iterator[ast.AST]:
        """Yield what holds a node, from the nearest to the function."""
        current = self._holders.get(node)
        while current is not None:
            yield current
            current = self._holders.get(current)

    def is_in(self, node: ast.AST, block: list[ast.stmt]) -> bool:
        """Whether a node is one of the statements of a block, or stands in one."""
        return node in block or any(holder in block for holder in self.holders(node))

    def statement(self, node: ast.AST) -> ast.stmt:
        """Return the statement that a node is, or the nearest that holds it."""
        while not isinstance(node, ast.stmt):
            node = self._holders[node]
        return node

    def set_with(self, node: ast.AST) -> list[str]:
        """Return the variables that the statement sets in which a node stands."""
        statement = self.statement(node)
        return [name for name, found in self.bindings.items() if any(self.statement(one) is statement for one in found)]

    def block(self, statement: ast.stmt) -> list[ast.stmt]:
        """Return the statements among which one stands."""
        holder = self._holders[statement]
        blocks: Iterator[list[ast.stmt]] = (getattr(holder, name, []) for name in ("body", "orelse", "finalbody"))
        return next(block for block in blocks if statement in block)

    def order(self, node: ast.AST) -> int:
        """Return a node's place in the order of the source."""
        return self._places[node]

    def inside(self, node: ast.AST) -> list[ast.AST]:
        """Return the nodes below one, in order of the source."""
        return self.nodes[self._places[node] + 1 : self._ends[node]]

    @cached_property
    def _ends(self) -> dict[ast.AST, int]:
        """For each node, the place behind the last one below it."""
        ends: dict[ast.AST, int] = {}
        for at, node in reversed([*enumerate(self.nodes)]):
            ends.setdefault(self._holders[node], ends.setdefault(node, at + 1))
        return ends

    @cached_property
    def _places(self) -> dict[ast.AST, int]:
        return {node: at for at, node in enumerate(self.nodes)}

    @cached_property
    def bindings(self) -> Places[ast.AST]:
        """For each variable, what sets it, in order of the source: statements, clauses, parts of patterns."""
        found: Places[ast.AST] = Places()
        for node in self.nodes:
            for name in _bound(node):
                found.setdefault(name, []).append(node)
        return found

    @cached_property
    def loads(self) -> Places[ast.Name | ast.Attribute]:
        """For each variable, the nodes that read it, in order of the source; `x += 1` reads `x`."""
        found: Places[ast.Name | ast.Attribute] = Places()
        for node in self.nodes:
            if isinstance(node, ast.Name | ast.Attribute) and (
                isinstance(node.ctx, ast.Load) or isinstance(self._holders[node], ast.AugAssign)
            ):
                found.setdefault(dotted(node), []).append(node)
        return found

    @cached_property
    def declared(self) -> frozenset[str]:
        """The names under `global` and `nonlocal`."""
        statements = (node for node in self.nodes if isinstance(node, ast.Global | ast.Nonlocal))
        return frozenset(name for statement in statements for name in statement.names)

    @cached_property
    def captured(self) -> frozenset[str]:
        """Every name that stands in a nested function, class or lambda."""
        return frozenset(name for node in self.nodes if isinstance(node, SCOPES) for name in names_in(node))


@lru_cache(maxsize=4)
def own_code(function: AnyFunction) -> OwnCode:
    """Return a function's own code, walked once for all the rules that ask for it in turn."""
    return OwnCode(function)


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
