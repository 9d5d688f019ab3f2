"""Functions of every kind, each call of which is made under a retry policy."""

from __future__ import annotations

import functools
import sys
from collections.abc import AsyncGenerator, Callable, Coroutine, Generator
from typing import Any, TypeVar, cast

from golden_runtime.attempts import Attempts
from golden_runtime.callables import AWAITED, kind_of, named
from golden_runtime.deadline import innermost
from golden_runtime.retry_plan import Plan

F = TypeVar("F", bound=Callable[..., Any])


def retried(plan: Plan, function: F) -> F:
    """Return the function, retried: of the same kind, with the same signature and metadata.

    Raises TypeError for what is no function.
    """
    wrap = _WRAPS[kind_of("retry", function)]
    return cast("F", functools.update_wrapper(wrap(plan, function), function))


def _wrap_function(plan: Plan, function: Callable[..., Any]) -> Callable[..., Any]:
    awaited = AWAITED

    # `execute_sync` again, without its call: decorated functions are called the most
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        if not plan.is_plain or innermost() is not None:
            return _called(Attempts(plan), function, args, kwargs)
        try:
            result = function(*args, **kwargs)
        except BaseException as error:
            # a plain call is not cancelled while it runs
            attempts = Attempts(plan, begun=1, handled=error)
            delay = attempts.failed(error)
            if delay is None:
                raise
        else:
            if type(result) in awaited:
                return _rest(Attempts(plan), result, function, args, kwargs)
            plan.series.success.count()
            return result
        plan.sleep(delay)
        return _called(attempts, function, args, kwargs)

    return wrapper


def _called(attempts: Attempts, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    result = attempts.call(function, *args, **kwargs)
    return _rest(attempts, result, function, args, kwargs) if type(result) in AWAITED else result


def _rest(
    attempts: Attempts, returned: Any, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Coroutine[Any, Any, Any]:
    """Return a coroutine for what a plain function returned: awaiting that is the first attempt."""
    first = iter((returned,))

    def call() -> Any:
        for awaitable in first:
            return awaitable
        return function(*args, **kwargs)

    return named(attempts.execute(call), returned)


def _wrap_coroutine(plan: Plan, function: Callable[..., Any]) -> Callable[..., Any]:
    async def wrapper(*args: Any, **kwargs: Any) -> Any:
        if not plan.is_plain or innermost() is not None:
            return await Attempts(plan).execute(function, *args, **kwargs)
        handled = sys.exception()
        try:
            result = await function(*args, **kwargs)
        except BaseException as error:
            attempts = Attempts(plan, begun=1, handled=handled)
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
            result = yield from _resumed(attempts, first, generator)
        except BaseException as error:
            attempts.failed(error, final=True)
            raise
        attempts.succeeded()
        return result

    return wrapper


def _resumed(attempts: Attempts, item: Any, generator: Generator[Any, Any, Any]) -> Generator[Any, Any, Any]:
    """Go on with a generator that has given its first item."""
    while True:
        try:
            sent = yield item
        except GeneratorExit:
            generator.close()
            raise
        except BaseException as error:  # noqa: BLE001 - whatever is thrown in is thrown on
            attempts.next_item()  # there is always time for that
            step = functools.partial(generator.throw, error)
        else:
            late = attempts.next_item()
            if late is not None:
                generator.close()
                raise late
            step = functools.partial(generator.send, sent)
        try:
            with attempts.limited():
                item = step()
        except StopIteration as stop:
            return stop.value


async def _check_time(attempts: Attempts, generator: AsyncGenerator[Any, Any]) -> None:
    late = attempts.next_item()
    if late is not None:
        await generator.aclose()
        raise late


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
                    attempts.next_item()  # there is always time for that
                    step = generator.athrow(error)
                else:
                    await _check_time(attempts, generator)
                    step = generator.asend(sent)
                async with attempts.cut_off():
                    item = await step
        except StopAsyncIteration:
            attempts.succeeded()
        except BaseException as error:
            attempts.failed(error, final=True)
            raise

    return wrapper


_WRAPS = {
    "function": _wrap_function,
    "coroutine": _wrap_coroutine,
    "generator": _wrap_generator,
    "async generator": _wrap_async_generator,
}
