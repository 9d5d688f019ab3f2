"""Configurations on top of others: `extend`, `overrides`, severities and days of grace."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from textwrap import dedent

import pytest

from golden_rules.config import Config, Configs, load_config
from golden_rules.errors import UsageError

RULES = {"GR101": "unmeasured-entry-point", "GR201": "hand-timed", "GR900": "syntax-error"}


def write(folder: Path, **files: str) -> None:
    """Write TOML files below a folder; `a__b` stands for `a/b.toml`."""
    for name, text in files.items():
        path = folder / f"{name.replace('__', '/')}.toml".replace("golden_rules", "golden-rules")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text))


def loaded(folder: Path, toml: str) -> Config:
    """Return the configuration that a golden-rules.toml makes."""
    write(folder, golden_rules=toml)
    return load_config(folder)


def refusal(folder: Path, toml: str) -> str:
    """Return the sentence with which a golden-rules.toml is refused."""
    with pytest.raises(UsageError) as caught:
        loaded(folder, toml)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.fixture(autouse=True)
def _inside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Messages name files from the working directory."""
    monkeypatch.chdir(tmp_path)


class TestExtend:
    """A file takes over what another one says, and says more."""

    def test_own_keys_win_and_the_rest_is_taken_over(self, tmp_path: Path) -> None:
        """The nearest file still decides alone, with the one that it extends below it."""
        write(
            tmp_path,
            golden_rules="app = 'shop'\nthreshold = 9\nignore = ['GR104']\n",
            teams__pay__golden_rules="extend = '../../golden-rules.toml'\napp = 'pay'\n",
        )
        config = load_config(tmp_path / "teams/pay")
        assert (config.app, config.threshold, config.ignore) == ("pay", 9.0, ("GR104",))
        assert config.root == tmp_path / "teams/pay"

    def test_lists_that_extend_add_up_and_tables_go_together(self, tmp_path: Path) -> None:
        """`extend-select`, `extend-exclude` and overrides add up; tables by rule or path are merged, their own entries first."""
        write(
            tmp_path,
            base="extend-exclude = ['a']\nextend-select = ['GR1']\nseverity = {GR1 = 'warning', GR2 = 'warning'}\n"
            "[[overrides]]\npaths = ['old']\nthreshold = 20\n",
        )
        config = loaded(
            tmp_path,
            "extend = 'base.toml'\nextend-exclude = ['b']\nextend-select = ['GR2']\nseverity = {GR2 = 'error'}\n"
            "[[overrides]]\npaths = ['old/worse']\nthreshold = 30\n",
        )
        assert config.extend_exclude == ("a", "b")
        assert config.extend_select == ("GR1", "GR2")
        assert dict(config.severity) == {"GR1": "warning", "GR2": "error"}
        assert [config.for_file(path).threshold for path in ("x.py", "old/x.py", "old/worse/x.py")] == [None, 20, 30]

    def test_the_baseline_stands_beside_the_file_that_names_it(self, tmp_path: Path) -> None:
        """A path in an extended file starts at that file."""
        write(tmp_path, shared__base="baseline = 'old.json'\n")
        assert loaded(tmp_path, "extend = 'shared/base.toml'\n").baseline == tmp_path / "shared/old.json"

    def test_several_steps_and_pyproject(self, tmp_path: Path) -> None:
        """A file that is extended may extend another one; in pyproject.toml the table counts."""
        write(
            tmp_path, pyproject="[tool.golden-rules]\nprofile = 'comprehensive'\n", middle="extend = 'pyproject.toml'\n"
        )
        assert loaded(tmp_path, "extend = 'middle.toml'\n").profile == "comprehensive"

    @pytest.mark.parametrize(
        ("toml", "expected"),
        [
            ("extend = 'gone.toml'", "`extend` in golden-rules.toml (line 1) names `gone.toml`, which is not there"),
            ("extend = '.'", "`extend` in golden-rules.toml (line 1) names `.`, which is a folder"),
            (
                "extend = 'golden-rules.toml'",
                "`extend` in golden-rules.toml (line 1) goes in a circle: `golden-rules.toml` extends this file",
            ),
            (
                "extend = 'pyproject.toml'",
                "`extend` in golden-rules.toml (line 1) names `pyproject.toml`, which has no table `[tool.golden-rules]`",
            ),
            ("extend = ['a']", "`extend` in golden-rules.toml (line 1) must be the path of a file, not a list"),
        ],
    )
    def test_what_cannot_be_extended(self, tmp_path: Path, toml: str, expected: str) -> None:
        """One sentence with the line."""
        write(tmp_path, pyproject="[project]\nname = 'shop'\n")
        assert refusal(tmp_path, toml) == expected

    def test_a_mistake_is_named_where_it_stands(self, tmp_path: Path) -> None:
        """In the file that is extended, not in the one that extends it."""
        write(tmp_path, base="\ntreshold = 9\n")
        assert refusal(tmp_path, "extend = 'base.toml'\n") == (
            "unknown key `treshold` in base.toml (line 2): did you mean `threshold`?"
        )

    def test_where_each_setting_is_from(self, tmp_path: Path) -> None:
        """The table that makes it; for lists that add up, all of them."""
        write(tmp_path, base="threshold = 9\nextend-select = ['GR1']\n")
        write(tmp_path, golden_rules="extend = 'base.toml'\nextend-select = ['GR2']\n")
        origins = Configs().origins(str(tmp_path))
        assert {key: [place.file for place in places] for key, places in origins.items()} == {
            "threshold": ["base.toml"],
            "extend_select": ["base.toml", "golden-rules.toml"],
        }


