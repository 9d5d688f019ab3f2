"""GR202: which counters only report, and which the program runs on."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest

from golden_rules import Config, Finding, analyse_source

CONFIG = Config(root=Path.cwd(), select=("GR202",))


def found(source: str, path: str = "src/shop/orders.py") -> tuple[Finding, ...]:
    """Return what GR202 finds in a module."""
    return analyse_source(dedent(source), path, CONFIG).findings


def counting(reading: str, counter: str = "self.sent", reader: str = "stats") -> str:
    """Return a class that counts in one method, with another that reads the counter as `reading` says."""
    return f"""\
import logging
logger = logging.getLogger(__name__)


class Mailer:
    def send(self, mail):
        {counter} += 1
        self.transport.send(mail)

    def {reader}(self, gauge, names):
        {reading}
"""


TOLD = "\n\n    def stats(self):\n        return {'sent': self.sent}"


REPORTS = {
    "log call": "logger.info('sent %d', self.sent)",
    "f-string in a log call": "logger.info(f'{self.sent} mails')",
    "entry": "return {'sent': self.sent}",
    "metric": "gauge.set(self.sent)\n        logger.info('%d', self.sent)",
    "by a variable": "sent = self.sent\n        logger.info('sent %d', sent)",
    "keyword of a record": "return Usage(sent=self.sent)",
    "keyword of a scheduler's record": "return SchedulerHealth(sent=self.sent)",
    "entry of what a function of statistics returns": "pass\n    def stats(self):\n        out = {}\n        out['rate'] = self.sent / 2\n        return out",
    "entry of a status": "status['sent_mails'] = self.sent",
    "guard of a log call": "if self.sent % 100 == 0:\n            logger.info('%d so far', self.sent)",
    "guard of a log call that something is worked out for": "if self.sent % 100 == 0:\n            rate = self.sent / names.age\n            logger.info('%d mails a second', rate)",
    "beside a total that grows": "self.total += 1\n        return {'total': self.total, 'sent': self.sent}",
    "beside a computed total": "return {'total': self.sent + self.lost, 'sent': self.sent}",
    "set to zero where it is set up": "return {'sent': self.sent}\n    def initialize(self):\n        self.sent = 0",
    "difference of counters": "self.tried += 1\n        logger.info('%d lost', self.tried - self.sent)",
    "ratio": "logger.info('%.2f', self.sent / self.tried if self.tried else 0)",
}
ACTS = {
    "comparison": "return self.sent > 10",
    "condition": "if self.sent:\n            self.transport.close()",
    "loop": "while self.sent < 10:\n            self.send(names.pop())",
    "index": "return names[self.sent]",
    "name": "return self.transport.rename(f'mail-{self.sent}')",
    "argument": "self.transport.resize(self.sent)",
    "down again": "self.sent -= 1",
    "number of a record": "names.append({'ordinal': self.sent})",
    "number in an identifier": "call_id = f'mail_{self.sent}'\n        names.append(Call(call_id=call_id))",
    "number of a request": "names.append(Request(seqno=self.sent))",
    "part of a whole": "self.total = len(names)\n        return {'total': self.total, 'sent': self.sent}",
    "part of a whole that grows": "self.total += len(names)\n        return {'total': self.total, 'sent': self.sent}",
    "part of a whole that is set with others": "self.total, self.names = len(names), names\n        return {'total': self.total, 'sent': self.sent}",
    "part of a whole in a text": "self.total = len(names)\n        logger.info(f'{self.sent} of {self.total}')",
    "part of a whole in a record": "self._total = len(names)\n        return Progress(done=self.sent, total=self._total)",
    "what is left of a whole": "self.planned_mails = len(names)\n        logger.info(f'{self.planned_mails - self.sent} left')",
    "taken up from elsewhere": "self.sent = names['sent']",
    "anew": "self.sent = 0\n        logger.info('%d', self.sent)",
}


@pytest.mark.parametrize("reading", REPORTS.values(), ids=REPORTS)
def test_counter_that_is_only_reported_is_found(reading: str) -> None:
    """Whatever way the number takes into a log line, a record or a metric, it is a statistic where the method says so."""
    (finding,) = found(counting(reading))
    assert finding.function == "Mailer.send"
    assert "`self.sent`" in finding.message


@pytest.mark.parametrize("reading", ACTS.values(), ids=ACTS)
def test_counter_that_the_program_runs_on_is_left_alone(reading: str) -> None:
    """A number that decides, names or indexes something is state, whatever it is called."""
    assert not found(counting(reading + TOLD, reader="other"))


@pytest.mark.parametrize(
    ("reader", "count"),
    [
        *((name, 1) for name in ("stats", "get_metrics", "health_check", "status", "cache_info", "hit_rate")),
        *((name, 0) for name in ("snapshot", "to_dict", "__repr__", "result", "summary", "sent_count", "close")),
    ],
)
def test_a_number_is_telemetry_where_statistics_are_told(reader: str, count: int) -> None:
    """What an object holds, came to or says at its end is as often data, or what one run did."""
    assert len(found(counting("return {'sent': self.sent}", reader=reader))) == count


def test_a_number_that_is_printed_is_told_to_a_person() -> None:
    """What a method of statistics prints is for whoever runs the program, what it returns for whoever watches it."""
    assert not found(counting("print(f'{self.sent} mails')", reader="print_stats"))
    assert found(counting("print(self.transport)\n        return {'sent': self.sent}", reader="print_stats"))


def test_by_how_much_a_number_grew_over_some_work_is_a_result_of_it() -> None:
    """A copy is taken, work is done, and the difference is what the work came to; a report may tell the rate since the last."""
    grew = "before = dict(self.stats)\n        self.send(gauge)\n        return {'sent': self.stats['sent'] - before['sent']}"
    assert not found(counting(grew, "self.stats['sent']", "send_all"))
    assert found(counting(grew, "self.stats['sent']", "log_stats"))


@pytest.mark.parametrize(("key", "count"), [("times", 1), ("sent", 0)])
def test_what_is_asked_of_another_entry_of_a_copy_is_no_matter(key: str, count: int) -> None:
    """A method of statistics that copies them all may do with one entry what it likes."""
    reading = f"told = self.stats.copy()\n        if told['{key}']:\n            self.send(gauge)\n        return told"
    assert len(found(counting(reading, "self.stats['sent']"))) == count


def test_what_a_framework_collects_from_its_workers_is_its_own() -> None:
    """Where Beam runs a step, nobody scrapes; where another client makes the counter, it is a metric as any other."""
    source = """\
        import {module} as client

        class Send(client.DoFn):
            def __init__(self):
                self.sent_counter = client.Metrics.counter("mails", "sent")

            def process(self, mail):
                self.sent_counter.inc()
                yield mail
        """
    assert not found(source.format(module="apache_beam"))
    assert found(source.format(module="shop.clients"))


def test_a_number_that_nobody_reads_is_a_statistic_by_its_place_alone() -> None:
    """A counter among statistics is read by those who get them, and hits are counted for nothing else; of another one nobody knows what it is for."""
    assert found(counting("pass", "self.stats.sent"))
    assert found(counting("pass", "self._metrics['sent']"))
    assert not found(counting("pass", "self.sent_count"))
    assert found(counting("pass", "self.cache_hits"))
    assert found(counting("pass", "self.evictions"))


@pytest.mark.parametrize(
    ("place", "count"),
    [
        *((name, 1) for name in ("__init__", "reset", "start", "log_metrics")),
        *((name, 0) for name in ("run_once", "download_metrics_batch")),
    ],
)
def test_statistics_that_each_run_makes_anew_are_what_it_came_to(place: str, count: int) -> None:
    """Where work begins with new statistics, they speak of that work alone."""
    source = counting("return {'sent': self.stats['sent']}", "self.stats['sent']")
    assert len(found(f"{source}\n    def {place}(self):\n        self.stats = {{'sent': 0}}\n")) == count


@pytest.mark.parametrize(
    "counter",
    [
        "self.attempts",
        "self.next_id",
        "self.position",
        "self.depth",
        "self.ref_count",
        "self.size",
        "mail.sent",
        "self.x",
    ],
)
def test_state_is_left_alone_by_its_name(counter: str) -> None:
    """Attempts, sequence numbers, positions, sizes, others' attributes and names that say nothing are no counters."""
    assert not found(counting(f"logger.info('%d', {counter.replace('mail', 'self.mail')})", counter))


