"""The shared store: one PostgreSQL database that any number of machines claim from."""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from golden_runtime.queue_errors import QueueError, StorageError, StorageUnavailableError
from golden_runtime.storage.rows import PIECES
from golden_runtime.storage.schema import STEPS, check_version

try:
    import psycopg
    from psycopg.conninfo import conninfo_to_dict, make_conninfo
    from psycopg.pq import TransactionStatus

    from golden_runtime.storage.postgres_connection import NoAnswerError, PatientConnection
    from golden_runtime.storage.postgres_migration import bring_up_to_date, one, present_version
except ImportError as error:  # pragma: no cover - the tests run with the extra
    raise StorageError(
        "PostgreSQL needs psycopg 3: install the extra with `pip install 'golden-runtime[postgres]'`"
    ) from error

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from golden_runtime.storage.session import Parameters, Row

# statement_timestamp() moves on within a transaction, and is stable in a statement, so that indexes can be used with it
_NOW = "CAST(extract(epoch FROM statement_timestamp()) AS double precision)"

_PARAMETER = re.compile(r":([a-z_]+)")

# What the URL may say otherwise. A network that is cut in silence is noticed within half a minute, not after two hours.
_OPTIONS = {
    "application_name": "golden-runtime",
    "connect_timeout": "10",
    "keepalives_idle": "10",
    "keepalives_interval": "5",
    "keepalives_count": "4",
    "tcp_user_timeout": "30000",
}

# SQLSTATE codes (PostgreSQL manual, appendix A) of trouble that passes, and may be met again at once.
_LOCKED = "55P03"
_PASSING = {"40001", "40P01", _LOCKED}
_GIVEN_UP = {_LOCKED, "57014"}
_DISK_FULL = "53100"
_READ_ONLY = "25006"
_NOT_ALLOWED = "42501"

# Seconds that a server gets beyond what it was told, to say itself that it gives up: then nothing is left in doubt.
_GRACE = 1.0

# Seconds that one operation waits for what somebody else has locked before it lets others have their turn. Our own transactions
# hold locks for milliseconds; a person may for minutes.
_LOCK_PATIENCE = 0.1

# Refusals to connect that no waiting mends; libpq gives them no SQLSTATE.
_FINAL = re.compile(r"authentication failed|does not exist|no password supplied|no pg_hba\.conf entry")


@dataclass(frozen=True, slots=True)
class PostgresSettings:
    """Which database, and how to treat it; see `open_storage`."""

    url: str
    durable: bool = True
    create: bool = True
    answer_timeout: float = 30.0
    clock: Callable[[], float] | None = None


