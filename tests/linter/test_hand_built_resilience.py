"""GR302, GR303 and GR304 beyond their own cases: the reference service, rarer shapes, and what only looks alike."""

from __future__ import annotations

from pathlib import Path

import pytest

from golden_rules import Rule
from golden_rules.config import Config
from golden_rules.engine import analyse_source
from golden_rules.findings import Finding
from golden_rules.rules.resilience.hand_built_circuit_breaker import HandBuiltCircuitBreaker
from golden_rules.rules.resilience.hand_built_dead_letter_queue import HandBuiltDeadLetterQueue
from golden_rules.rules.resilience.hand_built_pool import HandBuiltPool

CHIMERA = Path(__file__).parents[2] / "fixtures" / "chimera" / "src" / "chimera"
RULES = (HandBuiltCircuitBreaker, HandBuiltDeadLetterQueue, HandBuiltPool)


def found(rule: type[Rule], code: str, path: str = "src/shop/orders.py") -> list[Finding]:
    """Return what a rule finds in a module."""
    return list(analyse_source(code, path, Config(root=Path.cwd()), [rule()]).findings)


@pytest.mark.parametrize(
    ("rule", "place"),
    [
        (HandBuiltCircuitBreaker, ("breaker.py", "CircuitBreaker")),
        (HandBuiltDeadLetterQueue, ("dead_letters.py", "DeadLetterQueue")),
        (HandBuiltPool, ("pool.py", "ExecutorPool")),
    ],
    ids=["GR302", "GR303", "GR304"],
)
def test_the_reference_service_builds_one_of_each(rule: type[Rule], place: tuple[str, str]) -> None:
    """The fixture's breaker, dead letters and pool are found as one each; those who use them, and its rate limiter, are not."""
    places = [
        (path.name, finding.function)
        for path in sorted(CHIMERA.rglob("*.py"))
        for finding in found(rule, path.read_text(encoding="utf-8"), f"src/chimera/{path.name}")
    ]
    assert places == [place]


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
    (finding,) = found(HandBuiltCircuitBreaker, BREAKER)
    assert finding.message == (
        "`Prices` builds a circuit breaker by hand: it counts failures in `entry['failures']`"
        " and keeps in `entry['blocked_until']` whether calls go through"
    )
    assert (finding.line, finding.column, finding.function) == (1, 7, "Prices")


def test_a_breaker_in_a_large_class_is_found_where_it_is() -> None:
    """A class of many methods, two of which keep a breaker, is not the breaker: the finding marks the method."""
    others = "".join(f"\n    def method_{number}(self):\n        return {number}\n" for number in range(20))
    (finding,) = found(HandBuiltCircuitBreaker, BREAKER + others)
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
    assert len(found(HandBuiltCircuitBreaker, code)) == 1


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
    assert found(HandBuiltCircuitBreaker, code) == []


def test_the_message_of_dead_letters_names_their_place() -> None:
    """Whoever reads the finding learns which function puts work aside, and into what."""
    code = """\
async def settle(pool, order, error):
    await pool.execute("INSERT INTO order_dead_letters (number, error) VALUES ($1, $2)", order.number, str(error))
"""
    (finding,) = found(HandBuiltDeadLetterQueue, code)
    assert finding.message == ("`settle` keeps dead letters by hand: `settle` puts them into `order_dead_letters`")


@pytest.mark.parametrize(
    "line",
    [
        'redis.rpush(f"{queue}:dlq", order.body)',
        "producer.send(settings.dead_letter_topic, value=order.body)",
        "session.add(DeadLetter(order=order.number))",
        'redis.hset("orders:dead-letters", order.number, order.body)',
    ],
)
def test_dead_letters_go_to_keys_topics_and_tables(line: str) -> None:
    """What a call is given names the place where dead letters go."""
    code = f"def settle(redis, producer, session, settings, queue, order):\n    {line}\n"
    assert [finding.function for finding in found(HandBuiltDeadLetterQueue, code)] == ["settle"]


@pytest.mark.parametrize(
    "line",
    [
        "self.metrics.dlq_size.set(len(order.lines))",
        "self.log.error('dead letter queue is full')",
        "self.dead_letters.add(order)",
        "self.settings['dlq_max_size'] = 5",
        "return self.redis.lrange('dlq', 0, 5)",
        "self.redis.execute('SELECT * FROM dead_letters')",
    ],
)
def test_talk_of_dead_letters_is_no_queue(line: str) -> None:
    """Metrics, logs, settings and readers of dead letters are left alone, as is who gives them to a queue."""
    code = f"class Orders:\n    def settle(self, order):\n        {line}\n"
    assert found(HandBuiltDeadLetterQueue, code) == []


