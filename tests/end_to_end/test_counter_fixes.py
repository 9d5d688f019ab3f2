"""The fixes of GR202 and GR203: the same series with the same values, from a decorator instead of a counter."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from golden_rules import Config
from golden_rules.testing import fix_alone

COUNTED = """\
from prometheus_client import Counter

PLACED = Counter("orders_placed", "Orders placed.", ["shop", "kind"])


def place(order, shop):
    PLACED.labels(shop=shop, kind="any").inc()
    order.save()
    return shop
"""
TRACKED = """\
from prometheus_client import Counter

ERRORS = Counter("orders_errors_total", "Orders that failed.", ["error_type"])


def place(order, shop):
    try:
        order.save()
        return shop
    except Exception as error:
        print("failed")
        ERRORS.labels(error_type=type(error).__name__).inc()
        raise
"""
BARE = TRACKED.replace('        print("failed")\n', "")
SHAPES = {
    "counted": COUNTED,
    "tracked": TRACKED,
    "tracked alone": BARE,
    "after a log line": COUNTED.replace("    PLACED", '    print("placing")\n    title = f"for {shop}"\n    PLACED'),
    "by keywords": COUNTED.replace('"Orders placed.", [', 'documentation="Orders placed.", labelnames=['),
    "under a namespace": COUNTED.replace('"orders_placed"', '"placed"').replace(
        '"kind"]', '"kind"], namespace="orders"'
    ),
    "a label by a constant": COUNTED.replace('"kind"]', "KIND]").replace("PLACED = ", 'KIND = "kind"\nPLACED = '),
    "with a type": COUNTED.replace("PLACED = ", "PLACED: Counter = "),
    "a label with a default": COUNTED.replace("order, shop)", "order, shop='north', *, late=False)"),
    "one, written out": COUNTED.replace("inc()", "inc(1)"),
    "below a decorator that tries again": COUNTED.replace(
        "def place",
        "def retry(function):\n    return lambda *given: (function(*given), function(*given))\n\n\n@retry\ndef place",
    ),
}
CALLS = """
from contextlib import suppress

class Order:
    def __init__(self, error=None):
        self.error = error
    def save(self):
        if self.error:
            raise self.error

for error in (None, OSError(), KeyError(), OSError()):
    for shop in ("north", None):
        with suppress(Exception):
            place(Order(error), shop)
from prometheus_client import generate_latest
print(generate_latest().decode())
"""


def fixed(source: str, **settings: str) -> str:
    """Return a module after all fixes of GR202 and GR203."""
    config = Config(root=Path(), select=("GR202", "GR203"), **settings)  # type: ignore[arg-type]  # strings they are
    return fix_alone(source.encode(), "src/shop/orders.py", config, unsafe=True).content.decode()


def series(source: str) -> list[str]:
    """Return the series about orders that a module exposes after some calls, in a process of its own."""
    command = [sys.executable, "-c", source + CALLS]
    output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return sorted(line for line in output.splitlines() if line.startswith("orders_") and "_created" not in line)


@pytest.mark.parametrize("source", SHAPES.values(), ids=SHAPES)
def test_series_stay_the_same(source: str) -> None:
    """Whoever reads the series sees no difference; the counter and its import are gone."""
    after = fixed(source)
    assert "prometheus_client" not in after
    assert series(after) == series(source)
    assert len(series(source)) > 1


LEFT = {
    "fed elsewhere": COUNTED + "\n\ndef gift():\n    PLACED.inc()\n",
    "exported": COUNTED + '\n__all__ = ["PLACED"]\n',
    "spoken of": COUNTED + "\n# PLACED is on the dashboard\n",
    "counted at the end": COUNTED.replace("    order.save()\n", "").replace(
        "    PLACED", "    order.save()\n    PLACED"
    ),
    "counted on a condition": COUNTED.replace("    PLACED", "    if order:\n        PLACED"),
    "a label of the moment": COUNTED.replace("shop=shop", "shop=find(shop)"),
    "a label of a default that is made": COUNTED.replace("order, shop)", "order, shop=find())"),
    "work before it": COUNTED.replace("    PLACED", "    order.check()\n    PLACED"),
    "labels of another file": COUNTED.replace('"kind"]', "KIND]"),
    "a label that the function changes": TRACKED.replace('["error_type"]', '["error_type", "state"]').replace(
        "error_type=", "state=order.state, error_type="
    ),
    "a clause that may fail": TRACKED.replace('print("failed")', "order.undo()"),
    "a registry of its own": COUNTED.replace('"kind"])', '"kind"], registry=OTHERS)'),
    "a name that would change": COUNTED.replace("orders_placed", "OrdersPlaced"),
    "a generator": COUNTED.replace("return shop", "yield shop"),
    "some errors": TRACKED.replace("except Exception", "except OSError"),
    "errors without their type": TRACKED.replace('["error_type"]', '["kind"]').replace("error_type=", "kind="),
    "errors that end here": TRACKED.replace("        raise\n", "        return None\n"),
    "work outside of the try": TRACKED.replace("    try:", "    order.check()\n    try:"),
    "a comment in what would go": BARE.replace("    try:", "    try:  # by post"),
}


@pytest.mark.parametrize("source", LEFT.values(), ids=LEFT)
def test_anything_else_stays(source: str) -> None:
    """Where the decorator would count something else, or somebody may read the object, all stays."""
    assert fixed(source) == source


def test_counter_of_a_package_goes_like_any_other() -> None:
    """Whether other files take it from there is asked of them, as for every name that goes."""
    config = Config(root=Path(), select=("GR202",))
    after = fix_alone(COUNTED.encode(), "src/shop/orders/__init__.py", config, unsafe=True).content.decode()
    assert "Counter(" not in after
    assert series(after) == series(COUNTED)


def test_namespace_would_rename_the_series() -> None:
    """Under a namespace that the series does not start with, the decorator would expose another one."""
    assert fixed(COUNTED, namespace="shop") == COUNTED
    assert fixed(COUNTED, namespace="orders") != COUNTED
    assert fixed(COUNTED, namespace="order") == COUNTED
    assert fixed(COUNTED, namespace="orders_placed") == COUNTED
    below = COUNTED.replace("orders_placed", "my_shop_orders_placed")
    assert fixed(below, namespace="my-shop") != below
