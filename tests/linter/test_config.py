"""The configuration: where it is found, what it may say, and what it answers."""

from __future__ import annotations

import contextlib
import gc
import pickle
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from project_folders import write

from golden_rules.config import Config, Configs, Overrides, load_config
from golden_rules.errors import UsageError
from golden_rules.settings_places import SettingsPlace
from golden_rules.validation import check_table
from golden_rules.values import KEYS

RULES = {
    "GR101": "unmeasured-entry-point",
    "GR102": "unmeasured-external-call",
    "GR201": "hand-timed",
    "GR900": "syntax-error",
    "ACME1": "our-own",
}
SCALARS = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8))
VALUES = st.one_of(
    SCALARS,
    st.lists(SCALARS, max_size=3),
    st.dictionaries(st.text(max_size=5), st.one_of(SCALARS, st.lists(st.text(max_size=5), max_size=2)), max_size=2),
)


def configured(folder: Path, toml: str) -> Config:
    """Return the configuration that a golden-rules.toml makes."""
    return load_config(write(folder, {"golden-rules.toml": toml}))


def refusal(folder: Path, name: str, text: str) -> str:
    """Return the sentence with which a configuration is refused."""
    write(folder, {name: text})
    with pytest.raises(UsageError) as caught:
        load_config(folder)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.fixture
def uncollected() -> Iterator[None]:
    """No collection starts: at the recursion limit nobody who wants to know of it can be called, and CPython reports that."""
    gc.disable()
    yield
    gc.enable()


