"""Names, conflicts, reloads, and metrics that never harm the caller."""

import importlib
import sys
from enum import Enum
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from exposed import lines, run_script, value
from golden_runtime import (
    MetricConflictError,
    MetricNameError,
    counted,
    measure_memory,
    timed,
    track_errors,
    track_request,
)
from golden_runtime.metrics import declare, families
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client import REGISTRY, Counter, Histogram, generate_latest


class Color(Enum):
    """Something that a label may be."""

    RED = "red"


@pytest.mark.parametrize(
    ("written", "exposed"),
    [
        ("{}.b", "{}_b_total"),
        ("{}.b-c/d", "{}_b_c_d_total"),
        ("{}.b.total", "{}_b_total"),
        ("{}.b_total", "{}_b_total"),
        ("{}..b", "{}_b_total"),
    ],
)
def test_names_are_translated(name: str, written: str, exposed: str) -> None:
    """Dots and their like become underscores, and a counter ends in `_total` once."""
    counted(written.format(name))
    assert value(exposed.format(name)) == 0.0


@pytest.mark.parametrize("wrong", ["", "1st", ".a", "a b", "é", "a{b}", "total", "x" * 256])
def test_illegal_names_are_refused(wrong: str) -> None:
    """A name that Prometheus cannot expose shows at decoration, in one sentence."""
    with pytest.raises(MetricNameError):
        counted(wrong)


def test_a_name_that_is_no_string_is_refused() -> None:
    """`@counted` without a name is a common slip: the message says what is wanted."""
    with pytest.raises(MetricNameError, match="a metric name must be a string"):
        counted(print)  # type: ignore[arg-type]  # the mistake under test


def test_declaring_alike_twice_shares_the_series(name: str) -> None:
    """Two decorators with one name and the same labels add to one series."""
    for _ in range(2):
        counted(name)(lambda: None)()
    assert value(f"{name}_total") == 2.0


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (lambda name: counted(name), lambda name: counted(name, labels={"kind": "x"})),
        (lambda name: track_errors(name), lambda name: counted(name)),
        (lambda name: timed(name), lambda name: counted(f"{name}.seconds.count")(timed(f"{name}_seconds_count"))),
        (lambda name: track_request(name), lambda name: counted(f"{name}.calls")),
    ],
    ids=["labels", "labels set by the decorator", "suffix", "composite"],
)
def test_a_series_declared_twice_differently_conflicts(name: str, first: Any, second: Any) -> None:
    """The error names the series and both places."""
    first(name)
    with pytest.raises(MetricConflictError) as conflict:
        second(name)
    assert str(conflict.value).count(Path(__file__).name) == 2


def test_a_conflict_declares_nothing(name: str) -> None:
    """A composite declares all of its series or none."""
    counted(f"{name}.duration.seconds", labels={"x": "y"})
    counted(f"{name}.errors")
    with pytest.raises(MetricConflictError):
        track_request(name)
    assert lines(f"{name}_calls") == []


def test_a_name_registered_by_other_code_conflicts(name: str) -> None:
    """prometheus_client's own duplicate becomes one sentence that says whose it is."""
    other = Counter(f"{name}_total", "Somebody else's.")
    try:
        with pytest.raises(MetricConflictError, match="code outside golden_runtime"):
            counted(name)
    finally:
        REGISTRY.unregister(other)


