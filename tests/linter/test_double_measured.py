"""GR402: which decorators record one call twice, checked against the runtime's own registry."""

from __future__ import annotations

from pathlib import Path

import pytest
from prometheus_client import REGISTRY

from golden_rules import Config, analyse_source
from golden_rules.fixing import fix_source

PATH = "src/shop/orders.py"
CONFIG = Config(root=Path.cwd(), select=("GR402",))
HEAD = "from golden_runtime import *\n".replace(
    "*", "counted, timed, traced, track_adapter_request, track_errors, track_request"
)


def module(*decorators: str, body: str = "return 1") -> str:
    """Return a module with one function."""
    return HEAD + "".join(f"@{decorator}\n" for decorator in decorators) + f"def f(x=None):\n    {body}\n"


def findings(source: str) -> list[str]:
    """Return what GR402 says of a module."""
    return [finding.message for finding in analyse_source(source, PATH, CONFIG).findings]


def fixed(source: str) -> str:
    """Return a module after GR402's safe fixes."""
    return fix_source(source.encode(), PATH, CONFIG, import_may_go=lambda _: True).content.decode()


TWICE = [
    ('track_request("shop.double.a")', 'track_request("shop.double.a")'),
    ('track_request("shop.double.b")', 'timed("shop.double.b.duration")'),
    ('track_errors("shop.double.c.errors")', 'track_request("shop.double.c")'),
    ('counted("shop.double.d")', 'counted("shop.double.d_total")'),
    ('track_adapter_request("double")', 'track_adapter_request("double")'),
]
ONCE = [
    ('track_request("a.b")', 'track_request("a.c")'),
    ('track_request("a.b")', 'timed("a.b")'),
    ('track_request("a.b", record_errors=False)', 'track_errors("a.b.errors")'),
    ('track_adapter_request("a", operation="b")', 'track_adapter_request("a", operation="c")'),
    ('counted("a.b", {"k": "1"})', 'counted("a.b", {"k": "2"})'),
    ("counted(name)", "counted(name + '.b')"),
    ('traced("a.b")', 'track_request("a.c")'),
    ("A.time()", "B.time()"),
]


@pytest.mark.parametrize("pair", TWICE, ids=str)
@pytest.mark.parametrize("order", [1, -1], ids=["as given", "turned round"])
def test_overlapping_decorators_are_found_and_one_goes(pair: tuple[str, str], order: int) -> None:
    """Whichever is above, the decorator that the other makes needless goes, and nothing is left to find."""
    source = module(*pair[::order])
    assert len(findings(source)) == 1
    after = fixed(source)
    assert after.count("@") == 1
    assert findings(after) == []


@pytest.mark.parametrize("pair", ONCE, ids=str)
def test_decorators_that_differ_are_left_alone(pair: tuple[str, str]) -> None:
    """Other names, other label values, other operations are other series."""
    assert findings(module(*pair)) == []


@pytest.mark.parametrize(
    ("decorator", "other", "sample"),
    [
        ('track_request("shop.double.e")', 'timed("shop.double.e.duration")', "shop_double_e_duration_seconds_count"),
        ('counted("shop.double.g")', 'counted("shop.double.g")', "shop_double_g_total"),
    ],
)
def test_what_is_found_counts_double_until_it_is_fixed(decorator: str, other: str, sample: str) -> None:
    """The runtime records two where there was one call, and one after the fix."""
    counts = []
    source = module(decorator, other)
    for code in (source, fixed(source)):
        before = REGISTRY.get_sample_value(sample) or 0.0
        space: dict[str, object] = {"__name__": "shop.double"}
        exec(compile(code, PATH, "exec"), space)  # noqa: S102 - the code under test
        space["f"]()  # type: ignore[operator]  # the function just defined
        counts.append((REGISTRY.get_sample_value(sample) or 0.0) - before)
    assert counts == [2, 1]


@pytest.mark.parametrize(
    ("decorator", "body", "count"),
    [
        ('timed("a.b")', 'timer = timed("a.b").start()', 1),
        ('track_request("a")', 'with timed("a.duration"): x()', 1),
        ('timed("a.b")', 'timer = timed("a.c").start()', 0),
        ('timed("a.b")', 'return lambda: timed("a.b").start()', 0),
        ('timed("a.b", {"k": "v"})', 'timer = timed("a.b").start()', 0),
        ("A.time()", "A.observe(x)", 1),
        ('A.labels("k").time()', 'A.labels("k").observe(x)', 1),
        ('A.labels("k").time()', 'A.labels("l").observe(x)', 0),
        ("A.count_exceptions()", "A.inc()", 0),
    ],
)
def test_timers_inside_are_seen(decorator: str, body: str, count: int) -> None:
    """A timer of the same name inside records the same call again; it has no fix, since its seconds may be used."""
    source = module(decorator, body=body)
    assert len(findings(source)) == count
    assert fixed(source) == source


def test_a_span_is_not_opened_twice() -> None:
    """`track_request` opens the span of its name itself; attributes of a second one are not dropped by a fix."""
    assert "traced" not in fixed(module('traced("a.b")', 'track_request("a.b")'))
    kept = module('traced("a.b", {"k": "v"})', 'track_request("a.b")')
    assert len(findings(kept)) == 1
    assert fixed(kept) == kept


TWO = "from golden_runtime import counted, timed, track_request\n\nPAY = 'shop.pay'\n\n\n@{one}\ndef pay(order): ...\n\n\n@{other}\ndef {name}(order): ...\n"


@pytest.mark.parametrize(
    ("one", "other", "name", "count"),
    [
        ("counted('shop.pay')", "counted('shop.pay')", "refund", 1),
        ("timed('shop.pay.duration')", "timed('shop.pay.duration')", "refund", 1),
        ("counted('shop.pay')", "counted('shop.pay')", "pay_all", 0),
        ("counted('shop.pay')", "counted('shop.pay')", "apay", 0),
        ("counted('shop.paid')", "counted('shop.paid')", "refund", 0),
        ("counted('shop.pay')", "counted('shop.pay', {'kind': 'back'})", "refund", 0),
        ("counted(PAY)", "counted(PAY)", "refund", 0),
        ("counted('shop.pay')", "timed('shop.pay')", "refund", 0),
    ],
)
def test_name_that_was_copied_with_its_decorator_is_found(one: str, other: str, name: str, count: int) -> None:
    """Two functions under a name that is one's own are no deliberate share; an event, a constant and kin names may be."""
    source = TWO.format(one=one, other=other, name=name)
    assert len(analyse_source(source, "src/shop/orders.py", CONFIG).findings) == count
