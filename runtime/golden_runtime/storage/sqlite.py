"""The embedded store: one SQLite file in WAL mode, synced to disk at every commit, shared by threads and processes."""

from __future__ import annotations

import os
import re
import sqlite3
import time
from contextlib import suppress
from dataclasses import dataclass
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from golden_runtime.queue_errors import QueueError, SchemaError, StorageError, StorageUnavailableError
from golden_runtime.storage.rows import PIECES
from golden_runtime.storage.schema import SQLITE_TYPES, STEPS, TABLES, check_unused, check_version, migrate, version_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from golden_runtime.storage.session import Parameters, Row

    Values: TypeAlias = Callable[[Parameters], tuple[object, ...]]

# RETURNING and MATERIALIZED came with it.
_OLDEST_SQLITE = (3, 35, 0)

_MARKS = {
    # a power cut may undo a claim, so that its number alone would be given again: the milliseconds since 1970 are not
    "{next_token}": "max(token + 1, CAST({now} * 1000 AS INTEGER))",
    "{now}": ":now",
    "{skip_locked}": "",  # a writer is alone
    "{among_names}": "name IN (SELECT value FROM json_each(:names))",
}

# Seconds for which SQLite waits by itself for another process that writes. It sees no Ctrl-C meanwhile.
_WAIT = 0.25

_PARAMETER = re.compile(r":([a-z_]+)")

# SQLite's primary result codes (https://sqlite.org/rescode.html), and what each means for the one who reads it.
_UNAVAILABLE = {
    sqlite3.SQLITE_BUSY: "`{path}` is locked by another process that did not finish in {busy_timeout:g} seconds: "
    "find what holds a transaction open on it",
    sqlite3.SQLITE_FULL: "`{path}` cannot grow, the disk or the file's page limit is full: free some space and try again",
    sqlite3.SQLITE_IOERR: "the disk failed under `{path}` ({error}): check the disk and its free space",
}
_BROKEN = {
    sqlite3.SQLITE_CANTOPEN: "`{path}` cannot be opened: check that its folder exists and is writable",
    sqlite3.SQLITE_NOTADB: "`{path}` is not an SQLite database: give another path",
    sqlite3.SQLITE_CORRUPT: "`{path}` is damaged ({error}): restore it from a backup, or recover it with the sqlite3 shell",
    sqlite3.SQLITE_READONLY: "`{path}` is read-only: give this process the right to write to it and to its folder",
    sqlite3.SQLITE_PERM: "`{path}` may not be opened by this process: give it the right to read and write",
}


@dataclass(frozen=True, slots=True)
class SqliteSettings:
    """Which file, and how to treat it; see `open_storage`."""

    path: str
    durable: bool = True
    create: bool = True
    busy_timeout: float = 30.0
    max_page_count: int | None = None
    clock: Callable[[], float] | None = None


