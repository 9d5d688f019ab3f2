"""GR302: circuit breakers built by hand."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from golden_rules.naming import snake
from golden_rules.rules.base import Bad, Good, ModuleRule, ModuleSubject, Violation
from golden_rules.rules.resilience.allowed import ALLOWED_IN, is_allowed
from golden_rules.rules.resilience.breaker_state import Breaker, breaker_of
from golden_rules.rules.resilience.breaker_words import (
    NAMED,
    PLAIN_DATA,
    RECORDS_FAILURE,
    fails,
    gates,
    limits,
    may_speak,
)
from golden_rules.rules.resilience.units import Unit, classes_of, plain_functions
from golden_rules.rules.scope import in_runtime, out_of_scope
from golden_rules.source.headers import name_span
from golden_rules.source.outline import Class


class HandBuiltCircuitBreaker(ModuleRule):
    """A class or a module counts failures and keeps an open state by hand, to refuse calls for a while.

    ## What it does
    Finds classes, and modules with global variables, that count failures, compare the count with a limit, and then set
    something that refuses further calls: a state, a flag, a point in time until which nothing is tried. Where the code calls
    itself a circuit breaker or has a half-open state, fewer of these signs will do, and an error handler that sets
    `disabled_until`, which is looked at before the next call, is a breaker with a limit of one. A flag such as
    `source_disabled` that is set because failures have reached a limit counts as well, and so does the time at which they did,
    or a rest that grows with each failure in a row, and a flag such as `healthy` that a method which is told of failures takes
    back. So does a rest that methods of the project's own begin after an error and ask for before the next call
    (`_set_cooldown`, `_is_on_cooldown`), and whatever blocks something after an error where the code speaks of a breaker or a cooldown; where the code speaks of a circuit breaker, the count itself may be what
    refuses calls (`if self.failures >= 3: return`).

    Logins that lock after wrong passwords, and whatever else is `locked_until`, rate limits, exceptions, settings and records
    of breakers are left alone, and so are health checks that restart or replace what has failed, what counts a failure and then
    gives up, back-off that only a poll asks for or that only puts off the next run of something scheduled, the memory that a
    server does not have something (404, 405, 501) or asks for a rest (429), and classes that wrap a breaker of a library.

    ## Why is this bad?
    Breakers are easy to write and hard to get right under concurrency: most let every waiting call through as a probe
    when they half-open, count a call that was begun before the circuit opened, take cancellation for a failure, or never
    close again when a probe hangs. And an open circuit that exports no metric is an outage nobody is told of.
    `CircuitBreaker` of the runtime caps probes, ignores late results, and exports its state and transitions.

    ## Fix safety
    There is no fix: thresholds and what counts as a failure are for you to carry over. Then

        breaker = CircuitBreaker("gateway", CircuitBreakerConfig(...))
        receipt = await breaker.call(gateway.send, order)

    takes its place, with `breaker.call_sync` for plain functions, `@breaker`, or `async with breaker:`.

    ## When not to follow it
    Where the state is that of a device or a protocol that happens to open and close, where the breaker's state must be shared
    by machines, or where the rest is one that the other side asked for (a limit of calls). Tests, benchmarks, migrations and vendored code are left alone, and so is what `allowed-in` names.
    """

    code: ClassVar[str] = "GR302"
    name: ClassVar[str] = "hand-built-circuit-breaker"
    triggers: ClassVar[tuple[str, ...]] = (
        # What most files hold comes first, and then nothing else is looked for.
        "Error",
        "except",
        "error",
        "fault",
        "fail",
        "ERROR",
        "Fail",
        "FAIL",
        "consecutive",
        "half",
        "strike",
    )
    options = (ALLOWED_IN,)
    cases: ClassVar[tuple[Bad | Good, ...]] = (
        Bad(
            """\
import time


class GatewayBreaker:
    def __init__(self, threshold=5, recovery=30.0):
        self.threshold = threshold
        self.recovery = recovery
        self.failures = 0
        self.state = "closed"
        self.opened_at = 0.0

    def call(self, function, *args):
        if self.state == "open" and time.monotonic() - self.opened_at < self.recovery:
            raise ConnectionError("the gateway's circuit is open")
        try:
            result = function(*args)
        except ConnectionError:
            self.failures += 1
            if self.failures >= self.threshold:
                self.state = "open"
                self.opened_at = time.monotonic()
            raise
        self.failures = 0
        self.state = "closed"
        return result
""",
            path="src/shop/gateway.py",
        ),
        Bad(
            """\
import time


class PriceFeed:
    def __init__(self, source):
        self.source = source
        self.errors_in_a_row = 0
        self.disabled_until = 0.0

    def price(self, product):
        if time.time() < self.disabled_until:
            return None
        try:
            price = self.source.price(product)
        except OSError:
            self.errors_in_a_row += 1
            if self.errors_in_a_row > 3:
                self.disabled_until = time.time() + 60
            return None
        self.errors_in_a_row = 0
        return price
"""
        ),
        Bad(
            """\
import time

