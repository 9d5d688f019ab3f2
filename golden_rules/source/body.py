"""One walk over a function's LibCST nodes: their order, their parents, and where names are bound and read.

A plain loop over the fields that mean something: a LibCST visit, which also enters every whitespace node, is 14
times slower, and its metadata cost several times the parse.
"""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from collections.abc import Iterator

import libcst as cst

# Fields that hold layout, or names that are no variables.
_LAYOUT = frozenset(
    {
        "asname", "attr", "comma", "conversion", "dot", "equal", "first_colon", "footer", "header", "keyword", "lbrace", "lbracket",
        "leading_lines", "lines_after_decorators", "lpar", "names", "operator", "posonly_ind", "rbrace", "rbracket", "rpar",
        "second_colon", "semicolon", "separator", "star", "trailing_comma", "trailing_whitespace",
    }
)  # fmt: skip
_SCOPES = (cst.FunctionDef, cst.ClassDef, cst.Lambda)
_FIELDS: dict[type[cst.CSTNode], tuple[str, ...]] = {}

Binding = cst.Assign | cst.AnnAssign | cst.AugAssign | cst.NamedExpr | cst.CSTNode


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
    bindings: dict[str, list[cst.CSTNode]] = dataclasses.field(default_factory=lambda: defaultdict(list))
    loads: dict[str, list[cst.BaseExpression]] = dataclasses.field(default_factory=lambda: defaultdict(list))
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


def read_body(function: cst.FunctionDef) -> Body:
    """Walk a function's body once."""
    body = Body()
    stored: set[int] = set()
    stack: list[cst.CSTNode] = [function.body]
    parents = body._parents
    parents[id(function.body)] = function
    while stack:
        node = stack.pop()
        body._order[id(node)] = len(body.nodes)
        body.nodes.append(node)
        if isinstance(node, _SCOPES):
            body.captured.update(_names_in(node))
            if not isinstance(node, cst.Lambda):
                body.bindings[node.name.value].append(node)
            continue
        if isinstance(node, cst.Global | cst.Nonlocal):
            body.declared.update(item.name.value for item in node.names)
            continue
        for target in _targets(node):
            for variable in _variables(target):
                stored.add(id(variable))
                body.bindings[dotted(variable)].append(node)
        if isinstance(node, cst.Name | cst.Attribute) and (
            id(node) not in stored or isinstance(parents[id(node)], cst.AugAssign)
        ):
            body.loads[dotted(node)].append(node)
        children = list(_children(node))
        for child in children:
            parents[id(child)] = node
        stack.extend(reversed(children))
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


def _children(node: cst.CSTNode) -> Iterator[cst.CSTNode]:
    kind = type(node)
    if kind not in _FIELDS:
        _FIELDS[kind] = tuple(
            field.name
            for field in dataclasses.fields(kind)
            if field.name not in _LAYOUT and not field.name.startswith(("whitespace", "leading_", "trailing_"))
        )
    for name in _FIELDS[kind]:
        value = getattr(node, name)
        if isinstance(value, cst.CSTNode):
            yield value
        elif isinstance(value, list | tuple):
            yield from (item for item in value if isinstance(item, cst.CSTNode))


def _targets(node: cst.CSTNode) -> Iterator[cst.CSTNode]:
    """Yield what a node binds."""
    match node:
        case cst.Assign():
            yield from (target.target for target in node.targets)
        case cst.AnnAssign() | cst.AugAssign() | cst.NamedExpr() | cst.For() | cst.CompFor():
            yield node.target
        case cst.WithItem():
            if node.asname is not None:
                yield node.asname.name
        case cst.ExceptHandler() | cst.ExceptStarHandler():
            if node.name is not None:
                yield node.name.name
        case cst.Import() | cst.ImportFrom():
            if not isinstance(node.names, cst.ImportStar):
                yield from (alias.asname.name if alias.asname else alias.name for alias in node.names)
        case cst.MatchAs() | cst.MatchStar():
            if node.name is not None:
                yield node.name
        case cst.Del():
            yield node.target
        case _:
            pass


def _variables(target: cst.CSTNode) -> Iterator[cst.CSTNode]:
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
        stack.extend(node.children)
