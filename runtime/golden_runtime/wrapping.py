"""Wrapping a function so that every call is observed, and so that it stays the kind of function it was."""

from __future__ import annotations

import functools
import inspect
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Generator
from typing import Any, ParamSpec, TypeVar

from golden_runtime.labels import Observer, Observers

P = ParamSpec("P")
R = TypeVar("R")
Y = TypeVar("Y")
S = TypeVar("S")
# The type of the function itself: overloads and generic functions survive it, which they would not with ParamSpec.
F = TypeVar("F", bound=Callable[..., Any])


class Decorator:
    """Measures the functions it is applied to."""

    def __init__(self, name: str, observe: Callable[[Callable[..., Any]], Observers[Observer]]) -> None:
        self._name = name
        self._observe = observe

    def __call__(self, function: F) -> F:
        """Return the function, measured: of the same kind, with the same signature and metadata.

        Raises TypeError for what is not a function: a class, a property.
        """
        if isinstance(function, staticmethod | classmethod):
            return type(function)(self._measured(function.__func__))
        measured: F = self._measured(function)
        return measured

    def _measured(self, function: Callable[..., Any]) -> Any:
        if not callable(function) or isinstance(function, type):
            raise TypeError(
                f"`{self._name}` measures functions and methods, not `{function!r}`: put it on a function, below `@property`"
            )
        return wrap(function, self._observe(function))


def wrap(function: Callable[..., Any], observers: Observers[Observer]) -> Callable[..., Any]:
    """Return a function of the same kind that has each of its calls observed."""
    # an object with an `async def __call__` is no coroutine function by itself
    is_plain = inspect.isroutine(function) or isinstance(function, functools.partial)
    called = function if is_plain else type(function).__call__
    if inspect.isasyncgenfunction(called):
        wrapper: Callable[..., Any] = _wrap_async_generator(function, observers)
    elif inspect.iscoroutinefunction(called):
        wrapper = _wrap_coroutine(function, observers)
    elif inspect.isgeneratorfunction(called):
        wrapper = _wrap_generator(function, observers)
    else:
        wrapper = _wrap_function(function, observers)
    return functools.update_wrapper(wrapper, function)


def _wrap_function(function: Callable[P, R], observers: Observers[Observer]) -> Callable[P, R]:
    fixed, choose = observers.fixed, observers.choose

    def wrapper(*args: P.args, **kwargs: P.kwargs) -> R:
        observer = fixed or choose(args, kwargs)
        state = observer.begin()
        try:
            result = function(*args, **kwargs)
        except BaseException as error:
            observer.end(state, error, None)
            raise
        observer.end(state, None, result)
        return result

    return wrapper


def _wrap_coroutine(
    function: Callable[P, Awaitable[R]], observers: Observers[Observer]
) -> Callable[P, Coroutine[Any, Any, R]]:
    fixed, choose = observers.fixed, observers.choose

    async def wrapper(*args: P.args, **kwargs: P.kwargs) -> R:
        observer = fixed or choose(args, kwargs)
        state = observer.begin()
        try:
            result = await function(*args, **kwargs)
        except BaseException as error:
            observer.end(state, error, None)
            raise
        observer.end(state, None, result)
        return result

    return wrapper


def _wrap_generator(
    function: Callable[P, Generator[Y, S, R]], observers: Observers[Observer]
) -> Callable[P, Generator[Y, S, R]]:
    fixed, choose = observers.fixed, observers.choose

    def wrapper(*args: P.args, **kwargs: P.kwargs) -> Generator[Y, S, R]:
        observer = fixed or choose(args, kwargs)
        state = observer.begin()
        try:
            result = yield from function(*args, **kwargs)
        except BaseException as error:
            observer.end(state, error, None)
            raise
        observer.end(state, None, result)
        return result

    return wrapper


def _wrap_async_generator(
    function: Callable[P, AsyncGenerator[Y, S]], observers: Observers[Observer]
) -> Callable[P, AsyncGenerator[Y, S]]:
    fixed, choose = observers.fixed, observers.choose

    async def wrapper(*args: P.args, **kwargs: P.kwargs) -> AsyncGenerator[Y, S]:
        observer = fixed or choose(args, kwargs)
        state = observer.begin()
        try:
            generator = function(*args, **kwargs)
            step: Awaitable[Y] = generator.__anext__()
            while True:
                item = await step
                try:
                    sent = yield item
                except GeneratorExit:
                    await generator.aclose()
                    raise
                except BaseException as error:  # noqa: BLE001 - whatever is thrown in is thrown on
                    # awaited outside this block: else what the generator raises later would carry this error as its context
                    step = generator.athrow(error)
                else:
                    step = generator.asend(sent)
        except StopAsyncIteration:
            observer.end(state, None, None)
        except BaseException as error:
            observer.end(state, error, None)
            raise

    return wrapper