@pytest.mark.parametrize(
    ("code", "why"),
    [
        pytest.param(
            """\
async def run(orders, handle):
    slots = asyncio.Semaphore(8)
    async with asyncio.TaskGroup() as group:
        for order in orders:
            group.create_task(handle(order, slots))
""",
            "`slots` bounds the tasks that it starts with `create_task`",
            id="the semaphore is passed on",
        ),
        pytest.param(
            """\
def run(orders_queue, number):
    def work():
        while True:
            orders_queue.get().place()

    for _ in range(number):
        threading.Thread(target=work).start()
""",
            "it starts workers with `Thread` that take their work from a queue",
            id="workers",
        ),
        pytest.param(
            """\
async def run(orders, handle):
    tasks = []
    for order in orders:
        tasks.append(asyncio.create_task(handle(order)))
        if len(tasks) > 50:
            await asyncio.gather(*tasks)
            tasks.clear()
""",
            "it waits while too many of `tasks` are under way",
            id="in batches",
        ),
    ],
)
def test_a_function_can_be_a_pool(code: str, why: str) -> None:
    """The message says what bounds the work."""
    assert [finding.message for finding in found(HandBuiltPool, code)] == [f"`run` builds a pool by hand: {why}"]


@pytest.mark.parametrize(
    "code",
    [
        pytest.param(
            """\
class OrdersConnectionPool:
    async def acquire(self):
        await self._slots.acquire()
        return await asyncio.create_task(self._connect())

    def __init__(self):
        self._slots = asyncio.Semaphore(5)
""",
            id="connections",
        ),
        pytest.param(
            """\
async def listen(shops):
    tasks = [asyncio.create_task(shop.listen()) for shop in shops]
    if len(tasks) > 1:
        await asyncio.wait(tasks)
""",
            id="no bound",
        ),
        pytest.param(
            """\
def start(devices):
    for device in devices:
        threading.Thread(target=watch, args=(device,)).start()


def watch(device):
    while True:
        device.events_queue.get().show()
""",
            id="a thread for each device",
        ),
    ],
)
def test_what_only_resembles_a_pool_is_left_alone(code: str) -> None:
    """Connections are lent, not run; what has no bound, or a thread of its own, is no pool."""
    assert found(HandBuiltPool, code) == []


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.code)
def test_tests_and_the_runtime_are_left_alone(rule: type[Rule]) -> None:
    """A breaker in a test shows what a breaker is, and the runtime builds what others import."""
    case = rule.cases[0].code
    assert len(found(rule, case)) == 1
    assert found(rule, case, "tests/test_orders.py") == []
    assert found(rule, case, "golden_runtime/orders.py") == []


RETRIED_IN_A_TABLE = """\
class Deliveries:
    def settle(self, row, error):
        {test}:
            row.status = "queued"
            row.available_at = self.clock() + 30
        else:
            row.status = {dead}
        {kept}
        self.session.commit()
"""


@pytest.mark.parametrize(
    ("test", "dead", "kept", "is_found"),
    [
        ("if row.attempts < self.max_attempts", '"failed"', "row.last_error = str(error)", True),
        ("if row.attempts < self.max_attempts", "Status.DEAD", "row.last_error = str(error)", True),
        ("if row.retries < row.max_retries", '"dead_letter"', "self.history.add(row, error=str(error))", True),
        ("if not row.exhausted", "Status.DEAD_LETTER", 'self.history.append({"error": error})', True),
        ("if row.attempts < row.max_attempts", '"dead"', "row.touched = True", True),
        ("if row.attempts < row.max_attempts", '"permanently_failed"', "row.touched = True", True),
        ("if row.shipped", '"dead"', "row.last_error = str(error)", False),
        ("if row.shipped", '"failed"', "row.last_error = str(error)", False),
        ("if row.attempts < self.max_attempts", '"done"', "row.last_error = str(error)", False),
        ("if row.attempts < self.max_attempts", '"failed"', "row.touched = True", False),
    ],
    ids=[
        "status",
        "enum",
        "keyword",
        "asked",
        "dead",
        "for good",
        "dead at once",
        "no attempts",
        "no failure",
        "no error",
    ],
)
def test_work_whose_attempts_are_used_up_is_a_dead_letter(test: str, dead: str, kept: str, is_found: bool) -> None:
    """A row that is queued again until its attempts are used up, and then marked as failed with its error."""
    findings = found(HandBuiltDeadLetterQueue, RETRIED_IN_A_TABLE.format(test=test, dead=dead, kept=kept))
    assert [finding.function for finding in findings] == (["Deliveries"] if is_found else [])