class SqliteSession:
    """A connection to the file; see `Session`."""

    def __init__(self, settings: SqliteSettings, *, is_reader: bool = False) -> None:
        self._settings = settings
        # a reader that took the write lock would wait for writers, and they for it
        self._begin = "BEGIN" if is_reader else "BEGIN IMMEDIATE"
        self._only_looks = is_reader and not settings.create
        self._clock = settings.clock or time.time
        self._connection: sqlite3.Connection | None = None
        # None: not known, as an interrupt came while it was set
        self._is_synced: bool | None = True
        self._rendered: dict[str, tuple[str, Values]] = {}

    def begin(self, *, is_synced: bool = True, is_single: bool = False) -> None:
        """Open a transaction; one that writes takes the lock at once, so that no later statement meets a conflict.

        The next commit that is synced takes along those that were not: the log is synced as a whole, and in order.
        """
        if self._connection is None:
            self._is_synced = True
            connection = self._open()
            # from here on a moment at a time, see `_wait_for`; who opens waits only where another process makes the tables
            connection.execute(f"PRAGMA busy_timeout = {int(min(_WAIT, self._settings.busy_timeout) * 1000)}")
            self._connection = connection
        if self._connection.in_transaction:
            # a second Ctrl-C has cut the rollback short, and what is half done must not be committed with what comes now
            self.rollback()
        if is_synced is not self._is_synced and self._settings.durable:
            self._is_synced = None
            _set_synchronous(self._connection, is_durable=is_synced)
            self._is_synced = is_synced
        if not is_single:
            self._begin_now()

    def enclose(self) -> None:
        """Open a transaction, unless one is open."""
        assert self._connection is not None, "begin comes first"  # noqa: S101 - for the type checker
        if not self._connection.in_transaction:
            self._begin_now()

    def execute(self, statement: str, parameters: Parameters) -> list[Row]:
        """Run a statement and return its rows."""
        return self._run(statement, parameters).fetchall()

    def change(self, statement: str, parameters: Parameters) -> int:
        """Run a statement that writes and return how many rows it has written."""
        return self._run(statement, parameters).rowcount

    def change_all(self, statement: str, parameters: Sequence[Parameters]) -> int:
        """Run a statement that writes for each of several parameters, and return how many rows it has written in all."""
        assert self._connection is not None, "begin comes first"  # noqa: S101 - for the type checker
        text, values = self._rendering(statement)
        now = self._clock()
        return self._connection.executemany(text, [values({**row, "now": now}) for row in parameters]).rowcount

    def commit(self) -> None:
        """Commit, which returns once the log is on the disk."""
        assert self._connection is not None, "begin comes first"  # noqa: S101 - for the type checker
        if self._connection.in_transaction:
            self._connection.execute("COMMIT")

    def rollback(self) -> None:
        """Undo the transaction; some errors have made SQLite do so already."""
        if self._connection is not None and self._connection.in_transaction:
            with suppress(sqlite3.Error):
                self._connection.execute("ROLLBACK")

    def is_lost(self, error: Exception) -> bool:  # noqa: ARG002 - the protocol's
        """A file is never lost."""
        return False

    def is_held_up(self, error: Exception) -> bool:  # noqa: ARG002 - the protocol's
        """Who locks a file locks all of it."""
        return False

    def explain(self, error: Exception) -> Exception:
        """Return the error in plain words."""
        return explain(error, self._settings)

    def close(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            with suppress(sqlite3.Error):
                self._connection.close()
            self._connection = None

    def _run(self, statement: str, parameters: Parameters) -> sqlite3.Cursor:
        assert self._connection is not None, "begin comes first"  # noqa: S101 - for the type checker
        text, values = self._rendered.get(statement) or self._rendering(statement)
        parameters["now"] = self._clock()
        given = values(parameters)
        try:
            return self._connection.execute(text, given)
        except sqlite3.OperationalError as error:
            return self._wait_for(error, text, given)

    def _begin_now(self) -> None:
        assert self._connection is not None, "begin comes first"  # noqa: S101 - for the type checker
        try:
            self._connection.execute(self._begin)
        except sqlite3.OperationalError as error:
            self._wait_for(error, self._begin, ())

    def _wait_for(self, busy: sqlite3.OperationalError, text: str, given: tuple[object, ...]) -> sqlite3.Cursor:
        """Run again what the lock of another process has refused, for as long as callers may be kept waiting."""
        assert self._connection is not None, "begin comes first"  # noqa: S101 - for the type checker
        until = time.monotonic() + self._settings.busy_timeout - _WAIT
        while busy.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY and time.monotonic() < until:
            try:
                return self._connection.execute(text, given)
            except sqlite3.OperationalError as error:
                busy = error
        raise busy

    def _rendering(self, statement: str) -> tuple[str, Values]:
        return self._rendered.get(statement) or self._rendered.setdefault(statement, _render(statement))

    def _open(self) -> sqlite3.Connection:
        _check_library()
        path = Path(self._settings.path)
        if not self._settings.create and not path.exists():
            raise StorageError(f"there is no file `{path}`: check the path")
        # who may only look must leave no files of its own beside this one, which its owner might not be allowed to write
        if self._only_looks and not _is_writable(path):
            if _has_no_log(path):
                return self._connect(f"{path.absolute().as_uri()}?mode=ro&immutable=1", self._check_present)
            _check_log_is_readable(path)
        return self._connect(path, self._prepare)

    def _connect(self, path: Path | str, prepare: Callable[[sqlite3.Connection], None]) -> sqlite3.Connection:
        connection = sqlite3.connect(
            path,
            timeout=self._settings.busy_timeout,
            isolation_level=None,
            check_same_thread=False,
            uri=isinstance(path, str),
        )
        try:
            prepare(connection)
        except BaseException:  # Ctrl-C too: what was opened is closed
            connection.close()
            raise
        return connection

    def _check_present(self, connection: sqlite3.Connection) -> None:
        version = _version(connection, self._settings.path)
        if version == 0:
            raise StorageError(f"`{self._settings.path}` has no task queue in it: check the path")
        check_version(version, len(STEPS), self._settings.path)

    def _prepare(self, connection: sqlite3.Connection) -> None:
        if not self._settings.create:
            self._check_present(connection)
        connection.execute("PRAGMA journal_mode = WAL")
        _set_synchronous(connection, is_durable=self._settings.durable)
        # where fsync does not reach the platter (macOS); elsewhere it does nothing
        connection.execute("PRAGMA fullfsync = ON")
        if self._settings.max_page_count is not None:
            connection.execute(f"PRAGMA max_page_count = {int(self._settings.max_page_count)}")
        check_version(_version(connection, self._settings.path), len(STEPS), self._settings.path)
        if _version(connection, self._settings.path) < len(STEPS):
            self._migrate(connection)

    def _migrate(self, connection: sqlite3.Connection) -> None:
        """Bring the schema up to date, unless another process has just done it.

        Raises SchemaError where that was one of a newer release.
        """
        connection.execute("BEGIN IMMEDIATE")
        try:
            present = _version(connection, self._settings.path)
            # that may have been of a newer release
            check_version(present, len(STEPS), self._settings.path)
            if present == 0:
                check_unused(_tables(connection), self._settings.path)
            migrate(connection.execute, present, SQLITE_TYPES, STEPS)
            _set_version(connection, len(STEPS))
            connection.execute("COMMIT")
        except BaseException:  # Ctrl-C too: nothing is left half made
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise


def explain(error: Exception, settings: SqliteSettings) -> Exception:
    """Return what SQLite's error means for the one who reads it; other errors as they are."""
    if isinstance(error, QueueError) or not isinstance(error, sqlite3.Error):
        return error
    # the low byte is the primary code, the rest details it
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    words = {"path": settings.path, "busy_timeout": settings.busy_timeout, "error": str(error)}
    if code in _UNAVAILABLE:
        return _caused(StorageUnavailableError(_UNAVAILABLE[code].format(**words)), error)
    if code in _BROKEN:
        return _caused(StorageError(_BROKEN[code].format(**words)), error)
    return _caused(StorageError(f"SQLite refused an operation on `{settings.path}`: {error}"), error)


def _is_writable(path: Path) -> bool:
    """Whether this process may write to a file that is there, and to its folder."""
    return os.access(path, os.W_OK) and os.access(path.resolve().parent, os.W_OK)


def _has_no_log(path: Path) -> bool:
    """Whether all that was committed is in the file itself."""
    log = Path(f"{path.resolve()}-wal")
    return not log.exists() or log.stat().st_size == 0


def _check_log_is_readable(path: Path) -> None:
    """Raise StorageError where reading what is in the log would take an index beside it, which this process may not make.

    To leave the log out would show what was true before it, and pass that off as all there is.
    """
    index = Path(f"{path.resolve()}-shm")
    if not index.exists():
        raise StorageError(
            f"`{path}` has a log beside it, `{path.name}-wal`, that a process which died has left and this one may not take in: "
            "run this as the owner of the file, or on a copy of both files"
        )


def _caused(shown: StorageError, error: Exception) -> StorageError:
    shown.__cause__ = error
    return shown


def _render(statement: str) -> tuple[str, Values]:
    """Return a statement with its parameters told by their places, and what puts them there.

    By name the interpreter's lock is given away for each of them, and must be won back each time.
    """
    for mark, text in (PIECES | _MARKS).items():
        statement = statement.replace(mark, text)
    text, names = _PARAMETER.sub("?", statement), _PARAMETER.findall(statement)
    # of a single name it returns no tuple
    return text, itemgetter(*names) if len(names) > 1 else lambda parameters: tuple(map(parameters.get, names))


def _check_library() -> None:
    if sqlite3.sqlite_version_info < _OLDEST_SQLITE:
        raise SchemaError(
            f"this Python has SQLite {sqlite3.sqlite_version}, and task queues need 3.35 or later: use a newer Python build"
        )


def _set_synchronous(connection: sqlite3.Connection, *, is_durable: bool) -> None:
    connection.execute(f"PRAGMA synchronous = {'FULL' if is_durable else 'NORMAL'}")


def _version(connection: sqlite3.Connection, path: str) -> int:
    exists = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'golden_runtime_schema'"
    if connection.execute(exists).fetchone() is None:
        return 0
    return version_of(connection.execute("SELECT version FROM golden_runtime_schema").fetchall(), path)


def _tables(connection: sqlite3.Connection) -> list[str]:
    """Return which of our tables, or views of their names, there are."""
    named = f"SELECT name FROM sqlite_master WHERE name IN ({', '.join('?' * len(TABLES))})"  # noqa: S608 - from constants
    return [str(name) for (name,) in connection.execute(named, TABLES)]


def _set_version(connection: sqlite3.Connection, version: int) -> None:
    connection.execute("CREATE TABLE IF NOT EXISTS golden_runtime_schema (version INTEGER NOT NULL)")
    connection.execute("DELETE FROM golden_runtime_schema")
    connection.execute("INSERT INTO golden_runtime_schema (version) VALUES (?)", (version,))
