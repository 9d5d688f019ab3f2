"""The forms of a circuit breaker: calls, decorators of functions of every kind, and blocks, each with the same outcomes."""

import asyncio
import contextlib
import functools
import inspect
from collections.abc import AsyncIterator, Iterator
from typing import Any
from unittest.mock import AsyncMock
from uuid import uuid4

import pytest
from exposed import value
from golden_runtime import CircuitBreaker, CircuitBreakerConfig, CircuitBreakerError, CircuitState
from resilience_time import Clock


@pytest.fixture
def breaker() -> CircuitBreaker:
    """A breaker that opens at the first failure."""
    return CircuitBreaker(f"test-{uuid4().hex}", CircuitBreakerConfig(failure_threshold=1), clock=Clock())


def outcomes(breaker: CircuitBreaker) -> dict[str, float]:
    """Return the calls by outcome, leaving out what never happened."""
    names = ("success", "failure", "rejected", "cancelled")
    found = {name: value(f"circuit_breaker_{name}_total", name=breaker.name) for name in names}
    return {name: count for name, count in found.items() if count}


async def double(number: int, *, fails: bool = False) -> int:
    """Return twice the number, after others had their turn."""
    await asyncio.sleep(0)
    if fails:
        raise OSError
    return number * 2


def test_call_awaits_and_passes_arguments(breaker: CircuitBreaker) -> None:
    """`await breaker.call(f, ...)` hands on arguments, results and errors."""
    assert asyncio.run(breaker.call(double, 4)) == 8
    with pytest.raises(OSError):  # noqa: PT011 - any will do
        asyncio.run(breaker.call(double, 4, fails=True))
    assert outcomes(breaker) == {"success": 1.0, "failure": 1.0}
    assert breaker.state is CircuitState.OPEN


def test_call_takes_plain_functions_and_any_awaitable(breaker: CircuitBreaker) -> None:
    """What a plain function returns is the result; a future is awaited as a coroutine is."""

    def future() -> "asyncio.Future[str]":
        waiting: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        waiting.get_loop().call_soon(waiting.set_result, "later")
        return waiting

    async def main() -> tuple[int, str, int]:
        return await breaker.call(int, "7"), await breaker.call(future), await breaker.call(lambda: double(3))

    assert asyncio.run(main()) == (7, "later", 6)


def test_call_sync_refuses_coroutine_functions(breaker: CircuitBreaker) -> None:
    """A coroutine that nobody would await is an error that says so, not a success."""
    with pytest.raises(TypeError, match="`double` is a coroutine function"):
        breaker.call_sync(double, 1)


def test_calls_refuse_generator_functions(breaker: CircuitBreaker) -> None:
    """A generator has done nothing yet when the call returns, so that protecting the call protects nothing."""

    async def stream() -> AsyncIterator[int]:
        yield 1

    with pytest.raises(TypeError, match=r"`.*stream` is a generator function"):
        asyncio.run(breaker.call(stream))


def test_decorated_function(breaker: CircuitBreaker) -> None:
    """A function keeps its name and signature, and is rejected while the breaker is open."""

    @breaker
    def divide(left: int, right: int = 1) -> float:
        """Divide."""
        return left / right

    assert (divide(6, right=3), divide.__name__, str(inspect.signature(divide))) == (
        2.0,
        "divide",
        "(left: int, right: int = 1) -> float",
    )
    with pytest.raises(ZeroDivisionError):
        divide(1, 0)
    with pytest.raises(CircuitBreakerError):
        divide(6)
    assert outcomes(breaker) == {"success": 1.0, "failure": 1.0, "rejected": 1.0}


def test_decorated_coroutine_function(breaker: CircuitBreaker) -> None:
    """A coroutine function stays one; a rejection comes when it is awaited, not when it is called."""
    protected = breaker(double)
    assert inspect.iscoroutinefunction(protected)
    assert asyncio.run(protected(2)) == 4
    breaker.force_open()
    rejected = protected(2)
    with pytest.raises(CircuitBreakerError):
        asyncio.run(rejected)


