"""Wrappers that cannot be told from what they wrap, where code asks who called it, or where it was made."""

from __future__ import annotations

import builtins
import functools
import inspect
import sys
from collections.abc import Callable, Coroutine
from types import CodeType, FunctionType
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")

# `warnings` and `logging` pass over the frames of the import system, which they know by these two words in the file's name;
# there is no other way to be passed over. The brackets say to debuggers and to coverage that there is no such file.
_FILE = "<golden_runtime, passed over like importlib._bootstrap>"


def disguised(wrapper: Callable[P, R], wrapped: Callable[..., Any]) -> Callable[P, R]:
    """Return the wrapper of a function with its metadata, made to look like the function to code that looks closely.

    Besides what `passed_over` does for it, it has the function's parameters for those who do not follow `__wrapped__`:
    `inspect.getfullargspec`, by which Celery and luigi learn what a task and a call take.
    """
    made: Any = functools.update_wrapper(passed_over(wrapper, wrapped), wrapped)
    signature = _signature(wrapped)
    if signature is not None:
        made.__signature__ = signature
    disguise: Callable[P, R] = made
    return disguise


def _signature(wrapped: Callable[..., Any]) -> inspect.Signature | None:
    """Return the signature of a function, where nothing is lost by stating it.

    Those who ask for annotations as objects get a stated signature as it is. So what stands in them as text is not stated, nor
    what nobody has evaluated yet, as from Python 3.14 on; nor that of a wrapper of other code, which states it itself or not.
    """
    if not isinstance(wrapped, FunctionType) or hasattr(wrapped, "__wrapped__") or hasattr(wrapped, "__signature__"):
        return None
    if getattr(wrapped, "__annotate__", None) is not None:
        return None
    if any(isinstance(annotation, str) for annotation in wrapped.__annotations__.values()):
        return None
    return inspect.signature(wrapped)


def passed_over(wrapper: Callable[P, R], wrapped: Callable[..., Any]) -> Callable[P, R]:
    """Return the wrapper of a function, made to look like that to code that looks closely.

    Its frames do not count as a stack level in `warnings.warn` and in logging, so a `stacklevel` in the function, or in what
    it calls, names the line that it named before. Its globals are the function's: frameworks (FastAPI before 0.120) look up in
    them what annotations name that are written as text. So it may use no global name of its own, nor a built-in one. Its
    defaults are the function's, which networkx fills in later, in the one dictionary of both; its call takes none from them.
    """
    if not isinstance(wrapper, FunctionType):
        return wrapper
    defaults = (wrapped.__defaults__, wrapped.__kwdefaults__) if isinstance(wrapped, FunctionType) else (None, None)
    return _again(wrapper, _globals(wrapper, wrapped), *defaults)


def unseen(function: Callable[P, R]) -> Callable[P, R]:
    """Return a function of this library that calls other code for a wrapper: its frames do not count either."""
    if not isinstance(function, FunctionType):
        return function
    made = _again(function, function.__globals__, function.__defaults__, function.__kwdefaults__)
    return functools.update_wrapper(made, function)


def _again(
    function: FunctionType,
    names: dict[str, Any],
    defaults: tuple[Any, ...] | None,
    keyword_defaults: dict[str, Any] | None,
) -> Callable[..., Any]:
    """Return the function with its code in no file, and with these globals and defaults.

    It is made anew: a function whose code or defaults are replaced is called more slowly from CPython 3.13 on.
    """
    code = _elsewhere(function.__code__)
    if sys.version_info >= (3, 13):
        return FunctionType(code, names, function.__name__, defaults, function.__closure__, keyword_defaults)
    made = FunctionType(code, names, function.__name__, defaults, function.__closure__)
    if keyword_defaults is not None:
        made.__kwdefaults__ = keyword_defaults
    return made


def named(coroutine: Coroutine[Any, Any, R], after: Any) -> Coroutine[Any, Any, R]:
    """Return a coroutine under the name of the one that it stands for, which the warning shows where nobody awaits it."""
    for attribute in ("__name__", "__qualname__"):
        setattr(coroutine, attribute, getattr(after, attribute, getattr(coroutine, attribute)))
    return coroutine


def _globals(wrapper: FunctionType, wrapped: Callable[..., Any]) -> dict[str, Any]:
    found = getattr(wrapped, "__globals__", None)
    # code that was given other built-ins would take the wrapper's from it
    usual = isinstance(found, dict) and found.get("__builtins__") in (builtins, vars(builtins))
    return found if usual and found is not None else wrapper.__globals__


def _elsewhere(code: CodeType) -> CodeType:
    """Return the code in no file, a new one each time: trio notes down by code what an interrupt must not end."""
    return code.replace(co_filename=_FILE)
