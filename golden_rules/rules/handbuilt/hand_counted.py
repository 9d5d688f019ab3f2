"""GR202: counters kept by hand."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar

from golden_rules.findings import without_fix_as
from golden_rules.naming import metric_name
from golden_rules.options import StringsOption
from golden_rules.rules.base import Bad, Good, OutlineRule, Subject, Violation
from golden_rules.rules.handbuilt.counted import counted

if TYPE_CHECKING:
    from golden_rules.rules.handbuilt.increments import Increment

_ALLOWED = StringsOption(
    "allowed", "Counters that are numbers of the domain, as written (`self.score`) or by their last name (`score`)."
)


class HandCounted(OutlineRule):
    """A function keeps a counter by hand that only reports read.

    ## What it does

    Finds functions that add one to a counter that is telemetry: to a metric of a client or of the project's own, which they feed
    beside their work (`REQUESTS.inc()`, `statsd.incr("orders.placed")`); to a number that is kept among statistics
    (`self.stats["sent"] += 1`, `self._metrics.hits += 1`); or to one that a method which tells statistics reads (`stats`,
    `get_metrics`, `health`, `status`, `cache_info`). Hits, misses and evictions of a cache need no reader.

    A number that the program runs on is left alone: one that anything else in the file depends on, that is compared, used as an index
    or a part of a name, goes down again, is set anew while work is done or from where it was stored, or whose growth over some work
    is that work's result (`self.stats["sent"] - before["sent"]`). So are attempts, positions, sequence numbers, references, sizes,
    tallies by name outside of statistics (`self.calls[tool] += 1`), and what is told beside a total that was known before or taken
    from it (progress). A metric that a metrics module defines may be fed from anywhere; only where it grows by one with every call
    of the function, it counts calls by hand.

    ## Why is this bad?

    A number in an attribute is lost with its process, cannot be aggregated over several, has no rate, and is seen only by
    those who know where to look. A metric that is fed by hand is forgotten on the next path that is added.
    `@counted` counts every call under a name that follows from the function's.

    ## Fix safety

    Unsafe. Where each call of a function feeds a counter of `prometheus_client` that nothing else in the file mentions, before
    anything but a log line, a clock or a plain assignment, `@counted(...)` takes the place of both, below all other decorators:
    the series keeps its name and labels, and counts each call as before. (Beyond a hundred values of its labels it says
    `other`, and `unknown` for a value that is longer than 128 characters or cannot be read. Where the program calls
    `configure(namespace=...)`, the setting `namespace` has to say so: the series would get another name.) The metric
    object goes, with its help text, where no other file can miss it: the whole project is checked and none mentions its name,
    or its name begins with an underscore. Everywhere else there is no fix: under
    which series a counter was read, and what it counts besides calls, is for you to say; the finding says what stands against one.

    ## When not to follow it

    Where the count is a number of the domain, such as a game's score or a job's result: `allowed` takes such names. What is read in a
    log line, a snapshot, a summary or a record alone, what is only printed, and what is read nowhere, is left alone, as it is as
    often data; so is a function that does nothing but feed metrics with what its callers tell it, and a metric that grows by an
    amount, such as bytes or rows (`len(dropped)` or `expired_count` is none: it says how often something happened). Left alone are
    also rate limits, simulations, tasks and jobs that say what one run of theirs came to (`ImportTask`), classes that are named for
    counting (`StatsHub`) or are a set of metrics (`ServerMetrics`), doubles (`MockMailer`), counters that Beam, Flink or Spark
    collect from their workers, what a user interface draws (`widgets/`, `tui.py`), tests, benchmarks, evaluations, migrations,
    vendored code, commands and scripts, the modules named in `metrics-modules` and others that are named like instrumentation.
    Where statistics speak of one run only, in an object of another name that is made for it, the rule takes them for telemetry:
    name them in `allowed`.
    """

    code: ClassVar[str] = "GR202"
    name: ClassVar[str] = "hand-counted"
    asks_for_names: ClassVar[bool] = True
    # What most files hold comes first, and then nothing else is looked for.
    triggers: ClassVar[tuple[str, ...]] = ("inc", "add", "log", "+=", "+ 1", "+1")
    options = (_ALLOWED,)
    cases: ClassVar[tuple[Bad | Good, ...]] = (
        Bad(
            """\
import logging

logger = logging.getLogger(__name__)


