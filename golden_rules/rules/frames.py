"""Which functions look at the frame of a caller, themselves or through others of their file.

A decorator puts a frame of its own between a function and whoever calls it. `warnings.warn` and logging pass over it; code that
counts frames by itself finds it where it expects the caller.
"""

from __future__ import annotations

import ast
import functools
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from golden_rules.source.trees import dotted, walk

if TYPE_CHECKING:
    from golden_rules.source.outline import Function, Outline

_LOOKING_WORDS = frozenset({"_getframe", "_getframemodulename", "currentframe", "getouterframes", "stack"})
_LOOKING = re.compile(r"(^|\.)(_getframe|_getframemodulename|currentframe|getouterframes)$|^inspect\.stack$")
_TAKING_DEPTH = re.compile(r"(^|\.)(_getframe|_getframemodulename)$")
_GIVING_FRAMES = re.compile(r"(^|\.)(getouterframes|inspect\.stack)$")


@dataclass(frozen=True, slots=True)
class _Far:
    """A function that looks further up than at its own caller.

    Attributes:
        parameter: The parameter that says how far; `""` where it says so itself.
    """

    function: Function
    parameter: str

    def told_by(self, call: ast.Call) -> ast.expr | None:
        """Return what a call hands to that parameter."""
        for keyword in call.keywords:
            if keyword.arg == self.parameter:
                return keyword.value
        bound = self.function.owner is not None and isinstance(call.func, ast.Attribute)
        places = dict(zip(_positional(self.function)[bound:], call.args, strict=False))
        return places.get(self.parameter)


def looks_at_caller(outline: Outline, function: Function) -> str:
    """Return the call by which a function looks at a frame above its own, as written; `""` where none does.

    Such a call may also be of a function of the same file that looks at its caller's caller, or as far as it is told.
    """
    own = next((call.name for call in function.calls if _LOOKING.search(call.name)), "")
    if own:
        return own
    far = _far_looking(outline)
    return next((call.name for call in function.calls if _called(call.name, far)), "")


@functools.lru_cache(maxsize=1)
def _far_looking(outline: Outline) -> Mapping[str, _Far]:
    """Return the functions of a file that look beyond their own caller, and those that tell them how far as they are told."""
    far: dict[str, _Far] = {}
    for function in outline.functions:
        depth = None if function.called.isdisjoint(_LOOKING_WORDS) else next(_beyond(function.node), None)
        if depth is not None:
            far.setdefault(function.name, _Far(function, _mentioned(function, depth)))
    grown = bool(far)
    while grown:
        found = {
            function.name: told for function in outline.functions if (told := _handing_on(function, far)) is not None
        }
        grown = not found.keys() <= far.keys()
        far = found | far
    return far


def _beyond(node: ast.AST) -> Iterator[ast.expr]:
    """Yield how far up code looks, wherever that is not known to be at most one frame."""
    for current in walk(node):
        match current:
            case ast.Call(func=callee, args=[depth, *_]) if _TAKING_DEPTH.search(dotted(callee)):
                pass
            case ast.Subscript(value=ast.Call(func=callee), slice=depth) if _GIVING_FRAMES.search(dotted(callee)):
                pass
            case ast.Attribute(attr="f_back", value=ast.Attribute(attr="f_back") as depth):
                pass
            case _:
                continue
        if not (isinstance(depth, ast.Constant) and depth.value in (0, 1)):
            yield depth


def _handing_on(function: Function, far: Mapping[str, _Far]) -> _Far | None:
    """Return a function that tells one that looks far to look beyond the caller of both, or as far as it is told itself."""
    if function.called.isdisjoint(far):
        return None
    for call in (node for node in walk(function.node) if isinstance(node, ast.Call)):
        called = _called(dotted(call.func), far)
        told = called.told_by(call) if called is not None else None
        if told is None:
            continue
        parameter = _mentioned(function, told)
        if parameter or _is_more_than_one(told):
            return _Far(function, parameter)
    return None


def _called(written: str, far: Mapping[str, _Far]) -> _Far | None:
    """Return the function that a call names: of something where it is a method, by itself where it is none."""
    found = far.get(written.rpartition(".")[2])
    return found if found is not None and ("." in written) == (found.function.owner is not None) else None


def _is_more_than_one(told: ast.expr) -> bool:
    """Whether a number above one stands in what a function tells of a depth, be it alone or added to something."""
    numbers = (node.value for node in walk(told) if isinstance(node, ast.Constant))
    return any(isinstance(number, int) and number > 1 for number in numbers)


def _mentioned(function: Function, expression: ast.expr) -> str:
    """Return the parameter of a function that an expression mentions."""
    words = {node.id for node in walk(expression) if isinstance(node, ast.Name)}
    arguments = function.node.args
    named = [*_positional(function), *(parameter.arg for parameter in arguments.kwonlyargs)]
    return next((name for name in named if name in words), "")


def _positional(function: Function) -> list[str]:
    arguments = function.node.args
    return [parameter.arg for parameter in (*arguments.posonlyargs, *arguments.args)]
