"""Whose thread commits, and what must be on the disk for it: none of which may lose, hang, or give a number twice."""

from __future__ import annotations

import asyncio
import gc
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import textwrap
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from golden_runtime import StorageError, TaskQueue
from golden_runtime.storage import open_storage
from queue_clock import FakeClock
from racing import in_threads

if TYPE_CHECKING:
    from collections.abc import Iterator

    from golden_runtime import SyncTaskQueue
    from golden_runtime.storage.session import Transaction


@pytest.fixture
def queue(store: str) -> Iterator[SyncTaskQueue]:
    """An empty queue."""
    with TaskQueue(store).sync as opened:
        yield opened


def test_a_lone_caller_commits_on_its_own_thread(queue: SyncTaskQueue) -> None:
    """Who blocks anyway does not pay for waking another thread and being woken."""
    assert queue._storage.write(lambda _: threading.get_ident()) == threading.get_ident()


def test_callers_that_compete_share_a_transaction(queue: SyncTaskQueue) -> None:
    """While one commits the others gather, and are committed together by one thread."""
    under_way, may_end = threading.Event(), threading.Event()
    served: list[int] = []

    def first(_: Transaction) -> None:
        under_way.set()
        assert may_end.wait(30)

    def other() -> None:
        served.append(queue._storage.write(lambda _: threading.get_ident()))

    threads = [threading.Thread(target=queue._storage.write, args=(first,))]
    threads[0].start()
    assert under_way.wait(30)
    threads += [threading.Thread(target=other) for _ in range(5)]
    for thread in threads[1:]:
        thread.start()
    while queue._storage._writer._jobs.qsize() < 4:
        pass
    may_end.set()
    for thread in threads:
        thread.join()
    assert len(set(served)) == 1
    assert not {thread.ident for thread in threads} & set(served)


def test_callers_that_change_places_at_every_step_lose_nothing(queue: SyncTaskQueue) -> None:
    """However threads race for the connection, each of their tasks is stored once and claimed once."""
    stored: list[str] = []
    claimed: list[str] = []

    def work() -> None:
        for _ in range(3):
            stored.append(queue.enqueue("n"))
            claimed.extend(task.id for task in queue.get_next_tasks(2))

    in_threads(work, 4)
    claimed.extend(task.id for task in queue.get_next_tasks(99))
    assert len(stored) == 12
    assert sorted(claimed) == sorted(stored)


def test_a_signal_handler_in_mid_operation_is_refused_not_hung(queue: SyncTaskQueue) -> None:
    """It would wait for the very thread it has interrupted; the operation itself goes on."""
    refused: list[str] = []

    def on_signal(*_: object) -> None:
        with pytest.raises(StorageError, match="let it set a flag") as raised:
            queue.enqueue("from the handler")
        refused.append(str(raised.value))

    def interrupted(transaction: Transaction) -> str:
        signal.raise_signal(signal.SIGUSR1)
        return "done"

    previous = signal.signal(signal.SIGUSR1, on_signal)
    try:
        assert queue._storage.write(interrupted) == "done"
    finally:
        signal.signal(signal.SIGUSR1, previous)
    assert len(refused) == 1
    queue.enqueue("after")
    assert [task.name for task in queue.get_next_tasks(9)] == ["after"]


def test_a_signal_handler_may_close_what_it_has_interrupted(queue: SyncTaskQueue) -> None:
    """It does not wait for itself: the operation ends, is committed, and the next one is refused."""

    def interrupted(transaction: Transaction) -> str:
        signal.raise_signal(signal.SIGUSR1)
        return "done"

    previous = signal.signal(signal.SIGUSR1, lambda *_: queue.close())
    try:
        assert queue._storage.write(interrupted) == "done"
    finally:
        signal.signal(signal.SIGUSR1, previous)
    with pytest.raises(StorageError, match="is closed"):
        queue.enqueue("after")