class Prices:
    def __init__(self, store):
        self.store = store
        self.hits = 0
        self.misses = 0

    def get(self, product):
        price = self.store.get(product)
        if price is None:
            self.misses += 1
        else:
            self.hits += 1
        return price

    def log_stats(self):
        logger.info("prices: %d hits, %d misses", self.hits, self.misses)
""",
        ),
        Bad(
            """\
from prometheus_client import Counter

PLACED = Counter("orders_placed", "Orders placed.", ["shop"])


def place(order, shop):
    order.save()
    shop.notify(order)
    PLACED.labels(shop=shop.name).inc()
""",
        ),
        Bad(
            """\
from prometheus_client import Counter

PLACED = Counter("orders_placed", "Orders placed.", ["shop"])


def place(order, shop):
    PLACED.labels(shop=shop.name).inc()
    order.save()
    shop.notify(order)
""",
            """\
from golden_runtime import counted


@counted("orders_placed", {"shop": lambda order, shop: str(shop.name)})
def place(order, shop):
    order.save()
    shop.notify(order)
""",
            unsafe=True,
        ),
        Bad(
            """\
REPLAYS = {"ok": 0, "failed": 0}


def replay(letter):
    if not letter.send():
        REPLAYS["failed"] = REPLAYS["failed"] + 1
        return
    REPLAYS["ok"] += 1


def stats():
    return {"replays": REPLAYS}
""",
        ),
        Bad(
            """\
from shop.metrics import ORDERS


def place(order):
    ORDERS.inc()
    order.save()
""",
        ),
        Good(
            """\
class Pool:
    def take(self):
        self.taken += 1
        if self.taken > self.capacity:
            raise OverflowError(self.name)

    def give_back(self):
        self.taken -= 1
""",
            "how many are in use decides",
        ),
        Good(
            """\
class Orders:
    def number(self):
        self.last_id += 1
        return f"order-{self.last_id}"
""",
            "a sequence number",
        ),
        Good(
            """\
def count_orders(orders):
    counts = {}
    for order in orders:
        counts[order.shop] = counts.get(order.shop, 0) + 1
    return counts
""",
            "a result of one call",
        ),
        Good(
            """\
import time


class Gateway:
    def fetch(self, url):
        while True:
            try:
                return self.client.get(url)
            except ConnectionError:
                self.attempts += 1
                time.sleep(self.attempts)
""",
            "attempts of a retry",
        ),
        Good(
            """\
from shop.metrics import REFUNDS


def settle(order):
    if order.cancelled:
        REFUNDS.inc()
        order.refund()
    order.close()
""",
            "a metric of the domain may be fed from anywhere",
        ),
        Good(
            """\
class Monitor:
    def sample(self, gauge):
        gauge.in_progress.inc()
        self.samples_since_flush += 1
""",
            "a gauge, and a number that nobody reports",
        ),
    )

    def check(self, subject: Subject) -> Iterator[Violation]:
        """Yield one violation for all counters of the function, at the first."""
        from golden_rules.rules.handbuilt.counter_fixes import counted_fix

        counts = counted(subject).events
        if not counts:
            return
        allowed = self.value(_ALLOWED, subject.config)
        events = tuple(event for event in counts if {event.shown, event.shown.rpartition(".")[2]}.isdisjoint(allowed))
        if not events:
            return
        found = counted_fix(subject, events)
        why = found if isinstance(found, str) else ""
        metric = metric_name(subject.outline, subject.function, *subject.config.naming(subject.path))
        yield Violation(
            span=subject.source.span(events[0].node),
            message=f"`{subject.function.qualname}` counts by hand: {_what(events)}",
            remedy=without_fix_as(_remedy(events, metric), why),
            fix=None if isinstance(found, str) else found,
        )


def _what(events: tuple[Increment, ...]) -> str:
    names = [f"`{name}`" for name in dict.fromkeys(event.shown for event in events)]
    shown = " and ".join(names) if len(names) <= 2 else f"{names[0]}, {names[1]} and {len(names) - 2} more"
    if all(event.metric for event in events):
        return f"it feeds {shown}"
    return f"it adds to {shown}, which only reports read"


def _remedy(events: tuple[Increment, ...], metric: str) -> str:
    keys = " and ".join(dict.fromkeys(f"`{event.key}`" for event in events if event.key))
    labelled = f", with {keys} as a label" if keys else ""
    if all(event.branch for event in events):
        return f'put what is counted into a function of its own with `@counted("{metric}")`{labelled}'
    return f'put `@counted("{metric}")` on the function{labelled}'
