"""GR304 beyond its own cases: pools in rarer shapes, and what only resembles one."""

from __future__ import annotations

from pathlib import Path

import pytest

from golden_rules.config import Config
from golden_rules.engine import analyse_source
from golden_rules.findings import Finding
from golden_rules.rules.resilience.hand_built_pool import HandBuiltPool


def found(code: str) -> list[Finding]:
    """Return what GR304 finds in a module."""
    return list(analyse_source(code, "src/shop/orders.py", Config(root=Path.cwd()), [HandBuiltPool()]).findings)


@pytest.mark.parametrize(
    ("code", "why"),
    [
        pytest.param(
            """\
async def run(orders, handle):
    slots = asyncio.Semaphore(8)
    async with asyncio.TaskGroup() as group:
        for order in orders:
            group.create_task(handle(order, slots))
""",
            "`slots` bounds the tasks that it starts with `create_task`",
            id="the semaphore is passed on",
        ),
        pytest.param(
            """\
def run(orders_queue, number):
    def work():
        while True:
            orders_queue.get().place()

    for _ in range(number):
        threading.Thread(target=work).start()
""",
            "it starts workers with `Thread` that take their work from a queue",
            id="workers",
        ),
        pytest.param(
            """\
async def run(orders, handle):
    tasks = []
    for order in orders:
        tasks.append(asyncio.create_task(handle(order)))
        if len(tasks) > 50:
            await asyncio.gather(*tasks)
            tasks.clear()
""",
            "it waits while too many of `tasks` are under way",
            id="in batches",
        ),
    ],
)
def test_a_function_can_be_a_pool(code: str, why: str) -> None:
    """The message says what bounds the work."""
    assert [finding.message for finding in found(code)] == [f"`run` builds a pool by hand: {why}"]


@pytest.mark.parametrize(
    "code",
    [
        pytest.param(
            """\
class OrdersConnectionPool:
    async def acquire(self):
        await self._slots.acquire()
        return await asyncio.create_task(self._connect())

    def __init__(self):
        self._slots = asyncio.Semaphore(5)
""",
            id="connections",
        ),
        pytest.param(
            """\
async def listen(shops):
    tasks = [asyncio.create_task(shop.listen()) for shop in shops]
    if len(tasks) > 1:
        await asyncio.wait(tasks)
""",
            id="no bound",
        ),
        pytest.param(
            """\
def start(devices):
    for device in devices:
        threading.Thread(target=watch, args=(device,)).start()


def watch(device):
    while True:
        device.events_queue.get().show()
""",
            id="a thread for each device",
        ),
    ],
)
def test_what_only_resembles_a_pool_is_left_alone(code: str) -> None:
    """Connections are lent, not run; what has no bound, or a thread of its own, is no pool."""
    assert found(code) == []


def test_workers_may_be_started_by_a_helper() -> None:
    """A project's `create_task_with_logging` starts a worker as `create_task` does."""
    (finding,) = found(
        """\
class Buffer:
    def start(self):
        for number in range(self.size):
            self.workers.append(create_task_with_logging(self._work(), name=f"worker-{number}"))

    async def _work(self):
        while True:
            await self.handle(await self.queue.get())
""",
    )
    assert finding.function == "Buffer"


SLOTS_GIVEN_BACK = """\
import asyncio


class Receiver:
    def __init__(self, size):
        self.slots = asyncio.Semaphore(size)

    async def run(self, queue):
        while True:
            order = await queue.get()
            await self.slots.acquire()
            self._start(order)

    def _start(self, order):
        asyncio.create_task(order.ship()).add_done_callback(self.{give_back})

    def {give_back}(self, task):
        self.slots.release()
"""


def test_slots_may_be_taken_and_given_back_in_different_methods() -> None:
    """A pool whose task gives its slot back when it is done."""
    findings = found(SLOTS_GIVEN_BACK.format(give_back="_on_done"))
    assert [finding.function for finding in findings] == ["Receiver"]


GUARDED = """\
import asyncio


class Shop:
    def __init__(self):
        self.slots = asyncio.Semaphore(4)

    async def open(self, door):
        async with self.slots:
            task = asyncio.create_task(door.open())
            await task
"""


@pytest.mark.parametrize(
    "code",
    [
        SLOTS_GIVEN_BACK.replace("order.ship()", "self.slots.acquire()").format(give_back="_free"),
        "import asyncio\n\n\nasync def benchmark(orders):\n    slots = asyncio.Semaphore(4)\n    await asyncio.gather(*(one.ship(slots) for one in orders))\n",
        "import threading\n\n\nclass QuietThreadPool(ThreadPoolExecutor):\n    def _adjust(self):\n        threading.Thread(target=self.run).start()\n",
        GUARDED,
    ],
    ids=["waits for a slot", "benchmark", "executor", "guarded"],
)
def test_what_only_waits_measures_or_extends_is_no_pool(code: str) -> None:
    """A task that waits for a slot, a benchmark, and an executor that inherits its pool."""
    assert found(code) == []


