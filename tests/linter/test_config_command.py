"""`golden-rules config`: what is in force and why, what matches nothing, and the schema that editors use."""

from __future__ import annotations

import json
import runpy
import tomllib
from datetime import date
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft7Validator

from golden_rules.cli import commands
from golden_rules.errors import UsageError
from golden_rules.schema import schema
from golden_rules.settings_places import SettingsPlace
from golden_rules.validation import check_table
from golden_rules.values import KEYS

BUILD = Path(__file__).parents[2] / "docs/build.py"
SCALARS = st.one_of(st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(max_size=8), st.just("GR1"))
VALUES = st.one_of(
    SCALARS,
    st.lists(SCALARS, max_size=3),
    st.dictionaries(st.text(max_size=5), st.one_of(SCALARS, st.lists(st.text(max_size=5), max_size=2)), max_size=2),
)


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project whose configuration has three layers."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "base.toml").write_text("threshold = 9\nignore = ['GR104']\nseverity = {GR2 = 'warning'}\n")
    (tmp_path / "golden-rules.toml").write_text(
        "extend = 'base.toml'\napp = 'shop'\ngrace-until = 2027-06-01\n\n"
        "[[overrides]]\npaths = ['legacy/**']\nthreshold = 20\n[[overrides]]\npaths = ['x']\nthreshold = 30\n"
    )
    (tmp_path / "legacy").mkdir()
    (tmp_path / "legacy/old.py").write_text("def run(): ...\n")
    return tmp_path


def run(*arguments: str) -> Result:
    """Run `config`."""
    return CliRunner().invoke(commands, ["config", *arguments], standalone_mode=False)


def in_force(path: str) -> dict[str, tuple[object, str]]:
    """Return each setting with its origin."""
    document = json.loads(run(path, "--format", "json").stdout)
    return {key: (entry["value"], entry["from"]) for key, entry in document.items()}


class TestInForce:
    """Every setting, and the file and line that make it."""

    def test_each_setting_says_where_it_is_from(self, shop: Path) -> None:
        """The file itself, one that it extends, or the default."""
        found = in_force(".")
        assert found["app"] == ("shop", "golden-rules.toml (line 2)")
        assert found["threshold"] == (9, "base.toml (line 1)")
        assert found["severity"] == ({"GR2": "warning"}, "base.toml (line 3)")
        assert found["profile"] == ("selective", "default")
        options = {key for key in found if key.startswith("rules.")}
        assert set(found) - options == set(KEYS) - {"extend", "overrides", "rules"}

    def test_of_a_file_that_overrides_speak_of(self, shop: Path) -> None:
        """The override that changes it is named with its line."""
        assert in_force("legacy/old.py")["threshold"] == (
            20,
            "base.toml (line 1), [overrides] of golden-rules.toml (line 7)",
        )

    def test_the_text_is_toml(self, shop: Path) -> None:
        """It could be a configuration, and would say the same."""
        (shop / "golden-rules-baseline.json").touch()
        document = tomllib.loads(run("legacy/old.py").stdout)
        check_table(document, SettingsPlace("x", (), ""))
        assert document["threshold"] == 20
        assert document["baseline"] == "golden-rules-baseline.json"

    def test_mistakes(self, shop: Path) -> None:
        """A path that is not there, and rules that do not exist."""
        assert str(run("gone.py").exception) == "`gone.py` does not exist"
        (shop / "golden-rules.toml").write_text("ignore = ['GR109']\n")
        assert isinstance(run().exception, UsageError)


