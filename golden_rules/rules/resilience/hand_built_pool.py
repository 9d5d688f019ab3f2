"""GR304: pools built by hand."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import ClassVar

from golden_rules.rules.base import Bad, Good, ModuleRule, ModuleSubject, Violation
from golden_rules.rules.resilience.allowed import ALLOWED_IN, is_allowed
from golden_rules.rules.resilience.pool_deeds import Doing, doing, is_semaphore
from golden_rules.rules.resilience.pool_shapes import Pool, bounded_function, pool_of
from golden_rules.rules.resilience.units import Unit, classes_of, plain_functions
from golden_rules.rules.resilience.variables import shown, stores
from golden_rules.rules.scope import in_runtime, is_benchmark, out_of_scope
from golden_rules.source.headers import name_span
from golden_rules.source.outline import Class, Function

# Pools of what is borrowed, rather than of what runs.
_CONNECTIONS = re.compile(r"(Connection|Session|Channel|Socket)s?(Pool|Manager)$")
# What has no threads of its own yet.
_ABSTRACT = frozenset({"Executor"})
_INHERITED = re.compile(r"(Executor|(Thread|Process|Task|Worker)Pool)$")
# What stands among the words of a function, in lower case, that makes a semaphore, or starts anything.
_SEMAPHORES = ("semaphore", "capacitylimiter")
_STARTS = ("create_task", "ensure_future", "start_soon", "thread", "process", "spawn", "gather", "as_completed")
_BOUNDS = (*_SEMAPHORES, "range", "len", "pool", "slots", "size", "concurren", "limit", "max", "parallel")


class HandBuiltPool(ModuleRule):
    """A semaphore, background tasks and their bookkeeping, or workers on a queue, run work at a bounded pace by hand.

    ## What it does
    Finds functions and classes that run many things at once and see to it by hand that there are not too many:

    - a semaphore that bounds the tasks or threads which the same code starts, or what it hands to an executor;
    - a number of workers, started in a loop, that take their work from a queue;
    - a set of tasks whose size is compared with a limit, so that the next waits until one is done, or taken from it, so that
      only as many are started as there is room for;
    - a number of free slots, or of calls under way, that is counted by hand around tasks or an executor of the class's own;
    - as many tasks as a number says, and another whenever one of them is done;
    - a class that is an `Executor`, or is called a pool, and starts threads or processes itself.

    A semaphore that only guards a client or has room for all there is (`Semaphore(len(orders))`), one background task or
    thread, also beside an executor of `concurrent.futures`, tasks without a bound, such executors and classes that extend
    them, servers that bound the connections they `accept()`, pools of connections and of whatever else is acquired and released, and
    benchmarks are left alone.

    ## Why is this bad?
    The bound is the easy part. What such code mostly lacks: tasks that are waited for, or cancelled, when the service stops;
    errors that are noticed (`gather` gives up on the first, a task nobody awaits keeps its error to itself); back-pressure
    (a semaphore inside the task bounds what runs, not what waits, so that a million tasks are made at once); retries, dead
    letters, and any figure of how full the pool is. `ExecutorPool` has them, with gauges of capacity and use.

    ## Fix safety
    There is no fix: what is work and what is its result is for you to say. Then

        async with ExecutorPool(handle, max_concurrent=10, name="orders") as pool:
            for order in orders:
                await pool.submit_workflow(order)

    takes its place.

    ## When not to follow it
    Where a script runs a handful of things at once and ends, or results must come back in order: a semaphore around one
    `gather` of a few short calls, in code that no service runs for long, is as good as a pool. The same goes for an executor
    that others are meant to bring their own work to, such as a library's: it is the pool. Tests, benchmarks, migrations and vendored code are left alone, and so is what `allowed-in` names.
    """

    code: ClassVar[str] = "GR304"
    name: ClassVar[str] = "hand-built-pool"
    triggers: ClassVar[tuple[str, ...]] = (
        "Semaphore",
        "CapacityLimiter",
        "create_task",
        "ensure_future",
        "start_soon",
        "Thread",
        "Process",
        "spawn",
        "run_coroutine_threadsafe",
        "gather",
        "as_completed",
    )
    options = (ALLOWED_IN,)
    cases: ClassVar[tuple[Bad | Good, ...]] = (
        Bad(
            """\
import asyncio


class ParcelWorker:
    def __init__(self, size):
        self._slots = asyncio.Semaphore(size)
        self._tasks = set()

    async def submit(self, parcel):
        await self._slots.acquire()
        task = asyncio.create_task(self._send(parcel))
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task):
        self._tasks.discard(task)
        self._slots.release()

    async def _send(self, parcel):
        await parcel.send()
""",
            path="src/shop/parcels.py",
        ),
        Bad(
            """\
import asyncio


async def refresh(client, products):
    semaphore = asyncio.Semaphore(10)

    async def one(product):
        async with semaphore:
            return await client.price(product)

    return await asyncio.gather(*(one(product) for product in products))
"""
        ),
        Bad(
            """\
import queue
import threading


class Printers:
    def __init__(self, number):
        self.labels_queue = queue.Queue()
        self.threads = [threading.Thread(target=self._run, daemon=True) for _ in range(number)]
        for thread in self.threads:
            thread.start()

    def _run(self):
        while True:
            label = self.labels_queue.get()
            label.print()
            self.labels_queue.task_done()
