"""GR201: what is telemetry and what is logic, and that its fix keeps every value and path."""

from __future__ import annotations

import json
from pathlib import Path
from textwrap import dedent, indent

import pytest
from hand_timing import fixed, messages, timed_function
from hypothesis import given, settings
from hypothesis import strategies as st
from project_folders import golden_rules, write
from prometheus_client import REGISTRY

TELEMETRY = {
    "log": "log.info('took %.1f', {d})",
    "f-string": "log.info(f'took {{{d}:.1f}} s')",
    "percent format": "log.debug('took %s' % ({d}))",
    "by a variable": "took = {d}\nlog.info('took %s', took)",
    "by two variables": "took = {d}\nms = took * 1000\nlog.info('took %s', ms)",
    "keyword": "return Result(order, duration={d})",
    "entry": "return {{'id': order.id, 'elapsed_ms': ({d}) * 1000}}",
    "attribute": "order.pack_seconds = {d}",
    "collection": "order.latencies.append({d})",
    "span": "span.set_attribute('took', {d})",
    "report only when slow": "took = {d}\nif took > 1:\n    log.warning('slow: %s', took)",
    "rate in a log": "log.info('%s per second', order.count / ({d}))",
}
SERIES = {
    "metric": "HISTOGRAM.observe({d})",
    "metric with labels": "HISTOGRAM.labels('a').observe({d})",
    "metric by a variable": "took = {d}\nHISTOGRAM.observe(took)\nlog.info('took %s', took)",
    "log before metric": "log.info('took %s', {d})\nHISTOGRAM.observe({d})",
    "statsd": "statsd.timing('pack', ({d}) * 1000)",
    "a gauge with labels": "pack_time.labels('a').set({d})",
    "OpenTelemetry": "pack_histogram.record({d})",
    "the project's own": "order.record_latency({d})",
}
LOGIC = {
    "deadline": "while {d} < 30:\n    order.poll()",
    "deadline by a variable": "took = {d}\nif took > 30:\n    raise TimeoutError",
    "what is left is slept": "time.sleep(max(0, 5 - ({d})))",
    "what is left is waited": "order.wait(timeout=order.timeout - ({d}))",
    "back-off": "delay = min(60, ({d}) * 2)\ntime.sleep(delay)",
    "rate limit": "order.tokens += ({d}) * order.refill_rate",
    "age of an entry": "return order.age < ({d})",
    "returned decision": "return {d} < order.ttl",
    "logged and returned as a decision": "took = {d}\nlog.info('took %s', took)\nreturn took < 3",
    "logged and filtered by": "took = {d}\nlog.info('took %s', took)\nreturn [row for row in order if row.at > took]",
    "logged and compared": "took = {d}\nlog.info('took %s', took)\nif took > order.limit:\n    order.cancel()",
    "exception": "raise TimeoutError(f'gave up after {{{d}}} s')",
    "passed on": "order.consider({d})",
}


@pytest.mark.parametrize("end", TELEMETRY.values(), ids=TELEMETRY)
@pytest.mark.parametrize("difference", ["time.monotonic() - start"])
def test_telemetry_is_found_and_fixed(end: str, difference: str) -> None:
    """A duration that ends in a log line, a metric or a result is telemetry, and its value stays where it was."""
    source = timed_function(end.format(d=difference))
    assert len(messages(source)) == 1
    after = fixed(source)
    assert 'start = timed("shop.orders.f.duration").start()' in after
    assert after.count("start.stop()") == 1
    assert "monotonic() - start" not in after


