"""GR203: failures counted by hand where they are caught."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar

from golden_rules.findings import without_fix_as
from golden_rules.naming import metric_name
from golden_rules.rules.base import Bad, Good, OutlineRule, Subject, Violation
from golden_rules.rules.handbuilt.counted import counted
from golden_rules.source.own_code import own_code
from golden_rules.source.trees import AnyLoop, dotted

if TYPE_CHECKING:
    from golden_rules.rules.handbuilt.increments import Increment


class HandTrackedErrors(OutlineRule):
    """An `except` clause counts failures by hand.

    ## What it does

    Finds `except` clauses that add one to an error counter: to a metric (`ERRORS.inc()`,
    `REQUESTS.labels(status="failed").inc()`, `statsd.incr("sync.errors")`, `self.metrics.record_error("quota")`), or to an
    attribute, an entry or a global that nothing but reports reads (`self.error_count += 1`, `self.stats["failed"] += 1`).

    A count that the program acts on is left alone: one that is compared with a limit, goes down again, or starts anew
    where work succeeds is the state of a retry or a circuit breaker. So is a clause that catches how a search or a queue
    stands (`KeyError`, `queue.Empty`, `StopIteration`), unless the counter's name speaks of errors.

    ## Why is this bad?

    Only the failures that somebody thought of are counted, each under a name of its own, mostly without the exception's
    type, and a new `except` clause counts nothing. `@track_errors` counts whatever leaves the function,
    by type, and `mark_failure(error)` counts what is handled inside it.

    ## Fix safety

    Unsafe. Where the whole body of a function is a `try`, whose only clause catches `Exception`, feeds a counter of
    `prometheus_client` with the label `error_type`, at most writes to the log besides, and raises again,
    `@track_errors(...)` takes the counter's place: the series keeps its name, labels and meaning. (Errors of one's own that
    are no `Exception` count as well; labels are limited, and a namespace is minded, as for
    `@counted`.) The metric object goes, with its help text, where no other file can miss it: the whole project is checked and none mentions its name, or its name begins with an underscore. Everywhere else there is
    no fix: under which series a counter was read, and whether the clause ends the failure, is for you to say; the finding
    says what stands against one.

    ## When not to follow it

    Where the count is a number of the domain, such as a job's rejected rows, or the exception is no failure but part of a protocol,
    such as back-pressure: what is dropped, or not taken, as a queue is full (`except queue.Full: self.dropped += 1`) is left
    alone. Tests, benchmarks, migrations, vendored code, the modules named in `metrics-modules` and others
    that are named like instrumentation are left alone.
    """

    code: ClassVar[str] = "GR203"
    name: ClassVar[str] = "hand-tracked-errors"
    asks_for_names: ClassVar[bool] = True
    triggers: ClassVar[tuple[str, ...]] = ("except",)
    cases: ClassVar[tuple[Bad | Good, ...]] = (
        Bad(
            """\
import httpx


class ModelClient:
    def __init__(self, client):
        self.client = client
        self.error_count = 0

    async def complete(self, prompt):
        try:
            return await self.client.post("/completions", json={"prompt": prompt})
        except httpx.TransportError:
            self.error_count += 1
            raise

    def stats(self):
        return {"errors": self.error_count}
""",
        ),
        Bad(
            """\
from prometheus_client import Counter

SYNC_ERRORS = Counter("sync_errors", "Failed synchronisations.", ["supplier"])


def sync(supplier, log):
    try:
        supplier.sync()
    except ConnectionError as error:
        SYNC_ERRORS.labels(supplier=supplier.name).inc()
        log.warning("no sync with %s: %s", supplier.name, error)
""",
        ),
        Bad(
            """\
from prometheus_client import Counter

SYNC_ERRORS = Counter("sync_errors", "Failed synchronisations.", ["error_type", "supplier"])


def sync(supplier):
    try:
        supplier.connect()
        return supplier.sync()
    except Exception as error:
        SYNC_ERRORS.labels(type(error).__name__, supplier.name).inc()
        raise
