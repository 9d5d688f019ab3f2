"""Wrapping a function of any kind so that each call is recorded: the one place that knows kinds apart.

A wrapper is of the same kind as what it wraps, calls it exactly once, and lets its result, its exception and its traceback
through untouched.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import AsyncGenerator, Callable, Generator
from typing import Any, ParamSpec, Protocol, TypeVar, cast

from golden_runtime.metrics import complain

P = ParamSpec("P")
R = TypeVar("R")


class Recorder(Protocol):
    """What a decorator records of a call.

    `begin` runs before the function (a generator's first step), `end` after it, with what `begin` returned.
    """

    place: str

    def begin(self, args: tuple[object, ...], kwargs: dict[str, object]) -> Any:
        """Note the start of a call."""

    def end(self, state: Any, error: BaseException | None, result: object) -> None:
        """Record the call; `error` is what it raised, if anything."""


def recorded(function: Callable[P, R], recorder: Recorder) -> Callable[P, R]:
    """Return a function of the same kind, signature and name whose calls are recorded."""
    if isinstance(function, staticmethod | classmethod):
        # Above `@staticmethod` a decorator gets the descriptor: what is measured is the function in it.
        return cast("Callable[P, R]", type(function)(recorded(function.__func__, recorder)))
    wrapper: Callable[..., Any]
    if inspect.isasyncgenfunction(function):
        wrapper = _async_generator(function, recorder)
    elif inspect.iscoroutinefunction(function):
        wrapper = _coroutine(function, recorder)
    elif inspect.isgeneratorfunction(function):
        wrapper = _generator(function, recorder)
    else:
        wrapper = _plain(function, recorder)
    return cast("Callable[P, R]", functools.wraps(function)(wrapper))


def _begin(recorder: Recorder, args: tuple[object, ...], kwargs: dict[str, object]) -> Any:
    try:
        return recorder.begin(args, kwargs)
    except Exception:  # noqa: BLE001 - a failing label function must not fail the caller
        complain(f"a call at {recorder.place}")
        return None


def _end(recorder: Recorder, state: Any, error: BaseException | None, result: object = None) -> None:
    if state is None:
        return
    try:
        recorder.end(state, error, result)
    except Exception:  # noqa: BLE001 - metrics never harm the caller
        complain(f"a call at {recorder.place}")


def _plain(function: Callable[..., Any], recorder: Recorder) -> Callable[..., Any]:
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        state = _begin(recorder, args, kwargs)
        try:
            result = function(*args, **kwargs)
        except BaseException as error:
            _end(recorder, state, error)
            raise
        _end(recorder, state, None, result)
        return result

    return wrapper


def _coroutine(function: Callable[..., Any], recorder: Recorder) -> Callable[..., Any]:
    async def wrapper(*args: Any, **kwargs: Any) -> Any:
        state = _begin(recorder, args, kwargs)
        try:
            result = await function(*args, **kwargs)
        except BaseException as error:
            _end(recorder, state, error)
            raise
        _end(recorder, state, None, result)
        return result

    return wrapper


def _generator(function: Callable[..., Any], recorder: Recorder) -> Callable[..., Any]:
    def wrapper(*args: Any, **kwargs: Any) -> Generator[Any, Any, Any]:
        state = _begin(recorder, args, kwargs)
        try:
            result = yield from function(*args, **kwargs)
        except BaseException as error:
            _end(recorder, state, error)
            raise
        _end(recorder, state, None, result)
        return result

    return wrapper


def _async_generator(function: Callable[..., Any], recorder: Recorder) -> Callable[..., Any]:
    async def wrapper(*args: Any, **kwargs: Any) -> AsyncGenerator[Any, Any]:
        state = _begin(recorder, args, kwargs)
        generator = function(*args, **kwargs)
        step = generator.__anext__()
        try:
            # `async for` would lose what the consumer sends and throws.
            while True:
                value = await step
                try:
                    sent = yield value
                except GeneratorExit:
                    await generator.aclose()
                    raise
                except BaseException as error:  # noqa: BLE001 - it is the generator's to handle
                    step = generator.athrow(error)
                else:
                    step = generator.asend(sent)
        except StopAsyncIteration:
            _end(recorder, state, None)
        except BaseException as error:
            _end(recorder, state, error)
            raise

    return wrapper
