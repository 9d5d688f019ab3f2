"""Whatever a project of several files looks like, fixes leave one that can be imported and needs no second run."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from golden_rules.config import Configs
from golden_rules.files import discover
from golden_rules.runner import Fixing, Run, check_files

HEAD = "import functools\nimport time\nfrom contextlib import contextmanager\n\nfrom prometheus_client import Counter, Histogram\n\n"
NAMES = ("timing", "_timing", "SEEN", "_SEEN", "block", "spare")
DEFINITIONS = {
    "timing": (
        "def timing(function):\n    @functools.wraps(function)\n    def wrapper(*args, **kwargs):\n        start = time.perf_counter()\n"
        "        try:\n            return function(*args, **kwargs)\n        finally:\n            print(time.perf_counter() - start)\n\n"
        "    return wrapper\n"
    ),
    "SEEN": 'SEEN = Counter("seen", "Seen.")\n',
    "block": "@contextmanager\ndef block(log):\n    start = time.time()\n    yield\n    log.info('%.1f', time.time() - start)\n",
    "spare": "def spare(order):\n    return order\n",
}  # fmt: skip
DEFINITIONS["_timing"] = DEFINITIONS["timing"].replace("timing", "_timing")
DEFINITIONS["_SEEN"] = DEFINITIONS["SEEN"].replace("SEEN", "_SEEN").replace("seen", "seen_too")
AROUND = ["", "\n", "\n\n", "# a word\n", "\n\n# a word\n", "LIMIT = 3\n", "\n\n"]
TAILS = ["", "# the end", "    # indented\n", "\n\nLAST = 1\n", "\n\ndef last():\n    return LAST\n"]
USES = [
    "{name}\n", "@{name}\ndef use(order):\n    return order.save()\n", "def use(order):\n    {name}.inc()\n    order.save()\n    return order\n",
    "def use(log):\n    with {name}(log):\n        pass\n", "HOOK = '{module}.{name}'\n", "@{name}\nasync def use(order):\n    yield order\n", "\n", "__all__ = ['{name}']\n",
    "class Use:\n    @{name}\n    def one(self):\n        return self.save()\n\n    @{name}\n    async def two(self):\n        return self.save()\n",
]  # fmt: skip
WAYS = [
    "from {module} import {name}\n", "from {module} import {name} as used\n", "import {module} as mod\n", "from {module} import *\n",
    "from .{last} import {name}, spare\n", "try:\n    from {module} import {name}\nexcept ImportError:\n    raise\n",
]  # fmt: skip


@st.composite
def definers(draw: st.DrawFn) -> str:
    """Make a module that defines every name, in any order and with anything between them."""
    parts = [HEAD]
    for name in draw(st.permutations(NAMES)):
        parts += [draw(st.sampled_from(AROUND)), DEFINITIONS[name], draw(st.sampled_from(AROUND))]
    if draw(st.booleans()):
        name = draw(st.sampled_from(NAMES))
        parts += ["\n\n", draw(st.sampled_from(USES)).format(name=name, module="shop")]
    return "".join(parts) + draw(st.sampled_from(TAILS))


@st.composite
def users(draw: st.DrawFn, module: str) -> str:
    """Make a module that takes some names from another, in any way, and uses them, or does not."""
    head, body = "", ""
    for _ in range(draw(st.integers(0, 2))):
        name, way = draw(st.sampled_from(NAMES)), draw(st.sampled_from(WAYS))
        head += way.format(module=module, name=name, last=module.rpartition(".")[2])
        local = "used" if " as used" in way else f"mod.{name}" if " as mod" in way else name
        body += "\n\n" + draw(st.sampled_from(USES)).format(name=local, module=module)
    return head + body


@st.composite
def projects(draw: st.DrawFn) -> dict[str, str]:
    """Make a project: one file that defines, one that uses, one that uses either, and a package that may export."""
    files = {
        "helpers": draw(definers()),
        "orders": draw(users("shop.helpers")),
        "stock": draw(users(draw(st.sampled_from(["shop.helpers", "shop.orders"])))),
        "__init__": draw(
            st.sampled_from(["", "", "from shop.helpers import timing\n", "from .helpers import _SEEN\n"])
        ),
    }
    for name, source in files.items():
        try:
            ast.parse(source)
        except SyntaxError:  # an indented comment behind a definition, ...
            files[name] = HEAD + DEFINITIONS["SEEN"] if name == "helpers" else ""
    return files


def fixed(root: Path) -> Run:
    """Apply all fixes of a project."""
    files = list(discover([root], Configs()))
    return check_files(files, Fixing(unsafe=True), folders=[root])


def found(run: Run) -> Counter[tuple[str, str, str]]:
    """Count what a run has found, by rule, file and function."""
    return Counter((finding.code, finding.path, finding.function) for finding in run.findings)


def missing(root: Path) -> set[str]:
    """Return what is wrong with the names of a project: those that nothing defines, and those that cannot be imported."""
    ruff = ["check", "--isolated", "--no-cache", "--quiet", "--output-format=concise", "--select=F821,F822", "."]
    done = subprocess.run([sys.executable, "-m", "ruff", *ruff], cwd=root, capture_output=True, text=True, check=False)
    found = {re.sub(r":\d+:\d+:", "", line) for line in done.stdout.splitlines()}
    trees = {f"shop.{file.stem}": ast.parse(file.read_text()) for file in (root / "shop").glob("*.py")}
    for module, tree in trees.items():
        for node in ast.walk(tree):
            if not isinstance(node, ast.ImportFrom) or not (node.level or str(node.module).startswith("shop")):
                continue
            defined = bound(trees[f"shop.{node.module}" if node.level else str(node.module)])
            gone = {alias.name for alias in node.names} - defined - {"*"}
            found |= {f"{module} imports {name}" for name in gone}
    return found


def bound(tree: ast.Module) -> set[str]:
    """Return the names at the top level of a module."""
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
        elif isinstance(node, ast.ImportFrom | ast.Import):
            names.update(alias.asname or alias.name for alias in node.names)
    return names


@settings(max_examples=60, deadline=None)
@given(projects())
def test_fixed_project_is_whole(sources: dict[str, str]) -> None:
    """Every file parses, no name is used or imported that is gone, nothing is found anew, and a second run changes nothing."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        (root / "shop").mkdir()
        (root / "pyproject.toml").write_text("")
        for name, source in sources.items():
            (root / "shop" / f"{name}.py").write_text(source)
        before, known = missing(root), found(check_files(discover([root], Configs()), folders=[root]))
        run = fixed(root)
        assert not run.failures
        assert not missing(root) - before
        assert not found(run) - known
        contents = [file.read_bytes() for file in sorted(root.rglob("*.py"))]
        again = fixed(root)
        assert (again.fixed, again.failures) == ([], [])
        assert [file.read_bytes() for file in sorted(root.rglob("*.py"))] == contents
