"""What the class that keeps a counter is: a record with data of its own, or there to count and nothing else."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from golden_rules.rules.handbuilt.increments import bumped
from golden_rules.source.outline import Class
from golden_rules.source.trees import dotted, walk

_MADE_FROM = re.compile(r"^_*from_(dict|json|row|record|mapping|state|bytes)$")
_MADE_INTO = re.compile(r"^_*((to|as)_(dict|json|row|record|mapping|state|bytes)|serialize)$")
_DATA_CLASSES = frozenset(
    {"dataclass", "define", "frozen", "mutable", "attrs", "s", "BaseModel", "NamedTuple", "Struct"}
)
_LOCKS = frozenset({"Lock", "RLock", "Condition", "Semaphore"})
_NUMBERS = frozenset({"int", "float", "Counter", "Decimal"})
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


def is_written(owner: Class, name: str) -> bool:
    """Whether objects of a class are written and read again with an attribute, so that it is data: `Letter.from_dict`."""
    if not any(_MADE_FROM.match(method) for method in _methods(owner)):
        return False
    written = (node for node in owner.node.body if isinstance(node, _FUNCTIONS) and _MADE_INTO.match(node.name))
    return any(isinstance(part, ast.Attribute) and _own(part) == name for node in written for part in walk(node))


def declares(owner: Class, name: str) -> bool:
    """Whether a class is a data class and an attribute one of its fields, which whoever holds an object reads."""
    kinds = {kind.rpartition(".")[2] for kind in (*owner.decorators, *owner.bases)}
    return not kinds.isdisjoint(_DATA_CLASSES) and any(_declared(owner, name))


def only_counts(owner: Class) -> bool:
    """Whether numbers, and locks around them, are all that a class keeps and knows."""
    methods = set(_methods(owner))
    given: dict[str, list[ast.expr]] = {}
    tallies: set[str] = set()
    for node in walk(owner.node):
        match node:
            case ast.Assign(targets=targets, value=value):
                for target in targets:
                    if name := _own(target):
                        given.setdefault(name, []).append(value)
            case ast.AnnAssign(target=target, value=ast.expr() as value):
                if name := _own(target):
                    given.setdefault(name, []).append(value)
            case ast.Attribute():
                if name := _own(node):
                    given.setdefault(name, [])
            case _:
                pass
        counter = bumped(node)
        if isinstance(counter, ast.Subscript) and (name := _own(counter.value)):
            tallies.add(name)
    return bool(given) and all(
        name in methods or name in tallies or _is_number(owner, name, values) for name, values in given.items()
    )


def _methods(owner: Class) -> Iterator[str]:
    return (node.name for node in owner.node.body if isinstance(node, _FUNCTIONS))


def _own(node: ast.expr) -> str:
    """Return the name of an attribute of `self`, or `""`."""
    match node:
        case ast.Attribute(value=ast.Name(id="self"), attr=name):
            return name
        case _:
            return ""


def _declared(owner: Class, name: str) -> Iterator[ast.AnnAssign]:
    for node in owner.node.body:
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.target.id == name:
            yield node


def _is_number(owner: Class, name: str, values: list[ast.expr]) -> bool:
    if not values:
        return any(dotted(field.annotation) in _NUMBERS for field in _declared(owner, name))
    return all(
        (isinstance(value, ast.Constant) and not isinstance(value.value, str | bytes | bool))
        or (isinstance(value, ast.Call) and dotted(value.func).rpartition(".")[2] in _LOCKS)
        or _grows(value, name)
        for value in values
    )


def _grows(value: ast.expr, name: str) -> bool:
    """Whether a value is an attribute and something added to it: `self.sent + 1`."""
    return isinstance(value, ast.BinOp) and _own(value.left) == name