def test_ctrl_c_in_mid_operation_leaves_nothing_behind(queue: SyncTaskQueue) -> None:
    """What was half written is undone, and the queue can be used by whoever cleans up."""

    def interrupted(transaction: Transaction) -> None:
        transaction.execute("UPDATE golden_runtime_tasks SET name = 'half'", {})
        raise KeyboardInterrupt

    queue.enqueue("whole")
    with pytest.raises(KeyboardInterrupt):
        queue._storage.write(interrupted)
    assert [task.name for task in queue.get_next_tasks(9)] == ["whole"]


@pytest.mark.parametrize("is_single", [True, False])
def test_what_is_half_done_is_not_committed_with_what_comes_next(store: str, *, is_single: bool) -> None:
    """As when a second Ctrl-C, in the middle of the rollback after the first, leaves a transaction open."""
    with TaskQueue(store).sync as queue:
        first, second = queue.enqueue("n"), queue.enqueue("n")
        forget = "DELETE FROM golden_runtime_tasks WHERE id = :id"
        queue._storage.write(lambda _: None)
        session = queue._storage._writer._session
        session.begin()
        session.change(forget, {"id": first})
        queue._storage.write(lambda transaction: transaction.change(forget, {"id": second}), is_single=is_single)
        assert [task.id for task in queue.get_next_tasks(10)] == [first]


def test_only_what_need_not_outlive_a_power_cut_is_not_synced(sqlite_path: str) -> None:
    """One connection changes its mind for each transaction, and where less is asked for, never syncs."""

    def level(transaction: Transaction) -> object:
        return transaction.execute("PRAGMA synchronous", {})[0][0]

    storage = open_storage(sqlite_path)
    assert [storage.write(level, is_synced=synced) for synced in (True, False, False, True)] == [2, 1, 1, 2]
    storage = open_storage(sqlite_path, durable=False)
    assert [storage.write(level, is_synced=synced) for synced in (True, False)] == [1, 1]


def test_a_token_is_never_given_twice_though_a_power_cut_undid_the_claim(tmp_path: Path) -> None:
    """What remembers the highest token must refuse a handler that outlived the machine its claim was made on."""
    clock = FakeClock()
    with TaskQueue(tmp_path / "tasks.db", clock=clock).sync as queue:
        queue.enqueue("n")
        for file in ("tasks.db", "tasks.db-wal"):
            shutil.copy(tmp_path / file, tmp_path / f"cut-{file}")
        before = queue.get_next_task()
    clock.advance(1)
    with TaskQueue(tmp_path / "cut-tasks.db", clock=clock).sync as queue:
        after = queue.get_next_task()
    assert before is not None
    assert after is not None
    assert (after.id, after.token > before.token) == (before.id, True)


