"""GR206 on the shapes that homemade decorators come in: replaced where the runtime's do the same, else left with a reason."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from textwrap import dedent, indent
from typing import TYPE_CHECKING

import pytest
from project_folders import check

if TYPE_CHECKING:
    from click.testing import Result

HEAD = """\
import asyncio
import functools
import inspect
import logging
import time
from typing import Any, Final

logger = logging.getLogger(__name__)
app_logger = logger


"""
WRAPPER = """\
@functools.wraps(function)
def wrapper(*args, **kwargs):
    start = time.perf_counter()
    try:
        return function(*args, **kwargs)
    finally:
        {log}
"""
LOG = 'logger.info("%s took %.1f s", function.__name__, time.perf_counter() - start)'
USE = """\
from helpers import track_time


class Orders:
    rate = 2

    @track_time
    def price(self, count, *more, unit=1):
        return count * self.rate * unit + sum(more)

    @track_time
    def fail(self):
        raise KeyError("order")
"""
PROGRAM = """\
import json, sys
import uses
orders = uses.Orders()
try:
    orders.fail()
except KeyError as error:
    failed = str(error)
print(json.dumps([orders.price(1), orders.price(2, 3, unit=4), failed]))
"""


def decorator(body: str, head: str = "def track_time(function):") -> str:
    """Return a module with a decorator."""
    return HEAD + head + "\n" + indent(dedent(body), "    ") + "\n    return wrapper\n"


def either(log: str) -> str:
    """Return a module with a decorator that makes one of two wrappers, and returns whichever it made."""
    plain = WRAPPER.format(log=log)
    of_coroutines = (
        WRAPPER.format(log=LOG).replace("def wrapper", "async def wrapper").replace("return f", "return await f")
    )
    asks = "if inspect.iscoroutinefunction(function):\n"
    return decorator(asks + indent(of_coroutines, "    ") + "else:\n" + indent(plain, "    "))


def logging_with(log: str) -> str:
    """Return a module with a decorator that times and logs in some way."""
    return decorator(WRAPPER.format(log=log.replace("\n", "\n        ")))


PLAIN = decorator(WRAPPER.format(log=LOG))
SELF = PLAIN.replace("wrapper(*args", "wrapper(self, *args").replace(
    "return function(*args", "return function(self, *args"
)


def made(root: Path, monkeypatch: pytest.MonkeyPatch, settings: str = "", **files: str) -> Path:
    """Make a project whose modules stand at its root, and work there."""
    declared = '[project]\nname = "shop"\ndependencies = ["golden-runtime"]\n'
    (root / "pyproject.toml").write_text(declared + settings)
    for name, source in files.items():
        path = root / name.replace("__", "/").replace("/init", "/__init__")
        path.with_suffix(".py").parent.mkdir(parents=True, exist_ok=True)
        path.with_suffix(".py").write_text(source)
    monkeypatch.chdir(root)
    return root


def run(*arguments: str) -> Result:
    """Run `golden-rules check` for this rule."""
    return check("--select", "GR206", *arguments)


def reason() -> str:
    """Return why the one finding has no fix."""
    [finding] = json.loads(run("--format", "json").stdout)["findings"]
    assert finding["fix"] is None
    return str(finding["remedy"]).partition("(no fix, as ")[2].removesuffix(")")


def result(folder: Path, program: str = PROGRAM) -> object:
    """Return what a program prints in a folder."""
    done = subprocess.run([sys.executable, "-c", program], cwd=folder, capture_output=True, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


REPLACED = {
    "plain": PLAIN,
    "one argument apart": SELF,
    "at a level": logging_with('logger.log(logging.DEBUG, "%s", time.perf_counter() - start)'),
    "another logger": logging_with('app_logger.debug(f"{time.perf_counter() - start:.1f} s")'),
    "a logger on the spot": logging_with('logging.getLogger(__name__).info("%s", time.perf_counter() - start)'),
    "slow calls only": logging_with('took = time.perf_counter() - start\nif took > 0.5:\n    logger.info("slow: %s", took)'),
    "where the level is on": logging_with(f"if logger.isEnabledFor(logging.DEBUG):\n    {LOG.replace('info', 'debug')}"),
    "shaped by a helper": logging_with('print(format_seconds(time.perf_counter() - start))') + "\n\ndef format_seconds(value):\n    return str(value)\n",
    "with annotations": PLAIN.replace("start =", "start: Final =").replace("*args, **kwargs):", "*args: Any, **kwargs: Any) -> Any:"),
    "with a name for the function": PLAIN.replace("    @functools", "    name = getattr(function, '__qualname__', '?')\n\n    @functools").replace("function.__name__, time", "name, time"),
    "with an import": PLAIN.replace("        start =", "        import time\n\n        start ="),
    "for both kinds": decorator(
        "is_async = inspect.iscoroutinefunction(function)\nif is_async:\n"
        + indent(WRAPPER.format(log=LOG).replace("def wrapper", "async def wrapper").replace("return function", "return await function"), "    ")
        + "    return wrapper\n\n" + WRAPPER.format(log=LOG)
    ),
    "for both kinds under one name": either(LOG),
}  # fmt: skip


@pytest.mark.parametrize("helpers", REPLACED.values(), ids=REPLACED)
def test_what_only_times_and_logs_is_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, helpers: str) -> None:
    """Modules at the project's root, too; functions return and raise the same, and a second run changes nothing."""
    root = made(tmp_path, monkeypatch, helpers=helpers, uses=USE)
    before = result(root)
    assert run("--fix", "--unsafe-fixes").return_value == 0
    assert "track_time" not in (root / "helpers.py").read_text() + (root / "uses.py").read_text()
    assert (root / "uses.py").read_text().count("@timed(") == 2
    assert result(root) == before
    assert run("--fix", "--unsafe-fixes").output.startswith("No findings in")


