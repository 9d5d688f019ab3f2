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
