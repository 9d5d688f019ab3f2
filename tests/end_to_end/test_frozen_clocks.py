"""freezegun moves the clock of a timer as it moves that of the code, so that the fix of a hand timing changes no test."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ORDERS = """\
import time


def place(order, log):
    start = CLOCK
    order()
    log.append(CLOCK - start)
    return log
"""
TEST = """\
from freezegun import freeze_time
from orders import place

with freeze_time("2024-03-01 12:00:00.7") as frozen:
    print(place(lambda: frozen.tick(0.3), []))
with freeze_time("2024-03-01", tick=True) as frozen:
    print(place(lambda: frozen.move_to("2024-03-02 00:30"), [])[0] // 3600)
with freeze_time("2024-03-01", auto_tick_seconds=15):
    print(place(lambda: None, []))
"""


def run(folder: Path, *arguments: str) -> str:
    """Run Python in a folder; return what it prints."""
    done = subprocess.run([sys.executable, *arguments], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout


@pytest.mark.parametrize("clock", ["time.time()", "time.monotonic()", "time.perf_counter()"])
def test_seconds_are_the_same_when_time_stands_still(tmp_path: Path, clock: str) -> None:
    """To the last bit, whether the test moves the clock, lets it run, or each reading moves it."""
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "shop"\ndependencies = ["golden-runtime"]\n')
    (tmp_path / "orders.py").write_text(ORDERS.replace("CLOCK", clock))
    (tmp_path / "test_orders.py").write_text(TEST)
    before = run(tmp_path, "test_orders.py")
    run(tmp_path, "-m", "golden_rules", "check", "--fix", "orders.py")
    assert "timed(" in (tmp_path / "orders.py").read_text()
    assert run(tmp_path, "test_orders.py") == before


DECORATED = """\
from freezegun import freeze_time
from golden_runtime import timed, track_request
from prometheus_client import REGISTRY


@track_request("shop.place")
def place(order):
    order()


@timed("shop.generate")
def generate():
    yield


try:
    place(lambda: freeze_time("2024-03-01").start() and 1 / 0)
except ZeroDivisionError:
    pass
list(generate())
for name in ("shop_place_duration_seconds_sum", "shop_generate_seconds_sum"):
    print(0 <= REGISTRY.get_sample_value(name) < 60)
"""


def test_duration_is_of_one_clock_when_time_stands_still_meanwhile(tmp_path: Path) -> None:
    """A call that began before time was frozen, or under a decorator from before, is not measured from one clock to another."""
    (tmp_path / "decorated.py").write_text(DECORATED)
    assert run(tmp_path, "decorated.py") == "True\nTrue\n"
