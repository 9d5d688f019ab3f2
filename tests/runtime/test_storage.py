"""The stores themselves: what they do when something is wrong with them."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import traceback
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest
from exposed import run_script
from golden_runtime import SchemaError, StorageError, StorageUnavailableError, TaskQueue
from golden_runtime.storage import open_storage
from golden_runtime.storage.schema import STEPS
from postgres_server import PostgresServer

if TYPE_CHECKING:
    from golden_runtime.storage.session import Transaction


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("mysql://host/db", "`mysql://` is not a storage"),
        (":memory:", "is no file"),
        ("", "is no file"),
        ("sqlite:///", "is no file"),
        ("sqlite:x.db", "is neither a path nor a URL"),
        ("postgresql:/host/db", "is neither a path nor a URL"),
        ("file:x.db", "is neither a path nor a URL"),
        ("sqlite:///x.db?mode=ro", "has parameters"),
        ("x\0.db", "is no path"),
        ("postgresql://host:notaport/db?nonsense=1", "is not a PostgreSQL URL"),
    ],
)
def test_urls_that_nobody_knows_are_refused(url: str, said: str) -> None:
    """A wrong URL shows when the queue is made, in one sentence."""
    with pytest.raises(StorageError, match=said):
        TaskQueue(url)


@pytest.mark.parametrize("url", ["postgresql://u:s%zzecret@h/db", "postgres://u:secret@[::bad"])
def test_a_wrong_url_keeps_its_password(url: str) -> None:
    """Neither the sentence nor the traceback shows what libpq quotes of it."""
    with pytest.raises(StorageError, match="is not a PostgreSQL URL") as refused:
        TaskQueue(url)
    assert "ecret" not in "".join(traceback.format_exception(refused.value, limit=0))


@pytest.mark.parametrize("url", [None, 3, b"tasks.db"])
def test_what_is_neither_a_path_nor_a_url_is_refused(url: object) -> None:
    """A variable that is not set, for one."""
    with pytest.raises(TypeError, match=f"must be a path or a URL, .*not `{url!r}`"):
        TaskQueue(url)  # type: ignore[arg-type]  # that is the point


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("busy_timeout", -1),
        ("busy_timeout", "x"),
        ("retry_for", -1),
        ("retry_for", float("nan")),
        ("max_page_count", 0),
        ("max_page_count", "x"),
        ("durable", "no"),
    ],
)
def test_options_that_are_none_are_refused(sqlite_path: str, option: str, value: object) -> None:
    """The sentence names the option and what was given."""
    with pytest.raises((TypeError, ValueError), match=f"`{option}` must be .* not `{value!r}`"):
        TaskQueue(sqlite_path, **{option: value})  # type: ignore[arg-type]  # that is the point


def test_sqlite_urls_are_paths(tmp_path: Path) -> None:
    """`sqlite:///` takes relative and absolute paths, as elsewhere."""
    with TaskQueue(f"sqlite:///{tmp_path}/a.db").sync as queue:
        queue.enqueue("n")
    with TaskQueue(tmp_path / "a.db").sync as queue:
        assert queue.stats().ready == 1


@pytest.mark.parametrize(
    ("content", "said"),
    [(None, "cannot be opened"), (b"this is a text file, not a database" * 100, "is not an SQLite database")],
)
def test_files_that_cannot_be_used_are_named(tmp_path: Path, content: bytes | None, said: str) -> None:
    """A missing folder and a file of something else are told apart, with the path."""
    path = tmp_path / "missing" / "tasks.db"
    if content is not None:
        path = tmp_path / "text.db"
        path.write_bytes(content)
    with pytest.raises(StorageError, match=f"`{path}` {said}"):
        TaskQueue(path).sync.enqueue("n")


def test_a_locked_file_is_reported_after_the_timeout(sqlite_path: str) -> None:
    """Another process that holds the lock is an error that says so, and nothing is half-written."""
    with TaskQueue(sqlite_path, busy_timeout=0.05).sync as queue:
        queue.enqueue("first")
        with sqlite3.connect(sqlite_path, isolation_level=None) as other:
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(StorageUnavailableError, match="is locked by another process"):
                queue.enqueue("second")
            # reading needs no lock
            assert queue.stats().ready == 1
            other.execute("ROLLBACK")
        queue.enqueue("third")
        assert [task.name for task in queue.get_next_tasks(5)] == ["first", "third"]


def test_a_full_disk_loses_nothing_accepted(sqlite_path: str) -> None:
    """What was accepted before and beside a refused task is stored, and of what was refused nothing is."""

    async def fill(queue: TaskQueue) -> set[str]:
        outcomes = await asyncio.gather(
            *(queue.enqueue("n", "x" * 300, task_id=f"t{index}") for index in range(2000)), return_exceptions=True
        )
        refused = [outcome for outcome in outcomes if isinstance(outcome, BaseException)]
        assert refused
        assert all(isinstance(error, StorageUnavailableError) and "cannot grow" in str(error) for error in refused)
        return {outcome for outcome in outcomes if isinstance(outcome, str)}

    async def scenario() -> None:
        async with TaskQueue(sqlite_path, max_page_count=100) as queue:
            accepted = await fill(queue)
            assert accepted
            assert (await queue.stats()).ready == len(accepted)
        async with TaskQueue(sqlite_path) as queue:
            assert {task.id for task in await queue.get_next_tasks(10_000)} == accepted

    asyncio.run(scenario())


def test_a_newer_schema_is_refused(store: str) -> None:
    """An older release does not touch what a newer one has written, and says what to do."""
    with TaskQueue(store).sync as queue:
        queue.enqueue("n")

        def age(transaction: Transaction) -> None:
            transaction.execute("UPDATE golden_runtime_schema SET version = 99", {})

        queue._storage.write(age)
    with pytest.raises(SchemaError, match=r"has schema version 99.*upgrade golden-runtime"):
        TaskQueue(store).sync.enqueue("n")


def test_a_store_without_a_version_is_refused(store: str) -> None:
    """Half a store is not taken for an empty one."""
    with TaskQueue(store).sync as queue:
        queue.enqueue("n")
        queue._storage.write(lambda transaction: transaction.change("DELETE FROM golden_runtime_schema", {}))
    with pytest.raises(SchemaError, match="without a version in it"):
        TaskQueue(store).sync.enqueue("n")


def test_an_older_schema_is_brought_up_to_date(store: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A newer release adds its steps to what an older one has written, once, and keeps every task."""
    with TaskQueue(store).sync as queue:
        queue.enqueue("kept", 1)
    newer = (*STEPS, ("ALTER TABLE golden_runtime_tasks ADD COLUMN note text DEFAULT 'new'",))
    for module in ("sqlite", "postgres"):
        monkeypatch.setattr(f"golden_runtime.storage.{module}.STEPS", newer)
    for _ in range(2):
        with TaskQueue(store).sync as queue:
            notes = queue._storage.read(lambda store: store.execute("SELECT name, note FROM golden_runtime_tasks", {}))
            assert notes == [("kept", "new")]
    monkeypatch.undo()
    with pytest.raises(SchemaError, match="has schema version 2"):
        TaskQueue(store).sync.enqueue("n")