TIMED_WITHIN = """

@track_time
def place(order):
    start = time.perf_counter()
    order.save()
    logger.info("saved in %s", time.perf_counter() - start)
    return order.send()
"""


def test_safe_fix_of_a_function_leaves_its_decorator_a_fix(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The timer within has the plain name by then; whoever runs `--fix` first gets no less."""
    root = made(tmp_path, monkeypatch, helpers=PLAIN + TIMED_WITHIN)
    run("--fix", "--select", "GR201,GR206")
    assert 'timed("helpers.place.duration").start()' in (root / "helpers.py").read_text()
    assert run("--fix", "--unsafe-fixes").return_value == 0
    assert '@timed("helpers.place.call.duration")\ndef place' in (root / "helpers.py").read_text()


def test_named_file_alone_says_why_nothing_goes_from_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who else uses the decorator is not known then."""
    made(tmp_path, monkeypatch, helpers=PLAIN + TIMED_WITHIN)
    told = run("helpers.py").output
    assert "(no fix, as only a check of the whole project tells who else uses `track_time`)" in told


LEFT = {
    "stores": (logging_with(LOG + "\nwrapper.calls = 1"), "it does more than measure in line 20"),
    "warns": (logging_with(LOG.replace("info", "warning")), "it does more than measure in line 19"),
    "warns of slow calls": (logging_with(f"if time.perf_counter() > start:\n    {LOG.replace('info', 'warning')}"), "it does more than measure in line 19"),
    "warns for one kind": (either(LOG.replace("info", "warning")), "it does more than measure in line 28"),
    "logs what it got": (logging_with(LOG.replace("function.__name__", "args")), "it does more than measure in line 19"),
    "asks somebody": (logging_with(LOG.replace("function.__name__", "who()")), "it does more than measure in line 19"),
    "loses the result": (PLAIN.replace("return function", "function"), "it does more than measure in line 17"),
    "changes arguments": (PLAIN.replace("function(*args, ", "function(*args[1:], "), "it does more than measure in line 17"),
    "looks at an argument": (PLAIN.replace("(*args, **kwargs):", "(*args, unit=2, **kwargs):"), "`wrapper` looks at its arguments"),
    "takes options": (PLAIN.replace("(function):", "(function=None, unit='s'):"), "it takes more than the function"),
    "registers": (PLAIN.replace("    @functools", "    ALL.append(function)\n\n    @functools") + "\n\nALL = []\n", "it does more than measure in line 13"),
    "a method": (HEAD + "class Helpers:\n" + indent(PLAIN.removeprefix(HEAD), "    "), "it does not stand by itself at the top of its file"),
}  # fmt: skip


@pytest.mark.parametrize(("helpers", "why"), LEFT.values(), ids=LEFT)
def test_what_does_more_is_left_with_a_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, helpers: str, why: str
) -> None:
    """The finding names the line that stands against it, and nothing is written."""
    root = made(tmp_path, monkeypatch, helpers=helpers, uses=USE)
    assert reason() == why
    run("--fix", "--unsafe-fixes")
    assert (root / "helpers.py").read_text() == helpers
    assert (root / "uses.py").read_text() == USE


