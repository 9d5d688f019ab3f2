"""GR207: what counts as a use of a metric or helper, over all files of a project."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest

from golden_rules import Config, analyse_source
from golden_rules.engine import project_findings
from golden_rules.registry import load_rules

CONFIG = Config(root=Path.cwd(), select=("GR207",))
METRICS = """\
from prometheus_client import Counter

PLACED = Counter("placed", "Orders.")


def count_order(shop):
    PLACED.labels(shop).inc()
"""


def unused(*, whole: bool = True, **files: str) -> list[str]:
    """Return the places and messages of what GR207 finds in a project; names of files have `__` for `/`."""
    rules = [rule for rule in load_rules() if rule.code == "GR207"]
    results = [
        analyse_source(dedent(source), f"src/shop/{name.replace('__', '/')}.py", CONFIG, rules)
        for name, source in files.items()
    ]
    return [
        f"{finding.path}:{finding.line} {finding.message}" for finding in project_findings(rules, results, whole=whole)
    ]


def test_function_that_feeds_a_metric_and_nobody_calls_is_found() -> None:
    """The metric is fed by the function, so the function is the one that is unused."""
    assert unused(metrics=METRICS, orders="def place(order):\n    order.save()\n") == [
        "src/shop/metrics.py:6 nothing uses `count_order`, a function that feeds a metric"
    ]


def test_names_in_any_alphabet_are_uses() -> None:
    """A name may begin with any letter, in a chain, in a text, and in a file that does not parse."""
    own = METRICS.replace("count_order", "öffnen_zählen")
    uses = (
        "from . import metrics\nmetrics.öffnen_zählen('a')\n",
        "H = 'shop.metrics:öffnen_zählen'\n",
        "öffnen_zählen(\n",
    )
    assert unused(metrics=own)
    assert not any(unused(metrics=own, orders=use) for use in uses)


def test_nothing_is_said_of_a_part_of_the_project() -> None:
    """Where files are named, the use may stand in another."""
    assert not unused(whole=False, metrics=METRICS)


USES = {
    "import": "from shop.metrics import count_order\n",
    "import by another name": "from .metrics import count_order as counted\n",
    "attribute of the module": "from shop import metrics\n\ndef place():\n    metrics.count_order('a')\n",
    "import in a function": "def place():\n    import shop.metrics as m\n    m.count_order('a')\n",
    "attribute below a comment": "import shop.metrics\n\ndef place():\n    # Count it.\n    shop.metrics.count_order('a')\n",
    "path in a text": "HOOKS = ['shop.metrics:count_order']\n",
    "looked up by name": "from shop import metrics\nhook = getattr(metrics, 'count_order')\n",
    "star import": "from shop.metrics import *\n\ndef place():\n    count_order('a')\n",
    "looked up by a name that is put together": "from shop import metrics as m\nhooks = [getattr(m, f'count_{kind}') for kind in m.KINDS]\n",
    "one of all": "import shop.metrics\nhooks = vars(shop.metrics)\n",
    "one of the members": "import inspect\nfrom . import metrics\nhooks = inspect.getmembers(metrics)\n",
    "replaced": "from shop import metrics\n\ndef test(monkeypatch):\n    monkeypatch.setattr(metrics, 'count_order', None)\n",
    "patched deep inside": "from unittest.mock import patch\npatch('shop.metrics.count_order.__name__')\n",
    "patched among others": "from unittest.mock import patch\npatch.multiple('shop.metrics', count_order=None)\n",
    "exported": "from shop.metrics import count_order\n__all__ = ['count_order']\n",
}


@pytest.mark.parametrize("source", USES.values(), ids=USES)
def test_use_in_another_file_is_seen(source: str) -> None:
    """Whatever way the name takes from one file into another."""
    assert not unused(metrics=METRICS, orders=source)


def test_use_of_the_same_name_inside_itself_is_none() -> None:
    """A helper that only calls itself is used by nobody; an attribute of an object is no use of the module's name."""
    source = """\
        import time
        from contextlib import contextmanager

        @contextmanager
        def timed_block(log):
            start = time.monotonic()
            yield timed_block
            log.info("%.1f", time.monotonic() - start)
        """
    found = unused(helpers=source, orders="class Orders:\n    def place(self):\n        self.timed_block = 1\n")
    assert [line.partition(" ")[2] for line in found] == ["nothing uses `timed_block`, a timing context manager"]


def test_comment_silences_it() -> None:
    """A helper that is kept on purpose says so where it is defined."""
    kept = METRICS.replace(
        "def count_order(shop):", "def count_order(shop):  # golden-rules: ignore[GR207] -- a plugin's"
    )
    assert not unused(metrics=kept)


@pytest.mark.parametrize(
    "look_up",
    [
        "def feed(kind):\n    globals()[f'count_{kind}']('a')\n",
        "ALL = dict(vars())\n",
        "import sys\n\ndef feed(kind):\n    getattr(sys.modules[__name__], kind)('a')\n",
        "def __getattr__(name):\n    return _OLD[name]\n",
    ],
    ids=["globals", "vars", "sys.modules", "__getattr__"],
)
def test_file_that_looks_up_its_own_names_may_use_any(look_up: str) -> None:
    """Which ones it uses is known when it runs."""
    assert not unused(metrics=METRICS + "\n\n" + look_up)


TIMER = """\
import time
from contextlib import contextmanager


@contextmanager
def timed_block(log):
    start = time.monotonic()
    yield
    log.info("took %.1f s", time.monotonic() - start)
"""


@pytest.mark.parametrize(
    ("path", "is_found"),
    [
        ("agents/tracing", False),
        ("_agents/tracing", True),
        ("agents/_tracing", True),
        ("utils", True),
        ("telemetry", True),
    ],
)
def test_public_helper_may_be_what_a_library_offers(path: str, *, is_found: bool) -> None:
    """A helper is the project's own where its module says so; elsewhere others may import it."""
    rules = [rule for rule in load_rules() if rule.code == "GR207"]

    def said(source: str) -> bool:
        result = analyse_source(source, f"src/shop/{path}.py", CONFIG, rules)
        return bool(project_findings(rules, [result], whole=True))

    assert said(TIMER) is is_found
    assert said(TIMER.replace("timed_block", "_timed_block"))
