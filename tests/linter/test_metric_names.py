"""GR403: which names are refused or misleading, checked against the runtime itself."""

from __future__ import annotations

from pathlib import Path

import pytest
from golden_runtime.errors import MetricNameError
from golden_runtime.names import bytes_name, counter_name, duration_name, translate
from hypothesis import given, settings
from hypothesis import strategies as st

from golden_rules import Config, analyse_source
from golden_rules.fixing import fix_source

PATH = "src/shop/orders.py"
CONFIG = Config(root=Path.cwd(), select=("GR403",))
# What the runtime makes the names of its series with.
DECORATORS = {
    "counted": counter_name,
    "measure_memory": bytes_name,
    "timed": duration_name,
    "track_adapter_request": translate,
    "track_errors": counter_name,
    "track_request": translate,
}
NAMES = st.text(st.sampled_from("aB1._/-: é\"'\\"), max_size=6).map("names".__add__)
REFUSED = st.sampled_from(["", "1a", "total", "seconds.seconds", "bytes_"])
HEAD = f"from golden_runtime import {', '.join(DECORATORS)}\n\n"


def findings(source: str) -> list[str]:
    """Return what GR403 says of a module."""
    return [finding.message for finding in analyse_source(HEAD + source, PATH, CONFIG).findings]


def decorated(call: str) -> str:
    """Return a module with one decorated function."""
    return f"@{call}\ndef f():\n    return 1\n"


@pytest.mark.parametrize("decorator", DECORATORS)
@settings(deadline=None)  # the first example imports LibCST
@given(name=NAMES | REFUSED)
def test_what_is_refused_is_found(decorator: str, name: str) -> None:
    """Whatever the name, the rule calls it refused exactly where the runtime refuses it, and its fix is a name."""
    source = decorated(f"{decorator}({name!r})")
    try:
        DECORATORS[decorator](name)
        refused = False
    except MetricNameError:
        refused = True
    assert any("refuses" in message for message in findings(source)) is refused
    after = fix_source((HEAD + source).encode(), PATH, CONFIG).content.decode().removeprefix(HEAD)
    assert after == source or not any("refuses" in message for message in findings(after))


@pytest.mark.parametrize(
    ("name", "count"),
    [
        ("f'shop.{kind}'", 1),
        ("'shop.' + kind", 1),
        ("'shop.%s' % kind", 1),
        ("'shop.{}'.format(kind)", 1),
        ("'.'.join(parts)", 1),
        ("kind", 0),
        ("names.PAY", 0),
        ("settings['pay']", 0),
        ("name_of(kind)", 0),
        ("'shop.' 'pay'", 0),
        ("f'{APP}.pay'", 0),
        ("APP + '.pay'", 0),
    ],
)
def test_names_made_at_run_time_are_found(name: str, count: int) -> None:
    """What is put together from what varies is found, on decorators and timers; constants and what is passed on are not."""
    assert len(findings("APP = 'shop'\n" + decorated(f"track_request({name})"))) == count
    assert len(findings(f"APP = 'shop'\ndef f(kind, parts):\n    timer = timed({name}).start()\n")) == count


@pytest.mark.parametrize(
    ("call", "after"),
    [
        ('timed("a.latency_ms")', 'timed("a.latency")'),
        ("timed('a.latency.Seconds_total')", "timed('a.latency.seconds')"),
        ('measure_memory("a.peak_mb")', 'measure_memory("a.peak")'),
        ('track_request("a.op.duration_seconds")', 'track_request("a.op")'),
        ('track_request("a.HTTPServer.doIt")', 'track_request("a.http_server.do_it")'),
        ('counted(metric_name="a.B")', 'counted(metric_name="a.b")'),
    ],
)
def test_misleading_names_are_changed_by_the_unsafe_fix_only(call: str, after: str) -> None:
    """A series in use is not renamed by a safe fix."""
    source = (HEAD + decorated(call)).encode()
    assert fix_source(source, PATH, CONFIG).content == source
    assert fix_source(source, PATH, CONFIG, unsafe=True).content.decode() == HEAD + decorated(after)


@pytest.mark.parametrize(
    "call",
    [
        'timed("a.b.seconds")', 'timed("a.b_duration")', 'timed("a.items")', 'counted("a.b_seconds")', 'counted("a.bytes")',
        'track_request("shop.orders.total")', 'track_request("a.read_bytes")', 'track_request("a.count")', 'measure_memory("a.bytes")',
        'track_errors("a.errors_total")', 'track_adapter_request("http")',
    ],
)  # fmt: skip
def test_ordinary_names_are_left_alone(call: str) -> None:
    """Suffixes are never added twice, and an operation may be called what its function is called."""
    assert findings(decorated(call)) == []


@pytest.mark.parametrize(
    ("label", "refused"), [("kind", 0), ("le", 1), ("status", 1), ("a-b", 1), ("__a", 1), ("_a", 0)]
)
def test_labels_that_are_refused_are_found(label: str, refused: int) -> None:
    """A label that is no name, or that the decorator sets itself, stops the import."""
    assert len(findings(decorated(f'track_request("a.b", {{"{label}": "x"}})'))) == refused


def test_tests_are_left_alone() -> None:
    """Tests may name things as they like."""
    assert analyse_source(HEAD + decorated('timed("a_ms")'), "tests/test_a.py", CONFIG).findings == ()
