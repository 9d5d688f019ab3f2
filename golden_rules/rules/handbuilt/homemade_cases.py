"""What GR206 finds and leaves alone, as its page shows and its test checks."""

from __future__ import annotations

from golden_rules.rules.base import Bad, Good

HOMEMADE_CASES: tuple[Bad | Good, ...] = (
    Bad(
        """\
import functools
import logging
import time

logger = logging.getLogger(__name__)


def track_time(label):
    def decorate(function):
        @functools.wraps(function)
        def wrapper(*args, **kwargs):
            start = time.perf_counter()
            try:
                return function(*args, **kwargs)
            finally:
                logger.info("%s took %.1f s", label, time.perf_counter() - start)

        return wrapper

    return decorate
""",
        path="src/shop/timing.py",
    ),
    Bad(
        """\
import time
from contextlib import contextmanager

from shop.stock import samples


@contextmanager
def measured(label):
    start = time.monotonic()
    try:
        yield
    finally:
        samples[label].append(time.monotonic() - start)
""",
    ),
    Bad(
        """\
import time


class Stopwatch:
    def __enter__(self):
        self.start = time.time()
        return self

    def __exit__(self, *exc_info):
        self.elapsed = time.time() - self.start
""",
    ),
    Bad(
        """\
from functools import wraps

from shop.observability import CALLS, tracer


def traced(function):
    @wraps(function)
    async def wrapper(*args, **kwargs):
        CALLS.labels(function.__name__).inc()
        with tracer.start_as_current_span(function.__name__):
            return await function(*args, **kwargs)

    return wrapper
""",
    ),
    Bad(
        """\
import functools
import logging
import time

logger = logging.getLogger(__name__)


def _timed(function):
    @functools.wraps(function)
    def wrapper(*args, **kwargs):
        start = time.perf_counter()
        try:
            return function(*args, **kwargs)
        finally:
            logger.info("%s took %.1f s", function.__name__, time.perf_counter() - start)

    return wrapper


@_timed
def place(order):
    logger.debug("placing %s", order)
    return order.save()
""",
        """\
import logging

from golden_runtime import timed

logger = logging.getLogger(__name__)


@timed("shop.orders.place.duration")
def place(order):
    logger.debug("placing %s", order)
    return order.save()
""",
        unsafe=True,
    ),
    Bad(
        """\
import functools

from prometheus_client import Counter

CALLS = Counter("calls", "Calls.", ["name"])


def _counts(function):
    @functools.wraps(function)
    async def wrapper(*args, **kwargs):
        CALLS.labels(function.__name__).inc()
        return await function(*args, **kwargs)

    return wrapper


class Orders:
    @_counts
    async def place(self, order):
        return await order.save()
""",
        """\
from golden_runtime import counted


class Orders:
    @counted("shop.orders.place")
    async def place(self, order):
        return await order.save()
""",
        unsafe=True,
    ),
    Bad(
        """\
import functools
import time

from prometheus_client import Counter, Histogram

FAILED = Counter("failed", "Failures.", ["name"])
SECONDS = Histogram("seconds", "Durations.", ["name"])


def _observed(function):
    @functools.wraps(function)
    def wrapper(*args, **kwargs):
        start = time.perf_counter()
        try:
            result = function(*args, **kwargs)
        except Exception:
            FAILED.labels(function.__name__).inc()
            raise
        finally:
            SECONDS.labels(function.__name__).observe(time.perf_counter() - start)
        return result

    return wrapper


@_observed
def place(order):
    return order.save()
""",
        """\
from golden_runtime import track_request


@track_request("shop.orders.place")
def place(order):
    return order.save()
""",
        unsafe=True,
    ),
    Bad(
        """\
import functools
import logging
import time

logger = logging.getLogger(__name__)


def _timed(function):
    @functools.wraps(function)
    def wrapper(*args, **kwargs):
        start = time.perf_counter()
        result = function(*args, **kwargs)
        logger.info("%s took %.1f s for %s", function.__name__, time.perf_counter() - start, args)
        return result

    return wrapper


@_timed
def place(order):
    return order.save()
""",
    ),
    Bad(
        """\
import functools
import time


def _timed(function):
    @functools.wraps(function)
    def wrapper(*args, **kwargs):
        start = time.perf_counter()
        result = function(*args, **kwargs)
        print(time.perf_counter() - start)
        return result

    return wrapper


@_timed
def place(order):
    return order.save()


def placing(orders):
    return [_timed(order.save) for order in orders]
""",
    ),
    Good(
        """\
import functools
import time


def limited(calls_per_second):
    def decorate(function):
        last = 0.0

        @functools.wraps(function)
        def wrapper(*args, **kwargs):
            nonlocal last
            elapsed = time.monotonic() - last
            if elapsed < 1 / calls_per_second:
                time.sleep(1 / calls_per_second - elapsed)
            last = time.monotonic()
            return function(*args, **kwargs)

        return wrapper

    return decorate
""",
        "a rate limit",
    ),
    Good(
        """\
import time


def retried(function):
    def wrapper(*args):
        start = time.monotonic()
        while True:
            try:
                return function(*args)
            except OSError:
                print("failed after", time.monotonic() - start)
                time.sleep(1)

    return wrapper
""",
        "a retry is found as a retry",
    ),
    Good(
        """\
import time


def timed(function):
    def wrapper(*args):
        start = time.monotonic()
        try:
            return function(*args)
        finally:
            print(time.monotonic() - start)

    return wrapper
""",
        "what `measured-by` names is the house's standard",
        settings=(("measured-by", ["shop.orders.timed"]),),
    ),
    Good(
        """\
import time
from functools import wraps


def timed(function):
    @wraps(function)
    def wrapper(*args):
        start = time.monotonic()
        result = function(*args)
        took = time.monotonic() - start
        return took, result

    return wrapper
""",
        "the duration is what the caller asks for",
    ),
    Good(
        """\
import time
from contextlib import contextmanager


@contextmanager
def slot(slots, waits):
    start = time.monotonic()
    with slots:
        waits.append(time.monotonic() - start)
        yield
""",
        "a wait that is over when the block begins",
    ),
    Good(
        """\
from contextlib import contextmanager


@contextmanager
def locked(lock, log):
    lock.acquire()
    try:
        yield lock
    finally:
        lock.release()
        log.debug("released %s", lock)
""",
        "a context manager that measures nothing",
    ),
)