class TestOverrides:
    """`[[overrides]]` change settings for the files that their `paths` cover."""

    def test_the_later_one_prevails(self, tmp_path: Path) -> None:
        """Of several for one file, key by key."""
        config = loaded(
            tmp_path,
            """
            profile = "selective"
            [[overrides]]
            paths = ["legacy/**"]
            profile = "comprehensive"
            ignore = ["GR1"]
            [[overrides]]
            paths = ["legacy/new.py"]
            ignore = []
            """,
        )
        assert config.for_file("src/a.py") is config
        assert config.for_file("legacy/a.py").ignore == ("GR1",)
        new = config.for_file("legacy/new.py")
        assert (new.profile, new.ignore) == ("comprehensive", ())
        assert config.for_file("legacy/b.py") is config.for_file("legacy/a.py")

    @pytest.mark.parametrize(
        ("toml", "expected"),
        [
            (
                "\n[[overrides]]\npaths = ['a']\n[[overrides]]\npaths = ['b']\ntreshold = 1",
                "unknown key `treshold` in [overrides] of golden-rules.toml (line 6): did you mean `threshold`?",
            ),
            (
                "[[overrides]]\npaths = ['a']\nexclude = ['b']",
                "`exclude` in [overrides] of golden-rules.toml (line 3) cannot differ by path: move it out of `overrides`",
            ),
            (
                "[[overrides]]\npaths = ['a']\nthreshold = 'high'",
                "`threshold` in [overrides] of golden-rules.toml (line 3) must be a number, not a string",
            ),
            (
                "[[overrides]]\nthreshold = 2",
                '[overrides] of golden-rules.toml (line 1) has no `paths`: name the files it is for, such as `paths = ["legacy/**"]`',
            ),
            (
                "[[overrides]]\npaths = []",
                '`paths` in [overrides] of golden-rules.toml (line 2) is empty: name the files, such as `paths = ["legacy/**"]`',
            ),
            (
                "[overrides]\nthreshold = 2",
                "`overrides` in golden-rules.toml (line 1) must be tables under `[[overrides]]`",
            ),
        ],
    )
    def test_mistakes(self, tmp_path: Path, toml: str, expected: str) -> None:
        """They are named with their line, in whichever table they stand."""
        assert refusal(tmp_path, toml) == expected

    def test_unknown_rules(self, tmp_path: Path) -> None:
        """Selectors in overrides are checked like all others, whether a file is covered or not."""
        config = loaded(tmp_path, "[[overrides]]\npaths = ['a']\nignore = ['GR109']\n")
        with pytest.raises(UsageError, match=r"unknown rule `GR109` in `ignore` in `overrides` of golden-rules\.toml"):
            config.check_selectors(RULES)

    @pytest.mark.parametrize(
        ("team", "where"),
        [
            ("app = 'pay'\nignore = [\n  'GR101',\n  'GR109',\n]", "`ignore` of golden-rules.toml (line 4)"),
            ("[severity]\nGR101 = 'error'\nGR109 = 'error'", "`severity` of golden-rules.toml (line 3)"),
            (
                "[per-file-ignores]\n'a.py' = ['GR109']",
                "`per-file-ignores` of golden-rules.toml (line 2) for `a.py`",
            ),
            (
                "[[overrides]]\npaths = ['a']\nignore = ['GR109']",
                "`ignore` in `overrides` of golden-rules.toml (line 3)",
            ),
            ("extend = 'base.toml'", "`select` of base.toml (line 2)"),
        ],
    )
    def test_unknown_rules_name_their_line(self, tmp_path: Path, team: str, where: str) -> None:
        """It is that of the rule itself, in the file that names it, which may be one that is extended."""
        write(tmp_path, base="app = 'shop'\nselect = ['GR109']\n", golden_rules=team)
        configs = Configs()
        with pytest.raises(UsageError) as caught:
            configs.for_path(tmp_path).check_selectors(RULES, configs.origins(str(tmp_path)))
        assert str(caught.value).startswith(f"unknown rule `GR109` in {where}")


