"""`check --changed`: only what a branch touches counts, in real git repositories."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st
from project_folders import check

from golden_rules.adoption.changed import moved
from golden_rules.cli import commands
from golden_rules.errors import UsageError

TIMED = """\
def {name}(x):
    start = time.time()
    x()
    logging.info('took %s', time.time() - start)
    return x


"""
HEAD = "import logging\nimport time\n\n\n"
LINES = st.lists(st.sampled_from([b"a\n", b"b\n", b"c\n", b"d\n"]), max_size=8)


def git(*arguments: str, folder: Path | None = None) -> str:
    """Run git as nobody in particular."""
    who = {
        f"GIT_{role}_{what}": "somebody@example.org" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")
    }
    nobody = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    done = subprocess.run(
        ["git", *arguments], cwd=folder, env={**os.environ, **who, **nobody}, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def commit(message: str = "Change") -> None:
    """Commit everything."""
    git("add", "--all")
    git("commit", "--quiet", "--message", message)


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with two old findings, on a branch that starts at `main`."""
    for name in ("GITHUB_BASE_REF", "CI_MERGE_REQUEST_DIFF_BASE_SHA"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    git("init", "--quiet", "--initial-branch", "main")
    (tmp_path / "golden-rules.toml").write_text("select = ['GR201', 'GR105']\n")
    (tmp_path / ".gitignore").write_text(".golden-rules-cache\n")
    (tmp_path / "old.py").write_text(HEAD + TIMED.format(name="one") + TIMED.format(name="two"))
    commit()
    git("checkout", "--quiet", "-b", "feature")
    return tmp_path


def found(*arguments: str) -> list[str]:
    """Return the functions of the findings that count."""
    done = check("--format", "json", *arguments)
    assert done.exception is None, done.exception
    return [finding["function"] for finding in json.loads(done.stdout)["findings"]]


def change(path: Path, old: str, new: str) -> None:
    """Replace a piece of a file, once."""
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


class TestWhatCounts:
    """Findings in changed lines, and in functions that hold some."""

    def test_nothing_changed(self, shop: Path) -> None:
        """What was there before does not count; the summary says so."""
        assert found("--changed") == []
        assert check("--changed").stdout.endswith("2 findings outside of what has changed since `main`.\n")
        assert len(found()) == 2

    @pytest.mark.parametrize("state", ["committed", "staged", "unstaged"])
    def test_a_function_that_was_touched(self, shop: Path, state: str) -> None:
        """Committed on the branch, staged, or neither: all of the function counts, and nothing beside it."""
        change(shop / "old.py", "    return x\n\n\ndef two", "    return [x]\n\n\ndef two")
        if state != "unstaged":
            git("add", "--all")
        if state == "committed":
            git("commit", "--quiet", "--message", "x")
        assert found("--changed") == ["one"]

    def test_new_files(self, shop: Path) -> None:
        """An untracked file counts whole."""
        (shop / "größe und maß.py").write_text(HEAD + TIMED.format(name="fresh"))
        assert found("--changed") == ["fresh"]
        commit()
        assert found("--changed=main") == ["fresh"]

    def test_a_line_that_went(self, shop: Path) -> None:
        """Where a line is gone, its function is touched: taking out a decorator leaves no line behind."""
        decorated = "import httpx\nfrom golden_runtime import track_request\n\n\n# golden-rules: critical\n{}def charge(x):\n    return x\n"
        (shop / "pay.py").write_text(decorated.format('@track_request("pay")\n'))
        git("checkout", "--quiet", "main")
        commit()
        git("checkout", "--quiet", "-B", "feature")
        (shop / "pay.py").write_text(decorated.format(""))
        assert found("--changed") == ["charge"]

    def test_renamed_files(self, shop: Path) -> None:
        """A new name alone touches no line."""
        git("mv", "old.py", "new.py")
        commit()
        assert found("--changed") == []
        change(shop / "new.py", "def two(x):\n    start", "def two(x):\n    y = 1\n    start")
        assert found("--changed") == ["two"]

    def test_the_base_moves_on(self, shop: Path) -> None:
        """What has happened on the base since is no change of the branch."""
        git("checkout", "--quiet", "main")
        change(shop / "old.py", "def one(x):\n    start", "def one(x):\n    y = 1\n    start")
        commit()
        git("checkout", "--quiet", "feature")
        assert found("--changed") == []

    def test_from_a_folder_below(self, shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """Paths are those of the working directory."""
        (shop / "deep").mkdir()
        (shop / "deep/new.py").write_text(HEAD + TIMED.format(name="fresh"))
        monkeypatch.chdir(shop / "deep")
        assert found("--changed") == ["fresh"]
        assert found("..", "--changed") == ["fresh"]

    def test_settings_of_the_user_do_not_matter(self, shop: Path) -> None:
        """Prefixes, colours and context of one's own leave the answer as it is."""
        for key, value in (("diff.noprefix", "true"), ("color.ui", "always"), ("diff.context", "9")):
            git("config", key, value)
        change(shop / "old.py", "def two(x):\n    start", "def two(x):\n    y = 1\n    start")
        assert found("--changed") == ["two"]

    @pytest.mark.parametrize(
        ("variable", "value"), [("GITHUB_BASE_REF", "main"), ("CI_MERGE_REQUEST_DIFF_BASE_SHA", "HEAD")]
    )
    def test_pull_requests_name_their_base(
        self, shop: Path, monkeypatch: pytest.MonkeyPatch, variable: str, value: str
    ) -> None:
        """Where GitHub or GitLab says what a request is against, nobody else has to."""
        git("update-ref", "refs/remotes/origin/main", "main")
        git("branch", "--quiet", "-m", "main", "trunk")
        monkeypatch.setenv(variable, value)
        (shop / "new.py").write_text(HEAD + TIMED.format(name="fresh"))
        assert found("--changed") == ["fresh"]


def test_fixes_touch_only_the_change(shop: Path) -> None:
    """`--fix --changed` mends the functions that count; every other line stays."""
    change(shop / "old.py", "def two(x):\n    start", "def two(x):\n    y = 1\n    start")
    before = (shop / "old.py").read_text()
    check("--changed", "--fix")
    after = (shop / "old.py").read_text()
    assert found() == ["one"]
    assert TIMED.format(name="one") in after
    assert before != after
    assert found("--changed") == []


def test_fixes_leave_the_baseline_alone(shop: Path) -> None:
    """What is frozen is not reported, so `--fix` does not touch it; `--no-baseline` mends it, too."""
    CliRunner().invoke(commands, ["baseline"], standalone_mode=False)
    (shop / "old.py").write_text((shop / "old.py").read_text() + TIMED.format(name="fresh"))
    check("--fix")
    assert TIMED.format(name="one") in (shop / "old.py").read_text()
    assert found("--no-baseline") == ["one", "two"]
    check("--fix", "--no-baseline")
    assert found("--no-baseline") == []


class TestWithoutABase:
    """What cannot be compared is one clear sentence."""

    def refusal(self, *arguments: str) -> str:
        """Return the sentence with which `--changed` is refused."""
        done = check(*arguments)
        assert isinstance(done.exception, UsageError)
        return str(done.exception)

    def test_no_repository(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """Outside of any repository."""
        monkeypatch.chdir(tmp_path)
        assert self.refusal("--changed") == (
            "`--changed` compares with a commit, and here is no git repository: leave it out"
        )

    def test_unknown_base(self, shop: Path) -> None:
        """The remedy names the command that fetches it."""
        assert self.refusal("--changed=origin/develop") == (
            "the base `origin/develop` is not in this clone: fetch it with `git fetch origin"
            " develop:refs/remotes/origin/develop`, and in CI clone without a depth (`fetch-depth: 0`, `GIT_DEPTH: 0`)"
        )

    def test_before_the_first_commit(self, shop: Path) -> None:
        """What counts back further than the history goes cannot be fetched, and a range is no base."""
        assert self.refusal("--changed=HEAD~90") == (
            "the history of `HEAD` in this clone does not reach back to `HEAD~90`: name another base"
        )
        assert self.refusal("--changed=main..HEAD") == (
            "`--changed` takes one commit, and `main..HEAD` is a range: name where it starts"
        )

    def test_no_commit(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """A repository that has just been made."""
        monkeypatch.chdir(tmp_path)
        git("init", "--quiet")
        assert self.refusal("--changed") == (
            "the repository has no commit yet, so nothing has changed since: leave `--changed` out"
        )

    def test_a_repository_of_somebody_else(self, shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """Git does not trust it, as in many a container; the sentence says which setting does."""
        monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
        monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
        monkeypatch.setenv("GIT_CONFIG_SYSTEM", os.devnull)
        assert self.refusal("--changed") == (
            "git trusts no repository that belongs to somebody else, as in containers: run"
            f" `git config --global --add safe.directory {shop}`"
        )

    def test_a_path_in_its_place(self, shop: Path) -> None:
        """`--changed src` means something else than it looks like."""
        assert self.refusal("--changed", "old.py") == (
            "`--changed` takes `old.py` for the base: write `--changed=BASE`, or put the paths before it"
        )

    def test_shallow_clone(
        self, shop: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A clone that does not reach back to where the branch began says so, and how to mend it."""
        for number in range(3):
            (shop / "x.py").write_text(f"x = {number}\n")
            commit()
        clone = tmp_path_factory.mktemp("clone")
        git("clone", "--quiet", "--depth", "1", "--no-single-branch", f"file://{shop}", str(clone))
        monkeypatch.chdir(clone)
        assert self.refusal("--changed=origin/main") == (
            "this clone is shallow and does not reach back to where the branch left `origin/main`: run `git fetch"
            " --unshallow`, and in CI clone without a depth (`fetch-depth: 0`, `GIT_DEPTH: 0`)"
        )

    def test_shallow_clone_without_a_base(
        self, shop: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A clone of one commit has nothing to compare with, and does not pass as if nothing had changed."""
        (shop / "more.py").write_text("x = 1\n")
        commit()
        clone = tmp_path_factory.mktemp("clone")
        git("clone", "--quiet", "--depth", "1", f"file://{shop}", str(clone))
        monkeypatch.chdir(clone)
        assert self.refusal("--changed") == (
            "this clone is shallow and holds nothing before `origin/HEAD`: in CI clone without a depth"
            " (`fetch-depth: 0`, `GIT_DEPTH: 0`)"
        )

    def test_shallow_clone_of_two_commits(
        self, shop: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Where there is a commit before the last, it can be the base."""
        (shop / "more.py").write_text("x = 1\n")
        commit()
        clone = tmp_path_factory.mktemp("clone")
        git("clone", "--quiet", "--depth", "2", f"file://{shop}", str(clone))
        monkeypatch.chdir(clone)
        assert "name the base, as in `--changed=HEAD~1`" in self.refusal("--changed")
        assert check("--changed=HEAD~1").exception is None


@pytest.fixture
def library(shop: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A submodule of the repository, at `libs/pay`, with an old finding; it came with `main`."""
    origin = tmp_path_factory.mktemp("library")
    git("init", "--quiet", "--initial-branch=main", str(origin))
    (origin / "old.py").write_text((shop / "old.py").read_text())
    git("add", "--all", folder=origin)
    git("commit", "--quiet", "--message", "Start", folder=origin)
    git("checkout", "--quiet", "main")
    git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", f"file://{origin}", "libs/pay")
    commit("Take the library in")
    git("checkout", "--quiet", "-b", "bump")
    return shop / "libs/pay"


class TestSubmodules:
    """What a change takes in of another repository counts as well."""

    def test_committed_uncommitted_and_new(self, library: Path) -> None:
        """Findings in lines that differ from the commit that the base has the submodule at, and no others."""
        assert found("--changed=main") == []
        body = (library / "old.py").read_text()
        (library / "old.py").write_text(body + TIMED.format(name="third"))
        git("commit", "--quiet", "--all", "--message", "Add", folder=library)
        assert found("--changed=main") == ["third"]
        commit("Bump")
        (library / "fresh.py").write_text(body + TIMED.format(name="third"))
        assert found("--changed=main") == ["one", "two", "third", "third"]

    def test_one_that_is_new(self, library: Path) -> None:
        """All of it was changed, as its files were not there before."""
        assert found("--changed=main~1") == found("libs/pay") == ["one", "two"]

    def test_one_that_is_not_checked_out(self, library: Path) -> None:
        """It holds nothing to find."""
        git("submodule", "--quiet", "deinit", "--force", "libs/pay")
        assert found("--changed=main") == []

    def test_one_without_the_commit(self, library: Path) -> None:
        """A shallow submodule says what it lacks, and does not pass as if nothing had changed."""
        was = git("rev-parse", "HEAD", folder=library).strip()
        git("checkout", "--quiet", "--orphan", "other", folder=library)
        git("commit", "--quiet", "--message", "Anew", folder=library)
        git("branch", "--quiet", "-D", "main", folder=library)
        git("remote", "remove", "origin", folder=library)
        git("reflog", "expire", "--expire=all", "--all", folder=library)
        git("gc", "--quiet", "--prune=now", folder=library)
        done = check("--changed=main")
        assert isinstance(done.exception, UsageError)
        assert str(done.exception).startswith(f"the submodule `libs/pay` does not hold the commit {was[:12]}")


@settings(deadline=None)
@given(before=LINES, after=LINES, at=st.integers(0, 7))
def test_what_fixes_write_is_part_of_the_change(before: list[bytes], after: list[bytes], at: int) -> None:
    """A line that was changed and kept is still changed after fixes, and nothing that was untouched becomes so."""
    ranges = ((at + 1, at + 1),) if at < len(before) else ()
    new = moved(ranges, b"".join(before), b"".join(after))
    marked = {line for start, end in new for line in range(start, end + 1)}
    if before == after:
        assert marked == {start for start, _ in ranges}
    for line, text in enumerate(after, start=1):
        if line not in marked:
            assert text in before
