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
