"""What one attempt of a retry loop hands to the next one in a parameter."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from golden_rules.source.trees import walk

if TYPE_CHECKING:
    from collections.abc import Iterator


def carried(node: ast.FunctionDef | ast.AsyncFunctionDef, tried: list[ast.stmt]) -> str:
    """Return the parameter that an attempt sets anew, or `""`: each attempt of `@retry` is given the first one's again."""
    arguments = node.args
    every = (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, arguments.vararg, arguments.kwarg)
    given = {argument.arg for argument in every if argument is not None}
    bound = (name for statement in tried for inner in walk(statement) for name in _bound_by(inner))
    return next((name for name in bound if name in given), "")


def _bound_by(node: ast.AST) -> Iterator[str]:
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