@pytest.mark.parametrize("end", SERIES.values(), ids=SERIES)
@pytest.mark.parametrize(
    "outcome", ["", "except OSError:\n    stats.failures.inc()\n    raise\n"], ids=["GR201", "GR204"]
)
def test_series_of_the_projects_own_is_not_doubled(tmp_path: Path, end: str, outcome: str) -> None:
    """No fix puts a timer beside a metric that has the seconds already, and the finding says why."""
    end = end.format(d="time.monotonic() - start")
    body = f"try:\n    order.pack()\n{outcome}{end}" if outcome else f"order.pack()\n{end}"
    source = timed_function(body).replace("    order.pack()\n", "", 1)
    declared = '[project]\nname = "shop"\ndependencies = ["golden-runtime"]\n'
    write(tmp_path, {"pyproject.toml": declared, "orders.py": source})
    chosen = ("check", "--select", "GR201,GR204", "--format", "json")
    done = golden_rules(tmp_path, *chosen, "--fix", "--unsafe-fixes")
    [finding] = json.loads(done.stdout)["findings"]
    assert finding["code"] == ("GR204" if outcome else "GR201")
    assert finding["fix"] is None
    assert "(no fix, as each run would be in two series, and only you know who reads" in finding["remedy"]
    assert (tmp_path / "orders.py").read_text() == source


@pytest.mark.parametrize("end", LOGIC.values(), ids=LOGIC)
def test_logic_is_left_alone(end: str) -> None:
    """A duration that is compared, slept or drives a limit is no telemetry, and nothing is said of it."""
    assert messages(timed_function(end.format(d="time.monotonic() - start"))) == []


@pytest.mark.parametrize(
    ("imports", "clock"),
    [
        ("import time", "time.time()"),
        ("import time as t", "t.perf_counter()"),
        ("from time import perf_counter as pc", "pc()"),
        ("from timeit import default_timer", "default_timer()"),
        ("import asyncio", "asyncio.get_running_loop().time()"),
    ],
)
def test_clocks_of_seconds_are_replaced(imports: str, clock: str) -> None:
    """Whatever a clock is called, it is one."""
    after = fixed(timed_function(f"log.info('took %s', {clock} - start)", clock=clock, imports=imports))
    assert "log.info('took %s', start.stop())" in after


@pytest.mark.parametrize(
    ("imports", "clock"),
    [
        ("import time", "time.process_time()"),
        ("from datetime import datetime", "datetime.utcnow()"),
        ("import time", "int(time.time() * 1000)"),
        ("from shop import clock", "clock.now_ms()"),
    ],
)
def test_other_clocks_are_found_but_not_replaced(imports: str, clock: str) -> None:
    """A timer counts seconds of the wall: processor time, dates and units of the project's own are for a person."""
    source = timed_function(f"log.info('took %s', {clock} - start)", clock=clock, imports=imports)
    assert len(messages(source)) == 1
    assert fixed(source) == source


@pytest.mark.parametrize(
    "body",
    [
        "start = time.time()\norder.created_at = start\nlog.info('took %s', time.time() - start)",
        "start = time.time()\norder.pack(lambda: start)\nlog.info('took %s', time.time() - start)",
        "global start\nstart = time.time()\nlog.info('took %s', time.time() - start)",
        "start = time.time()\nlog.info('took %s', time.monotonic() - start)",
        "if log:\n    start = time.time()\nlog.info('took %s', time.time() - start)",
        "start = time.time()\nfor item in order:\n    log.info('took %s', time.time() - start)\n    start = time.time()",
        "start = time.time()\ntry:\n    log.info('took %s', time.time() - start)\n    order.pack()\nexcept KeyError:\n    log.info('failed after %s', time.time() - start)",
    ],
    ids=["stored", "captured", "global", "two clocks", "one branch", "restarted", "unclear path"],
)
def test_what_is_not_certain_is_not_fixed(body: str) -> None:
    """Where a reading has another use, or may be the last one twice, the finding has no safe fix."""
    source = f"import time\n\n\ndef f(order, log):\n{indent(body, '    ')}\n"
    assert fixed(source) == source


def test_generators_are_timed() -> None:
    """A generator's duration is telemetry as well; that of the block under a context manager belongs to the block."""
    generator = "import time\n\n\ndef f(rows, log):\n    start = time.time()\n    yield from rows\n    log.info('%s', time.time() - start)\n"
    lent = generator.replace("\n\n\ndef", "\nfrom contextlib import contextmanager\n\n\n@contextmanager\ndef")
    before = lent.replace("    yield from rows\n", "    rows.load()\n") + "    yield\n"
    assert [len(messages(source)) for source in (generator, lent, before)] == [1, 0, 1]