def test_a_lone_write_of_one_statement_needs_no_transaction(store: str) -> None:
    """It is durable when it returns, all the same, and one that fails leaves nothing open behind it."""

    def rename(transaction: Transaction) -> int:
        return transaction.change("UPDATE golden_runtime_tasks SET name = 'renamed'", {})

    def faulty(transaction: Transaction) -> int:
        return transaction.change("UPDATE golden_runtime_tasks SET nothing = 1", {})

    with TaskQueue(store).sync as queue, TaskQueue(store).sync as other:
        queue.enqueue("n")
        assert queue._storage.write(rename, is_single=True) == 1
        assert [task.name for task in other.get_next_tasks(1)] == ["renamed"]
        with pytest.raises(StorageError):
            queue._storage.write(faulty, is_single=True)
        queue.enqueue("after")
        assert [task.name for task in other.get_next_tasks(9)] == ["after"]


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="only where there are timers")
def test_ctrl_c_never_locks_the_store(sqlite_path: str) -> None:
    """Wherever a blocking call is interrupted, the next one goes through, and the queue can be closed."""

    class Interrupt(BaseException):
        pass

    def interrupt(*_: object) -> None:
        raise Interrupt

    chance = random.Random(0)  # noqa: S311 - chance, no secret
    interrupted = 0
    previous = signal.signal(signal.SIGALRM, interrupt)
    try:
        with TaskQueue(sqlite_path, durable=False).sync as queue:
            # an interrupt while the thread starts may break the standard library's own lock
            queue.enqueue("before")
            for _ in range(3000):
                try:
                    signal.setitimer(signal.ITIMER_REAL, chance.uniform(1e-6, 1e-4))
                    queue.enqueue("n")
                    signal.setitimer(signal.ITIMER_REAL, 0)
                except Interrupt:
                    interrupted += 1
                    assert not queue._storage._writer._turn.locked()
            queue.enqueue("after")
    finally:
        signal.signal(signal.SIGALRM, previous)
    assert interrupted


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="only where there are timers")
def test_ctrl_c_ends_the_wait_for_another_process_that_writes(sqlite_path: str) -> None:
    """It is not kept from who pressed it until that process is done, or until the wait is over."""

    class Interrupt(Exception):
        pass

    def interrupt(*_: object) -> None:
        raise Interrupt

    with TaskQueue(sqlite_path, busy_timeout=3600).sync as queue:
        queue.enqueue("before")
        other = sqlite3.connect(sqlite_path, isolation_level=None, check_same_thread=False)
        other.execute("BEGIN IMMEDIATE")
        end = threading.Timer(20, other.rollback)
        end.start()
        previous = signal.signal(signal.SIGALRM, interrupt)
        try:
            signal.setitimer(signal.ITIMER_REAL, 0.1)
            with pytest.raises(Interrupt):
                queue.enqueue("n")
            assert other.in_transaction
        finally:
            signal.signal(signal.SIGALRM, previous)
            end.cancel()
        other.close()
        queue.enqueue("after")
        assert [task.name for task in queue.get_next_tasks(9)] == ["before", "after"]


@pytest.mark.parametrize("is_started", [False, True], ids=["made", "started"])
def test_ctrl_c_in_the_first_call_leaves_a_queue_that_works(
    sqlite_path: str, monkeypatch: pytest.MonkeyPatch, *, is_started: bool
) -> None:
    """Its thread is made and started then, and one that was only made would keep callers waiting for ever."""
    start = threading.Thread.start

    def interrupted(thread: threading.Thread) -> None:
        monkeypatch.undo()
        if is_started:
            start(thread)
        raise KeyboardInterrupt

    async def ask(queue: TaskQueue) -> None:
        await queue.enqueue("after")

    queue = TaskQueue(sqlite_path, durable=False)
    monkeypatch.setattr(threading.Thread, "start", interrupted)
    with pytest.raises(KeyboardInterrupt):
        queue.sync.enqueue("n")
    asyncio.run(asyncio.wait_for(ask(queue), 60))
    queue.close()


def test_a_queue_that_is_dropped_unclosed_says_so_and_leaves_no_thread(sqlite_path: str) -> None:
    """As with files and sockets: a ResourceWarning, and what was opened is closed."""
    before = set(threading.enumerate())
    queues = [TaskQueue(sqlite_path).sync]
    queues[0].enqueue("n")
    own = set(threading.enumerate()) - before

    def drop() -> None:
        queues.clear()
        gc.collect()

    with pytest.warns(ResourceWarning, match="was never closed: call `close`"):
        drop()
    for thread in own:
        thread.join(30)
    assert [thread.is_alive() for thread in own] == [False]
    with TaskQueue(sqlite_path).sync as again:
        assert again.get_next_task() is not None


def test_a_program_that_ends_with_its_queue_open_hears_nothing(sqlite_path: str) -> None:
    """Scripts may just end: all that was accepted is stored."""
    script = """
        import sys
        from golden_runtime import TaskQueue
        queue = TaskQueue(sys.argv[1]).sync
        queue.enqueue("n")
    """
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", textwrap.dedent(script), sqlite_path],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert done.stderr == ""
