"""Which names a file mentions that may stand for something at the top level of another."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator

from golden_rules.source.importing import imported_names
from golden_rules.source.outline import Outline

_WORD = re.compile(r"[A-Za-z_]\w*")
# Possessive, and from the start of a word only: a word that no dot follows is passed over in one step.
_CHAIN = re.compile(r"\b[A-Za-z_]\w*+(?:\s*+\.\s*+[A-Za-z_]\w*+)++")
_TEXT = re.compile(r"""['"]([A-Za-z_][\w.:]*)['"]""")
# The same for a text of ASCII alone, in half of the time.
_ASCII_CHAIN, _ASCII_TEXT = (re.compile(pattern.pattern, re.ASCII) for pattern in (_CHAIN, _TEXT))
# Where names stand in texts of one word: exports, and look-ups by name. Elsewhere only a path to something names it.
_BY_NAME = ("__all__", "getattr", "import_module")


def mentions(outline: Outline, text: str) -> set[str]:
    """Return the names in a file that may stand for something at the top level of another: imports, attributes of modules, texts.

    They are read from the source text, comments included, which is fast and errs to the side of use.
    """
    own = {(name, target) for name, target in _imported(outline) if _may_be_own(target)}
    found = {target.rpartition(".")[2] for _, target in own}
    local = {name for name, _ in own}
    chain_of, text_of = (_ASCII_CHAIN, _ASCII_TEXT) if text.isascii() else (_CHAIN, _TEXT)
    for chain in set(chain_of.findall(text)) if local else ():
        # A sentence of a comment can run on into the code below it, so the module need not stand first.
        parts = [part.strip() for part in chain.split(".")]
        if not local.isdisjoint(parts):
            found.update(parts)
    if outline.star_import:
        found.update(_WORD.findall(text))
    by_name = any(word in text for word in _BY_NAME)
    for name in set(text_of.findall(text)):
        last = name.replace(":", ".").rpartition(".")[2]
        if by_name or last != name:
            found.add(last)
    return found


def _imported(outline: Outline) -> Iterator[tuple[str, str]]:
    """Yield each name that is imported anywhere in a file, as often as it is, with what it stands for."""
    statements: list[ast.stmt] = [entry.node for entry in outline.imports]
    statements += [item for owner in outline.classes for item in owner.node.body]
    for statement in statements:
        if isinstance(statement, ast.Import | ast.ImportFrom):
            yield from imported_names(statement, outline.package)
    for function in outline.functions:
        yield from function.imports.items()


def _may_be_own(target: str) -> bool:
    return target.partition(".")[0] not in sys.stdlib_module_names


def words(text: str) -> set[str]:
    """Return all that may be a name in a text: what stands for `mentions` where a file does not parse."""
    return set(_WORD.findall(text))