class TestWhereItIsFound:
    """The nearest file upwards decides, for each folder by itself."""

    def test_without_any_file_the_defaults_hold_from_the_project_on(self, tmp_path: Path) -> None:
        """The nearest pyproject.toml marks the root though it configures nothing."""
        write(tmp_path, {"pyproject.toml": "[project]\nname = 'x'\n", "src/x/a.py": ""})
        config = load_config(tmp_path / "src/x/a.py")
        assert config == Config(root=tmp_path)

    def test_outside_any_project(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """Paths start at the working directory; elsewhere, at the folder that holds the file's package."""
        write(tmp_path, {"lib/pkg/__init__.py": "", "lib/pkg/sub/__init__.py": "", "work/a/b.py": ""})
        monkeypatch.chdir(tmp_path / "work")
        configs = Configs()
        assert configs.for_path(Path("a/b.py")).root == tmp_path / "work"
        assert configs.for_path(tmp_path / "lib/pkg/sub/x.py").root == tmp_path / "lib"

    def test_nearest_file_wins(self, tmp_path: Path) -> None:
        """A folder's own configuration replaces the one above, and does not reach its neighbours."""
        write(
            tmp_path,
            {
                "pyproject.toml": "[tool.golden-rules]\napp = 'outer'\nignore = ['GR2']\n",
                "services/pay/golden-rules.toml": "app = 'pay'\n",
                "services/pay/deep/pyproject.toml": "[tool.other]\n",
            },
        )
        configs = Configs()
        pay = configs.for_path(tmp_path / "services/pay/deep/a.py")
        assert (pay.app, pay.ignore, pay.root) == ("pay", (), tmp_path / "services/pay")
        assert configs.for_path(tmp_path / "services/ship/a.py").app == "outer"

    def test_own_file_goes_before_pyproject_in_one_folder(self, tmp_path: Path) -> None:
        """Like ruff.toml, golden-rules.toml wins where both are there."""
        write(tmp_path, {"pyproject.toml": "[tool.golden-rules]\napp = 'a'\n", "golden-rules.toml": "app = 'b'"})
        assert load_config(tmp_path).source == tmp_path / "golden-rules.toml"

    def test_folders_with_equal_settings_share_one_object(self, tmp_path: Path) -> None:
        """Thousands of files must not carry thousands of configurations to a worker process."""
        write(tmp_path, {"golden-rules.toml": "app = 'x'", "a/pyproject.toml": "", "b/c/d.py": ""})
        configs = Configs()
        assert configs.for_path(tmp_path / "a/x.py") is configs.for_path(tmp_path / "b/c/d.py")

    def test_no_file_is_read_twice(self, tmp_path: Path) -> None:
        """Once read, a configuration holds for the whole run, whatever happens to its file."""
        write(tmp_path, {"golden-rules.toml": "app = 'x'", "a/b.py": ""})
        configs = Configs()
        configs.for_path(tmp_path / "c.py")
        write(tmp_path, {"golden-rules.toml": "app = 'changed'"})
        assert configs.for_path(tmp_path / "a/b.py").app == "x"

    def test_named_file_holds_everywhere(self, tmp_path: Path) -> None:
        """A configuration named on the command line beats nearer ones."""
        write(tmp_path, {"golden-rules.toml": "app = 'near'", "ci/strict.toml": "app = 'strict'"})
        assert load_config(tmp_path / "a.py", tmp_path / "ci/strict.toml").app == "strict"

    @pytest.mark.parametrize(
        ("name", "reason"),
        [
            ("nope.toml", "is not there"),
            ("folder.toml", "is a folder"),
            ("pyproject.toml", "has no table `[tool.golden-rules]`"),
        ],
    )
    def test_named_file_that_configures_nothing_is_refused(self, tmp_path: Path, name: str, reason: str) -> None:
        """A wrong name must not silently mean the defaults."""
        write(tmp_path, {"pyproject.toml": "[project]\nname = 'x'\n", "folder.toml/x": ""})
        with pytest.raises(UsageError) as caught:
            Configs(tmp_path / name)
        assert str(caught.value).endswith(f"{name}` {reason}")

    @pytest.mark.usefixtures("uncollected")
    @pytest.mark.parametrize("broken", ["= 1", "\x00", "[a", "a = " + "[" * 5000, "n = " + "9" * 9999])
    def test_broken_pyproject_of_others_is_no_concern(self, tmp_path: Path, broken: str) -> None:
        """Trees hold broken files on purpose, as test data."""
        write(tmp_path, {"data/pyproject.toml": broken, "golden-rules.toml": "app = 'x'"})
        assert load_config(tmp_path / "data/a.py").app == "x"

    def test_folders_named_like_configurations_are_passed_over(self, tmp_path: Path) -> None:
        """A folder called pyproject.toml says nothing."""
        write(tmp_path, {"a/pyproject.toml/x": "", "a/golden-rules.toml/x": "", "pyproject.toml": ""})
        assert load_config(tmp_path / "a/b.py").source is None


class TestWhatItMaySay:
    """Every mistake gets one sentence: what, where, and what is right."""

    def test_all_keys(self, tmp_path: Path) -> None:
        """Each key of this release arrives, in plain hashable values that survive pickling."""
        config = configured(
            tmp_path,
            """
            app = "chimera"
            runtime-module = "app.metrics_runtime"
            measured-by = ["app.telemetry"]
            metrics-modules = ["metrics"]
            critical = ["a.b"]
            not-critical = ["src/*.py::main"]
            profile = "comprehensive"
            threshold = 3
            select = ["GR1"]
            ignore = ["GR102"]
            extend-select = ["GR201"]
            exclude = ["build"]
            extend-exclude = ["gen/*"]
            [per-file-ignores]
            "tests/*" = ["GR1"]
            """,
        )
        assert config == Config(
            root=tmp_path,
            source=tmp_path / "golden-rules.toml",
            app="chimera",
            runtime_module="app.metrics_runtime",
            measured_by=("app.telemetry",),
            metrics_modules=("metrics",),
            critical=("a.b",),
            not_critical=("src/*.py::main",),
            profile="comprehensive",
            threshold=3.0,
            select=("GR1",),
            ignore=("GR102",),
            extend_select=("GR201",),
            exclude=("build",),
            extend_exclude=("gen/*",),
            per_file_ignores=(("tests/*", ("GR1",)),),
        )
        assert hash(pickle.loads(pickle.dumps(config))) == hash(config)  # noqa: S301 - pickled one line earlier

    def test_unknown_key_names_the_line_and_the_nearest_key(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The sentence has all that is needed to mend it."""
        monkeypatch.chdir(tmp_path)
        toml = """\
            [project]
            name = "x"

            [tool.other]
            metric-modules = []
            [tool.golden-rules]
            select = ["GR1"]  # metric-modules = []
            metric-modules = ["metrics"]
            """
        assert refusal(tmp_path, "pyproject.toml", toml) == (
            "unknown key `metric-modules` in [tool.golden-rules] of pyproject.toml (line 8):"
            " did you mean `metrics-modules`?"
        )

    def test_table_of_pyproject_in_own_file(self, tmp_path: Path) -> None:
        """The commonest way to get the file wrong is answered by name."""
        sentence = refusal(tmp_path, "golden-rules.toml", "[tool.golden-rules]\nselect = []")
        assert sentence.endswith("(line 1): here the keys stand at the top level, without `[tool.golden-rules]`")

    @pytest.mark.parametrize(
        ("toml", "expected"),
        [
            (
                "select = 3",
                "`select` in golden-rules.toml (line 1) must be a list of strings, not an integer",
            ),
            ("ignore = 'GR1'", "must be a list of strings, not a string"),
            ("\nexclude = ['a', true]", "(line 2) must be a list of strings: its item 2 is a boolean"),
            ("critical = ['']", "must be a list of strings: its item 1 is empty"),
            ("exclude = ['s[r']", "has the malformed pattern `s[r`: its `[` is never closed"),
            ("critical = ['a.{b']", "has the malformed pattern `a.{b`: its `{` is never closed"),
            ("app = 1.5", "must be a name, or a table from path patterns to names, not a number"),
            ("[app]\n'src/*' = 2", "must give a name for `src/*`, not an integer"),
            ("[app]\n'src/*' = 'a'\n'lib/*' = ''", "`app` in golden-rules.toml (line 3) must give a name for `lib/*`"),
            ("[app]\n'src/*' = 'a'\n\n'lib/*' = '3d'", "`app` in golden-rules.toml (line 4) must start with a letter"),
            (
                "runtime-module = 'my-app'",
                "must be the name of a module such as `app.metrics_runtime`, not `my-app`",
            ),
            ("profile = 'selectiv'", "not `selectiv`: did you mean `selective`?"),
            ("threshold = true", "must be a number, not a boolean"),
            ("threshold = nan", "must be a number from 0 upwards, not `nan`"),
            ("threshold = 2026-01-01", "must be a number, not a date or time"),
            ("per-file-ignores = []", "must be a table from path patterns to lists of rules, not a list"),
            (
                "[per-file-ignores]\n'a.py' = 'GR1'",
                "in golden-rules.toml (line 2) for `a.py` must be a list of strings, not a string",
            ),
        ],
    )
    def test_wrong_values(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, toml: str, expected: str) -> None:
        """The sentence says what the key takes and what stands there."""
        monkeypatch.chdir(tmp_path)
        assert expected in refusal(tmp_path, "golden-rules.toml", toml)

    @pytest.mark.usefixtures("uncollected")
    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("a = 1\nb = = 2", "`golden-rules.toml` (line 2, column 5) is not valid TOML: invalid value"),
            ("a = [", "`golden-rules.toml` (line 1, the end) is not valid TOML: invalid value"),
            (
                "\ufeffapp = 'x'",
                "`golden-rules.toml` starts with a byte order mark, which TOML does not have: save it as UTF-8 without one",
            ),
            ("x = " + "[" * 5000, "`golden-rules.toml` is not valid TOML: it is nested too deeply"),
        ],
    )
    def test_broken_toml(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, expected: str) -> None:
        """A file that is no TOML is refused with the place of the mistake."""
        monkeypatch.chdir(tmp_path)
        assert refusal(tmp_path, "golden-rules.toml", text) == expected

    def test_broken_pyproject_that_speaks_of_golden_rules(self, tmp_path: Path) -> None:
        """Its settings are wanted, so their loss must not go unseen."""
        assert "(line 2, the end) is not valid TOML" in refusal(
            tmp_path, "pyproject.toml", "[tool.golden-rules]\nselect ="
        )

    def test_bytes_that_are_no_utf8(self, tmp_path: Path) -> None:
        """TOML is UTF-8; the sentence names the line that is not."""
        (tmp_path / "golden-rules.toml").write_bytes(b"app = 'x'\n# caf\xe9\n")
        with pytest.raises(UsageError, match=r"\(line 2\) is not valid TOML: it is not UTF-8"):
            load_config(tmp_path)

    def test_table_that_is_no_table(self, tmp_path: Path) -> None:
        """`golden-rules = true` under [tool] is answered in the same words."""
        assert refusal(tmp_path, "pyproject.toml", "[tool]\ngolden-rules = true").endswith(
            "must be a table, not a boolean"
        )

    @settings(deadline=None)
    @given(key=st.sampled_from(sorted(KEYS)), value=VALUES)
    def test_any_value_gives_settings_or_one_sentence(self, key: str, value: object) -> None:
        """No value of any kind ends in a traceback, and what is accepted is hashable."""
        with contextlib.suppress(UsageError):
            settings = check_table({key: value}, SettingsPlace("x.toml", (), ""))
            settings.pop("extend", None)  # the path of a file that is read before there are settings
            hash(Config(root=Path(), **settings))


class TestWhichRulesAreOn:
    """ruff's precedence: the more specific selector wins, `ignore` between equals, the command line last."""

    @pytest.mark.parametrize(
        ("toml", "expected"),
        [
            ("", {"GR101", "GR102", "GR201", "GR900", "ACME1"}),
            ("select = ['GR']", {"GR101", "GR102", "GR201", "GR900"}),
            ("select = ['GR1']", {"GR101", "GR102"}),
            ("select = ['GR10', 'hand-timed']", {"GR101", "GR102", "GR201"}),
            ("select = ['GR1']\nignore = ['GR102']", {"GR101"}),
            ("select = ['GR101']\nignore = ['GR1']", {"GR101"}),
            ("select = ['GR1']\nignore = ['GR1']", set()),
            ("select = ['unmeasured-entry-point']\nignore = ['GR10']", {"GR101"}),
            ("select = ['ALL']\nignore = ['GR']", {"ACME1"}),
            ("ignore = ['ALL']\nselect = ['GR9']", {"GR900"}),
            ("select = ['GR2']\nextend-select = ['GR101']", {"GR101", "GR201"}),
            ("select = []", set()),
        ],
    )
    def test_of_one_configuration(self, tmp_path: Path, toml: str, expected: set[str]) -> None:
        """Each table of selectors leaves these rules on."""
        config = configured(tmp_path, toml)
        config.check_selectors(RULES)
        assert config.enabled_codes(RULES, "a.py") == expected

    @pytest.mark.parametrize(
        ("overrides", "expected"),
        [
            (Overrides(select=("GR2",)), {"GR201"}),
            (Overrides(select=("GR1",)), {"GR101", "GR102"}),
            (Overrides(select=("ALL",), ignore=("GR",)), {"ACME1"}),
            (Overrides(ignore=("GR1",)), set()),
            (Overrides(ignore=("unmeasured-entry-point",)), set()),
            (Overrides(), {"GR101"}),
        ],
    )
    def test_the_command_line_prevails(self, tmp_path: Path, overrides: Overrides, expected: set[str]) -> None:
        """`--select` starts afresh, and `--ignore` beats even a more specific selector of the file."""
        write(tmp_path, {"golden-rules.toml": "select = ['GR101']\nignore = ['GR102']"})
        config = Configs(overrides=overrides).for_path(tmp_path)
        assert config.enabled_codes(RULES, "a.py") == expected

    def test_bare_codes_suffice_where_no_names_are_used(self, tmp_path: Path) -> None:
        """A set of codes does in place of a mapping from codes to names."""
        assert configured(tmp_path, "select = ['GR1']").enabled_codes(set(RULES), "a.py") == {
            "GR101",
            "GR102",
        }

    @pytest.mark.parametrize(
        ("path", "expected"),
        [
            ("src/a.py", {"GR101", "GR102", "GR201"}),
            ("tests/deep/a.py", {"GR201"}),
            ("other/tests/a.py", {"GR101", "GR102", "GR201"}),
            ("src/conftest.py", {"GR101", "GR102"}),
            ("scripts/run.py", set()),
        ],
    )
    def test_per_file_ignores(self, tmp_path: Path, path: str, expected: set[str]) -> None:
        """Patterns with a slash start at the root, others name files or folders anywhere, `!` inverts."""
        config = configured(
            tmp_path,
            """
            select = ["GR1", "GR2"]
            [per-file-ignores]
            "tests/*" = ["GR1"]
            "conftest.py" = ["hand-timed"]
            "scripts" = ["ALL"]
            "!**/*.py" = ["GR"]
            """,
        )
        assert config.enabled_codes(RULES, path) == expected

    @pytest.mark.parametrize(
        ("selector", "hint"),
        [
            ("GR110", "did you mean `GR101`?"),
            ("gr201", "did you mean `GR201`?"),
            ("hand_timed", "did you mean `hand-timed`?"),
            ("unmeasured-entrypoint", "did you mean `unmeasured-entry-point`?"),
            ("G", ""),
            ("all", "did you mean `ALL`?"),
        ],
    )
    def test_unknown_selector_names_the_nearest(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, selector: str, hint: str
    ) -> None:
        """A rule that does not exist is never silently ignored."""
        monkeypatch.chdir(tmp_path)
        config = configured(tmp_path, f"ignore = ['{selector}']")
        with pytest.raises(UsageError) as caught:
            config.check_selectors(RULES)
        assert str(caught.value).startswith(f"unknown rule `{selector}` in `ignore` of golden-rules.toml")
        assert str(caught.value).endswith(hint)

    def test_unknown_selector_on_the_command_line(self, tmp_path: Path) -> None:
        """The sentence names the option, not a file."""
        config = Configs(overrides=Overrides(select=("GR3",))).for_path(tmp_path)
        with pytest.raises(UsageError, match="unknown rule `GR3` in `--select`"):
            config.check_selectors(RULES)

    def test_unknown_selector_in_per_file_ignores(self, tmp_path: Path) -> None:
        """The tables of single files are checked too."""
        config = configured(tmp_path, "[per-file-ignores]\n'a.py' = ['GR3']")
        with pytest.raises(UsageError, match=r"golden-rules\.toml for `a\.py`"):
            config.check_selectors(RULES)


class TestPatterns:
    """Which files and functions the patterns of a configuration mean."""

    @pytest.mark.parametrize(
        ("modules", "path", "expected"),
        [
            (None, "app/metrics.py", True),
            (None, "app/telemetry/client.py", True),
            (None, "observability.py", True),
            (None, "app/metrics_test.py", False),
            (None, "app/my_metrics/x.py", False),
            ("metrics", "metrics/deep/x.py", True),
            ("app.core.metrics", "src/app/core/metrics.py", True),
            ("app.core.metrics", "app/core/metrics/a.py", True),
            ("app.core.metrics", "app/metrics.py", False),
            ("app.core.metrics", "myapp/core/metrics.py", False),
            ("metrics.py", "app/metrics.py", True),
            ("metrics.py", "app/metrics/a.py", False),
            ("src/*/stats.py", "src/a/stats.py", True),
            ("src/*/stats.py", "lib/a/stats.py", False),
            ("app.*.metrics", "app/core/metrics.py", True),
        ],
    )
    def test_metrics_modules(self, modules: str | None, path: str, expected: bool) -> None:
        """A module's name, a dotted one, a file's name and a pattern of paths all serve."""
        config = Config(root=Path()) if modules is None else Config(root=Path(), metrics_modules=(modules,))
        assert config.is_metrics_module(path) is expected

    @pytest.mark.parametrize(
        ("pattern", "expected"),
        [
            ("chimera.pool.ExecutorPool.submit", True),
            ("chimera.pool.ExecutorPool.*", True),
            ("ExecutorPool.submit", True),
            ("*.submit", True),
            ("submit", True),
            ("Pool.submit", False),
            ("chimera.pool", False),
            ("ExecutorPool.{stop,submit}", True),
            ("src/chimera/*.py", True),
            ("pool.py", True),
            ("src", False),
            ("src/chimera/pool.py::ExecutorPool.*", True),
            ("pool.py::submit", True),
            ("src/chimera/pool.py::Other.*", False),
            ("src/other/*.py::submit", False),
        ],
    )
    def test_named_functions(self, pattern: str, expected: bool) -> None:
        """Functions are named by the end of their dotted name, by their file, or by both."""
        function = ("src/chimera/pool.py", "chimera.pool", "ExecutorPool.submit")
        assert Config(root=Path(), critical=(pattern,)).is_named_critical(*function) is expected
        assert Config(root=Path(), not_critical=(pattern,)).is_named_not_critical(*function) is expected

    def test_app_by_path(self, tmp_path: Path) -> None:
        """The first pattern that covers a file names its app; a plain name holds everywhere."""
        config = configured(tmp_path, "[app]\n'services/pay/special.py' = 'special'\n'services/pay' = 'pay'")
        assert [config.app_for(f"services/{name}") for name in ("pay/special.py", "pay/a/b.py", "ship/a.py")] == [
            "special",
            "pay",
            None,
        ]
        assert Config(root=Path(), app="x").app_for("any.py") == "x"