def test_decorated_generator(breaker: CircuitBreaker) -> None:
    """A generator is one call from its first step to its end; sent values and the returned one pass through."""

    @breaker
    def echo() -> Iterator[Any]:
        received = yield "first"
        yield received
        return "done"

    generator: Any = echo()
    assert outcomes(breaker) == {}
    assert (next(generator), generator.send("second")) == ("first", "second")
    with pytest.raises(StopIteration, match="done"):
        next(generator)
    assert outcomes(breaker) == {"success": 1.0}


def test_generator_that_fails_midway_is_a_failure(breaker: CircuitBreaker) -> None:
    """Items that were given before do not make a failed stream a success."""

    @breaker
    def broken() -> Iterator[int]:
        yield 1
        raise OSError

    with pytest.raises(OSError):  # noqa: PT011 - any will do
        list(broken())
    assert breaker.state is CircuitState.OPEN


def test_decorated_async_generator(breaker: CircuitBreaker) -> None:
    """An async generator is one call too, and one that its consumer leaves early is cancelled."""

    @breaker
    async def count(to: int) -> AsyncIterator[int]:
        for number in range(to):
            received = yield number
            assert received in (None, "sent")

    async def main() -> list[int]:
        counting: Any = count(5)
        first = [await anext(counting), await counting.asend("sent")]
        await counting.aclose()
        return first + [number async for number in count(3)]

    assert asyncio.run(main()) == [0, 1, 0, 1, 2]
    assert outcomes(breaker) == {"success": 1.0, "cancelled": 1.0}


def test_stream_that_is_left_early_is_cancelled_though_its_clean_up_fails(breaker: CircuitBreaker) -> None:
    """A consumer that needs no more says nothing about the dependency, whatever closing the stream raises."""

    @breaker
    def stream() -> Iterator[int]:
        try:
            yield 1
        finally:
            raise ConnectionError

    @breaker
    async def async_stream() -> AsyncIterator[int]:
        try:
            yield 1
        finally:
            raise ConnectionError

    async def main() -> None:
        streaming: Any = async_stream()
        await anext(streaming)
        with pytest.raises(ConnectionError):
            await streaming.aclose()

    streaming: Any = stream()
    next(streaming)
    with pytest.raises(ConnectionError):
        streaming.close()
    asyncio.run(main())
    assert (outcomes(breaker), breaker.state) == ({"cancelled": 2.0}, CircuitState.CLOSED)


def test_async_generator_that_fails_is_a_failure(breaker: CircuitBreaker) -> None:
    """What is thrown into an async generator reaches it, and if it does not cope, that is a failure."""

    @breaker
    async def stream() -> AsyncIterator[int]:
        yield 1

    async def main() -> None:
        streaming: Any = stream()
        await anext(streaming)
        await streaming.athrow(LookupError())

    with pytest.raises(LookupError):
        asyncio.run(main())
    assert outcomes(breaker) == {"failure": 1.0}


def test_decorated_methods(breaker: CircuitBreaker) -> None:
    """Methods of every kind can be decorated, in either order with staticmethod and classmethod."""

    class Service:
        @breaker
        def method(self) -> str:
            return "method"

        @breaker
        @staticmethod
        def static() -> str:
            return "static"

        @classmethod
        @breaker
        def of_class(cls) -> str:
            return cls.__name__

    assert (Service().method(), Service.static(), Service.of_class()) == ("method", "static", "Service")
    assert outcomes(breaker) == {"success": 3.0}


@pytest.mark.parametrize("thing", [int, property(repr), 7], ids=["class", "property", "number"])
def test_only_functions_are_decorated(breaker: CircuitBreaker, thing: Any) -> None:
    """What is no function is refused with a sentence that says where the decorator goes."""
    with pytest.raises(TypeError, match="goes on functions and methods"):
        breaker(thing)