@pytest.mark.parametrize(
    "end",
    [
        "response.headers['X-Process-Time'] = str({d})",
        "response.headers.add('Server-Timing', f'app;dur={{{d}}}')",
        "self.metrics.request_timer.add_value({d})",
        "self.capture_call(order, {d})",
        "log(logging.INFO, 'took %f' % ({d}))",
        "logger(logging.INFO, 'took %f' % ({d}))",
        "nodes[order].latency.append({d})",
        "global took\ntook = {d}",
        "took_ms = ({d}) * 1000\nemit(_build_send_event(order, took_ms))",
    ],
    ids=[
        "header",
        "header by a method",
        "timer",
        "capture",
        "log",
        "logger",
        "entry's list",
        "global",
        "event",
    ],
)
def test_further_places_of_telemetry(end: str) -> None:
    """A response's header, a timer under another name, an event."""
    assert len(messages(timed_function(end.format(d="time.monotonic() - start")))) == 1


def test_a_moment_as_a_number_is_the_same_moment() -> None:
    """`.timestamp()` of a reading is a reading."""
    source = timed_function(
        "log.info(datetime.utcnow().timestamp() - start)",
        clock="datetime.utcnow().timestamp()",
        imports="from datetime import datetime",
    )
    assert len(messages(source)) == 1
    assert fixed(source) == dedent(source)


def test_a_moment_without_its_microseconds_is_the_same_moment() -> None:
    """`.replace(microsecond=0)` of a reading is a reading."""
    rounded = "datetime.now().replace(microsecond=0)"
    source = timed_function(f"log.info({rounded} - start)", clock=rounded, imports="from datetime import datetime")
    assert len(messages(source)) == 1
    assert fixed(source) == dedent(source)


def test_a_clock_may_be_called_time() -> None:
    """A project's own `time()` is a clock, and what was submitted has begun."""
    own = timed_function("log.info('took %s', time() - start)", clock="time()", imports="from shop.clocks import time")
    submitted = "import time\n\n\ndef f(order, log):\n    log.info('took %s', time.monotonic() - order.submitted)\n"
    assert [len(messages(source)) for source in (own, submitted)] == [1, 1]


@pytest.mark.parametrize(
    ("line", "count"),
    [
        ("self.metrics.timing('batch', time.time() - self.batch_time)", 1),
        ("self.log.info('no batch for %s s', time.time() - self.batch_time)", 0),
        ("self.metrics.timing('late', time.time() - message.written)", 0),
    ],
    ids=["metric", "log", "data"],
)
def test_what_a_metric_is_fed_with_began_with_a_reading(line: str, count: int) -> None:
    """An attribute that the class sets to a reading is a start where a metric gets the difference."""
    source = f"""\
        import time

        class Batches:
            def __init__(self):
                self.batch_time = time.time()

            def flush(self, message):
                {line}
        """
    assert len(messages(source)) == count


@pytest.mark.parametrize(("end", "count"), [("job.poll()", 0), ("return", 1)], ids=["goes on", "is over"])
def test_a_wait_that_says_how_long_it_waits_is_logic(end: str, count: int) -> None:
    """What a loop with a deadline logs as it waits is no duration; what it logs as it ends is one."""
    source = f"""\
        import time

        def wait(job, log):
            start = time.monotonic()
            while time.monotonic() - start < 60:
                if job.ready():
                    log.info("waiting for %.1f s", time.monotonic() - start)
                    {end}
        """
    assert len(messages(source)) == count