HELD_BACK = """\
import asyncio


class Worker:
    async def take(self, order):
        {bound}
        task = asyncio.create_task(self.handle(order))
        self._tasks.add(task)
"""


@pytest.mark.parametrize(
    ("bound", "is_found"),
    [
        ("while len(self._tasks) >= self._most: await asyncio.wait(self._tasks)", True),
        ("while len(self._tasks) >= self._most: self.log()", False),
        ("await asyncio.wait(self._tasks)", False),
    ],
)
def test_a_task_may_wait_until_there_are_fewer(bound: str, *, is_found: bool) -> None:
    """One task for each call is a pool where a loop waits until fewer of them are under way."""
    assert bool(found(HELD_BACK.format(bound=bound))) == is_found


@pytest.mark.parametrize(
    ("code", "why"),
    [
        (
            """\
import asyncio


async def run(jobs, size):
    running = [asyncio.create_task(job()) for job in jobs[:size]]
    left = list(jobs[size:])
    while left:
        await asyncio.sleep(0.01)
        for index, task in enumerate(running):
            if task.done():
                running[index] = asyncio.create_task(left.pop()())
""",
            "`run` builds a pool by hand: it starts `size` of them, and another whenever one is done",
        ),
        (
            """\
import asyncio

from shop.workers import order_worker


async def serve(orders, concurrency):
    tasks = []
    for number in range(concurrency):
        tasks.append(asyncio.create_task(order_worker(orders, number)))
    return tasks
""",
            "`serve` builds a pool by hand: it starts `concurrency` of `order_worker` with `create_task`",
        ),
        (
            """\
import asyncio


async def consume(orders, handle, most):
    free_slots = most
    running = set()
    while True:
        for order in await orders.take(free_slots):
            running.add(asyncio.create_task(handle(order)))
            free_slots -= 1
        done = [task for task in running if task.done()]
        free_slots += len(done)
""",
            "`consume` builds a pool by hand: it counts the free slots in `free_slots`",
        ),
        (
            """\
import asyncio


class Steps:
    async def run(self, steps):
        if self._gate is None:
            self._gate = asyncio.Semaphore(self.most)
        gate = self._gate

        async def one(step):
            async with gate:
                return await step()

        return await asyncio.gather(*[one(step) for step in steps])
""",
            "`Steps.run` builds a pool by hand: `gate` bounds the tasks that it starts with `gather`",
        ),
    ],
    ids=["refilled", "so many workers", "free slots", "by another name"],
)
def test_a_bound_may_be_kept_without_a_semaphore_or_by_another_name(code: str, why: str) -> None:
    """The finding says what keeps the bound."""
    assert [finding.message for finding in found(code)] == [why]


@pytest.mark.parametrize(
    ("limit", "is_found"), [("self._running >= self.capacity", True), ("self._running > 0", False)]
)
def test_an_executor_whose_work_is_counted_is_a_pool(limit: str, *, is_found: bool) -> None:
    """An executor alone is none: the count of what is under way makes it one."""
    code = """\
from concurrent.futures import ThreadPoolExecutor


class Printer:
    def __init__(self, size):
        self._executor = ThreadPoolExecutor(size)
        self.capacity = 2 * size
        self._running = 0

    def submit(self, label):
        if {limit}:
            raise RuntimeError("the printer is busy")
        self._running += 1
        return self._executor.submit(label.print)
"""
    assert bool(found(code.replace("{limit}", limit))) == is_found


@pytest.mark.parametrize(("base", "is_found"), [("Executor", True), ("ThreadPoolExecutor", False)])
def test_an_executor_that_starts_its_own_threads_is_a_pool(base: str, *, is_found: bool) -> None:
    """The abstract `Executor` has no threads: who derives from it builds them, who derives from an executor has them."""
    code = f"""\
import threading
from concurrent.futures import {base}


class DaemonThreadPool({base}):
    def submit(self, function):
        thread = threading.Thread(target=function, daemon=True)
        thread.start()
"""
    assert bool(found(code)) == is_found


