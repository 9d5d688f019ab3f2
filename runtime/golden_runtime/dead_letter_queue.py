"""Dead letters: tasks that will not be tried again until somebody has looked at them, and the way back for them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from datetime import datetime, timedelta
from functools import cached_property, partial
from itertools import islice
from typing import TYPE_CHECKING, Any, TypedDict, Unpack

from golden_runtime import failures
from golden_runtime.payloads import check_number, checked_text, encoded
from golden_runtime.queue_requests import age_of, filter_of, ids_of
from golden_runtime.queue_series import DeadLetterSeries
from golden_runtime.storage import burying, dead_letter_operations
from golden_runtime.storage.dead_letter_operations import Purge, Remove, Replay
from golden_runtime.storage.storage import Storage, StorageOptions, open_storage
from golden_runtime.task_ids import fresh_id

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from os import PathLike
    from types import TracebackType

    from golden_runtime.storage.session import Operation
    from golden_runtime.storage.storage import Clock
    from golden_runtime.tasks import DeadLetter

# Letters that one transaction puts back or removes: many share a commit, and nobody waits long for it.
_AT_ONCE = 200


class Which(TypedDict, total=False):
    """The fields of `DeadLetterFilter`, as keyword arguments; times may be a `datetime` with its time zone."""

    name: str | None
    error_type: str | None
    phase: str | None
    task_id: str | None
    failed_after: float | datetime | None
    failed_before: float | datetime | None
    search: str | None


class DeadLetterQueue:
    """The dead letters of one queue; methods are coroutines, `sync` has the same ones for code without an event loop.

    A task queue has its own as `queue.dead_letters`. This class alone is for programs that only look and replay, and for
    work that never was in a queue.

    url: an SQLite path or a `postgresql://` URL. queue: whose dead letters.
    storage_options: as in `golden_runtime.storage.open_storage`.

    Every method raises StorageError where the store cannot be used, and TypeError or ValueError for conditions, ids, ages and rates
    that make no sense.
    """

    def __init__(
        self,
        url: str | PathLike[str] | Storage,
        *,
        queue: str = "default",
        clock: Clock | None = None,
        **storage_options: Unpack[StorageOptions],
    ) -> None:
        self.queue = checked_text("queue name", queue)
        self._owns_storage = not isinstance(url, Storage)
        self.storage = url if isinstance(url, Storage) else open_storage(url, clock=clock, **storage_options)
        self.series = DeadLetterSeries(self.queue)
        self.on_replay: Callable[[], None] | None = None

    @cached_property
    def sync(self) -> SyncDeadLetterQueue:
        """The same dead letters for code without an event loop."""
        return SyncDeadLetterQueue(self)

    async def add_entry(
        self,
        name: str,
        payload: Any,
        error: BaseException | str,
        *,
        phase: str = "execute",
        attempts: int = 1,
        task_id: str | None = None,
        priority: int = 0,
    ) -> int:
        """Store a dead letter for work that never was in a queue, and return its id. A replay makes a task of it.

        Raises StorageError when it could not be stored, TypeError or ValueError for what cannot be stored.
        """
        operation, error_type = self._addition(name, payload, error, phase, attempts, task_id, priority)
        entry_id = await self.storage.write_soon(operation)
        self.series.added(error_type)
        return entry_id

    async def get_entry(self, entry_id: int) -> DeadLetter | None:
        """Return a dead letter, or None if there is none of that id."""
        return await self.storage.read_soon(self._get(entry_id))

    async def get_entries(
        self, *, limit: int = 100, before: int | None = None, **which: Unpack[Which]
    ) -> list[DeadLetter]:
        """Return dead letters that match, the newest first, at most `limit`.

        before: the id of the last entry of the page before, to get the next page.
        """
        return await self.storage.read_soon(self._page(limit, before, which))

    async def count(self, **which: Unpack[Which]) -> int:
        """Count the dead letters that match; without conditions, set the gauge of their depth too."""
        found = await self.storage.read_soon(self._count(which))
        return self._counted(found, which)

    async def replay(
        self,
        ids: int | Iterable[int] | None = None,
        *,
        rate: float | None = None,
        limit: int | None = None,
        **which: Unpack[Which],
    ) -> list[str]:
        """Put dead letters back into the queue, and return the ids of their tasks.

        ids: one or some; or else all that match, the oldest first, at most `limit`.
        rate: how many come due each second; without it all do at once. The store keeps the schedule, so that nothing has
        to stay running.

        A letter leaves this queue in the transaction that makes it a task again; if it fails once more, the new letter
        has this failure in its history. Ids that are not there are passed over.
        """
        chosen = await self._chosen(ids, limit, which)
        replayed: list[str] = []
        for operation in self._replays(chosen, rate):
            replayed += await self.storage.write_soon(operation)
        return self._replayed(replayed)

    async def remove(self, ids: int | Iterable[int]) -> int:
        """Delete dead letters for good, and return how many there were."""
        removed = 0
        for some in _batches(ids_of(ids)):
            removed += await self.storage.write_soon(self._remove(some))
        return removed

    async def purge(self, older_than: float | timedelta, **which: Unpack[Which]) -> int:
        """Delete the dead letters that match and failed more than `older_than` seconds ago; return how many."""
        return await self.storage.write_soon(self._purge(older_than, which))

    async def aclose(self) -> None:
        """Close the store, unless it was handed in; other tasks of the event loop go on meanwhile."""
        await asyncio.to_thread(self.close)

    def close(self) -> None:
        """Close the store, unless it was handed in."""
        if self._owns_storage:
            self.storage.close()

    async def __aenter__(self) -> DeadLetterQueue:
        await self.count()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        await self.aclose()

    async def _chosen(self, ids: int | Iterable[int] | None, limit: int | None, which: Which) -> list[int]:
        chosen = self._named(ids, limit, which)
        return await self.storage.read_soon(self._ids(limit, which)) if chosen is None else chosen

    def _named(self, ids: int | Iterable[int] | None, limit: int | None, which: Which) -> list[int] | None:
        if ids is None:
            return None
        if limit is not None or which:
            raise ValueError("give ids, or conditions and a limit, not both: which dead letters are meant?")
        return ids_of(ids)

    def _addition(
        self,
        name: str,
        payload: Any,
        error: BaseException | str,
        phase: str,
        attempts: int,
        task_id: str | None,
        priority: int,
    ) -> tuple[Operation[int], str]:
        check_number("priority", priority)
        check_number("attempts", attempts, least=0)
        burial = failures.burial(error, phase=checked_text("phase", phase), attempts=attempts)
        letter = {
            "queue": self.queue,
            "task_id": fresh_id() if task_id is None else checked_text("task_id", task_id),
            "name": checked_text("task name", name),
            "payload": encoded(payload),
            "priority": priority,
            "attempts": attempts,
            "receipt": fresh_id(),
        }
        return partial(burying.write_new_letter, letter=letter, burial=burial), burial.error_type

    def _get(self, entry_id: int) -> Operation[DeadLetter | None]:
        check_number("id", entry_id)
        return partial(dead_letter_operations.get, queue=self.queue, entry_id=entry_id)

    def _page(self, limit: int, before: int | None, which: Which) -> Operation[list[DeadLetter]]:
        wanted = filter_of(which)
        check_number("limit", limit, least=0)
        if before is not None:
            check_number("before", before)
        return partial(dead_letter_operations.page, queue=self.queue, wanted=wanted, limit=limit, before=before)

    def _count(self, which: Which) -> Operation[int]:
        return partial(dead_letter_operations.count, queue=self.queue, wanted=filter_of(which))

    def _counted(self, found: int, which: Which) -> int:
        if not which:
            self.series.counted(found)
        return found

    def _ids(self, limit: int | None, which: Which) -> Operation[list[int]]:
        if limit is not None:
            check_number("limit", limit, least=0)
        wanted = filter_of(which)
        return partial(dead_letter_operations.ids, queue=self.queue, wanted=wanted, limit=limit)

    def _replays(self, ids: list[int], rate: float | None) -> Iterator[Operation[list[str]]]:
        if rate is not None and not (isinstance(rate, int | float) and rate > 0):
            raise ValueError(f"rate `{rate!r}` must be more than zero: it is how many come due each second")
        delays = ((entry_id, 0.0 if rate is None else index / rate) for index, entry_id in enumerate(ids))
        for some in _batches(delays):
            yield Replay(self.queue, some)

    def _replayed(self, task_ids: list[str]) -> list[str]:
        if task_ids:
            self.series.replayed(len(task_ids))
            if self.on_replay is not None:
                self.on_replay()
        return task_ids

    def _remove(self, ids: list[int]) -> Operation[int]:
        return Remove(self.queue, ids)

    def _purge(self, older_than: float | timedelta, which: Which) -> Operation[int]:
        wanted, seconds = filter_of(which), age_of(older_than)
        return Purge(self.queue, wanted, seconds)


class SyncDeadLetterQueue:
    """A `DeadLetterQueue` for code without an event loop: each method blocks its thread until it is done."""

    def __init__(self, entries: DeadLetterQueue) -> None:
        self._entries = entries
        self._storage = entries.storage
        self.queue = entries.queue

    def add_entry(
        self,
        name: str,
        payload: Any,
        error: BaseException | str,
        *,
        phase: str = "execute",
        attempts: int = 1,
        task_id: str | None = None,
        priority: int = 0,
    ) -> int:
        """See `DeadLetterQueue.add_entry`."""
        operation, error_type = self._entries._addition(name, payload, error, phase, attempts, task_id, priority)
        entry_id = self._storage.write(operation)
        self._entries.series.added(error_type)
        return entry_id

    def get_entry(self, entry_id: int) -> DeadLetter | None:
        """See `DeadLetterQueue.get_entry`."""
        return self._storage.read(self._entries._get(entry_id))

    def get_entries(self, *, limit: int = 100, before: int | None = None, **which: Unpack[Which]) -> list[DeadLetter]:
        """See `DeadLetterQueue.get_entries`."""
        return self._storage.read(self._entries._page(limit, before, which))

    def count(self, **which: Unpack[Which]) -> int:
        """See `DeadLetterQueue.count`."""
        return self._entries._counted(self._storage.read(self._entries._count(which)), which)

    def replay(
        self,
        ids: int | Iterable[int] | None = None,
        *,
        rate: float | None = None,
        limit: int | None = None,
        **which: Unpack[Which],
    ) -> list[str]:
        """See `DeadLetterQueue.replay`."""
        chosen = self._entries._named(ids, limit, which)
        if chosen is None:
            chosen = self._storage.read(self._entries._ids(limit, which))
        replayed: list[str] = []
        for operation in self._entries._replays(chosen, rate):
            replayed += self._storage.write(operation)
        return self._entries._replayed(replayed)

    def remove(self, ids: int | Iterable[int]) -> int:
        """See `DeadLetterQueue.remove`."""
        return sum(self._storage.write(self._entries._remove(some)) for some in _batches(ids_of(ids)))

    def purge(self, older_than: float | timedelta, **which: Unpack[Which]) -> int:
        """See `DeadLetterQueue.purge`."""
        return self._storage.write(self._entries._purge(older_than, which))

    def close(self) -> None:
        """See `DeadLetterQueue.close`."""
        self._entries.close()

    def __enter__(self) -> SyncDeadLetterQueue:
        self.count()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self.close()


def _batches(items: Iterable[Any]) -> Iterator[list[Any]]:
    remaining = iter(items)
    while batch := list(islice(remaining, _AT_ONCE)):
        yield batch
