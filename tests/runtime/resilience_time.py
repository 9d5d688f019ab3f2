"""Time for tests of breakers and retries: clocks that move when they are told to, and an event loop that never waits."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

from golden_runtime import RetryConfig, RetryPolicy

R = TypeVar("R")


class Clock:
    """A clock that stands still until it is moved; sleeping moves it, and is noted."""

    def __init__(self, now: float = 1000.0) -> None:
        self.now = now
        self.slept: list[float] = []

    def __call__(self) -> float:
        """Return the time in seconds."""
        return self.now

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self.now += seconds

    def sleep(self, seconds: float) -> None:
        """Sleep, which takes no time but on this clock."""
        self.slept.append(seconds)
        self.now += seconds

    async def async_sleep(self, seconds: float) -> None:
        """Sleep, and let other tasks run."""
        self.sleep(seconds)
        await asyncio.sleep(0)


class _Jump(selectors.DefaultSelector):
    """Where a loop would wait for its next timer, its time is moved there."""

    now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        events = super().select(None if timeout is None else 0)
        if not events and timeout:
            self.now += timeout
        return events


class _JumpingLoop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self._jump = _Jump()
        super().__init__(self._jump)

    def time(self) -> float:
        return self._jump.now


def run(main: Coroutine[Any, Any, R]) -> R:
    """Run a coroutine on a loop whose `asyncio.sleep` and timeouts take no time."""
    with asyncio.Runner(loop_factory=_JumpingLoop) as runner:
        return runner.run(main)


def loop_time() -> float:
    """Return the time of the running loop, as the clock of what is tested on it."""
    return asyncio.get_running_loop().time()


def policy_of(clock: Clock, **settings: Any) -> RetryPolicy:
    """Return a policy that sleeps on the clock, without jitter unless told."""
    config = RetryConfig(**{"jitter": "none", **settings})
    return RetryPolicy(config, name="test", clock=clock, sleep=clock.sleep, async_sleep=clock.async_sleep)