from shop.carriers import CarrierError

_failures = {}
_circuit_open_until = {}


def track(carrier, parcel):
    if time.monotonic() < _circuit_open_until.get(carrier.name, 0.0):
        raise CarrierError(f"{carrier.name} is down")
    try:
        return carrier.track(parcel)
    except CarrierError:
        _failures[carrier.name] = _failures.get(carrier.name, 0) + 1
        if _failures[carrier.name] >= 5:
            _circuit_open_until[carrier.name] = time.monotonic() + 30
        raise
"""
        ),
        Bad(
            """\
import time

_cache_disabled_until = 0.0


def cached(client, key):
    global _cache_disabled_until
    if time.monotonic() < _cache_disabled_until:
        return None
    try:
        return client.get(key)
    except ConnectionError:
        _cache_disabled_until = time.monotonic() + 30
        return None
"""
        ),
        Good(
            """\
class CircuitOpenError(Exception):
    def __init__(self, name, retry_after):
        super().__init__(f"the circuit {name} is open")
        self.retry_after = retry_after
""",
            "an exception is no breaker",
        ),
        Good(
            """\
class Worker:
    def check(self):
        if self.process.alive():
            self.failed_checks = 0
            return
        self.failed_checks += 1
        if self.failed_checks > 3:
            self.process.restart()
""",
            "a health check that restarts",
        ),
        Good(
            """\
class Door:
    def __init__(self):
        self.is_open = False
        self.jams = 0

    def toggle(self):
        self.is_open = not self.is_open
        return self.is_open
""",
            "a door opens and closes",
        ),
        Good(
            """\
import time


class Connection:
    def __init__(self, transport):
        self.transport = transport
        self.errors = 0
        self.state = "closed"

    def connect(self):
        if self.state == "open":
            return
        try:
            self.transport.connect()
        except OSError:
            self.errors += 1
            if self.errors > 3:
                raise
            time.sleep(1)
        else:
            self.state = "open"
""",
            "a connection is open, too",
        ),
        Good(
            """\
import time


class Login:
    def check(self, account, password):
        if time.time() < account.locked_until:
            raise PermissionError("try again later")
        if not account.matches(password):
            account.failed_logins += 1
            if account.failed_logins > 5:
                account.locked_until = time.time() + 900
            raise PermissionError("wrong password")
        account.failed_logins = 0
""",
            "an account is locked for safety",
        ),
        Good(
            """\
from golden_runtime import CircuitBreaker


class Gateway:
    def __init__(self, client):
        self.client = client
        self.breaker = CircuitBreaker("gateway")

    async def send(self, order):
        return await self.breaker.call(self.client.send, order)
""",
            "a breaker of the runtime",
        ),
    )

    def check(self, subject: ModuleSubject) -> Iterator[Violation]:
        """Yield one violation for each class that is or keeps a breaker, and one for the functions of the file."""
        if out_of_scope(subject.path) or in_runtime(subject.outline, subject.config):
            return
        if not (
            _may_hold(subject.outline.lowered, subject.source.text) or any(map(_is_named, subject.outline.classes))
        ):
            return
        allowed = self.value(ALLOWED_IN, subject.config)
        for unit in (*classes_of(subject), plain_functions(subject)):
            if _is_data(unit) or not _may_break(unit):
                continue
            breaker = breaker_of(unit, subject.outline)
            if breaker is None:
                continue
            around = unit.around(breaker.touching)
            if is_allowed(allowed, subject.path, subject.outline, around):
                continue
            verb = "is" if _is_named(unit) else "builds"
            yield Violation(
                span=name_span(subject.source, around),
                message=f"`{around.qualname}` {verb} a circuit breaker by hand: it {_why(breaker)}",
                remedy="use `CircuitBreaker`",
                around=around,
            )


def _is_data(unit: Unit) -> bool:
    """Whether a class is a record, a setting or the like by its name; a state or registry that records failures is more."""
    if not PLAIN_DATA.search(unit.name):
        return False
    acts = any(RECORDS_FAILURE.search(snake(function.name)) for function in unit.functions)
    return not (unit.name.endswith(("State", "Registry")) and acts)


def _may_break(unit: Unit) -> bool:
    """Whether a class can be or keep a breaker, by its name, its words, or what its comments say."""
    return _is_named(unit) or _may_hold(unit.words, unit.text)


def _is_named(owner: Class | Unit) -> bool:
    return NAMED.search(snake(owner.name)) is not None


def _may_hold(words: str, text: str) -> bool:
    """Whether there can be a breaker in some functions, by their words in lower case and their text; much faster than to look."""
    return fails(words) and (gates(words) or limits(words) or may_speak(text.lower()))


def _why(breaker: Breaker) -> str:
    if not breaker.opened:
        return (
            f"counts failures in `{breaker.failures}` and refuses calls"
            if breaker.failures
            else "counts failures and opens"
        )
    counted = f"counts failures in `{breaker.failures}` and " if breaker.failures else ""
    return f"{counted}keeps in `{breaker.opened}` whether calls go through"
