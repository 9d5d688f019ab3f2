"""GR206: a homemade decorator that several files use gives way to the runtime's in all of them, or in none."""

from __future__ import annotations

import codecs
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from project_folders import check

from golden_rules.cli import commands

TIMED = '''\
"""Helpers."""

import functools
import logging
import time

logger = logging.getLogger(__name__)


def track_time(function):
    """Say how long each call takes."""

    @functools.wraps(function)
    def wrapper(*args, **kwargs):
        start = time.perf_counter()
        try:
            return function(*args, **kwargs)
        finally:
            logger.info("%s took %.1f s", function.__name__, time.perf_counter() - start)

    return wrapper


def kept(value):
    return value
'''
WITHOUT = '''\
"""Helpers."""

import logging

logger = logging.getLogger(__name__)


def kept(value):
    return value
'''
ORDERS = """\
from shop.helpers import kept, track_time


@track_time
def place(order):
    return kept(order.save())


class Orders:
    @staticmethod
    @track_time
    def refund(order):
        return order.refund()
"""
STOCK = """\
from . import helpers


@helpers.track_time
async def count(shelf):
    return await shelf.count()
"""


def made(root: Path, monkeypatch: pytest.MonkeyPatch, **files: str) -> Path:
    """Make a project of files below `shop`, and work in its folder; return that of its files."""
    (root / "shop").mkdir()
    (root / "pyproject.toml").write_text('[project]\nname = "shop"\ndependencies = ["golden-runtime"]\n')
    for name, source in {"__init__": "", **files}.items():
        (root / "shop" / f"{name}.py").write_text(source)
    monkeypatch.chdir(root)
    return root / "shop"


def run(*arguments: str) -> Result:
    """Run `golden-rules check` for this rule."""
    return check("--select", "GR206", *arguments)


def contents(folder: Path) -> dict[str, str]:
    """Return what the files of a folder hold."""
    return {file.stem: file.read_text() for file in folder.glob("*.py")}


def test_every_use_gives_way_and_the_definition_goes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Imports follow, whatever way the decorator came into a file; what is left runs and is measured."""
    shop = made(tmp_path, monkeypatch, helpers=TIMED, orders=ORDERS, stock=STOCK)
    output = run("--fix", "--unsafe-fixes").output
    assert contents(shop) == {
        "__init__": "",
        "helpers": WITHOUT,
        "orders": ORDERS.replace("import kept, track_time", "import kept")
        .replace("from shop", "from golden_runtime import timed\n\nfrom shop", 1)
        .replace("@track_time\ndef", '@timed("shop.orders.place.duration")\ndef')
        .replace("@track_time\n    def", '@timed("shop.orders.refund.duration")\n    def'),
        "stock": STOCK.replace("from . import helpers", "from golden_runtime import timed").replace(
            "helpers.track_time", 'timed("shop.stock.count.duration")'
        ),
    }
    assert [f"fixed 1 in shop/{name}.py (GR206)" in output for name in ("helpers", "orders", "stock")] == [True] * 3
    program = "import shop.stock, shop.orders as o; o.Orders.refund(type('Order', (), {'refund': lambda self: 3})())"
    told = "from prometheus_client import generate_latest as g; print(g().decode())"
    done = subprocess.run([sys.executable, "-c", f"{program}; {told}"], capture_output=True, text=True, check=True)
    assert "shop_orders_refund_duration_seconds_count 1.0" in done.stdout
    assert run("--fix", "--unsafe-fixes").output.startswith("No findings in")


def test_fix_is_told_where_the_decorator_stands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One finding, whose fix speaks of the files that it changes; a warm run says the same."""
    made(tmp_path, monkeypatch, helpers=TIMED, orders=ORDERS, stock=STOCK)
    reports = [json.loads(run("--format", "json").output) for _ in range(2)]
    assert reports[0] == reports[1]
    [finding] = reports[0]["findings"]
    assert (finding["path"], finding["line"]) == ("shop/helpers.py", 10)
    description = "use `@timed(...)` in place of `@track_time` in 2 files, and delete that"
    assert finding["fix"] == {"safety": "unsafe", "description": description}