USED = {
    "in a function": ("def work():\n    from helpers import track_time\n\n    @track_time\n    def one():\n        return 1\n\n    return one()\n", "by an import in a function"),
    "under a condition": ("if True:\n    from helpers import track_time\n\n\n@track_time\ndef one():\n    return 1\n", "by an import under a condition"),
    "star import": ("from helpers import *\n\n\n@track_time\ndef one():\n    return 1\n", "mentions it in another way"),
    "called": ("from helpers import track_time\n\n\n@track_time\ndef one():\n    return 1\n\n\ntwo = track_time(one)\n", "and mentions it in another way, too"),
    "only called": ("from helpers import track_time\n\ntwo = track_time(len)\n", "mentions it in another way"),
    "for types": ("from typing import TYPE_CHECKING\n\nif TYPE_CHECKING:\n    from helpers import track_time\n\n\ndef one(f: 'track_time'):\n    return f\n", "mentions it in another way"),
    "on a class": ("from helpers import track_time\n\n\n@track_time\nclass One:\n    pass\n", "mentions it in another way"),
    "on a generator": ("from helpers import track_time\n\n\n@track_time\ndef one():\n    yield 1\n", "on a generator (line 4)"),
    "on overloads": ("from typing import overload\n\nfrom helpers import track_time\n\n\n@overload\n@track_time\ndef one(a: int): ...\n@overload\n@track_time\ndef one(a: str): ...\n@track_time\ndef one(a):\n    return a\n", "where no measuring decorator may stand"),
    "with arguments": ("from helpers import track_time\n\n\n@track_time()\ndef one():\n    return 1\n", "with arguments"),
    "over a property": ("from helpers import track_time\n\n\nclass One:\n    @track_time\n    @property\n    def one(self):\n        return 1\n", "above a decorator that makes no function (line 5)"),
}  # fmt: skip


@pytest.mark.parametrize(("uses", "why"), USED.values(), ids=USED)
def test_use_that_stands_against_it_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, uses: str, why: str
) -> None:
    """The finding names the file and how it uses the decorator; no file changes."""
    root = made(tmp_path, monkeypatch, helpers=PLAIN, uses=uses, more=USE)
    assert reason().startswith("`uses.py` ")
    assert why in reason()
    run("--fix", "--unsafe-fixes")
    assert [(root / f"{name}.py").read_text() for name in ("helpers", "uses", "more")] == [PLAIN, uses, USE]


LAYOUTS = {
    "src": ("src/shop/helpers", "src/shop/uses", "shop.helpers", "src", "import shop.uses as uses"),
    "below another folder": ("web/shop/helpers", "web/shop/uses", "shop.helpers", "web", "import shop.uses as uses"),
    "a script beside": ("helpers", "uses", "helpers", ".", "import uses"),
    "a package": ("shop/helpers", "shop/deep/uses", "..helpers", ".", "import shop.deep.uses as uses"),
}


