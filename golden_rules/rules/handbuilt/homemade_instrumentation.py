"""GR206: a project's own decorators and context managers that time, count or trace."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import ClassVar, NamedTuple

from golden_rules.findings import Fix
from golden_rules.rules.base import Bad, Good, ModuleRule, ModuleSubject, Violation
from golden_rules.rules.handbuilt.metric_modules import counts_for_others
from golden_rules.rules.scope import in_runtime, out_of_scope
from golden_rules.source.outline import Class, Function


class HomemadeInstrumentation(ModuleRule):
    """A decorator or context manager of the project's own times, counts or traces what it stands around.

    ## What it does

    Finds decorators whose wrapper measures the function it calls, generators under `@contextmanager` that measure
    their block, and classes that read a clock in `__enter__` and in `__exit__`. Measuring is a difference of clock readings
    that decides nothing, a metric that is fed, or a span that is opened around the call.

    ## Why is this bad?

    Every service has one, and none is whole: it times the making of a coroutine instead of its run, loses the signature,
    counts a cancellation as a failure, or ends at the first `yield` of a generator. The runtime's decorators keep the
    kind, signature and types of what they decorate, and agree on names, labels and buckets.

    ## Fix safety

    The fix puts `@timed`, `@counted` or `@track_request` in place of each use, and deletes the definition with the metrics
    that it alone fed. It is unsafe: the series change their names, and lines of the log go. It is there for decorators that
    are private to their file, take no arguments, stand right above the functions they decorate, and pass the call on and
    measure, with nothing besides: no warning, no condition, no look at arguments or result. All others are left to you.

    ## When not to follow it

    Where it is the house's standard: name it in `measured-by`, or put it into a module of `metrics-modules`. Those, modules
    that are named like instrumentation, tests, benchmarks, migrations and vendored code are left alone. So are wrappers that
    do more than measure: that retry, cache, limit a rate or check rights.
    """

    code: ClassVar[str] = "GR206"
    name: ClassVar[str] = "homemade-instrumentation"
    asks_for_names: ClassVar[bool] = True
    triggers: ClassVar[tuple[str, ...]] = (
        "time", "clock", "now", "seconds", "perf_counter", "monotonic", "today", "epoch", "read", "inc", "observ", "span", "add", "log", "timing",
        "histogram", "record_", "start_",
    )  # fmt: skip
    cases: ClassVar[tuple[Bad | Good, ...]] = (
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

    def check(self, subject: ModuleSubject) -> Iterator[Violation]:
        """Yield one violation for each decorator, generator or class that measures what it stands around."""
        if out_of_scope(subject.path) or counts_for_others(subject.path, subject.config):
            return
        if in_runtime(subject.outline, subject.config):
            return
        for helper in measuring_helpers(subject):
            target = f"{subject.outline.module}.{helper.around.qualname}"
            if any(target == entry or target.startswith(entry + ".") for entry in subject.config.measured_by):
                continue
            yield Violation(
                span=_name_span(subject, helper.around),
                message=f"`{helper.around.qualname}` is a {helper.kind} of the project's own: {helper.why}",
                remedy=f"use {_decorator(helper.what)}, or name it in `measured-by`",
                fix=_fix(subject, helper.around),
                around=helper.around,
            )


class Helper(NamedTuple):
    """Something of a project's own that measures what it stands around.

    Attributes:
        around: The decorator, generator or class.
        kind: What it is, in words: "timing decorator".
        what: What it does: "timing", "counting" or "tracing".
        why: What it measures with, in the code's own terms.
    """

    around: Function | Class
    kind: str
    what: str
    why: str


def measuring_helpers(subject: ModuleSubject) -> Iterator[Helper]:
    """Yield the decorators, generators and classes of a file that measure what they stand around."""
    from golden_rules.rules.handbuilt.measuring import measures, times_block
    from golden_rules.rules.handbuilt.wrappers import decorated_by, yields_context

    seen: set[Function] = set()
    for wrapper, decorator in decorated_by(subject.outline):
        if decorator in seen or (found := measures(subject, wrapper)) is None:
            continue
        seen.add(decorator)
        yield Helper(decorator, f"{found.what} decorator", found.what, f"what it returns {found.how}")
    for function in subject.outline.functions:
        if function.parent is None and yields_context(function) and (found := measures(subject, function)) is not None:
            yield Helper(function, f"{found.what} context manager", found.what, f"it {found.how} around its block")
    for owner in subject.outline.classes:
        if reading := times_block(subject, owner):
            yield Helper(
                owner, "timing context manager", "timing", f"it reads `{reading}` where its block starts and ends"
            )


def _fix(subject: ModuleSubject, around: Function | Class) -> Fix | None:
    if not isinstance(around, Function):
        return None
    from golden_rules.rules.handbuilt.homemade_fixes import homemade_fix

    return homemade_fix(subject, around)


def _name_span(subject: ModuleSubject, around: Function | Class) -> tuple[int, int]:
    node = around.node
    line = subject.source.line(node.lineno)
    keyword = line.find("class " if isinstance(node, ast.ClassDef) else "def ") + len("def ")
    start = line.find(node.name, keyword)
    offset = subject.source.line_start(node.lineno) + start
    return offset, offset + len(node.name)


def _decorator(what: str) -> str:
    return {"timing": "`@timed`, or `timed(...)` around a block", "counting": "`@counted`", "tracing": "`@traced`"}[
        what
    ]
