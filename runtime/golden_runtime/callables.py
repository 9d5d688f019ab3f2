"""What kind of function something is, and what calling it gave."""

from __future__ import annotations

import asyncio
import functools
import inspect
from collections.abc import Awaitable, Callable
from types import AsyncGeneratorType, CoroutineType, GeneratorType
from typing import Any, Literal, TypeAlias, TypeVar, cast

from golden_runtime.frames import unseen

R = TypeVar("R")

Kind: TypeAlias = Literal["function", "coroutine", "generator", "async generator"]

# Results of plain functions whose work is still to come, or under way. Other objects that can be awaited may be values: the
# clients of some libraries can.
AWAITED: frozenset[Any] = frozenset({CoroutineType, asyncio.Future, asyncio.Task})

# Results that `check_finished` is to be asked about.
UNFINISHED: frozenset[Any] = AWAITED | {AsyncGeneratorType, GeneratorType}


class MisuseError(TypeError):
    """A call that cannot work, whatever it calls. It is no outcome: nothing counts it, and nothing tries it again."""


def kind_of(decorator: str, function: Callable[..., Any]) -> Kind:
    """Return the kind of a function that `decorator` was put on. Raises TypeError for what is none: a class, a property."""
    if not callable(function) or isinstance(function, type):
        raise TypeError(f"`{decorator}` goes on functions and methods, not on `{function!r}`: put it below `@property`")
    # an object with an `async def __call__` is no coroutine function by itself
    is_plain = inspect.isroutine(function) or isinstance(function, functools.partial)
    called = function if is_plain else type(function).__call__
    if inspect.isasyncgenfunction(called):
        return "async generator"
    # the object itself may be marked (`inspect.markcoroutinefunction`)
    if inspect.iscoroutinefunction(called) or inspect.iscoroutinefunction(function):
        return "coroutine"
    return "generator" if inspect.isgeneratorfunction(called) else "function"


def misuse_of(function: object) -> MisuseError | None:
    """Return what is wrong where what was to be called is no function, as in `call(f())` instead of `call(f)`."""
    return None if callable(function) else MisuseError(f"`{type(function).__name__}` is not callable")


@unseen
async def settled(function: Callable[..., Any], called: Awaitable[R]) -> R:
    """Return what an asynchronous call comes to: what it is awaited for or, of a plain function, what it returned.

    Raises MisuseError for a generator function: its work begins after the call.
    """
    if inspect.isawaitable(called):
        return await called
    _check_not_generator(function, called)
    return cast("R", called)


def check_finished(function: Callable[..., Any], result: Any) -> None:
    """Raise MisuseError where the work of a plain call is still to come, as for coroutine and generator functions."""
    if isinstance(result, CoroutineType):
        result.close()
        raise MisuseError(
            f"`{_name(function)}` is a coroutine function, which the synchronous form cannot run: use the other"
        )
    if type(result) in AWAITED:
        raise MisuseError(
            f"`{_name(function)}` returned a future, for which the synchronous form cannot wait: use the other"
        )
    _check_not_generator(function, result)


def _check_not_generator(function: Callable[..., Any], result: Any) -> None:
    if isinstance(result, GeneratorType | AsyncGeneratorType) and kind_of("call", function).endswith("generator"):
        raise MisuseError(
            f"`{_name(function)}` is a generator function, whose work begins after the call: decorate it instead"
        )


def _name(function: Callable[..., Any]) -> str:
    return getattr(function, "__qualname__", None) or repr(function)
