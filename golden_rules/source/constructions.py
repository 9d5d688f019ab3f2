"""What a variable is made of, as far as one statement tells: the constructor that it is set from, or its annotation."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from golden_rules.source.trees import dotted


def constructions(node: ast.Assign | ast.AnnAssign) -> Iterator[tuple[ast.expr, str]]:
    """Yield what an assignment sets, with the constructor or annotation that it is set from."""
    if isinstance(node, ast.AnnAssign):
        made = (node.value is not None and constructor(node.value)) or annotated_class(node.annotation)
        if made:
            yield node.target, made
        return
    made = constructor(node.value)
    if made:
        for target in node.targets:
            yield target, made


def constructor(value: ast.expr) -> str:
    """Return the constructor, or the other variable, that a value comes from, `""` where it comes from none."""
    if isinstance(value, ast.Await):
        value = value.value
    if isinstance(value, ast.Call):
        return dotted(value.func)
    if isinstance(value, ast.Name):
        return value.id
    if isinstance(value, ast.BoolOp):
        # `client or httpx.Client()`
        return next((name for operand in reversed(value.values) if (name := constructor(operand))), "")
    return ""


def annotated_class(annotation: ast.expr) -> str:
    """Return the class an annotation names: `X`, `"X"`, `X | None`, `Optional[X]`, `Annotated[X, ...]`."""
    # Left operands first, on a stack of our own: a union of a thousand classes would overflow Python's.
    waiting = [annotation]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.BinOp):
            waiting += (node.right, node.left)
        elif isinstance(node, ast.Subscript) and dotted(node.value).rpartition(".")[2] in ("Optional", "Annotated"):
            inner = node.slice
            waiting.append(inner.elts[0] if isinstance(inner, ast.Tuple) and inner.elts else inner)
        elif name := _class_name(node):
            return name
    return ""


def _class_name(node: ast.expr) -> str:
    if isinstance(node, ast.Subscript):
        return dotted(node.value)
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value if node.value.replace(".", "").isidentifier() else ""
    return dotted(node)
