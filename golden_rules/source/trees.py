"""Walks over `ast` trees that cost a fraction of `ast`'s own: what a rule looks at first is walked for every file.

`ast.iter_child_nodes` asks each node for each of its fields and looks at what it gets. What a type's fields hold is
known, so the types that nearly all code consists of have a function of their own here.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from typing import Any

AnyFunction = ast.FunctionDef | ast.AsyncFunctionDef
AnyLoop = ast.For | ast.AsyncFor | ast.While
AnyTry = ast.Try | ast.TryStar
AnyWith = ast.With | ast.AsyncWith

# Fields that hold no node worth a visit: contexts, operators, plain text and numbers.
_PLAIN = frozenset(
    {"ctx", "op", "ops", "id", "attr", "name", "value_kind", "kind", "type_comment", "lineno", "type_ignores"}
)
_Below = Callable[[Any], list[ast.AST]]


def dotted(node: ast.expr | None) -> str:
    """Return `a.b.c` for a chain of names, `a.b().c` where a call stands inside it, and `""` for anything else."""
    tail = ""
    while True:
        if isinstance(node, ast.Name):
            return node.id + tail
        if isinstance(node, ast.Attribute):
            tail = f".{node.attr}{tail}"
            node = node.value
        elif isinstance(node, ast.Call):
            tail = f"(){tail}"
            node = node.func
        elif isinstance(node, ast.Await):
            node = node.value
        else:
            return ""


def variable(node: ast.expr) -> str:
    """Return a variable as written: a chain of names, or an entry of one under a constant key; `""` for anything else."""
    if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant) and isinstance(node.slice.value, str):
        return f"{dotted(node.value)}.{node.slice.value}" if dotted(node.value) else ""
    return dotted(node) if isinstance(node, ast.Name | ast.Attribute) else ""


def callee(call: ast.Call) -> str:
    """Return the name of what a call calls, `.format` for the method of a literal, and `""` for anything else."""
    name = dotted(call.func)
    return f".{call.func.attr}" if not name and isinstance(call.func, ast.Attribute) else name


def last_called(call: ast.Call) -> str:
    """Return the last part of the name of what a call calls: `post` for `client.post(...)`."""
    return callee(call).rpartition(".")[2]


def arguments(call: ast.Call) -> int:
    """Return how many arguments are written in a call."""
    return len(call.args) + len(call.keywords)


def is_number(node: ast.AST | None) -> bool:
    """Whether a node is a literal number; `True` and complex ones are none."""
    return isinstance(node, ast.Constant) and type(node.value) in (int, float)


def is_text(node: ast.AST | None) -> bool:
    """Whether a node is a literal text or bytes without anything to fill in."""
    return isinstance(node, ast.Constant) and isinstance(node.value, str | bytes)


def children(node: ast.AST) -> list[ast.AST]:
    """Return the nodes right below a node that are worth a visit, in order of its fields.

    Left out are contexts and operators.
    """
    return BELOW[type(node)](node)


def walk(node: ast.AST) -> Iterator[ast.AST]:
    """Yield a node and all below it that are worth a visit, level by level, as `ast.walk` does."""
    found = [node]
    for current in found:
        yield current
        kind = type(current)
        if kind not in LEAVES:
            found += BELOW[kind](current)


def bound_by(node: ast.AST) -> Iterator[str]:
    """Yield the names that a node binds or unbinds by itself."""
    match node:
        case ast.Name(id=name, ctx=ast.Store() | ast.Del()):
            yield name
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            yield name
        case ast.ExceptHandler(name=str(name)) | ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)):
            yield name
        case ast.MatchMapping(rest=str(name)):
            yield name
        case ast.Import(names=names) | ast.ImportFrom(names=names):
            yield from ((alias.asname or alias.name).partition(".")[0] for alias in names)
        case _:
            pass


def bound_around(comprehension: ast.AST) -> Iterator[ast.Name]:
    """Yield what `:=` binds in a comprehension: names of the scope around it, unlike those that it runs through."""
    nodes = [comprehension]
    for node in nodes:
        if isinstance(node, ast.NamedExpr):
            yield node.target
        if not isinstance(node, ast.Lambda):
            nodes += children(node)


def _by_fields(kind: type[ast.AST]) -> _Below:
    """Return a function that gives the children of a node of any type, by asking for all of its fields."""
    # The name of a type alias is a node, everywhere else it is a text.
    names = [name for name in kind._fields if name not in _PLAIN or kind.__name__ == "TypeAlias"]

    def found(node: ast.AST) -> list[ast.AST]:
        nodes: list[ast.AST] = []
        for name in names:
            value = getattr(node, name)
            if type(value) is list:
                nodes += [child for child in value if isinstance(child, ast.AST)]
            elif isinstance(value, ast.AST):
                nodes.append(value)
        return nodes

    return found


def _none(_: ast.AST) -> list[ast.AST]:
    return []


# Types without a node below them.
LEAVES = frozenset(
    {ast.Name, ast.Constant, ast.alias, ast.Pass, ast.Break, ast.Continue, ast.Global, ast.Nonlocal, ast.MatchSingleton}
)


class _ByType(dict[type[ast.AST], _Below]):
    """The function that gives the children of a node, by its type; those that are rarely met are made when asked for."""

    def __missing__(self, kind: type[ast.AST]) -> _Below:
        found = self[kind] = _by_fields(kind)
        return found


BELOW = _ByType(
    {
        ast.Module: lambda node: [*node.body],
        ast.Expr: lambda node: [node.value],
        ast.Assign: lambda node: [*node.targets, node.value],
        ast.AugAssign: lambda node: [node.target, node.value],
        ast.Return: lambda node: [] if node.value is None else [node.value],
        ast.If: lambda node: [node.test, *node.body, *node.orelse],
        ast.For: lambda node: [node.target, node.iter, *node.body, *node.orelse],
        ast.While: lambda node: [node.test, *node.body, *node.orelse],
        ast.With: lambda node: [*node.items, *node.body],
        ast.AsyncWith: lambda node: [*node.items, *node.body],
        ast.Try: lambda node: [*node.body, *node.handlers, *node.orelse, *node.finalbody],
        ast.Raise: lambda node: [part for part in (node.exc, node.cause) if part is not None],
        ast.Assert: lambda node: [node.test] if node.msg is None else [node.test, node.msg],
        ast.AnnAssign: lambda node: [node.target, node.annotation] + ([] if node.value is None else [node.value]),
        ast.ExceptHandler: lambda node: [*node.body] if node.type is None else [node.type, *node.body],
        ast.withitem: lambda node: (
            [node.context_expr] if node.optional_vars is None else [node.context_expr, node.optional_vars]
        ),
        ast.comprehension: lambda node: [node.target, node.iter, *node.ifs],
        ast.ListComp: lambda node: [node.elt, *node.generators],
        ast.GeneratorExp: lambda node: [node.elt, *node.generators],
        ast.Dict: lambda node: [*filter(None, node.keys), *node.values],
        ast.FormattedValue: lambda node: [node.value] if node.format_spec is None else [node.value, node.format_spec],
        ast.Attribute: lambda node: [node.value],
        ast.Call: lambda node: [node.func, *node.args, *node.keywords],
        ast.keyword: lambda node: [node.value],
        ast.arg: lambda node: [] if node.annotation is None else [node.annotation],
        ast.Subscript: lambda node: [node.value, node.slice],
        ast.Await: lambda node: [node.value],
        ast.Starred: lambda node: [node.value],
        ast.BinOp: lambda node: [node.left, node.right],
        ast.UnaryOp: lambda node: [node.operand],
        ast.BoolOp: lambda node: [*node.values],
        ast.Compare: lambda node: [node.left, *node.comparators],
        ast.IfExp: lambda node: [node.test, node.body, node.orelse],
        ast.Tuple: lambda node: [*node.elts],
        ast.List: lambda node: [*node.elts],
        ast.JoinedStr: lambda node: [*node.values],
    }
    | dict.fromkeys(LEAVES, _none)
)
