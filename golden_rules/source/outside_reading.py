"""What Python code outside of a module says that may be of it: one reading, for all that is asked before a fix takes something away.

What is read here errs to the side of use and of replacement.
"""

from __future__ import annotations

import ast
import itertools
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from golden_rules.source.parsing import Unparseable, parse
from golden_rules.source.text import SourceText
from golden_rules.source.trees import dotted

_OBJECTS = ("self", "cls")
# What is given an attribute's name and only reads it.
_READERS = frozenset({"getattr", "hasattr"})


@dataclass(frozen=True, slots=True)
class OutsideReading:
    """What a file may take from modules, or replace in them, whichever they are.

    Attributes:
        known: What may be a module's own name: parts of what is imported, attributes, parameters.
        texts: All texts in the code, and the keywords of `patch.multiple`.
        imported: Names that are imported, `*` among them, each after the last part of where it is from.
        attributes: Attributes of anything that may be a module of the project.
        pairs: Attributes that are set or handed over, each after the last name of what they are of: `("time", "sleep")` for
            `setattr(orders.time, "sleep", ...)`.
        packages: The last names of what is imported whole, or from.
    """

    known: frozenset[str]
    texts: frozenset[str]
    imported: frozenset[tuple[str, str]]
    attributes: frozenset[str]
    pairs: frozenset[tuple[str, str]]
    packages: frozenset[str]

    def may_know(self, module: str) -> bool:
        """Return whether the code may reach a module, by the last part of its name."""
        return module in self.known or any(module in text for text in self.texts)


def read_outside(text: str, own: Collection[str]) -> OutsideReading | None:
    """Return what Python code says, `None` where it does not parse.

    Args:
        text: The code.
        own: The names of the project's outermost packages and modules: what is imported from elsewhere is none of them.
    """
    try:
        nodes = list(ast.walk(parse(SourceText(text))))
    except (Unparseable, RecursionError):
        return None
    foreign = frozenset(_foreign(nodes, own))
    known: set[str] = set()
    texts: set[str] = set()
    imported: set[tuple[str, str]] = set()
    attributes: set[str] = set()
    pairs: set[tuple[str, str]] = set()
    packages: set[str] = set()
    for node in nodes:
        match node:
            case ast.Constant(value=str(constant)):
                texts.add(constant)
            case ast.arg(arg=parameter):
                known.add(parameter)
            case ast.Import(names=names):
                known.update(part for alias in names for part in alias.name.split("."))
                packages.update(alias.name.rpartition(".")[2] for alias in names)
            case ast.ImportFrom(module=base, names=names):
                parts = (base or "").split(".")
                known.update(parts, [alias.name for alias in names])
                imported.update((parts[-1], alias.name) for alias in names)
                packages.add(parts[-1])
            case ast.Call(func=called, keywords=keywords):
                if dotted(called) not in _READERS:
                    pairs.update(_handed_over(node))
                if _last(called) == "multiple":
                    texts.update(keyword.arg for keyword in keywords if keyword.arg)
                    pairs.update(("", keyword.arg) for keyword in keywords if keyword.arg)
            case ast.Attribute(attr=attribute, value=value, ctx=context):
                known.add(attribute)
                # What a call returns may be the module: `import_module("shop.orders").time`.
                chain = dotted(value)
                if "(" in chain or (chain not in _OBJECTS and chain.partition(".")[0] not in foreign):
                    attributes.add(attribute)
                if not isinstance(context, ast.Load):
                    pairs.add((_last(value), attribute))
            case _:
                pass
    return OutsideReading(
        frozenset(known),
        frozenset(texts),
        frozenset(imported),
        frozenset(attributes),
        frozenset(pairs),
        frozenset(packages),
    )


def _handed_over(call: ast.Call) -> Iterator[tuple[str, str]]:
    """Yield the attributes that a call is given: by object and name, or as objects."""
    for value, following in itertools.zip_longest(call.args, call.args[1:]):
        match value, following:
            case ast.Constant(), _:
                pass
            case ast.expr(), ast.Constant(value=str(name)):
                yield _last(value), name
            case ast.Attribute(value=holder, attr=name), _:
                yield _last(holder), name
            case _:
                pass


def _last(node: ast.expr) -> str:
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
        case _:
            return ""


def _foreign(nodes: list[ast.AST], own: Collection[str]) -> Iterator[str]:
    """Yield the names that stand for what is imported from outside of the project, and for nothing else."""
    imported: dict[str, bool] = {}
    bound: set[str] = set()
    for node in nodes:
        match node:
            case ast.Import(names=names):
                for alias in names:
                    root = alias.name.partition(".")[0]
                    local = alias.asname or root
                    imported[local] = imported.get(local, True) and root not in own
            case ast.ImportFrom(module=base, level=level, names=names):
                outside = not level and (base or "").partition(".")[0] not in own
                for alias in names:
                    local = alias.asname or alias.name
                    imported[local] = imported.get(local, True) and outside
            case ast.Name(id=name, ctx=ast.Store()) | ast.arg(arg=name):
                bound.add(name)
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                bound.add(name)
            case _:
                pass
    yield from (name for name, outside in imported.items() if outside and name not in bound)