class TestSeverityAndGrace:
    """How findings count, and from which day on."""

    def test_the_most_specific_selector_counts(self, tmp_path: Path) -> None:
        """Codes before prefixes, and names as good as codes."""
        config = loaded(tmp_path, "severity = {GR2 = 'warning', GR201 = 'error', unmeasured-entry-point = 'warning'}\n")
        severities = [config.severity_of(code, name) for code, name in RULES.items()]
        assert severities == ["warning", "error", None]

    def test_a_day_for_all_or_by_rule(self, tmp_path: Path) -> None:
        """With quotes or without."""
        everything = loaded(tmp_path, "grace-until = 2027-06-01\n")
        by_rule = loaded(tmp_path, "[grace-until]\nGR2 = '2027-06-01'\n")
        assert [everything.grace_of(code, name) for code, name in RULES.items()] == [date(2027, 6, 1)] * 3
        assert [by_rule.grace_of(code, name) for code, name in RULES.items()] == [None, date(2027, 6, 1), None]

    @pytest.mark.parametrize(
        ("toml", "expected"),
        [
            ("severity = 'warning'", "must be a table from rules to `error` or `warning`, not a string"),
            (
                "severity = {GR1 = 'warn'}",
                "for `GR1` must be `error` or `warning`, not `warn`: did you mean `warning`?",
            ),
            ("grace-until = 2027-06-01T10:00:00", "or a table from rules to dates, not a date or time"),
            ("grace-until = 'soon'", "must be a date such as `2027-06-01`, not `soon`"),
            ("grace-until = {GR1 = 3}", "for `GR1` must be a date such as `2027-06-01`"),
            ("[grace-until]\nGR1 = 2027-06-01\nGR2 = 'soon'", "golden-rules.toml (line 3) for `GR2`"),
            ("[severity]\nGR1 = 'error'\nGR2 = 'warn'", "golden-rules.toml (line 3) for `GR2`"),
            ("measured-by = ['a-b']", "must hold names of modules such as `shop.telemetry`, not `a-b`"),
            ("not-critical = {'a.*' = ' '}", "must give the reason for `a.*`, not an empty string"),
            ("not-critical = 3", "must be a list of patterns, or a table from patterns to reasons, not an integer"),
            ("app = '9 lives'", "must start with a letter, as metric names do, not `9 lives`"),
        ],
    )
    def test_wrong_values(self, tmp_path: Path, toml: str, expected: str) -> None:
        """The sentence says what may stand there."""
        assert expected in refusal(tmp_path, toml)
