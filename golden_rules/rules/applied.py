"""The measuring decorators that stand on a function or a class."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from golden_rules.config import Config
from golden_rules.measured import runtime_name
from golden_rules.source.names import resolve
from golden_rules.source.outline import Class, Function, Outline
from golden_rules.source.trees import dotted


@dataclass(frozen=True, slots=True, eq=False)
class Applied:
    """A decorator as it stands in the source.

    Attributes:
        index: Its place among the decorators, the outermost first.
        written: Its name as written, without arguments: `runtime.track_request`.
        target: What that name stands for, or the name as written where nothing tells.
        name: Which of the runtime's decorators it is, or `""`.
        call: The call that makes it; `None` where it has no arguments.
    """

    index: int
    written: str
    target: str
    name: str
    call: ast.Call | None


def applied(outline: Outline, around: Function | Class, config: Config) -> Iterator[Applied]:
    """Yield the decorators of a function or class, the outermost first; those that are no plain names are left out."""
    scope = around.parent if isinstance(around, Function) else None
    for index, node in enumerate(around.node.decorator_list):
        call = node if isinstance(node, ast.Call) else None
        written = dotted(call.func if call else node)
        if written:
            target = resolve(outline, scope, written) or written
            yield Applied(index, written, target, runtime_name(target, config), call)


def argument(call: ast.Call, position: int, name: str) -> ast.expr | None:
    """Return an argument of a call by its position or its keyword, or `None` where it is not given."""
    for keyword in call.keywords:
        if keyword.arg == name:
            return keyword.value
    if position < len(call.args) and not any(isinstance(value, ast.Starred) for value in call.args[: position + 1]):
        return call.args[position]
    return None
