"""A release that brings the tables up to date takes its time for it, and others wait, or are told: old processes and new ones."""

from __future__ import annotations

import sqlite3
import threading
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

import psycopg
import pytest
from golden_runtime import SchemaError, StorageUnavailableError, TaskQueue
from golden_runtime.storage.schema import STEPS

if TYPE_CHECKING:
    from collections.abc import Iterator

# Seconds: what a statement may take, and what a step takes, several times as long.
_SHORT = 0.5
_SLOW_STEP = ("SELECT pg_sleep(1.2)", "ALTER TABLE golden_runtime_tasks ADD COLUMN note text DEFAULT 'new'")


@pytest.fixture
def older_url(postgres_url: str) -> str:
    """A database with the tables of this release, and one task."""
    with TaskQueue(postgres_url).sync as queue:
        queue.enqueue("kept")
    return postgres_url


def release(monkeypatch: pytest.MonkeyPatch, *steps: tuple[str, ...]) -> None:
    """Make this process one of a newer release, whose schema takes these steps more."""
    for module in ("sqlite", "postgres"):
        monkeypatch.setattr(f"golden_runtime.storage.{module}.STEPS", (*STEPS, *steps))


def wait_for_step(url: str) -> None:
    """Wait until somebody is in the middle of the slow step."""
    pause = threading.Event()
    under_way = "SELECT 1 FROM pg_stat_activity WHERE state = 'active' AND query LIKE 'SELECT pg_sleep%'"
    with psycopg.connect(url, autocommit=True) as looking:
        while not looking.execute(under_way).fetchall():
            pause.wait(0.01)


@contextmanager
def newer_release_at_work(store: str) -> Iterator[None]:
    """Bring the tables to version 99 as another process does, in a transaction that ends with the block."""
    newest = "UPDATE golden_runtime_schema SET version = 99"
    if "://" in store:
        with psycopg.connect(store) as server:
            server.execute("SELECT pg_advisory_xact_lock(x'676F6C64656E'::bigint)")
            server.execute(newest)
            yield
        return
    with closing(sqlite3.connect(store, isolation_level=None)) as file:
        file.execute("BEGIN IMMEDIATE")
        file.execute(newest)
        yield
        file.execute("COMMIT")


def test_a_step_may_take_longer_than_an_answer(older_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is not cut off, nor is the connection taken for silent; the statements after it are bounded again."""
    release(monkeypatch, _SLOW_STEP)
    with TaskQueue(older_url, answer_timeout=_SHORT, retry_for=2).sync as queue:
        assert [task.name for task in queue.get_next_tasks(9)] == ["kept"]
        with pytest.raises(StorageUnavailableError, match="did not finish and gave up"):
            queue._storage.write(lambda transaction: transaction.execute("SELECT pg_sleep(60)", {}))


def test_others_go_on_or_wait_while_a_step_takes_long(older_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process of the old release is not held up, one of the new waits for the first, and nobody takes the step twice."""
    with TaskQueue(older_url, answer_timeout=_SHORT).sync as old:
        old.enqueue("before")
        release(monkeypatch, _SLOW_STEP)
        first = TaskQueue(older_url, answer_timeout=_SHORT).sync
        migrating = threading.Thread(target=first.enqueue, args=("first",))
        migrating.start()
        wait_for_step(older_url)
        old.enqueue("meanwhile")
        with TaskQueue(older_url).sync as second:
            second.enqueue("second")
            migrating.join()
            old.enqueue("after")
            names = {task.name for task in second.get_next_tasks(9)}
        first.close()
    assert names == {"kept", "before", "meanwhile", "first", "second", "after"}


def test_who_does_not_want_to_wait_for_a_step_is_told(older_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """One clear sentence; the next call finds the tables as they should be."""
    release(monkeypatch, _SLOW_STEP)
    first, second = (TaskQueue(older_url, answer_timeout=_SHORT).sync for _ in range(2))
    migrating = threading.Thread(target=first.enqueue, args=("first",))
    migrating.start()
    wait_for_step(older_url)
    with pytest.raises(StorageUnavailableError, match=r"another process is bringing the tables .* up to date"):
        second.enqueue("second")
    migrating.join()
    second.enqueue("second")
    for queue in (first, second):
        queue.close()


def test_a_step_waits_for_the_locks_of_others_no_longer_than_an_answer(
    older_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Behind it everybody else would wait too, so it gives up, in words that say why."""
    release(monkeypatch, _SLOW_STEP[1:])
    with psycopg.connect(older_url) as reading:
        reading.execute("SELECT * FROM golden_runtime_tasks")
        queue = TaskQueue(older_url, answer_timeout=_SHORT, retry_for=1).sync
        with pytest.raises(StorageUnavailableError, match=r"gave up .*lock timeout.*find out what holds it up"):
            queue.enqueue("n")
        queue.close()


def test_a_release_does_not_undo_the_version_of_a_newer_one(store: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two releases may start at the same moment: the older one, who had to wait, is refused as if it had come later."""
    with TaskQueue(store).sync as queue:
        queue.enqueue("kept")
    release(monkeypatch, ("ALTER TABLE golden_runtime_tasks ADD COLUMN note text",))
    refused: list[str] = []

    def start() -> None:
        with pytest.raises(SchemaError) as raised, TaskQueue(store).sync as late:
            late.enqueue("n")
        refused.append(str(raised.value))

    starting = threading.Thread(target=start)
    with newer_release_at_work(store):
        starting.start()
        # by now it has looked, and waits
        starting.join(0.5)
    starting.join()
    assert ["has schema version 99" in message for message in refused] == [True]
    monkeypatch.undo()
    with pytest.raises(SchemaError, match="has schema version 99"):
        TaskQueue(store).sync.enqueue("n")
