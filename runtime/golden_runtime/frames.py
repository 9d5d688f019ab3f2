"""Functions whose frames do not count when code asks who called it."""

from __future__ import annotations

import functools
from collections.abc import Callable
from types import CodeType, FunctionType
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")

# `warnings` and `logging` pass over the frames of the import system, which they know by these two words in the file's name;
# there is no other way to be passed over. The brackets say to debuggers and to coverage that there is no such file.
_FILE = "<golden_runtime, passed over like importlib._bootstrap>"


def passed_over(wrapper: Callable[P, R]) -> Callable[P, R]:
    """Return the same function, whose frames do not count as a stack level in `warnings.warn` and in logging.

    So a `stacklevel` in a decorated function, or in what it calls, names the line that it named before.
    """
    if not isinstance(wrapper, FunctionType):
        return wrapper
    # made anew: a function whose code is replaced is called more slowly from CPython 3.13 on
    code = _elsewhere(wrapper.__code__)
    made: Any = FunctionType(code, wrapper.__globals__, wrapper.__name__, wrapper.__defaults__, wrapper.__closure__)
    again: Callable[P, R] = made
    return again


@functools.cache
def _elsewhere(code: CodeType) -> CodeType:
    return code.replace(co_filename=_FILE)
