"""Whether a text outside of a module may take a name from it: an import, an attribute, a path in a text.

A module's imports are names of it like any other: tests replace `shop.orders.time`, other modules import it from there. What is
read here errs to the side of use, as an import that nothing uses does no harm, and one that is missed does.
"""

from __future__ import annotations

import ast
import functools
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from golden_rules.source.parsing import Unparseable, parse
from golden_rules.source.text import SourceText
from golden_rules.source.trees import dotted

_PYTHON = (".py", ".pyi", ".pyw")
# Code that `ast` cannot read.
_NEARLY_PYTHON = (".pyx", ".pxd", ".pxi")
_OBJECTS = ("self", "cls")
_PROSE = (".md", ".rst", ".txt", ".adoc")


@dataclass(frozen=True, slots=True)
class Taken:
    """What a file may take from modules, whichever they are.

    Attributes:
        imported: Names that are imported, `*` among them, each after the last part of where it is from.
        attributes: Attributes of anything that may be a module of the project.
        texts: All texts in the code.
        known: What may be a module's own name: parts of what is imported, attributes, parameters.
    """

    imported: frozenset[tuple[str, str]]
    attributes: frozenset[str]
    texts: frozenset[str]
    known: frozenset[str]

    def has(self, module: str, name: str) -> bool:
        """Return whether a name of a module is among them."""
        if module not in self.known and not any(module in text for text in self.texts):
            return False
        if not self.imported.isdisjoint([(module, name), (module, "*")]) or name in self.attributes:
            return True
        return name in self.texts or any(_said_in(text, module, name) for text in self.texts if name in text)


def taken(text: str, own: Collection[str]) -> Taken | None:
    """Return what Python code takes from modules, `None` where it does not parse.

    Args:
        text: The code.
        own: The names of the project's outermost packages and modules: what is imported from elsewhere is none of them.
    """
    try:
        nodes = list(ast.walk(parse(SourceText(text))))
    except (Unparseable, RecursionError):
        return None
    foreign = frozenset(_foreign(nodes, own))
    imported: set[tuple[str, str]] = set()
    attributes: set[str] = set()
    texts: set[str] = set()
    known: set[str] = set()
    for node in nodes:
        match node:
            case ast.Constant(value=str(text)):
                texts.add(text)
            case ast.arg(arg=parameter):
                known.add(parameter)
            case ast.Import(names=names):
                known.update(part for alias in names for part in alias.name.split("."))
            case ast.ImportFrom(module=base, names=names):
                parts = (base or "").split(".")
                imported.update((parts[-1], alias.name) for alias in names)
                known.update(parts, [alias.name for alias in names])
            case ast.Call(func=ast.Attribute(attr="multiple") | ast.Name(id="multiple"), keywords=keywords):
                texts.update(keyword.arg for keyword in keywords if keyword.arg)
            case ast.Attribute(attr=attribute, value=value):
                known.add(attribute)
                # What a call returns may be the module: `import_module("shop.orders").time`.
                chain = dotted(value)
                if "(" in chain or (chain not in _OBJECTS and chain.partition(".")[0] not in foreign):
                    attributes.add(attribute)
            case _:
                pass
    return Taken(frozenset(imported), frozenset(attributes), frozenset(texts), frozenset(known))


def is_python(path: str) -> bool:
    """Whether `taken` reads a file."""
    return path.endswith(_PYTHON)


def may_take(text: str, path: str, module: str, name: str) -> bool:
    """Return whether a text that `taken` does not read may take a name from a module."""
    if path.endswith((*_PYTHON, *_NEARLY_PYTHON)):
        return all(_word(word).search(text) for word in (module, name))
    return _said_in(text, module, name)


def fills_in_module(text: str, name: str) -> bool:
    """Return whether a text holds a path to a name of which the module is filled in: `f"{MODULE}.time"`."""
    return _open_path(name).search(text) is not None


def mentions_word(text: str, path: str, name: str) -> bool:
    """Return whether a text mentions a name; where people write sentences, only as they write code."""
    if path.endswith(_PROSE):
        return _code_in_prose(name).search(text) is not None
    # Reports and baselines quote what they found.
    return (_end_of_path(name) if path.endswith(".json") else _word(name)).search(text) is not None


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


def _said_in(text: str, module: str, name: str) -> bool:
    """Whether words about code, as in documentation, examples and settings, take a name from a module."""
    return any(pattern.search(text) for pattern in _said(module, name, frozenset(_aliases(module).findall(text))))


@functools.lru_cache(maxsize=1000)
def _said(module: str, name: str, aliases: frozenset[str]) -> tuple[re.Pattern[str], ...]:
    known = "|".join(map(re.escape, sorted({module, *aliases})))
    path = rf"(?<!\w)(?:{known})\s*[.:]\s*{re.escape(name)}(?!\w)"
    imported = rf"(?<!\w){re.escape(module)}\s+import\b\s*(?:\([^)]*?|[^\n(]*?)(?:\*|(?<!\w){re.escape(name)}(?!\w))"
    return re.compile(path), re.compile(imported)


@functools.lru_cache(maxsize=1000)
def _aliases(module: str) -> re.Pattern[str]:
    return re.compile(rf"(?<!\w){re.escape(module)}\s+as\s+(\w+)")


@functools.lru_cache(maxsize=1000)
def _open_path(name: str) -> re.Pattern[str]:
    # As in `"%s.time" % MODULE` and `MODULE + ".time"`, too.
    return re.compile(rf"""(?:["'}}]|%\w)[.:]{re.escape(name)}(?!\w)""")


@functools.lru_cache(maxsize=1000)
def _end_of_path(name: str) -> re.Pattern[str]:
    return re.compile(rf"[.:]{re.escape(name)}(?!\w)")


@functools.lru_cache(maxsize=1000)
def _word(name: str) -> re.Pattern[str]:
    return re.compile(rf"(?<!\w){re.escape(name)}(?!\w)")


@functools.lru_cache(maxsize=1000)
def _code_in_prose(name: str) -> re.Pattern[str]:
    word = re.escape(name)
    return re.compile(
        rf"""[`.@:"']{word}(?!\w)|(?<!\w){word}[(`]|\bimport\b[^\n]*(?<!\w){word}(?!\w)|>>>[^\n]*(?<!\w){word}(?!\w)"""
    )
