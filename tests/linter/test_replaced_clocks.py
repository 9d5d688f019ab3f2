"""A timer reads a clock of its own: where a test replaces the file's clock, the fix of a hand timing is unsafe."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from project_folders import golden_rules, write

TIMED = """\
import time


def place(order, log):
    start = time.time()
    order.save()
    time.sleep(0)
    log.info("took %.1f s", time.time() - start)
"""
TRACKED = """\
import time


def place(order, hook):
    start = time.time()
    try:
        order.save()
    except OSError:
        hook.on_failure(order, duration=time.time() - start)
        raise
    hook.on_success(order, duration=time.time() - start)
"""


def shop(folder: Path, orders: str, **others: str) -> Path:
    """Make a project with a module `shop.orders`, and tests by their names."""
    declared = '[project]\nname = "shop"\ndependencies = ["golden-runtime"]\n'
    tests = {f"tests/{name}.py": text for name, text in others.items()}
    return write(folder, {"pyproject.toml": declared, "shop/__init__.py": "", "shop/orders.py": orders, **tests})


REPLACED = {
    "a path": "mock.patch('shop.orders.time.time')\n",
    "the path of the module": "mock.patch('shop.orders.time')\n",
    "a path that is put together": "mock.patch(f'{MODULE}.time.time')\n",
    "an object": "from shop import orders\n\nmock.patch.object(orders, 'time')\n",
    "the module behind it": "from shop import orders\n\n\ndef test(monkeypatch):\n    monkeypatch.setattr(orders.time, 'time', lambda: 1)\n",
    "a name in a text": "from shop import orders as o\n\n\ndef test(monkeypatch):\n    monkeypatch.setattr('shop.orders.time.time', lambda: 1)\n",
    "an assignment": "from shop import orders\n\norders.time = None\n",
    "an assignment behind it": "from shop import orders\n\norders.time.time = lambda: 1\n",
    "several": "mock.patch.multiple('shop.orders', time=None)\n",
    "the clock of all": "import time\nfrom shop import orders\n\n\ndef test(monkeypatch):\n    monkeypatch.setattr(time, 'time', lambda: 1)\n",
    "the clock of all by its path": "from shop.orders import place\n\nmock.patch('time.time', side_effect=[1, 2])\n",
    "a library that stops clocks": "import time_machine\nfrom shop.orders import place\n",
    "code that does not parse": "from shop import orders\nprint orders.time.time\n",
}  # fmt: skip


@pytest.mark.parametrize("source", [TIMED, TRACKED], ids=["GR201", "GR204"])
@pytest.mark.parametrize("test", REPLACED.values(), ids=REPLACED)
def test_replaced_clock_stays(tmp_path: Path, source: str, test: str) -> None:
    """It is left where only safe fixes are asked for, with the reason; `--diff` agrees, and unsafe fixes are made."""
    shop(tmp_path, source, test_orders=test)
    assert golden_rules(tmp_path, "check", "--diff", "--select", "GR201,GR204").stdout == ""
    done = golden_rules(tmp_path, "check", "--fix", "--select", "GR201,GR204", "--format", "json")
    [finding] = [found for found in json.loads(done.stdout)["findings"] if found["code"] != "GR900"]
    assert (tmp_path / "shop/orders.py").read_text() == source
    assert finding["fix"]["safety"] == "unsafe"
    why = "(the fix is unsafe, as `tests/test_orders.py` replaces `time.time`, which a timer does not read)"
    assert finding["remedy"].endswith(why)
    golden_rules(tmp_path, "check", "--fix", "--unsafe-fixes", "--select", "GR201,GR204")
    assert "timed(" in (tmp_path / "shop/orders.py").read_text()


OF_ALL = "from unittest import mock\n\n\ndef ticking():\n    return mock.patch('time.time', side_effect=[1, 2])\n"
SHARED = {
    "a fixture": ("conftest", OF_ALL),
    "a helper": ("helpers", OF_ALL),
    "an assignment": ("conftest", "import time\n\ntime.time = lambda: 1\n"),
    "an object": ("conftest", "import time\n\n\ndef tick(monkeypatch):\n    monkeypatch.setattr(time, 'time', int)\n"),
    "a library that stops clocks": ("conftest", "from time_machine import travel\n"),
    "a test that takes it from the package": ("test_all", f"import shop\n{OF_ALL}"),
    "a test of the package's names": ("test_all", f"from shop import place\n{OF_ALL}"),
}


@pytest.mark.parametrize(("name", "text"), SHARED.values(), ids=SHARED)
def test_clock_of_all_stays_where_tests_share_it(tmp_path: Path, name: str, text: str) -> None:
    """Fixtures and helpers need not know the modules whose tests use them, and a package hands on what its modules have."""
    shop(tmp_path, TIMED, **{name: text, "test_orders": "from shop.orders import place\n"})
    done = golden_rules(tmp_path, "check", "--fix", "--select", "GR201")
    assert f"the fix is unsafe, as `tests/{name}.py` replaces `time.time`" in done.stdout
    assert (tmp_path / "shop/orders.py").read_text() == TIMED


LIBRARIES = {
    "freezegun moves a timer, too": ("time.time()", "from freezegun import freeze_time\n", "", ""),
    "freezegun and a monotonic clock": ("time.monotonic()", "def freeze(freezer): ...\n", "", ""),
    "freezegun rounds dates": ("datetime.now()", "from freezegun import freeze_time\n", "", "datetime.now"),
    "a mark of freezegun": ("datetime.now()", "import pytest\n\npytestmark = pytest.mark.freeze_time\n", "", "datetime.now"),
    "an old freezegun": ("time.time()", "from freezegun import freeze_time\n", "freezegun==1.1.0\n", "time.time"),
    "an old freezegun and a performance counter": ("time.perf_counter()", "import freezegun\n", "freezegun<1.2\n", ""),
    "a new freezegun": ("time.time()", "import freezegun\n", "freezegun==1.10.0\n", ""),
    "time-machine": ("time.monotonic()", "import time_machine\n", "", "time.monotonic"),
    "time-machine and a performance counter": ("time.perf_counter()", "import time_machine\n", "", ""),
    "looptime": ("time.time()", "def loop(looptime): ...\n", "", ""),
    "looptime and a loop": ("asyncio.get_running_loop().time()", "def loop(looptime): ...\n", "", "asyncio.get_running_loop().time"),
}  # fmt: skip


@pytest.mark.parametrize(("clock", "conftest", "requirements", "replaced"), LIBRARIES.values(), ids=LIBRARIES)
def test_libraries_differ_in_what_they_move(
    tmp_path: Path, clock: str, conftest: str, requirements: str, replaced: str
) -> None:
    """What leaves a clock alone, or moves that of a timer with it, makes no difference to the seconds."""
    source = TIMED.replace("    time.sleep(0)\n", "").replace("time.time()", clock)
    if clock.startswith("datetime"):
        source = source.replace("import time", "from datetime import datetime")
        source = source.replace(f"{clock} - start", f"({clock} - start).total_seconds()")
    shop(
        tmp_path,
        source.replace("import time\n", "import asyncio\n") if "asyncio" in clock else source,
        conftest=conftest,
    )
    write(tmp_path, {"requirements.txt": f"golden-runtime\n{requirements}"})
    told = golden_rules(tmp_path, "check", "--fix", "--select", "GR201").stdout
    assert told.startswith("fixed 1 in shop/orders.py") == (not replaced)
    assert (f"`tests/conftest.py` replaces `{replaced}`" in told) == bool(replaced)


OTHERS = {
    "nothing": "",
    "what is not the clock": "from shop import orders\n\n\ndef test(monkeypatch):\n    monkeypatch.setattr(orders.time, 'sleep', print)\n",
    "what is not the clock by its path": "mock.patch('shop.orders.time.sleep')\n",
    "another clock of the module": "mock.patch('shop.orders.time.monotonic')\n",
    "another module's": "mock.patch('shop.stock.time.time')\n",
    "the clock of all without it": "mock.patch('time.time')\n",
    "a read": "from shop import orders\n\norders.time.sleep(0)\n",
    "a re-export": "from shop.orders import *\n",
    "the clock of all beside another module": "from shop.stock import take\n\nmock.patch('time.time')\n",
    "a clock that is handed over": "import time\nimport shop\n\nshop.place(time.time)\n",
    "another clock of all": "import shop\n\nmock.patch('time.monotonic')\n",
}


@pytest.mark.parametrize("test", OTHERS.values(), ids=OTHERS)
def test_clock_that_nobody_replaces_gives_way(tmp_path: Path, test: str) -> None:
    """A file that only knows the module, or replaces something else, does not stand against it."""
    shop(tmp_path, TIMED, test_orders=test)
    done = golden_rules(tmp_path, "check", "--fix")
    assert done.stdout == "fixed 1 in shop/orders.py (GR201)\nNo findings left in 3 files.\n"


def test_findings_hang_on_no_other_file(tmp_path: Path) -> None:
    """What `check` says is the same with the test and without."""
    shop(tmp_path, TIMED)
    before = golden_rules(tmp_path, "check", "shop", "--format", "json").stdout
    shop(tmp_path, TIMED, test_orders=REPLACED["a path"])
    assert golden_rules(tmp_path, "check", "shop", "--format", "json").stdout == before


@pytest.mark.parametrize("arguments", [("shop/orders.py",), ("-", "--stdin-filename", "shop/orders.py")])
def test_what_is_named_does_not_matter(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    """A commit's one file, or an editor's text, is fixed as in a run over all."""
    shop(tmp_path, TIMED, test_orders=REPLACED["a path"])
    command = [sys.executable, "-m", "golden_rules", "check", "--fix", *arguments]
    done = subprocess.run(command, cwd=tmp_path, input=TIMED, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert (tmp_path / "shop/orders.py").read_text() == TIMED
    assert done.stdout.startswith("import time") == ("-" in arguments)
    assert "timed(" not in done.stdout.partition("help")[0]


def test_name_that_stands_for_the_clock(tmp_path: Path) -> None:
    """An imported function is replaced by its own name."""
    source = TIMED.replace("import time\n", "from time import perf_counter as now\n").replace("time.time()", "now()")
    source = source.replace("    time.sleep(0)\n", "")
    shop(tmp_path, source, test_orders="mock.patch('shop.orders.now')\n")
    assert "`tests/test_orders.py` replaces `now`" in golden_rules(tmp_path, "check", "--fix").stdout


def test_clock_of_the_projects_own(tmp_path: Path) -> None:
    """It is there to be another one in tests, whether there are any or not."""
    source = (
        "class Orders:\n    def place(self, log):\n        start = self.clock.now()\n        self.save()\n"
        "        log.info('took %.1f s', (self.clock.now() - start).total_seconds())\n"
    )
    shop(tmp_path, source)
    [finding] = json.loads(golden_rules(tmp_path, "check", "--format", "json").stdout)["findings"]
    assert finding["fix"]["safety"] == "unsafe"
