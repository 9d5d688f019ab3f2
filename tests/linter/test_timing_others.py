"""GR201 and durations that belong to somebody else: to test reports, probes, instruments and progress displays."""

from __future__ import annotations

import pytest
from hand_timing import messages, timed_function

KEPT = timed_function("order.elapsed = time.monotonic() - start")
PASSED_IN = """\
    import time

    class {owner}:
        def {name}(self, start, log):
            log.info("took %.1f s", time.monotonic() - start)
    """


@pytest.mark.parametrize(
    ("path", "imports", "count"),
    [
        ("src/pytest_orders/plugin.py", "", 0),
        ("src/pytest_orders.py", "", 0),
        ("src/orders/plugin.py", "import pytest\n", 0),
        ("src/orders/plugin.py", "from _pytest.reports import TestReport\n", 0),
        ("src/orders/plugin.py", "", 1),
    ],
    ids=["package", "module", "imports pytest", "imports its parts", "another plugin"],
)
def test_a_plugin_of_pytest_reports_how_long_tests_took(path: str, imports: str, count: int) -> None:
    """The duration of a test is what a test report is made of, and nobody scrapes a test run."""
    assert len(messages(imports + KEPT, path)) == count


@pytest.mark.parametrize(
    ("loop", "count"),
    [
        ("for _ in range(runs):", 0),
        ("for run in range(runs):", 0),
        ("for order in orders:", 1),
        ("while orders.more():", 1),
    ],
)
def test_the_same_work_again_and_again_is_a_benchmark(loop: str, count: int) -> None:
    """A loop that only counts measures; one that goes through something works."""
    source = f"""\
        import time

        def pack(runs, orders, order, timings):
            {loop}
                start = time.monotonic()
                order.pack()
                timings.append(time.monotonic() - start)
        """
    assert len(messages(source)) == count


def test_a_loop_that_counts_may_also_work() -> None:
    """What uses the number, may leave early, or logs each time, is no benchmark."""
    source = """\
        import time

        def pack(order, timings, log):
            for page in range(order.pages):
                start = time.monotonic()
                order.pack({number})
                {end}
        """
    kept = "timings.append(time.monotonic() - start)"
    logged = "log.info('page packed in %.1f s', time.monotonic() - start)"
    retried = f"if order.ok:\n                    {kept}\n                    return"
    found = [
        len(messages(source.format(number=number, end=end)))
        for number, end in (("", kept), ("page", kept), ("", logged), ("", retried))
    ]
    assert found == [0, 1, 1, 1]


@pytest.mark.parametrize(
    ("record", "count"), [("HealthResult", 0), ("ProbeReport", 0), ("OrderResult", 1), ("HealthRecordEntry", 1)]
)
def test_a_record_of_health_holds_what_a_probe_was_asked_for(record: str, count: int) -> None:
    """Whatever the function is called that fills it."""
    body = f"took = time.monotonic() - start\nreturn {record}(order.name, latency_ms=took * 1000)"
    assert len(messages(timed_function(body))) == count


@pytest.mark.parametrize(
    ("owner", "name", "path", "count"),
    [
        ("StepTimer", "stop", "src/shop/orders.py", 0),
        ("Profiler", "finish", "src/shop/orders.py", 0),
        ("Orders", "end_timing", "src/shop/orders.py", 0),
        ("Orders", "finish", "src/shop/tracer.py", 0),
        ("Orders", "finish", "src/shop/orders.py", 1),
        ("Orders", "finish", "src/shop/traceability.py", 1),
    ],
)
def test_an_instrument_measures_the_work_of_others(owner: str, name: str, path: str, count: int) -> None:
    """One that is told when others began is left to GR206."""
    assert len(messages(PASSED_IN.format(owner=owner, name=name), path)) == count


def test_an_instrument_has_work_of_its_own() -> None:
    """What a tracer's function times from its own start on is its own work."""
    assert len(messages(KEPT, "src/shop/tracer.py")) == 1


@pytest.mark.parametrize(
    ("end", "count"),
    [
        ("order.progress.elapsed = {d}", 0),
        ("order.progress['elapsed'] = {d}", 0),
        ("order.stats.elapsed = {d}", 1),
        ("order.report(f'packed in {{{d}:.1f}} s')", 0),
        ("order.report({d})", 1),
        ("print(summary_line({d}))", 0),
        ("log.info(summary_line({d}))", 1),
        ("uptime = {d}\nlog.info('up for %s', uptime)", 0),
        ("order.start_time += {d}", 0),
        ("order.cold_start_ms += {d}", 1),
    ],
)
def test_what_only_a_person_sees_goes_by_where_it_ends(end: str, count: int) -> None:
    """Progress, a text that is reported, what a printed text is made of; and a start that is moved drives the program."""
    assert len(messages(timed_function(end.format(d="time.monotonic() - start")))) == count


def test_a_file_named_for_progress_draws_it() -> None:
    """What it keeps is for who watches."""
    assert messages(KEPT, "src/shop/progress.py") == []


@pytest.mark.parametrize(
    ("end", "count"),
    [
        ("latency_ms = {d} * 1000\nreturn order.parse(order.raw, latency_ms)", 1),
        ("latency_ms = {d} * 1000\nreturn order.parse(latency_ms)", 0),
        ("latency_ms = {d} * 1000\nreturn order.render(order.raw, latency_ms)", 0),
        ("gap = {d}\nreturn order.parse(order.raw, gap)", 0),
        ("return OrderTiming(order.name, total={d})", 1),
        ("return OrderRecord(order.name, total={d})", 0),
    ],
    ids=["beside a result", "alone", "to what draws", "no duration by its name", "record of timings", "any record"],
)
def test_a_duration_is_handed_on_beside_what_the_work_gave(end: str, count: int) -> None:
    """A helper that makes the result gets both; a record that is named for timings says so of all its fields."""
    assert len(messages(timed_function(end.format(d="(time.monotonic() - start)")))) == count


def test_the_work_may_end_before_the_loop_that_tells_of_it() -> None:
    """Progress is what a loop says of itself; what was measured before it is only repeated there, and what ends it comes once."""
    told_later = """\
        import time

        def pack(orders, rows):
            start = time.monotonic()
            orders.pack()
            end = time.monotonic()
            for order in orders:
                rows.append({"name": order, "elapsed": end - start})
        """
    assert len(messages(told_later)) == 1
    ended = """\
        import time

        def fetch(orders, client):
            start = time.monotonic()
            for attempt in range(3):
                with client.get(orders) as answer:
                    if answer.ok:
                        took = time.monotonic() - start
                        result = Answer(answer.body, elapsed=took)
                    return result
        """
    assert len(messages(ended)) == 1
    assert messages(ended.replace("                    return result\n", "")) == []
