"""Functions of every kind, each call of which goes through a circuit breaker."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Generator
from typing import Any, TypeVar, cast

from golden_runtime.breaker_guard import CircuitBreakerError, Guard
from golden_runtime.breaker_states import Ticket
from golden_runtime.callables import AWAITED, kind_of
from golden_runtime.frames import disguised, named, unseen

F = TypeVar("F", bound=Callable[..., Any])


def protect(guard: Guard, function: F) -> F:
    """Return the function, protected: of the same kind, with the same signature and metadata.

    Where a plain function returns a coroutine or a future, because another decorator hides of which kind it is, what is
    returned is a coroutine, and the call ends with that. Raises TypeError for what is no function.
    """
    wrap = _WRAPS[kind_of("CircuitBreaker", function)]
    return cast("F", disguised(wrap(guard, function), function))


# The wrappers use no name of this module, nor a built-in one: they run with the globals of what they protect (see `frames`).


def _wrap_function(guard: Guard, function: Callable[..., Any]) -> Callable[..., Any]:
    machine, success, awaited = guard.machine, guard.success, AWAITED
    kind, late, anything = type, _rest, BaseException

    def wrapper(*args: Any, **kwargs: Any) -> Any:
        ticket = machine.closed or guard.admit()
        try:
            result = function(*args, **kwargs)
        except anything as error:
            guard.raised(ticket, error)
            raise
        if kind(result) in awaited:
            return late(guard, ticket, result)
        if ticket.quiet:
            success.count()
        else:
            guard.returned(ticket, result)
        return result

    return wrapper


def _rest(guard: Guard, ticket: Ticket, returned: Any) -> Coroutine[Any, Any, Any]:
    """Return a coroutine for the rest of a call."""
    if isinstance(returned, Coroutine):
        # nothing has been done yet, and nobody knows when it will be: the slot of a probe is for another one
        guard.machine.cancelled(ticket)
        return named(_run(guard, returned), returned)
    return _wait(guard, ticket, returned)


@unseen
async def _run(guard: Guard, coroutine: Coroutine[Any, Any, Any]) -> Any:
    try:
        ticket = guard.machine.closed or guard.admit()
    except CircuitBreakerError:
        coroutine.close()
        raise
    return await _wait(guard, ticket, coroutine)


@unseen
async def _wait(guard: Guard, ticket: Ticket, awaitable: Awaitable[Any]) -> Any:
    try:
        result = await awaitable
    except BaseException as error:  # cancellation too gives its slot back
        guard.raised(ticket, error)
        raise
    guard.returned(ticket, result)
    return result


def _wrap_coroutine(guard: Guard, function: Callable[..., Any]) -> Callable[..., Any]:
    machine, success, anything = guard.machine, guard.success, BaseException

    async def wrapper(*args: Any, **kwargs: Any) -> Any:
        ticket = machine.closed or guard.admit()
        try:
            result = await function(*args, **kwargs)
        except anything as error:
            guard.raised(ticket, error)
            raise
        if ticket.quiet:
            success.count()
        else:
            guard.returned(ticket, result)
        return result

    return wrapper


def _wrap_generator(guard: Guard, function: Callable[..., Any]) -> Callable[..., Any]:
    anything, closing, is_a = BaseException, GeneratorExit, isinstance

    def wrapper(*args: Any, **kwargs: Any) -> Generator[Any, Any, Any]:
        ticket = guard.machine.closed or guard.admit()
        try:
            result = yield from function(*args, **kwargs)
        except anything as error:
            # where its consumer left it early, an error of its clean-up does not undo that
            left = error.__context__
            guard.raised(ticket, left if left is not None and is_a(left, closing) else error)
            raise
        guard.succeeded(ticket)
        return result

    return wrapper


def _wrap_async_generator(guard: Guard, function: Callable[..., Any]) -> Callable[..., Any]:
    anything, closing, ended = BaseException, GeneratorExit, StopAsyncIteration

    async def wrapper(*args: Any, **kwargs: Any) -> AsyncGenerator[Any, Any]:
        ticket = guard.machine.closed or guard.admit()
        left: BaseException | None = None
        try:
            generator = function(*args, **kwargs)
            step = generator.__anext__()
            while True:
                item = await step
                try:
                    sent = yield item
                except closing as leaving:
                    left = leaving
                    await generator.aclose()
                    raise
                except anything as error:
                    # awaited outside this block: else what the generator raises later would have this error as its context
                    step = generator.athrow(error)
                else:
                    step = generator.asend(sent)
        except ended:
            guard.succeeded(ticket)
        except anything as error:
            guard.raised(ticket, error if left is None else left)
            raise

    return wrapper


_WRAPS = {
    "function": _wrap_function,
    "coroutine": _wrap_coroutine,
    "generator": _wrap_generator,
    "async generator": _wrap_async_generator,
}
