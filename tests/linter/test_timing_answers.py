"""GR201: durations that are what somebody asks for, and so no telemetry."""

from __future__ import annotations

from textwrap import indent

import pytest
from hand_timing import messages, timed_function


@pytest.mark.parametrize(
    ("end", "count"),
    [
        ("print('took', {d})", 0),
        ("click.echo(f'took {{{d}}}')", 0),
        ("console.print(f'took {{{d}}}')", 0),
        ("self.stdout.write(self.style.SUCCESS(f'took {{{d}}}'))", 0),
        ("show_summary({d})", 0),
        ("log.info('took %s', {d})", 1),
        ("took = {d}\nprint(took)\nlog.info('took %s', took)", 1),
        ("print('took', {d})\nseconds.observe({d})", 1),
        ("return {{'orders': order.count, 'elapsed': {d}}}", 0),
        ("timings.append({d})\nprint(sum(timings))", 0),
    ],
)
@pytest.mark.parametrize("path", ["src/shop/management/commands/pack.py", "src/shop/cli.py"])
def test_a_command_tells_the_person_who_waits_how_long_it_took(path: str, end: str, count: int) -> None:
    """What is printed by a command has one reader; what is logged or recorded besides is telemetry."""
    source = timed_function(end.format(d="time.monotonic() - start"))
    assert len(messages(source, path)) == count


@pytest.mark.parametrize(
    "end",
    [
        "print('took', {d})",
        "took = {d}\nreport.display_results(order, took)",
        "order.on_status(f'packed in {{{d}:.1f}} s')",
        "order.draw(seconds=f'{{{d}:.1f}}')",
        "stream.write('packed in %s' % ({d}))",
    ],
    ids=["print", "display", "text", "text by keyword", "stream"],
)
def test_what_is_shown_is_for_who_watches(end: str) -> None:
    """What is printed, or handed on as a text, is read once; the same value in a log line besides is telemetry."""
    difference = "time.monotonic() - start"
    assert messages(timed_function(end.format(d=difference))) == []
    assert len(messages(timed_function(f"{end}\nlog.info({{d}})".format(d=difference)))) == 1


@pytest.mark.parametrize(
    ("name", "end"),
    [
        ("ping", "return {{'id': order.id, 'latency_ms': {d}}}"),
        ("check_database_connection", "return Health(order.id, latency={d})"),
        ("measure_latency", "order.latencies.append({d})"),
        ("ask", "return {{'reachable': True, 'latency_ms': {d}}}"),
        ("ask", "took = {d}\nreturn Health(ok=True, name=order, latency=took)"),
        ("ping", "took = {d}\nlog.debug('took %s', took)\nreturn took"),
    ],
    ids=["name", "connection", "measuring", "nothing else", "known before", "logged besides"],
)
def test_the_latency_of_a_probe_is_its_answer(name: str, end: str) -> None:
    """Who asks whether something answers asks how fast; a metric that is fed besides is found."""
    source = timed_function(end.format(d="time.monotonic() - start")).replace("def f(", f"def {name}(")
    assert messages(source) == []
    fed = timed_function("SECONDS.observe(time.monotonic() - start)").replace("def f(", f"def {name}(")
    assert len(messages(fed)) == 1


@pytest.mark.parametrize(
    "end",
    [
        "return {{'rows': rows, 'latency_ms': {d}}}",
        "return Answer(ok=True, rows=rows, latency={d})",
        "return {{'ok': False, 'latency_ms': {d}}}",
    ],
)
def test_a_duration_beside_a_result_is_telemetry(end: str) -> None:
    """What work brought stands in the same answer, or that it failed: the duration is no answer of its own."""
    assert len(messages(timed_function("rows = order.rows()\n" + end.format(d="time.monotonic() - start")))) == 1


@pytest.mark.parametrize(
    ("name", "count"), [("status", 0), ("to_dict", 0), ("template_vars", 0), ("finish", 1), ("on_close", 1)]
)
def test_the_age_of_what_goes_on_is_data(name: str, count: int) -> None:
    """A view tells at any moment how long ago something began; what ends it measures."""
    source = f"""\
        import time

        class Run:
            def __init__(self):
                self.started = time.time()

            def {name}(self):
                return {{"steps": self.steps, "elapsed": time.time() - self.started}}
        """
    assert len(messages(source)) == count


@pytest.mark.parametrize(
    ("inside", "count"),
    [
        ("log.info('%s rows in %.1f s', rows, time.monotonic() - start)", 0),
        ("if rows % 100 == 0:\n    log.info('%s rows in %.1f s', rows, time.monotonic() - start)", 0),
        ("history.append(dict(rows=rows, elapsed=time.monotonic() - start))", 0),
        ("self._hook_progress({'elapsed': time.monotonic() - start})", 0),
        ("if first is None:\n    first = time.monotonic() - start\n    log.info('first row after %.1f s', first)", 1),
        ("if row.last:\n    log.info('%.1f s', time.monotonic() - start)\n    return", 1),
    ],
    ids=["each round", "each hundred", "history", "hook", "the first", "the last"],
)
def test_a_loop_says_how_far_it_is(inside: str, count: int) -> None:
    """How long a loop has been going on is progress; what happens in it once is measured."""
    head = "import time\n\n\ndef f(table, log, history):\n    first = None\n    start = time.monotonic()\n"
    source = f"{head}    for rows, row in enumerate(table):\n{indent(inside, '        ')}\n"
    assert len(messages(source)) == count