def test_a_loop_that_sleeps_says_how_long_it_waits() -> None:
    """Without a deadline of its own, too; what is logged behind the loop is a duration."""
    source = """\
        import time

        def follow(job, log):
            start = time.monotonic()
            while not job.done():
                log.info("%s after %.1f s", job.state, time.monotonic() - start)
                time.sleep(1)
        """
    assert messages(source) == []
    assert len(messages(source + '            log.info("done in %.1f s", time.monotonic() - start)\n')) == 1


def test_a_loop_that_waits_for_an_event_shows_how_long_it_waits() -> None:
    """Waiting for an event with a timeout is pausing."""
    source = """\
        import time

        def follow(done, log):
            start = time.monotonic()
            while not done.is_set():
                log.info("%.1f s so far", time.monotonic() - start)
                done.wait(0.5)
        """
    assert messages(source) == []


def test_helpers_that_measure_are_left_alone() -> None:
    """A context manager's methods, and benchmarks."""
    timer = (
        "import time\n\n\nclass Timer:\n    def __exit__(self, *args):\n        log.info(time.time() - self.start)\n"
    )
    assert messages(timer) == []
    source = timed_function("log.info('%s', time.monotonic() - start)")
    for name in ("run_benchmark", "test_torch_performance", "load_test"):
        assert messages(source.replace("def f", f"def {name}")) == []
    for name in ("test_connection", "performance_report"):
        assert messages(source.replace("def f", f"def {name}"))


@pytest.mark.parametrize(
    "path",
    [
        "tests/test_pack.py",
        "src/shop/tests.py",
        "benchmarks/pack.py",
        "src/shop_benchmark/pack.py",
        "src/shop/autotune.py",
        "src/shop/pack_timer.py",
        "src/shop/load_test.py",
        "src/shop/stress_testing/pack.py",
        "src/shop/metrics.py",
        "conftest.py",
    ],
)
def test_where_measuring_is_the_subject(path: str) -> None:
    """Tests, benchmarks and metrics modules measure by hand with good reason."""
    assert messages(timed_function("log.info('took %s', time.monotonic() - start)"), path) == []


def test_unsafe_fix_takes_reading_and_log_line_away() -> None:
    """Who allows unsafe fixes gets the decorator in the place of clock, subtraction and log line."""
    source = timed_function("log.info('took %.1f s', time.monotonic() - start)")
    after = fixed(source, unsafe=True)
    assert after.endswith('@timed("shop.orders.f.duration")\ndef f(order, log):\n    order.pack()\n')
    assert fixed(source) != after


def test_measured_once_where_a_decorator_measures_already() -> None:
    """The unsafe fix adds no second decorator to a function that carries one."""
    source = timed_function("log.info('took %.1f s', time.monotonic() - start)").replace(
        "def f", "@counted('shop.f')\ndef f"
    )
    source = source.replace("import time", "import time\n\nfrom golden_runtime import counted")
    assert "@timed" not in fixed(source, unsafe=True)


WHOLE = {
    "a blank line below the clock": ("start = time.time()\n\norder.save()\nlog.info(time.time() - start)", "order.save()"),
    "a blank line above the log line": ("start = time.time()\norder.save()\n\nlog.info(time.time() - start)", "order.save()"),
    "below a docstring": (
        '"""Save."""\n\nstart = time.time()\n\norder.save()\nlog.info(time.time() - start)', '"""Save."""\n\norder.save()'
    ),
    "comments on time": (
        "# Start the clock.\nstart = time.time()\n# All of it.\norder.save()\n\n# How long it took.\nend = time.time()\n\nlog.info(end - start)",
        "# All of it.\norder.save()",
    ),
    "a comment on the work": ("# Save the order.\nstart = time.time()\norder.save()\nlog.info(time.time() - start)", "# Save the order.\norder.save()"),
    "a return below": ("start = time.time()\norder.save()\n\nlog.info(time.time() - start)\n\nreturn order", "order.save()\n\nreturn order"),
}  # fmt: skip


