"""`golden-rules init`: what it proposes, what it writes, and that what is there stays as it is."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from golden_rules.adoption.installing import with_runtime
from golden_rules.cli import commands
from golden_rules.config import load_config
from golden_rules.errors import UsageError

CHARGE = "import httpx\n\n\nasync def charge(client: httpx.AsyncClient, order):\n    return await client.post('/', json=order)\n"
METRICS = "from prometheus_client import Counter\n\nA = Counter('a', 'a')\nB = Counter('b', 'b')\nC = Counter('c', 'c')\n\n\ndef count(order):\n    A.inc(order)\n    B.inc(order)\n    C.inc(order)\n    return order\n"
PYPROJECT = """\
[project]
name = "web-shop"
version = "1"
dependencies = [
  "httpx>=0.27", # calls the bank
]

[project.scripts]
shop = "shop:main"
"""
HOOKS = """\
# Our hooks.
repos:
- repo: https://github.com/pre-commit/pre-commit-hooks
  rev: v5.0.0
  hooks:
  - id: check-yaml

# The end.
"""


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with one package, in a git repository."""
    monkeypatch.chdir(tmp_path)
    subprocess.run(["git", "init", "--quiet"], check=True)
    for name, text in (
        ("shop/__init__.py", ""),
        ("shop/pay.py", CHARGE),
        ("shop/numbers.py", METRICS),
        ("tests/x.py", ""),
    ):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    (tmp_path / "pyproject.toml").write_text(PYPROJECT)
    (tmp_path / ".pre-commit-config.yaml").write_text(HOOKS)
    return tmp_path


def run(*arguments: str) -> Result:
    """Run `init`."""
    return CliRunner().invoke(commands, ["init", *arguments], standalone_mode=False)