def test_blocks(breaker: CircuitBreaker) -> None:
    """A block succeeds, fails, and is rejected as a call is."""
    with breaker:
        pass
    with pytest.raises(OSError), breaker:  # noqa: PT011 - any will do
        raise OSError
    with pytest.raises(CircuitBreakerError), breaker:
        raise AssertionError("entered")
    assert outcomes(breaker) == {"success": 1.0, "failure": 1.0, "rejected": 1.0}


def test_async_blocks(breaker: CircuitBreaker) -> None:
    """`async with` does the same, and a cancelled block is neutral."""

    async def main() -> None:
        async with breaker:
            await asyncio.sleep(0)
        async with breaker:
            raise asyncio.CancelledError

    with contextlib.suppress(asyncio.CancelledError):
        asyncio.run(main())
    assert outcomes(breaker) == {"success": 1.0, "cancelled": 1.0}


def test_blocks_that_overlap_are_told_apart() -> None:
    """Of two blocks that are open at once, each has its own outcome: the one from before does not close the breaker."""
    breaker = CircuitBreaker(
        f"test-{uuid4().hex}", CircuitBreakerConfig(failure_threshold=1, timeout_seconds=0, success_threshold=1)
    )

    def block(fails: bool) -> Iterator[None]:
        with breaker:
            yield
            if fails:
                raise OSError

    early, failing = block(fails=False), block(fails=True)
    next(early), next(failing)
    with pytest.raises(OSError):  # noqa: PT011 - any will do
        next(failing)
    probe = block(fails=False)
    next(probe)
    next(early, None)
    assert breaker.state is CircuitState.HALF_OPEN
    next(probe, None)
    assert breaker.state is CircuitState.CLOSED


def test_nested_blocks_take_a_slot_each() -> None:
    """Blocks within blocks of one function are calls of their own, left in reverse order."""
    config = CircuitBreakerConfig(failure_threshold=1, timeout_seconds=0, success_threshold=3, half_open_max_calls=2)
    breaker = CircuitBreaker(f"test-{uuid4().hex}", config)
    with contextlib.suppress(OSError), breaker:
        raise OSError
    with breaker, breaker, pytest.raises(CircuitBreakerError), breaker:
        raise AssertionError("entered")
    with breaker:
        pass
    assert breaker.state is CircuitState.CLOSED


def on_stack(breaker: CircuitBreaker) -> contextlib.ExitStack:
    """Enter a block on an exit stack, and hand that on."""
    with contextlib.ExitStack() as stack:
        stack.enter_context(breaker)
        return stack.pop_all()


async def on_async_stack(breaker: CircuitBreaker) -> contextlib.AsyncExitStack:
    """Do the same with an asynchronous one."""
    async with contextlib.AsyncExitStack() as stack:
        await stack.enter_async_context(breaker)
        return stack.pop_all()


def test_exit_stacks_may_be_handed_on() -> None:
    """A block that was entered on an exit stack in one function and left in another gives its slot back."""
    config = CircuitBreakerConfig(failure_threshold=1, timeout_seconds=0, success_threshold=1)
    breaker = CircuitBreaker(f"test-{uuid4().hex}", config)
    with contextlib.suppress(OSError), breaker:
        raise OSError
    with on_stack(breaker):
        assert breaker.state is CircuitState.HALF_OPEN
    assert breaker.state is CircuitState.CLOSED


@pytest.mark.parametrize("late_fails", [False, True])
def test_late_exit_stack_is_not_taken_for_the_probe_on_another(late_fails: bool) -> None:
    """What began on an exit stack before the breaker opened changes nothing when it ends."""
    clock = Clock()
    config = CircuitBreakerConfig(failure_threshold=1, success_threshold=1)
    breaker = CircuitBreaker(f"test-{uuid4().hex}", config, clock=clock)
    late = on_stack(breaker)
    with contextlib.suppress(OSError), breaker:
        raise OSError
    clock.advance(60.0)
    probe = on_stack(breaker)
    with contextlib.suppress(OSError), late:
        if late_fails:
            raise OSError
    assert breaker.state is CircuitState.HALF_OPEN
    probe.close()
    assert breaker.state is CircuitState.CLOSED