@pytest.mark.parametrize(("body", "left"), WHOLE.values(), ids=WHOLE)
def test_unsafe_fix_leaves_no_gap(body: str, left: str) -> None:
    """Blank lines that only parted the clock from the work go with it, and comments on what goes."""
    after = fixed(f"import time\n\n\ndef f(order, log):\n{indent(body, '    ')}\n\n\nLAST = 1\n", unsafe=True)
    assert after.partition("def f(order, log):\n")[2] == f"{indent(left, '    ')}\n\n\nLAST = 1\n"


@pytest.mark.parametrize(
    "body",
    [
        "start, n = time.time(), order.size()\norder.pack(n)\nlog.info('took %s', time.time() - start)",
        "start = time.time()\norder.pack()\nlog.info('sent %s in %s', order.pop(), time.time() - start)",
        "start = order.started = time.time()\norder.pack()\nlog.info('took %s', time.time() - start)",
    ],
    ids=["another variable", "a call in the log line", "two targets"],
)
def test_unsafe_fix_takes_nothing_else_away(body: str) -> None:
    """What the lines do besides timing stays, even where unsafe fixes are allowed."""
    after = fixed(f"import time\n\n\ndef f(order, log):\n{indent(body, '    ')}\n", unsafe=True)
    assert "@timed" not in after


@pytest.mark.parametrize(
    "source",
    [
        "import time\ndef f(log): s = time.time(); log.pack(); log.info('%s', time.time() - s)\n",
        "import time\nclass A:\n    def f(self, log): s = time.time(); log.info('%s', time.time() - s)\n",
        "import time\ndef f(log, slow):\n    if slow: s = time.time()\n    log.info('%s', time.time() - s)\n",
        "import time\ndef f(log, slow):\n    s = time.time()\n    if slow: log.info('%s', time.time() - s); return\n    log.pack()\n",
    ],
    ids=["function", "method", "start", "end"],
)
def test_statements_behind_a_colon_are_found_and_left_as_they_are(source: str) -> None:
    """A body on the line of its header is no block to reason about: a person does."""
    assert len(messages(source)) == 1
    assert fixed(source, unsafe=True) == source


def test_expressions_shown_as_code_stay() -> None:
    """`f"{x=}"` logs the expression itself, which a fix would change."""
    source = timed_function("log.info(f'{time.monotonic() - start=}')")
    assert fixed(source) == source


@pytest.mark.parametrize(
    "reader",
    [
        "order.render(**locals())",
        "order.note('%(start)s' % vars())",
        "order.note(eval('start + 1'))",
        "exec('order.seen = start')",
        "order.note('{start}'.format_map({**locals()}))",
        "order.note([name for name in sorted(dir())])",
    ],
)
def test_a_start_stays_where_code_reads_every_variable(reader: str) -> None:
    """What is handed on as a whole, to a template say, has the number in it; neither fix takes it away."""
    source = timed_function(f"{reader}\nlog.info('took %s', time.monotonic() - start)")
    assert len(messages(source)) == 1
    assert fixed(source, unsafe=True) == source


@pytest.mark.parametrize(
    "reader",
    [
        "order.tell(lambda: start)",
        "def tell():\n    return start",
        "class Told:\n    at = start",
        "def reset():\n    nonlocal start\n    start = 0.0",
    ],
)
def test_a_start_stays_where_an_inner_scope_has_it(reader: str) -> None:
    """A function in the function would not find it; neither fix takes it away."""
    source = timed_function(f"{reader}\norder.close()\nlog.info('took %s', time.monotonic() - start)")
    assert len(messages(source)) == 1
    assert fixed(source, unsafe=True) == source


def test_what_only_sounds_like_reading_every_variable_does_not_count() -> None:
    """A model's `eval()` the fields of an object, and code with names of its own ask for no variable."""
    source = timed_function(
        "order.model.eval()\norder.note(vars(order))\nexec(order.code, {})\nlog.info('took %s', time.monotonic() - start)"
    )
    assert "start.stop()" in fixed(source)


