"""Which names a file mentions that may stand for something at the top level of another."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Collection, Iterator

from golden_rules.source.importing import imported_names
from golden_rules.source.outline import Outline
from golden_rules.source.text import matches_of

_WORD = re.compile(r"[^\W\d]\w*")
# Possessive, and from the start of a word only: a word that no dot follows is passed over in one step.
_CHAIN = re.compile(r"\b[^\W\d]\w*+(?:\s*+\.\s*+[^\W\d]\w*+)++")
# The same for a text of ASCII alone, in half of the time.
_ASCII_CHAIN = re.compile(_CHAIN.pattern, re.ASCII)
_PATH = re.compile(r"[^\W\d][\w.:]*")
# Where names stand in texts of one word: exports, and look-ups by name. Elsewhere only a path to something names it.
_BY_NAME = ("__all__", "attr(", "attrgetter", "import_module", "patch.object", "spy(", "vars(", "__dict__")
# Where a module is asked for names that only the run of the program knows.
_ASKING = ("attr(", "vars(", "dir(", "getmembers(")
_ANY_OF = re.compile(r"(?:(?<=[a-z])attr|\bvars|\bdir|\bgetmembers)\(\s*([^\W\d][\w.]*)\s*[,)](?!\s*['\"])")
_DICT_OF = re.compile(r"\b([^\W\d][\w.]*)\.__dict__\b")
_ITSELF = ("globals()", "vars()", "modules[__name__]", "def __getattr__")
_OF_ITSELF = re.compile(r"\bglobals\(\)|\bvars\(\)|\bmodules\[__name__\]|^def __getattr__\b", re.MULTILINE)


def mentions(outline: Outline, text: str) -> set[str]:
    """Return the names in a file that may stand for something at the top level of another: imports, attributes of modules, texts.

    They are read from the source text, comments included, which is fast and errs to the side of use.
    """
    own = {(name, target) for name, target in _imported(outline) if _may_be_own(target)}
    found = {target.rpartition(".")[2] for _, target in own}
    local = {name for name, _ in own}
    chain_of = _ASCII_CHAIN if text.isascii() else _CHAIN
    # All blanks are taken out at once, which is much faster than chain by chain.
    chains = "".join("|".join(set(chain_of.findall(text))).split()) if local else ""
    for chain in chains.split("|"):
        # A sentence of a comment can run on into the code below it, so the module need not stand first.
        parts = chain.split(".")
        if not local.isdisjoint(parts):
            found.update(parts)
    # `patch.multiple("shop.metrics", PLACED=None)` names what it changes by keywords.
    if outline.star_import or ".multiple(" in text:
        found.update(_WORD.findall(text))
    by_name = any(word in text for word in _BY_NAME)
    # What stands between two quotes need not be a text, and is taken for one: that is several times as fast as to tell.
    for name in set(text.replace("'", '"').split('"')):
        if (by_name or "." in name or ":" in name) and _PATH.fullmatch(name):
            found.update(name.replace(":", ".").split("."))
    found.update(_asked_for_any(text, own))
    return found - {""}


def any_name(module: str) -> str:
    """Return what stands among the mentions of a file for every name of a module, by the last part of the module's own."""
    return f"*{module.rpartition('.')[2]}"


def looks_up_itself(text: str) -> bool:
    """Whether a file looks up its own names by what the run of the program tells: `globals()[kind]`, a `__getattr__`."""
    return any(word in text for word in _ITSELF) and _OF_ITSELF.search(text) is not None


def _asked_for_any(text: str, own: Collection[tuple[str, str]]) -> Iterator[str]:
    asked = {match[1] for match in matches_of(_ANY_OF, _ASKING, text)}
    if "__dict__" in text:
        asked.update(_DICT_OF.findall(text))
    for name in asked:
        root, _, rest = name.partition(".")
        yield from (any_name(f"{target}.{rest}" if rest else target) for bound, target in own if bound == root)


def _imported(outline: Outline) -> Iterator[tuple[str, str]]:
    """Yield each name that is imported anywhere in a file, as often as it is, with what it stands for."""
    for entry in outline.imports:
        yield from entry.names
    for owner in outline.classes:
        for statement in owner.node.body:
            if isinstance(statement, ast.Import | ast.ImportFrom):
                yield from imported_names(statement, outline.package)
    for function in outline.functions:
        yield from function.imports.items()


def _may_be_own(target: str) -> bool:
    return target.partition(".")[0] not in sys.stdlib_module_names


def words(text: str) -> set[str]:
    """Return all that may be a name in a text: what stands for `mentions` where a file does not parse."""
    return set(_WORD.findall(text))
