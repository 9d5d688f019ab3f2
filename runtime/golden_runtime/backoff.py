"""How long to wait before a retry. No delay is ever longer than its cap, jitter included, whatever the number of the retry."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal, TypeAlias

Jitter: TypeAlias = Literal["full", "equal", "none"]

# 2.0 to a higher power is no float any more.
_HIGHEST_POWER = 1023


class RetryStrategy(StrEnum):
    """How delays grow: doubling, by one `base_delay` each, as Fibonacci's numbers, at random from the delay before, or not at all.

    DECORRELATED_JITTER lies between `base_delay` and three times the delay before, and takes no other jitter. It is from
    Marc Brooker, "Exponential Backoff and Jitter" (AWS Architecture Blog, 2015), as are the kinds of jitter.
    """

    EXPONENTIAL = "exponential"
    LINEAR = "linear"
    FIBONACCI = "fibonacci"
    DECORRELATED_JITTER = "decorrelated_jitter"
    CONSTANT = "constant"


@dataclass(frozen=True, slots=True)
class Backoff:
    """Delays in seconds, between zero and `cap`."""

    strategy: RetryStrategy
    base: float
    cap: float
    jitter: Jitter

    def delay(self, number: int, before: float, random: Callable[[], float]) -> float:
        """Return the delay before retry `number` (from 1), after a delay `before`; `random` gives from 0 up to 1."""
        if self.strategy is RetryStrategy.DECORRELATED_JITTER:
            highest = max(self.base, 3.0 * before)
            return min(self.cap, self.base + random() * (highest - self.base))
        delay = min(self.cap, self._grown(number))
        if self.jitter == "full":
            return delay * random()
        return delay / 2 + delay / 2 * random() if self.jitter == "equal" else delay

    def _grown(self, number: int) -> float:
        if self.strategy is RetryStrategy.EXPONENTIAL:
            return self.base * 2.0 ** min(number - 1, _HIGHEST_POWER)
        if self.strategy is RetryStrategy.CONSTANT:
            return self.base
        return self.base * (number if self.strategy is RetryStrategy.LINEAR else self._fibonacci(number))

    def _fibonacci(self, number: int) -> float:
        present, following = 1.0, 1.0
        for _ in range(number - 1):
            if self.base * present >= self.cap:
                break
            present, following = following, min(present + following, 1e300)
        return present
