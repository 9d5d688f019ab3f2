"""GR303 beyond its own cases: the places and statuses of dead letters, and talk of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from golden_rules.config import Config
from golden_rules.engine import analyse_source
from golden_rules.findings import Finding
from golden_rules.rules.resilience.hand_built_dead_letter_queue import HandBuiltDeadLetterQueue


def found(code: str) -> list[Finding]:
    """Return what GR303 finds in a module."""
    return list(
        analyse_source(code, "src/shop/orders.py", Config(root=Path.cwd()), [HandBuiltDeadLetterQueue()]).findings
    )


def test_the_message_of_dead_letters_names_their_place() -> None:
    """Whoever reads the finding learns which function puts work aside, and into what."""
    code = """\
async def settle(pool, order, error):
    await pool.execute("INSERT INTO order_dead_letters (number, error) VALUES ($1, $2)", order.number, str(error))
"""
    (finding,) = found(code)
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
    code = f"def reject(redis, producer, session, settings, queue, order):\n    {line}\n"
    assert [finding.function for finding in found(code)] == ["reject"]
    assert found(code.replace("reject", "settle")) == [], "nothing says that the order failed"


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
    assert found(code) == []


KEPT_IN_MEMORY = """\
class DeadLetters:
    def __init__(self):
        self.items = []

    def add(self, item, error):
        self.items.append((item, str(error)))

    def size(self):
        return len(self.items)
"""
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
    findings = found(RETRIED_IN_A_TABLE.format(test=test, dead=dead, kept=kept))
    assert [finding.function for finding in findings] == (["Deliveries"] if is_found else [])


@pytest.mark.parametrize("owner", ["step", "self.nodes[name]", "outcome.result"])
def test_a_part_of_a_run_is_no_dead_letter(owner: str) -> None:
    """A step that is tried again in its run, and has failed in the end, was never put aside."""
    code = RETRIED_IN_A_TABLE.format(
        test="if row.attempts < self.max_attempts", dead='"failed"', kept="row.error = str(error)"
    )
    assert found(code.replace("row.status", "task.status"))
    assert found(code.replace("row.status", f"{owner}.status")) == []


@pytest.mark.parametrize(
    ("head", "is_found"),
    [
        ("for attempt in range(job.max_attempts):", False),
        ("while job.attempts < job.max_attempts:", False),
        ("for job in self.due():", True),
    ],
)
def test_a_loop_that_makes_all_attempts_puts_nothing_aside(head: str, is_found: bool) -> None:
    """Work that is never put back is retried; one that is queued again until it has had its attempts waits in a table."""
    code = f"""\
class Jobs:
    def work(self, job):
        {head}
            try:
                return self.run(job)
            except OSError as error:
                job.status = "retrying" if job.attempts < job.max_attempts else "failed"
                job.error = str(error)
"""
    assert bool(found(code)) is is_found


def test_cars_have_a_parking_lot_too() -> None:
    """Messages are put into a parking lot; what is only about one holds none."""
    code = "class Orders:\n    def reject(self, order):\n        self.{}.append(order)\n"
    assert found(code.format("parking_lot"))
    report = KEPT_IN_MEMORY.replace("DeadLetters", "ParkingLotReport")
    assert found(KEPT_IN_MEMORY)
    assert found(report) == []


def test_what_failed_is_tried_again_where_only_the_dead_are_given_up() -> None:
    """`DEAD if exhausted else FAILED` is a dead letter, too; `FAILED if broken else DONE` under a limit is none."""
    code = "def settle(row, error):\n    spent = row.attempts >= row.max_attempts\n    row.status = {}\n    row.last_error = error\n"
    assert len(found(code.format("Status.DEAD if spent else Status.FAILED"))) == 1
    assert found(code.format("Status.FAILED if spent else Status.DONE")) == []


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
    assert bool(found(code)) is is_found


def test_the_dead_are_queued_again_in_sql() -> None:
    """The status that is asked for stands behind `WHERE`, the one that is given before it."""
    code = """\
def replay(connection, number):
    connection.execute("UPDATE orders SET status = '{}' WHERE status = '{}' AND number = ?", (number,))