def everything(folder: Path) -> dict[str, bytes]:
    """Return every file of a project."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and not {".git", ".golden-rules-cache"} & set(path.parts)
    }


class TestWhatItWrites:
    """The configuration, the hook, the dependency, the baseline."""

    def test_into_a_project_that_has_its_files(self, shop: Path) -> None:
        """Each file keeps every line that it had, and its style."""
        done = run("--yes")
        assert done.return_value == 0, done.output
        config = load_config(shop)
        assert config.app == "shop"
        assert config.metrics_modules == ("metrics", "telemetry", "observability", "shop/numbers.py")
        assert config.runtime_declared
        text = (shop / "pyproject.toml").read_text()
        assert text.startswith(
            '[project]\nname = "web-shop"\nversion = "1"\ndependencies = [\n  "httpx>=0.27", # calls the bank\n'
            '  "golden-runtime>=0.1",\n]\n\n[project.scripts]\n'
        )
        assert (shop / ".pre-commit-config.yaml").read_text() == HOOKS.replace(
            "  - id: check-yaml\n",
            "  - id: check-yaml\n- repo: https://github.com/golden-rules/golden-rules\n  rev: v0.1.0\n  hooks:\n"
            "  - id: golden-rules\n",
        )
        checked = CliRunner().invoke(commands, ["check"], standalone_mode=False)
        assert checked.return_value == 0
        assert "in the baseline" in checked.stdout

    def test_a_second_run_changes_nothing(self, shop: Path) -> None:
        """Not a byte, and it says so."""
        run("--yes")
        before = everything(shop)
        done = run("--yes")
        assert "The configuration, the hook and the dependency are in place." in done.stdout
        assert everything(shop) == before

    def test_dry_run(self, shop: Path) -> None:
        """The diff is what would be written; nothing is."""
        before = everything(shop)
        done = run("--dry-run")
        assert done.return_value == 0
        assert everything(shop) == before
        assert '+  "golden-runtime>=0.1",\n' in done.stdout
        assert "+[tool.golden-rules]\n" in done.stdout
        subprocess.run(["git", "apply"], input=done.stdout, text=True, check=True)
        patched = everything(shop)
        assert patched.keys() == before.keys()
        for name, content in before.items():
            (shop / name).write_bytes(content)
        run("--yes", "--no-baseline")
        assert everything(shop) == patched

    def test_dry_run_of_a_new_file(self, shop: Path) -> None:
        """`git apply` makes the file, from a folder below the root of the repository as well."""
        for name in ("pyproject.toml", ".pre-commit-config.yaml"):
            (shop / name).unlink()
        done = run("--dry-run", str(shop / "shop"))
        subprocess.run(["git", "apply"], input=done.stdout, text=True, check=True)
        assert "new file mode 100644\n--- /dev/null\n+++ b/golden-rules.toml\n" in done.stdout
        assert (shop / "golden-rules.toml").read_text().startswith("app = ")

    def test_into_a_bare_folder(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """A golden-rules.toml, and words for what cannot be done there."""
        monkeypatch.chdir(tmp_path)
        (tmp_path / "main.py").write_text(CHARGE)
        done = run("--yes", "--no-baseline")
        assert set(everything(tmp_path)) == {"main.py", "golden-rules.toml"}
        assert "Left out: the hook for pre-commit, as there is no git repository here." in done.stdout
        assert "declare `golden-runtime>=0.1` where the project does" in done.stdout
        assert tomllib.loads((tmp_path / "golden-rules.toml").read_text())["app"]

    @pytest.mark.parametrize(
        "text", ["repos: [{repo: local, hooks: [{id: x}]}]\n", "repos:\n  [\n    {repo: local}\n  ]\n"]
    )
    def test_a_hook_that_only_a_person_can_add(self, shop: Path, text: str) -> None:
        """It says so, with the lines to paste, and never that all is in place; nor is a hook to be installed that is not there."""
        (shop / ".pre-commit-config.yaml").write_text(text)
        first, second = run("--yes", "--no-baseline"), run("--yes", "--no-baseline")
        assert (shop / ".pre-commit-config.yaml").read_text() == text
        for done in (first, second):
            assert done.return_value == 0
            assert "Left to you: the hook in `.pre-commit-config.yaml`, for " in done.stdout
            assert "    hooks:\n      - id: golden-rules\n" in done.stdout
            assert "in place" not in done.stdout
            assert "pre-commit install" not in done.stdout
        assert "Next: what is left to do above, and `golden-rules check`." in first.stdout
        assert "Nothing was changed: what is left to do stands above." in second.stdout

    def test_a_folder_of_a_larger_repository(self, shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """The hooks at its root are those of others, too: the lines to paste there speak of the folder alone, until they are there."""
        team = shop / "services/web-pay"
        (team / "pay").mkdir(parents=True)
        (team / "pay/core.py").write_text(CHARGE)
        (team / "pyproject.toml").write_text("[project]\nname = 'pay'\ndependencies = []\n")
        monkeypatch.chdir(team)
        done = run("--yes", "--no-baseline")
        assert "Left to you: the hook, in `../../.pre-commit-config.yaml` at the root of the repository." in done.stdout
        assert "      - id: golden-rules\n        files: '^services/web-pay/'\n" in done.stdout
        assert "pre-commit install" not in done.stdout
        assert (shop / ".pre-commit-config.yaml").read_text() == HOOKS
        assert not (team / ".pre-commit-config.yaml").exists()
        (shop / ".pre-commit-config.yaml").write_text(HOOKS + "- repo: local\n  hooks:\n  - id: golden-rules\n")
        assert "The configuration, the hook and the dependency are in place." in run("--yes", "--no-baseline").stdout

    def test_a_short_list_needs_no_threshold(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """One critical function of one is no reason to look at none."""
        monkeypatch.chdir(tmp_path)
        (tmp_path / "main.py").write_text(CHARGE)
        run("--yes", "--no-baseline")
        assert load_config(tmp_path).threshold is None
        checked = CliRunner().invoke(commands, ["check", "--format", "concise"], standalone_mode=False)
        assert "nothing measures `charge`" in checked.stdout

    @pytest.mark.parametrize(
        "files",
        [
            ("requirements.txt", "requirements-dev.txt"),
            ("requirements/base.txt", "requirements/a-test.txt", "requirements/constraints.txt"),
            ("requirements/default.txt", "requirements/constraints.txt"),
        ],
    )
    def test_the_requirements_of_the_program(self, shop: Path, files: tuple[str, ...]) -> None:
        """Of several files the dependency goes into the one for run time, whatever the order of their names."""
        (shop / "pyproject.toml").unlink()
        for name in files:
            (shop / name).parent.mkdir(exist_ok=True)
            (shop / name).write_text("httpx\n")
        run("--yes", "--no-baseline")
        assert [name for name in files if "golden-runtime" in (shop / name).read_text()] == [files[0]]

    @pytest.mark.parametrize(
        "first", ["#\n# This file is autogenerated by pip-compile with", "# This file was autogenerated by uv via"]
    )
    def test_requirements_that_a_tool_has_written(self, shop: Path, first: str) -> None:
        """They would be written anew without the dependency, so it goes where they are made from."""
        (shop / "pyproject.toml").unlink()
        text = f"{first} this command:\nhttpx==0.28.1\n"
        (shop / "requirements.txt").write_text(text)
        done = run("--yes", "--no-baseline")
        assert (shop / "requirements.txt").read_text() == text
        assert "declare `golden-runtime>=0.1` in the file that it is made from." in done.stdout

    def test_a_hooks_file_that_is_a_folder(self, shop: Path) -> None:
        """One sentence, without the words of the system."""
        (shop / ".pre-commit-config.yaml").unlink()
        (shop / ".pre-commit-config.yaml").mkdir()
        assert str(run("--yes").exception) == "`.pre-commit-config.yaml` cannot be read: is a directory"

    def test_a_configuration_that_is_there_stays(self, shop: Path) -> None:
        """Only what is missing is added."""
        (shop / "golden-rules.toml").write_text("app = 'mine'\nruntime-module = 'mine.runtime'\n")
        run("--yes", "--no-baseline")
        assert (shop / "golden-rules.toml").read_text() == "app = 'mine'\nruntime-module = 'mine.runtime'\n"
        assert (shop / "pyproject.toml").read_text() == PYPROJECT
        assert "golden-rules" in (shop / ".pre-commit-config.yaml").read_text()

    def test_where_nobody_can_answer(self, shop: Path) -> None:
        """It asks for `--yes` rather than guess."""
        done = run()
        assert isinstance(done.exception, UsageError)
        assert "add `--yes` or `--dry-run`" in str(done.exception)

    def test_asked_in_a_terminal(self, shop: Path) -> None:
        """What is declined is not written."""
        before = everything(shop)
        here, there = pty.openpty()
        os.write(here, b"n\nn\n")
        done = subprocess.run(
            [sys.executable, "-m", "golden_rules", "init"], stdin=there, capture_output=True, text=True, check=False
        )
        os.close(there)
        os.close(here)
        assert done.returncode == 0, done.stderr
        assert "Write this? [Y/n]" in done.stdout
        assert everything(shop) == before


@pytest.mark.parametrize(
    ("name", "before", "after"),
    [
        ("requirements.txt", "httpx\n", "httpx\ngolden-runtime>=0.1\n"),
        ("requirements.txt", "httpx", "httpx\ngolden-runtime>=0.1\n"),
        ("requirements.txt", "httpx\r\n", "httpx\r\ngolden-runtime>=0.1\r\n"),
        (
            "setup.cfg",
            "[options]\ninstall_requires =\n\thttpx\n\n[flake8]\n",
            "[options]\ninstall_requires =\n\thttpx\n\tgolden-runtime>=0.1\n\n[flake8]\n",
        ),
        (
            "pyproject.toml",
            '[project]\ndependencies = ["a",  "b"] # two\n',
            '[project]\ndependencies = ["a",  "b",  "golden-runtime>=0.1"] # two\n',
        ),
        (
            "pyproject.toml",
            "[project]\nname = 'x'\n\n[project.scripts]\ny = 'z'\n",
            "[project]\nname = 'x'\ndependencies = [\"golden-runtime>=0.1\"]\n\n[project.scripts]\ny = 'z'\n",
        ),
        (
            "pyproject.toml",
            '[project]\r\ndependencies = [\r\n  "a",\r\n]\r\n',
            '[project]\r\ndependencies = [\r\n  "a",\r\n  "golden-runtime>=0.1",\r\n]\r\n',
        ),
        (
            "pyproject.toml",
            '[tool.poetry.dependencies]\npython = "^3.11"\n\n[build-system]\n',
            '[tool.poetry.dependencies]\npython = "^3.11"\ngolden-runtime = ">=0.1"\n\n[build-system]\n',
        ),
    ],
)
def test_dependencies_keep_their_style(name: str, before: str, after: str) -> None:
    """One more line or entry as the others are; all else stays."""
    assert with_runtime(name, before, "golden-runtime>=0.1") == after
