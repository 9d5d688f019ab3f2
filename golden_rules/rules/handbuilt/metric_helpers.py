"""Which functions do nothing but feed metrics: helpers that their callers tell what happened."""

from __future__ import annotations

import ast
from collections.abc import Container

from golden_rules.rules.handbuilt.vocabulary import is_log, is_metric, is_pure
from golden_rules.source.outline import Function
from golden_rules.source.trees import dotted, walk


def only_feeds_metrics(function: Function, feeds: Container[ast.AST]) -> bool:
    """Whether a function does nothing but feed metrics, so that what they count happened in its callers.

    Args:
        function: Any function.
        feeds: Its calls that are known to add to a metric.
    """
    if function.yields or function.returns_value:
        return False
    return _only_feeds(function.node.body, feeds)


def _only_feeds(statements: list[ast.stmt], feeds: Container[ast.AST]) -> bool:
    return all(_feeds(statement, feeds) for statement in statements)


def _feeds(statement: ast.stmt, feeds: Container[ast.AST]) -> bool:
    match statement:
        case ast.Pass() | ast.Import() | ast.ImportFrom() | ast.Global() | ast.Return():
            return True
        case ast.Expr(value=ast.Call(func=func) as call) | ast.Expr(value=ast.Await(value=ast.Call(func=func) as call)):
            return call in feeds or is_metric(dotted(func)) or is_log(dotted(func))
        case ast.Expr(value=value):
            return isinstance(value, ast.Constant)
        case (
            ast.Assign(targets=[ast.Name()], value=value) | ast.AnnAssign(target=ast.Name(), value=ast.expr() as value)
        ):
            return _only_looks(value)
        case ast.If(test=test, body=body, orelse=orelse):
            return _only_looks(test) and _only_feeds([*body, *orelse], feeds)
        case ast.With(items=items, body=body):
            return all(_only_looks(item.context_expr) for item in items) and _only_feeds(body, feeds)
        case ast.Try(body=body, handlers=handlers, orelse=orelse, finalbody=last):
            handled = [line for handler in handlers for line in handler.body]
            return _only_feeds([*body, *handled, *orelse, *last], feeds)
        case _:
            return False


def _only_looks(value: ast.expr) -> bool:
    """Whether an expression does no work: its calls ask for what is there, or make another form of it, and it waits for nothing."""
    return all(map(_looks, walk(value)))


def _looks(node: ast.AST) -> bool:
    match node:
        case ast.Await():
            return False
        case ast.Call(func=func, args=args, keywords=keywords):
            return is_pure(dotted(func)) or not (args or keywords)
        case _:
            return True
