"""Which functions stand around others: what a decorator returns, and context managers."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from golden_rules.source.outline import Function, Outline
from golden_rules.source.trees import dotted, walk


def wraps_another(function: Function) -> bool:
    """Whether a function is what a decorator returns: it calls a parameter of the function around, which returns it."""
    outer = function.parent
    if outer is None or not _calls_parameter(function, outer):
        return False
    return any(_hands_out(node.value, function.name) for node in walk(outer.node) if isinstance(node, ast.Return))


def is_under_wraps(function: Function) -> bool:
    """Whether a function is one of several in a decorator, each under `@functools.wraps(function)` and calling that."""
    is_wrapped = any(decorator.rpartition(".")[2] == "wraps" for decorator in function.decorators)
    return is_wrapped and function.parent is not None and _calls_parameter(function, function.parent)


def takes_place_of_another(function: Function) -> bool:
    """Whether a function is put where another stood, whose attribute is read before: `old = Client.send`, `Client.send = send`."""
    if function.parent is None:
        return False
    read: set[str] = set()
    for node in sorted(_attributes_and_assignments(function.parent.node), key=lambda node: node.lineno):
        if isinstance(node, ast.Attribute):
            read.add(dotted(node))
        elif _hands_out(node.value, function.name) and any(dotted(target) in read for target in node.targets):
            return True
    return False


def _attributes_and_assignments(around: ast.AST) -> Iterator[ast.Attribute | ast.Assign]:
    for node in walk(around):
        if isinstance(node, ast.Assign) or (isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load)):
            yield node


def _calls_parameter(function: Function, outer: Function) -> bool:
    arguments = outer.node.args
    parameters = {argument.arg for argument in (*arguments.posonlyargs, *arguments.args)}
    return any(call.name in parameters for call in function.calls)


def _hands_out(value: ast.expr | None, name: str) -> bool:
    """Whether a returned value is the function, or what one call makes of it: `return wrapper`, `return wraps(f)(wrapper)`."""
    if isinstance(value, ast.Call):
        return any(_hands_out(argument, name) for argument in value.args)
    if isinstance(value, ast.IfExp):
        return _hands_out(value.body, name) or _hands_out(value.orelse, name)
    return isinstance(value, ast.Name) and value.id == name


def yields_context(function: Function) -> bool:
    """Whether a function is a generator under `@contextmanager`."""
    return function.yields and any(
        decorator.rpartition(".")[2] in ("contextmanager", "asynccontextmanager") for decorator in function.decorators
    )


def outermost(function: Function) -> Function:
    """Return the outermost function around one: the decorator that it belongs to."""
    while function.parent is not None:
        function = function.parent
    return function


def decorated_by(outline: Outline) -> Iterator[tuple[Function, Function]]:
    """Yield each function that wraps another, with the decorator that makes it."""
    for function in outline.functions:
        if wraps_another(function):
            yield function, outermost(function)
