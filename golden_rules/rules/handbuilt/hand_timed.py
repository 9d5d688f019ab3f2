"""GR201: durations measured with clock readings and subtraction."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar

from golden_rules.findings import without_fix_as
from golden_rules.rules.base import Bad, FunctionRule, Good, Subject, Violation
from golden_rules.rules.handbuilt.timing_hints import may_time

if TYPE_CHECKING:
    import libcst as cst

    from golden_rules.rules.handbuilt.timed_starts import TimedStart
    from golden_rules.rules.handbuilt.timings import Difference
    from golden_rules.source.slices import Slice


class HandTimed(FunctionRule):
    """A duration is measured with clock readings and a subtraction, for a log line, a metric or a result.

    ## What it does

    Finds differences of clock readings that end in telemetry: a log call or `print`, a metric, a field, keyword or entry
    with a name such as `elapsed`, `duration_ms` or `latency`. The clocks are those of `time`, `timeit`, `datetime` and
    `asyncio`, of Django, Pendulum and Arrow, and a project's own where their name says so (`self.clock.time()`,
    `utcnow()`).

    Readings that drive the program are left alone: a difference that is compared with a limit, slept, or subtracted from
    a timeout is a deadline, a rate limit, a back-off or the age of a cache entry. A comparison that only decides whether
    to report (`if elapsed > 1: logger.warning(...)`) is part of the report.

    ## Why is this bad?

    A duration in a log line cannot be aggregated, alerted on, or compared between releases; each place has its own clock,
    unit and name; and paths that raise or return early go unmeasured unseen. A timer of the runtime records a histogram
    under a name that follows from the function's, and still returns the seconds to those that want them.

    ## Fix safety

    The safe fix changes expressions only: the first reading becomes `timed("...").start()`, the difference `.stop()`, which
    records once and returns the seconds as a float. Where another reading may follow, it is `.elapsed`. Early returns, log
    lines and stored values stay what they were, so `.stop()` stands where the clock was read, and a path on which it was
    not read records nothing. The fix is offered where the start is a local variable that nothing else reads, no `locals()`
    or `eval` either, and the clock counts seconds: `time.time()`, `monotonic()`, `perf_counter()`, an event loop's
    `time()`; `datetime` where the difference is asked for its `.total_seconds()`, and nanoseconds where they are divided by
    a billion. A reading that is also stored as a timestamp, shared with another function, or compared is for you to
    untangle.

    There is no fix where the seconds feed a metric of the project's own (`SECONDS.observe`, `statsd.timing`,
    `record_latency`): a timer beside it would record each run a second time, under another name. Dashboards and alerts may
    read the one that is there, so `timed` in its place is for you to write; the finding says so.

    Where a whole function is timed for one log line at its end, the unsafe fix puts `@timed("...")` on the function and
    drops the readings and the line, with all else it said and the comments right above them that speak of time.

    A timer reads a clock of its own: a test that replaces the file's clock and looks at the seconds fails then, and has to
    be changed. So the fix is unsafe, and says which file it is, where a file of the project's folder replaces the clock
    (`mock.patch("shop.orders.time.time")`, `monkeypatch.setattr(orders.time, "time", now)`), or that of the whole program
    (`mock.patch("time.time")`, freezegun, time-machine) and knows the module, imports its package, or is a `conftest.py` or
    helper of tests. `--fix` and `--diff` look for that; `check` alone
    does not, as what it says of a file hangs on no other. A clock of the project's own (`self.clock.now()`) is there to be
    another one in tests: the fix is always unsafe then.

    A clock's import that is left without a use goes with it, unless a comment stands on its line.

    ## When not to follow it

    Where the duration is the subject itself, as in a benchmark, or a timestamp of a record is compared with now. Where a
    command prints how long it took for the person who waits for it, and nobody will ask again. Tests, benchmarks, migrations,
    vendored code and the modules named in `metrics-modules` are left alone, and so are context managers and decorators
    that measure others.
    """

    code: ClassVar[str] = "GR201"
    name: ClassVar[str] = "hand-timed"
    triggers: ClassVar[tuple[str, ...]] = ("time", "clock", "now", "seconds", "perf_counter", "monotonic", "today")
    cases: ClassVar[tuple[Bad | Good, ...]] = (
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

    def wants(self, subject: Subject) -> bool:
        """Return whether the function reads a clock and subtracts."""
        return may_time(subject)

    def check(self, subject: Subject, piece: Slice[cst.FunctionDef]) -> Iterator[Violation]:
        """Yield one violation for each start that a telemetry value is measured from."""
        from golden_rules.rules.handbuilt.timed_starts import timed_starts
        from golden_rules.rules.handbuilt.timings import timings

        found = timings(subject.outline, subject.function, piece.node)
        for start in timed_starts(subject, piece, found):
            difference = start.difference
            code = " ".join(subject.source.text[slice(*piece.span(difference.node))].split())
            yield Violation(
                span=piece.span(difference.node),
                message=f"`{start.target or subject.function.qualname}` is timed by hand: `{code}` ends in {difference.telemetry}",
                remedy=_in_place_of(start)
                if start.series
                else _remedy(difference, start.metric, fixable=start.safe is not None),
                fix=start.safe or start.unsafe,
                unsafe_fix=start.unsafe if start.safe else None,
            )


def _in_place_of(start: TimedStart) -> str:
    remedy = f'record it with `timed("{start.metric}")` in place of `{start.series}`'
    return without_fix_as(remedy, "each run would be in two series, and only you know who reads the one that is there")


def _remedy(difference: Difference, metric: str, *, fixable: bool) -> str:
    name = difference.start
    timer = f'timed("{metric}").start()'
    if difference.stamp is None:
        return f"keep `{timer}` beside `{name}`, where that is set, and call the timer's `.stop()` here"
    if not fixable or not name.isidentifier():
        return f"start `timer = {timer}` beside `{name}`, and write `timer.stop()` for the seconds"
    return f"write `{name} = {timer}`, and `{name}.stop()` for the seconds"