@pytest.mark.parametrize(
    ("counter", "count"),
    [
        ("self.calls[mail.host]", 0),
        ("self.counts['moved']", 0),
        ("self.errors_by_host[mail.host]", 0),
        ("self.stats[mail.host]", 1),
    ],
)
def test_a_tally_by_name_is_data(counter: str, count: int) -> None:
    """How often each name came up, or what a run did, is a result; statistics are counted for others."""
    assert len(found(counting(f"logger.info('%s', {counter.partition('[')[0]})", counter))) == count


@pytest.mark.parametrize(
    ("counter", "ending"),
    [
        ("self.stats[mail.host]", "on the function, with `mail.host` as a label"),
        ("self.stats[f'to_{mail.host}']", "on the function, with `f'to_{mail.host}'` as a label"),
        ("self.stats['sent']", "on the function"),
    ],
)
def test_the_key_of_a_tally_becomes_a_label(counter: str, ending: str) -> None:
    """Who counts by key keeps the keys apart in the metric, too."""
    (finding,) = found(counting("pass", counter))
    assert finding.remedy.startswith(f'put `@counted("shop.orders.send")` {ending} (no fix')


@pytest.mark.parametrize(
    "name",
    [
        "StatsListener",
        "PerformanceTracking",
        "Redactor",
        "DocREDDatasetReader",
        "PrometheusMailer",
        "MetricsState",
        "MailRateLimiter",
        "MailAnalytics",
        "MockMailer",
        "MetricsEventHandler",
        "FixedWindow",
        "MailReducer",
        "MailEnv",
        "MailSimulation",
        "StatsHub",
        "UsageAccumulator",
        "StreamAssembler",
        "SendMailTask",
        "MailingRun",
        "CacheEntry",
    ],
)
def test_a_class_that_is_there_to_count_is_left_alone(name: str) -> None:
    """What counts for others is homemade instrumentation as a whole, or counts what its work came to, or what it let through."""
    assert not found(counting("logger.info('sent %d', self.sent)").replace("Mailer", name))