def test_what_failed_is_tried_again_where_only_the_dead_are_given_up() -> None:
    """`DEAD if exhausted else FAILED` is a dead letter, too; `FAILED if broken else DONE` under a limit is none."""
    code = "def settle(row, error):\n    spent = row.attempts >= row.max_attempts\n    row.status = {}\n    row.last_error = error\n"
    assert len(found(HandBuiltDeadLetterQueue, code.format("Status.DEAD if spent else Status.FAILED"))) == 1
    assert found(HandBuiltDeadLetterQueue, code.format("Status.FAILED if spent else Status.DONE")) == []


@pytest.mark.parametrize(
    ("name", "asked", "set_to", "is_found"),
    [
        ("requeue_dead_letter", "Status.DEAD_LETTER", "Status.PENDING", True),
        ("retry_job", '"dead"', '"queued"', True),
        ("requeue", '"failed"', '"queued"', False),
        ("retry_job", '"dead"', '"forgotten"', False),
        ("heartbeat", '"dead"', '"ready"', False),
    ],
    ids=["letter", "dead", "only failed", "not again", "a worker that is back"],
)
def test_a_store_may_tell_the_dead_by_their_status(name: str, asked: str, set_to: str, is_found: bool) -> None:
    """Who queues again what is dead has kept it until then."""
    code = f"""\
class Orders:
    def {name}(self, number):
        row = self.rows[number]
        if row.status != {asked}:
            return False
        self.rows[number] = row.model_copy(update={{"status": {set_to}, "updated": self.now()}})
        return True
"""
    assert bool(found(HandBuiltDeadLetterQueue, code)) is is_found


def test_the_dead_are_queued_again_in_sql() -> None:
    """The status that is asked for stands behind `WHERE`, the one that is given before it."""
    code = """\
def replay(connection, number):
    connection.execute("UPDATE orders SET status = '{}' WHERE status = '{}' AND number = ?", (number,))
"""
    assert len(found(HandBuiltDeadLetterQueue, code.format("queued", "dead"))) == 1
    assert found(HandBuiltDeadLetterQueue, code.format("dead", "queued")) == []


@pytest.mark.parametrize("counted", ['"attempts": row.attempts + 1', '"$inc": {"attempts": 1}'])
@pytest.mark.parametrize(("status", "is_found"), [("Status.PERMANENTLY_FAILED", True), ("Status.CANCELLED", False)])
def test_a_caller_may_say_what_failed_for_good(counted: str, status: str, is_found: bool) -> None:
    """The attempts are compared elsewhere; here they are counted, with the error."""
    code = f"""\
class Outbox:
    def mark_failed(self, row, error, permanent):
        status = {status} if permanent else Status.FAILED
        self.table.update(row.number, {{"status": status, "error": error, {counted}}})
"""
    assert bool(found(HandBuiltDeadLetterQueue, code)) is is_found


def test_a_flag_or_a_queue_may_be_chosen_once_attempts_are_used_up() -> None:
    """A row that is inserted as dead, and a queue whose name is returned."""
    code = "def settle(store, row):\n    if row.attempts {} store.max_attempts:\n        store.insert({{'number': row.number, 'dead': {}}})\n"
    assert len(found(HandBuiltDeadLetterQueue, code.format(">=", True))) == 1
    assert found(HandBuiltDeadLetterQueue, code.format(">=", False)) == []
    route = "def queue_of(self, row):\n    if {}:\n        return self.dead_letter_queue\n    return row.queue\n"
    assert len(found(HandBuiltDeadLetterQueue, route.format("row.attempts >= MAX_ATTEMPTS"))) == 1
    assert found(HandBuiltDeadLetterQueue, route.format("self.dead_letter_queue")) == []


def test_who_plays_the_broker_keeps_no_dead_letters() -> None:
    """The policy is the broker's, and so are the messages."""
    code = """\
def receive(queue, message):
    if message.receive_count >= queue.{}["count"]:
        queue.dead_letters.append(message)
"""
    assert len(found(HandBuiltDeadLetterQueue, code.format("settings"))) == 1
    assert found(HandBuiltDeadLetterQueue, code.format("redrive_policy")) == []


