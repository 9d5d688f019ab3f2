"""What one attempt of a retry loop hands to the next one: each attempt of `@retry` begins with what the first one was given."""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from golden_rules.source.trees import bound_by, dotted, walk

if TYPE_CHECKING:
    from golden_rules.source.outline import Function, Outline

# Whose block may end by an exception without anybody being told.
_SWALLOWING = re.compile(
    r"suppress|swallow|ignor|catch|safe|guard|report|handl|raises|exit_?stack|move_on|cancel_?scope", re.IGNORECASE
)
_READING = frozenset({"get", "items", "keys", "values", "copy"})


def carried(
    function: Function, kept: Collection[str], tried: Sequence[ast.stmt], swallowing: Collection[str] = ()
) -> str:
    """Return in words what an attempt may find as the one before left it, or `""`.

    That is a parameter, or a name in `kept` that is set before the loop, if an attempt sets it anew; the mapping of
    `**options`, if an attempt may change it; and a variable that an attempt may read before it sets it.
    """
    arguments = function.node.args
    every = (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, arguments.vararg, arguments.kwarg)
    given = {argument.arg for argument in every if argument is not None} | set(kept)
    nodes = [node for statement in tried for node in walk(statement)]
    anew = next((name for node in nodes for name in bound_by(node) if name in given), "")
    if not anew and arguments.kwarg is not None and _may_change(arguments.kwarg.arg, nodes):
        anew = arguments.kwarg.arg
    if anew:
        return f"an attempt sets `{anew}` for the next one"
    unset = _Reads(function.bound - given, swallowing).first_unset(tried, set())
    return f"an attempt may read `{unset}` as the one before left it" if unset else ""


def leaves(statements: Sequence[ast.stmt], swallowing: Collection[str] = ()) -> bool:
    """Whether a block always ends by a `return` or an exception; context managers named in `swallowing` may end one."""
    match statements:
        case [*_, ast.Return() | ast.Raise()]:
            return True
        case [*_, ast.If(body=body, orelse=orelse)]:
            return leaves(body, swallowing) and leaves(orelse, swallowing)
        case [*_, ast.With(items=items, body=body) | ast.AsyncWith(items=items, body=body)]:
            return leaves(body, swallowing) and not any(_may_swallow(item, swallowing) for item in items)
        case [*_, ast.Try(body=body, handlers=handlers, orelse=orelse, finalbody=finalbody)]:
            in_clauses = all(leaves(handler.body, swallowing) for handler in handlers)
            in_body = leaves(body, swallowing) or leaves(orelse, swallowing)
            return leaves(finalbody, swallowing) or (in_body and in_clauses)
        case _:
            return False


def swallowing_managers(outline: Outline) -> frozenset[str]:
    """Return the names of a file's own context managers after whose block the function may go on, although it failed."""
    functions = outline.functions
    catching = {one.name for one in functions if one.yields and (one.handlers or "suppress" in one.called)}
    exits = (one for one in functions if one.name in ("__exit__", "__aexit__") and _returns_something(one.node))
    return frozenset(catching | {one.owner.name for one in exits if one.owner is not None})


def _returns_something(node: ast.AST) -> bool:
    returned = [inner.value for inner in walk(node) if isinstance(inner, ast.Return)]
    return any(value is not None and getattr(value, "value", value) not in (None, False) for value in returned)


def _may_swallow(item: ast.withitem, swallowing: Collection[str]) -> bool:
    name = dotted(item.context_expr)
    return bool(_SWALLOWING.search(name)) or name.removesuffix("()").rpartition(".")[2] in swallowing


def _may_change(mapping: str, nodes: Sequence[ast.AST]) -> bool:
    """Whether anything but a read of its items, or `**mapping`, is done with a mapping."""
    reads = 0
    for node in nodes:
        match node:
            case ast.keyword(arg=None, value=ast.Name(id=name)) if name == mapping:
                reads += 1
            case ast.Attribute(value=ast.Name(id=name), attr=attr) if name == mapping and attr in _READING:
                reads += 1
            case ast.Subscript(value=ast.Name(id=name), ctx=ast.Load()) if name == mapping:
                reads += 1
            case ast.Compare(ops=[ast.In() | ast.NotIn()], comparators=[ast.Name(id=name)]) if name == mapping:
                reads += 1
            case _:
                pass
    return reads < sum(isinstance(node, ast.Name) and node.id == mapping for node in nodes)