class PostgresSession:
    """A connection to the database; see `Session`."""

    def __init__(self, settings: PostgresSettings) -> None:
        self._settings = settings
        self._connection: PatientConnection | None = None
        self._rendered: dict[str, str] = {}

    def begin(self, *, is_synced: bool = True, is_single: bool = False) -> None:  # noqa: ARG002 - the protocol's
        """Open the connection where it is not, or no more; psycopg begins with the first statement.

        Every commit is synced: workers outlive a crash of the server, and so must their claims.
        """
        if self._connection is not None and self._connection.pgconn.transaction_status != TransactionStatus.IDLE:
            # closed, or a second Ctrl-C has cut the rollback short: what is half done must not be committed with what comes now
            self.rollback()
        if self._connection is None:
            self._connection = self._open()
        # no message to the server, this only says whether psycopg sends BEGIN before a statement
        if self._connection.autocommit is not is_single:
            self._connection.autocommit = is_single

    def enclose(self) -> None:
        """Let psycopg begin a transaction with the next statement, unless one is open."""
        assert self._connection is not None, "begin comes first"  # noqa: S101 - for the type checker
        if self._connection.autocommit:
            self._connection.autocommit = False

    def execute(self, statement: str, parameters: Parameters) -> list[Row]:
        """Run a statement and return its rows."""
        cursor = self._run(statement, parameters)
        return cursor.fetchall() if cursor.description is not None else []

    def change(self, statement: str, parameters: Parameters) -> int:
        """Run a statement that writes and return how many rows it has written."""
        return self._run(statement, parameters).rowcount

    def change_all(self, statement: str, parameters: Sequence[Parameters]) -> int:
        """Run a statement that writes for each of several parameters, and return how many rows it has written in all."""
        assert self._connection is not None, "begin comes first"  # noqa: S101 - for the type checker
        with self._connection.cursor() as cursor:
            cursor.executemany(self._rendering(statement), [self._timed(row) for row in parameters])
            return cursor.rowcount

    def commit(self) -> None:
        """Commit, which returns once the server has it on its disk."""
        assert self._connection is not None, "begin comes first"  # noqa: S101 - for the type checker
        self._connection.commit()

    def rollback(self) -> None:
        """Undo the transaction, or drop the connection where that fails."""
        if self._connection is None:
            return
        try:
            self._connection.rollback()
        except psycopg.Error:
            self.close()

    def is_lost(self, error: Exception) -> bool:
        """Whether the connection is gone, could not be made, or the transaction met another one in a deadlock."""
        if not isinstance(error, psycopg.Error):
            return False
        if error.sqlstate in _PASSING:
            return True
        gone = self._connection is None or self._connection.closed
        return gone and isinstance(error, psycopg.OperationalError) and _FINAL.search(str(error)) is None

    def is_held_up(self, error: Exception) -> bool:
        """Whether the server gave up a statement that waited for what somebody has locked."""
        return isinstance(error, psycopg.Error) and error.sqlstate == _LOCKED

    def explain(self, error: Exception) -> Exception:
        """Return the error in plain words."""
        return explain(error, self._settings)

    def close(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            with suppress(psycopg.Error):
                self._connection.close()
            self._connection = None

    def _run(self, statement: str, parameters: Parameters) -> psycopg.Cursor[Row]:
        assert self._connection is not None, "begin comes first"  # noqa: S101 - for the type checker
        return self._connection.execute(self._rendering(statement), self._timed(parameters))

    def _rendering(self, statement: str) -> str:
        return self._rendered.get(statement) or self._rendered.setdefault(statement, self._render(statement))

    def _timed(self, parameters: Parameters) -> Parameters:
        clock = self._settings.clock
        return parameters if clock is None else {**parameters, "now": clock()}

    def _open(self) -> PatientConnection:
        given = {key: str(value) for key, value in conninfo_to_dict(self._settings.url).items()}
        connection = PatientConnection.connect(make_conninfo("", **{**_OPTIONS, **given}))
        connection.patience = self._settings.answer_timeout + _GRACE
        try:
            self._prepare(connection)
        except BaseException:  # Ctrl-C too: what was opened is closed
            connection.close()
            raise
        return connection

    def _prepare(self, connection: PatientConnection) -> None:
        # a server may be set to acknowledge commits that a crash would lose
        if not self._settings.durable:
            connection.execute("SET synchronous_commit = off")
        elif one(connection, "SHOW synchronous_commit") == "off":
            connection.execute("SET synchronous_commit = on")
        # a longer one would outlast the patience of the connection
        _limit(connection, "statement_timeout", self._settings.answer_timeout)
        where = shown(self._settings.url)
        version = present_version(connection, where)
        if version == 0 and not self._settings.create:
            raise StorageError(f"`{where}` has no task queue in it: check the URL and its `search_path`")
        check_version(version, len(STEPS), where)
        connection.commit()
        if version < len(STEPS):
            bring_up_to_date(connection, STEPS, where, self._settings.answer_timeout)
        _limit(connection, "lock_timeout", min(_LOCK_PATIENCE, self._settings.answer_timeout))
        connection.commit()

    def _render(self, statement: str) -> str:
        marks = {
            "{next_token}": "token + 1",
            "{now}": _NOW if self._settings.clock is None else ":now",
            "{skip_locked}": "FOR UPDATE SKIP LOCKED",
            "{among_names}": "name IN (SELECT json_array_elements_text(CAST(:names AS json)))",
        }
        for mark, text in (PIECES | marks).items():
            statement = statement.replace(mark, text)
        return _PARAMETER.sub(r"%(\1)s", statement)


def _limit(connection: PatientConnection, setting: str, seconds: float) -> None:
    """Set how long the server tries before it gives up, unless a shorter time was set for this user or database."""
    milliseconds = max(1, round(seconds * 1000))
    present = one(connection, f"SELECT setting::bigint FROM pg_settings WHERE name = '{setting}'")  # noqa: S608 - a constant
    if not isinstance(present, int) or not 0 < present <= milliseconds:
        connection.execute(f"SET {setting} = {milliseconds}")


def shown(url: str) -> str:
    """Return the URL without its password, for messages.

    Raises StorageError where it is not one that PostgreSQL's client understands.
    """
    try:
        parts = conninfo_to_dict(url)
    except psycopg.Error as error:
        # what libpq quotes is the URL, or a part of it: the password, perhaps, so the error itself is left out, too
        reason = _first_line(error).partition(': "')[0]
        raise StorageError(f"`{url.partition('://')[0]}://...` is not a PostgreSQL URL ({reason})") from None
    host = parts.get("host") or parts.get("hostaddr") or "localhost"
    port = f":{parts['port']}" if parts.get("port") else ""
    return f"postgresql://{host}{port}/{parts.get('dbname') or parts.get('user') or ''}"


def explain(error: Exception, settings: PostgresSettings) -> Exception:
    """Return what PostgreSQL's error means for the one who reads it; other errors as they are."""
    if isinstance(error, QueueError) or not isinstance(error, psycopg.Error):
        return error
    where = shown(settings.url)
    if error.sqlstate == _DISK_FULL:
        raised: StorageError = StorageUnavailableError(f"the disk of `{where}` is full: free some space and try again")
    elif error.sqlstate == _READ_ONLY:
        raised = StorageUnavailableError(f"`{where}` is read-only, a standby perhaps: connect to the primary")
    elif error.sqlstate == _NOT_ALLOWED:
        raised = StorageError(f"`{where}` does not allow it ({_first_line(error)}): grant this user the right")
    elif error.sqlstate in _GIVEN_UP:
        raised = StorageUnavailableError(
            f"`{where}` did not finish and gave up ({_first_line(error)}): find out what holds it up, a lock perhaps, or raise "
            "`answer_timeout`"
        )
    elif isinstance(error, NoAnswerError):
        raised = StorageUnavailableError(
            f"`{where}` is connected and says nothing ({_first_line(error)}): find out what holds it up, and where this was a "
            "task to store, give it an idempotency key to try again, since it may be stored all the same"
        )
    elif isinstance(error, psycopg.OperationalError):
        raised = StorageUnavailableError(
            f"`{where}` does not answer ({_first_line(error)}): check that the server runs and that the URL is right"
        )
    else:
        raised = StorageError(f"`{where}` refused an operation ({_first_line(error)})")
    raised.__cause__ = error
    return raised


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0]