def test_a_message_may_give_itself_up() -> None:
    """A broker's message that sends itself to a stream of dead letters; a plain record does not."""
    code = "class {}:\n    async def nack(self):\n        await self.redis.xadd(self.dlq_stream, self.fields)\n"
    assert len(found(HandBuiltDeadLetterQueue, code.format("ReceivedMessage"))) == 1
    assert found(HandBuiltDeadLetterQueue, code.format("DeliveryStats")) == []


def test_attempts_are_used_up_in_sql_too() -> None:
    """One statement that counts, and says what becomes of the row."""
    code = """\
def settle(connection, number, error):
    connection.execute(
        "UPDATE orders SET attempts = attempts + 1, last_error = ?,"
        " status = CASE WHEN attempts + 1 >= max_attempts THEN 'dead' ELSE 'pending' END WHERE number = ?",
        (str(error), number),
    )
"""
    assert len(found(HandBuiltDeadLetterQueue, code)) == 1


def test_a_callback_may_keep_dead_letters() -> None:
    """Whoever is told of a dead letter keeps it; a result that is returned does not."""
    told = "class Mails:\n    def send(self, mail):\n        self.dead_letter_handler(mail)\n"
    returned = "def read(rows):\n    result = Result()\n    result.dead_letters.append(rows)\n    return result\n"
    assert len(found(HandBuiltDeadLetterQueue, told)) == 1
    assert found(HandBuiltDeadLetterQueue, returned) == []


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
    assert len(found(HandBuiltCircuitBreaker, code)) == 1


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
    assert bool(found(HandBuiltCircuitBreaker, DISABLED_AFTER_FAILURES.format(flag=flag))) is is_found


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
    assert bool(found(HandBuiltCircuitBreaker, TIMED_BY_FAILURES.format(stamp=stamp))) is is_found


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
    assert bool(found(HandBuiltCircuitBreaker, RESTS_LONGER.format(reset=reset))) is is_found


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
    assert bool(found(HandBuiltCircuitBreaker, RETRIED_LATER.format(comment=comment))) is is_found


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
    assert len(found(HandBuiltCircuitBreaker, code)) == 1
    assert found(HandBuiltCircuitBreaker, code.replace("record_failure", "show")) == []


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
    findings = found(HandBuiltCircuitBreaker, COUNT_AS_STATE.format(comment="circuit breaker for tools"))
    assert [finding.function for finding in findings] == ["call"]
    assert found(HandBuiltCircuitBreaker, COUNT_AS_STATE.format(comment="short-circuit")) == []


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
    assert len(found(HandBuiltCircuitBreaker, guard.format(name="circuit_open_until"))) == 1
    assert found(HandBuiltCircuitBreaker, guard.format(name="blocked_until")) == []


@pytest.mark.parametrize(
    ("call", "is_found"),
    [
        ("self.dead.publish(message)", True),
        ("self.store.move(message, 'dead')", True),
        ("self.dead.add(message)", False),
        ("self.store.move(message, 'done')", False),
    ],
)
def test_the_dead_are_put_aside_where_messages_are_sent_to_them(call: str, is_found: bool) -> None:
    """`dead` is where dead letters go if messages are sent or moved there; nodes and processes are dead, too."""
    code = f"""\
class Runner:
    def bury(self, message):
        {call}
"""
    assert bool(found(HandBuiltDeadLetterQueue, code)) is is_found


def test_what_is_taken_from_the_dead_letters_may_go_back_to_them() -> None:
    """A function that tries dead letters again keeps none of its own."""
    code = """\
def {name}(transport, dlq):
    for message in transport.pop(dlq):
        if not message.readable:
            transport.publish(dlq, message)
"""
    assert len(found(HandBuiltDeadLetterQueue, code.format(name="consume"))) == 1
    assert found(HandBuiltDeadLetterQueue, code.format(name="redrive")) == []


def test_a_statement_may_write_dead_letters_through_any_method() -> None:
    """What runs the statement may be a method of the project's own; one that reads is left alone."""
    store = """\
class Store:
    async def keep(self, letter):
        await self._fetch("{sql}", letter.number, letter.error)
"""
    assert len(found(HandBuiltDeadLetterQueue, store.format(sql="insert into shop.dead_letters values (%s, %s)"))) == 1
    assert found(HandBuiltDeadLetterQueue, store.format(sql="select * from shop.dead_letters where number = %s")) == []


