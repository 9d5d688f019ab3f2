"""GR302 beyond its own cases: breakers in rarer shapes, and what only resembles one."""

from __future__ import annotations

from pathlib import Path

import pytest

from golden_rules.config import Config
from golden_rules.engine import analyse_source
from golden_rules.findings import Finding
from golden_rules.rules.resilience.hand_built_circuit_breaker import HandBuiltCircuitBreaker


def found(code: str) -> list[Finding]:
    """Return what GR302 finds in a module."""
    return list(
        analyse_source(code, "src/shop/orders.py", Config(root=Path.cwd()), [HandBuiltCircuitBreaker()]).findings
    )


BREAKER = """\
class Prices:
    def __init__(self, source, clock):
        self.source = source
        self.clock = clock
        self._hosts = {}

    def price(self, host, product):
        entry = self._hosts.setdefault(host, {"failures": 0, "blocked_until": 0})
        if self.clock.now() < entry["blocked_until"]:
            return None
        try:
            return self.source.price(host, product)
        except OSError:
            entry["failures"] += 1
            if entry["failures"] >= 5:
                entry["blocked_until"] = self.clock.now() + 60
            return None
"""


def test_the_message_of_a_breaker_names_its_state() -> None:
    """Whoever reads the finding learns where the failures are counted, and what refuses calls."""
    (finding,) = found(BREAKER)
    assert finding.message == (
        "`Prices` builds a circuit breaker by hand: it counts failures in `entry['failures']`"
        " and keeps in `entry['blocked_until']` whether calls go through"
    )
    assert (finding.line, finding.column, finding.function) == (1, 7, "Prices")


def test_a_breaker_in_a_large_class_is_found_where_it_is() -> None:
    """A class of many methods, two of which keep a breaker, is not the breaker: the finding marks the method."""
    others = "".join(f"\n    def method_{number}(self):\n        return {number}\n" for number in range(20))
    (finding,) = found(BREAKER + others)
    assert finding.function == "Prices.price"


def test_states_in_an_enum_make_a_breaker() -> None:
    """A class that calls itself a breaker and moves between states through a method of its own is found."""
    code = """\
class ShopBreaker:
    def allow(self):
        if self._state is State.OPEN and self.clock() > self.until:
            self._move(State.HALF_OPEN)
        return self._state is not State.OPEN

    def record_failure(self):
        if self._state is State.HALF_OPEN or len(self._failures) >= self.threshold:
            self._move(State.OPEN)

    def _move(self, new_state):
        self._state = new_state
"""
    assert len(found(code)) == 1


@pytest.mark.parametrize(
    "code",
    [
        pytest.param(
            """\
class Poller:
    def poll(self):
        if self.clock() < self.backoff_until:
            return
        self.failures = 0 if self.device.read() else self.failures + 1
        if self.failures:
            self.backoff_until = self.clock() + 2**self.failures
""",
            id="back-off between polls",
        ),
        pytest.param(
            """\
class Limiter:
    def allow(self, caller):
        if self.clock() < self.blocked_until[caller]:
            return False
        self.calls[caller] += 1
        if self.calls[caller] > self.max_calls:
            self.blocked_until[caller] = self.clock() + 60
        return True
""",
            id="a rate limit",
        ),
        pytest.param(
            """\
class Importer:
    def run(self, rows):
        consecutive_failures = 0
        for row in rows:
            consecutive_failures = 0 if row.save() else consecutive_failures + 1
            if consecutive_failures >= self.max_failures:
                break
""",
            id="a loop that gives up",
        ),
    ],
)
def test_what_only_resembles_a_breaker_is_left_alone(code: str) -> None:
    """No calls are refused because of failures, or nothing is kept from one call to the next."""
    assert found(code) == []


def test_states_in_classes_of_their_own_make_a_breaker() -> None:
    """A breaker that leaves counting and refusing to objects of states."""
    code = """\
class ConsecutiveCircuitBreaker:
    def __init__(self, failure_threshold):
        self._state = WorkingState(failure_threshold)

    @property
    def state(self):
        return self._state

    def _transit_state(self, new_state):
        self._state = new_state

    def call(self, function):
        self._transit_state(self._state.before_execution())
        return function()
"""
    assert len(found(code)) == 1


