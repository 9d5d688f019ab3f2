"""`--help` and completion: every command shows how it is used, and shells can complete it."""

from __future__ import annotations

import os
import pty
import select
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
    # bash parts words at `=`
    assert complete("check", "--output", "sarif", "=", "sr") == ["file,sr"]


def test_completion_of_outputs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A format, and then a file or folder, of any depth."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "out/deep").mkdir(parents=True)
    (tmp_path / "out.sarif").write_text("")
    (tmp_path / "out/old.sarif").write_text("")
    assert complete("check", "--output", "sa") == ["plain,sarif="]
    assert complete("check", "--output", "sarif=o") == ["plain,sarif=out/", "plain,sarif=out.sarif"]
    assert complete("check", "--output", "sarif=out/") == ["plain,sarif=out/deep/", "plain,sarif=out/old.sarif"]
    assert complete("check", "--output", "sarif=gone/") == [""]


def script(shell: str) -> str:
    """Return what `completion` prints for a shell."""
    return CliRunner().invoke(commands, ["completion", shell]).stdout


def installed(shell: str) -> str:
    """Return where a shell is, or skip the test."""
    program = shutil.which(shell)
    if program is None:
        pytest.skip(f"{shell} is not installed")
    return program


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a file and nothing else, where the program is found, and nobody's own settings are."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "shop.py").touch()
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    for name in ("HOME", "ZDOTDIR", "XDG_CONFIG_HOME", "XDG_DATA_HOME"):
        monkeypatch.setenv(name, str(tmp_path / ".home"))
    (tmp_path / ".home").mkdir()
    return tmp_path


LINES = [
    ("cov", ["coverage"]),
    ("check --stati", ["--statistics"]),
    ("check --format sar", ["sarif"]),
    ("explain GR40", ["GR401", "GR402", "GR403", "GR404", "GR405", "GR406"]),
    ("explain unb", ["unbounded-label"]),
    ("check --select GR101,hand-ti", ["GR101,hand-timed"]),
    ("check sh", ["shop.py"]),
    ("check --baseline sh", ["shop.py"]),
    ("metrics --check sh", ["shop.py"]),
]


def test_bash_takes_its_script() -> None:
    """Bash is everywhere; what its function answers is tested above."""
    subprocess.run([installed("bash"), "-n"], input=script("bash"), text=True, check=True)


@pytest.mark.parametrize(("line", "expected"), LINES)
def test_in_fish(folder: Path, line: str, expected: list[str]) -> None:
    """What fish itself offers for a line."""
    asked = f"{script('fish')}\ncomplete --do-complete 'golden-rules {line}'"
    done = subprocess.run([installed("fish"), "--no-config"], input=asked, capture_output=True, text=True, check=True)
    assert [offer.partition("\t")[0] for offer in done.stdout.splitlines()] == expected


def seen_until(terminal: int, words: list[str]) -> None:
    """Read from a terminal until these words have been shown, one after the other."""
    shown, at = "", 0
    for word in words:
        while (found := shown.find(word, at)) < 0:
            ready, _, _ = select.select([terminal], [], [], 60)
            assert ready, f"no {word!r} in {shown!r}"
            shown += os.read(terminal, 65536).decode(errors="replace")
        at = found + len(word)


@pytest.mark.parametrize(("line", "expected"), LINES)
def test_in_zsh(folder: Path, line: str, expected: list[str]) -> None:
    """What zsh makes of a line and a press of the tabulator, though nobody has started its completion."""
    (folder / "script.zsh").write_text(script("zsh"))
    here, there = pty.openpty()
    shell = subprocess.Popen(
        [installed("zsh"), "-f", "-i"], stdin=there, stdout=there, stderr=there, start_new_session=True
    )
    os.close(there)
    try:
        os.write(here, b"PS1='ready''> '; unsetopt zle_bracketed_paste; source script.zsh; rm script.zsh\n")
        seen_until(here, ["ready> "])
        os.write(here, f"golden-rules {line}\t".encode())
        seen_until(here, expected)
    finally:
        shell.kill()
        shell.wait()
        os.close(here)
