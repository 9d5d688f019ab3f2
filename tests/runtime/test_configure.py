"""configure: namespace and registry, once, after decoration and before the first record.

Each test runs a process of its own, because a process is configured once.
"""

import pytest
from exposed import run_script

PRELUDE = """
import golden_runtime
from golden_runtime import ConfigurationError, MetricConflictError, MetricNameError, configure, counted, timed, track_request
from prometheus_client import REGISTRY, CollectorRegistry, Counter, generate_latest

def names(registry=REGISTRY):
    return {sample.name for metric in registry.collect() for sample in metric.samples}

def raised(kind, call):
    try:
        call()
    except kind as error:
        return str(error)
    raise AssertionError(f"no {kind.__name__}")

"""


def run(body: str) -> str:
    """Run a script body after the prelude, and return what it printed."""
    return run_script(PRELUDE + body).stdout


def test_series_move_below_the_namespace() -> None:
    """Functions decorated before and after `configure` all expose below its namespace, never below it twice."""
    run(
        """
before = counted("a.b")(lambda: None)
configure(namespace="shop")
after = counted("shop.c")(lambda: None)
before(), after()
assert REGISTRY.get_sample_value("shop_a_b_total") == 1.0
assert REGISTRY.get_sample_value("shop_c_total") == 1.0
assert not {name for name in names() if name.startswith(("a_b", "shop_shop"))}
"""
    )


def test_series_move_to_another_registry() -> None:
    """The default registry is left without them; blocks and timers move too."""
    run(
        """
work = track_request("op")(lambda: None)
block = timed("block")
registry = CollectorRegistry()
configure(registry=registry)
work()
with block:
    pass
assert registry.get_sample_value("op_calls_total", {"status": "success"}) == 1.0
assert registry.get_sample_value("op_calls_total", {"status": "failure"}) == 0.0
assert registry.get_sample_value("block_seconds_count") == 1.0
assert not {name for name in names() if name.startswith(("op", "block"))}
"""
    )


def test_series_move_out_of_a_registry_that_was_emptied() -> None:
    """Fixtures of tests unregister whatever a registry holds, which series are no longer in then."""
    run(
        """
work = counted("a.b")(lambda: None)
for collector in list(REGISTRY._collector_to_names):
    REGISTRY.unregister(collector)
configure(namespace="shop")
work()
assert REGISTRY.get_sample_value("shop_a_b_total") == 1.0
"""
    )


def test_configure_is_called_once() -> None:
    """The second call raises and says where the first was."""
    run(
        """
configure(namespace="a")
assert "was called before" in raised(ConfigurationError, lambda: configure(namespace="b"))
"""
    )


@pytest.mark.parametrize(
    "record",
    [
        'counted("x.y")(lambda: None)()',
        'timed("x.y").start().stop()',
        'track_request("x.y")(lambda: None)()',
    ],
)
def test_configure_after_the_first_record_is_too_late(record: str) -> None:
    """What has been counted cannot move: the error names a metric that recorded."""
    run(
        f"""
{record}
message = raised(ConfigurationError, lambda: configure(namespace="a"))
assert "came too late" in message and "x_y" in message, message
"""
    )


def test_a_namespace_must_be_a_name() -> None:
    """An illegal namespace is refused, and nothing has changed: the right one may follow."""
    run(
        """
counted("a")
raised(MetricNameError, lambda: configure(namespace="1 shop"))
assert "a_total" in names()
configure(namespace="shop")
assert "shop_a_total" in names()
"""
    )


def test_a_conflict_in_the_new_registry_changes_nothing() -> None:
    """Where a name is taken in the registry that is asked for, every series stays where it was."""
    run(
        """
work = counted("a")(lambda: None)
counted("b")
registry = CollectorRegistry()
Counter("b_total", "taken", registry=registry)
raised(MetricConflictError, lambda: configure(registry=registry))
work()
assert REGISTRY.get_sample_value("a_total") == 1.0
"""
    )


def test_a_namespace_that_makes_two_names_one_conflicts() -> None:
    """`shop_a` and `a` below `shop` would be one series of two kinds."""
    run(
        """
counted("shop.a", labels={"x": "y"})
counted("a")
raised(MetricConflictError, lambda: configure(namespace="shop"))
"""
    )


def test_disabled_measuring_exposes_nothing() -> None:
    """Functions decorated before go on working unseen; those decorated after are left as they are."""
    run(
        """
before = track_request("before")(lambda: "done")
block = timed("block")
configure(enabled=False)
function = lambda: "done"
after = track_request("after")(function)
assert after is function
assert (before(), after()) == ("done", "done")
with block as timer:
    pass
assert timer.elapsed > 0
assert not {name for name in names() if name.startswith(("before", "after", "block"))}
"""
    )


def test_buckets_are_set_for_all_that_have_none() -> None:
    """They hold for functions decorated before and after; a decorator's own buckets stay."""
    run(
        """
from golden_runtime import WORKFLOW_BUCKETS

before = timed("before")
own = timed("own", buckets=[1, 2])
configure(buckets=WORKFLOW_BUCKETS)
after = track_request("after")
for block in (before, own):
    with block:
        pass
after(lambda: None)()

def bounds(name):
    return [
        float(sample.labels["le"])
        for metric in REGISTRY.collect()
        for sample in metric.samples
        if sample.name == name
    ]

infinite = float("inf")
assert bounds("before_seconds_bucket") == [*WORKFLOW_BUCKETS, infinite]
assert bounds("after_duration_seconds_bucket") == [*WORKFLOW_BUCKETS, infinite]
assert bounds("own_seconds_bucket") == [1, 2, infinite]
assert WORKFLOW_BUCKETS[0] <= 1 and WORKFLOW_BUCKETS[-1] >= 6 * 3600
"""
    )


def test_the_cap_on_series_holds_for_functions_decorated_before() -> None:
    """`max_series` is a setting of the process, which a decorator may override."""
    run(
        """
work = counted("a", labels={"user": lambda user: user})(lambda user: None)
own = counted("b", labels={"user": lambda user: user}, max_series=5)(lambda user: None)
configure(max_series=2)
for number in range(10):
    work(str(number)), own(str(number))
assert REGISTRY.get_sample_value("a_total", {"user": "other"}) == 8.0
assert REGISTRY.get_sample_value("b_total", {"user": "other"}) == 5.0
"""
    )


@pytest.mark.parametrize("wrong", ["buckets=[2, 1]", "max_series=0", "max_series=True"])
def test_settings_that_make_no_sense_change_nothing(wrong: str) -> None:
    """A ValueError names the setting, and the right one may follow."""
    run(
        f"""
assert "`{wrong.partition("=")[0]}` must be" in raised(ValueError, lambda: configure({wrong}))
configure(namespace="shop")
"""
    )


def test_two_names_that_the_namespace_makes_one_conflict() -> None:
    """`shop.a` and `a` below `shop` would silently be one series, though nobody meant that."""
    run(
        """
counted("shop.a")
counted("a")
message = raised(MetricConflictError, lambda: configure(namespace="shop"))
assert "shop_a" in message
"""
    )
