"""`--help` and completion: every command shows how it is used, and shells can complete it."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from golden_rules.cli import COMMANDS, commands
from golden_rules.commands.examples import EXAMPLES


def subcommand(name: str) -> click.Command:
    """Return a command of the group."""
    found = commands.get_command(click.Context(commands), name)
    assert found is not None
    return found


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_shows_examples(name: str) -> None:
    """A line for each, as it is typed, in one piece."""
    shown = CliRunner().invoke(commands, [name, "--help"]).stdout
    assert EXAMPLES[name]
    for call, purpose in EXAMPLES[name]:
        assert any(line.strip().endswith(f"# {purpose}") and call in line for line in shown.splitlines())


@pytest.mark.parametrize(("name", "call"), [(name, call) for name in COMMANDS for call, _ in EXAMPLES[name]])
def test_examples_are_what_the_command_takes(name: str, call: str) -> None:
    """Options and arguments of an example exist."""
    words = shlex.split(call.replace('eval "$(golden-rules ', "").replace(')"', "").partition(">")[0])
    assert words[0] == name
    subcommand(name).make_context(name, words[1:])


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_is_explained(name: str) -> None:
    """No option is left to be guessed, and one that names the kind of output is always `--format`."""
    for parameter in subcommand(name).params:
        if isinstance(parameter, click.Option):
            assert parameter.help or "--format" in parameter.opts, parameter.opts


def complete(*words: str) -> list[str]:
    """Return what bash is told for a line of words, the last of which is being typed."""
    environment = {
        **os.environ,
        "_GOLDEN_RULES_COMPLETE": "bash_complete",
        "COMP_WORDS": " ".join(("golden-rules", *words)),
        "COMP_CWORD": str(len(words)),
    }
    program = str(Path(sys.executable).parent / "golden-rules")
    done = subprocess.run([program], env=environment, capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


def test_completion() -> None:
    """Commands, options, formats, rules, and files where paths are taken."""
    assert complete("ba") == ["plain,baseline"]
    assert "plain,--statistics" in complete("check", "--sta")
    assert complete("check", "--format", "sa") == ["plain,sarif"]
    assert complete("explain", "GR20")[:2] == ["plain,GR201", "plain,GR202"]
    assert complete("check", "sr") == ["file,sr"]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_scripts_for_shells(shell: str) -> None:
    """A script for each; bash, which is everywhere, takes it."""
    script = CliRunner().invoke(commands, ["completion", shell]).stdout
    assert "_GOLDEN_RULES_COMPLETE" in script
    assert "golden-rules" in script
    if shell == "bash":
        bash = shutil.which("bash")
        assert bash is not None
        subprocess.run([bash, "-n"], input=script, text=True, check=True)
