"""How users call the runtime, with the types they expect. Checked by test_typing.py, never run.

Lines that a type checker must refuse carry an ignore; both checkers say so when there is nothing to ignore.
"""

from collections.abc import AsyncGenerator, Callable, Coroutine, Generator
from typing import Any, TypeVar, assert_type, overload

from golden_runtime import (
    Timer,
    configure,
    counted,
    mark_failure,
    measure_memory,
    timed,
    traced,
    track_adapter_request,
    track_cache_operation,
    track_errors,
    track_request,
)
from prometheus_client import CollectorRegistry

T = TypeVar("T")


@counted("sample.plain", labels={"kind": lambda first, **_: first, "tier": "gold"}, increment=2.0)
@timed("sample.plain.duration", buckets=(1, 2))
@traced("sample.plain", attributes={"first": lambda first, **_: first})
@track_errors("sample.plain.errors", success_when=bool)
@measure_memory("sample.plain.peak")
@track_request("sample.plain", None, record_errors=False, success_when=lambda result: result > 0)
@track_adapter_request("sample", operation="plain")
@track_cache_operation("sample", "get")
def plain(first: str, *, second: int = 0) -> float:
    """Every decorator at once."""
    return len(first) + second


assert_type(plain("a", second=1), float)
plain(1)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
plain("a", third=1)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]


@track_request("sample.coroutine")
async def coroutine(number: int) -> str:
    """A coroutine function stays one."""
    return str(number)


@track_request("sample.generator")
def generator(number: int) -> Generator[int, str, bytes]:
    """A generator function stays one, with what is sent and returned."""
    yield number
    return b""


@track_request("sample.async_generator")
async def async_generator(number: int) -> AsyncGenerator[int, str]:
    """An async generator function stays one."""
    yield number


async def use() -> None:
    """Call them."""
    assert_type(await coroutine(1), str)
    assert_type(generator(1), Generator[int, str, bytes])
    async for number in async_generator(1):
        assert_type(number, int)
    async with timed("sample.block") as timer:
        assert_type(timer, Timer)
    await coroutine("a")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


@overload
def either(value: int) -> int: ...
@overload
def either(value: str) -> str: ...
@timed("sample.overloaded")
def either(value: Any) -> Any:
    """Overloads survive."""
    return value


assert_type(either(1), int)
assert_type(either("a"), str)


@counted("sample.generic")
def first_of(values: list[T]) -> T:
    """Generic functions survive."""
    return values[0]


assert_type(first_of([1]), int)


class Service:
    """Methods of every kind."""

    @track_request("sample.method")
    def method(self, number: int) -> str:
        """Bound as ever."""
        return str(number)

    @classmethod
    @track_request("sample.class_method")
    def class_method(cls, number: int) -> "Service":
        """Bound to the class."""
        return cls() if number else Service()

    @staticmethod
    @track_request("sample.static")
    def static(number: int) -> int:
        """Not bound."""
        return number

    @property
    @timed("sample.property")
    def size(self) -> int:
        """A property over a measured function."""
        return 1


assert_type(Service().method(1), str)
assert_type(Service.class_method(1), Service)
assert_type(Service.static(1), int)
assert_type(Service().size, int)
Service().method("a")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]

as_handler: Callable[[int], Coroutine[Any, Any, str]] = coroutine

with timed("sample.with") as running:
    assert_type(running.elapsed, float)
assert_type(timed("sample.timer").start().stop(), float)

mark_failure(ValueError())
mark_failure("text")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
counted(1)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
configure(namespace="sample", registry=CollectorRegistry(), enabled=True, buckets=[1.0], max_series=10)
