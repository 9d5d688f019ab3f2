"""Names, stores and queues for tests: each test gets an empty one, in an SQLite file and in a schema of a real PostgreSQL."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING
from uuid import uuid4

import psycopg
import pytest
from golden_runtime import TaskQueue
from postgres_server import PostgresServer
from queue_clock import FakeClock

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from golden_runtime import SyncTaskQueue


@pytest.fixture
def name() -> str:
    """A name that no other test uses, for a metric or for what names its own."""
    return f"test_{uuid4().hex}"


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A PostgreSQL that all tests of a process share."""
    with PostgresServer() as server:
        yield server


@pytest.fixture
def postgres_url(postgres: PostgresServer) -> str:
    """The URL of an empty schema."""
    schema = f"test_{secrets.token_hex(6)}"
    with psycopg.connect(postgres.url(), autocommit=True) as connection:
        connection.execute(f"CREATE SCHEMA {schema}")
    return f"{postgres.url()}&options=-csearch_path%3D{schema}"


@pytest.fixture
def sqlite_path(tmp_path: Path) -> str:
    """The path of an SQLite file that is not there yet."""
    return str(tmp_path / "tasks.db")


@pytest.fixture(params=["sqlite", "postgres"])
def store(request: pytest.FixtureRequest) -> str:
    """The path or URL of an empty store, of each kind in turn."""
    name = "sqlite_path" if request.param == "sqlite" else "postgres_url"
    return str(request.getfixturevalue(name))


@pytest.fixture
def clock() -> FakeClock:
    """The clock of the queue under test."""
    return FakeClock()


@pytest.fixture
def queue(store: str, clock: FakeClock) -> Iterator[SyncTaskQueue]:
    """A queue with a lease of 60 seconds, whose time the test decides."""
    with TaskQueue(store, lease_seconds=60, max_receives=3, clock=clock).sync as opened:
        yield opened