@pytest.mark.parametrize(("method", "count"), [("clear", 0), ("get_total", 0), ("describe", 1)])
def test_a_counter_object_that_the_class_asks_is_state(method: str, count: int) -> None:
    """Failures since the last success decide how long to wait; a counter of a client only grows."""
    source = counting(f"self.lost_counter.{method}()").replace("self.sent += 1", "self.lost_counter.increment()")
    assert len(found(source)) == count


@pytest.mark.parametrize(
    ("line", "count"),
    [
        ("self.statsd.increment('mails_total')", 1),
        ("self.statsd.increment(f'mails_{mail}_total')", 1),
        ("self.statsd.increment('sleep_seconds_total', 1)", 0),
        ("if self.mail_counter.inc() == 1:\n            self.open()", 0),
    ],
    ids=["count", "label in a name", "amount", "number that is asked for"],
)
def test_what_a_call_of_a_counter_counts(line: str, count: int) -> None:
    """Seconds and numbers that are compared are no counts."""
    assert len(found(counting("pass").replace("self.sent += 1", line))) == count


def test_result_of_one_call_is_left_alone() -> None:
    """A local sum, or one in what the function returns, is its result."""
    assert not found(
        """\
        def send_all(mails, log):
            sent = 0
            stats = {"failed": 0}
            for mail in mails:
                sent += mail.send()
                stats["failed"] += 1
            log.info("sent %d", sent)
            return stats
        """
    )


def test_metric_of_the_domain_may_be_fed_where_it_happens() -> None:
    """A metrics module's counter is found where it counts the calls of a function, and not in a branch."""
    source = """\
        from shop.metrics import MAILS

        def send(mail):
            {line}
            mail.send()
        """
    assert found(source.format(line="MAILS.labels(kind='order').inc()"))
    assert not found(source.format(line="if mail.urgent: MAILS.labels(kind='urgent').inc()"))


