"""One operation on its way through a worker, from who asks for it to its outcome."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Generic, TypeVar

from golden_runtime.queue_errors import QueueError

if TYPE_CHECKING:
    import asyncio
    import threading

    from golden_runtime.storage.session import Operation, Session

T = TypeVar("T")


class Job(Generic[T]):
    """An operation, and who waits for its outcome: a future of an event loop, a thread at a lock, or the one who runs it."""

    __slots__ = ("_error", "_value", "is_single", "is_synced", "lock", "loop", "operation", "submitted", "waiter")

    def __init__(self, operation: Operation[T], *, is_synced: bool, is_single: bool) -> None:
        self.operation = operation
        self.is_synced = is_synced
        self.is_single = is_single
        self.waiter: asyncio.Future[T] | None = None
        # released when the job is done; a future of a thread makes a condition and a lock each time, and costs more than the row
        self.lock: threading.Lock | None = None
        self.loop: asyncio.AbstractEventLoop | None = None
        self.submitted = time.monotonic()
        self._value: T | None = None
        self._error: Exception | None = None

    def attempt(self, session: Session) -> None:
        """Run the operation and keep its outcome; a refusal is one, any other exception is raised."""
        self._error = None
        try:
            self._value = self.operation(session)
        except QueueError as refusal:
            self._error = refusal

    def keep(self, outcome: T | QueueError) -> None:
        """Keep what running the operation with others has brought it."""
        if isinstance(outcome, QueueError):
            self._error = outcome
        else:
            self._value, self._error = outcome, None

    def fail(self, error: Exception) -> None:
        """Keep an error as the outcome."""
        self._error = error

    def outcome(self) -> T:
        """Return what the operation returned, or raise what it raised."""
        if self._error is not None:
            raise self._error
        return self._value  # type: ignore[return-value]  # set by `attempt`, None only where T allows it

    @property
    def is_cancelled(self) -> bool:
        """Whether nobody waits for it any more."""
        return self.waiter is not None and self.waiter.cancelled()

    def settle(self) -> None:
        """Hand the outcome to who waits for it, if anybody still does."""
        if self.lock is not None:
            self.lock.release()
        if self.waiter is None or self.waiter.done():
            return
        if self._error is not None:
            self.waiter.set_exception(self._error)
        else:
            self.waiter.set_result(self._value)  # type: ignore[arg-type]  # set by `attempt`, None only where T allows it
