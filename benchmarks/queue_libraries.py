"""The libraries that `queues.py` compares: how each of them puts, claims and acknowledges, in threads or on an event loop."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import threading
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

WORKLOADS = ("put", "cycle")
PAYLOAD = {"order": 12345, "customer": "somebody", "amount": 99.5}
ONE_COMMIT_A_ROW = "one commit a row"
OURS = "golden-runtime"

# Seconds of the clock and of the processor.
Times = tuple[float, float]
Step = Callable[[], object]
AsyncStep = Callable[[], Awaitable[object]]


@dataclass(frozen=True, slots=True)
class Contender:
    """A library, a store, how durable its calls are, and how to run it: in threads, or on an event loop."""

    library: str
    store: str
    durability: str
    run: Callable[[str, str, int, int], Times]
    workloads: tuple[str, ...] = WORKLOADS


def in_threads(make: Callable[[str], tuple[Step, Step]]) -> Callable[[str, str, int, int], Times]:
    """Return a run whose producers are threads. `make` gives a thread its `put` and its `cycle`."""

    def run(place: str, workload: str, producers: int, items: int) -> Times:
        ready = threading.Barrier(producers + 1)

        def produce() -> None:
            step = make(place)[WORKLOADS.index(workload)]
            ready.wait()
            for _ in range(items // producers):
                step()

        make(place)[0]()  # the schema is there before the clock starts
        threads = [threading.Thread(target=produce) for _ in range(producers)]
        for thread in threads:
            thread.start()
        busy = time.process_time()
        ready.wait()
        began = time.perf_counter()
        for thread in threads:
            thread.join()
        return time.perf_counter() - began, time.process_time() - busy

    return run


async def timed(step: AsyncStep, producers: int, items: int) -> Times:
    """Run a step from so many coroutines, and return what that took."""

    async def produce() -> None:
        for _ in range(items // producers):
            await step()

    await step()
    busy, began = time.process_time(), time.perf_counter()
    await asyncio.gather(*(produce() for _ in range(producers)))
    return time.perf_counter() - began, time.process_time() - busy


def ours(place: str, workload: str, producers: int, items: int) -> Times:
    """Run golden-runtime on an event loop."""
    from golden_runtime import TaskQueue

    async def run() -> Times:
        async with TaskQueue(place) as queue:

            async def put() -> None:
                await queue.enqueue("n", PAYLOAD)

            async def cycle() -> None:
                await queue.enqueue("n", PAYLOAD)
                task = await queue.get_next_task()
                assert task is not None
                await queue.mark_completed(task)

            return await timed(put if workload == "put" else cycle, producers, items)

    return asyncio.run(run())


_shared: dict[str, object] = {}
_sharing = threading.Lock()


def shared(name: str, make: Callable[[], object]) -> object:
    """Return what all threads of a run share."""
    with _sharing:
        if name not in _shared:
            _shared[name] = make()
        return _shared[name]


def ours_in_threads(place: str) -> tuple[Step, Step]:
    """Return golden-runtime's steps for threads."""
    from golden_runtime import SyncTaskQueue, TaskQueue

    queue = shared("ours", lambda: TaskQueue(place).sync)
    assert isinstance(queue, SyncTaskQueue)

    def cycle() -> None:
        queue.enqueue("n", PAYLOAD)
        task = queue.get_next_task()
        assert task is not None
        queue.mark_completed(task)

    return lambda: queue.enqueue("n", PAYLOAD), cycle


def one_commit_a_row(place: str) -> tuple[Step, Step]:
    """Return the steps of plain SQLite: a table, an index, and a commit for each statement."""

    def make() -> sqlite3.Connection:
        connection = sqlite3.connect(place, isolation_level=None, check_same_thread=False)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("CREATE TABLE IF NOT EXISTS t (id INTEGER PRIMARY KEY, data TEXT, state INTEGER)")
        connection.execute("CREATE INDEX IF NOT EXISTS i ON t (id) WHERE state = 0")
        return connection

    connection = shared("raw", make)
    assert isinstance(connection, sqlite3.Connection)
    lock = shared("raw lock", threading.Lock)
    assert hasattr(lock, "__enter__")
    claim = """UPDATE t SET state = 1 WHERE id = (SELECT id FROM t WHERE state = 0 ORDER BY id LIMIT 1)
        RETURNING id, data"""

    def put() -> None:
        with lock:
            connection.execute("INSERT INTO t (data, state) VALUES (?, 0)", (json.dumps(PAYLOAD),))

    def cycle() -> None:
        put()
        with lock:
            [[row, data]] = connection.execute(claim).fetchall()
        json.loads(data)
        with lock:
            connection.execute("UPDATE t SET state = 2 WHERE id = ?", (row,))

    return put, cycle


