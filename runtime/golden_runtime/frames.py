"""Wrappers that cannot be told from what they wrap, where code asks who called it, or where it was made."""

from __future__ import annotations

import builtins
import functools
from collections.abc import Callable
from types import CodeType, FunctionType
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")

# `warnings` and `logging` pass over the frames of the import system, which they know by these two words in the file's name;
# there is no other way to be passed over. The brackets say to debuggers and to coverage that there is no such file.
_FILE = "<golden_runtime, passed over like importlib._bootstrap>"


def passed_over(wrapper: Callable[P, R], measured: Callable[..., Any]) -> Callable[P, R]:
    """Return the wrapper of a measured function, made to look like that to code that looks closely.

    Its frames do not count as a stack level in `warnings.warn` and in logging, so a `stacklevel` in the function, or in what
    it calls, names the line that it named before. Its globals are the function's: frameworks (FastAPI before 0.120) look up in
    them what annotations name that are written as text.
    """
    if not isinstance(wrapper, FunctionType):
        return wrapper
    # made anew: a function whose code is replaced is called more slowly from CPython 3.13 on
    made: Any = FunctionType(
        _elsewhere(wrapper.__code__),
        _globals(wrapper, measured),
        wrapper.__name__,
        wrapper.__defaults__,
        wrapper.__closure__,
    )
    again: Callable[P, R] = made
    return again


def _globals(wrapper: FunctionType, measured: Callable[..., Any]) -> dict[str, Any]:
    found = getattr(measured, "__globals__", None)
    # code that was given other built-ins would take the wrapper's from it
    usual = isinstance(found, dict) and found.get("__builtins__") in (builtins, vars(builtins))
    return found if usual and found is not None else wrapper.__globals__


@functools.cache
def _elsewhere(code: CodeType) -> CodeType:
    return code.replace(co_filename=_FILE)
