"""A PostgreSQL that hangs with its connections open: calls end in bounded time, and nothing is lost or done twice."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING

import psycopg
import pytest
from golden_runtime import ExecutorPool, StaleLeaseError, StorageError, StorageUnavailableError, TaskQueue
from postgres_server import PostgresServer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from concurrent.futures import Future

    from golden_runtime import Task

# Seconds; nothing here waits for them but what is meant to.
_SHORT = 0.3


@pytest.fixture
def server() -> Iterator[PostgresServer]:
    """A PostgreSQL of this test's own, with what it may need to be woken."""
    with PostgresServer() as started:
        try:
            yield started
        finally:
            started.thaw()


@contextmanager
def stopped(server: PostgresServer) -> Iterator[None]:
    """Stop the processes that serve the connections that are open now; new ones are served.

    None of them is in the middle of a transaction that has written: who waits for the rows that it has locked would wait
    until it goes on, on any connection.
    """
    pause = threading.Event()
    with psycopg.connect(server.url(), autocommit=True) as connection:
        ours = "SELECT pid FROM pg_stat_activity WHERE application_name = 'golden-runtime'"
        pids = [pid for (pid,) in connection.execute(ours).fetchall()]
        assert pids
        send_all(pids, signal.SIGSTOP)
        while connection.execute(f"{ours} AND backend_xid IS NOT NULL").fetchall():
            send_all(pids, signal.SIGCONT)
            pause.wait(0.01)
            send_all(pids, signal.SIGSTOP)
    try:
        yield
    finally:
        send_all(pids, signal.SIGCONT)


def send_all(pids: list[int], number: signal.Signals) -> None:
    """Send a signal to several processes."""
    for pid in pids:
        os.kill(pid, number)


def gone(server: PostgresServer, count: int) -> bool:
    """Whether no more than so many connections of ours are left, the others having noticed that they were hung up on."""
    with psycopg.connect(server.url(), autocommit=True) as connection:
        left = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'golden-runtime'"
        row = connection.execute(left).fetchone()
    return row is not None and row[0] <= count


def wait_until_gone(server: PostgresServer, count: int) -> None:
    """Wait until what the stopped processes had been asked to do is done."""
    pause = threading.Event()
    while not gone(server, count):
        pause.wait(0.02)


def test_a_server_process_that_hangs_is_replaced_by_another(server: PostgresServer) -> None:
    """The call is made again on a new connection, and what the old one does when it wakes changes nothing."""
    with TaskQueue(server.url(), answer_timeout=_SHORT, retry_for=30).sync as queue:
        queue.enqueue("before")
        with stopped(server):
            queue.enqueue("during")
            tasks = queue.get_next_tasks(10)
            queue.mark_completed(tasks[0])
        wait_until_gone(server, 2)
        assert [task.name for task in tasks] == ["before", "during"]
        assert queue.get_next_tasks(10) == ()
        queue.mark_completed(tasks[1])
        with pytest.raises(StaleLeaseError):
            queue.release(tasks[0])


@pytest.mark.parametrize("waits", ["thread", "loop"])
def test_who_does_not_want_to_wait_is_told(server: PostgresServer, waits: str) -> None:
    """One clear sentence; what is asked again under its key is stored once, whether or not it had been."""
    queue = TaskQueue(server.url(), answer_timeout=_SHORT, retry_for=0)
    with queue.sync:
        queue.sync.enqueue("first")

        def ask() -> None:
            if waits == "thread":
                queue.sync.enqueue("n", idempotency_key="k")
            else:
                asyncio.run(queue.enqueue("n", idempotency_key="k"))

        with stopped(server), pytest.raises(StorageUnavailableError, match=r"says nothing .*an idempotency key"):
            ask()
        wait_until_gone(server, 1)
        queue.sync.enqueue("n", idempotency_key="k")
        assert [task.name for task in queue.sync.get_next_tasks(10)] == ["first", "n"]


def test_a_whole_server_that_hangs_is_an_error_and_then_forgotten(server: PostgresServer) -> None:
    """Connecting ends too, as `connect_timeout` says, and all goes on once the server does."""
    with TaskQueue(f"{server.url()}&connect_timeout=2", answer_timeout=_SHORT, retry_for=0.5).sync as queue:
        queue.enqueue("before")
        server.freeze()
        with pytest.raises(StorageUnavailableError):
            queue.enqueue("during", idempotency_key="k")
        with pytest.raises(StorageUnavailableError):
            queue.stats()
        server.thaw()
        queue.enqueue("during", idempotency_key="k")
        assert sorted(task.name for task in queue.get_next_tasks(10)) == ["before", "during"]