def test_many_may_open_an_empty_store_at_once(store: str) -> None:
    """The schema is made once, whoever comes first."""

    async def scenario() -> None:
        queues = [TaskQueue(store, name=f"q{index}") for index in range(8)]
        await asyncio.gather(*(queue.enqueue("n") for queue in queues))
        assert [(await queue.stats()).ready for queue in queues] == [1] * 8
        for queue in queues:
            await queue.aclose()

    asyncio.run(scenario())


def test_a_missing_file_is_not_made_where_it_should_be_there(tmp_path: Path) -> None:
    """Tools that only look do not leave an empty database behind a mistyped path."""
    with pytest.raises(StorageError, match="there is no file"):
        open_storage(tmp_path / "typo.db", create=False).read(lambda _: None)
    assert list(tmp_path.iterdir()) == []


def test_what_an_operation_raises_reaches_its_caller_alone(store: str) -> None:
    """A fault in one operation undoes that one, not the others that shared its transaction."""

    async def scenario() -> None:
        async with TaskQueue(store) as queue:

            def faulty(transaction: Transaction) -> None:
                transaction.execute("UPDATE golden_runtime_tasks SET name = 'spoilt'", {})
                raise ZeroDivisionError

            outcomes = await asyncio.gather(
                *(queue.enqueue("n", index) for index in range(20)),
                queue.storage.write_soon(faulty),
                *(queue.enqueue("n", index) for index in range(20, 40)),
                return_exceptions=True,
            )
            assert [type(outcome) for outcome in outcomes if not isinstance(outcome, str)] == [ZeroDivisionError]
            tasks = await queue.get_next_tasks(100)
            assert [task.payload for task in tasks] == list(range(40))
            assert {task.name for task in tasks} == {"n"}

    asyncio.run(scenario())


def test_a_restarted_database_is_waited_for() -> None:
    """Operations begun while PostgreSQL is away are stored once it is back, and nothing from before is lost."""

    async def scenario(server: PostgresServer) -> None:
        async with TaskQueue(server.url(), retry_for=60) as queue:
            await queue.enqueue("before")
            server.kill()
            pending = asyncio.create_task(queue.enqueue("during"))
            await asyncio.to_thread(server.start)
            await pending
            tasks = await queue.get_next_tasks(5)
            assert [task.name for task in tasks] == ["before", "during"]

    with PostgresServer() as server:
        asyncio.run(scenario(server))


def test_a_database_that_stays_away_is_an_error(tmp_path: Path) -> None:
    """Who waits for it gets a sentence after `retry_for` seconds, without the password."""
    with pytest.raises(StorageUnavailableError, match="does not answer") as raised:
        TaskQueue(f"postgresql://me:secret@/db?host={tmp_path}", retry_for=0.1).sync.enqueue("n")
    assert "secret" not in str(raised.value)


def test_an_unknown_database_is_no_reason_to_wait(postgres: PostgresServer) -> None:
    """A mistyped database name is reported at once."""
    with pytest.raises(StorageUnavailableError, match='database "nobody" does not exist'):
        TaskQueue(postgres.url("nobody"), retry_for=3600).sync.enqueue("n")