@pytest.mark.parametrize("late_fails", [False, True])
def test_late_async_exit_stack_is_not_taken_for_the_probe_on_another(late_fails: bool) -> None:
    """Asynchronous exit stacks are told apart too."""
    clock = Clock()
    config = CircuitBreakerConfig(failure_threshold=1, success_threshold=1)
    breaker = CircuitBreaker(f"test-{uuid4().hex}", config, clock=clock)

    async def main() -> list[CircuitState]:
        late = await on_async_stack(breaker)
        with contextlib.suppress(OSError), breaker:
            raise OSError
        clock.advance(60.0)
        probe = await on_async_stack(breaker)
        with contextlib.suppress(OSError):
            async with late:
                if late_fails:
                    raise OSError
        state = breaker.state
        await probe.aclose()
        return [state, breaker.state]

    assert asyncio.run(main()) == [CircuitState.HALF_OPEN, CircuitState.CLOSED]


def hiding(function: Any) -> Any:
    """Wrap a function of any kind in a plain one, as decorators do that know of no `async`."""

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        return function(*args, **kwargs)

    return call


def in_task(function: Any) -> Any:
    """Return a plain function that starts a task and returns it."""
    return lambda *args, **kwargs: asyncio.ensure_future(function(*args, **kwargs))


class Doubling:
    """An object that is called as a coroutine function is."""

    async def __call__(self, number: int, *, fails: bool = False) -> int:
        """Return twice the number."""
        return await double(number, fails=fails)


HIDDEN = {
    "wrapped": hiding(double),
    "partial": functools.partial(double),
    "mock": AsyncMock(side_effect=double),
    "object": Doubling(),
    "task": in_task(double),
}


@pytest.mark.parametrize("kind", HIDDEN)
def test_hidden_coroutine_functions_are_protected(breaker: CircuitBreaker, kind: str) -> None:
    """Whatever a coroutine function hides behind, the call ends with what is awaited."""
    protected = breaker(HIDDEN[kind])

    async def main() -> int:
        doubled = await protected(2)
        with pytest.raises(OSError):  # noqa: PT011 - any will do
            await protected(2, fails=True)
        with pytest.raises(CircuitBreakerError):
            await protected(2)
        return doubled

    assert asyncio.run(main()) == 4
    assert outcomes(breaker) == {"success": 1.0, "failure": 1.0, "rejected": 1.0}


def test_hidden_coroutine_takes_its_slot_when_it_is_awaited() -> None:
    """Calls that were prepared and not awaited yet keep no probe out; of those that are, one gets through."""
    config = CircuitBreakerConfig(failure_threshold=1, timeout_seconds=0, success_threshold=1)
    breaker = CircuitBreaker(f"test-{uuid4().hex}", config)
    with contextlib.suppress(OSError), breaker:
        raise OSError

    async def main() -> list[Any]:
        prepared = [breaker(hiding(double))(number) for number in range(3)]
        return await asyncio.gather(*prepared, return_exceptions=True)

    results = asyncio.run(main())
    assert results[0] == 0
    assert [type(result) for result in results[1:]] == [CircuitBreakerError, CircuitBreakerError]


@pytest.mark.parametrize("function", [double, in_task(double)], ids=["coroutine", "task"])
def test_misuse_is_no_failure(breaker: CircuitBreaker, function: Any) -> None:
    """A call that cannot work says nothing about the dependency: it is refused, and not counted."""

    async def main() -> None:
        with pytest.raises(TypeError):
            breaker.call_sync(function, 1)
        awaitable: Any = double(1)
        with pytest.raises(TypeError, match="not callable"):
            await breaker.call(awaitable)
        assert await awaitable == 2

    asyncio.run(main())
    assert (outcomes(breaker), breaker.state) == ({}, CircuitState.CLOSED)
