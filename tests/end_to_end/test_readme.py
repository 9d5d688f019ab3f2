"""README shows what really happens."""

from __future__ import annotations

import re
import sys

import pytest

from golden_rules.cli import COMMANDS


@pytest.fixture(scope="module")
def readme(root) -> str:
    """README's text."""
    return (root / "README.md").read_text(encoding="utf-8")


def blocks(readme: str, language: str, section: str) -> list[str]:
    """The code blocks of one language in one section."""
    text = readme.partition(f"## {section}\n")[2].partition("\n## ")[0]
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def test_outputs_are_what_the_commands_print(root, readme, monkeypatch):
    """Each `$` line of `Before and after`, run beside the file it speaks of, prints what README shows."""
    monkeypatch.syspath_prepend(root / "docs")
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    from readme import rendered

    assert len(blocks(readme, "console", "Before and after")) == 2
    assert rendered(readme) == readme, "run `make docs` to write README's outputs anew"


def test_the_example_shows_both_kinds_of_findings_and_none_for_the_deadline(run, readme, tmp_path):
    """One function that nothing measures, one duration taken by hand; the deadline stays as it is, before and after."""
    [source] = blocks(readme, "python", "Before and after")
    (tmp_path / "payments.py").write_text(source)
    found = run(tmp_path, "golden_rules", "check", "--format", "concise").stdout
    assert re.findall(r"GR\d+", found) == ["GR102", "GR201"]
    assert "wait_for_gateway" not in found
    assert run(tmp_path, "golden_rules", "check", "--fix").returncode == 0
    deadline = source[source.index("def wait_for_gateway") :]
    assert (tmp_path / "payments.py").read_text().endswith(deadline)


def test_the_configuration_shown_is_accepted(run, readme, tmp_path):
    """Every key and value of the example is one that the linter knows."""
    [settings] = blocks(readme, "toml", "Configuration")
    (tmp_path / "pyproject.toml").write_text(settings)
    (tmp_path / "shop.py").write_text("")
    done = run(tmp_path, "golden_rules", "check")
    assert (done.returncode, done.stderr) == (0, "")


def test_every_rule_is_listed(run, root, readme):
    """The table names the rules that `golden-rules rules` lists, by code and name."""
    listed = [tuple(line.split()[:2]) for line in run(root, "golden_rules", "rules").stdout.splitlines()]
    assert listed
    table = re.findall(r"^\| \[(\w+)\]\([^)]*\) \| ([\w-]+) \|", readme, re.MULTILINE)
    assert table == listed


def test_options_named_in_readme_exist(run, root, readme):
    """No option is mentioned that the help of no command lists."""
    helps = [run(root, "golden_rules", command, "--help").stdout for command in COMMANDS]
    known = {option for text in helps for option in re.findall(r"--[a-z-]+", text)}
    # `diff --git` heads a patch, and is no option of ours
    assert set(re.findall(r"(?<![\w-])(?<!diff )--[a-z][a-z-]+", readme)) <= known