"""
    assert len(found(code.format("queued", "dead"))) == 1
    assert found(code.format("dead", "queued")) == []


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
    assert bool(found(code)) is is_found


def test_a_flag_or_a_queue_may_be_chosen_once_attempts_are_used_up() -> None:
    """A row that is inserted as dead, and a queue whose name is returned."""
    code = "def settle(store, row):\n    if row.attempts {} store.max_attempts:\n        store.insert({{'number': row.number, 'dead': {}}})\n"
    assert len(found(code.format(">=", True))) == 1
    assert found(code.format(">=", False)) == []
    route = "def queue_of(self, row):\n    if {}:\n        return self.dead_letter_queue\n    return row.queue\n"
    assert len(found(route.format("row.attempts >= MAX_ATTEMPTS"))) == 1
    assert found(route.format("self.dead_letter_queue")) == []


def test_who_plays_the_broker_keeps_no_dead_letters() -> None:
    """The policy is the broker's, and so are the messages."""
    code = """\
def reject(queue, message):
    if message.receive_count >= queue.{}["count"]:
        queue.dead_letters.append(message)
"""
    assert len(found(code.format("settings"))) == 1
    assert found(code.format("redrive_policy")) == []


def test_a_message_may_give_itself_up() -> None:
    """A broker's message that sends itself to a stream of dead letters; a plain record does not."""
    code = "class {}:\n    async def nack(self):\n        await self.redis.xadd(self.dlq_stream, self.fields)\n"
    assert len(found(code.format("ReceivedMessage"))) == 1
    assert found(code.format("DeliveryStats")) == []


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
    assert len(found(code)) == 1


def test_a_callback_may_keep_dead_letters() -> None:
    """Whoever is told of a dead letter keeps it; a result that is returned does not."""
    told = "class Mails:\n    def send(self, mail, error):\n        self.dead_letter_handler(mail, error)\n"
    returned = "def read(rows, error):\n    result = Result()\n    result.dead_letters.append((rows, error))\n    return result\n"
    assert len(found(told)) == 1
    assert found(returned) == []


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
    assert bool(found(code)) is is_found


def test_what_is_taken_from_the_dead_letters_may_go_back_to_them() -> None:
    """A function that tries dead letters again keeps none of its own."""
    code = """\
def {name}(transport, dlq):
    for message in transport.pop(dlq):
        if not message.readable:
            transport.publish(dlq, message, reason="unreadable")
"""
    assert len(found(code.format(name="consume"))) == 1
    assert found(code.format(name="redrive")) == []


def test_a_statement_may_write_dead_letters_through_any_method() -> None:
    """What runs the statement may be a method of the project's own; one that reads is left alone."""
    store = """\
class Store:
    async def keep(self, letter):
        await self._fetch("{sql}", letter.number, letter.error)
"""
    assert len(found(store.format(sql="insert into shop.dead_letters values (%s, %s)"))) == 1
    assert found(store.format(sql="select * from shop.dead_letters where number = %s")) == []


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
    assert bool(found(code)) is is_found


def test_an_exhausted_pool_is_no_dead_letter() -> None:
    """What is exhausted without being tried again has run out of something else than attempts."""
    status = """\
def pool_status(pool):
    try:
        return {"status": "exhausted" if pool.exhausted else "healthy"}
    except OSError as failure:
        return {"status": "error", "error": str(failure)}
"""
    assert found(status) == []


@pytest.mark.parametrize(
    ("name", "line", "is_found"),
    [
        ("nack", "self._dead.setdefault(queue, []).append(message)", True),
        ("nack", "self._dead[queue].append(message)", True),
        ("sweep", "self._dead[queue].append(message)", False),
        ("nack", "self.events.message_dead.send(message)", False),
        ("nack", "self.redis.lpush(self.dead_key, message)", True),
        ("clean", "self.names.append(f'{queue}.dlq')", False),
        ("move_to_dlt", "self.broker.publish(self.names[queue], message)", True),
    ],
)
def test_a_broker_keeps_the_dead_where_it_gives_messages_up(name: str, line: str, *, is_found: bool) -> None:
    """Nodes die as well, a signal tells of the dead, and a name is no message: only what gives up and keeps is a queue."""
    code = f"class Broker:\n    def {name}(self, queue, message):\n        {line}\n"
    assert bool(found(code)) == is_found


@pytest.mark.parametrize(("test", "is_found"), [("requeue", True), ("fast", False)])
def test_a_place_may_be_chosen_between_again_and_dead(test: str, *, is_found: bool) -> None:
    """Where the choice is whether work is tried again, the other place is that of the dead."""
    code = f"""\
class Queue:
    def settle(self, message, {test}):
        target = self.ready_key if {test} else self.dead_key
        self.run("lpush", target, message, self.error)
"""
    assert bool(found(code)) == is_found


USED_UP_AT = """\
class Task:
    def {name}(self, error):
        self.last_error = str(error)
        if self.has_reached_max_attempts():
            self.{stamp} = now()
        else:
            self.run_at = now() + self.attempts ** 4
"""


