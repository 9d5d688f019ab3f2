"""The pages in docs, the GitHub action and the GitLab template: what they say and run is what there is."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path
from xml.etree import ElementTree as ET

import click
import pytest
import yaml

from golden_rules.cli import COMMANDS, commands
from golden_rules.settings_places import SettingsPlace
from golden_rules.validation import check_table
from golden_rules.values import KEYS

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "docs" / name for name in ("adoption.md", "ci.md", "configuration.md")]
EDITORS = ROOT / "docs/editors.md"  # its TOML is an editor's
CHARGE = "import httpx\n\n\nasync def charge(client: httpx.AsyncClient, order):\n    return await client.post('/', json=order)\n"


def blocks(language: str, pages: list[Path]) -> list[str]:
    """Return the code blocks of one language in pages."""
    found = [re.findall(rf"^```{language}\n(.*?)^```$", page.read_text(), re.MULTILINE | re.DOTALL) for page in pages]
    return [block for page in found for block in page]


@pytest.mark.parametrize("block", blocks("toml", PAGES))
def test_configurations_are_accepted(block):
    """Every key and value that a page shows is one that the linter knows."""
    document = tomllib.loads(block)
    settings = check_table(document.get("tool", {}).get("golden-rules", document), SettingsPlace("page", (), block))
    assert settings


@pytest.mark.parametrize(
    "line", [line for block in blocks("console", [*PAGES, EDITORS]) for line in block.splitlines()]
)
def test_commands_are_taken(line):
    """Every command and option that a page shows exists."""
    words = shlex.split(line.removeprefix("$ "))
    if words[0] == "golden-rules":
        found = commands.get_command(click.Context(commands), words[1])
        found.make_context(words[1], words[2:])


TEXTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("*/README.md")])


@pytest.mark.parametrize("page", TEXTS, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page):
    """What a text refers to in the repository is there, down to the heading."""
    for target in re.findall(r"\]\((?!https?:)([^)\s]+)\)", page.read_text(encoding="utf-8")):
        path, _, heading = target.partition("#")
        to = page if not path else page.parent / path
        assert to.exists(), target
        assert not heading or heading in headings(to), target


def headings(page):
    """Return the headings of a page as links spell them."""
    found = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in found}


@pytest.mark.parametrize("page", [*PAGES, EDITORS], ids=lambda page: page.name)
def test_options_exist(page):
    """No option is mentioned that no command has."""
    known = {
        option
        for name in COMMANDS
        for parameter in commands.get_command(click.Context(commands), name).params
        for option in (*parameter.opts, *parameter.secondary_opts)
    }
    assert set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", page.read_text())) <= known


def test_every_key_is_listed():
    """The page of the configuration has a row for each key, and none for others."""
    table = (ROOT / "docs/configuration.md").read_text().partition("## Keys\n")[2].partition("\n## ")[0]
    cells = re.findall(r"^\| (`.*?) \|", table, re.MULTILINE)
    assert {key for cell in cells for key in re.findall(r"`([\w-]+)`", cell)} == set(KEYS)


@pytest.fixture
def branch(tmp_path) -> Path:
    """A repository whose branch adds one finding to an old one, on a base called origin/main."""
    (tmp_path / "old.py").write_text(CHARGE)

    def git(*arguments: str) -> None:
        who = {f"GIT_{role}_{what}": "a@b.c" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
        subprocess.run(["git", *arguments], cwd=tmp_path, env={**os.environ, **who}, check=True)

    git("init", "--quiet")
    git("add", "old.py")
    git("commit", "--quiet", "--message", "Start")
    git("update-ref", "refs/remotes/origin/main", "HEAD")
    (tmp_path / "new.py").write_text(CHARGE)
    return tmp_path


def shell(folder: Path, script: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a script as CI does, with golden-rules on the path."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "NO_COLOR": "1", **variables}
    return subprocess.run(
        ["bash", "-eo", "pipefail", "-c", script], cwd=folder, env=environment, capture_output=True, text=True
    )


def test_the_github_action_annotates_what_a_pull_request_touches(branch, tmp_path_factory):
    """Its step prints annotations, writes the summary and the SARIF log, and fails."""
    step = yaml.safe_load((ROOT / "action.yml").read_text())["runs"]["steps"][1]
    temporary = tmp_path_factory.mktemp("runner")
    (temporary / "golden-rules").symlink_to(Path(sys.executable).parent.parent)
    summary = temporary / "summary.md"
    summary.touch()
    variables = {
        "PATHS": ".",
        "CHANGED": "true",
        "ARGUMENTS": "--no-cache",
        "SARIF": "out.sarif",
        "RUNNER_TEMP": str(temporary),
        "GITHUB_STEP_SUMMARY": str(summary),
        "GITHUB_BASE_REF": "main",
    }
    done = shell(branch, step["run"], **variables)
    assert done.returncode == 1, done.stderr
    assert re.findall(r"^::error .*file=(\w+\.py)", done.stdout, re.MULTILINE) == ["new.py"]
    assert summary.read_text().startswith("### golden-rules: 1 finding in 1 of 2 files\n")
    assert len(json.loads((branch / "out.sarif").read_text())["runs"][0]["results"]) == 1


def test_the_gitlab_job_fills_its_reports(branch):
    """Its script writes the files that it names as reports, and fails."""
    job = yaml.safe_load((ROOT / "templates/golden-rules.gitlab-ci.yml").read_text())["golden-rules"]
    reports = job["artifacts"]["reports"]
    base = subprocess.run(["git", "rev-parse", "HEAD"], cwd=branch, capture_output=True, text=True, check=True)
    variables = {**job["variables"], "CI_MERGE_REQUEST_DIFF_BASE_SHA": base.stdout.strip()}
    variables = {name: value for name, value in variables.items() if "$" not in value}
    done = shell(branch, "\n".join(job["script"]), **variables)
    assert done.returncode == 1, done.stderr
    [entry] = json.loads((branch / reports["codequality"]).read_text())
    assert entry["location"]["path"] == "new.py"
    assert ET.parse(branch / reports["junit"]).getroot().attrib["failures"] == "1"  # noqa: S314 - our own output
