"""Stack levels and globals under `@retry` and circuit breakers: code that looks closely sees the function as it was."""

from __future__ import annotations

import asyncio
import builtins
import inspect
import warnings
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any
from uuid import uuid4

import pytest
from golden_runtime import CircuitBreaker, RetryBudget, retry

HERE = __file__

Decorate = Callable[[Callable[..., Any]], Callable[..., Any]]


def breaker() -> Decorate:
    """Return a breaker that nobody has used."""
    return CircuitBreaker(f"frames-{uuid4().hex}")


def failing_twice() -> Callable[[], None]:
    """Return a function that succeeds when it is called for the third time, and then blames the caller of its caller."""
    left = [1, 2]

    def call() -> None:
        if left:
            raise ConnectionError(left.pop())
        warnings.warn("old", DeprecationWarning, stacklevel=3)

    return call


DECORATORS = {
    "retry": lambda: retry(base_delay=0.0),
    "deadline": lambda: retry(base_delay=0.0, deadline=60.0),
    "budget": lambda: retry(base_delay=0.0, budget=RetryBudget()),
    "retry-over-breaker": lambda: lambda function: retry(base_delay=0.0)(breaker()(function)),
}


def plain(call: Callable[[], None]) -> Callable[[], None]:
    """Return a function of the plain kind."""

    def function() -> None:
        call()

    return function


def coroutine(call: Callable[[], None]) -> Callable[[], Any]:
    """Return a coroutine function."""

    async def function() -> None:
        call()

    return function


def generator(call: Callable[[], None]) -> Callable[[], Any]:
    """Return a generator function."""

    def function() -> Iterator[int]:
        call()
        yield 1

    return function


def async_generator(call: Callable[[], None]) -> Callable[[], Any]:
    """Return an async generator function."""

    async def function() -> AsyncIterator[int]:
        call()
        yield 1

    return function


def blamed(function: Callable[[], Any]) -> tuple[str, str]:
    """Call a function of any kind, and return the file and the function that its warning names."""

    async def awaiting() -> None:
        if inspect.isasyncgenfunction(function):
            async for _ in function():
                pass
        else:
            await function()

    def calling() -> None:
        if inspect.isgeneratorfunction(function):
            list(function())
        else:
            function()

    is_async = inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        # what the collector finds just then, of other tests
        warnings.simplefilter("ignore", ResourceWarning)
        if is_async:
            asyncio.run(awaiting())
        else:
            calling()
    (warning,) = caught
    lines, first = inspect.getsourcelines(awaiting if is_async else calling)
    return warning.filename, "the caller" if first <= warning.lineno < first + len(lines) else str(warning.lineno)


@pytest.mark.parametrize("kind", [plain, coroutine, generator, async_generator])
@pytest.mark.parametrize("decorate", DECORATORS.values(), ids=DECORATORS)
def test_every_attempt_blames_the_caller(decorate: Callable[[], Decorate], kind: Callable[..., Any]) -> None:
    """A warning of the third attempt is shown for the line that called the function, as it would be undecorated."""
    assert blamed(decorate()(kind(failing_twice()))) == (HERE, "the caller")


@pytest.mark.parametrize("kind", [plain, coroutine, generator, async_generator])
def test_a_breaker_is_not_blamed(kind: Callable[..., Any]) -> None:
    """A breaker's wrapper counts as no stack level."""
    call = failing_twice()
    for _ in range(2):
        with pytest.raises(ConnectionError):
            call()
    assert blamed(breaker()(kind(call))) == (HERE, "the caller")


class Order:
    """What an annotation below names."""


def place(order: "Order") -> "Order":  # noqa: UP037 - as under `from __future__ import annotations` elsewhere
    """Give the order back."""
    return order


@pytest.mark.parametrize("decorate", [retry(), breaker()], ids=["retry", "breaker"])
def test_annotations_as_text_are_found(decorate: Decorate) -> None:
    """Frameworks find what annotations name in the globals of what they are given."""
    wrapped: Any = decorate(place)
    assert wrapped.__globals__["Order"] is Order
    assert isinstance(wrapped(Order()), Order)


SHADOWING = """
def plain(errors):
    if errors: raise errors.pop()
async def coroutine(errors):
    if errors: raise errors.pop()
def generator(errors):
    if errors: raise errors.pop()
    yield
async def async_generator(errors):
    if errors: raise errors.pop()
    yield
"""


def call(wrapped: Callable[..., Any], errors: list[Exception]) -> None:
    """Call a function of any kind, to its end."""

    async def awaiting() -> None:
        if inspect.isasyncgenfunction(wrapped):
            async for _ in wrapped(errors):
                pass
        else:
            await wrapped(errors)

    if inspect.isasyncgenfunction(wrapped) or inspect.iscoroutinefunction(wrapped):
        asyncio.run(awaiting())
    elif inspect.isgeneratorfunction(wrapped):
        list(wrapped(errors))
    else:
        wrapped(errors)


@pytest.mark.parametrize("kind", ["plain", "coroutine", "generator", "async_generator"])
@pytest.mark.parametrize("decorate", [*DECORATORS.values(), breaker], ids=[*DECORATORS, "breaker"])
def test_a_module_may_shadow_built_in_names(decorate: Callable[[], Decorate], kind: str) -> None:
    """A function is retried and protected whatever its module calls `BaseException`, `next` or `StopIteration`."""
    namespace: dict[str, Any] = dict.fromkeys(dir(builtins)) | {"__builtins__": builtins}
    exec(SHADOWING, namespace)  # noqa: S102 - stands for a module
    wrapped = decorate()(namespace[kind])
    call(wrapped, [])
    errors: list[Exception] = [ConnectionError("once"), ConnectionError("twice")]
    if decorate is breaker:
        with pytest.raises(ConnectionError):
            call(wrapped, errors)
        assert len(errors) == 1
    else:
        call(wrapped, errors)
        assert errors == []