DISABLED_AFTER_FAILURES = """\
class Feed:
    def fetch(self):
        if self.{flag}:
            return None
        try:
            return self.source.read()
        except OSError:
            self.failures += 1
            if self.failures >= self.max_failures:
                self.{flag} = True
            return None
"""


@pytest.mark.parametrize(("flag", "is_found"), [("source_disabled", True), ("unavailable", True), ("warned", False)])
def test_a_flag_that_failures_set_is_a_breaker(flag: str, is_found: bool) -> None:
    """Nothing is tried any more once there were too many failures; a flag that only warns is none."""
    assert bool(found(DISABLED_AFTER_FAILURES.format(flag=flag))) is is_found


TIMED_BY_FAILURES = """\
import time


class Mirrors:
    def usable(self, mirror):
        return time.time() - self.{stamp}.get(mirror, 0.0) > 60

    def failed(self, mirror):
        self.failures[mirror] += 1
        if self.failures[mirror] >= self.max_failures:
            self.{stamp}[mirror] = time.time()

    def fetch(self, mirror):
        if mirror in self.{stamp} and not self.usable(mirror):
            raise ConnectionError(mirror)
        return mirror.fetch()
"""


@pytest.mark.parametrize(("stamp", "is_found"), [("set_aside", True), ("last_alert", False), ("restarted", False)])
def test_the_time_at_which_failures_reached_a_limit_is_a_breaker(stamp: str, is_found: bool) -> None:
    """Whatever the variable is called, unless the time is that of an alert or a restart."""
    assert bool(found(TIMED_BY_FAILURES.format(stamp=stamp))) is is_found


RESTS_LONGER = """\
class Sources:
    def is_available(self, source):
        return self.clock() >= source.cooldown_until

    def record_success(self, source):
        source.{reset} = 0

    def record_failure(self, source):
        source.failures += 1
        source.cooldown_until = self.clock() + 2 ** source.failures
"""


@pytest.mark.parametrize(("reset", "is_found"), [("failures", True), ("pages", False)])
def test_a_rest_that_grows_with_failures_in_a_row_is_a_breaker(reset: str, is_found: bool) -> None:
    """There is no limit where each failure in a row makes the rest longer; a total that is never begun again is none."""
    assert bool(found(RESTS_LONGER.format(reset=reset))) is is_found


RETRIED_LATER = """\
import time

_store = {{}}


def client(url):
    if time.monotonic() < _store.get("retry_after", 0.0):
        return None
    try:
        return connect(url)
    except OSError:
        # {comment}
        _store["retry_after"] = time.monotonic() + 30
        return None
"""


@pytest.mark.parametrize(("comment", "is_found"), [("a cooldown", True), ("poll again", False)])
def test_when_to_retry_is_a_breaker_where_it_is_called_a_cooldown(comment: str, is_found: bool) -> None:
    """Polls keep the same variable for another purpose."""
    assert bool(found(RETRIED_LATER.format(comment=comment))) is is_found


def test_a_state_that_records_failures_is_no_plain_data() -> None:
    """A class that is named for a state and opens itself is a breaker; one that others fill is a record."""
    code = """\
import time


class SourceState:
    def record_failure(self):
        self.failures += 1
        self.failed_at = time.time()
        if self.failures >= 3:
            self.is_open = True

    def usable(self):
        if self.is_open and time.time() - self.failed_at < 60:
            return False
        return True
"""
    assert len(found(code)) == 1
    assert found(code.replace("record_failure", "show")) == []


COUNT_AS_STATE = """\
# {comment}
_errors = {{}}


def reset(tool):
    # {comment}
    _errors.pop(tool, None)


def call(tool, order):
    if _errors.get(tool, 0) >= MAX_ERRORS:
        raise RuntimeError(tool)
    try:
        return tool(order)
    except ValueError:
        _errors[tool] = _errors.get(tool, 0) + 1
        raise
"""


def test_a_count_that_refuses_calls_is_a_breaker_where_it_is_called_one() -> None:
    """The finding names the function that refuses, and a short circuit is another thing."""
    findings = found(COUNT_AS_STATE.format(comment="circuit breaker for tools"))
    assert [finding.function for finding in findings] == ["call"]
    assert found(COUNT_AS_STATE.format(comment="short-circuit")) == []


