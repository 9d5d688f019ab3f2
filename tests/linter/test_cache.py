"""What runs remember: the same answers for less work, and never a wrong one."""

from __future__ import annotations

import itertools
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from golden_rules import engine, fixing
from golden_rules.cache import Caches
from golden_rules.cli import main
from golden_rules.findings import FileResult
from golden_rules.fingerprint import fingerprint

CRITICAL = "# golden-rules: critical\ndef total(order):\n    return order.sum\n"
HELPER = """\
import time
from contextlib import contextmanager


@contextmanager
def log_duration(log):
    start = time.perf_counter()
    try:
        yield
    finally:
        log.info("took %.1f s", time.perf_counter() - start)
"""


class Answer(NamedTuple):
    """What a run says, and which files it had to analyse for it."""

    status: int
    out: str
    analysed: list[str]


Check = Callable[..., Answer]


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with findings, a silenced one, a helper that nothing uses, and a clean file."""
    folder = tmp_path / "shop"
    (folder / "src").mkdir(parents=True)
    (folder / "golden-rules.toml").write_text("")
    (folder / "src/orders.py").write_text(CRITICAL)
    (folder / "src/quiet.py").write_text(CRITICAL.replace(":\n", ":  # golden-rules: ignore[GR105] -- no\n", 1))
    (folder / "src/telemetry.py").write_text(HELPER)
    (folder / "src/clean.py").write_text("x = 1\n")
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def check(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Check:
    """Run `golden-rules check` in this process, and note the files that it analyses."""
    analysed: list[str] = []
    original = engine.analyse_source

    def noted(source: bytes, path: str, *rest: object, **options: object) -> FileResult:
        analysed.append(path)
        return original(source, path, *rest, **options)  # type: ignore[arg-type]  # handed on as it came

    monkeypatch.setattr(engine, "analyse_source", noted)
    monkeypatch.setattr(fixing, "analyse_source", noted)

    def run(*arguments: str) -> Answer:
        analysed.clear()
        with pytest.raises(SystemExit) as ended:
            main(["check", "--format", "concise", *arguments])
        return Answer(int(ended.value.code or 0), capsys.readouterr().out, sorted(set(analysed)))

    return run


EVERY = ["src/clean.py", "src/orders.py", "src/quiet.py", "src/telemetry.py"]


class TestWarm:
    """What a run need not do again."""

    def test_nothing_changed(self, shop: Path, check: Check) -> None:
        """Nothing is analysed, and all is said again: findings, what comments silence, conclusions about the project."""
        cold, warm = check("--statistics"), check("--statistics")
        assert cold.analysed == EVERY
        assert all(code in cold.out for code in ("GR105", "GR207", "ignored"))
        assert warm == Answer(cold.status, cold.out, [])

    def test_fresh_checkout(self, shop: Path, check: Check, monkeypatch: pytest.MonkeyPatch) -> None:
        """A copy with the same content and other times is warm too."""
        cold = check()
        copy = shop.parent / "copy"
        shutil.copytree(shop, copy, copy_function=shutil.copyfile)
        monkeypatch.chdir(copy)
        assert check() == Answer(cold.status, cold.out, [])

    def test_times_that_are_old_enough_are_trusted(
        self, shop: Path, check: Check, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Files that changed a while ago are not read again."""
        soon = time.time_ns() + 10**10
        monkeypatch.setattr(time, "time_ns", lambda: soon)
        cold = check()

        def unexpected(*_: object) -> None:
            raise AssertionError("a file was read")

        monkeypatch.setattr("golden_rules.cache.seen", unexpected)
        assert check() == Answer(cold.status, cold.out, [])

    def test_one_file_changed(self, shop: Path, check: Check) -> None:
        """Only that file is analysed again."""
        check()
        (shop / "src/orders.py").write_text(CRITICAL.replace("total", "sums"))
        answer = check()
        assert answer.analysed == ["src/orders.py"]
        assert "`sums`" in answer.out

    def test_change_that_hides_behind_size_and_time(
        self, shop: Path, check: Check, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A file of the same size and modification time is still known by its content."""
        file = shop / "src/orders.py"
        monkeypatch.setattr(time, "time_ns", iter(itertools.count(time.time_ns() + 10**10)).__next__)
        check()
        before = file.stat()
        file.write_text(CRITICAL.replace("total", "lotat"))
        os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
        assert "`lotat`" in check().out

    def test_uses_of_a_decorator_of_another_file(self, shop: Path, check: Check) -> None:
        """What files tell each other is remembered like all else."""
        timed = HELPER.replace("@contextmanager\ndef log_duration(log)", "def timed(function)").replace("log.", "print")
        (shop / "src/shop").mkdir()
        (shop / "src/shop/timing.py").write_text(timed)
        (shop / "src/shop/pay.py").write_text("from shop.timing import timed\n\n\n@timed\ndef pay(): ...\n")
        cold = check()
        assert "src/shop/pay.py" in cold.analysed
        assert check() == Answer(cold.status, cold.out, [])

    def test_imports_no_rule(self, shop: Path) -> None:
        """A run that finds all it needs loads neither a rule nor LibCST."""
        program = (
            "import sys\nfrom golden_rules.cli import main\n"
            "try: main(['check', '--exit-zero'])\n"
            "finally: print(sorted(name for name in sys.modules if 'libcst' in name or 'rules.rules' in name), file=sys.stderr)"
        )
        command = [sys.executable, "-c", program]
        outputs = [subprocess.run(command, cwd=shop, capture_output=True, text=True, check=True) for _ in range(2)]
        assert "golden_rules.rules" in outputs[0].stderr
        assert outputs[1].stderr == "[]\n"
        assert outputs[0].stdout == outputs[1].stdout

    def test_defines_few_data_classes(self, shop: Path) -> None:
        """Each would cost such a run half a millisecond, where a named tuple costs a tenth; what analyses files stays unloaded."""
        (shop / "src/telemetry.py").unlink()  # its fix is held against the texts of the project, run for run
        program = (
            "import sys\nfrom dataclasses import is_dataclass\nfrom golden_rules.cli import main\n"
            "try: main(['check', '--exit-zero'])\n"
            "finally:\n"
            "    ours = [module for name, module in sys.modules.items() if name.startswith('golden_rules')]\n"
            "    kinds = {kind for module in ours for kind in vars(module).values() if isinstance(kind, type)}\n"
            "    print(sum(map(is_dataclass, kinds)), *sys.modules, file=sys.stderr)\n"
        )
        command = [sys.executable, "-c", program]
        cold, cached = (
            subprocess.run(command, cwd=shop, capture_output=True, text=True, check=True).stderr.split()
            for _ in range(2)
        )
        assert int(cold[0]) > 30
        assert int(cached[0]) <= 5
        analysing = {"golden_rules.engine", "golden_rules.registry", "golden_rules.source.parsing"}
        assert analysing <= set(cold)
        slow = {
            "golden_rules.objectives",
            "golden_rules.workers",
            "golden_rules.registry",
            "importlib.metadata",
            "json",
        }
        assert not (analysing | slow) & set(cached)

    def test_files_that_are_gone_are_forgotten(self, shop: Path, check: Check) -> None:
        """The cache does not grow with every file that ever was."""
        for number in range(40):
            (shop / f"src/old{number}.py").write_text(CRITICAL)
        check()
        (large,) = [file.stat().st_size for file in (shop / ".golden-rules-cache").glob("*.cache")]
        for file in (shop / "src").glob("old*.py"):
            file.unlink()
        for number in range(40):
            (shop / f"src/new{number}.py").write_text("x = 1\n")
        check()
        check("src/clean.py")
        (small,) = [file.stat().st_size for file in (shop / ".golden-rules-cache").glob("*.cache")]
        assert small < large / 2


SETTINGS = {
    "critical": 'critical = ["log_duration"]',
    "not-critical": 'not-critical = ["place"]',
    "threshold": "threshold = 50",
    "ignore": 'ignore = ["GR207"]',
    "select": 'select = ["GR105"]',
    "per-file-ignores": '[per-file-ignores]\n"src/orders.py" = ["GR1"]',
    "metrics-modules": 'metrics-modules = ["routes"]',
    "app": 'app = "bazaar"',
    "runtime-module": 'runtime-module = "shop.observe"',
    "overrides": '[[overrides]]\npaths = ["src/orders.py"]\nignore = ["GR105"]',
    "severity": 'severity = {GR105 = "warning"}',
    "grace-until": "grace-until = 2999-01-01",
}


class TestNeverWrong:
    """Whatever an answer depends on is seen to change it."""

    @pytest.mark.parametrize("setting", SETTINGS)
    def test_settings(self, shop: Path, check: Check, setting: str) -> None:
        """A warm run after a change of settings says what a cold one says, which is not what was said before."""
        route = '@app.post("/orders")\nasync def place(order):\n    stored = await order.save()\n    await mail.send(stored)\n'
        (shop / "src/routes.py").write_text(route)

        def says(*options: str) -> list[tuple[int, str]]:
            return [check(*form, *options)[:2] for form in (("--format", "json"), ("--diff",))]

        before = says()
        (shop / "golden-rules.toml").write_text(SETTINGS[setting] + "\n")
        assert says() == says("--no-cache") != before
        (shop / "golden-rules.toml").write_text("")
        assert says() == before

    @pytest.mark.parametrize("options", [("--select", "GR207"), ("--ignore", "GR105"), ("--runtime-module", "a.b")])
    def test_command_line(self, shop: Path, check: Check, options: tuple[str, ...]) -> None:
        """What the command line selects does not come from a run that selected something else."""
        check()
        before = check("--diff")
        after, cold = check("--diff", *options), check("--diff", "--no-cache", *options)
        assert after.out == cold.out != before.out

    def test_dependencies(self, shop: Path, check: Check) -> None:
        """Fixes are withheld from the moment that the project declares dependencies without the runtime."""
        assert "can be fixed" in check().out
        (shop / "requirements.txt").write_text("httpx\n")
        assert "withheld" in check().out

    def test_unknown_rule_after_a_known_one(self, shop: Path, check: Check, capsys: pytest.CaptureFixture[str]) -> None:
        """A mistyped selector is told whatever an earlier run has checked."""
        (shop / "golden-rules.toml").write_text('severity = {GR105 = "warning"}\n')
        check()
        (shop / "golden-rules.toml").write_text('severity = {GR999 = "warning"}\n')
        with pytest.raises(SystemExit) as ended:
            main(["check"])
        assert ended.value.code == 2
        assert "unknown rule `GR999`" in capsys.readouterr().err

    def test_another_file_of_the_project(self, shop: Path, check: Check) -> None:
        """A file that begins to use a helper changes what is said of the helper's own file."""
        assert "telemetry.py" in check().out
        (shop / "src/uses.py").write_text("from telemetry import log_duration\n\nlog_duration\n")
        answer = check()
        assert answer.analysed == ["src/uses.py"]
        assert "telemetry.py" not in answer.out
        (shop / "src/uses.py").unlink()
        assert "telemetry.py" in check().out

    def test_part_of_the_project(self, shop: Path, check: Check) -> None:
        """A file that is named by itself, or with some others, is told nothing about the whole."""
        check()
        assert "GR207" not in check("src/telemetry.py").out
        assert "GR207" not in check("src").out
        assert "GR207" in check().out

    def test_renamed_file(self, shop: Path, check: Check) -> None:
        """The names of metrics come from the path, so the result of one path says nothing of another."""
        check()
        (shop / "src/orders.py").rename(shop / "src/refunds.py")
        answer = check("--format", "json")
        assert "refunds.total" in answer.out
        assert "orders.total" not in answer.out

    @pytest.mark.parametrize("part", ["python", "linter", "libcst", "plugin", "plugin's package"])
    def test_linter_and_what_it_runs_on(self, part: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """Another Python, linter, LibCST, plugin, or what a plugin imports: nothing that was found under the old one counts."""
        monkeypatch.syspath_prepend(str(tmp_path))
        module = _plugin(tmp_path)
        before = fingerprint()
        assert fingerprint() == before
        match part:
            case "python":
                monkeypatch.setattr(sys, "version_info", (3, 99, 0, "final", 0))
            case "linter":
                monkeypatch.setattr("golden_rules.fingerprint.__version__", "99.0")
            case "libcst":
                (tmp_path / "libcst-99.0.dist-info").mkdir()
            case "plugin":
                module.write_text(module.read_text().replace("nope", "nay"))
            case _:
                (tmp_path / "something_else-2.0.dist-info").mkdir()
        assert fingerprint() != before

    def test_plugin(self, shop: Path, tmp_path: Path) -> None:
        """The new version of a plugin speaks at once."""
        module = _plugin(tmp_path / "site")
        command = [sys.executable, "-m", "golden_rules", "check", "--format", "concise"]
        environment = {**os.environ, "PYTHONPATH": str(tmp_path / "site")}

        def says() -> str:
            return subprocess.run(
                command, cwd=shop, env=environment, capture_output=True, text=True, check=False
            ).stdout

        assert "clean.py:1:1: XX100 nope" in says()
        assert "clean.py:1:1: XX100 nope" in says()
        module.write_text(module.read_text().replace("nope", "nay"))
        assert "clean.py:1:1: XX100 nay" in says()

    def test_group_of_plugins(self) -> None:
        """Plugins are looked for under the name that the registry loads them by."""
        from golden_rules.fingerprint import _GROUP
        from golden_rules.registry import ENTRY_POINT_GROUP

        assert ENTRY_POINT_GROUP.encode() == _GROUP


def _plugin(folder: Path) -> Path:
    """Install a plugin with one rule into a folder, and return its module."""
    metadata = folder / "gr_nope-1.0.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: gr-nope\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text("[golden_rules.rules]\nXX100 = gr_nope:Nope\n")
    module = folder / "gr_nope.py"
    module.write_text(
        '"""A rule."""\nfrom golden_rules import ModuleRule, Violation\n\n'
        'class Nope(ModuleRule):\n    """Nope."""\n\n    code = "XX100"\n    name = "nope"\n\n'
        '    def check(self, subject):\n        yield Violation((0, 1), "nope", "mend it")\n'
    )
    return module


class TestFix:
    """`--fix` with what is remembered."""

    def test_fixes_what_is_remembered(self, shop: Path, check: Check) -> None:
        """A finding that is known from a run before is fixed; clean files are not analysed for it."""
        check()
        answer = check("--fix")
        assert set(answer.analysed) == {"src/orders.py"}
        assert "@track_request" in (shop / "src/orders.py").read_text()
        after = check()
        assert after.analysed == []
        assert "orders.py" not in after.out

    def test_sees_what_was_changed_after_a_fix(self, shop: Path, check: Check) -> None:
        """What somebody writes right after a fix is looked at."""
        check("--fix")
        (shop / "src/orders.py").write_text(CRITICAL)
        assert "orders.py:2:5: GR105" in check().out

    def test_diff_keeps_nothing_of_what_it_did_not_write(self, shop: Path, check: Check) -> None:
        """After a diff the finding is still there."""
        check("--diff")
        assert "orders.py:2:5: GR105" in check().out


class TestFolder:
    """Where the cache is, and what else stands there."""

    def test_default(self, shop: Path, check: Check) -> None:
        """It tells backups and git to leave it out."""
        check()
        folder = shop / ".golden-rules-cache"
        assert (folder / "CACHEDIR.TAG").read_text().startswith("Signature: 8a477f597d28d172789f06886806bc55")
        assert (folder / ".gitignore").read_text() == "*\n"

    def test_no_cache(self, shop: Path, check: Check) -> None:
        """`--no-cache` neither asks nor keeps."""
        check()
        shutil.copytree(shop / ".golden-rules-cache", shop.parent / "kept")
        assert check("--no-cache").analysed == EVERY
        shutil.rmtree(shop / ".golden-rules-cache")
        check("--no-cache")
        assert not (shop / ".golden-rules-cache").exists()

    def test_cache_dir(self, shop: Path, check: Check) -> None:
        """`--cache-dir` counts from the working directory, and `cache-dir` from the configuration."""
        check("--cache-dir", "../elsewhere")
        assert list((shop.parent / "elsewhere").glob("*.cache"))
        assert check("--cache-dir", "../elsewhere").analysed == []
        (shop / "golden-rules.toml").write_text('cache-dir = "src/deep/cache"\n')
        check()
        assert list((shop / "src/deep/cache").glob("*.cache"))
        assert not (shop / ".golden-rules-cache").exists()

    def test_shared_by_projects(self, shop: Path, check: Check, monkeypatch: pytest.MonkeyPatch) -> None:
        """Two projects in one folder do not take each other's files for their own."""
        other = shop.parent / "other"
        shutil.copytree(shop, other)
        (other / "src/orders.py").write_text("x = 1\n")
        first = check("--cache-dir", "../shared")
        monkeypatch.chdir(other)
        assert "orders.py" not in check("--cache-dir", "../shared").out
        monkeypatch.chdir(shop)
        assert check("--cache-dir", "../shared") == Answer(first.status, first.out, [])

    def test_folder_of_somebody_else(self, shop: Path, check: Check) -> None:
        """A folder that was there before is given no `.gitignore`, and its files are left alone, however old."""
        mine = shop.parent / "mine"
        mine.mkdir()
        for name in ("data.cache", "data.tmp"):
            (mine / name).write_text("")
            os.utime(mine / name, (0, 0))
        check("--cache-dir", str(mine))
        assert {"data.cache", "data.tmp"} < {file.name for file in mine.iterdir()}
        assert not (mine / ".gitignore").exists()

    def test_folder_that_cannot_be_used(self, shop: Path, check: Check) -> None:
        """Where nothing can be kept, nothing is, and nobody is told."""
        (shop.parent / "file").write_text("")
        expected = check("--no-cache")
        assert check("--cache-dir", "../file/below") == expected
        assert check("--cache-dir", "../file") == expected

    def test_full_disk(self, shop: Path, check: Check) -> None:
        """A folder that could not be marked as a cache is made anew, so that git never takes it in."""
        program = (
            "import resource, signal\nfrom golden_rules.cli import main\n"
            "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\nresource.setrlimit(resource.RLIMIT_FSIZE, (10, 10))\nmain(['check'])"
        )
        subprocess.run([sys.executable, "-c", program], cwd=shop, capture_output=True, check=False)
        assert not (shop / ".golden-rules-cache").exists()
        check()
        assert (shop / ".golden-rules-cache/.gitignore").read_text() == "*\n"

    def test_bounded(self, shop: Path, check: Check) -> None:
        """Of the caches of settings long gone, few are kept."""
        for threshold in range(40):
            (shop / "golden-rules.toml").write_text(f"threshold = {threshold}\n")
            check("src/clean.py")
        assert len(list((shop / ".golden-rules-cache").glob("*.cache"))) <= 20

    def test_runs_at_once(self, shop: Path, check: Check) -> None:
        """Runs beside each other leave a cache that says what each of them said."""
        command = [sys.executable, "-m", "golden_rules", "check", "--format", "concise"]
        runs = [subprocess.Popen(command, cwd=shop, stdout=subprocess.PIPE, text=True) for _ in range(4)]
        said = {run.communicate()[0] for run in runs}
        assert said == {check().out}
        assert check().analysed == []
        assert not list((shop / ".golden-rules-cache").glob("*.tmp"))


class TestDamage:
    """A cache whose bytes are not as they were written."""

    @pytest.fixture
    def cache(self, shop: Path, check: Check) -> tuple[Path, bytes]:
        """The file that holds the cache of a run, and its content."""
        check()
        (file,) = (shop / ".golden-rules-cache").glob("*.cache")
        return file, file.read_bytes()

    @settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(place=st.integers(0, 10**6), byte=st.binary(max_size=1))
    def test_any_damage(self, cache: tuple[Path, bytes], check: Check, place: int, byte: bytes) -> None:
        """Whatever byte is another or missing, the answer is that of a cold run."""
        file, whole = cache
        at = place % len(whole)
        file.write_bytes(whole[:at] + byte + whole[at + 1 :])
        answer, cold = check(), check("--no-cache")
        assert (answer.status, answer.out) == (cold.status, cold.out)

    @pytest.mark.parametrize("content", [b"", b"\0" * 100, (), ([], [], []), ({"src/orders.py": 1}, {}, frozenset())])
    def test_foreign_content(self, cache: tuple[Path, bytes], check: Check, content: object) -> None:
        """A file that is whole and holds something else is as good as none."""
        import marshal

        from golden_rules.cache import digest_of

        inner = marshal.dumps(content)  # type: ignore[arg-type]  # each of them is plain
        cache[0].write_bytes(content if isinstance(content, bytes) else digest_of(inner) + inner)
        answer, cold = check(), check("--no-cache")
        assert (answer.status, answer.out) == (cold.status, cold.out)


def test_caches_of_settings_that_read_the_same_are_one(shop: Path) -> None:
    """Settings that only say how findings count share one cache, so that no run overwrites the other's half."""
    from golden_rules.config import load_config

    config = load_config(shop)
    caches = Caches()
    assert caches.of(config) is caches.of(replace(config, severity=(("GR1", "warning"),)))
