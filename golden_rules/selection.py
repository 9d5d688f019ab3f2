"""Which rules are on: selectors, and the order in which they prevail.

A selector is `ALL`, a prefix of codes that takes in their letters (`GR`, `GR1`, `GR101`), or a rule's name.
The more specific selector wins, and `ignore` wins over `select` between equals, as in ruff.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple, TypeVar

from golden_rules.errors import did_you_mean

EVERYTHING = "ALL"
_CODE = r"([A-Z]+)\d+"
T = TypeVar("T")


class Selection(NamedTuple):
    """One layer of selectors: a configuration's, or the command line's on top of it."""

    select: tuple[str, ...] | None = None
    """What is on; None leaves on what the layer below has on."""
    ignore: tuple[str, ...] = ()
    extend_select: tuple[str, ...] = ()


def enabled(layers: tuple[Selection, ...], known: Iterable[str]) -> frozenset[str]:
    """Return the codes that the layers leave on.

    `known` holds the codes of the rules; where selectors may be names too, it maps codes to names.
    """
    names = tuple(known.items()) if isinstance(known, Mapping) else tuple((code, "") for code in known)
    return _enabled(layers, names)


@functools.lru_cache(maxsize=64)
def _enabled(layers: tuple[Selection, ...], names: tuple[tuple[str, str], ...]) -> frozenset[str]:
    on: set[str] = set()
    for layer in layers:
        if layer.select is not None:
            on.clear()
        for code, name in names:
            selected = _specificity((*(layer.select or ()), *layer.extend_select), code, name)
            ignored = _specificity(layer.ignore, code, name)
            if selected > ignored:
                on.add(code)
            elif ignored >= 0:
                on.discard(code)
    return frozenset(on)


def selected_by(selectors: tuple[str, ...], known: Iterable[str]) -> frozenset[str]:
    """Return the codes that any of the selectors takes in."""
    return enabled((Selection(select=selectors),), known)


def _specificity(selectors: Iterable[str], code: str, name: str) -> int:
    """Return the length of the most specific selector for a rule, or -1 where none takes it in."""
    return max((reach(selector, code, name) for selector in selectors), default=-1)


def reach(selector: str, code: str, name: str) -> int:
    """Return how specific a selector is for a rule, or -1 where it does not take it in."""
    if selector == EVERYTHING:
        return 0
    if selector == name:
        return len(code)
    return len(selector) if _is_prefix(selector, code) else -1


def _is_prefix(selector: str, code: str) -> bool:
    return code.startswith(selector) and len(selector) >= len(code.rstrip("0123456789"))


def most_specific(entries: Iterable[tuple[str, T]], code: str, name: str) -> T | None:
    """Return what stands beside the most specific selector for a rule, the last of equals, or `None`."""
    best: tuple[int, T] | None = None
    for selector, value in entries:
        how = reach(selector, code, name)
        if how >= 0 and (best is None or how >= best[0]):
            best = (how, value)
    return None if best is None else best[1]


def nearest_rule(wrong: str, known: Collection[str]) -> str:
    """Return the end of a sentence that names the rule, or the rules, that a mistyped selector may mean; `""` where none is near.

    A code is looked for among those that start alike: `GR299` is none of the rules about comments, for all that it reads so.
    `known` holds codes and names.
    """
    match = re.match(_CODE, wrong.upper())
    codes = sorted(word for word in known if re.fullmatch(_CODE, word))
    if match is None or not any(code.startswith(match[1]) for code in codes):
        return did_you_mean(wrong, known)
    beginnings = [wrong.upper()[:length] for length in range(len(wrong), len(match[1]), -1)]
    alike = next((found for start in beginnings if (found := [code for code in codes if code.startswith(start)])), [])
    likely = [code for code in alike if sorted(code) == sorted(wrong.upper())] or alike
    if len(likely) == 1:
        return f": did you mean `{likely[0]}`?"
    return f": there are `{alike[0]}` to `{alike[-1]}`" if alike else ""


def is_selector(text: str, known: Collection[str]) -> bool:
    """Tell whether a selector takes in any of the known codes or names."""
    return text == EVERYTHING or text in known or any(_is_prefix(text, code) for code in known)