@pytest.mark.parametrize(
    ("name", "stamp", "is_found"),
    [("reschedule", "failed_at", True), ("reschedule", "checked_at", False), ("render", "failed_at", False)],
)
def test_the_time_at_which_attempts_were_used_up_marks_the_dead(name: str, stamp: str, *, is_found: bool) -> None:
    """A time may take the place of a status; what only shows work keeps none."""
    assert bool(found(USED_UP_AT.format(name=name, stamp=stamp))) == is_found


@pytest.mark.parametrize(
    ("later", "is_found"), [("job.next_attempt_at = later()", True), ("job.seen_at = now()", False)]
)
def test_work_that_failed_is_put_off_by_a_time(later: str, *, is_found: bool) -> None:
    """`FAILED` is for good where what has attempts left gets a time for the next one, whatever its status."""
    code = f"""\
class Worker:
    async def fail(self, job, error):
        if job.attempts < job.max_attempts:
            {later}
            return
        await self.finish(job, JobState.FAILED, error=str(error))
"""
    assert bool(found(code)) == is_found


def test_requests_about_dead_letters_are_no_queue() -> None:
    """What is sent to a broker's own interface is data."""
    code = """\
class ListDeadLetterSourceQueuesInput:
    def serialize(self, writer):
        writer.write(self.url)

    def read(self, reader):
        self.url = reader.read()
"""
    assert found(code) == []


@pytest.mark.parametrize(
    ("line", "queues"),
    [
        ("await self._dead_letters.send(order, 'used up')", 0),
        ("await self.dlq_handler.write(order)", 0),
        ("await self.dead_letter_table.write(order)", 1),
        ("self.dead_letter_path.write_text(order.body)", 1),
    ],
)
def test_whoever_gives_dead_letters_to_an_object_does_not_keep_them(line: str, queues: int) -> None:
    """The object does, and is found where it stands; a table and a file keep nothing by themselves."""
    code = f"class Orders:\n    async def send_to_dead_letters(self, order):\n        {line}\n"
    assert len(found(code)) == queues


def test_a_status_beside_a_queue_that_is_told_is_a_mark() -> None:
    """Where what is dead goes to a queue, its status only says so."""
    code = """\
class Orders:
    async def settle(self, order, error):
        if order.attempts < self.max_attempts:
            order.status = "queued"
            return
        order.status = "failed"
        order.last_error = str(error)
        {last}
"""
    assert found(code.format(last="await self.store.save(order)"))
    assert not found(code.format(last="await self._dead_letters.send(order)"))


def test_a_topic_may_have_a_default() -> None:
    """The place is one of two values."""
    code = """\
class Orders:
    async def settle(self, order, topic=None):
        await self.producer.publish(topic or f"{order.topic}.dlq", order.body, order.error)
"""
    assert len(found(code)) == 1
    assert len(found(code.replace("topic or", "topic if topic else"))) == 1


def test_files_that_are_moved_to_the_failed_are_dead_letters() -> None:
    """A folder of failed work is a queue of it, by a function that says so."""
    code = "import shutil\n\ndef {name}(order, folder):\n    shutil.move(order.path, folder)\n"
    assert found(code.format(name="move_to_failed"))
    assert not found(code.format(name="move_to_done"))


def test_a_write_that_is_tried_at_once_may_mark_a_dead_letter() -> None:
    """A loop around the change of a row is no loop around the work, if the row says that it is a dead letter."""
    code = """\
def fail(store, key, error):
    for attempt in range(3):
        task = store.load(key)
        if task.retries < task.max_retries:
            task.status = "queued"
        else:
            task.status = "{status}"
        task.error = error
        if store.save(task):
            break
"""
    assert found(code.format(status="dead_letter"))
    assert not found(code.format(status="failed"))


def test_a_class_that_never_says_why_is_a_record() -> None:
    """A broker's answer is turned into another form, by methods that put values into a dictionary or into the record."""
    code = """\
class DeadLetterPage:
    def __init__(self, letters):
        self.letters = letters

    def to_map(self):
        result = dict()
        result["letters"] = []
        for letter in self.letters:
            result["letters"].append(letter.number)
        return result

    def add(self, letter):
        self.letters.append({})
"""
    assert not found(code.format("letter"))
    assert found(code.format("(letter, letter.error)"))


def test_a_queue_may_be_called() -> None:
    """Whoever delivers is given the queue itself as what to call in the end."""
    code = f"{KEPT_IN_MEMORY}\n    def clear(self):\n        self.items = []\n"
    assert found(code.replace("def add", "def __call__"))
    assert not found(code.replace("def add", "def __contains__"))


