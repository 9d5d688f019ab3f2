"""Where a whole package is named critical, what measures others in it gets no series of its own."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from project_folders import golden_rules, write

TIMING = """\
import functools
import time


def {name}(function):
    @functools.wraps(function)
    def wrapper(*args, **kwargs):
        start = time.perf_counter()
        try:
            return function(*args, **kwargs)
        finally:
            print(function.__name__, time.perf_counter() - start)

    return wrapper


@{name}
def place(order):
    return order.save()
"""
FIXED = """\
from golden_runtime import timed


@timed("shop.orders.place.duration")
def place(order):
    return order.save()
"""
FACTORY = """\
import functools
import time


def timing(label):
    def decorate(function):
        @functools.wraps(function)
        def wrapper(*args, **kwargs):
            start = time.perf_counter()
            result = function(*args, **kwargs)
            print(label, args, time.perf_counter() - start)
            return result

        return wrapper

    return decorate
"""
CONTEXT = """\
import time
from contextlib import contextmanager


@contextmanager
def timing(label):
    start = time.monotonic()
    try:
        yield
    finally:
        print(label, time.monotonic() - start)
"""
STOPWATCH = """\
import time


class Stopwatch:
    def __enter__(self):
        self.start = time.time()
        return self

    def __exit__(self, *exc_info):
        self.elapsed = time.time() - self.start
"""


def shop(folder: Path, orders: str, settings: str = "") -> Path:
    """Make a project whose functions are all named critical."""
    declared = '[project]\nname = "shop"\ndependencies = ["golden-runtime"]\n\n[tool.golden-rules]\ncritical = ["*"]\n'
    return write(folder, {"pyproject.toml": declared + settings, "shop/__init__.py": "", "shop/orders.py": orders})


@pytest.mark.parametrize("name", ["_timed", "_chatty"])
def test_homemade_decorator_gives_way(tmp_path: Path, name: str) -> None:
    """The runtime's takes its place, whatever it is called, and stands on the function alone."""
    shop(tmp_path, TIMING.format(name=name))
    safe = golden_rules(tmp_path, "check", "--fix")
    assert "GR206" in safe.stdout
    assert "fixed" not in safe.stdout
    done = golden_rules(tmp_path, "check", "--fix", "--unsafe-fixes")
    assert done.stdout == "fixed 1 in shop/orders.py (GR206)\nNo findings left in 2 files.\n"
    assert (tmp_path / "shop/orders.py").read_text() == FIXED


@pytest.mark.parametrize("settings", ["", 'measured-by = ["shop.orders"]\n', 'ignore = ["GR206"]\n'])
@pytest.mark.parametrize("source", [TIMING.format(name="_timed"), FACTORY, CONTEXT, STOPWATCH])
def test_what_measures_others_is_left_alone(tmp_path: Path, source: str, settings: str) -> None:
    """With GR206 or without, no part of it is called unmeasured, and no fix touches it."""
    shop(tmp_path, source, settings)
    done = golden_rules(tmp_path, "check", "--fix", "--format", "json")
    assert {finding["code"] for finding in json.loads(done.stdout)["findings"]} <= {"GR206"}
    assert (tmp_path / "shop/orders.py").read_text() == source


def test_other_decorators_are_functions_like_any(tmp_path: Path) -> None:
    """One that checks rights does the work of each call, and the class of a stopwatch may have other methods."""
    login = "def login(function):\n    def wrapper(user):\n        user.check()\n        return function(user)\n\n    return wrapper\n"
    shop(tmp_path, login + "\n\n" + STOPWATCH + "\n    def report(self):\n        return str(self.elapsed)\n")
    found = json.loads(golden_rules(tmp_path, "check", "--format", "json", "--select", "GR105").stdout)["findings"]
    assert [finding["function"] for finding in found] == ["login", "login.wrapper", "Stopwatch.report"]


def test_decorated_decorator_says_so(tmp_path: Path) -> None:
    """The reason names what stands on it."""
    shop(tmp_path, TIMING.format(name="_timed").replace("def _timed", "@functools.cache\ndef _timed"))
    done: subprocess.CompletedProcess[str] = golden_rules(tmp_path, "check", "--select", "GR206")
    assert "(no fix, as it is decorated itself, with `functools.cache`)" in done.stdout
