"""Names, conflicts, reloads, and metrics that never harm the caller."""

import importlib
import sys
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from exposed import lines, run_script, value
from golden_runtime import MetricConflictError, MetricNameError, counted, timed, track_errors, track_request
from prometheus_client import REGISTRY, Counter, generate_latest


@pytest.fixture
def name() -> str:
    """A metric name that no other test uses."""
    return f"metrics_{uuid4().hex}"


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