def test_diff_holds_all_files_and_writes_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It can be applied with `patch`."""
    shop = made(tmp_path, monkeypatch, helpers=TIMED, orders=ORDERS, stock=STOCK)
    before = contents(shop)
    shown = run("--diff", "--unsafe-fixes").stdout
    assert contents(shop) == before
    subprocess.run(["patch", "-p1"], input=shown, text=True, check=True, capture_output=True)
    assert contents(shop)["helpers"] == WITHOUT
    assert "track_time" not in "".join(contents(shop).values())


def test_part_of_a_project_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where files are named, nobody knows which others use it; without `--unsafe-fixes` nothing is written either."""
    shop = made(tmp_path, monkeypatch, helpers=TIMED, orders=ORDERS, stock=STOCK)
    before = contents(shop)
    run("shop/helpers.py", "shop/orders.py", "--fix", "--unsafe-fixes")
    run("--fix")
    assert contents(shop) == before


def test_baseline_keeps_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the baseline holds is not fixed, in no file."""
    shop = made(tmp_path, monkeypatch, helpers=TIMED, orders=ORDERS, stock=STOCK)
    CliRunner().invoke(commands, ["baseline"], standalone_mode=False)
    before = contents(shop)
    assert run("--fix", "--unsafe-fixes").return_value == 0
    assert contents(shop) == before
    run("--fix", "--unsafe-fixes", "--no-baseline")
    assert contents(shop)["helpers"] == WITHOUT


def test_comment_keeps_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is ignored where it is defined is not fixed where it is used."""
    ignored = TIMED.replace(
        "def track_time(function):", "def track_time(function):  # golden-rules: ignore[GR206] -- ours"
    )
    shop = made(tmp_path, monkeypatch, helpers=ignored, orders=ORDERS)
    before = contents(shop)
    assert run("--fix", "--unsafe-fixes").return_value == 0
    assert contents(shop) == before


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everything")
def test_file_that_cannot_be_written_keeps_the_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All of a fix is written, or nothing of it."""
    shop = made(tmp_path, monkeypatch, helpers=TIMED, orders=ORDERS, stock=STOCK)
    before = contents(shop)
    (shop / "orders.py").chmod(0o444)
    assert run("--fix", "--unsafe-fixes").return_value == 2
    assert contents(shop) == before


def test_full_disk_keeps_all_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The last file to be written is the one that fails, and one sentence says so."""
    shop = made(tmp_path, monkeypatch, helpers=TIMED + "# a word\n" * 2000, orders=ORDERS, stock=STOCK)
    before = contents(shop)
    script = (
        "import resource, signal; from golden_rules.cli import main\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (5000, 5000))\n"
        "main(['check', '--no-cache', '--select', 'GR206', '--fix', '--unsafe-fixes'])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    reason = "`shop/helpers.py` cannot be written: file too large"
    left = "it was left as it was, and so were the 2 other files of the same fix"
    assert done.stderr == f"error: {reason}; {left}\n"
    assert contents(shop) == before
    assert sorted(path.name for path in shop.iterdir()) == ["__init__.py", "helpers.py", "orders.py", "stock.py"]


WRITTEN = {
    "latin-1": ("# -*- coding: latin-1 -*-\n# s\xfcm\n" + ORDERS).encode("latin-1"),
    "a cookie in the second line": ("#!/usr/bin/env python\n# vim: set fileencoding=cp1251 :\n" + ORDERS + "# \u0436\n").encode("cp1251"),
    "a cookie below a blank line": ("\n# coding: latin-1\n" + ORDERS + "# \xfc\n").encode("latin-1"),
    "a byte order mark": ORDERS.encode("utf-8-sig"),
    "a byte order mark and a cookie": ("# coding: utf-8\n" + ORDERS).encode("utf-8-sig"),
    "CRLF": ORDERS.replace("\n", "\r\n").encode(),
    "lone carriage returns": ORDERS.replace("\n", "\r").encode(),
    "mixed line ends": ORDERS.replace("\n\n\n", "\r\n\r\n\r\n").encode(),
    "form feeds and tabs": ORDERS.replace("\n\n\n", "\n\f\n").replace("    ", "\t").encode(),
    "no last line end": ORDERS.rstrip("\n").encode(),
}  # fmt: skip


@pytest.mark.parametrize("orders", WRITTEN.values(), ids=WRITTEN)
def test_files_stay_as_they_are_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, orders: bytes) -> None:
    """Encoding, byte order mark, line ends: what a fix does not speak of stays, byte for byte, and can be imported."""
    shop = made(tmp_path, monkeypatch, helpers=TIMED)
    (shop / "orders.py").write_bytes(orders)
    assert run("--fix", "--unsafe-fixes").return_value == 0
    after = (shop / "orders.py").read_bytes()
    for new, old in (
        (b'timed("shop.orders.place.duration")', b"track_time"),
        (b'timed("shop.orders.refund.duration")', b"track_time"),
        (b"import kept", b"import kept, track_time"),
    ):
        assert after.count(new) == 1
        after = after.replace(new, old)
    lines = after.removeprefix(codecs.BOM_UTF8).splitlines(keepends=True)
    [added] = [line for line in lines if line.startswith(b"from golden_runtime")]
    at = lines.index(added)
    assert not lines[at + 1].strip()
    assert b"".join([*lines[:at], *lines[at + 2 :]]) == orders.removeprefix(codecs.BOM_UTF8)
    assert after.startswith(codecs.BOM_UTF8) == orders.startswith(codecs.BOM_UTF8)
    subprocess.run([sys.executable, "-c", "import shop.orders"], check=True)


