"""counted, track_errors and the composites: which series they expose, and what each call adds."""

from typing import Any

import pytest
from exposed import lines, statuses, value
from golden_runtime import (
    MetricNameError,
    counted,
    track_adapter_request,
    track_cache_operation,
    track_errors,
    track_request,
)


def test_counted_counts_calls(name: str) -> None:
    """`counted("a.b")` is `a_b_total`, at zero from decoration, one more for each call."""

    @counted(f"{name}.done")
    def work() -> None:
        pass

    assert value(f"{name}_done_total") == 0.0
    work()
    work()
    assert value(f"{name}_done_total") == 2.0


def test_counted_counts_calls_that_fail(name: str) -> None:
    """A call counts as it starts, so however it ends it is counted."""

    @counted(name)
    def work() -> None:
        raise LookupError

    with pytest.raises(LookupError):
        work()
    assert value(f"{name}_total") == 1.0


def test_counted_adds_its_increment(name: str) -> None:
    """Each call may count for more or less than one."""

    @counted(name, increment=2.5)
    def work() -> None:
        pass

    work()
    work()
    assert value(f"{name}_total") == 5.0


@pytest.mark.parametrize("increment", [-1.0, float("nan"), float("inf")])
def test_an_increment_that_no_counter_takes_is_refused(name: str, increment: float) -> None:
    """Counters only grow: the mistake shows at decoration."""
    with pytest.raises(ValueError, match="counters only grow"):
        counted(name, increment=increment)


def test_track_errors_counts_by_type(name: str) -> None:
    """`track_errors("a.errors")` is `a_errors_total{error_type}`; a call that returns adds nothing."""

    @track_errors(f"{name}.errors")
    def work(error: Exception | None) -> None:
        if error is not None:
            raise error

    work(None)
    for error in (KeyError(), KeyError(), OSError()):
        with pytest.raises(type(error)):
            work(error)
    assert value(f"{name}_errors_total", error_type="KeyError") == 2.0
    assert value(f"{name}_errors_total", error_type="OSError") == 1.0


def test_track_request_exposes_all_outcomes_at_zero(name: str) -> None:
    """`rate()` sees the first failure, because the series was there before it."""

    @track_request(f"{name}.op")
    def work() -> None:
        pass

    for status in ("success", "failure", "cancelled"):
        assert value(f"{name}_op_calls_total", status=status) == 0.0
    assert value(f"{name}_op_duration_seconds_count") == 0.0


def test_track_request_can_leave_errors_out(name: str) -> None:
    """With `record_errors=False` there is no series of errors, and failures still count."""

    @track_request(name, record_errors=False)
    def work() -> None:
        raise LookupError

    with pytest.raises(LookupError):
        work()
    assert statuses(f"{name}_calls_total") == {"failure": 1.0}
    assert lines(f"{name}_errors") == []


def test_track_adapter_request_labels_adapter_and_operation(name: str) -> None:
    """The operation is the function's name; the series exist at zero."""

    @track_adapter_request(name)
    def fetch_user() -> None:
        raise TimeoutError

    own = {"adapter": name, "operation": "fetch_user"}
    assert value(f"adapter_{name}_calls_total", **own, status="failure") == 0.0
    with pytest.raises(TimeoutError):
        fetch_user()
    assert value(f"adapter_{name}_calls_total", **own, status="failure") == 1.0
    assert value(f"adapter_{name}_errors_total", **own, error_type="TimeoutError") == 1.0
    assert value(f"adapter_{name}_duration_seconds_count", **own) == 1.0


def test_track_adapter_request_takes_an_operation(name: str) -> None:
    """An operation that is given replaces the function's name."""

    @track_adapter_request(name, operation="read")
    def fetch_user() -> None:
        pass

    fetch_user()
    assert value(f"adapter_{name}_calls_total", adapter=name, operation="read", status="success") == 1.0


@pytest.mark.parametrize("operation", [5, lambda: "charge"])
def test_an_operation_is_a_name(name: str, operation: Any) -> None:
    """What is none, a function of the arguments included, would become the name of a span."""
    with pytest.raises(MetricNameError, match="an operation is a string"):
        track_adapter_request(name, operation=operation)