def test_client_under_a_key_and_helpers_of_the_own_class_count() -> None:
    """Some keep their client in a configuration, or feed it through a method that says so; an amount is the domain's."""
    source = "class Mailer:\n    def send(self, mail):\n        {line}\n        mail.send()\n"
    assert found(source.format(line="app.config['STATS_LOGGER'].incr('mails.sent')"))
    assert found(source.format(line="self.incr_stats('sent', 'mails')"))
    assert not found(source.format(line="app.config['STATS_LOGGER'].incr('bytes', mail.size)"))
    assert not found(source.format(line="self.metrics.inc_metric(name='bytes', value=mail.size)"))
    assert not found(source.format(line="app.config['order'].incr('sent')"))


def test_counter_that_calls_itself_a_statistic_is_one() -> None:
    """The prefix says what the number is for, whatever it counts."""
    source = """\
        class Scheduler:
            def resume(self, job):
                self._stat_{word} += 1
                job.resume()

            def status(self):
                return {{"{word}_total": self._stat_{word}}}
        """
    assert found(source.format(word="resumes"))
    assert found(source.format(word="assignments"))
    assert not found(source.replace("_stat_", "").format(word="assignments"))


def test_metric_that_is_named_where_it_is_fed_is_no_domain_metric() -> None:
    """A client gets the metric's name from the code that counts, whoever made the client."""
    source = (
        "from shop.statsd import statsd\n\n\n"
        "def send(mail):\n    mail.send()\n    if mail.urgent:\n        statsd.increment({name})\n"
    )
    assert found(source.format(name="'mails.urgent'"))
    assert found(source.format(name="URGENT_METRIC, tags={'kind': 'order'}"))
    assert not found(source.format(name="mail.weight"))


@pytest.mark.parametrize("amount", ["len(self.result.dropped)", "coalesced_count", "num_mails_expired"])
def test_several_events_at_once_are_counted_as_one_is(amount: str) -> None:
    """To how many something happened says how often it did, where a number of rows or bytes is the domain's."""
    source = """\
        from prometheus_client import Counter
        LETTERS = Counter("letters", "What became of letters.", ["result"])


        def expire(self, coalesced_count, num_mails_expired):
            self.letters.expire()
            if self.result:
                {call}
        """
    assert found(source.format(call=f"LETTERS.labels(result='gone').inc({amount})"))
    assert found(source.format(call=f"self.statsd.incr('letters.gone', {amount})"))
    assert found(source.format(call=f"self.metrics.increment('letters.gone', value={amount})"))
    assert not found(source.format(call="LETTERS.labels(result='gone').inc(elapsed)"))


@pytest.mark.parametrize(
    "call",
    [
        "key = self.key; self.counters.incr(key)",
        "self.counter.increase()",
        "self.ref_count.increment()",
        "self.cache.incr('hits')",
        "self.in_flight_gauge.inc()",
        "self.timings.incr('render', seconds)",
        "self.members.add(1)",
        "ROWS_COUNTER.labels('read').inc(len(rows))",
        "self.metrics.increment('bytes', value=self.size)",
        "self.metrics.inc('saved', max(0, self.size - 1))",
        "self.counter.incr(); page = self.counter.get()",
        "rows = 0; rows += seconds; self.row_counter.increment(rows)",
        "FAILURES_COUNTER.increment(self.host); self.draw(FAILURES_COUNTER.get_count(self.host))",
    ],
)
def test_what_only_looks_like_a_counter_is_left_alone(call: str) -> None:
    """Caches, gauges, sums of seconds and of amounts, sets, and numbers that are drawn have methods of the same names."""
    assert not found(f"class Page:\n    def render(self, seconds):\n        {call}\n        self.draw()\n")


@pytest.mark.parametrize("path", ["src/shop/commands/send.py", "src/shop/statsd.py", "tests/mailer.py"])
def test_commands_and_instrumentation_are_left_alone(path: str) -> None:
    """A command says at its end what it did; instrumentation counts for others."""
    assert not found(counting(REPORTS["log call"]), path)


@pytest.mark.parametrize(
    ("path", "count"),
    [
        ("src/shop/widgets/mail.py", 0),
        ("src/shop/mail_ui.py", 0),
        ("src/shop/tui/mail.py", 0),
        ("src/shop/ui/mail.py", 1),
    ],
)
def test_what_a_screen_shows_is_looked_at(path: str, count: int) -> None:
    """The numbers of a user interface are drawn for who sits before it; `ui/` may hold the server behind it."""
    assert len(found(counting("logger.info('sent %d', self.sent)"), path)) == count


