"""GR203: which counters in an `except` clause count failures for others to read, and which the program acts on."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest

from golden_rules import Config, Finding, analyse_source

CONFIG = Config(root=Path.cwd(), select=("GR203",))


def found(source: str, path: str = "src/shop/orders.py") -> tuple[Finding, ...]:
    """Return what GR203 finds in a module."""
    return analyse_source(dedent(source), path, CONFIG).findings


def client(handler: str, rest: str = "", caught: str = "OSError") -> str:
    """Return a class whose method catches an error and does what `handler` says."""
    return f"""\
from prometheus_client import Counter
from shop import stats

ERRORS = Counter("errors", "Errors.", ["kind"])


class Client:
    def fetch(self, url):
        try:
            return self.session.get(url)
        except {caught} as error:
            {handler}
            raise

{rest}
"""


@pytest.mark.parametrize(
    "handler",
    [
        "ERRORS.inc()",
        "ERRORS.labels(kind=type(error).__name__).inc()",
        "self.error_counter.add(1, {'kind': 'fetch'})",
        "stats.incr('fetch.failed')",
        "self.error_count += 1",
        "self.stats['failed'] += 1",
        "self.failed_fetches = self.failed_fetches + 1",
    ],
)
def test_counter_of_failures_is_found(handler: str) -> None:
    """Metrics of clients and of the project, attributes and entries: all count the failure by hand."""
    (finding,) = found(client(handler))
    assert finding.function == "Client.fetch"
    assert "`OSError`" in finding.message


@pytest.mark.parametrize(
    ("handler", "rest"),
    [
        ("self.failures += 1", "    def ok(self):\n        return self.failures < 3"),
        ("self.failures += 1", "    def done(self):\n        self.failures = 0"),
        ("self.open_failures += 1", "    def closed(self):\n        self.open_failures -= 1"),
        ("self.attempts += 1", ""),
        ("error.failed_count += 1", ""),
        ("self.redis.incr('failures')", ""),
    ],
)
def test_count_that_the_program_acts_on_is_left_alone(handler: str, rest: str) -> None:
    """What is compared, starts anew, goes down, counts attempts or belongs to somebody else is state."""
    assert not found(client(handler, rest))


@pytest.mark.parametrize("caught", ["KeyError", "queue.Empty", "(StopIteration, IndexError)"])
def test_how_a_search_ends_is_no_failure(caught: str) -> None:
    """A metric in the clause for an ordinary outcome counts events, not errors."""
    assert not found(client("ERRORS.inc()", caught=caught))


@pytest.mark.parametrize(
    ("handler", "caught", "is_found"),
    [
        ("self.dropped += 1", "queue.Full", False),
        ("self.dropped += 1", "(asyncio.QueueFull, asyncio.QueueEmpty)", False),
        ("self.failed_puts += 1", "queue.Full", True),
        ("self.dropped += 1", "OSError", True),
    ],
)
def test_back_pressure_is_no_failure(handler: str, caught: str, is_found: bool) -> None:
    """What is not taken because a queue is full is no error, unless the counter says so."""
    assert bool(found(client(handler, caught=caught))) is is_found


def test_advice_is_to_mark_failures_that_do_not_leave_the_function() -> None:
    """A decorator sees what is raised; where the clause ends the failure it must be told."""
    raising = client("ERRORS.inc()")
    (finding,) = found(raising)
    assert "mark_failure" not in finding.remedy
    (finding,) = found(raising.replace("            raise\n", ""))
    assert "mark_failure(error)" in finding.remedy


def test_a_round_that_fails_by_itself_becomes_a_function() -> None:
    """A decorator on the function would see one call where a loop makes many, and none of their failures."""
    (finding,) = found(
        """\
def deliver(handlers, event, metrics):
    for handler in handlers:
        try:
            handler(event)
        except Exception:
            metrics.errors.inc()
"""
    )
    assert finding.remedy.startswith("put what is tried into a function of its own with `@track_errors(")
    assert "mark_failure" not in finding.remedy


@pytest.mark.parametrize(
    "path", ["tests/test_orders.py", "src/shop/metrics.py", "src/shop/telemetry/clients.py", "benchmarks/orders.py"]
)
def test_tests_and_metrics_modules_are_left_alone(path: str) -> None:
    """The rule is about the code of a service, not about what measures or tries it."""
    assert not found(client("ERRORS.inc()"), path)


def test_a_key_of_several_words_speaks_of_errors() -> None:
    """Keys are texts, which people write with spaces."""
    assert found(client("self.stats['Socket Errors'] += 1"))


def test_a_tally_that_is_asked_decides_who_is_tried() -> None:
    """Failures of each provider that the file asks for again are its state, kept by an object or not."""
    tally = client("FailureCounter.increment(url.host)", "def order(hosts):\n    return sorted(hosts, key={key})\n")
    assert not found(tally.format(key="lambda host: FailureCounter.get_count(host)"))
    assert found(tally.format(key="str"))


@pytest.mark.parametrize(
    ("handler", "errors"),
    [
        ("self._metrics.record_error('quota')", 1),
        ("metrics.inc_failures()", 1),
        ("self.health_monitor.record_failure(url)", 0),
        ("self.breaker.record_failure()", 0),
    ],
)
def test_metrics_may_be_told_of_an_error_by_a_method_of_their_own(handler: str, errors: int) -> None:
    """A set of metrics only counts what it is told; a monitor or a breaker acts on it."""
    assert len(found(client(handler))) == errors


def test_metrics_that_are_told_where_nothing_was_caught_count_no_error_of_the_function() -> None:
    """A verdict is no exception, and `@track_errors` would not see it."""
    assert not found("def place(order, metrics):\n    if not order.lines:\n        metrics.record_error('empty')\n")
