"""Fixes that hang on what other files of the project use: what goes is missed by none of them."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from textwrap import dedent
from typing import TYPE_CHECKING

import pytest
from project_folders import check

if TYPE_CHECKING:
    from click.testing import Result

Project = Callable[..., Path]
COUNTED = """\
    from prometheus_client import Counter

    PLACED = Counter("orders_placed", "Orders placed.")


    def place(order, shop):
        PLACED.inc()
        order.save()
        shop.notify(order)
    """
HELPERS = '''\
    """Helpers."""

    import time
    from contextlib import contextmanager


    def log_seconds(label, seconds):
        print(label, seconds)


    # How long a block takes.
    @contextmanager
    def log_duration(label):
        start = time.perf_counter()
        try:
            yield
        finally:
            print(label, time.perf_counter() - start)
        # to be improved


    def kept(value):
        return value
    '''


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """Make a project of files below `shop`, and work in its folder."""

    def make(**files: str) -> Path:
        (tmp_path / "shop").mkdir()
        (tmp_path / "pyproject.toml").write_text('[project]\nname = "shop"\ndependencies = ["golden-runtime"]\n')
        for name, source in {"__init__": "", **files}.items():
            (tmp_path / "shop" / f"{name}.py").write_text(dedent(source))
        monkeypatch.chdir(tmp_path)
        return tmp_path

    return make


def fix(*arguments: str, select: str = "GR207") -> Result:
    """Apply all fixes of some rules."""
    return check(*(arguments or (".",)), "--fix", "--unsafe-fixes", "--select", select)


def imports(folder: Path, module: str) -> None:
    """Import a module in a fresh interpreter."""
    subprocess.run([sys.executable, "-c", f"import {module}"], cwd=folder, check=True)


def test_unused_helper_goes_with_its_comments_and_imports(project: Project) -> None:
    """What a careful person would leave is left."""
    root = project(helpers=HELPERS, orders="from shop.helpers import kept, log_seconds\n")
    done = fix()
    assert (root / "shop/helpers.py").read_text() == dedent(
        '''\
        """Helpers."""


        def log_seconds(label, seconds):
            print(label, seconds)


        def kept(value):
            return value
        '''
    )
    assert "fixed 1 in shop/helpers.py (GR207)" in done.output
    assert done.return_value == 0
    imports(root, "shop.orders")
    assert fix().output.startswith("No findings")


def test_what_a_deleted_helper_alone_used_goes_too(project: Project) -> None:
    """One run ends where nothing unused is left, across files."""
    root = project(
        metrics="""\
            from prometheus_client import Counter

            PLACED = Counter("placed", "Orders.")
            KEPT = Counter("kept", "Orders.")
            \"\"\"Those that were kept.\"\"\"


            def count_order():
                PLACED.inc()
            """,
        telemetry="""\
            import time
            from contextlib import contextmanager

            from shop.metrics import count_order


            @contextmanager
            def counted_block(log):
                start = time.monotonic()
                yield
                count_order()
                log.info("%.1f", time.monotonic() - start)
            """,
        orders="from shop.metrics import KEPT\n",
    )
    done = fix()
    assert "fixed 2 in shop/metrics.py (GR207)\nfixed 1 in shop/telemetry.py (GR207)\n" in done.output
    assert (root / "shop/metrics.py").read_text() == dedent(
        '''\
        from prometheus_client import Counter

        KEPT = Counter("kept", "Orders.")
        """Those that were kept."""
        '''
    )
    assert (root / "shop/telemetry.py").read_text() == ""
    imports(root, "shop.orders")


CONDITIONAL = """\
if time:
    @contextmanager
    def timed_block(log):
        start = time.monotonic()
        yield
        log.info("%.1f", time.monotonic() - start)
"""
PLUGIN = """\
class Timed(Plugin):
    def __enter__(self):
        self.start = time.monotonic()

    def __exit__(self, *args):
        print("took", time.monotonic() - self.start)