@pytest.mark.parametrize(
    ("end", "expected"),
    [
        ("took = (  # seconds (in all\n    {d}\n)\nlog.info('%s', took)", "took = (  # seconds (in all\n    {d}\n)\n"),
        ("(log.info  # (\n )({d})", "(log.info  # (\n )({d})"),
        ("end = (  # done\n    time.monotonic()\n)\nlog.info('%s', end - start)", "= (  # done\n    {d}\n)\n"),
    ],
    ids=[
        "a parenthesis in a comment",
        "a comment before a call's own parenthesis",
        "a comment where the clock is read",
    ],
)
def test_comments_within_parentheses_stay(end: str, expected: str) -> None:
    """A comment between what is measured and its parentheses is nobody's to take."""
    after = fixed(timed_function(end.format(d="time.monotonic() - start")))
    assert indent(expected.format(d="start.stop()"), "    ").lstrip() in after


def test_a_comment_at_an_annotated_start_stays() -> None:
    """Only the annotation goes, which says `float`."""
    source = timed_function("log.info('%s', time.monotonic() - start)")
    annotated = source.replace("start = time.monotonic()", "start: float = (  # now\n        time.monotonic()\n    )")
    after = fixed(annotated)
    assert "    start = (  # now\n        timed(" in after
    assert "start()\n    )\n" in after


def test_what_held_the_end_is_called_what_it_holds() -> None:
    """A duration is no `end_time`; but no name is taken twice."""
    source = timed_function("end_time = time.monotonic()\nif order.slow:\n    log.info('took %s', end_time - start)")
    assert "elapsed_time = start.stop()" in fixed(source)
    assert "log.info('took %s', elapsed_time)" in fixed(source)
    assert "end_time = start.stop()" in fixed(source.replace("order.slow", "elapsed_time"))


# Statements of a function with hand timing; `D` is the difference.
LINES = st.sampled_from(
    [
        "work(x)",
        "log.info('so far', D)",
        "if x == 1:\n    log.info('one', D)\n    return 'one'",
        "if x == 2:\n    log.info('two', D)\n    raise KeyError('two')",
        "if x > 1:\n    log.info('big', D)\nelse:\n    log.info('small', D)",
        "for item in range(x):\n    work(item)",
        "for item in range(x):\n    if item == 1:\n        log.info('found', D)\n        return item",
        "try:\n    work(x)\nexcept ValueError:\n    log.info('failed', D)\n    return 'failed'",
        "try:\n    work(x)\nexcept ValueError:\n    log.info('failed', D)\n    raise",
        "took = D\nlog.info('took', took)",
        "with log:\n    work(x)",
        "while x > 2:\n    log.info('loop', D)\n    break",
    ]
)
LAST = st.sampled_from(
    ["log.info('end', D)\nreturn x", "return {'x': x, 'elapsed': D}", "log.info('end', D)", "return x"]
)


class Log:
    """Keeps what is logged, each duration as its type."""

    def __init__(self) -> None:
        self.lines: list[tuple[object, ...]] = []

    def info(self, *words: object) -> None:
        """Note a line."""
        self.lines.append(tuple(map(without_seconds, words)))

    def __enter__(self) -> None:
        self.lines.append(("enter",))

    def __exit__(self, *_: object) -> None:
        self.lines.append(("exit",))


def without_seconds(value: object) -> object:
    """Return a value with each duration as its type."""
    if isinstance(value, dict):
        return {key: without_seconds(entry) for key, entry in value.items()}
    return float if isinstance(value, float) else value


def outcome(source: str, x: int) -> tuple[list[tuple[object, ...]], object]:
    """Run `f(x)` of a module, and return what it logged, and what it returned or raised."""
    log = Log()

    def work(item: int) -> None:
        log.lines.append(("work", item))
        if item == 3:
            raise ValueError(item)

    space: dict[str, object] = {"log": log, "work": work}
    exec(source, space)  # noqa: S102 - the module is the test's own
    try:
        return log.lines, without_seconds(space["f"](x))  # type: ignore[operator]  # `f` is the function in the source
    except (KeyError, ValueError) as error:
        return log.lines, repr(error)


