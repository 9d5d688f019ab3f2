"""How the tables in a PostgreSQL database are made and brought up to date: by one connection, while the others wait."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING

from golden_runtime.queue_errors import StorageUnavailableError
from golden_runtime.storage.schema import POSTGRES_TYPES, TABLES, check_unused, check_version, migrate, version_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from golden_runtime.storage.postgres_connection import PatientConnection

# The key of the advisory lock that migrations take turns by: "golden" in ASCII.
_MIGRATION_LOCK = 0x676F6C64656E
# The first and the longest pause, in seconds, before it is asked for again.
_FIRST_PAUSE = 0.01
_LONGEST_PAUSE = 0.5


def present_version(connection: PatientConnection, where: str) -> int:
    """Return the version of the schema, 0 where there is none."""
    if one(connection, "SELECT to_regclass('golden_runtime_schema')") is None:
        return 0
    return version_of(connection.execute("SELECT version FROM golden_runtime_schema").fetchall(), where)


def bring_up_to_date(
    connection: PatientConnection, steps: Sequence[Sequence[str]], where: str, answer_timeout: float
) -> None:
    """Apply the steps that are missing and commit them, however long that takes.

    answer_timeout: seconds that it waits for another connection that is at it, and for each lock of others.

    Raises StorageUnavailableError where another connection has not finished by then, SchemaError where it was a newer release.
    """
    _take_turn(connection, where, answer_timeout)
    patience, connection.patience = connection.patience, math.inf
    # a step goes on for as long as there are rows to go through; while it waits for a lock, everybody waits behind it
    connection.execute("SET LOCAL statement_timeout = 0")
    connection.execute(f"SET LOCAL lock_timeout = {max(1, round(answer_timeout * 1000))}")
    # this also makes the session notice what another one has made while it waited for its turn
    connection.execute("CREATE TABLE IF NOT EXISTS golden_runtime_schema (version bigint NOT NULL)")
    rows = connection.execute("SELECT coalesce(max(version), 0) FROM golden_runtime_schema").fetchall()
    present = version_of(rows, where)
    # that may have been of a newer release
    check_version(present, len(steps), where)
    if present == 0:
        check_unused(_tables(connection), where)
    migrate(connection.execute, present, POSTGRES_TYPES, steps)
    connection.execute("DELETE FROM golden_runtime_schema")
    connection.execute("INSERT INTO golden_runtime_schema (version) VALUES (%s)", (len(steps),))
    connection.commit()
    connection.patience = patience


def one(connection: PatientConnection, statement: str) -> object:
    """Return the first column of the first row of what a statement returns, None where it returns no row."""
    row = connection.execute(statement).fetchone()
    return None if row is None else row[0]


def _take_turn(connection: PatientConnection, where: str, seconds: float) -> None:
    """Take the lock until the end of the transaction, asking again and again: a wait in the server would be cut off as silence."""
    until = time.monotonic() + seconds
    pause = _FIRST_PAUSE
    while not one(connection, f"SELECT pg_try_advisory_xact_lock({_MIGRATION_LOCK})"):
        # what this transaction has looked at must not be in the way of the other one
        connection.commit()
        if time.monotonic() >= until:
            raise StorageUnavailableError(
                f"another process is bringing the tables in `{where}` up to date and has not finished in {seconds:g} seconds: "
                "try again when it has"
            )
        time.sleep(pause)
        pause = min(2 * pause, _LONGEST_PAUSE)


def _tables(connection: PatientConnection) -> list[str]:
    """Return which of our tables there are where they would be made."""
    named = "SELECT relname FROM pg_class WHERE relnamespace = current_schema()::regnamespace AND relname = ANY(%s)"
    return [str(name) for (name,) in connection.execute(named, (list(TABLES),))]