"""
KEPT = {
    "condition": (CONDITIONAL, "it stands under a condition"),
    "bound twice": ("PLACED = Counter('a', 'b')\nPLACED = None\n", "the rest of the file still mentions it"),
    "spoken of": ("# PLACED: orders\n\nPLACED = Counter('a', 'b')\n", "the rest of the file still mentions it"),
    "made by a call": ("PLACED = Counter(named(), 'b')\n", "what it is made of does more than build it"),
    "registers": (
        "@contextmanager\ndef timed_block(log, place=register('block')):\n    start = time.monotonic()\n    yield\n    log.info(time.monotonic() - start)\n",
        "what it is made of does more than build it",
    ),
    "known to its base class": (
        PLUGIN,
        "what it is made of does more than build it",
    ),
    "one line": ("PLACED = Counter('a', 'b'); LIMIT = 3\n", "it shares a line with other code"),
}


@pytest.mark.parametrize(("source", "reason"), KEPT.values(), ids=KEPT)
def test_what_is_not_plainly_one_definition_is_left_with_a_reason(project: Project, source: str, reason: str) -> None:
    """The finding says why there is no fix."""
    head = "import time\nfrom contextlib import contextmanager\n\nfrom prometheus_client import Counter\n\n"
    root = project(utils=head + source)
    done = fix()
    assert (root / "shop/utils.py").read_text() == head + source
    assert f"(no fix, as {reason})" in done.output


MENTIONS = {
    "excluded tests": ("tests/test_helpers.py", "from shop.helpers import log_duration\n"),
    "a script that git ignores": ("local/try.py", "import shop.helpers as h\n\nh.log_duration('x')\n"),
    "a stub": ("shop/orders.pyi", "from shop.helpers import log_duration\n"),
    "an entry point": ("setup.cfg", "[options.entry_points]\nshop.hooks =\n    time = shop.helpers:log_duration\n"),
    "settings": ("celery.yaml", "hooks: [shop.helpers.log_duration]\n"),
    "a notebook": ("look.ipynb", '{"cells": [{"source": ["from shop.helpers import log_duration"]}]}'),
    "documentation": ("docs/helpers.rst", "    >>> with log_duration('x'): pass\n"),
}


@pytest.mark.parametrize(("path", "text"), MENTIONS.values(), ids=MENTIONS)
def test_definition_that_another_text_mentions_stays(project: Project, path: str, text: str) -> None:
    """Also where that text is not looked at for findings; the finding says which text it is."""
    root = project(helpers=HELPERS, orders="from shop.helpers import kept\n")
    subprocess.run(["git", "init", "-q", "."], cwd=root, check=True)
    (root / ".gitignore").write_text("local/\n")
    with (root / "pyproject.toml").open("a") as stream:
        stream.write('\n[tool.golden-rules]\nextend-exclude = ["tests"]\n')
    (root / path).parent.mkdir(exist_ok=True)
    (root / path).write_text(text)
    done = fix()
    assert (root / "shop/helpers.py").read_text() == dedent(HELPERS)
    assert f"(no fix, as `{path}` mentions `log_duration`)" in done.output
    assert "`--unsafe-fixes`" not in done.output


def test_sentences_in_documentation_do_not_count(project: Project) -> None:
    """Only what is written as code there may be run."""
    root = project(helpers=HELPERS, orders="from shop.helpers import kept\n")
    (root / "CHANGES.md").write_text("The log_duration helper is for nobody any more.\n")
    fix()
    assert "log_duration" not in (root / "shop/helpers.py").read_text()


def test_definition_of_a_package_itself_is_left(project: Project) -> None:
    """Others may import it from there."""
    source = 'from prometheus_client import Counter\n\nPLACED = Counter("placed", "Orders.")\n'
    root = project(__init__=source)
    assert "(no fix, as others may import it from the package)" in fix().output
    assert (root / "shop/__init__.py").read_text() == source


def test_diff_shows_it_and_writes_nothing(project: Project) -> None:
    """One diff for each file, whatever in it is fixed when."""
    root = project(helpers=HELPERS, orders=COUNTED)
    before = (root / "shop/helpers.py").read_text()
    done = check(".", "--diff", "--unsafe-fixes", "--select", "GR202,GR207")
    assert done.stdout.count("\n--- a/") == 2
    assert "-def log_duration(label):\n" in done.stdout
    assert '+@counted("orders_placed")\n' in done.stdout
    assert (root / "shop/helpers.py").read_text() == before
    patched = subprocess.run(["patch", "-p1"], input=done.stdout, cwd=root, text=True, check=True, capture_output=True)
    assert "Hunk" not in patched.stdout
    assert not check(".", "--diff", "--unsafe-fixes", "--select", "GR202,GR207").stdout


def test_unsafe_fixes_are_asked_for(project: Project) -> None:
    """Without `--unsafe-fixes` the finding stays, and says that there is a fix."""
    root = project(helpers=HELPERS, orders="from shop.helpers import kept\n")
    before = (root / "shop/helpers.py").read_text()
    assert "1 with `--fix --unsafe-fixes`" in check(".", "--fix", "--select", "GR207").output
    assert (root / "shop/helpers.py").read_text() == before


def test_warm_run_fixes_the_same(project: Project) -> None:
    """What the cache knows of files and of the project is enough to find what to fix."""
    root = project(helpers=HELPERS, orders=COUNTED, other="from shop.orders import PLACED\n")
    first, second = (check(".", "--select", "GR202,GR207").output for _ in range(2))
    assert first == second
    fix(select="GR202,GR207")
    assert "log_duration" not in (root / "shop/helpers.py").read_text()
    assert "PLACED = " in (root / "shop/orders.py").read_text()


def test_metric_that_another_file_imports_stays(project: Project) -> None:
    """The other file is importable after all fixes, and no fix is promised that is not applied."""
    other = "from shop.orders import PLACED\n\n\ndef report():\n    return PLACED.describe()\n"
    root = project(orders=COUNTED, other=other)
    assert "--unsafe-fixes" not in check(".", "--select", "GR202").output
    assert "fixed" not in fix(select="ALL").output
    assert (root / "shop/orders.py").read_text() == dedent(COUNTED)
    imports(root, "shop.other")


def test_metric_goes_where_no_file_mentions_it(project: Project) -> None:
    """With the whole project before it, a run may take what has no underscore."""
    root = project(orders=COUNTED, other="PLACED = 3\n")
    assert "1 with `--fix --unsafe-fixes`" in check(".", "--select", "GR202").output
    assert "fixed 1 in shop/orders.py (GR202)" in fix(select="GR202").output
    assert (root / "shop/orders.py").read_text().startswith("from golden_runtime import counted\n\n\n@counted(")


def test_part_of_a_project_loses_private_names_only(project: Project) -> None:
    """Of files that are named, as before a commit, nobody knows who imports them."""
    root = project(orders=COUNTED, private=COUNTED.replace("PLACED", "_PLACED").replace("place(", "put("))
    assert "fixed 1 in shop/private.py" in fix("shop/orders.py", "shop/private.py", select="GR202").output
    assert (root / "shop/orders.py").read_text() == dedent(COUNTED)


@pytest.mark.parametrize("broken", ["PLACED = (\n", "# coding: no-such\nPLACED\n"], ids=["syntax", "encoding"])
def test_file_that_cannot_be_read_may_use_anything(project: Project, broken: str) -> None:
    """Its words count as uses."""
    root = project(orders=COUNTED, broken=broken)
    fix(select="GR202,GR207")
    assert (root / "shop/orders.py").read_text() == dedent(COUNTED)


def test_rule_that_is_off_in_a_file_still_sees_what_that_uses(project: Project) -> None:
    """`per-file-ignores` says what is found in a file, not what it uses."""
    root = project(helpers=HELPERS, orders="from shop.helpers import log_duration\n")
    with (root / "pyproject.toml").open("a") as stream:
        stream.write('\n[tool.golden-rules.per-file-ignores]\n"shop/orders.py" = ["ALL"]\n')
    assert check(".", "--select", "GR207").return_value == 0


def test_processes_share_the_work(project: Project) -> None:
    """The result does not depend on how many there are."""
    filler = "".join(f"def work_{number}(order):\n    return order.price({number})\n\n\n" for number in range(6000))
    root = project(helpers=HELPERS, orders=COUNTED, big=filler, large=filler, other="from shop.orders import PLACED\n")
    assert "fixed 1 in shop/helpers.py (GR207)" in fix(".", "--jobs", "2", "--no-cache", select="GR202,GR207").output
    assert (root / "shop/orders.py").read_text() == dedent(COUNTED)
