"""One walk over a function's LibCST nodes: their order, their parents, and where names are bound and read.

A plain loop over the fields that mean something: a LibCST visit, which also enters every whitespace node, is 14
times slower, and its metadata cost several times the parse.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

import libcst as cst

# Fields that hold layout, or names that are no variables.
_LAYOUT = frozenset(
    {
        "asname", "attr", "comma", "conversion", "dot", "equal", "first_colon", "footer", "header", "keyword", "lbrace", "lbracket",
        "leading_lines", "lines_after_decorators", "lpar", "names", "operator", "posonly_ind", "rbrace", "rbracket", "rpar",
        "second_colon", "semicolon", "separator", "star", "trailing_comma", "trailing_whitespace",
    }
)  # fmt: skip
# Types first, here and below: to ask one of LibCST's classes, which are abstract, for an instance takes a microsecond.
_SCOPES = frozenset({cst.FunctionDef, cst.ClassDef, cst.Lambda})
_DECLARING = frozenset({cst.Global, cst.Nonlocal})
_FIELDS: dict[tuple[type[cst.CSTNode], frozenset[str]], tuple[str, ...]] = {}
_NONE: frozenset[str] = frozenset()
# Those of them that hold names all the same.
_NAMING = frozenset({"asname", "attr", "keyword", "names"})

N = TypeVar("N", bound=cst.CSTNode)


class Places(dict[str, list[N]]):
    """Nodes by variable; one that is nowhere has none, and to ask for it leaves no entry for the next rule to find."""

    def __missing__(self, _variable: str) -> list[N]:
        return []


@dataclasses.dataclass(eq=False, slots=True)
class Body:
    """What one walk knows of a function's own code; nested functions, classes and lambdas are not entered.

    Variables are named as written, attributes among them: `start`, `self._started`.

    Attributes:
        nodes: The nodes in order of the source.
        bindings: For each variable, the nodes that set it, in order.
        loads: For each variable, the nodes that read it, in order.
        captured: Every name that a nested function, class or lambda mentions.
        declared: Names under `global` or `nonlocal`.
    """

    nodes: list[cst.CSTNode] = dataclasses.field(default_factory=list)
    bindings: Places[cst.CSTNode] = dataclasses.field(default_factory=lambda: Places())
    loads: Places[cst.BaseExpression] = dataclasses.field(default_factory=lambda: Places())
    captured: set[str] = dataclasses.field(default_factory=set)
    declared: set[str] = dataclasses.field(default_factory=set)
    _parents: dict[int, cst.CSTNode] = dataclasses.field(default_factory=dict)
    _order: dict[int, int] = dataclasses.field(default_factory=dict)

    def parent(self, node: cst.CSTNode) -> cst.CSTNode:
        """Return the node that holds `node`."""
        return self._parents[id(node)]

    def order(self, node: cst.CSTNode) -> int:
        """Return the node's place in the order of the source."""
        return self._order[id(node)]

    def ancestors(self, node: cst.CSTNode) -> Iterator[cst.CSTNode]:
        """Yield what holds a node, from the nearest to the function."""
        current = self._parents.get(id(node))
        while current is not None:
            yield current
            current = self._parents.get(id(current))

    def statement(self, node: cst.CSTNode) -> cst.CSTNode:
        """Return the line or compound statement that a node stands in."""
        current = node
        while not isinstance(current, cst.BaseStatement):
            current = self._parents[id(current)]
        return current


