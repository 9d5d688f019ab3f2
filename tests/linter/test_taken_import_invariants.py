"""However the modules of a project take names from each other, every one of them can be imported after all fixes."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from golden_rules.config import Configs
from golden_rules.files import discover
from golden_rules.runner import Fixing, check_files

# How a module may get its clock: the statement, the name that it binds, and what reads the clock.
CLOCKS = [
    ("import time\n", "time", "time.time"), ("import time as clock\n", "clock", "clock.monotonic"), ("import os, time\n", "time", "time.perf_counter"),
    ("from time import perf_counter\n", "perf_counter", "perf_counter"), ("from time import (\n    monotonic as now,\n    sleep,\n)\n", "now", "now"),
    ("import time as _time\n", "_time", "_time.time"),
]  # fmt: skip
TIMED = "def {function}(order, log):\n    start = {clock}()\n    order.save()\n    log.info('took %s', {clock}() - start)\n\n\n"
HELPER = "@contextmanager\ndef block(log):\n    start = {clock}()\n    yield\n    log.info('took %s', {clock}() - start)\n\n\n"
# How another module may take a name, so that importing that one fails where the name is gone.
WAYS = [
    "from shop.{module} import {name}\n", "from .{module} import {name} as other\n", "import shop.{module}\nshop.{module}.{name}\n",
    "import shop.{module} as m\nm.{name}\n", "from shop import {module}\n{module}.{name}\n", "from shop import {module} as m\nkept = m\nkept.{name}\n",
    "from shop.{module} import *\n'{name}'.startswith('_') or {name}\n", "from unittest import mock\nmock.patch('shop.{module}.{name}').start()\n",
    "from unittest import mock\nimport shop.{module} as m\nmock.patch.object(m, '{name}').start()\n", "import shop.{module}, sys\nsys.modules['shop.{module}'].{name}\n",
    "from importlib import import_module\nimport_module('shop.{module}').{name}\n", "import shop.{module} as m\ngetattr(m, '{name}')\n",
    "import shop.{module} as m\nvars(m)['{name}']\n", "from unittest import mock\nMODULE = 'shop.{module}'\nmock.patch(f'{{MODULE}}.{name}').start()\n",
    "from unittest import mock\nmock.patch.multiple('shop.{module}', {name}=1).start()\n", "from operator import attrgetter\nimport shop.{module} as m\nattrgetter('{name}')(m)\n",
    "def take():\n    from shop.{module} import {name}\n\n    return {name}\n\n\ntake()\n", "import time\n\ntime.time()\n",
]  # fmt: skip
MODULES = ("orders", "stock", "parcels")


@st.composite
def projects(draw: st.DrawFn) -> dict[str, str]:
    """Make modules that time by hand, and tests and scripts that take the names of their clocks and helpers in any way."""
    files = {"shop/__init__.py": draw(st.sampled_from(["", "from .orders import *\n"]))}
    names: dict[str, list[str]] = {}
    for number, module in enumerate(MODULES):
        statement, name, clock = draw(st.sampled_from(CLOCKS))
        head = f"from contextlib import contextmanager\n{statement}\n\n"
        helper = draw(st.sampled_from(["", HELPER.format(clock=clock)]))
        names[module] = [name, "contextmanager", *(["block"] if helper else [])]
        taken = "" if not number else _taken(draw, names, MODULES[:number])
        files[f"shop/{module}.py"] = head + taken + TIMED.format(function="place", clock=clock) + helper
    for path in draw(st.lists(st.sampled_from(["shop/tests.py", "shop/scripts/run.py", "shop/looks.py"]), unique=True)):
        files[path] = _taken(draw, names, MODULES).replace("from .", "from shop.")
    files["shop/scripts/__init__.py"] = ""
    return files


def _taken(draw: st.DrawFn, names: dict[str, list[str]], modules: tuple[str, ...]) -> str:
    parts = []
    for _ in range(draw(st.integers(0, 2))):
        module = draw(st.sampled_from(modules))
        name = draw(st.sampled_from(names[module]))
        parts.append(draw(st.sampled_from(WAYS)).format(module=module, name=name))
    return "".join(parts)


def failing(root: Path) -> set[str]:
    """Return the modules of a project that cannot be imported, each alone in a fresh set of modules."""
    names = [".".join(file.relative_to(root).with_suffix("").parts) for file in root.rglob("*.py")]
    script = (
        "import sys, importlib\nfrom unittest import mock\nbefore = set(sys.modules)\n"
        f"for name in {sorted(names)}:\n    try:\n        importlib.import_module(name)\n"
        "    except Exception as error:\n        print(name, type(error).__name__)\n"
        "    mock.patch.stopall()\n    for other in [key for key in sys.modules if key.split('.')[0] == 'shop']:\n        del sys.modules[other]\n"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=root, capture_output=True, text=True, check=True)
    return set(done.stdout.splitlines())


@settings(max_examples=40, deadline=None)
@given(projects(), st.booleans(), st.sampled_from(["all", "one", "excluded"]))
def test_fixed_project_can_be_imported(sources: dict[str, str], unsafe: bool, named: str) -> None:
    """Whether all of it is checked, one file, or all but the tests, and whichever fixes are asked for."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        (root / "shop/scripts").mkdir(parents=True)
        excluded = '[tool.golden-rules]\nexclude = ["tests.py", "scripts"]\n' if named == "excluded" else ""
        (root / "pyproject.toml").write_text(excluded)
        for path, source in sources.items():
            (root / path).write_text(source)
        before = failing(root)
        start = root / "shop/orders.py" if named == "one" else root
        files = list(discover([start], Configs()))
        done = check_files(files, Fixing(unsafe=unsafe), folders=[] if named == "one" else [root])
        # a safe fix does not read another clock where a test replaces the one that is read
        assert done.fixed or (not unsafe and any("mock" in source for source in sources.values()))
        assert not done.failures
        assert failing(root) <= before