def test_a_lock_that_somebody_holds_is_waited_for_only_so_long(server: PostgresServer) -> None:
    """The server gives the statement up by itself, and nothing is left in doubt."""
    with TaskQueue(server.url(), answer_timeout=_SHORT, retry_for=0).sync as queue:
        queue.enqueue("n")
        with psycopg.connect(server.url()) as other:
            other.execute("LOCK TABLE golden_runtime_tasks")
            with pytest.raises(StorageUnavailableError, match=r"gave up \(.*lock timeout\)"):
                queue.enqueue("never")
        assert [task.name for task in queue.get_next_tasks(10)] == ["n"]


def test_a_locked_row_costs_no_other_task_its_lease(server: PostgresServer) -> None:
    """A pool extends all its leases at once; the task that somebody has locked is still held, too."""
    with TaskQueue(server.url(), answer_timeout=_SHORT, retry_for=1).sync as queue:
        for number in range(3):
            queue.enqueue("n", number)
        tasks = queue.get_next_tasks(3, lease_seconds=1)
        with psycopg.connect(server.url()) as somebody:
            somebody.execute("UPDATE golden_runtime_tasks SET priority = 9 WHERE id = %s", (tasks[1].id,))
            assert queue.heartbeat_all(tasks, lease_seconds=600) == ()
        left = "SELECT moment - extract(epoch FROM now()) > 300 FROM golden_runtime_tasks ORDER BY seq"
        assert queue._storage.read(lambda store: store.execute(left, {})) == [(True,), (False,), (True,)]
        queue.mark_completed(tasks[0])
        assert queue.heartbeat_all(tasks) == (tasks[0],)


def test_who_waits_for_a_locked_row_keeps_nobody_else_waiting(server: PostgresServer) -> None:
    """What asked at the same moment, and so shared its transaction, is stored; it alone is told that it was held up."""

    async def scenario() -> None:
        async with TaskQueue(server.url(), answer_timeout=_SHORT, retry_for=1) as queue:
            for number in range(3):
                await queue.enqueue("n", number)
            tasks = await queue.get_next_tasks(3)
            with psycopg.connect(server.url()) as somebody:
                somebody.execute("UPDATE golden_runtime_tasks SET priority = 9 WHERE id = %s", (tasks[1].id,))
                outcomes = await asyncio.gather(
                    *map(queue.mark_completed, tasks), queue.enqueue("other"), return_exceptions=True
                )
            failed = [error for error in outcomes if isinstance(error, BaseException)]
            assert failed == [outcomes[1]]
            assert isinstance(failed[0], StorageUnavailableError)
            assert [await _state(queue, task.id) for task in tasks] == ["completed", "claimed", "completed"]
            assert [task.name for task in await queue.get_next_tasks(9)] == ["other"]

    asyncio.run(scenario())


def wait_for_a_waiter(server: PostgresServer, *, is_there: bool = True) -> None:
    """Wait until a statement of ours waits for a lock, or none does."""
    pause = threading.Event()
    with psycopg.connect(server.url(), autocommit=True) as connection:
        waiting = (
            "SELECT 1 FROM pg_stat_activity WHERE application_name = 'golden-runtime' AND wait_event_type = 'Lock'"
        )
        while bool(connection.execute(waiting).fetchall()) is not is_there:
            pause.wait(0.01)


@contextmanager
def held_up(server: PostgresServer, queue: TaskQueue, waits: str) -> Iterator[tuple[Task, Future[None]]]:
    """Let a thread, or a coroutine of one, complete a task whose row somebody has locked, for as long as the block runs."""
    queue.sync.enqueue("n")
    [task] = queue.sync.get_next_tasks(1)
    with ThreadPoolExecutor(1) as pool, psycopg.connect(server.url()) as somebody:
        somebody.execute("UPDATE golden_runtime_tasks SET priority = 9 WHERE id = %s", (task.id,))
        if waits == "thread":
            waiting = pool.submit(queue.sync.mark_completed, task)
        else:
            waiting = pool.submit(lambda: asyncio.run(queue.mark_completed(task)))
        wait_for_a_waiter(server)
        yield task, waiting