def test_link_to_a_file_stays_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file behind it is written, and the one that loses the decorator too."""
    shop = made(tmp_path, monkeypatch, helpers=TIMED)
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "orders.txt").write_text(ORDERS)
    (shop / "orders.py").symlink_to(tmp_path / "kept" / "orders.txt")
    assert run("--fix", "--unsafe-fixes").return_value == 0
    assert (shop / "orders.py").is_symlink()
    assert "@timed(" in (tmp_path / "kept" / "orders.txt").read_text()


UNREADABLE = {
    "not in its encoding": b"# \xfc\nfrom shop.helpers import track_time\n",
    "an unknown encoding": b"# coding: no-such\nfrom shop.helpers import track_time\n",
}  # fmt: skip


@pytest.mark.parametrize("other", UNREADABLE.values(), ids=UNREADABLE)
def test_file_that_cannot_be_decoded_keeps_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, other: bytes) -> None:
    """Nobody knows what it uses, so no fix is promised, and none is made."""
    shop = made(tmp_path, monkeypatch, helpers=TIMED, orders=ORDERS)
    (shop / "other.py").write_bytes(other)
    files = {path: path.read_bytes() for path in shop.iterdir()}
    assert "--unsafe-fixes" not in run().output
    assert run("--fix", "--unsafe-fixes").return_value == 1
    assert {path: path.read_bytes() for path in shop.glob("*.py")} == files


def test_file_that_cannot_be_read_keeps_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A link to nothing may have been a use: it is said, and nothing is written or promised."""
    shop = made(tmp_path, monkeypatch, helpers=TIMED, orders=ORDERS)
    before = contents(shop)
    (shop / "other.py").symlink_to("nowhere.py")
    assert "--unsafe-fixes" not in run().output
    done = run("--fix", "--unsafe-fixes")
    assert done.return_value == 2
    assert done.stderr == "error: `shop/other.py` cannot be read: it is a link to nothing\n"
    (shop / "other.py").unlink()
    assert contents(shop) == before


