"""Whether a text outside of a module may take a name from it: an import, an attribute, a path in a text.

A module's imports are names of it like any other: tests replace `shop.orders.time`, other modules import it from there. What is
read here errs to the side of use, as an import that nothing uses does no harm, and one that is missed does.
"""

from __future__ import annotations

import functools
import re

from golden_rules.source.outside_reading import OutsideReading

_PYTHON = (".py", ".pyi", ".pyw")
# Code that `ast` cannot read.
_NEARLY_PYTHON = (".pyx", ".pxd", ".pxi")
_PROSE = (".md", ".rst", ".txt", ".adoc")


def takes(reading: OutsideReading, module: str, name: str) -> bool:
    """Return whether a name of a module, by the last part of its own, is among what Python code takes."""
    if not reading.may_know(module):
        return False
    if not reading.imported.isdisjoint([(module, name), (module, "*")]) or name in reading.attributes:
        return True
    return name in reading.texts or any(_said_in(text, module, name) for text in reading.texts if name in text)


def is_python(path: str) -> bool:
    """Whether `read_outside` reads a file."""
    return path.endswith(_PYTHON)


def may_take(text: str, path: str, module: str, name: str) -> bool:
    """Return whether a text that `read_outside` does not read may take a name from a module."""
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