class _Reads:
    """Looks for a read of a local variable that may come before the variable is set. When in doubt, there is one."""

    def __init__(self, names: Collection[str], swallowing: Collection[str]) -> None:
        self._names = names
        self._swallowing = swallowing

    def first_unset(self, statements: Iterable[ast.stmt], known: set[str]) -> str:
        """Return the first such variable in a block, or `""`; adds to `known` what is set for certain at its end."""
        return next((name for statement in statements if (name := self._in(statement, known))), "")

    def _in(self, statement: ast.stmt, known: set[str]) -> str:
        match statement:
            case ast.If(test=test, body=body, orelse=orelse):
                return self._read((test,), known) or self._in_either((body, orelse), known)
            case (
                ast.For(target=target, iter=test, body=body, orelse=orelse)
                | ast.AsyncFor(target=target, iter=test, body=body, orelse=orelse)
            ):
                inner = known | set(_bound(target))
                return self._read((test, target), known) or self._apart((body, inner), (orelse, known))
            case ast.While(test=test, body=body, orelse=orelse):
                return self._read((test,), known) or self._apart((body, known), (orelse, known))
            case ast.With(items=items, body=body) | ast.AsyncWith(items=items, body=body):
                return self._in_with(items, body, known)
            case ast.Try(body=body, handlers=handlers, orelse=orelse, finalbody=finalbody):
                read = self._apart((finalbody, known)) or self._read([handler.type for handler in handlers], known)
                ways = [[*body, *orelse], *(handler.body for handler in handlers)]
                names = [set(), *({handler.name} if handler.name else set() for handler in handlers)]
                return read or self._in_either(ways, known, names) or self.first_unset(finalbody, known)
            case ast.Match(subject=subject, cases=cases):
                blocks = [(case.body, known | set(_bound(case.pattern))) for case in cases]
                return self._read((subject, *(case.guard for case in cases)), known) or self._apart(*blocks)
            case ast.AugAssign(target=ast.Name(id=name)) if name in self._names and name not in known:
                return name
            case _:
                read = self._read((statement,), known)
                known.update(_bound(statement))
                return read

    def _in_with(self, items: list[ast.withitem], body: list[ast.stmt], known: set[str]) -> str:
        read = self._read([item.context_expr for item in items], known)
        known.update(name for item in items for name in _bound(item.optional_vars))
        inner = known.copy() if any(_may_swallow(item, self._swallowing) for item in items) else known
        return read or self.first_unset(body, inner)

    def _in_either(
        self, blocks: Sequence[Sequence[ast.stmt]], known: set[str], names: Sequence[set[str]] | None = None
    ) -> str:
        """Look through blocks of which one runs; afterwards known is what each of them sets that goes on."""
        after: list[set[str]] = []
        for number, block in enumerate(blocks):
            inner = known | (names[number] if names else set())
            read = self.first_unset(block, inner)
            if read:
                return read
            if not leaves(block, self._swallowing):
                after.append(inner)
        if after:
            known.update(set.intersection(*after))
        return ""

    def _apart(self, *blocks: tuple[Sequence[ast.stmt], set[str]]) -> str:
        """Look through blocks that may not run at all."""
        return next((name for block, known in blocks if (name := self.first_unset(block, known.copy()))), "")

    def _read(self, nodes: Iterable[ast.AST | None], known: set[str]) -> str:
        return next(
            (
                inner.id
                for node in nodes
                if node is not None
                for inner in walk(node)
                if isinstance(inner, ast.Name)
                and not isinstance(inner.ctx, ast.Store)
                and inner.id in self._names
                and inner.id not in known
            ),
            "",
        )


def _bound(node: ast.AST | None) -> Iterator[str]:
    """Yield what a statement, or a target, sets for certain once it is done: not what stands in a scope of its own."""
    if node is None:
        return
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        yield node.name
        return
    if isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign):
        if isinstance(node, ast.AnnAssign) and node.value is None:
            return
        for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
            yield from _bound(target)
        return
    if isinstance(node, ast.Import | ast.ImportFrom | ast.Name | ast.MatchAs | ast.MatchStar):
        yield from bound_by(node)
    if isinstance(node, ast.Tuple | ast.List | ast.Starred):
        for part in ast.iter_child_nodes(node):
            yield from _bound(part)
