"""Errors and warnings, days of grace, and comments that run out: what they do to the output and the exit status."""

from __future__ import annotations

import json
from datetime import date, timedelta
from pathlib import Path

import pytest
from project_folders import check

from golden_rules.adoption.settling import settle
from golden_rules.config import Config
from golden_rules.files import SourceFile
from golden_rules.findings import Severity
from golden_rules.reports.style import Style
from golden_rules.reports.text import concise_report, text_report
from golden_rules.runner import Run, check_stdin

TIMED = "import logging\nimport time\n\n\ndef count(x):{}\n    start = time.time()\n    x()\n    logging.info('took %s', time.time() - start)\n"
TODAY = date(2027, 5, 31)


@pytest.fixture(autouse=True)
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with one finding."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "shop.py").write_text(TIMED.format(""))
    return tmp_path


def configure(toml: str) -> None:
    """Write the configuration."""
    Path("golden-rules.toml").write_text(f"select = ['GR201', 'GR90']\n{toml}")


def settled(config: Config, today: date = TODAY, source: str = TIMED.format("")) -> Run:
    """Return a run over one file as it counts on a day."""
    file = SourceFile(Path("shop.py"), "shop.py", "shop.py", config)
    run, _ = check_stdin(source.encode(), file)
    settle(run, [file], today)
    run.today = today
    return run


def test_warnings_do_not_fail() -> None:
    """They are shown and counted; errors beside them do fail."""
    configure("severity = {GR201 = 'warning'}\n")
    warned = check()
    assert warned.return_value == 0
    assert warned.stdout.startswith("shop.py:8:29: GR201 (warning) `count` is timed by hand")
    assert warned.stdout.endswith("1 finding in 1 of 1 file, a warning; 1 can be fixed with `--fix`.\n")
    Path("more.py").write_text("def broken(:\n")
    assert check().return_value == 1
    assert "2 findings in 2 of 2 files, 1 warning; 1 can be fixed" in check().stdout


def test_comments_that_are_untidy_are_warnings_unless_the_configuration_says_more() -> None:
    """GR901 and GR902 are shown and do not fail; `severity` makes them fail."""
    Path("shop.py").write_text(TIMED.format("  # golden-rules: ignore[GR201]"))
    configure("")
    assert check().return_value == 0
    assert "GR902 (warning) nothing says why `GR201` is ignored here" in check().stdout
    configure("severity = {GR902 = 'error'}\n")
    assert check().return_value == 1


class TestGrace:
    """`grace-until`: a warning until that day, an error from then on."""

    config = Config(root=Path(), select=("GR201",), grace_until=(("GR2", date(2027, 6, 1)),))

    @pytest.mark.parametrize(
        ("today", "severity"),
        [(date(2027, 5, 31), "warning"), (date(2027, 6, 1), "error"), (date(2027, 6, 2), "error")],
    )
    def test_the_day_decides(self, today: date, severity: str) -> None:
        """The day itself is the first one that counts."""
        (finding,) = settled(self.config, today).findings
        assert finding.severity == severity

    def test_the_days_left_are_shown(self) -> None:
        """Under the finding, and at the end of its line in short."""
        run = settled(self.config)
        assert list(text_report(run, Style()))[-2] == "  = note: an error in 1 day, from 2027-06-01 on"
        assert "[an error in 1 day, from 2027-06-01 on]" in next(concise_report(run, Style()))

    def test_other_rules_and_broken_files_have_none(self) -> None:
        """A rule that the table does not name is an error, and so is a file that cannot be looked at."""
        elsewhere = Config(root=Path(), select=("GR201",), grace_until=(("GR1", date(2027, 6, 1)),))
        everything = Config(root=Path(), grace_until=(("ALL", date(2027, 6, 1)),))
        assert settled(elsewhere).errors == 1
        assert settled(everything, source="def broken(:\n").errors == 1

    def test_through_the_command(self) -> None:
        """A day to come is status 0, a day that is past is status 1, and JSON says which day it is."""
        tomorrow = date.today() + timedelta(days=2)
        configure(f"grace-until = {tomorrow}\n")
        assert check().return_value == 0
        document = json.loads(check("--format", "json").stdout)
        assert document["findings"][0]["grace_until"] == str(tomorrow)
        assert document["summary"]["in_grace"] == 1
        configure("grace-until = 2020-01-01\n")
        assert check().return_value == 1


class TestIgnoresThatRunOut:
    """`until 2027-06-01` in a comment: from that day on it ignores nothing."""

    config = Config(root=Path(), select=("GR201", "GR901"))
    source = TIMED.format("  # golden-rules: ignore[GR201] until 2027-06-01 -- moved by then")

    def test_until_the_day(self) -> None:
        """It silences, and is counted as such."""
        run = settled(self.config, date(2027, 5, 31), self.source)
        assert (run.findings, len(run.silenced)) == ([], 1)

    def test_from_the_day_on(self) -> None:
        """The finding is back, and says why; the comment is not unused."""
        run = settled(self.config, date(2027, 6, 1), self.source)
        assert [(finding.code, finding.severity) for finding in run.findings] == [("GR201", Severity.ERROR)]
        assert run.findings[0].message.endswith("; the comment that ignores it ran out on 2027-06-01")
        assert run.silenced == []

    def test_one_wrong_is_still_one_finding(self) -> None:
        """A finding that comes back stands for those that it stood for before."""
        config = Config(root=Path(), select=("GR201", "GR105"))
        source = self.source.replace("def count", "# golden-rules: critical\ndef count")
        assert [finding.code for finding in settled(config, date(2027, 6, 1), source).findings] == ["GR201"]