class TestStale:
    """`config --check`: entries that match nothing."""

    def test_each_kind(self, shop: Path) -> None:
        """They are named with their key and line."""
        (shop / "golden-rules.toml").write_text(
            "exclude = [\n  'legacy',\n  'gone/**',\n]\nmetrics-modules = ['metrics', 'shop.telemetry']\n"
            "not-critical = ['*.run', '*.walk']\n[per-file-ignores]\n'tests/*' = ['GR1']\n'src/*' = ['GR1']\n"
            "[[overrides]]\npaths = ['src/*', 'lib']\nthreshold = 1\n"
        )
        (shop / "src").mkdir()
        (shop / "src/metrics.py").write_text("def run(): ...\n")
        done = run("--check")
        assert done.return_value == 1
        assert done.stdout.splitlines() == [
            "`gone/**` in `exclude` of golden-rules.toml (line 3) matches no file or folder",
            "`tests/*` in `per-file-ignores` of golden-rules.toml (line 8) matches no file",
            "`lib` in `overrides` of golden-rules.toml (line 11) matches no file",
            "`shop.telemetry` in `metrics-modules` of golden-rules.toml (line 5) matches no module",
            "`*.walk` in `not-critical` of golden-rules.toml (line 6) matches no function",
        ]

    def test_overrides_and_rules(self, shop: Path) -> None:
        """What an override names critical must be in its files, and what a rule allows must be there."""
        (shop / "golden-rules.toml").write_text(
            "[rules.GR304]\nallowed-in = ['shop.jobs.Pool', 'shop.jobs', 'shop.gone']\n"
            "[[overrides]]\npaths = ['other']\ncritical = ['*.run']\n"
            "[[overrides]]\npaths = ['shop']\ncritical = [\n  '*.run',\n  '*.walk',\n]\nnot-critical = ['shop.jobs.skip']\n"
            "rules.GR301.allowed-in = ['other.jobs', 'shop.jobs.Pool.run']\n"
        )
        for name in ("shop", "other"):
            (shop / name).mkdir()
        (shop / "shop/jobs.py").write_text("class Pool:\n    def run(self): ...\n")
        (shop / "other/jobs.py").write_text("def walk(): ...\n")
        done = run("--check")
        assert done.return_value == 1
        assert done.stdout.splitlines() == [
            "`shop.gone` in `rules.GR304.allowed-in` of golden-rules.toml (line 2) matches no module, class or function",
            "`*.run` in `critical` of golden-rules.toml (line 5) matches no function",
            "`*.walk` in `critical` of golden-rules.toml (line 10) matches no function",
            "`shop.jobs.skip` in `not-critical` of golden-rules.toml (line 12) matches no function",
            "`other.jobs` in `rules.GR301.allowed-in` of golden-rules.toml (line 13) matches no module, class or function",
        ]

    def test_measured_by(self, shop: Path) -> None:
        """An entry counts where a file imports the module, or something from it, anywhere in the file."""
        (shop / "golden-rules.toml").write_text(
            "measured-by = ['shop.telemetry', 'watch.timed', 'own.times', 'house', 'watch.counted']\n"
        )
        (shop / "own").mkdir()
        (shop / "own/a.py").write_text(
            "from shop.telemetry import span\n\ndef f():\n    from watch import timed\n    from . import times\n"
        )
        done = run("--check")
        assert done.return_value == 1
        assert done.stdout.splitlines() == [
            f"`{entry}` in `measured-by` of golden-rules.toml (line 1) matches no import"
            for entry in ("house", "watch.counted")
        ]

    def test_reasons_of_not_critical(self, shop: Path) -> None:
        """What has none is a warning, as in comments, unless GR902 is an error or off; a table gives reasons."""
        listed = "not-critical = ['*.run']\n"
        said = (
            "`*.run` in `not-critical` of golden-rules.toml (line 1) gives no reason (GR902): "
            'write `not-critical."*.run" = "because ..."`'
        )
        results = {}
        for end in ("", "rules.GR902.severity = 'error'", "ignore = ['GR902']"):
            (shop / "golden-rules.toml").write_text(listed + end)
            done = run("--check")
            results[end] = (done.return_value, said in done.stdout, f"warning: {said}" in done.stderr)
        assert list(results.values()) == [(0, False, True), (1, True, False), (0, False, False)]
        (shop / "golden-rules.toml").write_text("not-critical.'*.run' = 'it starts the rest'\n")
        done = run("--check")
        assert (done.return_value, done.stderr) == (0, "")
        assert in_force("legacy/old.py")["not-critical"] == (
            {"*.run": "it starts the rest"},
            "golden-rules.toml (line 1)",
        )

    @pytest.mark.parametrize("options", [("--schema",), ("--format", "json")])
    def test_goes_with_nothing_else(self, shop: Path, options: tuple[str, ...]) -> None:
        """Options that would have no effect are refused."""
        assert str(run("--check", *options).exception).startswith(f"`--check` goes with no `{options[0]}`")

    def test_defaults_are_never_stale(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """Nobody has to keep what golden-rules assumes."""
        monkeypatch.chdir(tmp_path)
        (tmp_path / "golden-rules.toml").write_text("app = 'shop'\n")
        done = run("--check")
        assert (done.return_value, done.stdout) == (0, "Every entry of the configuration matches something.\n")


class TestSchema:
    """The JSON schema that the package ships."""

    def test_it_is_the_one_that_the_code_makes(self) -> None:
        """`python docs/build.py` would change nothing, and the command prints it."""
        built = runpy.run_path(str(BUILD))
        assert built["SCHEMA"].read_text(encoding="utf-8") == built["schema_text"]()
        assert json.loads(run("--schema").stdout) == schema()
        Draft7Validator.check_schema(schema())

    def test_it_has_every_key(self) -> None:
        """A new key is described as well."""
        assert set(schema()["properties"]) == set(KEYS)

    @settings(deadline=None)
    @given(key=st.sampled_from(sorted(set(KEYS) - {"overrides"})), value=VALUES)
    def test_it_allows_what_the_linter_takes(self, key: str, value: object) -> None:
        """No editor marks what is right."""
        try:
            check_table({key: value}, SettingsPlace("x.toml", (), ""))
        except UsageError:
            return
        Draft7Validator(schema()).validate({key: value})

    @pytest.mark.parametrize(
        "wrong",
        [
            {"treshold": 1},
            {"threshold": "high"},
            {"select": "GR1"},
            {"severity": {"GR1": "fatal"}},
            {"overrides": [{"threshold": 1}]},
            {"overrides": [{"paths": ["a"], "exclude": ["b"]}]},
        ],
        ids=str,
    )
    def test_it_refuses_what_the_linter_refuses(self, wrong: dict[str, object]) -> None:
        """The commonest mistakes are seen while they are typed."""
        assert not Draft7Validator(schema()).is_valid(wrong)
        with pytest.raises(UsageError):
            check_table(wrong, SettingsPlace("x.toml", (), ""))

    def test_dates(self) -> None:
        """TOML's own dates, which JSON has not, are read as the texts that the schema allows."""
        as_date = check_table({"grace-until": date(2027, 6, 1)}, SettingsPlace("x.toml", (), ""))
        assert as_date == check_table({"grace-until": "2027-06-01"}, SettingsPlace("x.toml", (), ""))
