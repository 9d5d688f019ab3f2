"""What is said of a rule that does not exist: the one that may be meant, or those that start alike."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from golden_rules.cli import commands
from golden_rules.config import Config
from golden_rules.engine import check_source

HINTS = [
    ("GR299", "there are `GR201` to `GR207`"),
    ("GR1x", "there are `GR101` to `GR105`"),
    ("GR99", "there are `GR900` to `GR903`"),
    ("gr406", "did you mean `GR406`?"),
    ("GR4055", "did you mean `GR405`?"),
    ("GR120", "did you mean `GR102`?"),
    ("GR701", None),
    ("RG405", "did you mean `GR405`?"),
    ("unbound-label", "did you mean `unbounded-label`?"),
]


@pytest.mark.parametrize(("wrong", "hint"), HINTS)
def test_on_the_command_line(wrong: str, hint: str | None) -> None:
    """Of no family is another family's rule suggested for all that its code reads alike."""
    done = CliRunner().invoke(commands, ["check", "--select", wrong], standalone_mode=False)
    assert str(done.exception) == f"unknown rule `{wrong}` in `--select`{f': {hint}' if hint else ''}"


@pytest.mark.parametrize(("wrong", "hint"), [entry for entry in HINTS if entry[0] != "gr406"])
def test_in_a_comment(tmp_path_factory: pytest.TempPathFactory, wrong: str, hint: str | None) -> None:
    """GR903 says it as a remedy."""
    config = Config(root=tmp_path_factory.getbasetemp(), select=("GR903",))
    (finding,) = check_source(f"x = 1  # golden-rules: ignore[{wrong}] -- why\n", "a.py", config)
    expected = (hint or "`golden-rules rules` lists them").replace("did you mean", "write").removesuffix("?")
    assert finding.remedy.startswith(expected)


def test_in_explain() -> None:
    """Where one rule is wanted, too."""
    done = CliRunner().invoke(commands, ["explain", "GR3"], standalone_mode=False)
    assert str(done.exception) == "there is no rule `GR3`: there are `GR301` to `GR304`"