@pytest.mark.parametrize("waits", ["thread", "loop"])
def test_who_waits_for_a_lock_lets_others_go_first(server: PostgresServer, waits: str) -> None:
    """However long somebody holds it: the others are stored meanwhile, and the one that waits once it is free."""
    queue = TaskQueue(server.url(), answer_timeout=3600)
    with queue.sync as sync:
        with held_up(server, queue, waits) as (task, waiting):
            for number in range(3):
                sync.enqueue("other", number)
            assert [other.payload for other in sync.get_next_tasks(9)] == [0, 1, 2]
            assert not waiting.done()
        waiting.result(60)
        state = sync.get_state(task.id)
        assert state is not None
        assert state.state == "completed"


def test_who_only_looks_waits_for_a_lock_too(server: PostgresServer) -> None:
    """Until it is free, and not only as long as the server waits at a time."""
    with TaskQueue(server.url(), answer_timeout=3600, retry_for=0).sync as queue, ThreadPoolExecutor(1) as pool:
        queue.enqueue("n")
        with psycopg.connect(server.url()) as somebody:
            somebody.execute("LOCK TABLE golden_runtime_tasks")
            waiting = pool.submit(queue.stats)
            wait_for_a_waiter(server)
            wait_for_a_waiter(server, is_there=False)
            assert not waiting.done()
        assert waiting.result(60).ready == 1


@pytest.mark.parametrize("waits", ["thread", "loop"])
def test_a_queue_that_is_closed_waits_for_no_lock(server: PostgresServer, waits: str) -> None:
    """Whoever was held up is told."""
    queue = TaskQueue(server.url(), answer_timeout=3600)
    with held_up(server, queue, waits) as (_, waiting):
        queue.close()
        with pytest.raises(StorageError):
            waiting.result(60)


@pytest.mark.parametrize(("own", "ours"), [("60s", _SHORT), ("300ms", 60)])
def test_of_two_timeouts_the_shorter_holds(server: PostgresServer, own: str, ours: float) -> None:
    """A longer one of the database's would have the server go on with what this side has given up."""
    with psycopg.connect(server.url(), autocommit=True) as connection:
        connection.execute(f"ALTER DATABASE postgres SET statement_timeout = '{own}'")
    with (
        TaskQueue(server.url(), answer_timeout=ours, retry_for=0).sync as queue,
        pytest.raises(StorageUnavailableError, match=r"gave up \(.*statement timeout\)"),
    ):
        queue._storage.write(lambda store: store.execute("SELECT pg_sleep(60)", {}))


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="only where there are timers")
def test_ctrl_c_ends_a_call_that_a_silent_server_keeps_waiting(server: PostgresServer) -> None:
    """Long before the server's time is up; the next call goes to another process of it."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    with TaskQueue(server.url(), answer_timeout=3600).sync as queue:
        queue.enqueue("n")
        with stopped(server):
            previous = signal.signal(signal.SIGALRM, interrupt)
            try:
                signal.setitimer(signal.ITIMER_REAL, _SHORT)
                with pytest.raises(KeyboardInterrupt):
                    queue.enqueue("perhaps", idempotency_key="k")
            finally:
                signal.signal(signal.SIGALRM, previous)
            queue.enqueue("perhaps", idempotency_key="k")
        wait_until_gone(server, 2)
        assert [task.name for task in queue.get_next_tasks(10)] == ["n", "perhaps"]


def test_a_pool_goes_on_after_a_silence(server: PostgresServer) -> None:
    """Tasks under way and tasks that wait end once each."""
    ends: Counter[str] = Counter()

    async def scenario() -> None:
        async def handle(task: Task) -> None:
            await asyncio.sleep(0.01)
            ends[task.id] += 1

        async with TaskQueue(server.url(), answer_timeout=_SHORT, retry_for=20, lease_seconds=60) as queue:
            pool = ExecutorPool(handle, queue, max_concurrent=4, poll_interval=0.05)
            ids = [await queue.enqueue("n") for _ in range(60)]
            await pool.start()
            while len(ends) < 10:
                await asyncio.sleep(0.01)
            with stopped(server):
                await asyncio.sleep(_SHORT)
                while len(ends) < 30:
                    await asyncio.sleep(0.01)
            while (await queue.stats()).ready:
                await asyncio.sleep(0.01)
            await pool.stop(drain_timeout=10)
            assert set(ends.values()) == {1}
            # a claim that was made, and of which the pool never heard, waits for its lease to run out; one that came while it
            # stopped was put back
            states = Counter([await _state(queue, task_id) for task_id in ids])
            assert states["completed"] == len(ends)
            assert states["completed"] + states["claimed"] + states["ready"] == len(ids)

    asyncio.run(asyncio.wait_for(scenario(), 60))


async def _state(queue: TaskQueue, task_id: str) -> str:
    found = await queue.get_state(task_id)
    assert found is not None
    return found.state