def test_a_reloaded_module_keeps_its_series(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Reloading a module, as development servers do, neither fails nor resets what was counted."""
    module = f"reloaded_{uuid4().hex}"
    (tmp_path / f"{module}.py").write_text(
        f"from golden_runtime import track_request\n\n@track_request('{name}')\ndef work(): ...\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    loaded = importlib.import_module(module)
    loaded.work()
    importlib.reload(loaded).work()
    del sys.modules[module]
    importlib.import_module(module).work()
    assert value(f"{name}_calls_total", status="success") == 3.0


def test_no_created_series_double_the_counters(name: str) -> None:
    """`_created` would double what Prometheus stores."""
    track_request(name)
    assert lines(f"{name}_calls_total{{") != []
    assert [line for line in lines(name) if "_created" in line] == []


def test_one_metric_can_be_scraped_alone(name: str) -> None:
    """`/metrics?name[]=` asks for a restricted registry, which shows what was recorded up to now."""

    @track_request(name)
    def work() -> None:
        pass

    work()
    only = generate_latest(REGISTRY.restricted_registry([f"{name}_calls_total"])).decode()
    assert f'{name}_calls_total{{status="success"}} 1.0' in only
    assert "duration" not in only


def test_a_registry_that_breaks_never_harms_the_caller() -> None:
    """Whatever goes wrong inside the metrics code reaches a logger once, and the call goes on."""
    done = run_script(
        """
        import logging, sys
        from golden_runtime import counted, track_request
        import golden_runtime

        class Unprintable:
            def __str__(self):
                raise RuntimeError("no text")

        logging.basicConfig(stream=sys.stdout, format="%(message)s")

        @track_request("op", labels={"kind": lambda thing: thing})
        def work(thing):
            return "result"

        assert [work(Unprintable()) for _ in range(3)] == ["result"] * 3
        """
    )
    assert done.stdout.count("the function of label `kind` of `op` failed") == 1


def test_a_logging_handler_that_breaks_never_harms_the_caller() -> None:
    """Not even the report of a failure may raise."""
    run_script(
        """
        import logging
        from golden_runtime import counted

        class Broken(logging.Handler):
            def emit(self, record):
                raise RuntimeError("no log")

        logging.getLogger("golden_runtime").addHandler(Broken())

        @counted("op", labels={"kind": lambda: 1 / 0})
        def work():
            return "result"

        assert work() == "result"
        """
    )


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (lambda name: counted(f"{name}.b"), lambda name: counted(f"{name}_b")),
        (lambda name: track_request(f"{name}.b"), lambda name: track_request(f"{name}-b")),
        (lambda name: timed(f"{name}.x", buckets=[1, 2]), lambda name: timed(f"{name}.x", buckets=[1, 3])),
    ],
    ids=["dot and underscore", "dot and dash", "buckets"],
)
def test_two_spellings_of_one_series_conflict(name: str, first: Any, second: Any) -> None:
    """Two names that Prometheus could not tell apart are two metrics meant: the error names both places."""
    first(name)
    with pytest.raises(MetricConflictError) as conflict:
        second(name)
    assert str(conflict.value).count(Path(__file__).name) == 2


def test_a_gauge_and_a_counter_of_one_name_conflict(name: str) -> None:
    """OpenMetrics knows the counter `x_bytes_total` as `x_bytes`, which is the gauge's name."""
    measure_memory(f"{name}.x")
    with pytest.raises(MetricConflictError, match="declared twice"):
        counted(f"{name}.x_bytes")


def test_a_suffix_that_is_written_out_is_no_other_spelling(name: str) -> None:
    """`a.b_total` is how some write the counter `a.b`."""
    counted(f"{name}.b")
    counted(f"{name}.b_total")
    assert value(f"{name}_b_total") == 0.0


def test_computed_labels_are_capped(name: str, caplog: pytest.LogCaptureFixture) -> None:
    """Beyond `max_series` all calls share one series, and one warning says so; no call is lost."""

    @track_request(name, labels={"user": lambda user: user}, max_series=3)
    def work(user: str) -> None:
        pass

    for number in range(10):
        work(f"user-{number}")
    shown = [line for line in lines(f"{name}_calls_total") if 'status="success"' in line]
    assert len(shown) == 4
    assert value(f"{name}_calls_total", user="other", status="success") == 7.0
    assert sum("took more than 3 values" in record.message for record in caplog.records) == 1
    assert "NoneType" not in caplog.text


def test_a_metric_is_capped_however_often_it_is_decorated(name: str) -> None:
    """A module that is loaded again, or a decorator made in a function, fills the same cap."""
    for number in range(6):
        track_request(name, labels={"user": lambda user: user}, max_series=2)(lambda user: user)(f"user-{number}")
    shown = [line for line in lines(f"{name}_calls_total") if 'status="success"' in line]
    assert len(shown) == 3
    assert value(f"{name}_calls_total", user="other", status="success") == 4.0


@pytest.mark.parametrize(
    ("returned", "shown"),
    [
        (Color.RED, "red"),
        (True, "true"),
        (None, "none"),
        (404, "404"),
        (object(), "unknown"),
        (ValueError("some message"), "unknown"),
        ("x" * 129, "unknown"),
        ("name\udcff", "unknown"),
        ("Käse", "Käse"),
    ],
    ids=["enum", "truth value", "none", "number", "object", "exception", "long text", "surrogate", "umlaut"],
)
def test_computed_labels_are_guarded(name: str, returned: object, shown: str) -> None:
    """What names itself becomes a label; objects, errors and texts, which have no bound, become `unknown`."""

    @counted(name, labels={"kind": lambda: returned})
    def work() -> None:
        pass

    work()
    assert value(f"{name}_total", kind=shown) == 1.0
    assert lines(f"{name}_total") == [f'{name}_total{{kind="{shown}"}} 1.0']


@pytest.mark.parametrize("constant", [object(), ["a"], b"bytes", "x" * 129, "\udcff"])
def test_constant_labels_are_guarded(name: str, constant: Any) -> None:
    """A constant that is no label shows at decoration."""
    with pytest.raises(MetricNameError, match="a label's value"):
        counted(name, labels={"kind": constant})


def test_buckets_are_those_that_are_given(name: str) -> None:
    """Bounds in seconds, and the infinite one, which may be left out."""
    timer = timed(name, buckets=[0.5, 60, 3600]).start()
    timer.stop()
    assert [value(f"{name}_seconds_bucket", le=bound) for bound in ("0.5", "60.0", "3600.0", "+Inf")] == [1.0] * 4


@given(
    bounds=st.lists(st.floats(0.001, 1000), min_size=1, max_size=8, unique=True).map(sorted),
    durations=st.lists(st.floats(0, 2000), max_size=300),
)
@settings(deadline=None)
def test_buckets_count_as_the_client_counts(bounds: list[float], durations: list[float]) -> None:
    """Whatever is recorded, buckets, count and sum are those of prometheus_client's own histogram."""
    name = f"property_{uuid4().hex}"
    (family,) = families(declare("histogram", f"{name}_seconds", "Seconds.", buckets=tuple(bounds)))
    theirs = Histogram(f"{name}_seconds", "Seconds.", buckets=bounds, registry=None)
    series = family.series({})
    for seconds in durations:
        series.record(seconds)
        theirs.observe(seconds)
    (ours,), (other,) = family.collect(), theirs.collect()
    expected = {(s.name, s.labels.get("le")): s.value for s in other.samples if not s.name.endswith("_created")}
    assert {(s.name, s.labels.get("le")): s.value for s in ours.samples} == pytest.approx(expected)


@pytest.mark.parametrize("buckets", [[], [2, 1], [1, 1], [float("nan")], [float("inf")]])
def test_buckets_that_do_not_grow_are_refused(name: str, buckets: list[float]) -> None:
    """The mistake shows at decoration."""
    with pytest.raises(ValueError, match="must be seconds that grow"):
        timed(name, buckets=buckets)


def test_eight_threads_are_counted_exactly_while_scrapes_only_grow() -> None:
    """Of 800,000 calls none is lost or counted twice, and no scrape shows less than the one before."""
    run_script(
        """
        import itertools, sys, threading

        sys.setswitchinterval(1e-5)  # so that threads take turns anywhere

        from golden_runtime import counted, track_request
        from prometheus_client import REGISTRY

        @track_request("op")
        def work():
            count()

        @counted("count")
        def count():
            pass

        def many():
            for _ in range(100_000):
                work()

        def scrape():
            success = {"status": "success"}
            wanted = [("op_calls_total", success), ("op_duration_seconds_count", {}), ("count_total", {})]
            return [REGISTRY.get_sample_value(*series) for series in wanted]

        threads = [threading.Thread(target=many) for _ in range(8)]
        for thread in threads:
            thread.start()
        scrapes = []
        while any(thread.is_alive() for thread in threads):
            scrapes.append(scrape())
        for thread in threads:
            thread.join()
        for before, after in itertools.pairwise(scrapes):
            assert all(low <= high for low, high in zip(before, after)), (before, after)
        assert scrape() == [800_000.0] * 3
        """
    )


def test_a_signal_handler_may_call_measured_functions() -> None:
    """A handler that interrupts the runtime anywhere, while it adds up too, neither waits for ever nor loses a call."""
    run_script(
        """
        import signal
        from golden_runtime import track_request
        from prometheus_client import REGISTRY

        handled = 0

        @track_request("op")
        def work():
            pass

        def handle(number, frame):
            global handled
            handled += 1
            work()

        signal.signal(signal.SIGALRM, handle)
        signal.setitimer(signal.ITIMER_REAL, 0.0002, 0.0002)
        done = 0
        while handled < 500 or done < 20_000:
            work()
            done += 1
            if done % 500 == 0:
                REGISTRY.get_sample_value("op_calls_total", {"status": "success"})
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, signal.SIG_IGN)
        assert REGISTRY.get_sample_value("op_calls_total", {"status": "success"}) == done + handled
        assert REGISTRY.get_sample_value("op_duration_seconds_count") == done + handled
        """
    )


def test_a_forked_process_goes_on_counting() -> None:
    """While threads record, children start with no lock held, and count on from what they were given."""
    run_script(
        """
        import os, threading
        from golden_runtime import track_request
        from prometheus_client import REGISTRY

        @track_request("op")
        def work():
            pass

        @track_request("mine")
        def mine():
            pass

        stopped = threading.Event()

        def record():
            while not stopped.is_set():
                work()

        threads = [threading.Thread(target=record) for _ in range(3)]
        for thread in threads:
            thread.start()
        for _ in range(8):
            mine()
            child = os.fork()
            if child == 0:
                before = REGISTRY.get_sample_value("mine_calls_total", {"status": "success"})
                for _ in range(1_000):
                    work(), mine()
                after = REGISTRY.get_sample_value("mine_calls_total", {"status": "success"})
                os._exit(0 if after == before + 1_000 else 1)
            assert os.waitpid(child, 0)[1] == 0
        stopped.set()
        for thread in threads:
            thread.join()
        assert REGISTRY.get_sample_value("mine_calls_total", {"status": "success"}) == 8.0
        """
    )


def test_nothing_is_lost_at_exit() -> None:
    """What pushes metrics when the interpreter exits sees the last call."""
    done = run_script(
        """
        import atexit
        from prometheus_client import REGISTRY

        atexit.register(lambda: print(REGISTRY.get_sample_value("op_calls_total", {"status": "success"})))

        from golden_runtime import track_request

        @track_request("op")
        def work():
            pass

        work()
        """
    )
    assert done.stdout.strip() == "1.0"


def test_measuring_works_where_nothing_forks() -> None:
    """Windows has no `fork`, and nothing that could be told of one."""
    run_script(
        """
        import os
        if hasattr(os, "fork"):
            del os.fork, os.register_at_fork
        from golden_runtime import track_request
        from prometheus_client import REGISTRY

        track_request("op")(lambda: None)()
        assert REGISTRY.get_sample_value("op_calls_total", {"status": "success"}) == 1.0
        """
    )
