"""The metric objects of a file that a decorator can take the place of: series, labels and meaning stay, the object goes.

That takes a counter of `prometheus_client` at the top level, made of literals, that one place feeds and nothing else in the file
mentions. Under its name the runtime's decorator exposes the same series.
"""

from __future__ import annotations

import ast
import functools
import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from golden_rules.catalogue.series import translated
from golden_rules.findings import Edit
from golden_rules.rules.effects import is_plain
from golden_rules.source.deletion import without_definitions
from golden_rules.source.mentions import looks_up_itself
from golden_rules.source.names import resolve
from golden_rules.source.text import count_word
from golden_rules.source.trees import arguments, bound_by, dotted, walk

if TYPE_CHECKING:
    from golden_rules.rules.base import Subject
    from golden_rules.source.outline import Outline

# What both write the same way: the runtime turns every other name into one of these.
_SERIES = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
# The arguments of a counter that say under what name and labels it stands, in their order.
_ARGUMENTS = ("name", "documentation", "labelnames", "namespace", "subsystem")


@dataclass(frozen=True, slots=True)
class Feed:
    """The one place that feeds a counter by one.

    Attributes:
        name: The name of the counter in the file.
        series: That of its series, as both clients take it.
        labels: For each label, what is given to it.
        removal: The edit that takes the counter out of the file.
    """

    name: str
    series: str
    labels: dict[str, ast.expr]
    removal: Edit


def feed(subject: Subject, call: ast.Call) -> Feed | str:
    """Return what `COUNTER.inc()` or `COUNTER.labels(...).inc()` feeds, or in words why no decorator can take its place."""
    match call:
        case ast.Call(func=ast.Attribute(value=ast.Name(id=name), attr="inc")) if _by_one(call):
            given: ast.Call | None = None
        case ast.Call(
            func=ast.Attribute(
                value=ast.Call(func=ast.Attribute(value=ast.Name(id=name), attr="labels")) as given, attr="inc"
            )
        ) if _by_one(call):
            pass
        case ast.Call(
            func=ast.Attribute(
                value=(ast.Attribute() as other)
                | ast.Call(func=ast.Attribute(value=ast.Attribute() as other, attr="labels")),
                attr="inc",
            )
        ) if _by_one(call):
            return f"`{ast.unparse(other)}` is no counter at the top level of this file"
        case _:
            return "it feeds no counter of `prometheus_client` by one"
    statement = _definition(subject.outline, name)
    if statement is None:
        return f"`{name}` is no counter of `prometheus_client` that this file makes"
    if _mentions(subject, name) != 2:
        return f"this file mentions `{name}` elsewhere, too"
    if looks_up_itself(subject.source.text):
        return f"this file may look `{name}` up by its name"
    made = _made(subject.outline, statement.value)
    if made is None:
        return f"`{name}` is made of more than texts"
    series, names = made
    labels = _labels(names, given)
    removal = without_definitions(subject.source, subject.outline.tree, [statement])
    if labels is None or removal is None:
        return f"`{name}` is fed or made in an unusual way"
    if not _keeps_its_name(series, subject.config.namespace):
        return f"the runtime would not keep the name `{series}`"
    return Feed(name, series, labels, removal[0])


def _by_one(call: ast.Call) -> bool:
    amounts = [*call.args, *(keyword.value for keyword in call.keywords if keyword.arg == "amount")]
    if len(amounts) < arguments(call) or len(amounts) > 1:
        return False
    return all(isinstance(amount, ast.Constant) and amount.value == 1 for amount in amounts)


def _definition(outline: Outline, name: str) -> ast.Assign | ast.AnnAssign | None:
    """Return the statement at the top level that makes a counter of that name."""
    for statement in outline.tree.body:
        match statement:
            case (
                ast.Assign(targets=[ast.Name(id=target)], value=ast.Call(func=maker))
                | ast.AnnAssign(target=ast.Name(id=target), value=ast.Call(func=maker))
            ) if target == name:
                return statement if resolve(outline, None, dotted(maker)) == "prometheus_client.Counter" else None
            case _:
                pass
    return None


def _made(outline: Outline, value: ast.expr | None) -> tuple[str, tuple[str, ...]] | None:
    """Return the name of the series and the labels that a counter is made with, where these are texts, and all that is said."""
    if not isinstance(value, ast.Call) or len(value.args) > len(_ARGUMENTS):
        return None
    given = dict(zip(_ARGUMENTS, value.args, strict=False))
    given.update((keyword.arg, keyword.value) for keyword in value.keywords if keyword.arg is not None)
    if len(given) < arguments(value) or not given.keys() <= set(_ARGUMENTS):
        return None
    if not {"name", "documentation"} <= given.keys() or not is_plain(given["documentation"]):
        return None
    parts = [_text(outline, given[part]) for part in ("namespace", "subsystem", "name") if part in given]
    labels = given.get("labelnames", ast.Tuple(elts=[], ctx=ast.Load()))
    if not isinstance(labels, ast.List | ast.Tuple):
        return None
    written = [_text(outline, item) for item in labels.elts]
    if None in parts or None in written:
        return None
    return "_".join(filter(None, parts)), tuple(filter(None, written))


def _text(outline: Outline, node: ast.expr) -> str | None:
    """Return a text that is written out, or that a constant of the file stands for, which nothing else sets."""
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.Name(id=name):
            found = [value for item in outline.tree.body if (value := _constant(item, name)) is not None]
            return found[0] if found and _times_bound(outline)[name] == 1 else None
        case _:
            return None


# Asked for each counter of a file.
@functools.lru_cache(maxsize=1)
def _times_bound(outline: Outline) -> Counter[str]:
    """Return how often each name is bound or unbound anywhere in a file."""
    return Counter(name for node in walk(outline.tree) for name in set(bound_by(node)))


def _constant(statement: ast.stmt, name: str) -> str | None:
    match statement:
        case (
            ast.Assign(targets=[ast.Name(id=target)], value=ast.Constant(value=str(text)))
            | ast.AnnAssign(target=ast.Name(id=target), value=ast.Constant(value=str(text)))
        ) if target == name:
            return text
        case _:
            return None


def _labels(names: tuple[str, ...], given: ast.Call | None) -> dict[str, ast.expr] | None:
    if given is None:
        return None if names else {}
    if any(isinstance(value, ast.Starred) for value in given.args) or any(item.arg is None for item in given.keywords):
        return None
    labels = dict(zip(names, given.args, strict=False))
    labels.update((item.arg, item.value) for item in given.keywords if item.arg is not None)
    return labels if set(labels) == set(names) else None


def _mentions(subject: Subject, name: str) -> int:
    """Count the words of a file that are a name, comments and texts included: its definition and one use are two."""
    return count_word(subject.source.text, name)


def _keeps_its_name(series: str, namespace: str | None) -> bool:
    """Whether the runtime exposes a series under its own name: it puts a namespace before what is not below it."""
    below = f"{translated(namespace)}_" if namespace else ""
    return bool(_SERIES.fullmatch(series)) and series.startswith(below)
