"""One attempt as a block of code."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager, AbstractContextManager
from typing import TYPE_CHECKING

from golden_runtime.deadline import RetryTimeoutError

if TYPE_CHECKING:
    from types import TracebackType

    from golden_runtime.attempts import Attempts


class Attempt:
    """One attempt of a loop over `RetryPolicy.attempts()`: the block that may be done again."""

    __slots__ = ("_attempts", "_cut_off", "_limited", "delay", "number")

    _limited: AbstractContextManager[None]
    _cut_off: AbstractAsyncContextManager[None]

    def __init__(self, attempts: Attempts, number: int) -> None:
        self._attempts = attempts
        self.number = number
        # seconds until the next attempt; None after the last one
        self.delay: float | None = None

    def __enter__(self) -> Attempt:
        self._attempts.begin()
        self._limited = self._attempts.limited()
        self._limited.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> bool:
        self._limited.__exit__(None, None, None)
        return self._over(error)

    async def __aenter__(self) -> Attempt:
        self._attempts.begin()
        self._cut_off = self._attempts.cut_off()
        await self._cut_off.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> bool:
        try:
            await self._cut_off.__aexit__(kind, error, traceback)
        except RetryTimeoutError as timeout:
            if self._over(timeout):
                return True
            raise
        return self._over(error)

    def _over(self, error: BaseException | None) -> bool:
        if error is None:
            self._attempts.succeeded()
            return False
        self.delay = self._attempts.failed(error)
        return self.delay is not None