""",
            """\
from golden_runtime import track_errors


@track_errors("sync_errors", {"supplier": lambda supplier: str(supplier.name)})
def sync(supplier):
    supplier.connect()
    return supplier.sync()
""",
            unsafe=True,
        ),
        Bad(
            """\
from shop.observability import statsd


class Mailer:
    stats = {"sent": 0, "failed": 0}

    def send(self, mail):
        try:
            self.transport.send(mail)
        except OSError:
            self.stats["failed"] += 1
            statsd.incr("mailer.failed")
            return False
        return True
""",
        ),
        Good(
            """\
class Probe:
    def check(self, gateway):
        try:
            gateway.ping()
        except ConnectionError:
            self.failures += 1
            if self.failures > self.allowed_failures:
                raise
        else:
            self.failures = 0
""",
            "failures in a row decide when to give up",
        ),
        Good(
            """\
def import_rows(rows, log):
    errors = 0
    for row in rows:
        try:
            row.save()
        except ValueError:
            errors += 1
    log.info("%d of %d rows were invalid", errors, len(rows))
""",
            "a number of one call is its result",
        ),
        Good(
            """\
class Prices:
    def get(self, product):
        try:
            return self.entries[product]
        except KeyError:
            self.misses += 1
            return None

    def stats(self):
        return {"misses": self.misses}
""",
            "a miss is no failure",
        ),
        Good(
            """\
def call(breaker, function):
    try:
        return function()
    except Exception:
        breaker.failure_count += 1
        raise
""",
            "a state that somebody else keeps",
        ),
    )

    def check(self, subject: Subject) -> Iterator[Violation]:
        """Yield one violation for all error counters of the function, at the first."""
        from golden_rules.rules.handbuilt.counter_fixes import errors_fix

        errors = counted(subject).errors if subject.function.handlers else ()
        if not errors:
            return
        found = errors_fix(subject, errors)
        why = found if isinstance(found, str) else ""
        metric = metric_name(subject.outline, subject.function, *subject.config.naming(subject.path))
        counters = " and ".join(f"`{name}`" for name in dict.fromkeys(error.shown for error in errors))
        yield Violation(
            span=subject.source.span(errors[0].node),
            message=f"`{subject.function.qualname}` counts failures by hand: where it catches {_caught(errors)} it adds to {counters}",
            remedy=without_fix_as(_remedy(subject, errors, metric), why),
            fix=None if isinstance(found, str) else found,
        )


def _caught(errors: tuple[Increment, ...]) -> str:
    """Return what the clauses with the counters catch, in words."""
    names = []
    for error in errors:
        kind = error.handlers[0].type
        items = kind.elts if isinstance(kind, ast.Tuple) else [kind]
        names += [dotted(item) or "errors" for item in items if item is not None] or ["everything"]
    shown = list(dict.fromkeys(names))
    quoted = [name if name in ("errors", "everything") else f"`{name}`" for name in shown]
    return " and ".join(quoted[:2]) if len(quoted) <= 2 else f"{quoted[0]}, {quoted[1]} and others"


def _remedy(subject: Subject, errors: tuple[Increment, ...], metric: str) -> str:
    """Return what to do: a round of a loop that catches its errors fails by itself, and its failures do not reach the function's end."""
    code = own_code(subject.function.node)
    if all(any(isinstance(outer, AnyLoop) for outer in code.holders(error.handlers[0])) for error in errors):
        return f'put what is tried into a function of its own with `@track_errors("{metric}.errors")`'
    return f'put `@track_errors("{metric}.errors")` on the function{_advice(errors)}'


def _advice(errors: tuple[Increment, ...]) -> str:
    """Return what else it takes where a clause ends the failure, which a decorator then does not see."""
    if all(isinstance(error.handlers[0].body[-1], ast.Raise) for error in errors):
        return ""
    return ", and call `mark_failure(error)` where the clause does not raise again"
