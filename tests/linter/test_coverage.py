"""`golden-rules coverage`: the plain truth about what is critical and what is measured."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from project_folders import golden_rules, write

SHOP = """\
import httpx

from golden_runtime import track_adapter_request


class Carrier:
    def __init__(self, url):
        self.client = httpx.Client(base_url=url)

    @track_adapter_request("http")
    def book(self, order):
        return self.client.post("/parcels", json=order).json()

    def cancel(self, parcel):
        return self.client.delete(f"/parcels/{parcel}").json()

    @property
    def url(self):
        return self.client.base_url
"""
PAY = '''\
import httpx


def charge(order):
    """Charge a customer for an order.

    What is charged cannot be taken back; `refund` pays
    it back instead.
    """
    return httpx.post("https://pay.example", json=order).json()
'''


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with two apps, one of them in a package below the other's folder."""
    files = {
        "src/shop/carrier.py": SHOP,
        "src/pay/api.py": PAY,
        "src/pay/texts.py": "def f():\n    return 1\n",
        "golden-rules.toml": "",
    }
    return write(tmp_path, files)


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command in a folder."""
    return golden_rules(folder, "coverage", *arguments)


def document(folder: Path, *arguments: str) -> dict[str, Any]:
    """Return the command's JSON."""
    done = run(folder, "--format", "json", *arguments)
    assert done.returncode == 0, done.stderr
    loaded: dict[str, Any] = json.loads(done.stdout)
    return loaded


def test_every_function_is_listed(project: Path) -> None:
    """Each with the line of its `def`, its score, and reasons whose points add up to it."""
    functions = document(project)["functions"]
    assert [(entry["path"], entry["function"], entry["line"]) for entry in functions] == [
        ("src/pay/api.py", "charge", 4),
        ("src/pay/texts.py", "f", 1),
        ("src/shop/carrier.py", "Carrier.__init__", 7),
        ("src/shop/carrier.py", "Carrier.book", 11),
        ("src/shop/carrier.py", "Carrier.cancel", 14),
        ("src/shop/carrier.py", "Carrier.url", 18),
    ]
    for entry in functions:
        assert set(entry) == {"path", "function", "line", "score", "critical", "measured", "reasons"}
        points = [float(reason.rpartition("(")[2].removesuffix(")")) for reason in entry["reasons"]]
        assert sum(points) == pytest.approx(entry["score"])


def test_critical_and_measured_as_such(project: Path) -> None:
    """What is measured is still critical: coverage counts both, whatever findings give way to which."""
    found = {entry["function"]: (entry["critical"], entry["measured"]) for entry in document(project)["functions"]}
    assert found["Carrier.book"] == (True, True)
    assert found["Carrier.cancel"] == (True, False)
    assert found["charge"] == (True, False)
    assert found["Carrier.url"] == (False, False)


def test_shares_by_app_and_package(project: Path) -> None:
    """The summary counts in all, for each app, and for each package."""
    summary = document(project)["summary"]
    assert (summary["files"], summary["functions"], summary["critical"], summary["measured"]) == (3, 6, 3, 1)
    assert [(app["name"], app["critical"], app["measured"], app["per_cent"]) for app in summary["apps"]] == [
        ("pay", 1, 0, 0.0),
        ("shop", 2, 1, 50.0),
    ]
    assert [package["name"] for package in summary["packages"]] == ["pay", "shop"]


def test_apps_are_those_of_the_configuration(project: Path) -> None:
    """`app` names them by path."""
    (project / "golden-rules.toml").write_text('[app]\n"src/pay/*" = "billing"\n"src/**" = "store"\n')
    assert [app["name"] for app in document(project)["summary"]["apps"]] == ["billing", "store"]


def test_the_most_critical_first(project: Path) -> None:
    """A person reads the worst first, with the reasons in words."""
    lines = run(project).stdout.splitlines()
    first = next(index for index, line in enumerate(lines) if "`charge`" in line)
    second = next(index for index, line in enumerate(lines) if "`Carrier.cancel`" in line)
    assert first < second
    assert "it calls `httpx.post`" in lines[first]
    assert lines[-2:] == [
        "1 of 3 critical functions are measured (33 %); 6 functions in 3 files",
        "0 of 2 apps measure all that is critical in them",
    ]


def test_markdown(project: Path) -> None:
    """Tables that a pull request's comment can show."""
    text = run(project, "--format", "markdown").stdout
    assert text.startswith("**1 of 3 critical functions are measured (33 %); 6 functions in 3 files**\n")
    assert "| pay | 1 | 0 | 0 |" in text
    assert "`src/pay/api.py:4` `charge`" in text


@pytest.mark.parametrize(("least", "status"), [("33", 0), ("34%", 1), ("100 %", 1), ("0", 0)])
def test_fail_under(project: Path, least: str, status: int) -> None:
    """Less than asked for is status 1."""
    assert run(project, "--fail-under", least).returncode == status


@pytest.mark.parametrize("share", ["x", "-1", "101%", ""])
def test_shares_that_are_none(project: Path, share: str) -> None:
    """What is no share of a hundred is refused in one sentence."""
    done = run(project, "--budget", share)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"error: `{share}` is no share for `--budget`: give per cent from 0 to 100, such as `5%`\n"


@pytest.mark.parametrize(("budget", "critical"), [("0%", 0), ("20%", 1), ("34%", 2), ("50%", 3)])
def test_budget_proposes_a_threshold_that_keeps_it(project: Path, budget: str, critical: int) -> None:
    """The proposed threshold, once configured, makes that many functions critical and no more."""
    proposal = document(project, "--budget", budget)["summary"]["proposal"]
    assert proposal["critical"] == critical
    (project / "golden-rules.toml").write_text(f"threshold = {proposal['threshold']}\n")
    assert document(project)["summary"]["critical"] == critical


def test_trouble_is_told_and_the_rest_counted(project: Path) -> None:
    """A file that cannot be parsed is status 2, and the others are shown all the same."""
    (project / "src/pay/broken.py").write_text("def f(:\n")
    done = run(project)
    assert done.returncode == 2
    assert done.stderr.startswith("error: `src/pay/broken.py` (line 1): this file cannot be parsed")
    assert "1 of 3 critical functions are measured" in done.stdout