@pytest.mark.parametrize(
    ("room", "is_found"),
    [
        ("self._max_parcels - len(self._running)", True),
        ("self._max_parcels - len(self._labels)", False),
        ("self._sent - len(self._running)", False),
    ],
    ids=["limit-less-running", "limit-less-other", "number-less-running"],
)
def test_as_many_may_be_started_as_there_is_room_for(room: str, *, is_found: bool) -> None:
    """Who takes what is under way from a limit, and starts that many tasks, keeps a pool by hand."""
    code = f"""\
class ParcelWorker:
    async def tick(self):
        room = {room}
        for parcel in await self._store.claim(room):
            task = asyncio.create_task(self._send(parcel))
            self._running.add(task)
            task.add_done_callback(self._running.discard)
"""
    findings = found(code)
    assert [finding.function for finding in findings] == (["ParcelWorker.tick"] if is_found else [])
    assert all("`self._running`" in finding.message for finding in findings)


@pytest.mark.parametrize(("room", "is_found"), [("len(feeds)", False), ("min(8, len(feeds))", True)])
def test_a_semaphore_with_room_for_all_is_a_count(room: str, *, is_found: bool) -> None:
    """Where there are as many slots as tasks, nothing is held back: the slots tell how many are done."""
    code = f"""\
import asyncio


async def merge(feeds, handle):
    done = asyncio.Semaphore({room})
    return [asyncio.create_task(handle(feed, done)) for feed in feeds]
"""
    assert bool(found(code)) == is_found


@pytest.mark.parametrize(
    ("in_the_background", "is_found"),
    [
        ("asyncio.create_task(self._log())", False),
        ("[asyncio.create_task(self._work()) for _ in range(self.size)]", True),
    ],
)
def test_a_class_called_a_pool_may_leave_its_work_to_an_executor(in_the_background: str, *, is_found: bool) -> None:
    """One task beside an executor of the standard library is no pool, by whatever name the class goes."""
    code = f"""\
import asyncio
from concurrent.futures import ProcessPoolExecutor


class ProcessPool:
    def __init__(self, size):
        self.size = size
        self._executor = ProcessPoolExecutor(size)

    async def start(self):
        self._beside = {in_the_background}

    async def run(self, label):
        return await asyncio.get_running_loop().run_in_executor(self._executor, label.print)
"""
    assert bool(found(code)) == is_found


def test_a_pool_is_named_for_the_method_that_starts_its_tasks() -> None:
    """The one task that goes round is not what the slots bound."""
    (finding,) = found(
        """\
import asyncio


class Dispatcher:
    def __init__(self, size):
        self._slots = asyncio.Semaphore(size)

    def start(self):
        self._round = asyncio.create_task(self._dispatch())

    async def _dispatch(self):
        while True:
            order = await self._orders.next()
            await self._slots.acquire()
            asyncio.create_task(order.ship()).add_done_callback(self._done)

    def _done(self, task):
        self._slots.release()
"""
    )
    assert (
        finding.message
        == "`Dispatcher` builds a pool by hand: `self._slots` bounds the tasks that `_dispatch` starts with `create_task`"
    )


@pytest.mark.parametrize(("lends", "is_found"), [("acquire", False), ("submit", True)])
def test_workers_that_are_lent_are_no_pool_of_work(lends: str, *, is_found: bool) -> None:
    """Who acquires a worker runs what it likes on it, and brings it back."""
    code = f"""\
import asyncio


class WorkerPool:
    async def {lends}(self, order):
        return self._free.pop()

    async def release(self, worker):
        self._recovering = asyncio.create_task(worker.recover())
"""
    assert bool(found(code)) == is_found


@pytest.mark.parametrize(("limit", "is_found"), [("MAX_BYTES", False), ("MAX_ORDERS", True)])
def test_a_size_in_bytes_bounds_no_tasks(limit: str, *, is_found: bool) -> None:
    """What is read in the background is no task."""
    code = f"""\
import asyncio


async def read(orders, handle):
    for order in orders:
        pending = await order.read()
        if len(pending) > {limit}:
            await asyncio.sleep(1)
        asyncio.create_task(handle(order))
"""
    assert bool(found(code)) == is_found


@pytest.mark.parametrize(
    ("takes", "is_found"), [("client, _ = listener.accept()", False), ("client = orders.next()", True)]
)
def test_a_server_that_bounds_its_connections_is_no_pool(takes: str, *, is_found: bool) -> None:
    """It turns clients away, and nobody hands it work."""
    code = f"""\
import threading


def serve(listener, orders, handle):
    slots = threading.BoundedSemaphore(8)
    while True:
        {takes}
        slots.acquire()
        threading.Thread(target=handle, args=(client, slots)).start()
"""
    assert bool(found(code)) == is_found
