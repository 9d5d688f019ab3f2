"""`golden-rules coverage --append`: where each app was, where it is, and when it gets where it is to be."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

CALL = (
    'import httpx\n\n\ndef charge_{0}(order):\n    """Charge."""\n    return httpx.post("https://pay.example").json()\n'
)
MEASURED = "from golden_runtime import track_adapter_request\n" + CALL.replace(
    "\n\n\ndef", '\n\n\n@track_adapter_request("http")\ndef'
)
TODAY = datetime(2026, 11, 24, tzinfo=UTC)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """An app with ten critical functions, six of which are measured."""
    (tmp_path / "pay").mkdir()
    for number in range(10):
        (tmp_path / "pay" / f"m{number}.py").write_text((MEASURED if number < 6 else CALL).format(number))
    (tmp_path / "golden-rules.toml").write_text("")
    return tmp_path


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command in a folder, on a certain day."""
    command = [sys.executable, "-m", "golden_rules", "coverage", *arguments]
    environment = {**os.environ, "SOURCE_DATE_EPOCH": str(int(TODAY.timestamp())), "PYTHONUTF8": "1"}
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, encoding="utf-8", check=False
    )


def entry(day: str, measured: int, critical: int = 10) -> str:
    """A line of a history."""
    return json.dumps(
        {"version": 1, "at": f"{day}T00:00:00+00:00", "apps": {"pay": {"critical": critical, "measured": measured}}}
    )


def trend(folder: Path, *lines: str, objective: str = "100%") -> str:
    """What the text report says of the app after these lines."""
    (folder / "history.jsonl").write_text("".join(f"{line}\n" for line in lines))
    done = run(folder, "--append", "history.jsonl", "--fail-under", objective)
    return done.stdout.splitlines()[-1]