@pytest.mark.parametrize(("helpers", "uses", "module", "start", "program"), LAYOUTS.values(), ids=LAYOUTS)
def test_any_layout(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    helpers: str,
    uses: str,
    module: str,
    start: str,
    program: str,
) -> None:
    """Wherever Python looks for the project's modules, and whatever a file calls another."""
    root = made(tmp_path, monkeypatch, **{helpers: PLAIN, uses: USE.replace("from helpers", f"from {module}")})
    before = result(root / start, PROGRAM.replace("import uses", program))
    assert run("--fix", "--unsafe-fixes").return_value == 0
    assert "@timed(" in (root / f"{uses}.py").read_text()
    assert "track_time" not in (root / f"{helpers}.py").read_text()
    assert result(root / start, PROGRAM.replace("import uses", program)) == before


def test_modules_of_one_name_are_kept_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two services with a `shop.helpers` each: one's decorator gives way in its own files, the other's stays."""
    warning = PLAIN.replace("logger.info", "logger.warning")
    use = USE.replace("from helpers", "from shop.helpers")
    files = {"one/shop/helpers": PLAIN, "one/shop/uses": use, "two/shop/helpers": warning, "two/shop/uses": use}
    root = made(tmp_path, monkeypatch, **files)
    run("--fix", "--unsafe-fixes")
    after = {name: (root / f"{name}.py").read_text() for name in files}
    assert after == files


OWN = '\n[tool.golden-rules]\nruntime-module = "shop.obs"\n'
BINDINGS = {
    "import": ("from golden_runtime import timed\n", True),
    "another name": ("from golden_runtime import timed as t\n", False),
    "nothing": ("", False),
    "under a condition": ("try:\n    from golden_runtime import timed\nexcept ImportError:\n    timed = None\n", True),
    "for types alone": ("from typing import TYPE_CHECKING\n\nif TYPE_CHECKING:\n    from golden_runtime import timed\n", False),
    "star import": ("from golden_runtime import *\n", True),
    "on demand": ("def __getattr__(name):\n    import golden_runtime\n\n    return getattr(golden_runtime, name)\n", True),
    "of its own": ("import golden_runtime\n\n\ndef timed(name):\n    return golden_runtime.timed(name)\n", True),
}  # fmt: skip


@pytest.mark.parametrize(("observed", "has"), BINDINGS.values(), ids=BINDINGS)
@pytest.mark.parametrize("across", [True, False], ids=["across files", "in one file"])
def test_runtime_module_must_have_what_fixes_import(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, observed: str, has: bool, across: bool
) -> None:
    """No fix imports a name that the project's own runtime module lacks, and the finding says so."""
    use = USE.replace("from helpers", "from shop.helpers") if across else PLAIN + USE.partition("\n")[2]
    files = {"shop/__init__": "", "shop/obs": observed, "shop/uses": use, **({"shop/helpers": PLAIN} if across else {})}
    root = made(tmp_path, monkeypatch, OWN, **files)
    why = "" if has else reason()
    run("--fix", "--unsafe-fixes")
    after = (root / "shop/uses.py").read_text()
    assert ("from shop.obs import timed" in after) == has == (after != use)
    assert has or why == "`shop.obs` has no `timed`"
    result(root, PROGRAM.replace("import uses", "import shop.uses as uses"))


IMPORTERS = {
    "by name": 'import importlib\n\nimportlib.import_module("shop.uses")\n',
    "by relative name": 'import importlib\n\nimportlib.import_module(".uses", __package__)\n',
    "by any name": 'import importlib\n\nfor name in ("uses",):\n    importlib.import_module(f"shop.{name}")\n',
    "by hand": '__import__("shop.uses")\n',
}


@pytest.mark.parametrize("code", IMPORTERS.values(), ids=IMPORTERS)
def test_circle_by_importlib(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str) -> None:
    """What the runtime module imports by calls cannot import that in turn either."""
    observed = code + "from golden_runtime import timed\n"
    use = PLAIN + USE.partition("\n")[2]
    root = made(tmp_path, monkeypatch, OWN, **{"shop/__init__": "", "shop/obs": observed, "shop/uses": use})
    assert reason() == "`shop.obs` itself imports this file and would be imported in a circle"
    run("--fix", "--unsafe-fixes")
    assert (root / "shop/uses.py").read_text() == use
    for module in ("shop.obs", "shop.uses"):
        result(root, f"import {module}; print(1)")