BY_CALL = TIMED.replace(
    '''def track_time(function):
    """Say how long each call takes."""

    @functools.wraps(function)
    def wrapper(*args, **kwargs):
        start = time.perf_counter()
        try:
            return function(*args, **kwargs)
        finally:
            logger.info("%s took %.1f s", function.__name__, time.perf_counter() - start)

    return wrapper
''',
    """# What is slow.
def track_time(label, unit="s"):
    def decorate(function):
        @functools.wraps(function)
        def wrapper(*args, **kwargs):
            start = time.perf_counter()
            result = function(*args, **kwargs)
            logger.info(f"{label} took {time.perf_counter() - start:.1f} {unit}")
            return result

        return wrapper

    return decorate
""",
)
FOR_BOTH = TIMED.replace(
    "    @functools.wraps(function)\n    def wrapper",
    """    if asyncio.iscoroutinefunction(function):

        @functools.wraps(function)
        async def async_wrapper(*args, **kwargs):
            start = time.perf_counter()
            try:
                return await function(*args, **kwargs)
            finally:
                print("{} took {:.1f} s".format(function.__name__, time.perf_counter() - start))

        return async_wrapper

    @functools.wraps(function)
    def wrapper""",
).replace("import functools", "import asyncio\nimport functools")
KINDS = {
    "with arguments": (BY_CALL, ORDERS.replace("@track_time", '@track_time("orders", unit="s")')),
    "for coroutines too": (FOR_BOTH, ORDERS.replace("def place", "async def place")),
    "under another name": (
        TIMED,
        ORDERS.replace("import kept, track_time", "import kept, track_time as timing").replace(
            "@track_time", "@timing"
        ),
    ),
    "above a retry": (TIMED, ORDERS.replace("def place", "@retry\ndef place").replace("\n\n\n@", "\nfrom retrying import retry\n\n\n@", 1)),
}  # fmt: skip


@pytest.mark.parametrize(("helpers", "orders"), KINDS.values(), ids=KINDS)
def test_kinds_of_decorators(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, helpers: str, orders: str) -> None:
    """Decorators that are called, that tell coroutines from functions, imported as something else, not the innermost."""
    shop = made(tmp_path, monkeypatch, helpers=helpers, orders=orders)
    run("--fix", "--unsafe-fixes")
    assert contents(shop)["helpers"] == WITHOUT
    assert '@timed("shop.orders.place.duration")\n' in contents(shop)["orders"]
    assert "from shop.helpers import kept\n" in contents(shop)["orders"]


LEFT = {
    "called by hand": {"orders": ORDERS + "\n\nsaved = track_time(place)\n"},
    "passed on": {"orders": ORDERS, "other": "from shop.helpers import track_time\n\nHOOKS = [track_time]\n"},
    "exported again": {"__init__": "from shop.helpers import track_time\n", "orders": ORDERS},
    "from another module": {"orders": ORDERS, "other": "from shop.orders import track_time\n"},
    "named in a text": {"orders": ORDERS, "other": "HOOK = 'shop.helpers:track_time'\n"},
    "tested": {"orders": ORDERS, "test_helpers": ORDERS},
    "on a generator": {"orders": ORDERS.replace("return kept(order.save())", "yield order")},
    "on a class": {"orders": ORDERS.replace("class Orders", "@track_time\nclass Orders")},
    "over a static method": {"orders": ORDERS.replace("    @staticmethod\n    @track_time", "    @track_time\n    @staticmethod")},
    "on what is measured": {"orders": "from golden_runtime import counted\n" + ORDERS.replace("@track_time\ndef", "@counted('a')\n@track_time\ndef")},
    "imported in a condition": {"orders": ORDERS.replace("from shop.helpers import kept, track_time", "try:\n    from shop.helpers import kept, track_time\nexcept ImportError:\n    raise")},
    "import with a comment": {"orders": ORDERS.replace("track_time\n\n\n@", "track_time  # seconds\n\n\n@", 1)},
    "with a value": {"helpers": BY_CALL, "orders": ORDERS.replace("@track_time", "@track_time(kept('orders'))")},
    "another shape": {"helpers": TIMED.replace("        start =", "        kept(args)\n        start ="), "orders": ORDERS},
    "warns": {"helpers": TIMED.replace("logger.info", "logger.warning"), "orders": ORDERS},
    "for coroutines": {"helpers": TIMED.replace("    def wrapper", "    async def wrapper").replace("return function(", "return await function("), "orders": ORDERS},
    "a file that does not parse": {"orders": ORDERS, "other": "def track_time(:\n"},
}  # fmt: skip


@pytest.mark.parametrize("files", LEFT.values(), ids=LEFT)
def test_what_is_more_than_a_use_keeps_all_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, files: dict[str, str]
) -> None:
    """No file changes, and no fix is promised."""
    shop = made(tmp_path, monkeypatch, **{"helpers": TIMED, **files})
    before = contents(shop)
    assert "--unsafe-fixes" not in run().output
    run("--fix", "--unsafe-fixes")
    assert contents(shop) == before