def recorded() -> float:
    """Return how many durations the timer of `f` has recorded."""
    return REGISTRY.get_sample_value("shop_orders_f_duration_seconds_count") or 0.0


@settings(max_examples=150, deadline=None)
@given(st.lists(LINES, min_size=1, max_size=4), LAST)
def test_fixed_code_does_what_it_did(lines: list[str], last: str) -> None:
    """Every path logs, returns and raises what it did; one that took the time records it exactly once.

    A path that an error ends between two readings has taken no last one, and records nothing.
    """
    body = "\n".join([*lines, last]).replace("D", "time.monotonic() - start")
    source = f"import time\n\n\ndef f(x):\n    start = time.monotonic()\n{indent(body, '    ')}\n"
    after = fixed(source)
    if after == source:
        return
    for x in range(5):
        before = recorded()
        expected = outcome(source, x)
        assert recorded() == before
        assert outcome(after, x) == expected
        read_clock = any(float in line for line in expected[0]) or "elapsed" in str(expected[1])
        cut_short = "ValueError" in str(expected[1])
        assert recorded() - before == read_clock or (cut_short and recorded() == before)


@pytest.mark.parametrize("unit", ["ms", "elapsed", "duration_ms", "took", "microseconds", "t"])
@pytest.mark.parametrize(
    ("lines", "what"),
    [
        ("start = time.monotonic()\nlines = order.lines()\norder.pack(lines)", "f"),
        ("lines = order.lines()\nstart = time.monotonic()\norder.pack(lines)", "order.pack"),
        ("lines = order.lines()\nstart = time.monotonic()\nbox: Box = order.pack(lines)", "order.pack"),
        ("lines = order.lines()\nstart = time.monotonic()\norder.sort()\norder.pack(lines)", "f"),
        ("lines = order.lines()\nstart = time.monotonic()\nif lines:\n    order.pack(lines)", "f"),
    ],
    ids=["from the first line on", "one call", "one call annotated", "two calls", "a branch"],
)
def test_a_name_that_says_only_the_unit_is_not_what_is_timed(lines: str, what: str, unit: str) -> None:
    """A finding says what was timed; `ms is timed by hand` says nothing, and `render_ms` says all there is."""
    source = "import time\n\n\ndef f(order, log):\n" + indent(
        f"{lines}\n@ = time.monotonic() - start\nlog.info('packed', @)\n", "    "
    )
    (message,) = messages(source.replace("@", unit))
    assert message.startswith(f"`{what}` is timed by hand: ")
    (named,) = messages(source.replace("@", "render_ms"))
    assert named.startswith("`render_ms` is timed by hand: ")


@pytest.mark.parametrize(
    ("lines", "certain"),
    [
        ("{log}\nif orders.more():\n    continue\nreturn orders", False),
        (
            "try:\n    orders.get()\n    {log}\n    orders.pack()\n    return orders\nexcept OSError:\n    orders.wait()",
            False,
        ),
        (
            "try:\n    orders.get()\n    {log}\n    orders.pack()\n    return orders\nexcept OSError:\n    raise Failed from None",
            True,
        ),
        ("try:\n    orders.get()\n    {log}\n    return orders\nexcept OSError:\n    orders.wait()", True),
        ("{log}\nif orders.more():\n    break\nreturn orders", True),
    ],
    ids=["continue", "what follows may fail", "a failure ends it", "nothing fails", "break"],
)
def test_a_timer_stops_once_where_a_loop_may_go_on(lines: str, certain: bool) -> None:
    """Stopped again, a timer tells the same seconds: there is no fix where a round may come to the reading once more."""
    body = indent(lines.format(log="log.info('packed in %.1f s', time.monotonic() - start)"), "        ")
    source = (
        f"import time\n\n\ndef f(orders, log):\n    start = time.monotonic()\n    for attempt in range(3):\n{body}\n"
    )
    assert len(messages(source)) == 1
    assert ("start.stop()" in fixed(source)) is certain
