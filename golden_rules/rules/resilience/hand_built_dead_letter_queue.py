"""GR303: dead-letter queues built by hand."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import ClassVar

from golden_rules.naming import snake
from golden_rules.rules.base import Bad, Good, ModuleRule, ModuleSubject, Violation
from golden_rules.rules.resilience.allowed import ALLOWED_IN, is_allowed
from golden_rules.rules.resilience.dead_letter_words import DEAD
from golden_rules.rules.resilience.dead_letters import (
    CONTAINS,
    SENDS,
    DeadLetters,
    dead_letters_of,
    is_about_failures,
    may_keep_dead,
)
from golden_rules.rules.resilience.units import Unit, classes_of, plain_functions
from golden_rules.rules.scope import in_runtime, out_of_scope
from golden_rules.source.headers import name_span
from golden_rules.source.outline import Class, Function
from golden_rules.source.trees import walk

_DATA = re.compile(
    r"(Error|Exception|Config|Configuration|Settings|Options|Enum|Model|Event|Command|Protocol|Stats|Statistics|Metrics|Recorder|Serializer"
    r"|Schema|View|Probe|Snapshot|Report|Entry|Message|Record|Response|Request|Result|Input|Output|Props|Params|Admin|Form|Command|Exporter|Reporter|Migration|Alerter|Alerts|Inspector|Monitor|Dashboard|Viewer|Reader|Query)$|Metric"
)

_DOUBLE = re.compile(r"^_*(Mock|Fake|Stub|Dummy|Spy)(?=[A-Z])")
_ACRONYM = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


class HandBuiltDeadLetterQueue(ModuleRule):
    """Work that failed for good is put aside by hand: into a list, a table, a topic or a file of its own.

    ## What it does
    Finds classes that are dead-letter queues, and functions that put failed work where dead letters go: a container, a table,
    a key, a topic or a file that is called so (`self._dead_letters.append(task)`, `INSERT INTO dead_letters`,
    `producer.send(self.dlq_topic, event)`, `store.move(job, "dead")`), or functions called so that store what they are given
    (`send_to_dlq`, `move_to_failed`). A place alone is no evidence: something has to say why the work failed, how often it was
    tried or that it was refused, or another function tries it again. Containers of failed work
    by another name (`self._failed_events`) are found where an error handler fills them and another function tries again;
    a table with a status, where one decision about attempts queues a row again, or puts it off, while there are some left, and
    otherwise marks it as failed with its error or the time of it (as dead, anywhere in the function); a table whose dead a function queues again
    (`requeue_dead_letter`).

    Code that gives its dead letters to somebody else's queue (`self.dead_letters.send(task)`), whatever status it marks them
    with besides, is left alone, as are a broker's own dead-lettering, errors
    that are collected and returned, a loop that makes all attempts there and then, steps and other parts of a run, signals
    that tell of the dead, containers that a function makes or returns, what only shows how work stands, and records, requests, settings, metrics and doubles of dead letters.

    ## Why is this bad?
    A dead letter is work that was accepted and not done: it must survive a restart, say what failed and how often, be found,
    and be tried again when the cause is mended. A list in memory is lost with the process, a topic that nobody reads is
    lost as well, and each queue of its own needs its own tools. `DeadLetterQueue` keeps them on disk or in PostgreSQL,
    with the error, replays them into their queue, and exports depth, additions, errors and replays.

    ## Fix safety
    There is no fix: where the letters of today are kept, and who reads them, is for you to carry over. Then
    `await dead_letters.add_entry(...)`, `replay(...)` and `golden-runtime dlq` take its place; tasks of a `TaskQueue`
    that fail in the end get there by themselves.

    ## When not to follow it
    Where the queue belongs to a broker that other programs read, or a table of failed rows already has people and tools that
    look at it and try its rows again. A task queue of your own, whose failed tasks stay in its table, is named as well: where it
    is the product, disable the rule there. Tests, benchmarks, migrations and vendored code are left
    alone.
    """

    code: ClassVar[str] = "GR303"
    name: ClassVar[str] = "hand-built-dead-letter-queue"
    triggers: ClassVar[tuple[str, ...]] = ()
    options = (ALLOWED_IN,)
    cases: ClassVar[tuple[Bad | Good, ...]] = (
        Bad(
            """\
class MailSender:
    def __init__(self, server):
        self.server = server
        self.dead_letters = []

    def send(self, mail, attempts):
        try:
            self.server.send(mail)
        except OSError as error:
            if attempts >= 3:
                self.dead_letters.append((mail, str(error)))
                return
            raise
""",
            path="src/shop/mail.py",
        ),
        Bad(
            """\
class DeadLetterStore:
    def __init__(self, connection):
        self.connection = connection

    def add(self, order, error):
        self.connection.execute("INSERT INTO dead_orders VALUES (?, ?)", (order.number, str(error)))

    def all(self):
        return self.connection.execute("SELECT * FROM dead_orders").fetchall()
