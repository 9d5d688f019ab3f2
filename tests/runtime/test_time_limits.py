"""A time limit that comes while a function of the user's runs within a call, and that is an `Exception` as Celery's and RQ's are.

It is to end the call, not only that function: swallowed with the function's own failures, it would never have been.
"""

from __future__ import annotations

import logging
import signal
import sys
from contextlib import suppress
from functools import partial
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import pytest
from golden_runtime import (
    CircuitBreaker,
    CircuitBreakerConfig,
    DeadLetterQueue,
    RetryConfig,
    RetryPolicy,
    TaskQueue,
    counted,
    track_request,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals are sent otherwise there")


class TimeLimit(Exception):
    """What the signal handler raises."""


def as_a_function(number: int, frame: FrameType | None) -> None:
    """Raise, as Celery's handler does."""
    raise TimeLimit


class AsAMethod:
    """What raises as RQ's handler does, by way of another function, and with names of its own."""

    def handle(self, number: int, frame: FrameType | None) -> None:
        """Raise."""
        self._raise()

    def _raise(self) -> None:
        raise TimeLimit


def as_variadic(*arguments: object) -> None:
    """Raise, not caring what it is called with."""
    raise TimeLimit


HANDLERS = {
    "function": as_a_function,
    "method": AsAMethod().handle,
    "variadic": as_variadic,
    "partial": partial(as_variadic, "more"),
}


@pytest.fixture(params=HANDLERS)
def limited(request: pytest.FixtureRequest) -> Iterator[Callable[..., bool]]:
    """A function of a user's in which the time limit comes."""

    def run_out(*_: object) -> bool:
        signal.raise_signal(signal.SIGUSR1)
        return True

    previous = signal.signal(signal.SIGUSR1, HANDLERS[request.param])
    try:
        yield run_out
    finally:
        signal.signal(signal.SIGUSR1, previous)


def fail() -> None:
    """Fail."""
    raise OSError


def work() -> int:
    """Succeed."""
    return 0


def through_a_breaker(function: Callable[[], object], *, listeners: tuple[Any, ...] = (), **settings: Any) -> None:
    """Call through a breaker that opens at the first failure."""
    breaker = CircuitBreaker("limited", CircuitBreakerConfig(failure_threshold=1, **settings), listeners=listeners)
    with suppress(OSError):
        breaker.call_sync(function)


def under_a_policy(function: Callable[[], object], **settings: Any) -> None:
    """Call under a policy."""
    policy = RetryPolicy(RetryConfig(max_retries=1, **settings), name="limited", sleep=lambda _: None)
    with suppress(OSError):
        policy.execute_sync(function)


class LimitedHandler(logging.Handler):
    """A handler of log lines, which takes too long."""

    def __init__(self, limited: Callable[..., bool]) -> None:
        super().__init__()
        self._limited = limited

    def emit(self, record: logging.LogRecord) -> None:
        """Take too long."""
        self._limited()


_numbers = count()


def while_logging(limited: Callable[..., bool], words: str) -> None:
    """Have the time limit come while a transition is logged, or that a listener has failed, once for each breaker."""
    handler, logger = LimitedHandler(limited), logging.getLogger("golden_runtime")
    handler.addFilter(lambda record: words in record.getMessage())
    logger.addHandler(handler)
    try:
        CircuitBreaker(f"limited {next(_numbers)}", listeners=(lambda *_: fail(),)).force_open()
    finally:
        logger.removeHandler(handler)


def into_a_queue(listener: Callable[..., object]) -> None:
    """Put a task into a queue that has a listener, and another one after it."""
    heard: list[bool] = []
    with TemporaryDirectory() as folder, TaskQueue(Path(folder, "tasks.db")).sync as queue:
        queue._queue.subscribe(listener)
        queue._queue.subscribe(lambda: heard.append(True))
        queue.enqueue("n")
        assert (heard, queue.stats().ready) == ([True], 1)


class Unspeakable(OSError):
    """An error whose text takes too long."""

    def __init__(self, limited: Callable[..., object]) -> None:
        super().__init__("unspeakable")
        self._limited = limited

    def __str__(self) -> str:
        return str(self._limited())


def into_the_dead_letters(limited: Callable[..., object]) -> None:
    """Write a dead letter for an error, and have it told in one way or another."""
    with TemporaryDirectory() as folder, DeadLetterQueue(Path(folder, "tasks.db")).sync as letters:
        letters.add_entry("n", None, Unspeakable(limited))
        assert letters.count() == 1


def fail_with(error: Exception) -> None:
    """Fail with an error."""
    raise error


PLACES: dict[str, Callable[[Callable[..., bool]], object]] = {
    "listener": lambda limited: through_a_breaker(fail, listeners=(limited,)),
    "ignore": lambda limited: through_a_breaker(fail, ignore=limited),
    "failure_result": lambda limited: through_a_breaker(int, failure_result=limited),
    "retry_on": lambda limited: under_a_policy(fail, retry_on=limited),
    "retry_result": lambda limited: under_a_policy(int, retry_result=limited),
    "label": lambda limited: counted("limited.label", labels={"kind": limited})(work)(),
    "success_when": lambda limited: track_request("limited.when", success_when=limited)(work)(),
    "logging": lambda limited: while_logging(limited, "transitioned"),
    "reporting": lambda limited: while_logging(limited, "logged once"),
    "queue": into_a_queue,
    "dead letter": into_the_dead_letters,
    "notes": lambda limited: under_a_policy(lambda: fail_with(Unspeakable(limited))),
}


@pytest.mark.parametrize("place", PLACES)
def test_a_time_limit_ends_more_than_the_function_it_comes_in(place: str, limited: Callable[..., bool]) -> None:
    """Whatever kind of function the handler is, what it raises comes out of the call."""
    with pytest.raises(TimeLimit):
        PLACES[place](limited)


@pytest.mark.parametrize("place", PLACES)
def test_the_same_error_of_the_function_itself_is_its_own(place: str) -> None:
    """Not the class of an error says where it came from: without a signal it is logged, and the call goes on."""

    def own(*_: object) -> bool:
        as_a_function(signal.SIGUSR1, sys._getframe().f_back)
        return True

    PLACES[place](own)


@pytest.mark.parametrize("rebound", [7, iter(lambda: fail(), 0)], ids=["number", "lazy"])
@pytest.mark.parametrize("place", PLACES)
def test_a_function_that_fails_may_have_used_its_arguments_name_anew(place: str, rebound: object) -> None:
    """What `*args` holds by then is not gone through, be it a number or something that fails when asked."""

    def own(*args: object) -> bool:
        args = rebound  # type: ignore[assignment]  # as users do
        raise TimeLimit(args)

    PLACES[place](own)


def test_a_breaker_takes_the_next_call_after_a_time_limit_in_its_settings(limited: Callable[..., bool]) -> None:
    """The probe that was cut short gives its slot back."""
    now = [0.0]
    config = CircuitBreakerConfig(failure_threshold=1, timeout_seconds=1.0, failure_result=lambda _: asked[0]())
    asked: list[Callable[..., object]] = [lambda: False]
    breaker = CircuitBreaker("limited", config, clock=lambda: now[0])
    with suppress(OSError):
        breaker.call_sync(fail)
    now[0] = 2.0
    asked[0] = limited
    with pytest.raises(TimeLimit):
        breaker.call_sync(int)
    asked[0] = lambda: False
    assert breaker.call_sync(int) == 0