def test_what_limits_rates_may_hold_a_breaker_as_well() -> None:
    """A class that is named for its limits refuses calls after failures, and its variables call that a circuit."""
    guard = """\
class RateLimiter:
    def check(self, now):
        if now < self._{name}:
            raise RuntimeError("not now")

    def record_failure(self, now):
        self._failures += 1
        if self._failures >= self.limit:
            self._{name} = now + 60
"""
    assert len(found(guard.format(name="circuit_open_until"))) == 1
    assert found(guard.format(name="blocked_until")) == []


def test_a_login_that_locks_is_no_breaker() -> None:
    """Those who guess passwords are kept out for safety."""
    code = DISABLED_AFTER_FAILURES.format(flag="blocked_until").replace("= True", "= now() + 60")
    assert found(code)
    assert found(code.replace("class Feed", "class LoginGuard")) == []


TAKEN_OUT_OF_USE = """\
class Proxies:
    def healthy(self):
        return [proxy for proxy in self.proxies if proxy.healthy and self.knows(proxy)]

    def {name}(self, proxy):
        proxy.failures += 1
        worn = proxy.failures >= self.max_failures
        if worn:
            proxy.healthy = False
"""


@pytest.mark.parametrize(("name", "is_found"), [("mark_failure", True), ("probe", False)])
def test_who_is_told_of_failures_may_take_something_out_of_use(name: str, *, is_found: bool) -> None:
    """A flag taken back because failed calls reached a limit refuses calls; a probe that takes it back reports."""
    assert bool(found(TAKEN_OUT_OF_USE.format(name=name))) == is_found


BLOCKED_ON_ERROR = """\
import time


def ask(sources, question):
    for source in sources:
        if source.blocked_until > time.time():
            continue
        try:
            return source.ask(question)
        except {error}:
            # {comment}
            source.blocked_until = time.time() + 15
"""


@pytest.mark.parametrize(
    ("error", "comment", "is_found"),
    [
        ("OSError", "a breaker with a limit of one", True),
        ("OSError", "later", False),
        ("RateLimitError", "a breaker with a limit of one", False),
    ],
)
def test_a_block_on_an_error_is_a_breaker_where_it_is_called_one(error: str, comment: str, *, is_found: bool) -> None:
    """Whatever is blocked after a failed call is left alone for a while; who asked too often is held back by the other side."""
    assert bool(found(BLOCKED_ON_ERROR.format(error=error, comment=comment))) == is_found


RESTS_ON_ERROR = """\
class Models:
    async def ask(self, models, question):
        for model in models:
            if await self._is_on_cooldown(model):
                {then}
            try:
                return await model.ask(question)
            except OSError:
                await self._set_cooldown(model)
"""


@pytest.mark.parametrize(("then", "is_found"), [("continue", True), ("self.log(model)", False)])
def test_what_rests_after_an_error_and_is_skipped_is_a_breaker(then: str, *, is_found: bool) -> None:
    """The rest may be kept by methods of the project's own; where it refuses nothing, it is none."""
    assert bool(found(RESTS_ON_ERROR.format(then=then))) == is_found


@pytest.mark.parametrize(("answer", "is_found"), [("failures <= self.most", True), ("True", False)])
def test_a_breaker_may_count_in_a_store_and_answer_by_the_count(answer: str, *, is_found: bool) -> None:
    """Without a state, what `is_available` compares with a limit is what refuses calls."""
    code = f"""\
class CircuitBreakerInRedis:
    async def count(self, host):
        await self.redis.incr(f"breaker-{{host}}")

    async def is_available(self, host):
        failures = int(await self.redis.get(f"breaker-{{host}}") or 0)
        return {answer}
"""
    assert bool(found(code)) == is_found


@pytest.mark.parametrize(("name", "is_found"), [("record_failure", True), ("load", False)])
def test_a_registry_that_records_failures_is_no_plain_data(name: str, *, is_found: bool) -> None:
    """A registry of breakers that opens them itself is one; one that only holds them is not."""
    code = f"""\
class CircuitBreakerRegistry:
    def allows(self, host):
        return self.breakers[host].state != "open"

    def {name}(self, host):
        breaker = self.breakers[host]
        breaker.failure_count += 1
        if breaker.failure_count >= self.threshold:
            breaker.state = "open"
"""
    assert bool(found(code)) == is_found