def test_functions_of_one_adapter_share_its_metric(name: str) -> None:
    """Two functions of one adapter are two operations of the same series."""
    adapter = track_adapter_request(name)

    @adapter
    def first() -> None:
        pass

    @track_adapter_request(name)
    def second() -> None:
        pass

    first()
    second()
    for operation in ("first", "second"):
        assert value(f"adapter_{name}_calls_total", adapter=name, operation=operation, status="success") == 1.0


def test_track_cache_operation_tells_hits_from_misses(name: str) -> None:
    """A hit is a result that is not None, an empty one too; a lookup that fails is neither."""

    @track_cache_operation(name, "get")
    def look_up(found: Any) -> Any:
        if isinstance(found, Exception):
            raise found
        return found

    for found in ("value", "", 0, None):
        look_up(found)
    with pytest.raises(OSError, match="down"):
        look_up(OSError("down"))
    assert value(f"cache_{name}_hits_total") == 3.0
    assert value(f"cache_{name}_misses_total") == 1.0
    assert statuses(f"cache_{name}_get_calls_total") == {"success": 4.0, "failure": 1.0}


def test_other_cache_operations_have_no_hits(name: str) -> None:
    """Only a `get` can hit."""
    track_cache_operation(name, "set")
    assert lines(f"cache_{name}_hits") == []


def test_constant_labels_are_on_every_series(name: str) -> None:
    """A mapping of constants labels the calls, the durations and the errors."""

    @track_request(name, labels={"tier": "gold", "shard": 3})
    def work() -> None:
        raise LookupError

    with pytest.raises(LookupError):
        work()
    assert statuses(f"{name}_calls_total", tier="gold", shard="3") == {"failure": 1.0}
    assert value(f"{name}_duration_seconds_count", tier="gold", shard="3") == 1.0
    assert value(f"{name}_errors_total", tier="gold", shard="3", error_type="LookupError") == 1.0


def test_computed_labels_come_from_the_arguments(name: str) -> None:
    """A function of the arguments labels each call."""

    @track_request(name, labels={"kind": lambda order, **_: order["kind"]})
    def work(order: dict[str, str], *, fast: bool = False) -> None:
        pass

    work({"kind": "new"})
    work({"kind": "new"}, fast=True)
    work({"kind": "old"})
    assert statuses(f"{name}_calls_total", kind="new") == {"success": 2.0}
    assert statuses(f"{name}_calls_total", kind="old") == {"success": 1.0}


def test_a_label_function_that_fails_says_unknown(name: str) -> None:
    """The call still counts, and the caller sees its result."""

    @counted(name, labels={"kind": lambda order: order["kind"]})
    def work(order: dict[str, str]) -> str:
        return "done"

    assert work({}) == "done"
    assert value(f"{name}_total", kind="unknown") == 1.0


@pytest.mark.parametrize("label", ["le", "quantile", "__name", "1st", "with space", ""])
def test_illegal_labels_are_refused(name: str, label: str) -> None:
    """A label that Prometheus cannot take shows at decoration."""
    with pytest.raises(MetricNameError, match="is not a label name"):
        track_request(name, labels={label: "x"})


@pytest.mark.parametrize("label", ["status", "error_type"])
def test_labels_that_the_decorator_sets_are_refused(name: str, label: str) -> None:
    """Nobody may overwrite what the decorator says itself."""
    with pytest.raises(MetricNameError, match="set by the decorator itself"):
        track_request(name, labels={label: "x"})


def test_stacked_decorators_each_record(name: str) -> None:
    """Decorators may be stacked in any order on one function."""

    @counted(f"{name}.count")
    @track_request(f"{name}.request")
    @track_errors(f"{name}.problems")
    def work() -> None:
        raise LookupError

    with pytest.raises(LookupError):
        work()
    assert value(f"{name}_count_total") == 1.0
    assert statuses(f"{name}_request_calls_total") == {"failure": 1.0}
    assert value(f"{name}_problems_total", error_type="LookupError") == 1.0
