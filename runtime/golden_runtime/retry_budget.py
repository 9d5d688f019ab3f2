"""A budget of retries that policies share, so that an outage does not multiply the load by the number of attempts."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from golden_runtime.settings import check_seconds, check_share, check_whole


class RetryBudget:
    """Allows one retry for every `1 / ratio` calls, `per_second` more each second, and `reserve` at once.

    Policies and threads may share it. It starts full and never holds more than `reserve` retries, so over any time of `t`
    seconds with `n` calls, at most `reserve + ratio * n + per_second * t` are made. The idea is Finagle's (`RetryBudget`).
    `clock` returns seconds and never goes back. Raises ValueError for a number that makes no sense.
    """

    __slots__ = ("_clock", "_filled_at", "_lock", "_retries", "per_second", "ratio", "reserve")

    def __init__(
        self,
        ratio: float = 0.2,
        per_second: float = 1.0,
        reserve: int = 10,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        check_share("ratio", ratio)
        check_seconds("per_second", per_second, zero=True)
        check_whole("reserve", reserve, least=1)
        self.ratio = ratio
        self.per_second = per_second
        self.reserve = reserve
        self._clock = clock
        self._retries = float(reserve)
        self._filled_at = clock()
        # Reentrant, because a signal handler may make a call of its own while this thread is in here.
        self._lock = threading.RLock()

    def pay_in(self) -> None:
        """Take note of a call, which allows `ratio` of a retry."""
        with self._lock:
            self._retries = min(self.reserve, self._retries + self.ratio)

    def take(self) -> bool:
        """Take one retry out, and say whether there was one."""
        now = self._clock()
        with self._lock:
            earned = self.per_second * max(0.0, now - self._filled_at)
            retries, filled_at = min(self.reserve, self._retries + earned), max(now, self._filled_at)
            is_enough = retries >= 1.0
            # one step, see `turns`
            self._retries, self._filled_at = retries - is_enough, filled_at
            return is_enough
