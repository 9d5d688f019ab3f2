"""Retried generators: begun again until they give their first item, and never after that."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from golden_runtime import RetryConfig, RetryPolicy, RetryTimeoutError, remaining_seconds
from resilience_time import Clock, loop_time, policy_of, run


@pytest.fixture
def clock() -> Clock:
    """A clock that sleeping moves."""
    return Clock()


def test_stream_is_begun_again_before_its_first_item(clock: Clock) -> None:
    """A stream that fails to begin is begun again, and its items come once."""
    begun = []

    @policy_of(clock)
    def stream() -> Iterator[int]:
        begun.append(1)
        if len(begun) < 3:
            raise OSError
        yield from (1, 2, 3)

    assert list(stream()) == [1, 2, 3]
    assert (len(begun), clock.slept) == (3, [1.0, 2.0])


def test_stream_is_not_replayed_after_its_first_item(clock: Clock) -> None:
    """What was handed on cannot be taken back, so a later error is raised."""
    begun, got = [], []

    @policy_of(clock)
    def stream() -> Iterator[int]:
        begun.append(1)
        yield 1
        raise OSError("broken off")

    with pytest.raises(OSError, match="broken off"):
        got.extend(stream())
    assert (begun, clock.slept) == ([1], [])


def test_async_stream_is_begun_again_before_its_first_item(clock: Clock) -> None:
    """Async generators too."""
    begun = []

    @policy_of(clock)
    async def stream() -> AsyncIterator[int]:
        begun.append(1)
        if len(begun) < 3:
            raise OSError
        yield 1
        yield 2

    async def main() -> list[int]:
        return [item async for item in stream()]

    assert asyncio.run(main()) == [1, 2]
    assert clock.slept == [1.0, 2.0]


def test_async_stream_is_not_replayed_after_its_first_item(clock: Clock) -> None:
    """Async generators neither."""
    begun: list[int] = []

    @policy_of(clock)
    async def stream() -> AsyncIterator[int]:
        begun.append(1)
        yield 1
        raise OSError("broken off")

    async def main() -> None:
        async for _ in stream():
            pass

    with pytest.raises(OSError, match="broken off"):
        asyncio.run(main())
    assert begun == [1]


def test_empty_streams_end(clock: Clock) -> None:
    """A stream without items is a success, with the value that it returns."""

    @policy_of(clock)
    def empty() -> Iterator[int]:
        return "nothing"
        yield

    @policy_of(clock)
    async def async_empty() -> AsyncIterator[int]:
        return
        yield

    async def main() -> list[int]:
        return [item async for item in async_empty()]

    with pytest.raises(StopIteration, match="nothing"):
        next(empty())
    assert asyncio.run(main()) == []


def test_streams_converse(clock: Clock) -> None:
    """What is sent and thrown reaches the generator, and closing it runs its `finally`."""
    heard: list[Any] = []

    @policy_of(clock)
    def talk() -> Iterator[Any]:
        try:
            heard.append((yield "first"))
            try:
                yield "second"
            except KeyError:
                heard.append("thrown")
            yield "third"
        finally:
            heard.append("closed")

    talking: Any = talk()
    assert [next(talking), talking.send("sent"), talking.throw(KeyError())] == ["first", "second", "third"]
    talking.close()
    assert heard == ["sent", "thrown", "closed"]


def test_async_streams_converse(clock: Clock) -> None:
    """Async generators too."""
    heard: list[Any] = []

    @policy_of(clock)
    async def talk() -> AsyncIterator[Any]:
        try:
            heard.append((yield "first"))
            try:
                yield "second"
            except KeyError:
                heard.append("thrown")
            yield "third"
        finally:
            heard.append("closed")

    async def main() -> list[str]:
        talking: Any = talk()
        got = [await anext(talking), await talking.asend("sent"), await talking.athrow(KeyError())]
        await talking.aclose()
        return got

    assert asyncio.run(main()) == ["first", "second", "third"]
    assert heard == ["sent", "thrown", "closed"]


def limited(**settings: Any) -> RetryPolicy:
    """Return a policy with limits on the time of the running loop."""
    return RetryPolicy(RetryConfig(**settings), name="test", clock=loop_time)


def test_attempt_timeout_is_for_each_item() -> None:
    """A stream that does not begin in time is begun again; one that goes on takes its time, but not for one item."""
    begun: list[int] = []
    got: list[int] = []

    async def main() -> None:
        @limited(attempt_timeout=2.0)
        async def stream() -> AsyncIterator[int]:
            begun.append(1)
            await asyncio.sleep(3600.0 if len(begun) == 1 else 1.5)
            for item in range(3):
                yield item
                await asyncio.sleep(1.5)
            await asyncio.sleep(3600.0)

        async for item in stream():
            got.append(item)
            await asyncio.sleep(60.0)

    with pytest.raises(RetryTimeoutError, match="`attempt_timeout` cut off attempt 2"):
        run(main())
    assert (begun, got) == ([1, 1], [0, 1, 2])


def test_deadline_holds_to_the_end_of_a_stream() -> None:
    """A stream that has begun is cut off at its deadline, which its code can ask for at every step."""
    seen: list[float | None] = []

    async def main() -> None:
        @limited(deadline=10.0)
        async def stream() -> AsyncIterator[int]:
            for _ in range(9):
                seen.append(remaining_seconds())
                await asyncio.sleep(4.0)
                yield 1

        async for _ in stream():
            assert remaining_seconds() is None

    with pytest.raises(RetryTimeoutError, match="the deadline cut off attempt 1"):
        run(main())
    assert seen == [pytest.approx(10.0), pytest.approx(6.0), pytest.approx(2.0)]


def test_consumer_that_is_late_gets_no_more(clock: Clock) -> None:
    """A synchronous stream cannot be cut off, but it gives nothing more after its deadline, and is closed then."""
    seen: list[Any] = []

    @policy_of(clock, deadline=10.0)
    def stream() -> Iterator[int]:
        try:
            for item in range(9):
                seen.append(remaining_seconds())
                yield item
        finally:
            seen.append("closed")

    def consume() -> None:
        for _ in stream():
            clock.advance(4.0)

    with pytest.raises(RetryTimeoutError, match="the deadline passed before attempt 1 of `test` had given all items"):
        consume()
    assert seen == [10.0, 6.0, 2.0, "closed"]


def test_late_async_stream_is_closed() -> None:
    """An asynchronous one whose consumer comes too late is closed too."""
    closed = []

    async def main() -> None:
        @limited(deadline=10.0)
        async def stream() -> AsyncIterator[int]:
            try:
                yield 1
                yield 2
            finally:
                closed.append(1)

        async for _ in stream():
            await asyncio.sleep(11.0)

    with pytest.raises(RetryTimeoutError, match="had given all items"):
        run(main())
    assert closed == [1]
