"""What GR201 finds and leaves alone, as its page shows and its test checks."""

from __future__ import annotations

from golden_rules.rules.base import Bad, Good

TIMING_CASES: tuple[Bad | Good, ...] = (
    Bad(
        """\
import logging
import time

from shop.gateway import send

logger = logging.getLogger(__name__)


def refund(order):
    start = time.perf_counter()
    answer = send(order)
    if not answer.accepted:
        logger.warning("refund refused after %.3f s", time.perf_counter() - start)
        return None
    logger.info("refunded in %.3f s", time.perf_counter() - start)
    return answer.receipt
""",
        """\
import logging

from golden_runtime import timed

from shop.gateway import send

logger = logging.getLogger(__name__)


def refund(order):
    start = timed("shop.orders.refund.duration").start()
    answer = send(order)
    if not answer.accepted:
        logger.warning("refund refused after %.3f s", start.stop())
        return None
    logger.info("refunded in %.3f s", start.stop())
    return answer.receipt
""",
    ),
    Bad(
        """\
import time

from shop.stock import count, move


def transfer(items, log):
    started = time.monotonic()
    counted = count(items)
    log.debug("counted after %.2f s", time.monotonic() - started)
    move(items)
    return {"items": counted, "duration_ms": (time.monotonic() - started) * 1000}
""",
        """\
from golden_runtime import timed

from shop.stock import count, move


def transfer(items, log):
    started = timed("shop.orders.transfer.duration").start()
    counted = count(items)
    log.debug("counted after %.2f s", started.elapsed)
    move(items)
    return {"items": counted, "duration_ms": started.stop() * 1000}
""",
    ),
    Bad(
        """\
from datetime import datetime

from shop.stock import Report, read_shelves


async def take_stock(shop):
    began: datetime = datetime.now()
    shelves = await read_shelves(shop)
    elapsed = (datetime.now() - began).total_seconds()
    return Report(shelves, elapsed=elapsed)
""",
        """\
from golden_runtime import timed

from shop.stock import Report, read_shelves


async def take_stock(shop):
    began = timed("shop.orders.take_stock.duration").start()
    shelves = await read_shelves(shop)
    elapsed = began.stop()
    return Report(shelves, elapsed=elapsed)
""",
    ),
    Bad(
        """\
from time import perf_counter_ns

from shop.stock import latencies, pack


def pack_parcel(parcel):
    t0 = perf_counter_ns()
    pack(parcel)
    t1 = perf_counter_ns()
    latencies.append((t1 - t0) / 1e9)
""",
        """\
from golden_runtime import timed

from shop.stock import latencies, pack


def pack_parcel(parcel):
    t0 = timed("shop.orders.pack_parcel.duration").start()
    pack(parcel)
    latencies.append(t0.stop())
""",
    ),
    Bad(
        """\
import time


class Picker:
    def begin(self, order):
        self.started = time.monotonic()
        self.pick(order)

    def finish(self, order):
        self.log.info("picked %s in %.1f s", order, time.monotonic() - self.started)
""",
    ),
    Bad(
        """\
import time


def render(page, logger):
    start = time.time()
    text = page.render()
    took = time.time() - start
    if took > 0.5:
        logger.warning("%s took %.1f s", page.name, took)
    return text
""",
        """\
from golden_runtime import timed


def render(page, logger):
    start = timed("shop.orders.render.duration").start()
    text = page.render()
    took = start.stop()
    if took > 0.5:
        logger.warning("%s took %.1f s", page.name, took)
    return text
""",
    ),
    Bad(
        """\
import time


def ship(order, log):
    start = time.perf_counter()
    order.pack()
    log.info("packed in %.1f s", time.perf_counter() - start)
    start_label = time.perf_counter()
    order.label()
    log.info("labelled in %.1f s", time.perf_counter() - start_label)
    return order
""",
        """\
from golden_runtime import timed


def ship(order, log):
    start = timed("shop.orders.ship.duration").start()
    order.pack()
    log.info("packed in %.1f s", start.stop())
    start_label = timed("shop.orders.ship.label.duration").start()
    order.label()
    log.info("labelled in %.1f s", start_label.stop())
    return order
""",
    ),
    Bad(
        """\
import time

from shop.observability import SECONDS


def deliver(order, log):
    start = time.perf_counter()
    order.deliver()
    elapsed = time.perf_counter() - start
    SECONDS.labels(order.kind).observe(elapsed)
    log.info("delivered in %.1f s", elapsed)
""",
    ),
    Bad(
        """\
import logging
from datetime import datetime

logger = logging.getLogger(__name__)


def rebuild_index(shelves):
    start = datetime.now()
    for shelf in shelves:
        shelf.sort()
        shelf.label()
    logger.info("index rebuilt in %s", datetime.now() - start)
""",
        """\
import logging

from golden_runtime import timed

logger = logging.getLogger(__name__)


@timed("shop.orders.rebuild_index.duration")
def rebuild_index(shelves):
    for shelf in shelves:
        shelf.sort()
        shelf.label()
""",
        unsafe=True,
    ),
    Good(
        """\
import time


def wait_for_gateway(gateway, timeout):
    start = time.monotonic()
    while not gateway.ready():
        if time.monotonic() - start > timeout:
            raise TimeoutError(gateway.name)
        gateway.poll()
""",
        "a deadline is no telemetry",
    ),
    Good(
        """\
import time


class TokenBucket:
    def take(self):
        now = time.monotonic()
        elapsed = now - self.updated
        self.tokens = min(self.capacity, self.tokens + elapsed * self.refill_rate)
        self.updated = now
        return self.tokens >= 1
""",
        "a token bucket is a rate limit",
    ),
    Good(
        """\
import time


def run_every(interval, job):
    while True:
        start = time.monotonic()
        job()
        time.sleep(max(0.0, interval - (time.monotonic() - start)))
""",
        "what is left of an interval is slept",
    ),
    Good(
        """\
import time


def fetch_all(pages, client, timeout):
    start = time.monotonic()
    for page in pages:
        client.get(page, timeout=timeout - (time.monotonic() - start))
""",
        "a timeout that shrinks",
    ),
    Good(
        """\
import time


class Prices:
    def get(self, product):
        price, stored_at = self.entries[product]
        if time.time() - stored_at > self.ttl:
            del self.entries[product]
            return None
        return price
""",
        "the age of a cache entry",
    ),
    Good(
        """\
import time


class Monitor:
    def is_alive(self, worker):
        return time.time() - worker.last_seen < self.allowed_silence
""",
        "silence since the last heartbeat",
    ),
    Bad(
        """\
import time


def batches(rows, logger):
    start = time.perf_counter()
    for batch in rows:
        yield batch
    logger.info("all rows in %.1f s", time.perf_counter() - start)
""",
        """\
from golden_runtime import timed


def batches(rows, logger):
    start = timed("shop.orders.batches.duration").start()
    for batch in rows:
        yield batch
    logger.info("all rows in %.1f s", start.stop())
""",
    ),
    Good(
        """\
import contextlib
import time


@contextlib.contextmanager
def logged(logger):
    start = time.perf_counter()
    yield
    logger.info("done in %.1f s", time.perf_counter() - start)
""",
        "a context manager of the project's own measures others",
    ),
    Good(
        """\
import functools
import time


def logged(function):
    @functools.wraps(function)
    def wrapper(*args, **kwargs):
        start = time.perf_counter()
        try:
            return function(*args, **kwargs)
        finally:
            print(function.__name__, time.perf_counter() - start)

    return wrapper
""",
        "a decorator of the project's own measures others",
    ),
)