@pytest.mark.parametrize(("kept", "is_found"), [("time.monotonic()", True), ("error", False)], ids=["time", "error"])
def test_the_last_error_is_a_breaker_only_as_a_time(kept: str, *, is_found: bool) -> None:
    """What went wrong last is for people to read; when it did may refuse calls."""
    code = f"""\
class CarrierClient:
    \"\"\"A client that falls back where the carrier's circuit is open.\"\"\"

    def __init__(self):
        self.failures = 0
        self.last_error = None

    def send(self, parcel):
        if self.failures >= 3 and self.last_error:
            self.session = self.rebuild()
        try:
            return self.session.post(parcel)
        except OSError as error:
            self.failures += 1
            self.last_error = {kept}
            raise
"""
    assert bool(found(code)) is is_found


@pytest.mark.parametrize(("asking", "is_found"), [("poll", False), ("fetch", True)])
def test_a_rest_between_polls_is_no_breaker(asking: str, *, is_found: bool) -> None:
    """Who polls comes back by itself; nobody's call is refused."""
    code = f"""\
import time


class Feed:
    def {asking}(self):
        if time.monotonic() < self._offline_until:
            return []
        try:
            return self._source.read()
        except OSError:
            self._offline_until = time.monotonic() + 30
            return []
"""
    assert bool(found(code)) == is_found


@pytest.mark.parametrize(("until", "is_found"), [("locked_until", False), ("blocked_until", True)])
def test_who_is_locked_out_is_not_out_of_order(until: str, *, is_found: bool) -> None:
    """A lock is there for safety: a breaker of the runtime would not do."""
    assert bool(found(BREAKER.replace("blocked_until", until))) == is_found


FAILING_SHIPMENTS = """\
class Shipments:
    '''Stops like a circuit breaker.'''

    def ship(self, order):
        {before}
        try:
            self.carrier.ship(order)
        except OSError:
            self.failures += 1
            {after}
"""


@pytest.mark.parametrize(
    ("before", "after", "is_found"),
    [
        ("if self.failures >= self.max_failures: return", "return", True),
        ("self.started = True", "if self.failures >= self.max_failures: raise", False),
    ],
    ids=["before the call", "after it"],
)
def test_what_counts_and_then_leaves_gives_up(before: str, after: str, *, is_found: bool) -> None:
    """To refuse is to leave before the call is made."""
    assert bool(found(FAILING_SHIPMENTS.format(before=before, after=after))) == is_found


@pytest.mark.parametrize(
    ("told", "is_found"),
    [
        ("error.code in (404, 405)", False),
        ("error.code in (404, 503)", True),
        ("error.code == 429", False),
        ('error.reason == "rate_limited"', False),
    ],
)
def test_what_a_server_lacks_or_asks_for_is_no_failure_of_it(told: str, *, is_found: bool) -> None:
    """To remember that a server is too old for a request, or wants a rest, is not to take it for broken."""
    code = f"""\
import time


class Tracking:
    def acknowledge(self, parcel):
        if time.time() < self._disabled_until:
            return
        try:
            self.carrier.acknowledge(parcel)
        except CarrierError as error:
            if {told}:
                self._disabled_until = time.time() + 600
"""
    assert bool(found(code)) == is_found


def test_a_breaker_in_a_large_class_is_not_named_for_its_beginning() -> None:
    """Where the state is first set says little: the finding marks what counts or refuses."""
    start = BREAKER.replace("_hosts = {}", "_hosts = {}\n        self.blocked_until = 0")
    others = "".join(f"\n    def method_{number}(self):\n        return {number}\n" for number in range(20))
    (finding,) = found(start + others)
    assert finding.function == "Prices.price"


@pytest.mark.parametrize(("told", "is_found"), [("next_run_at", False), ("told_at", True)])
def test_a_rest_that_only_puts_off_the_next_run_is_no_breaker(told: str, *, is_found: bool) -> None:
    """Nobody is refused: the schedule comes later."""
    code = BREAKER + f"            entry['{told}'] = entry['blocked_until']\n"
    assert bool(found(code)) == is_found