"""
        ),
        Bad(
            """\
async def consume(consumer, producer, handle, settings):
    async for message in consumer:
        try:
            await handle(message)
        except ValueError:
            await producer.send_and_wait(settings.dlq_topic, message.value)
"""
        ),
        Bad(
            """\
class Deliveries:
    def __init__(self, client):
        self.client = client
        self._failed_deliveries = []

    def deliver(self, parcel):
        try:
            self.client.deliver(parcel)
        except ConnectionError:
            self._failed_deliveries.append(parcel)

    def retry_failed(self):
        parcels, self._failed_deliveries = self._failed_deliveries, []
        for parcel in parcels:
            self.deliver(parcel)
"""
        ),
        Good(
            """\
class Orders:
    def __init__(self, queue, dead_letters):
        self.queue = queue
        self.dead_letters = dead_letters

    async def run(self, order):
        try:
            await self.queue.place(order)
        except ValueError as error:
            await self.dead_letters.add_entry(order.number, "place", {}, error)
""",
            "a queue is used, not built",
        ),
        Good(
            """\
def load(rows):
    failed_rows = []
    for row in rows:
        try:
            row.save()
        except ValueError as error:
            failed_rows.append((row, error))
    return failed_rows
""",
            "what failed is returned to the caller",
        ),
        Good(
            """\
def declare(channel):
    channel.queue_declare("orders", arguments={"x-dead-letter-exchange": "orders.dead"})
    channel.basic_nack(1, requeue=False)
""",
            "the broker's own dead-lettering",
        ),
        Good(
            """\
class Importer:
    def __init__(self):
        self.failed_records = []

    def read(self, record):
        try:
            record.parse()
        except ValueError:
            self.failed_records.append(record)

    def report(self):
        return len(self.failed_records)
""",
            "failures that are only reported",
        ),
    )

    def check(self, subject: ModuleSubject) -> Iterator[Violation]:
        """Yield one violation for each class that keeps dead letters, and one for the functions of the file."""
        if out_of_scope(subject.path) or in_runtime(subject.outline, subject.config):
            return
        if not (may_keep_dead(subject.outline.lowered) or any(map(_is_called_queue, subject.outline.classes))):
            return
        allowed = self.value(ALLOWED_IN, subject.config)
        for unit in (*classes_of(subject), plain_functions(subject)):
            if _is_data(unit):
                continue
            found = _found(unit)
            if found is not None and not is_allowed(allowed, subject.path, subject.outline, found[0]):
                around, why = found
                yield Violation(
                    span=name_span(subject.source, around),
                    message=f"`{around.qualname}` {why}",
                    remedy="use `DeadLetterQueue`",
                    around=around,
                )


def _is_data(unit: Unit) -> bool:
    """Whether a class is a record, a double or the like by its name; a broker's message may give itself up, too."""
    if _DOUBLE.search(unit.name):
        return True
    return bool(_DATA.search(unit.name)) and not unit.name.endswith("ReceivedMessage")


def _found(unit: Unit) -> tuple[Class | Function, str] | None:
    if unit.owner is not None and _is_queue(unit):
        return unit.owner, "is a dead-letter queue by hand: it stores what failed"
    letters = dead_letters_of(unit)
    if letters is None:
        return None
    return unit.around(letters.touching), f"keeps dead letters by hand: {_where(letters)}"


def _where(letters: DeadLetters) -> str:
    first = letters.touching[0].name
    if letters.where.startswith("the status"):
        return f"`{first}` puts them aside under {letters.where} when their attempts are used up"
    if letters.where.startswith("work of"):
        return f"`{first}` queues {letters.where} again"
    return f"`{first}` puts them into `{letters.where}`" if letters.where else f"`{first}` stores them"


def _is_queue(unit: Unit) -> bool:
    public = [function for function in unit.functions if not function.name.startswith("_")]
    return (
        _is_called_queue(unit)
        and len(public) > 1
        and any(is_about_failures(unit, function) for function in unit.functions)
        and _keeps_anything(unit)
    )


def _is_called_queue(owner: Class | Unit) -> bool:
    return DEAD.search(_ACRONYM.sub("_", owner.name).lower()) is not None


def _keeps_anything(unit: Unit) -> bool:
    """Whether a class stores what it is given, in whatever way; whoever calls `move_to_dead_letters` has that keep it."""
    for function in unit.functions:
        if function.name.startswith("__") and function.name != "__call__":
            continue
        for node in walk(function.node):
            match node:
                case ast.Call(func=ast.Attribute(attr=method), args=[_, *_]) if (
                    SENDS.match(method) or method in CONTAINS
                ) and not DEAD.search(snake(method)):
                    return True
                case ast.Assign(targets=[ast.Subscript()]):
                    return True
                case _:
                    pass
    return False
