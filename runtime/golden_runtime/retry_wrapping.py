"""Functions of every kind, each call of which is made under a retry policy."""

from __future__ import annotations

import functools
import sys
from collections.abc import AsyncGenerator, Callable, Coroutine, Generator
from typing import Any, TypeVar, cast

from golden_runtime.attempts import Attempts
from golden_runtime.callables import AWAITED, kind_of
from golden_runtime.deadline import innermost
from golden_runtime.frames import disguised, named, unseen
from golden_runtime.retry_plan import Plan

F = TypeVar("F", bound=Callable[..., Any])


def retried(plan: Plan, function: F) -> F:
    """Return the function, retried: of the same kind, with the same signature and metadata.

    Raises TypeError for what is no function.
    """
    wrap = _WRAPS[kind_of("retry", function)]
    return cast("F", disguised(wrap(plan, function), function))


# The wrappers use no name of this module, nor a built-in one: they run with the globals of what they retry (see `frames`).


def _wrap_function(plan: Plan, function: Callable[..., Any]) -> Callable[..., Any]:
    awaited, around, kind, new_attempts, anything = AWAITED, innermost, type, Attempts, BaseException
    go_on, late = _called, _rest

    # `execute_sync` again, without its call: decorated functions are called the most
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        if not plan.is_plain or around() is not None:
            return go_on(new_attempts(plan), function, args, kwargs)
        try:
            result = function(*args, **kwargs)
        except anything as error:
            # a plain call is not cancelled while it runs
            attempts = new_attempts(plan, begun=1, handled=error)
            delay = attempts.failed(error)
            if delay is None:
                raise
        else:
            if kind(result) in awaited:
                return late(new_attempts(plan), result, function, args, kwargs)
            plan.series.success.count()
            return result
        plan.sleep(delay)
        return go_on(attempts, function, args, kwargs)

    return wrapper


@unseen
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
    around, being_handled, new_attempts, anything = innermost, sys.exception, Attempts, BaseException

    async def wrapper(*args: Any, **kwargs: Any) -> Any:
        if not plan.is_plain or around() is not None:
            return await new_attempts(plan).execute(function, *args, **kwargs)
        handled = being_handled()
        try:
            result = await function(*args, **kwargs)
        except anything as error:
            attempts = new_attempts(plan, begun=1, handled=handled)
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
    new_attempts, anything, returning, rest, step = Attempts, BaseException, StopIteration, _resumed, next

    def wrapper(*args: Any, **kwargs: Any) -> Generator[Any, Any, Any]:
        attempts = new_attempts(plan)
        while True:
            attempts.begin()
            generator = function(*args, **kwargs)
            try:
                with attempts.limited():
                    first = step(generator)
                break
            except returning as stop:
                attempts.succeeded()
                return stop.value
            except anything as error:
                delay = attempts.failed(error)
                if delay is None:
                    raise
            plan.sleep(delay)
        try:
            result = yield from rest(attempts, first, generator)
        except anything as error:
            attempts.failed(error, final=True)
            raise
        attempts.succeeded()
        return result

    return wrapper


@unseen
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
    new_attempts, anything, ended, closing = Attempts, BaseException, StopAsyncIteration, GeneratorExit
    step_of, check_time = anext, _check_time

    async def wrapper(*args: Any, **kwargs: Any) -> AsyncGenerator[Any, Any]:
        attempts = new_attempts(plan)
        while True:
            attempts.begin()
            generator = function(*args, **kwargs)
            try:
                async with attempts.cut_off():
                    item = await step_of(generator)
                break
            except ended:
                attempts.succeeded()
                return
            except anything as error:
                delay = attempts.failed(error)
                if delay is None:
                    raise
            await plan.async_sleep(delay)
        try:
            while True:
                try:
                    sent = yield item
                except closing:
                    await generator.aclose()
                    raise
                except anything as error:
                    # awaited outside this block: else what the generator raises later would have this error as its context
                    attempts.next_item()  # there is always time for that
                    step = generator.athrow(error)
                else:
                    await check_time(attempts, generator)
                    step = generator.asend(sent)
                async with attempts.cut_off():
                    item = await step
        except ended:
            attempts.succeeded()
        except anything as error:
            attempts.failed(error, final=True)
            raise

    return wrapper


_WRAPS = {
    "function": _wrap_function,
    "coroutine": _wrap_coroutine,
    "generator": _wrap_generator,
    "async generator": _wrap_async_generator,
}