def test_commits_are_durable_even_where_the_server_is_not_set_so(postgres_url: str) -> None:
    """A server with `synchronous_commit = off` would acknowledge what a crash loses: the queue asks for more."""
    asking = f"{postgres_url}%20-csynchronous_commit%3Doff"
    with psycopg.connect(asking) as connection:
        assert connection.execute("SHOW synchronous_commit").fetchone() == ("off",)
    with TaskQueue(asking).sync as queue:
        assert queue._storage.write(lambda transaction: transaction.execute("SHOW synchronous_commit", {})) == [("on",)]


def test_sqlite_is_synced_at_every_commit_by_default(sqlite_path: str) -> None:
    """WAL with synchronous=FULL, unless less is asked for."""

    def asked(transaction: Transaction) -> object:
        return [transaction.execute(f"PRAGMA {name}", {})[0][0] for name in ("journal_mode", "synchronous")]

    assert open_storage(sqlite_path).write(asked) == ["wal", 2]
    assert open_storage(sqlite_path, durable=False).write(asked) == ["wal", 1]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="only where processes can fork")
def test_a_forked_child_uses_a_connection_of_its_own(store: str) -> None:
    """A pre-forking server may make its queue first: parent and children all reach it."""
    run_script(
        """
        import os, sys
        from golden_runtime import TaskQueue
        queue = TaskQueue(sys.argv[1]).sync
        queue.enqueue("before")
        children = []
        for index in range(3):
            child = os.fork()
            if child == 0:
                queue.enqueue("child")
                os._exit(0)
            children.append(child)
        for child in children:
            assert os.waitpid(child, 0)[1] == 0
        queue.enqueue("after")
        assert sorted(task.name for task in queue.get_next_tasks(9)) == ["after", "before", "child", "child", "child"]
        """,
        store,
    )


@pytest.mark.skipif(not hasattr(os, "fork"), reason="only where processes can fork")
def test_a_child_forked_in_mid_transaction_can_use_the_store(store: str) -> None:
    """The fork waits for the transaction: the child would take the parent's lock, of which it has a copy, for another's."""
    run_script(
        """
        import os, sys, threading
        from golden_runtime import TaskQueue
        queue = TaskQueue(sys.argv[1], **({} if "://" in sys.argv[1] else {"busy_timeout": 1})).sync
        under_way, may_end = threading.Event(), threading.Event()

        def in_transaction(transaction):
            transaction.change("DELETE FROM golden_runtime_tasks", {})
            under_way.set()
            assert may_end.wait(30)

        writer = threading.Thread(target=queue._storage.write, args=(in_transaction,))
        writer.start()
        assert under_way.wait(30)
        # the last one registered comes first
        os.register_at_fork(before=may_end.set)
        child = os.fork()
        if child == 0:
            queue.enqueue("child")
            os._exit(0)
        assert os.waitpid(child, 0)[1] == 0
        writer.join()
        queue.enqueue("parent")
        assert sorted(task.name for task in queue.get_next_tasks(9)) == ["child", "parent"]
        """,
        store,
    )


def test_psycopg_is_asked_for_by_its_extra(tmp_path: Path) -> None:
    """Without the extra a PostgreSQL URL is an error that names it."""
    (tmp_path / "psycopg.py").write_text("raise ImportError('not installed')")
    script = """
        from golden_runtime import StorageError, TaskQueue
        try:
            TaskQueue("postgresql://host/db")
        except StorageError as error:
            print(error)
        """
    path = os.pathsep.join([str(tmp_path), *filter(None, [os.environ.get("PYTHONPATH")])])
    done = run_script(script, environment={**os.environ, "PYTHONPATH": path})
    assert "pip install 'golden-runtime[postgres]'" in done.stdout


def test_measuring_alone_loads_little() -> None:
    """`import golden_runtime` and its decorators load nothing that only queues, retries and breakers need."""
    script = """
        import sys
        import golden_runtime

        golden_runtime.track_request("light.op")(print)("ran")
        print({"asyncio", "concurrent.futures", "sqlite3", "psycopg"} & set(sys.modules))
        """
    assert run_script(script).stdout.splitlines() == ["ran", "set()"]


@pytest.mark.parametrize("table", ["golden_runtime_tasks", "golden_runtime_dead_letters"])
def test_tables_of_somebody_else_are_left_alone(sqlite_path: str, postgres_url: str, table: str) -> None:
    """A table that has the name of ours by chance is named in one sentence, and nothing is made beside it."""
    create, names = f"CREATE TABLE {table} (mine text)", "SELECT name FROM sqlite_master"
    with sqlite3.connect(sqlite_path) as connection:
        connection.execute(create)
    with psycopg.connect(postgres_url) as server:
        server.execute(create)
    for store in (sqlite_path, postgres_url):
        with pytest.raises(SchemaError, match=f"`{table}` that golden-runtime did not make: rename it"):
            TaskQueue(store).sync.enqueue("n")
    assert sqlite3.connect(sqlite_path).execute(names).fetchall() == [(table,)]
