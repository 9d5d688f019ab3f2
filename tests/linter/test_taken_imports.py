"""An import that fixes leave without a use stays where anything else in the project may take it from its file."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from project_folders import write

from golden_rules.cli import commands

Project = Callable[..., Path]
TIMED = """\
import time


def place(order, log):
    start = time.time()
    order.save()
    log.info("took %.1f s", time.time() - start)
    order.close()
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """Make a project with a timed function in `shop/orders.py`, and further files by their paths; work in its folder."""

    def make(files: dict[str, str], settings: str = "") -> Path:
        declared = '[project]\nname = "shop"\ndependencies = ["golden-runtime"]\n'
        whole = {"pyproject.toml": declared + settings, "shop/__init__.py": "", "shop/orders.py": TIMED, **files}
        write(tmp_path, whole)
        monkeypatch.chdir(tmp_path)
        return tmp_path

    return make


def fix(*paths: str, stdin: str | None = None) -> Result:
    """Apply the fixes of hand timing, unsafe where a clock is replaced, and check that there was one."""
    arguments = ["check", *(paths or (".",)), "--fix", "--unsafe-fixes", "--select", "GR201"]
    done = CliRunner().invoke(commands, arguments, input=stdin, standalone_mode=False, catch_exceptions=False)
    assert "GR201" in done.output or stdin
    return done


def keeps_time(root: Path) -> bool:
    """Whether the fixed file still imports `time`."""
    text = (root / "shop/orders.py").read_text()
    assert ".start()" in text
    return "import time\n" in text


TAKEN = {
    "imported": "from shop.orders import time\n",
    "imported from a sibling": ("shop/stock.py", "from .orders import place, time as clock\n"),
    "with all else": ("shop/stock.py", "from .orders import *\n\nNOW = time.time()\n"),
    "attribute": "import shop.orders as orders\n\norders.time.sleep(0)\n",
    "attribute of a chain": "import shop.orders\n\nshop.orders.time.sleep(0)\n",
    "from the package": "from shop import orders as o\n\no.time.sleep(0)\n",
    "patched": "from unittest import mock\n\nmock.patch('shop.orders.time.time')\n",
    "patched as an object": "from unittest import mock\nfrom shop import orders\n\nmock.patch.object(orders, 'time')\n",
    "patched among others": "from unittest import mock\n\nmock.patch.multiple('shop.orders', time=None)\n",
    "patched by a path that is put together": "import time\nfrom tests import MODULE\n\nPATCHED = f'{MODULE}.time'\n",
    "patched by a format": "from tests import MODULE\n\nPATCHED = '%s.time' % MODULE\n",
    "set": "def test(monkeypatch):\n    monkeypatch.setattr('shop.orders.time', None)\n",
    "set on the module": "from shop import orders\n\ndef test(monkeypatch):\n    monkeypatch.setattr(orders, 'time', None)\n",
    "looked up": "import sys\n\nsys.modules['shop.orders'].time.sleep(0)\n",
    "imported by name": "import importlib\n\nimportlib.import_module('shop.orders').time.sleep(0)\n",
    "in an example": 'def example():\n    """\n    >>> import shop.orders as o\n    >>> o.time.sleep(0)\n    """\n',
    "in code that does not parse": "from shop.orders import time\nprint 'x'\n",
    "in a stub": ("shop/stock.pyi", "from shop.orders import time\n"),
    "in documentation": ("docs/orders.md", "    >>> from shop.orders import place, time\n"),
    "in settings": ("settings.toml", "clock = 'shop.orders:time'\n"),
    "in a notebook": ("look.ipynb", '{"cells": [{"source": ["from shop.orders import (\\n", "    place,\\n", "    time)"]}]}'),
}  # fmt: skip


@pytest.mark.parametrize("taker", TAKEN.values(), ids=TAKEN)
def test_import_that_another_file_takes_stays(project: Project, taker: str | tuple[str, str]) -> None:
    """In whatever way it takes it."""
    path, source = ("tests/test_orders.py", taker) if isinstance(taker, str) else taker
    root = project({path: source})
    fix()
    assert keeps_time(root)


