"""Where a measuring decorator goes among those that a function has already.

What registers, replaces or describes a function (routes, tasks, static and class methods, properties, context managers) stands
above it, everything else as well, unless `decorator-order` says otherwise; by default, what calls the function again stands
below it, so that one point in a series stands for the whole, retries included.
"""

from __future__ import annotations

import ast
import functools
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from golden_rules.frameworks import registering_decorator
from golden_rules.rules.applied import Applied, applied
from golden_rules.rules.barriers import barrier
from golden_rules.rules.frames import looks_at_caller
from golden_rules.settings import MEASURING, RETRYING
from golden_rules.source.trees import dotted, walk

if TYPE_CHECKING:
    from golden_rules.rules.base import Subject
    from golden_rules.source.outline import Function, Outline

_DEFAULT_ORDER = (MEASURING, RETRYING)
_RETRYING = re.compile(
    r"(^|_)(retry|retries|retried|retrying|retryable)($|_)|^on_(exception|predicate)$", re.IGNORECASE
)
_OF_CLASSES = frozenset({"staticmethod", "classmethod"})
# What tells of the code that a name stands for, which is the wrapper's under a decorator; all else is made to look alike.
_OF_CODE = frozenset({"__code__", "__closure__"})
_READS_CODE = frozenset({"getfile", "getsourcefile", "getabsfile", "getclosurevars"})
_TELLS_OF_CODE = _OF_CODE | _READS_CODE
# Decorators that compile the function they are given, and can do nothing with a wrapper.
_COMPILING = frozenset(
    {"jit", "njit", "vectorize", "guvectorize", "cfunc", "kernel", "triton_op", "custom_op", "script"}
)
_PROTOCOL = re.compile(r"(^|\.)Protocol(\[|$)")
_UNFINISHED = frozenset({"abstractmethod", "abstractclassmethod", "abstractstaticmethod", "overload"})


# What an ASGI application takes. uvicorn calls what it is given without any of it: a coroutine function raises TypeError there and
# then, a decorated one when it is awaited, which makes it a factory of applications.
_OF_ASGI = ("scope", "receive", "send")


def can_be_decorated(outline: Outline, function: Function) -> bool:
    """Whether a function does the same under a decorator: not where it looks at its caller's frame, or is compiled."""
    return not is_unfinished(function) and not why_not_decorated(outline, function)


def why_not_decorated(outline: Outline, function: Function) -> str:
    """Return in words why a function with a body does not bear a decorator; `""` where it does."""
    compiling = _COMPILING & _last_words(function)
    if compiling:
        return f"`{min(compiling)}` can do nothing with a decorated function"
    if _is_asgi_application(function):
        return "uvicorn takes a decorated application for a factory of applications"
    looking = looks_at_caller(outline, function)
    if looking:
        return f"`{looking}` would find the decorator in place of the caller"
    asked = _asked_for_code(outline).get(function.name)
    return f"`{asked}` would tell of the decorator" if asked else ""


def _is_asgi_application(function: Function) -> bool:
    if not function.is_async or (function.owner is not None and function.node.name != "__call__"):
        return False
    names = tuple(parameter.arg for parameter in function.node.args.args)
    return names == _OF_ASGI if function.owner is None else names[1:] == _OF_ASGI


@functools.lru_cache(maxsize=1)
def _asked_for_code(outline: Outline) -> Mapping[str, str]:
    """Return the names that a file reads the code of, which a decorator does not hand on, with what reads it as written."""
    if not any(_TELLS_OF_CODE & function.words.found for function in outline.functions):
        return {}
    found: dict[str, str] = {}
    for node in walk(outline.tree):
        match node:
            case ast.Attribute(value=value, attr=attribute) if attribute in _OF_CODE and (name := dotted(value)):
                found.setdefault(name.removesuffix(".__func__").rpartition(".")[2], f"{name}.{attribute}")
            case ast.Call(func=callee, args=[value]) if dotted(callee).rpartition(".")[2] in _READS_CODE:
                found.setdefault(dotted(value).rpartition(".")[2], f"{dotted(callee)}({dotted(value)})")
            case _:
                pass
    return found


def is_unfinished(function: Function) -> bool:
    """Whether a function has no body of its own, and another one of its name is called in its place."""
    return function.is_stub and (not _UNFINISHED.isdisjoint(_last_words(function)) or _is_of_protocol(function))


def _is_of_protocol(function: Function) -> bool:
    bases = function.owner.node.bases if function.owner is not None else ()
    return any(_PROTOCOL.search(ast.unparse(base)) for base in bases)


def _last_words(function: Function) -> set[str]:
    return {written.rpartition(".")[2] for written in function.decorators}


def measuring_place(subject: Subject) -> int:
    """Return how many of a function's decorators stay above a measuring one."""
    entries = {entry.index: entry for entry in applied(subject.outline, subject.function, subject.config)}
    order = subject.config.decorator_order or _DEFAULT_ORDER
    at = order.index(MEASURING)
    place = len(subject.function.decorators)
    for index in reversed(range(place)):
        entry = entries.get(index)
        if entry is None:
            continue
        if _is_named(entry, order[:at]) or has_to_stay_above(entry):
            break
        if _is_named(entry, order[at + 1 :]):
            place = index
    return place


def out_of_order(subject: Subject, measuring: Applied) -> tuple[Applied, bool] | None:
    """Return the decorator that `decorator-order` wants on the other side of a measuring one, and whether it wants it above.

    Returns `None` where all is in order, or nothing is configured, or a decorator that has to stay above is in the way.
    """
    order = subject.config.decorator_order
    if not order:
        return None
    at = order.index(MEASURING)
    entries = list(applied(subject.outline, subject.function, subject.config))
    for entry in reversed(entries):
        if entry.index > measuring.index and _is_named(entry, order[:at]):
            return entry, True
    for entry in reversed(entries):
        if entry.index < measuring.index and has_to_stay_above(entry):
            return None
        if entry.index < measuring.index and _is_named(entry, order[at + 1 :]):
            return entry, False
    return None


def insertion_point(subject: Subject, place: int) -> tuple[int, str]:
    """Return the offset at which a line under the first `place` decorators of a function starts, and its indent."""
    function, source = subject.function, subject.source
    nodes = function.node.decorator_list
    line = nodes[place].lineno if place < len(nodes) else function.line
    text = source.line(line)
    return source.line_start(line), text[: len(text) - len(text.lstrip())]


def has_to_stay_above(entry: Applied) -> bool:
    """Whether a decorator registers, replaces or describes a function, so that a measuring one must stand below it."""
    last = entry.written.rpartition(".")[2]
    return last in _OF_CLASSES or barrier(entry) is not None or bool(registering_decorator(entry.written, entry.target))


def _is_named(entry: Applied, names: tuple[str, ...]) -> bool:
    last = entry.written.rpartition(".")[2]
    return any(
        _RETRYING.search(last) is not None if name == RETRYING else name in (entry.written, entry.target, last)
        for name in names
    )