def persist_queue(place: str) -> tuple[Step, Step]:
    """Return the steps of persist-queue's acknowledging queue, shared by threads as it is meant to be."""
    import persistqueue

    queue = shared("persist", lambda: persistqueue.SQLiteAckQueue(place, multithreading=True, auto_commit=True))
    assert isinstance(queue, persistqueue.SQLiteAckQueue)

    def cycle() -> None:
        queue.put(PAYLOAD)
        queue.ack(queue.get())

    return lambda: queue.put(PAYLOAD), cycle


def litequeue_at(level: str) -> Callable[[str], tuple[Step, Step]]:
    """Return what makes the steps of litequeue, with a connection for each thread."""

    def make(place: str) -> tuple[Step, Step]:
        import litequeue

        with _sharing:  # two that make the schema at once meet a lock
            queue = litequeue.LiteQueue(place, timeout=60)
        queue.conn.execute(f"PRAGMA synchronous = {level}")

        def put() -> None:
            queue.put(json.dumps(PAYLOAD))

        def cycle() -> None:
            put()
            message = queue.pop()
            json.loads(message.data)
            queue.done(message.message_id)

        return put, cycle

    return make


def huey(place: str) -> tuple[Step, Step]:
    """Return the steps of huey's storage; taking a task out deletes it, there is nothing to acknowledge."""
    from huey.storage import SqliteStorage

    storage = shared("huey", lambda: SqliteStorage(filename=place, fsync=True, timeout=60))
    assert isinstance(storage, SqliteStorage)

    def put() -> None:
        storage.enqueue(json.dumps(PAYLOAD).encode())

    def cycle() -> None:
        put()
        data = storage.dequeue()
        assert data is not None
        json.loads(data)

    return put, cycle


def procrastinate(place: str, workload: str, producers: int, items: int) -> Times:
    """Run procrastinate's job manager on an event loop."""
    from procrastinate import App, PsycopgConnector
    from procrastinate.jobs import Status

    async def run() -> Times:
        app = App(connector=PsycopgConnector(conninfo=place, min_size=20, max_size=20, timeout=60))
        task = app.task(name="n")(lambda **_: None)
        async with app.open_async():
            await app.schema_manager.apply_schema_async()
            worker = await app.job_manager.register_worker()

            async def put() -> None:
                await task.defer_async(**PAYLOAD)

            async def cycle() -> None:
                await put()
                # it finds none at times when others fetch at the same moment
                while (job := await app.job_manager.fetch_job(None, worker)) is None:
                    pass
                await app.job_manager.finish_job(job, Status.SUCCEEDED, delete_job=False)

            return await timed(put if workload == "put" else cycle, producers, items)

    return asyncio.run(run())


def dbos(place: str) -> tuple[Step, Step]:
    """Return the step of DBOS's client, which stores a workflow for others to run."""
    from dbos import DBOS, DBOSClient

    # SQLAlchemy's spelling of a URL for psycopg, or of a path
    url = place.replace("postgresql://", "postgresql+psycopg://") if "://" in place else f"sqlite:///{place}"

    def make() -> DBOSClient:
        DBOS(config={"name": "bench", "system_database_url": url, "log_level": "ERROR", "run_admin_server": False})
        DBOS.launch()  # makes the tables
        DBOS.destroy()
        return DBOSClient(system_database_url=url, system_database_pool_size=20)

    client = shared("dbos", make)
    assert isinstance(client, DBOSClient)

    def cycle() -> None:
        raise NotImplementedError("DBOS claims and acknowledges by itself")

    return lambda: client.enqueue({"queue_name": "q", "workflow_name": "n"}, PAYLOAD), cycle


BLOCKING = {
    ONE_COMMIT_A_ROW: one_commit_a_row,
    "persist-queue": persist_queue,
    "litequeue, full": litequeue_at("FULL"),
    "huey, no acknowledgement": huey,
    f"{OURS}, threads": ours_in_threads,
}

CONTENDERS = {
    contender.library: contender
    for contender in (
        *(Contender(library, "SQLite", "full", in_threads(make)) for library, make in BLOCKING.items()),
        Contender("litequeue", "SQLite", "normal", in_threads(litequeue_at("NORMAL"))),
        Contender("DBOS", "SQLite", "full", in_threads(dbos), ("put",)),
        Contender(OURS, "SQLite", "full", ours),
        Contender("procrastinate", "PostgreSQL", "full", procrastinate),
        Contender("DBOS on PostgreSQL", "PostgreSQL", "full", in_threads(dbos), ("put",)),
        Contender(f"{OURS} on PostgreSQL", "PostgreSQL", "full", ours),
    )
}
