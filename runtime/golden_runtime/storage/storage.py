"""A store as queues see it: operations that write, operations that read, from threads and from event loops."""

from __future__ import annotations

import asyncio
import re
import warnings
from functools import partial
from os import PathLike, fspath
from typing import TYPE_CHECKING, TypeAlias, TypedDict, TypeVar
from weakref import finalize

from golden_runtime.queue_errors import StorageError
from golden_runtime.settings import check_seconds, check_whole
from golden_runtime.storage.job import Job
from golden_runtime.storage.worker import Worker

if TYPE_CHECKING:
    from collections.abc import Callable

    from golden_runtime.storage.session import Operation, Session

T = TypeVar("T")

Clock: TypeAlias = "Callable[[], float]"

_POSTGRES = ("postgresql", "postgres")
# PostgreSQL counts milliseconds in 32 bits; whoever wants to wait for longer waits for ever
_LONGEST_ANSWER = 86_400.0
# what would make a file of an odd name
_NEARLY_URL = re.compile(r"(sqlite|file|postgres|postgresql):")


class StorageOptions(TypedDict, total=False):
    """The keyword arguments of `open_storage`, for those who pass them on."""

    durable: bool
    create: bool
    busy_timeout: float
    retry_for: float
    answer_timeout: float
    max_page_count: int | None


class Storage:
    """One connection for writes, which share commits, and another for reads, which hold up no write; each has a thread.

    An operation has happened, durably, when its method returns or its future is done, not before. Only a write with
    `is_synced=False` may be undone again, by a power cut that also ends every process that uses the store.
    """

    def __init__(
        self,
        name: str,
        writing: Callable[[], Session],
        reading: Callable[[], Session],
        *,
        retry_for: float,
        wait_for: float = 0.0,
    ) -> None:
        self.name = name
        self._writer = Worker(writing, name=name, retry_for=retry_for, wait_for=wait_for)
        self._reader = Worker(reading, name=name, retry_for=retry_for, wait_for=wait_for)
        # not at the interpreter's end: then nobody is left whom it would help to know
        self._dropped = finalize(self, _let_go, name, self._writer, self._reader)
        self._dropped.atexit = False

    def write(self, operation: Operation[T], *, is_synced: bool = True, is_single: bool = False) -> T:
        """Run an operation and wait for its commit, blocking the thread.

        is_single: it writes with one statement, at most, so that it needs no transaction where it is alone.
        """
        return self._writer.run(Job(operation, is_synced=is_synced, is_single=is_single))

    def read(self, operation: Operation[T]) -> T:
        """Run an operation that only reads, blocking the thread."""
        return self._reader.run(Job(operation, is_synced=False, is_single=False))

    def write_soon(
        self, operation: Operation[T], *, is_synced: bool = True, is_single: bool = False
    ) -> asyncio.Future[T]:
        """Return a future of the running event loop, done once the operation is committed; see `write`."""
        return _awaitable(self._writer, Job(operation, is_synced=is_synced, is_single=is_single))

    def read_soon(self, operation: Operation[T]) -> asyncio.Future[T]:
        """Return a future of the running event loop for an operation that only reads."""
        return _awaitable(self._reader, Job(operation, is_synced=False, is_single=False))

    def close(self) -> None:
        """Finish what is queued and close both connections."""
        self._dropped.detach()
        self._writer.close()
        self._reader.close()