@functools.lru_cache(maxsize=4)
def read_body(function: cst.FunctionDef) -> Body:
    """Walk a function's body, once for all the rules that ask for it in turn."""
    body = Body()
    stored: set[int] = set()
    stack: list[cst.CSTNode] = [function.body]
    nodes, order, parents = body.nodes, body._order, body._parents
    parents[id(function.body)] = function
    while stack:
        node = stack.pop()
        kind = type(node)
        order[id(node)] = len(nodes)
        nodes.append(node)
        if kind in _SCOPES:
            body.captured.update(_names_in(node))
            if isinstance(node, cst.FunctionDef | cst.ClassDef):
                body.bindings.setdefault(node.name.value, []).append(node)
            continue
        if kind in _DECLARING and isinstance(node, cst.Global | cst.Nonlocal):
            body.declared.update(item.name.value for item in node.names)
            continue
        if kind in _BINDING:
            for target in _BINDING[kind](node):
                for variable in _variables(target):
                    stored.add(id(variable))
                    body.bindings.setdefault(dotted(variable), []).append(node)
        elif (kind is cst.Name or kind is cst.Attribute) and (
            id(node) not in stored or type(parents[id(node)]) is cst.AugAssign
        ):
            body.loads.setdefault(dotted(node), []).append(node)  # type: ignore[arg-type]  # `kind` says that it is an expression
        children = _children(node)
        for child in children:
            parents[id(child)] = node
        children.reverse()
        stack += children
    return body


def dotted(node: cst.CSTNode | None) -> str:
    """Return `a.b.c` for a chain of names, `a.b().c` where a call stands inside it, and `""` for anything else."""
    parts: list[str] = []
    while True:
        if isinstance(node, cst.Attribute):
            parts.append("." + node.attr.value)
            node = node.value
        elif isinstance(node, cst.Name):
            parts.append(node.value)
            return "".join(reversed(parts))
        elif isinstance(node, cst.Call):
            parts.append("()")
            node = node.func
        elif isinstance(node, cst.Await):
            node = node.expression
        else:
            return ""


def callee(call: cst.Call) -> str:
    """Return the name of what a call calls, `.format` for the method of a literal, and `""` for anything else."""
    name = dotted(call.func)
    if not name and isinstance(call.func, cst.Attribute):
        return "." + call.func.attr.value
    return name


def _children(node: cst.CSTNode, more: frozenset[str] = _NONE) -> list[cst.CSTNode]:
    """Return the nodes right below a node in the fields that mean something, and in those of `more`."""
    kind = type(node)
    names = _FIELDS.get((kind, more))
    if names is None:
        names = _FIELDS[kind, more] = tuple(
            field.name
            for field in dataclasses.fields(kind)
            if field.name in more
            or not (field.name in _LAYOUT or field.name.startswith(("whitespace", "leading_", "trailing_")))
        )
    found: list[cst.CSTNode] = []
    for name in names:
        value = getattr(node, name)
        held = type(value)
        if held is list or held is tuple:
            found += [item for item in value if isinstance(item, cst.CSTNode)]
        elif held is not str and value is not None and isinstance(value, cst.CSTNode):
            found.append(value)
    return found


def _imported(node: cst.Import | cst.ImportFrom) -> Iterator[cst.CSTNode]:
    if not isinstance(node.names, cst.ImportStar):
        yield from (alias.asname.name if alias.asname else alias.name for alias in node.names)


# What a node binds, by its type.
_BINDING: dict[type[cst.CSTNode], Callable[[Any], Iterable[cst.CSTNode | None]]] = {
    cst.Assign: lambda node: [target.target for target in node.targets],
    **dict.fromkeys(
        (cst.AnnAssign, cst.AugAssign, cst.NamedExpr, cst.For, cst.CompFor, cst.Del), lambda node: (node.target,)
    ),
    cst.WithItem: lambda node: (node.asname and node.asname.name,),
    **dict.fromkeys((cst.ExceptHandler, cst.ExceptStarHandler), lambda node: (node.name and node.name.name,)),
    **dict.fromkeys((cst.MatchAs, cst.MatchStar), lambda node: (node.name,)),
    cst.Import: _imported,
    cst.ImportFrom: _imported,
}


def _variables(target: cst.CSTNode | None) -> Iterator[cst.CSTNode]:
    """Yield the variables in a target, which may be a tuple of them."""
    stack = [target]
    while stack:
        node = stack.pop()
        if isinstance(node, cst.Tuple | cst.List):
            stack.extend(element.value for element in node.elements)
        elif isinstance(node, cst.Name | cst.Attribute):
            yield node


def _names_in(scope: cst.CSTNode) -> Iterator[str]:
    stack = [scope]
    while stack:
        node = stack.pop()
        if isinstance(node, cst.Name):
            yield node.value
        stack += _children(node, _NAMING)