NOT_TAKEN = {
    "nobody": "",
    "own import": "import time\n\nfrom shop.orders import place\n\ntime.sleep(0)\n",
    "another module's": "import datetime\n\nfrom shop import orders\n\norders.place(datetime.time(), 'time goes by')\n",
    "a patch of another module": "from shop.orders import place\n\nmock.patch('shop.stock.time')\n",
    "words": ("docs/orders.md", "It takes orders, and time. Each of the orders has a time.\n"),
    "a folder of its own": (".venv/lib/x.py", "from shop.orders import time\n"),
}


@pytest.mark.parametrize("other", NOT_TAKEN.values(), ids=NOT_TAKEN)
def test_import_that_nobody_takes_goes(project: Project, other: str | tuple[str, str]) -> None:
    """A word in common does not keep it."""
    path, source = ("tests/test_orders.py", other) if isinstance(other, str) else other
    root = project({path: source})
    fix()
    assert not keeps_time(root)


def test_pipes_are_no_texts(project: Project) -> None:
    """Reading one would wait for whoever writes to it."""
    root = project({})
    os.mkfifo(root / "notes.txt")
    fix()
    assert not keeps_time(root)


@pytest.mark.parametrize("paths", [("shop/orders.py",), ("shop",), ("shop/orders.py", "shop/__init__.py")])
def test_what_is_named_does_not_matter(project: Project, paths: tuple[str, ...]) -> None:
    """A commit's few files are fixed as they would be in a run over all."""
    root = project({"tests/test_orders.py": "from shop.orders import time\n"})
    fix(*paths)
    assert keeps_time(root)


def test_few_files_lose_what_nobody_takes(project: Project) -> None:
    """The same the other way round."""
    root = project({})
    fix("shop/orders.py")
    assert not keeps_time(root)


@pytest.mark.parametrize("taken", [True, False])
def test_standard_input(project: Project, taken: bool) -> None:
    """An editor gets what the command line gives."""
    project({"tests/test_orders.py": "from shop.orders import time\n" if taken else ""})
    done = fix("-", "--stdin-filename", "shop/orders.py", stdin=TIMED)
    assert ".start()" in done.stdout
    assert ("import time\n" in done.stdout) is taken


@pytest.mark.parametrize("hidden", ["excluded", "ignored"])
def test_files_that_are_not_checked_take_too(project: Project, hidden: str) -> None:
    """Tests that the configuration leaves out, and scripts that git ignores, run all the same."""
    taker = {"tests/test_orders.py": "from shop.orders import time\n", ".gitignore": "tests/\n"}
    subprocess.run(["git", "init", "-q", "."], cwd=project({}), check=True)
    if hidden == "excluded":
        root = project({**taker, ".gitignore": ""}, '\n[tool.golden-rules]\nextend-exclude = ["tests"]\n')
    else:
        root = project(taker)
    fix()
    assert keeps_time(root)


def test_diff_shows_what_a_fix_would_write(project: Project) -> None:
    """What waits for the other files is in the diff, in one piece for each file."""
    root = project(
        {"shop/stock.py": TIMED.replace("import time", "import time as clock").replace("time.time", "clock.time")}
    )
    arguments = ["check", ".", "--diff", "--select", "GR201"]
    shown = CliRunner().invoke(commands, arguments, standalone_mode=False).stdout
    assert shown.count("\n-import time") == 2
    assert (root / "shop/orders.py").read_text() == TIMED
    subprocess.run(["patch", "-p1", "-s"], input=shown, cwd=root, text=True, check=True)
    texts = [(root / "shop" / name).read_text() for name in ("orders.py", "stock.py")]
    project({"shop/stock.py": TIMED.replace("import time", "import time as clock").replace("time.time", "clock.time")})
    fix()
    assert [(root / "shop" / name).read_text() for name in ("orders.py", "stock.py")] == texts


def test_second_run_changes_nothing(project: Project) -> None:
    """An import that stayed is for whoever takes it, and nothing of ours any more."""
    root = project({"tests/test_orders.py": "from shop.orders import time\n"})
    fix()
    before = (root / "shop/orders.py").read_text()
    CliRunner().invoke(commands, ["check", ".", "--fix", "--select", "GR201"], standalone_mode=False)
    assert (root / "shop/orders.py").read_text() == before
    subprocess.run([sys.executable, "-c", "import ast; ast.parse(open('shop/orders.py').read())"], cwd=root, check=True)