def open_storage(
    url: str | PathLike[str],
    *,
    durable: bool = True,
    create: bool = True,
    busy_timeout: float = 30.0,
    retry_for: float = 10.0,
    answer_timeout: float = 30.0,
    max_page_count: int | None = None,
    clock: Clock | None = None,
) -> Storage:
    """Return the store at a path (SQLite) or a `postgresql://` URL. It connects at the first operation.

    durable: every commit is synced to disk. Without it a killed process still loses nothing, a power cut may.
    create: make the SQLite file, and in either store the tables, where they are missing.
    busy_timeout: seconds to wait for other processes that write to the same SQLite file.
    retry_for: seconds an operation waits for a lost database to come back.
    answer_timeout: seconds that PostgreSQL may take for one statement. Then the server gives it up; one that hangs, so that it
    does not even say so, is hung up on a second later. It is also how long an operation waits for what somebody else has locked;
    others have their turn meanwhile.
    max_page_count: the most pages the SQLite file may have; beyond that it is full.
    clock: seconds since 1970. By default the time of this machine with SQLite, of the database with PostgreSQL, so that
    many machines agree on when a lease ends.

    Raises StorageError for a URL it does not know, ValueError or TypeError for an option that is none.
    """
    _check_options(durable=durable, create=create)
    check_seconds("busy_timeout", busy_timeout, zero=True)
    check_seconds("retry_for", retry_for, zero=True)
    check_seconds("answer_timeout", answer_timeout)
    if answer_timeout > _LONGEST_ANSWER:
        raise ValueError(
            f"`answer_timeout` must be {_LONGEST_ANSWER:g} seconds, a day, at most, not `{answer_timeout!r}`"
        )
    if max_page_count is not None:
        check_whole("max_page_count", max_page_count, least=1)
    text = _text(url)
    scheme, separator, rest = text.partition("://")
    if separator and scheme in _POSTGRES:
        # here, not above: psycopg is an extra
        from golden_runtime.storage.postgres import PostgresSession, PostgresSettings, shown

        session = partial(PostgresSession, PostgresSettings(text, durable, create, answer_timeout, clock))
        return Storage(shown(text), session, session, retry_for=retry_for, wait_for=answer_timeout)
    if separator and scheme != "sqlite":
        raise StorageError(
            f"`{scheme}://` is not a storage this library knows: give a path, `sqlite:///path` or `postgresql://...`"
        )
    path = _path(text, rest if separator else None)
    from golden_runtime.storage.sqlite import SqliteSession, SqliteSettings

    file = SqliteSettings(path, durable, create, busy_timeout, max_page_count, clock)
    reading = partial(SqliteSession, file, is_reader=True)
    return Storage(path, partial(SqliteSession, file), reading, retry_for=retry_for)


def _check_options(**options: object) -> None:
    for option, value in options.items():
        if not isinstance(value, bool):
            raise TypeError(f"`{option}` must be True or False, not `{value!r}`")


def _text(url: str | PathLike[str]) -> str:
    text = fspath(url) if isinstance(url, str | PathLike) else None
    if not isinstance(text, str):
        raise TypeError(f"the store must be a path or a URL, as a string or a `Path`, not `{url!r}`")
    return text


def _path(text: str, rest: str | None) -> str:
    """Return the path that an SQLite URL, of which `rest` follows the scheme, or that plain text gives.

    Raises StorageError for what is no path, or was hardly meant as one.
    """
    path = text if rest is None else rest.removeprefix("/")
    if not path or path == ":memory:":
        raise StorageError(f"`{text}` is no file: tasks must outlive the process, so give a path")
    if "\0" in path:
        raise StorageError(f"`{text!r}` is no path, there is a NUL in it: give a path")
    if rest is not None and "?" in path:
        raise StorageError(f"`{text}` has parameters, and an SQLite URL takes none: give options to the queue instead")
    if _NEARLY_URL.match(text) and rest is None:
        raise StorageError(f"`{text}` is neither a path nor a URL: give a path, `sqlite:///path` or `postgresql://...`")
    return path


def _let_go(name: str, *workers: Worker) -> None:
    """End the threads of a store that nobody can close any more."""
    if any(worker.is_running for worker in workers):
        warnings.warn(
            f"the storage `{name}` was never closed: call `close`, or use `with`", ResourceWarning, stacklevel=2
        )
    for worker in workers:
        worker.end()


def _awaitable(worker: Worker, job: Job[T]) -> asyncio.Future[T]:
    job.loop = asyncio.get_running_loop()
    job.waiter = future = job.loop.create_future()
    worker.submit(job)
    return future