def test_a_double_of_a_queue_is_left_alone() -> None:
    """It keeps letters for a test to look at."""
    assert found(KEPT_IN_MEMORY)
    assert not found(KEPT_IN_MEMORY.replace("DeadLetters", "FakeDeadLetters"))


@pytest.mark.parametrize(
    ("line", "is_found"),
    [
        ("self.dead_jobs.append(job)", False),
        ("self.dead_jobs.append((job, error))", True),
        ("self.dead_jobs.append((job, job.attempts))", True),
    ],
)
def test_a_place_of_the_dead_is_borne_out_by_why_or_how_often(line: str, *, is_found: bool) -> None:
    """Jobs of a worker that is gone are dead, too: failed work says what went wrong, or how often it was tried."""
    code = f"class Jobs:\n    def settle(self, job, error):\n        {line}\n"
    assert bool(found(code.replace(", error):", "):") if not is_found else code)) == is_found


def test_what_another_function_tries_again_was_put_aside() -> None:
    """Nothing needs to say why, where the dead are taken up again."""
    code = "class Jobs:\n    def settle(self, job):\n        self.dead_jobs.append(job)\n\n    def {}(self):\n        return self.dead_jobs.pop()\n"
    assert found(code.format("requeue"))
    assert not found(code.format("last"))


@pytest.mark.parametrize("made", ["[]", "{}", "[one for one in jobs if one.late]"])
def test_a_container_that_the_function_makes_is_a_report(made: str) -> None:
    """It is gone with the function, or whoever called decides."""
    code = f"""\
def sweep(jobs):
    dead_jobs = {made}
    for job in jobs:
        dead_jobs.append((job, job.error))
    print(len(dead_jobs))
"""
    assert not found(code)
    assert found(code.replace(f"    dead_jobs = {made}\n", ""))


DECIDED = """\
class Runs:
    def settle(self, run, error):
        if run.retries < run.max_retries:
            {again}
        {otherwise}
            {failed}
        run.error = error
"""


@pytest.mark.parametrize(
    ("again", "otherwise", "failed", "is_found"),
    [
        ('run.status = "queued"', "else:", 'run.status = "failed"', True),
        ('run.status = "queued"; return', "if True:", 'run.status = "failed"', True),
        ("run.next_attempt_at = later()", "else:", 'run.status = "failed"', True),
        ("run.retries += 1", "else:", 'run.status = "failed"', False),
        ('run.status = "done"', "else:", 'run.status = "failed"', False),
    ],
)
def test_one_decision_queues_again_or_gives_up(again: str, otherwise: str, failed: str, *, is_found: bool) -> None:
    """`FAILED` and `QUEUED` somewhere in a function may be two things; on two sides of one decision they are a queue's."""
    code = DECIDED.format(again=again, otherwise=otherwise, failed=failed)
    assert bool(found(code)) == is_found
    elsewhere = code + '        if run.paused:\n            run.status = "queued"\n'
    assert bool(found(elsewhere)) == is_found


def test_a_decision_may_have_a_name() -> None:
    """Attempts are compared first, and what was found is asked below."""
    code = """\
def settle(table, run, error):
    spent = run.attempts >= {most}
    table.update(run.number, status="failed" if spent else "queued", error=error)
"""
    assert found(code.format(most="MAX_ATTEMPTS"))
    assert not found(code.format(most="run.pages"))


def test_a_step_of_a_run_is_no_work_of_a_queue() -> None:
    """The run goes on, and is told how its step ended."""
    code = """\
def {name}(table, run, error):
    table.update(run.number, status="failed" if run.attempts >= MAX_ATTEMPTS else "queued", error=error)
"""
    assert found(code.format(name="settle_run"))
    assert not found(code.format(name="settle_step"))


def test_who_hands_the_dead_on_keeps_none() -> None:
    """The module that is called keeps them; the type of an event says what others are told."""
    front = "class DeadLetters:\n    def move(self, job, reason):\n        self.module.{}(job, reason)\n\n    def all(self):\n        return self.module.all()\n"
    assert not found(front.format("move_to_dead_letters"))
    assert found(front.format("insert"))
    told = "def send_dead_letter(hooks, job, error):\n    hooks.send({}.DEAD_LETTER_TOPIC, job, error)\n"
    assert not found(told.format("WebhookEvent"))
    assert found(told.format("Topics"))


def test_a_function_may_store_by_one_of_the_projects_own() -> None:
    """`write_json(path, job)` in a function called `dead_letter` keeps the job."""
    code = "def {}(job, path):\n    write_json(path, job)\n"
    assert found(code.format("dead_letter"))
    assert not found(code.format("letter"))