def test_how_long_a_program_has_been_running_is_no_measurement() -> None:
    """A moment that the module keeps is when the program began; a parameter is a start."""
    since = "import time\n\nstart_time = time.time()\n\n\ndef f(log):\n    log.info('[%8.2f] loading', time.time() - start_time)\n"
    assert messages(since) == []
    assert len(messages(since.replace("def f(log)", "def f(log, start_time)"))) == 1


def test_an_amount_is_no_duration() -> None:
    """Power times time is energy; times a unit, it stays a time."""
    assert (
        messages(
            timed_function(
                "took = {d}\nlog.info('%s J in %s s', order.watts * took, took)".format(d="time.monotonic() - start")
            )
        )
        == []
    )
    assert len(messages(timed_function("log.info((time.monotonic() - start) * MILLIS)"))) == 1


def test_what_waits_or_draws_does_no_work() -> None:
    """How long others took is told by who waits for them, and drawn by a user interface; a log line there is found all the same."""
    kept = timed_function("return Result(order, duration=time.monotonic() - start)")
    logged = timed_function("log.info('took %s', time.monotonic() - start)")
    assert messages(kept.replace("def f", "def wait_for_build")) == []
    assert messages(kept, "src/shop/tui/app.py") == []
    assert [
        len(messages(logged, "src/shop/tui/app.py")),
        len(messages(logged.replace("def f", "def wait_for_build"))),
    ] == [1, 1]


_RUN_AS_SCRIPT = '\n\nif __name__ == "__main__":\n    f(Order(), log)\n'


@pytest.mark.parametrize(
    ("end", "count"),
    [
        ("print(order)\nreturn {{'orders': order.count, 'elapsed': {d}}}", 0),
        ("print(order)\ntimings.append({d})", 0),
        ("return {{'orders': order.count, 'elapsed': {d}}}", 1),
        ("print(order)\nlog.info('took %s', {d})", 1),
        ("print(order)\nseconds.observe({d})", 1),
    ],
    ids=["prints and returns", "prints and collects", "prints nothing", "logs besides", "feeds a metric besides"],
)
def test_a_script_that_prints_reports_to_who_runs_it(end: str, count: int) -> None:
    """What a function of a script prints and keeps is for one reader; a log line or a metric is read by others."""
    script = timed_function(end.format(d="time.monotonic() - start")) + _RUN_AS_SCRIPT
    assert len(messages(script)) == count
    # What is under `!=` runs when the module is imported, so the file is no script.
    assert len(messages(script.replace("__name__ ==", "__name__ !="))) == 1


def test_printing_alone_makes_no_script() -> None:
    """A function that prints is timed like any other in a module, in a class, and where it answers requests."""
    module = timed_function("print(order)\nreturn {'orders': order.count, 'elapsed': time.monotonic() - start}")
    handler = module.replace("def f", "@app.get('/orders')\ndef f").replace(
        "import time", "import time\nimport fastapi\n\napp = fastapi.FastAPI()"
    )
    method = """\
        import time

        class Packer:
            def pack(self, order):
                start = time.monotonic()
                print(order.pack())
                self.stats["elapsed"] = time.monotonic() - start

        if __name__ == "__main__":
            Packer().pack(Order())
        """
    assert [len(messages(source)) for source in (module, handler + _RUN_AS_SCRIPT, method)] == [1, 1, 1]


@pytest.mark.parametrize(("pause", "count"), [("time.sleep(1)", 0), ("job.work()", 1)], ids=["polls", "works"])
def test_a_wait_that_polls_says_at_its_end_how_long_others_took(pause: str, count: int) -> None:
    """A function that is named for waiting, and pauses between looks, did no work of its own; one that works did."""
    source = f"""\
        import time

        def wait_for_build(job, log):
            start = time.monotonic()
            while not job.done():
                {pause}
            log.info("built after %.1f s", time.monotonic() - start)
        """
    assert len(messages(source)) == count


def test_a_progress_display_tells_how_far_something_is() -> None:
    """What a progress bar knows of its time is for who watches it, unless it is logged."""
    source = """\
        import time

        class ProgressBar:
            def __init__(self):
                self.start = time.monotonic()

            def finish(self):
                SUMMARY.update(files=self.files, elapsed=time.monotonic() - self.start)
        """
    assert messages(source) == []
    assert len(messages(source.replace("ProgressBar", "Packer"))) == 1
    logged = source.replace("SUMMARY.update(files=self.files, elapsed=", "log.info('%s in %s', self.files, ")
    assert len(messages(logged)) == 1


def test_a_record_of_a_log_is_no_log_call() -> None:
    """A class whose name speaks of a log makes a record; its fields say whether a duration is telemetry."""
    assert messages(timed_function("return LogContext(interval={'cost': time.monotonic() - start})")) == []
    (message,) = messages(timed_function("return RequestLog(latency=time.monotonic() - start)"))
    assert message.endswith("ends in `latency=` of `RequestLog`")


def test_one_of_two_wrappers_measures_another() -> None:
    """A decorator that chooses between a wrapper for functions and one for coroutine functions is left alone."""
    source = """\
        import functools
        import time

        def logged(function):
            @functools.wraps(function)
            def plain(*args):
                start = time.monotonic()
                try:
                    return function(*args)
                finally:
                    log.info("took %s", time.monotonic() - start)

            return lambda *args: plain(*args)
        """
    assert messages(source) == []


def test_the_starts_of_many_are_data() -> None:
    """A listing of what runs says of each how long it has been running."""
    source = """\
        import time

        def listing(runs, log):
            for run in runs:
                log.info("%s runs for %.1f s", run.name, time.time() - run.started_at)
        """
    assert messages(source) == []
