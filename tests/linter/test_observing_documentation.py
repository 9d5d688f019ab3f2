"""docs/observing.md says what is so."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from golden_rules.catalogue.alerting import groups_of
from golden_rules.catalogue.metrics import Catalogue

PAGE = (Path(__file__).parents[2] / "docs" / "observing.md").read_text(encoding="utf-8")
COMMANDS = [line for block in re.findall(r"```console\n(.*?)```", PAGE, re.DOTALL) for line in block.splitlines()]
CODE = """\
from golden_runtime import CircuitBreaker, TaskQueue, track_request

breaker = CircuitBreaker("bank")
queue = TaskQueue("tasks.db")


@track_request("shop.buy")
def buy(order): ...
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A shop with the objectives of the page."""
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "orders.py").write_text(CODE)
    (tmp_path / "page.txt").write_text("http_requests_total 1\n")
    (settings,) = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    (tmp_path / "pyproject.toml").write_text(settings)
    return tmp_path


@pytest.mark.parametrize("command", COMMANDS)
def test_commands_run(project: Path, command: str) -> None:
    """Each command of the page can be copied, in a project with the objectives of the page."""
    program, *arguments = shlex.split(command)
    assert program == "golden-rules"
    done = subprocess.run(
        [sys.executable, "-m", "golden_rules", *arguments], cwd=project, capture_output=True, text=True, check=False
    )
    assert done.returncode == ("--check" in arguments), done.stderr


def test_all_alerts_are_listed(project: Path) -> None:
    """The table of alerts has each one that there is, under its severity."""
    from golden_rules.catalogue.reading import read_catalogue
    from golden_rules.config import Configs
    from golden_rules.files import discover

    catalogue: Catalogue = read_catalogue(discover([project], Configs()), [])
    alerts = {rule.alert for group in groups_of(catalogue) for rule in group.rules if rule.alert}
    assert alerts == set(re.findall(r"`([A-Z]\w+)`", PAGE.split("| alert |")[1].split("\n\n")[0]))
