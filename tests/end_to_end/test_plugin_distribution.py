"""Rules of another distribution: a plugin that works, and plugins that do not."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

SLEEPER = "import time\n\n\nasync def settle(ledger):\n    time.sleep(ledger.pause)\n"


@pytest.fixture(scope="module")
def installed(run, root, tmp_path_factory) -> Path:
    """fixtures/plugin, built and installed by pip into a folder of its own."""
    source, target = tmp_path_factory.mktemp("source") / "plugin", tmp_path_factory.mktemp("installed")
    shutil.copytree(root / "fixtures" / "plugin", source, ignore=shutil.ignore_patterns("__pycache__"))
    flags = ("--quiet", "--no-deps", "--no-index", "--no-build-isolation", "--target", str(target))
    done = run(source, "pip", "install", *flags, str(source))
    assert done.returncode == 0, done.stderr
    return target


@pytest.fixture
def project(tmp_path) -> Path:
    """A project with one file that the plugin's rule finds fault with."""
    (tmp_path / "ledger.py").write_text(SLEEPER)
    return tmp_path


def broken_plugin(folder: Path, module: str) -> Path:
    """Lay out a distribution as pip would install it, whose entry point is `broken_rules:rule`."""
    metadata = folder / "broken_rules-1.0.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: broken-rules\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text("[golden_rules.rules]\nBROKEN = broken_rules:rule\n")
    (folder / "broken_rules.py").write_text(module)
    return folder


def test_an_installed_plugin_is_listed_and_explained(run, installed, tmp_path):
    """`rules` and `explain` know the plugin's rule beside our own."""
    listed = run(tmp_path, "golden_rules", "rules", python_path=installed).stdout
    assert "SHOP001  blocking-sleep" in listed
    assert "GR101" in listed
    explained = run(tmp_path, "golden_rules", "explain", "blocking-sleep", python_path=installed).stdout
    assert explained.startswith("# blocking-sleep (SHOP001)")
    assert "await asyncio.sleep(0.5)" in explained


def test_an_installed_plugin_finds_and_can_be_selected(run, installed, project):
    """Its findings are findings like any other, and selectors take them in."""
    found = run(project, "golden_rules", "check", "--format", "concise", python_path=installed)
    assert "ledger.py:5:5: SHOP001 `settle` stops the event loop to sleep" in found.stdout
    assert found.returncode == 1
    assert run(project, "golden_rules", "check", "--ignore", "SHOP", python_path=installed).returncode == 0
    assert run(project, "golden_rules", "check", "--select", "SHOP001", python_path=installed).returncode == 1


def test_a_plugins_options_are_checked(run, installed, project):
    """They are known where the plugin is, and a mistyped one is a mistake like any other."""
    (project / "golden-rules.toml").write_text("[rules.SHOP001]\nup-too = 1\n")
    done = run(project, "golden_rules", "check", python_path=installed)
    assert done.returncode == 2
    assert "SHOP001 has no option `up-too`, which golden-rules.toml (line 2) sets: did you mean `up-to`?" in done.stderr
    assert (
        "- `up-to` (not set by default)"
        in run(project, "golden_rules", "explain", "SHOP001", python_path=installed).stdout
    )


def test_a_plugin_fixes(run, installed, project):
    """Its unsafe fix is applied with `--unsafe-fixes`, import included, and nothing is left to find."""
    assert run(project, "golden_rules", "check", "--fix", python_path=installed).returncode == 1
    assert (project / "ledger.py").read_text() == SLEEPER
    assert run(project, "golden_rules", "check", "--fix", "--unsafe-fixes", python_path=installed).returncode == 0
    assert "import asyncio\n" in (project / "ledger.py").read_text()
    assert "    await asyncio.sleep(ledger.pause)\n" in (project / "ledger.py").read_text()


def test_without_the_plugin_its_code_is_unknown(run, project):
    """A selector for a rule that is not installed is a mistake, not a silence."""
    done = run(project, "golden_rules", "check", "--select", "SHOP001")
    assert done.returncode == 2
    assert "`SHOP001`" in done.stderr


def test_the_plugins_own_tests_run_its_cases(run, root, installed, tmp_path):
    """`golden_rules.testing` gives the author of a plugin one test for each case, with a readable name."""
    tests = shutil.copytree(root / "fixtures" / "plugin" / "tests", tmp_path / "tests")
    done = run(tmp_path, "pytest", "-v", "-p", "no:cacheprovider", str(tests), python_path=installed)
    assert done.returncode == 0, done.stdout
    assert "test_case[SHOP001-good-threads-may-sleep] PASSED" in done.stdout
    assert "3 passed" in done.stdout


@pytest.mark.parametrize(
    ("module", "reason"),
    [
        pytest.param("import no_such_module\n", "no_such_module", id="import-error"),
        pytest.param("raise SystemError('out of order')\n", "out of order", id="raises-while-imported"),
        pytest.param("other = 1\n", "AttributeError", id="names-nothing"),
        pytest.param("rule = 'GR101'\n", "no subclass", id="no-rule"),
        pytest.param(
            "from golden_rules.rules.unmeasured.required import UnmeasuredRequired\n"
            "class rule(UnmeasuredRequired):\n    pass\n",
            "`GR105`, which is taken",
            id="taken-code",
        ),
        pytest.param(
            "from golden_rules import FunctionRule\nclass rule(FunctionRule):\n    code = 'X1'\n",
            "no `name`, `check`, `wants`",
            id="unfinished",
        ),
        pytest.param(
            "from golden_rules import Rule\nclass rule(Rule):\n    code, name = 'X1', 'x'\n",
            "no subclass of `golden_rules.FunctionRule`",
            id="of-no-kind",
        ),
    ],
)
@pytest.mark.parametrize("command", [("check",), ("rules",), ("explain", "GR101")], ids=lambda command: command[0])
def test_a_broken_plugin_is_one_sentence(run, tmp_path, project, command, module, reason):
    """Each command says which plugin is broken, why, and what to do, and ends with status 2."""
    plugins = broken_plugin(tmp_path / "plugins", module)
    done = run(project, "golden_rules", *command, python_path=plugins)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("error: the plugin `broken_rules:rule`")
    assert reason in done.stderr
    assert "uninstall it" in done.stderr
    assert done.stderr.count("\n") == 1
