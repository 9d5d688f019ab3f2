"""Whether a file replaces the clock of a module, as tests do: `mock.patch("shop.orders.time.time")`, `setattr(orders.time, "time", now)`.

What measures with a clock of its own does not notice that. What is read here errs to the side of replacement.
"""

from __future__ import annotations

import ast
import functools
import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass

from golden_rules.findings import Clock
from golden_rules.source.parsing import Unparseable, parse
from golden_rules.source.text import SourceText
from golden_rules.source.trees import dotted

# Libraries and fixtures that stop or move every clock.
_OF_ALL_CLOCKS = frozenset({"freezegun", "time_machine", "freezer", "looptime"})
# Without one of these words, what is called only takes a clock: `Timer(time.time)`.
_REPLACING = re.compile(r"patch|setattr", re.IGNORECASE)
# What is given an attribute's name and only reads it.
_READERS = frozenset({"getattr", "hasattr"})
# What others than tests of one module hold: fixtures and helpers.
_SHARED = re.compile(
    r"(^|/)(conftest|testing|testutils?)\.py$|(^|/)(tests?|testing|testutils?|fixtures?|mocks?)/(?!(.*/)?test_[^/]*$|.*_test\.py$)",
    re.IGNORECASE,
)


def is_shared_by_tests(path: str) -> bool:
    """Whether tests of any module may use what stands in a file: it is a `conftest.py`, or in a folder of tests and none itself."""
    return bool(_SHARED.search(path))


def may_replace_for_all(text: str, clock: Clock) -> bool:
    """Whether it is worth reading a file for a replacement of the clock of all modules: quick, and seldom wrong with yes."""
    if any(name in text for name in _OF_ALL_CLOCKS):
        return True
    return any("=" in found[0] or _REPLACING.search(text) for found in _written(clock.target).finditer(text))


@functools.lru_cache(maxsize=100)
def _written(target: str) -> re.Pattern[str]:
    """Return what finds the first two parts of a clock's name, as a path, as an object and a text, or set."""
    holder, _, name = ".".join(target.split(".")[:2]).rpartition(".")
    return re.compile(rf"\b{re.escape(holder)}(\.|,\s*['\"]){re.escape(name)}\b(\s*=(?!=))?")


@dataclass(frozen=True, slots=True)
class Replacements:
    """What a file may replace in modules, whichever they are.

    Attributes:
        known: What may be a module's own name: parts of what is imported, attributes, parameters.
        texts: All texts in the code.
        pairs: Attributes that are set or handed over, each after the last name of what they are of: `("time", "sleep")` for
            `setattr(orders.time, "sleep", ...)`.
        packages: The last names of what is imported whole, or from.
    """

    known: frozenset[str]
    texts: frozenset[str]
    pairs: frozenset[tuple[str, str]]
    packages: frozenset[str]

    def replaces(self, module: str, clock: Clock) -> bool:
        """Return whether a module's clock is among them, or the clock of all modules in a file that knows this one."""
        if module not in self.known and not any(module in text for text in self.texts):
            return False
        if self.replaces_for_all(clock):
            return True
        name, *_ = written = clock.written.split(".")
        pairs = set(itertools.pairwise(written))
        if any(pair in pairs or pair[1] == name for pair in self.pairs):
            return True
        path = _path(f"{module}.{clock.written}", 2)
        return any(path.search(text) for text in self.texts)

    def replaces_for_all(self, clock: Clock) -> bool:
        """Return whether the clock of all modules is among them."""
        if not self.known.isdisjoint(_OF_ALL_CLOCKS):
            return True
        if not self.pairs.isdisjoint(itertools.pairwise(clock.target.split("."))):
            return True
        whole = _path(clock.target, 2)
        return any(whole.fullmatch(text) for text in self.texts)


def replacements(text: str) -> Replacements | None:
    """Return what Python code replaces in modules, `None` where it does not parse."""
    try:
        nodes = list(ast.walk(parse(SourceText(text))))
    except (Unparseable, RecursionError):
        return None
    known: set[str] = set()
    texts: set[str] = set()
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
                known.update((base or "").split("."), [alias.name for alias in names])
                packages.add((base or "").rpartition(".")[2])
            case ast.Call(func=called) if dotted(called) not in _READERS:
                pairs.update(_handed_over(node))
            case ast.Attribute(attr=attribute, value=value, ctx=context):
                known.add(attribute)
                if not isinstance(context, ast.Load):
                    pairs.add((_last(value), attribute))
            case _:
                pass
    return Replacements(frozenset(known), frozenset(texts), frozenset(pairs), frozenset(packages))


def _handed_over(call: ast.Call) -> Iterator[tuple[str, str]]:
    """Yield the attributes that a call is given: by object and name, as objects, or as keywords of `patch.multiple`."""
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
    if dotted(call.func).rpartition(".")[2] == "multiple":
        yield from (("", keyword.arg) for keyword in call.keywords if keyword.arg)


def _last(node: ast.expr) -> str:
    return dotted(node).rpartition(".")[2]


@functools.lru_cache(maxsize=1000)
def _path(dotted_name: str, least: int) -> re.Pattern[str]:
    """Return what finds a path to a clock: its first `least` parts, and then all others, none, or some from the left.

    `shop.orders.time` and `shop.orders.time.time` are paths to `time.time`, and `shop.orders.time.sleep` is none.
    """
    parts = [re.escape(part) for part in dotted_name.split(".")]
    further = r"(?:\.\w+)*"
    for part in reversed(parts[least:]):
        further = rf"(?:\.{part}{further})?"
    return re.compile(rf"(?<!\w){parts[0]}[.:]{r'[.]'.join(parts[1:least])}{further}(?![\w.])")