def test_a_drawn_number_is_no_count() -> None:
    """A counter whose next number the program goes on with."""
    drawn = """
        class Steps:
            def name(self, step):
                number = self.step_counter.increment("step")
                return f"{step}-{number}"
    """
    assert found(drawn) == ()
    assert found(drawn.replace("def name", "async def name").replace("= self", "= await self")) == ()
    assert found(drawn.replace("number = ", "").replace("-{number}", "")) != ()


def test_a_number_that_somebody_takes_is_drawn() -> None:
    """Where the result of `inc()` is handed on, it numbers a record; a client that is told what it counts returns nothing."""
    source = "from shop.records import Record\n\n\ndef note(counter, statsd, mail):\n    {line}\n"
    assert not found(source.format(line="return Record(number=counter.inc(), mail=mail)"))
    assert not found(source.format(line="mail.number = str(counter.increment())"))
    assert found(source.format(line="counter.inc(); mail.close()"))
    assert found(source.format(line="counter.inc() if mail else statsd.incr('mails.empty')"))
    assert found(source.format(line="return statsd.incr('mails.noted')"))


def test_metric_under_a_key_counts() -> None:
    """Metrics that an application keeps in a dictionary are fed as others are, and gauges there are gauges."""
    source = "def answer(page, metrics):\n    metrics[{key}].labels(kind=page.kind).inc()\n    return page.render()\n"
    assert found(source.format(key="'pages_total'"))
    assert not found(source.format(key="'pages_in_progress'"))


@pytest.mark.parametrize(
    ("name", "count"), [("execution_count", 1), ("query_count", 1), ("page_count", 0), ("samples_seen", 0)]
)
def test_a_single_event_before_count_says_what_happened(name: str, count: int) -> None:
    """`execution_count` counts executions, whereas pages and samples are things there are so many of."""
    assert len(found(counting(f"return {{'{name}': self.{name}}}", f"self.{name}"))) == count


def test_a_context_manager_may_count_for_its_own_class() -> None:
    """How often a lock was taken is counted by hand there as in any other method; a metric around a block is GR206's."""
    source = """\
        from contextlib import contextmanager

        class Mailer:
            @contextmanager
            def session(self):
                {line}
                yield self.transport

            def stats(self):
                return {{"connections": self.connections_total}}
        """
    assert found(source.format(line="self.connections_total += 1"))
    assert not found(source.format(line="self.statsd.incr('connections')"))


def test_a_counter_of_its_own_counts_for_its_callers() -> None:
    """A method `increment` that hands on to another counter is a counter; what else it does besides is another name's."""
    source = "class Segment:\n    def {name}(self):\n        self.read()\n        self.parts_counter.increment()\n"
    assert not found(source.format(name="increment"))
    assert found(source.format(name="split"))


@pytest.mark.parametrize(
    "line",
    [
        "instruments.mails_checked.add(1, {'result': mail.result})",
        "self.registry.counter('mails.checked').inc()",
        "checked_counter.inc(); values.reset()",
    ],
    ids=["attributes", "name in a registry", "something else starts anew"],
)
def test_metric_that_is_told_what_it_counts(line: str) -> None:
    """Attributes beside a one, and a name where the metric is asked for, say that a client counts."""
    source = "class Mailer:\n    def check(self, mail, values, instruments, checked_counter):\n        mail.check()\n        if mail.checked:\n            {line}\n"
    assert found(source.format(line=line))
    assert not found(source.format(line="instruments.mails_checked.add(1)"))


@pytest.mark.parametrize(
    ("body", "count"),
    [
        ("self.claims.inc()", 0),
        ("if self.enabled:\n            logger.info('claim')\n            self.claims.labels(kind=str(kind)).inc()", 0),
        ("kind = self.kind\n        self.claims.labels(kind=kind).inc()", 0),
        ("try:\n            self.claims.inc()\n        except ValueError:\n            pass", 0),
        ("self.last = kind\n        self.claims.inc()", 1),
        ("self.queue.put(kind)\n        self.claims.inc()", 1),
        ("kind = self.queue.get(kind)\n        self.claims.inc()", 1),
        ("self.claims.inc()\n        return kind", 1),
    ],
)
def test_a_function_that_only_feeds_metrics_counts_for_its_callers(body: str, count: int) -> None:
    """What it counts happened where it is called; one that works besides counts its own work."""
    source = f"""\
import logging
from prometheus_client import Counter

logger = logging.getLogger(__name__)


class Server:
    def __init__(self):
        self.claims = Counter("claims", "Jobs claimed.")

    def on_claim(self, kind):
        {body}
"""
    assert len(found(source)) == count