@pytest.mark.parametrize(("name", "is_found"), [("DLQStore", True), ("DLQMonitor", False), ("DLQMetricHandler", False)])
def test_who_only_looks_at_dead_letters_keeps_none(name: str, *, is_found: bool) -> None:
    """Monitors, dashboards and metrics are named for dead letters that others keep."""
    code = f"""\
class {name}:
    def note(self, number, error):
        self.seen[number] = error

    def depth(self):
        return len(self.seen)
"""
    assert bool(found(HandBuiltDeadLetterQueue, code)) is is_found


def test_an_exhausted_pool_is_no_dead_letter() -> None:
    """What is exhausted without being tried again has run out of something else than attempts."""
    status = """\
def pool_status(pool):
    try:
        return {"status": "exhausted" if pool.exhausted else "healthy"}
    except OSError as failure:
        return {"status": "error", "error": str(failure)}
"""
    assert found(HandBuiltDeadLetterQueue, status) == []


def test_a_login_that_locks_is_no_breaker() -> None:
    """Those who guess passwords are kept out for safety."""
    code = DISABLED_AFTER_FAILURES.format(flag="blocked_until").replace("= True", "= now() + 60")
    assert found(HandBuiltCircuitBreaker, code)
    assert found(HandBuiltCircuitBreaker, code.replace("class Feed", "class LoginGuard")) == []


SLOTS_GIVEN_BACK = """\
import asyncio


class Receiver:
    def __init__(self, size):
        self.slots = asyncio.Semaphore(size)

    async def run(self, queue):
        while True:
            order = await queue.get()
            await self.slots.acquire()
            self._start(order)

    def _start(self, order):
        asyncio.create_task(order.ship()).add_done_callback(self.{give_back})

    def {give_back}(self, task):
        self.slots.release()
"""


def test_workers_may_be_started_by_a_helper() -> None:
    """A project's `create_task_with_logging` starts a worker as `create_task` does."""
    (finding,) = found(
        HandBuiltPool,
        """\
class Buffer:
    def start(self):
        for number in range(self.size):
            self.workers.append(create_task_with_logging(self._work(), name=f"worker-{number}"))

    async def _work(self):
        while True:
            await self.handle(await self.queue.get())
""",
    )
    assert finding.function == "Buffer"


def test_slots_may_be_taken_and_given_back_in_different_methods() -> None:
    """A pool whose task gives its slot back when it is done."""
    findings = found(HandBuiltPool, SLOTS_GIVEN_BACK.format(give_back="_on_done"))
    assert [finding.function for finding in findings] == ["Receiver"]


GUARDED = """\
import asyncio


class Shop:
    def __init__(self):
        self.slots = asyncio.Semaphore(4)

    async def open(self, door):
        async with self.slots:
            task = asyncio.create_task(door.open())
            await task
"""


@pytest.mark.parametrize(
    "code",
    [
        SLOTS_GIVEN_BACK.replace("order.ship()", "self.slots.acquire()").format(give_back="_free"),
        "import asyncio\n\n\nasync def benchmark(orders):\n    slots = asyncio.Semaphore(4)\n    await asyncio.gather(*(one.ship(slots) for one in orders))\n",
        "import threading\n\n\nclass QuietThreadPool(ThreadPoolExecutor):\n    def _adjust(self):\n        threading.Thread(target=self.run).start()\n",
        GUARDED,
    ],
    ids=["waits for a slot", "benchmark", "executor", "guarded"],
)
def test_what_only_waits_measures_or_extends_is_no_pool(code: str) -> None:
    """A task that waits for a slot, a benchmark, and an executor that inherits its pool."""
    assert found(HandBuiltPool, code) == []


@pytest.mark.parametrize(
    ("name", "expected"), [("PriceClient", ["GR302", "GR102"]), ("PriceBreaker", ["GR302"])], ids=["client", "breaker"]
)
def test_what_goes_with_a_hand_built_class(name: str, expected: list[str]) -> None:
    """A class that is about something else than the breaker inside it keeps its external calls; one that is a breaker is one wrong."""
    source = f"""
import httpx


class {name}:
    def __init__(self, clock):
        self.http = httpx.Client()
        self.clock = clock
        self.failures = 0
        self.blocked_until = 0

    def price(self, product):
        if self.clock.now() < self.blocked_until:
            return None
        try:
            answer = self.http.get("/prices", params=product)
        except OSError:
            self.failures += 1
            if self.failures >= 5:
                self.blocked_until = self.clock.now() + 60
            raise
        self.failures = 0
        return answer.json()
"""
    findings = analyse_source(source, "src/shop/prices.py", Config(root=Path.cwd())).findings
    assert [finding.code for finding in findings] == expected
