"""Functions of every kind, each call of which is made under a retry policy."""

from __future__ import annotations

import functools
from collections.abc import AsyncGenerator, Callable, Generator
from typing import Any, TypeVar, cast

from golden_runtime.attempts import Attempts, Plan
from golden_runtime.callables import kind_of
from golden_runtime.deadline import present

F = TypeVar("F", bound=Callable[..., Any])


def retried(plan: Plan, function: F) -> F:
    """Return the function, retried: of the same kind, with the same signature and metadata.

    Raises TypeError for what is no function.
    """
    wrap = _WRAPS[kind_of("retry", function)]
    return cast("F", functools.update_wrapper(wrap(plan, function), function))


def _wrap_function(plan: Plan, function: Callable[..., Any]) -> Callable[..., Any]:
    # `execute_sync` again, without its call: decorated functions are called the most
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        if not plan.is_plain or present() is not None:
            return Attempts(plan).execute_sync(function, *args, **kwargs)
        try:
            result = function(*args, **kwargs)
        except BaseException as error:
            attempts = Attempts(plan, begun=1)
            delay = attempts.failed(error)
            if delay is None:
                raise
        else:
            plan.series.success.count()
            return result
        plan.sleep(delay)
        return attempts.execute_sync(function, *args, **kwargs)

    return wrapper


def _wrap_coroutine(plan: Plan, function: Callable[..., Any]) -> Callable[..., Any]:
    async def wrapper(*args: Any, **kwargs: Any) -> Any:
        if not plan.is_plain or present() is not None:
            return await Attempts(plan).execute(function, *args, **kwargs)
        try:
            result = await function(*args, **kwargs)
        except BaseException as error:
            attempts = Attempts(plan, begun=1)
            delay = attempts.failed(error)
            if delay is None:
                raise
        else:
            plan.series.success.count()
            return result
        await plan.async_sleep(delay)
        return await attempts.execute(function, *args, **kwargs)

    return wrapper


def _wrap_generator(plan: Plan, function: Callable[..., Any]) -> Callable[..., Any]:
    def wrapper(*args: Any, **kwargs: Any) -> Generator[Any, Any, Any]:
        attempts = Attempts(plan)
        while True:
            attempts.begin()
            generator = function(*args, **kwargs)
            try:
                with attempts.limited():
                    first = next(generator)
                break
            except StopIteration as stop:
                attempts.succeeded()
                return stop.value
            except BaseException as error:
                delay = attempts.failed(error)
                if delay is None:
                    raise
            plan.sleep(delay)
        try:
            result = yield from _resumed(first, generator)
        except BaseException as error:
            attempts.failed(error, final=True)
            raise
        attempts.succeeded()
        return result

    return wrapper


def _wrap_async_generator(plan: Plan, function: Callable[..., Any]) -> Callable[..., Any]:
    async def wrapper(*args: Any, **kwargs: Any) -> AsyncGenerator[Any, Any]:
        attempts = Attempts(plan)
        while True:
            attempts.begin()
            generator = function(*args, **kwargs)
            try:
                async with attempts.cut_off():
                    item = await anext(generator)
                break
            except StopAsyncIteration:
                attempts.succeeded()
                return
            except BaseException as error:
                delay = attempts.failed(error)
                if delay is None:
                    raise
            await plan.async_sleep(delay)
        try:
            while True:
                try:
                    sent = yield item
                except GeneratorExit:
                    await generator.aclose()
                    raise
                except BaseException as error:  # noqa: BLE001 - whatever is thrown in is thrown on
                    # awaited outside this block: else what the generator raises later would have this error as its context
                    step = generator.athrow(error)
                else:
                    step = generator.asend(sent)
                item = await step
        except StopAsyncIteration:
            attempts.succeeded()
        except BaseException as error:
            attempts.failed(error, final=True)
            raise

    return wrapper


def _resumed(item: Any, generator: Generator[Any, Any, Any]) -> Generator[Any, Any, Any]:
    """Go on with a generator that has given its first item."""
    while True:
        try:
            sent = yield item
        except GeneratorExit:
            generator.close()
            raise
        except BaseException as error:  # noqa: BLE001 - whatever is thrown in is thrown on
            step = functools.partial(generator.throw, error)
        else:
            step = functools.partial(generator.send, sent)
        try:
            item = step()
        except StopIteration as stop:
            return stop.value


_WRAPS = {
    "function": _wrap_function,
    "coroutine": _wrap_coroutine,
    "generator": _wrap_generator,
    "async generator": _wrap_async_generator,
}