@pytest.mark.parametrize(
    ("name", "count"), [("ServerMetrics", 0), ("PrometheusObserver", 0), ("ServerMetricsManager", 1), ("Server", 1)]
)
def test_a_set_of_metrics_counts_for_others(name: str, count: int) -> None:
    """Whatever its methods work out besides, what they count happened elsewhere."""
    source = f"class {name}:\n    def on_claim(self, kind):\n        self.kinds = self.read(kind)\n        self.claims_total.labels(kind).inc()\n"
    assert len(found(source)) == count


def test_a_helper_that_feeds_metrics_may_wait_for_them() -> None:
    """A client of statistics in another process is awaited; what is awaited besides is work."""
    source = "class Server:\n    async def on_claim(self, kind):\n        self.claims_total.inc()\n        await self.{call}(kind)\n"
    assert not found(source.format(call="statsd.incr"))
    assert found(source.format(call="queue.put"))


@pytest.mark.parametrize(("shown", "count"), [("progress", 0), ("page_tracker", 0), ("pages", 1)])
def test_progress_is_shown_to_somebody_who_waits(shown: str, count: int) -> None:
    """What counts a progress bar up is seen at once, and over when the work is."""
    assert len(found(f"def visit(page, {shown}):\n    {shown}.inc()\n    page.visit()\n")) == count


def test_who_gets_the_server_need_not_look_at_its_statistics() -> None:
    """Only where statistics themselves are handed over may a verdict hang on them."""
    source = counting("pass", "self.server.stats['sent']")
    assert found(source.replace("self.transport.send(mail)", "answer = Answer(self.server, mail)"))


@pytest.mark.parametrize(
    ("line", "count"), [("verdict = decide(mail, self.stats)", 0), ("Courier(mail, self.stats).start()", 1)]
)
def test_statistics_that_are_asked_for_a_verdict(line: str, count: int) -> None:
    """What is asked of them beside the counting may hang on each of them; others who get them count there, too."""
    source = counting("return {'sent': self.stats.sent}", "self.stats.sent")
    assert len(found(source.replace("self.transport.send(mail)", line))) == count


def test_tests_of_a_package_are_left_alone() -> None:
    """A folder of tests may begin with an underscore."""
    source = counting("logger.info('sent %d', self.sent)")
    assert found(source, "src/shop/_tests/mail.py") == ()
    assert found(source) != ()


@pytest.mark.parametrize(
    ("line", "is_found"),
    [
        ("self.logger.increment('mails')", True),
        ("self.logger.increment(mail.kind)", True),
        ("recorder().increment_counter('mails', tags={'kind': mail.kind})", True),
        ("self.generation.inc(self.service_id)", False),
        ("METRICS.inc(self.service_id)", True),
    ],
    ids=["logger", "logger by a variable", "named counter", "key", "key of metrics"],
)
def test_what_feeds_a_counter(line: str, *, is_found: bool) -> None:
    """Loggers that feed statsd, counters known by name, and numbers that are no metric."""
    source = f"class Mailer:\n    def send(self, mail):\n        self.transport.send(mail)\n        {line}\n"
    assert bool(found(source)) is is_found


def test_a_step_that_an_object_takes_itself_is_no_counter() -> None:
    """A parser's `inc` goes on to the next character; what says what it counts is told to statistics."""
    source = """\
        class Parser:
            def skip(self):
                while self.current.isspace():
                    {call}
                self.handler.skipped(self.current)
        """
    assert found(source.format(call="self.inc()")) == ()
    assert found(source.format(call="self.inc(exception=EOFError)")) == ()
    assert len(found(source.format(call='self.inc("skipped")'))) == 1