"""
        ),
        Bad(
            """\
import asyncio


async def drain(orders, handle):
    tasks = set()
    async for order in orders:
        while len(tasks) >= 20:
            done, tasks = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        tasks.add(asyncio.create_task(handle(order)))
    await asyncio.gather(*tasks)
"""
        ),
        Bad(
            """\
from functools import partial

import anyio

from shop.together import collect


async def stock(shops, client):
    limiter = anyio.CapacityLimiter(8)

    async def ask(shop):
        async with limiter:
            return await client.stock(shop)

    return await collect([partial(ask, shop) for shop in shops])
"""
        ),
        Bad(
            """\
import threading
from concurrent.futures import ThreadPoolExecutor


class Printer:
    def __init__(self, size):
        self._executor = ThreadPoolExecutor(size)
        self._slots = threading.BoundedSemaphore(size)

    def submit(self, label):
        if not self._slots.acquire(blocking=False):
            raise RuntimeError("the printer is busy")
        try:
            printed = self._executor.submit(label.print)
        except RuntimeError:
            self._slots.release()
            raise
        printed.add_done_callback(lambda _: self._slots.release())
        return printed
"""
        ),
        Good(
            """\
import asyncio


class Carrier:
    def __init__(self, client):
        self.client = client
        self._limit = asyncio.Semaphore(4)

    async def track(self, parcel):
        async with self._limit:
            return await self.client.get(parcel.url)
""",
            "a semaphore that guards a client",
        ),
        Good(
            """\
import asyncio


async def load(shop, client):
    return await asyncio.gather(client.orders(shop), client.stock(shop))
""",
            "two things at once need no bound",
        ),
        Good(
            """\
import queue
import threading


class Journal:
    def __init__(self):
        self.queue = queue.Queue()
        self.thread = threading.Thread(target=self._write, daemon=True)
        self.thread.start()

    def _write(self):
        while True:
            self.queue.get().write()
""",
            "one background thread is no pool",
        ),
        Good(
            """\
from concurrent.futures import ThreadPoolExecutor


def resize(images):
    with ThreadPoolExecutor(max_workers=4) as pool:
        return list(pool.map(lambda image: image.resize(), images))
""",
            "an executor of the standard library",
        ),
        Good(
            """\
import asyncio


async def watch(shops, follow):
    lock = asyncio.Semaphore(1)
    tasks = [asyncio.create_task(follow(shop, lock)) for shop in shops]
    await asyncio.wait(tasks)
""",
            "a semaphore of one is a lock",
        ),
    )

    def check(self, subject: ModuleSubject) -> Iterator[Violation]:
        """Yield one violation for each pool."""
        if out_of_scope(subject.path) or in_runtime(subject.outline, subject.config):
            return
        allowed = self.value(ALLOWED_IN, subject.config)
        plain = plain_functions(subject)
        # Semaphores that stand at the top of the file.
        shared = frozenset(
            shown(target) for node in subject.outline.tree.body for target, value in stores(node) if is_semaphore(value)
        )
        for unit in (*classes_of(subject), plain):
            if _CONNECTIONS.search(unit.name) or _extends_pool(unit):
                continue
            if _may_hold(unit, shared):
                for around, pool in _pools(unit, plain, shared):
                    if is_allowed(allowed, subject.path, subject.outline, around):
                        continue
                    yield Violation(
                        span=name_span(subject.source, around),
                        message=f"`{around.qualname}` builds a pool by hand: {pool.why}",
                        remedy="use `ExecutorPool`",
                        around=around,
                    )


def _extends_pool(unit: Unit) -> bool:
    """Whether a class only adds to an executor or pool that it inherits from."""
    bases = unit.owner.bases if unit.owner is not None else ()
    return any(_INHERITED.search(base) and base.rpartition(".")[2] not in _ABSTRACT for base in bases)


def _may_hold(unit: Unit, shared: frozenset[str]) -> bool:
    """Whether there can be a pool, by the words of its functions; much faster than to look."""
    words = unit.words
    if any(part in words for part in _SEMAPHORES):
        return True
    if not any(map(_may_start, unit.functions)):
        return False
    words += f"\n{unit.name.lower()}"
    return bool(shared) or any(part in words for part in _BOUNDS)


def _may_start(function: Function) -> bool:
    return any(part in function.words.lowered for part in _STARTS)


def _pools(unit: Unit, plain: Unit, shared: frozenset[str]) -> Iterator[tuple[Class | Function, Pool]]:
    # Without a semaphore or an executor of its own, only what starts something is of interest.
    words = unit.words
    bounded = bool(shared) or any(part in words for part in (*_SEMAPHORES, "poolexecutor"))
    deeds = {
        function: doing(function.node) if bounded or _may_start(function) else Doing() for function in unit.functions
    }
    pool = pool_of(unit, deeds) if unit.owner is not None else None
    if pool is not None:
        yield unit.around(pool.touching), pool
    own = frozenset(name for done in deeds.values() for name in done.semaphores if name.startswith("self."))
    reachable = {function.name: function.node for function in (*plain.functions, *unit.functions)}
    for function, done in deeds.items():
        if (pool is None or function not in pool.touching) and not is_benchmark(function.qualname):
            why = bounded_function(done, own | shared, {**reachable, **done.nested})
            if why:
                yield function, Pool(why, (function,))