@pytest.mark.parametrize("lines", [(), (entry("2026-11-20", 4), entry("2026-11-22", 5))], ids=["new", "there"])
def test_a_full_disk_leaves_no_half_of_an_entry(project: Path, lines: tuple[str, ...]) -> None:
    """The history is as it was, so that the next run can read it."""
    history = project / "history.jsonl"
    before = "".join(f"{line}\n" for line in lines)
    if before:
        history.write_text(before)
    program = (
        "import resource, signal\nfrom golden_rules.cli import main\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        f"resource.setrlimit(resource.RLIMIT_FSIZE, ({len(before) + 10}, {len(before) + 10}))\n"
        "main(['coverage', '--append', 'history.jsonl'])"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=project, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (
        2,
        "error: the history `history.jsonl` cannot be written: file too large\n",
    )
    assert (history.read_text() if before else history.exists()) == (before or False)


@pytest.mark.parametrize("wrong", ["soon", "-", "1e9", "9" * 30])
def test_a_time_that_is_none(project: Path, wrong: str) -> None:
    """A reproducible build that would not be one ends before anything is written."""
    command = [sys.executable, "-m", "golden_rules", "coverage", "--append", "history.jsonl"]
    environment = {**os.environ, "SOURCE_DATE_EPOCH": wrong}
    done = subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr == (
        f"error: `SOURCE_DATE_EPOCH` must be a time in whole seconds since 1970, not `{wrong}`: mend it, or unset it\n"
    )
    assert not (project / "history.jsonl").exists()


def test_each_run_adds_a_line(project: Path) -> None:
    """The history is made where there is none; what was in it stays, byte for byte."""
    first = run(project, "--append", "history.jsonl")
    assert (first.returncode, "now" in first.stdout) == (0, False)
    before = (project / "history.jsonl").read_bytes()
    assert run(project, "--append", "history.jsonl").returncode == 0
    after = (project / "history.jsonl").read_bytes()
    assert after == before + before
    assert json.loads(before) == {
        "version": 1,
        "at": "2026-11-24T00:00:00+00:00",
        "apps": {"pay": {"critical": 10, "measured": 6}},
    }


def test_a_last_line_without_an_end_is_finished(project: Path) -> None:
    """Two entries never share a line."""
    (project / "history.jsonl").write_text(entry("2026-11-04", 2))
    run(project, "--append", "history.jsonl")
    assert [json.loads(line)["apps"]["pay"]["measured"] for line in (project / "history.jsonl").open()] == [2, 6]


@pytest.mark.parametrize(
    ("lines", "objective", "sentence"),
    [
        # 2 functions of 10 in 10 days, so that the 4 that are left take 20
        ([("2026-11-04", 2), ("2026-11-14", 4)], "100%", "20 % on 2026-11-04, now 60 %; 100 % about 2026-12-14 at"),
        ([("2026-11-04", 2), ("2026-11-14", 4)], "80%", "now 60 %; 80 % about 2026-12-04 at the present rate"),
        ([("2026-11-04", 2), ("2026-11-14", 4)], "60%", "now 60 %, which is the objective of 60 %"),
        ([("2026-11-04", 2), ("2026-11-14", 4)], "50%", "now 60 %, above 50 %"),
        ([("2026-11-04", 9)], "100%", "90 % on 2026-11-04, now 60 %; at the present rate never 100 %"),
        ([("2026-11-24", 5)], "100%", "at the present rate never 100 %"),
        # what was half a year ago says nothing of the present rate
        ([("2026-04-24", 0), ("2026-11-14", 6)], "100%", "0 % on 2026-04-24, now 60 %; at the present rate never"),
        # ten years are no plan
        ([("2026-10-24", 5_999, 10_000)], "100%", "at the present rate never 100 %"),
    ],
)
def test_the_trend_is_told(project: Path, lines: list[tuple[Any, ...]], objective: str, sentence: str) -> None:
    """By the straight line through the last 90 days."""
    assert sentence in trend(project, *(entry(*line) for line in lines), objective=objective)


def test_the_sparkline_goes_from_none_to_all(project: Path) -> None:
    """Its lowest bar is no function and its highest all, so that little change looks like little."""
    assert "pay  ▁▅█▅  " in trend(
        project, entry("2026-11-01", 0), entry("2026-11-02", 5), entry("2026-11-03", 10), objective="100%"
    )


def test_other_formats_tell_it_too(project: Path) -> None:
    """JSON with every point, Markdown and the page with the sentence."""
    history = ("--append", "history.jsonl")
    (project / "history.jsonl").write_text(entry("2026-11-04", 2) + "\n" + entry("2026-11-14", 4) + "\n")
    (found,) = json.loads(run(project, *history, "--format", "json").stdout)["trends"]
    assert (found["app"], found["reached"]) == ("pay", "2026-12-14")
    assert [point["per_cent"] for point in found["points"]] == [20.0, 40.0, 60.0]
    assert "| pay | ▂▄▅▅ | 20 % on 2026-11-04, now 60 %" in run(project, *history, "--format", "markdown").stdout
    assert "<!DOCTYPE html>" in run(project, *history, "--format", "html").stdout


def test_a_run_that_misses_files_is_no_entry(project: Path) -> None:
    """A file that does not parse would look like progress or decline."""
    (project / "pay" / "broken.py").write_text("def (")
    done = run(project, "--append", "history.jsonl")
    assert done.returncode == 2
    assert "note: the history is left as it is" in done.stderr
    assert not (project / "history.jsonl").exists()


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("nonsense", "error: line 2 of the history `history.jsonl` is none of `coverage --append`"),
        ('{"version": 1, "at": "soon", "apps": {}}', "error: line 2 of the history"),
        ('{"version": 2, "at": "2026-11-04", "apps": {}}', "is of a later golden-rules: update this one"),
    ],
)
def test_a_damaged_history_is_left_alone(project: Path, line: str, sentence: str) -> None:
    """One sentence with the line, status 2, and not a byte changes."""
    text = f"{entry('2026-11-04', 2)}\n{line}\n"
    (project / "history.jsonl").write_text(text)
    done = run(project, "--append", "history.jsonl")
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert sentence in done.stderr
    assert (project / "history.jsonl").read_text() == text


def test_a_history_that_cannot_be_written_is_named(project: Path) -> None:
    """A folder is no history."""
    done = run(project, "--append", "pay")
    assert (done.returncode, done.stderr) == (2, "error: the history `pay` cannot be read: is a directory\n")
