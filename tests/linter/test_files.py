"""Discovery: which files a run looks at, in which order, and what it says of those it cannot read."""

from __future__ import annotations

import os
import pickle
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from golden_rules.config import Configs
from golden_rules.errors import UsageError
from golden_rules.files import SourceFile, UnreadableFile, discover, read_source

if TYPE_CHECKING:
    from collections.abc import Iterator


def plant(*names: str) -> None:
    """Make empty files below the working directory."""
    for name in names:
        path = Path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def found(*paths: str) -> list[str]:
    """Return what the paths stand for, as shown to the user."""
    return [file.display for file in discover(paths, Configs())]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working directory."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def repository(here: Path) -> Path:
    """A working directory that is an empty git repository."""
    git("init", "-q")
    return here


def git(*arguments: str, text: str = "") -> str:
    """Run git without the user's own settings, and return what it prints."""
    environment = {"PATH": os.environ["PATH"], "HOME": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    done = subprocess.run(["git", *arguments], input=text, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode in {0, 1}, done.stderr
    return done.stdout


class TestFolders:
    """What a named folder stands for."""

    def test_python_files_sorted(self, here: Path) -> None:
        """All `.py` files below, hidden folders too, in the order of their names, and nothing else."""
        plant("b.py", "a/z.py", "a/b/c.py", ".github/tool.py", "a.pyi", "notes.txt", "py")
        assert found(".") == [".github/tool.py", "a/b/c.py", "a/z.py", "b.py"]

    def test_paths_for_every_use(self, here: Path) -> None:
        """A file carries the path to open it by, the one to show, and the one its configuration sees."""
        plant("svc/pkg/a.py")
        Path("svc/golden-rules.toml").write_text("app = 'svc'")
        [file] = discover(["svc/pkg"], Configs())
        assert (file.path, file.display, file.relative) == (Path("svc/pkg/a.py"), "svc/pkg/a.py", "pkg/a.py")
        assert file.config.app == "svc"
        assert pickle.loads(pickle.dumps(file)) == file  # noqa: S301 - pickled on this line

    def test_each_folder_has_its_nearest_configuration(self, here: Path) -> None:
        """A nested configuration rules its folder, excludes included."""
        plant("a/gen/x.py", "b/gen/x.py")
        Path("golden-rules.toml").write_text("extend-exclude = ['gen']")
        Path("b/golden-rules.toml").write_text("app = 'b'")
        assert found(".") == ["b/gen/x.py"]

    def test_paths_outside_the_working_directory(self, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """They are shown from the working directory, and can be opened from it."""
        plant("lib/a.py", "app/b.py")
        monkeypatch.chdir("app")
        files = discover(["../lib", str(here / "app")], Configs())
        assert [file.display for file in files] == ["../lib/a.py", "b.py"]
        assert [read_source(file.path) for file in files] == [b"", b""]

    def test_folder_named_like_a_file_is_a_folder(self, here: Path) -> None:
        """A folder called x.py is entered, not read."""
        plant("x.py/y.py")
        assert found(".") == found("x.py") == ["x.py/y.py"]

    def test_deep_trees(self, here: Path) -> None:
        """A tree deeper than Python's stack is no trouble."""
        deep = "/".join(["d"] * 1200)
        subprocess.run(["mkdir", "-p", deep], check=True)  # Python's own ways to do it recurse
        plant(f"{deep}/a.py")
        try:
            assert found(".") == found(f"{deep}/a.py") == [f"{deep}/a.py"]
        finally:
            subprocess.run(["rm", "-r", "d"], check=True)  # pytest's own clean-up recurses

    @pytest.mark.skipif(sys.platform == "darwin", reason="the file system demands UTF-8")
    def test_names_that_are_no_utf8(self, here: Path) -> None:
        """A file of any name can be found, shown and read."""
        name = os.fsdecode(b"caf\xe9.py")
        Path(name).write_bytes(b"x = 1\n")
        for paths in ([name], ["."]):
            [file] = discover(paths, Configs())
            assert (file.display, read_source(file.path)) == (name, b"x = 1\n")


class TestNamedFiles:
    """What a named file stands for."""

    def test_taken_whatever_its_name_and_place(self, repository: Path) -> None:
        """Neither its suffix nor excludes nor ignore files keep out what the user names."""
        plant("build/a.py", "tool", "ignored.py")
        Path(".gitignore").write_text("ignored.py\n")
        assert found(".") == []
        assert found("build/a.py", "tool", "ignored.py") == ["build/a.py", "ignored.py", "tool"]

    def test_named_folder_is_entered_though_excluded(self, repository: Path) -> None:
        """`check build` looks into build, as ruff does; what is excluded inside stays out."""
        plant("build/a.py", "build/dist/b.py", "x/ignored/c.py")
        Path(".gitignore").write_text("ignored/\n")
        assert found("build", "x/ignored") == ["build/a.py", "x/ignored/c.py"]

    def test_each_file_once(self, here: Path) -> None:
        """However many paths lead to a file, it is looked at once."""
        plant("a/b.py")
        assert found("a/b.py", ".", "a", "./a/b.py", str(here / "a"), "a/../a/b.py") == ["a/b.py"]

    @pytest.mark.parametrize("path", ["nope.py", "nope/", "a.py/b.py", "a\0.py"])
    def test_missing_path_is_an_error(self, here: Path, path: str) -> None:
        """A typing mistake never passes for a clean run."""
        plant("a.py")
        with pytest.raises(UsageError) as caught:
            found("a.py", path)
        assert str(caught.value) == f"`{path}` does not exist"

    def test_empty_path_is_an_error(self, here: Path) -> None:
        """An unset shell variable does not mean the working directory."""
        with pytest.raises(UsageError, match="an empty path was given"):
            found("")

    @pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
    def test_pipes(self, here: Path) -> None:
        """A pipe, whose reading would never end, is refused where named and passed over where found."""
        os.mkfifo("pipe.py")
        assert found(".") == []
        with pytest.raises(UsageError, match=r"`pipe\.py` is neither a file nor a folder"):
            found("pipe.py")

    def test_working_directory_that_is_gone(self, here: Path) -> None:
        """Even then there is a sentence, not a traceback."""
        Path("gone").mkdir()
        os.chdir("gone")
        Path("../gone").resolve().rmdir()
        with pytest.raises(UsageError, match="working directory does not exist"):
            found(".")
        with pytest.raises(UsageError, match="working directory does not exist"):
            Configs().for_path(Path("a.py"))


class TestLinks:
    """Symbolic links: the file itself is preferred, and no loop is entered."""

    def test_linked_file_counts_once_as_itself(self, here: Path) -> None:
        """Whatever the names and the order, the real path is shown."""
        plant("z/real.py")
        Path("a.py").symlink_to("z/real.py")
        assert found(".") == found("a.py", "z/real.py") == ["z/real.py"]
        assert found("a.py") == ["a.py"]

    def test_linked_folder_is_entered_only_where_named(self, here: Path) -> None:
        """Walking follows no link to a folder, not even one called x.py."""
        plant("outside/a.py", "src/b.py")
        Path("src/link").symlink_to("../outside")
        Path("src/x.py").symlink_to("../outside")
        assert found("src") == ["src/b.py"]
        assert found("src/link") == ["src/link/a.py"]
        assert found("src/link", "outside", "src/link/a.py") == ["outside/a.py"]

    def test_loops_end(self, here: Path) -> None:
        """A folder that holds itself is walked once, a link to itself is reported at reading."""
        plant("a/b.py")
        Path("a/again").symlink_to("../a")
        Path("self.py").symlink_to("self.py")
        assert found(".", "a/again", "a/again/again") == ["a/b.py", "self.py"]
        with pytest.raises(UnreadableFile, match=r"`self\.py` cannot be read: too many levels"):
            read_source(Path("self.py"))

    @pytest.mark.parametrize("path", [".", "dangling.py"])
    def test_dangling_link_is_reported_at_reading(self, here: Path, path: str) -> None:
        """It is found like any file, so that the run goes on after a sentence about it."""
        Path("dangling.py").symlink_to("nothing.py")
        [file] = discover([path], Configs())
        with pytest.raises(UnreadableFile) as caught:
            read_source(file.path)
        assert str(caught.value) == "`dangling.py` cannot be read: it is a link to nothing"
        assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)  # noqa: S301 - pickled here

    def test_parent_of_a_link_is_the_real_one(self, here: Path) -> None:
        """`link/../x.py` is what the system opens, not what the letters say."""
        plant("far/away/inner/a.py", "far/away/x.py", "x.py")
        Path("link").symlink_to("far/away/inner")
        assert found("link/../x.py") == ["far/away/x.py"]


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="needs permissions of files")
class TestPermissions:
    """What may not be read is reported, and the run goes on."""

    @pytest.fixture
    def locked(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
        """A folder that may not be listed and a file that may not be read, seen without root's rights."""
        with tempfile.TemporaryDirectory() as folder:
            monkeypatch.chdir(folder)
            plant("locked/a.py", "secret.py", "open.py")
            modes = {Path(folder): 0o755, Path("locked"): 0, Path("secret.py"): 0}
            for path, mode in modes.items():
                path.chmod(mode)
            user = os.geteuid()
            if user == 0:
                os.seteuid(65534)
            yield
            os.seteuid(user)
            Path("locked").chmod(0o755)
            monkeypatch.undo()

    def test_reported_at_reading(self, locked: None) -> None:
        """Both are among the files, and reading says what is wrong in one sentence."""
        files = {file.display: file for file in discover(["."], Configs())}
        assert sorted(files) == ["locked", "open.py", "secret.py"]
        for name in ("locked", "secret.py"):
            with pytest.raises(UnreadableFile) as caught:
                read_source(files[name].path)
            assert str(caught.value) == f"`{name}` cannot be read: permission denied"

    def test_named_file_in_a_closed_folder(self, locked: None) -> None:
        """It cannot be told whether it exists; reading says why."""
        [file] = discover(["locked/a.py"], Configs())
        with pytest.raises(UnreadableFile, match=r"`locked/a\.py` cannot be read: permission denied"):
            read_source(file.path)


class TestExcludes:
    """`exclude` and `extend-exclude` mean what they mean to ruff."""

    TREE = (
        "src/a.py",
        "src/sub/b.py",
        "tests/t.py",
        "x/tests/t.py",
        "x/gen/c.py",
        "gen.py",
        "foo_1.py",
        "x/foo_2.py",
    )

    @pytest.mark.parametrize(
        "patterns",
        [
            ["tests"],
            ["src/*.py"],
            ["tests/*"],
            ["x/tests"],
            ["**/tests"],
            ["**/tests/*.py", "x/{gen,other}"],
            ["foo_*.py"],
            ["gen"],
            ["./src"],
            ["gen/"],
            ["x/**/c.py"],
            ["[sx]*/sub"],
            ["s?c/a.py", "te[!a]ts"],
            ["**"],
        ],
    )
    @pytest.mark.parametrize("key", ["exclude", "extend-exclude"])
    def test_as_ruff(self, here: Path, key: str, patterns: list[str]) -> None:
        """Over one tree, ruff and discovery leave out the same files."""
        ruff = shutil.which("ruff", path=Path(sys.executable).parent) or shutil.which("ruff")
        if ruff is None:
            pytest.skip("ruff is not installed")
        plant(*self.TREE, ".venv/lib/a.py", "node_modules/m/a.py")
        written = str(patterns).replace("'", '"')
        Path("ruff.toml").write_text(f"{key} = {written}\n")
        Path("golden-rules.toml").write_text(f"{key} = {written}\n")
        shown = subprocess.run([ruff, "check", "--show-files"], capture_output=True, text=True, check=True).stdout
        expected = [str(Path(line).relative_to(here)) for line in shown.splitlines() if line.endswith(".py")]
        assert found(".") == sorted(expected)

    def test_defaults(self, here: Path) -> None:
        """Environments, caches and builds are left out at any depth."""
        plant("a.py", "sub/.venv/a.py", "build/a.py", "sub/node_modules/a.py", ".git/hooks/a.py", ".tox/py/a.py")
        assert found(".") == ["a.py"]

    def test_excluded_folders_are_not_entered(self, here: Path) -> None:
        """A broken configuration in an excluded folder cannot disturb a run."""
        plant("a.py", "venv/b.py")
        Path("venv/golden-rules.toml").write_text("nonsense")
        assert found(".") == ["a.py"]


NAMES = ["a", "b", "ab", "a.py", "b.py"]
TREE = [
    *(
        "a.py",
        "b.py",
        "a/a.py",
        "a/b.py",
        "b/a.py",
        "a/a/a.py",
        "a/a/b.py",
        "a/b/a.py",
        "ab/a.py",
        "ab/a/b.py",
    ),
    *("a/ab/b.py", "b/b/b.py", "ab/b/a.py", " a.py", "a!.py", "#a.py", "a/[a].py", "b /a.py"),
]
PIECES = [
    "a",
    "b",
    "ab",
    "*",
    "**",
    "***",
    "/",
    "?",
    "[ab]",
    "[!a]",
    "[^b-]",
    "[]a]",
    "[a-",
    "[[:alpha:]]",
    "[b-a]",
]
LINES = st.builds(
    "".join,
    st.tuples(
        st.sampled_from(["", "", "!", "/", "\\", "#", " "]),
        st.lists(
            st.sampled_from([*PIECES, ".py", "a.py", "\\a", "\\*", "\\", " ", "\r", "/**/", "**/"]),
            max_size=4,
        ).map("".join),
        st.sampled_from(["", "", "/", " ", "\\ "]),
    ),
)


class TestIgnoreFiles:
    """Ignore files mean what they mean to git."""

    def ignored(self) -> None:
        """Assert that discovery leaves out what git ignores."""
        everything = [str(path) for path in Path().rglob("*.py") if path.is_file()]
        # names are separated by zero bytes, and not quoted
        output = git("check-ignore", "--no-index", "-z", "--stdin", text="\0".join(everything))
        ignored = set(output.split("\0"))
        assert found(".") == sorted(name for name in everything if name not in ignored)

    @pytest.mark.parametrize(
        "files",
        [
            {".gitignore": "a/\n"},
            {".gitignore": "/a.py\n*.py\n!b.py\n"},
            {".gitignore": "a/**\n!a/b.py\n"},
            {".gitignore": "a/*\n!a/a/\n"},
            {".gitignore": "*.py\n", "a/.gitignore": "!a.py\n", "a/a/.gitignore": "a.py\n"},
            {"a/.gitignore": "/a.py\nb/\n", "ab/.gitignore": "*\n!a/\n"},
            {".git/info/exclude": "a.py\n", ".gitignore": "!/a/a.py\n"},
            {".gitignore": "\ufeffa\n"},
            {".gitignore": "a.py   \r\nb\\ \r\n\r\n#a.py\n\\#a.py\n"},
            {".gitignore": "a!.py\n\\!x\n"},
            {".gitignore": "b.py", "b/.gitignore": "[a"},
            {".gitignore": "a**/b.py\n"},
            {".gitignore": "/a[!x]a.py\nb?a.py\na/a[^x]a.py"},
        ],
    )
    def test_as_git(self, repository: Path, files: dict[str, str]) -> None:
        """Nesting, negation, anchors, odd lines, the repository's own exclude file."""
        plant(*TREE)
        for name, text in files.items():
            Path(name).parent.mkdir(parents=True, exist_ok=True)
            Path(name).write_text(text, newline="")
        self.ignored()

    @settings(
        deadline=None,
        max_examples=150,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    )
    @given(outer=st.lists(LINES, min_size=1, max_size=4), inner=st.lists(LINES, max_size=2))
    def test_any_patterns_as_git(self, repository: Path, outer: list[str], inner: list[str]) -> None:
        """Whatever the lines of two nested ignore files, git and discovery agree."""
        plant(*TREE)
        Path(".gitignore").write_text("\n".join(outer), newline="")
        Path("a/.gitignore").write_text("\n".join(inner), newline="")
        self.ignored()

    def test_files_above_the_named_folder_count(self, repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """Patterns hold from the top of the repository, wherever the run starts."""
        plant("src/deep/a.py", "src/deep/b.py")
        Path(".gitignore").write_text("/src/deep/a.py\n")
        assert found("src/deep") == ["src/deep/b.py"]
        monkeypatch.chdir("src/deep")
        assert found(".") == ["b.py"]

    def test_repository_inside_another(self, repository: Path) -> None:
        """A nested repository is ruled by its own files alone, as in git."""
        plant("vendor/lib/a.py", "vendor/lib/b.py", "a.py")
        git("init", "-q", "vendor/lib")
        Path(".gitignore").write_text("a.py\n")
        Path("vendor/lib/.gitignore").write_text("b.py\n")
        assert found(".") == ["vendor/lib/a.py"]

    def test_work_tree_elsewhere(self, repository: Path) -> None:
        """A linked work tree, whose .git is a file, obeys the exclude file of its repository."""
        git("-c", "user.name=x", "-c", "user.email=x@x", "commit", "-q", "--allow-empty", "-m", "x")
        git("worktree", "add", "-q", "tree")
        Path(".git/info/exclude").write_text("a.py\n")
        plant("tree/a.py", "tree/b.py")
        assert found("tree") == ["tree/b.py"]

    def test_outside_a_repository_they_mean_nothing(self, here: Path) -> None:
        """As for git and ruff, a .gitignore needs a repository."""
        plant("a.py")
        Path(".gitignore").write_text("a.py\n")
        assert found(".") == ["a.py"]

    def test_odd_ignore_files(self, repository: Path) -> None:
        """A folder of that name, bytes that are no text: the run goes on."""
        plant("a/.gitignore/x", "a/b.py", "c.py")
        Path(".gitignore").write_bytes(b"\xff\xfe\x00c.py\n[\n\\\n!\n/\n")
        assert found(".") == ["a/b.py", "c.py"]


def test_start_up_stays_light(here: Path) -> None:
    """Finding files loads none of the slow libraries."""
    plant("a.py")
    script = (
        "import sys; from golden_rules.files import discover; from golden_rules.config import Configs;"
        "discover(['.'], Configs()); slow = {'libcst', 'click', 'pathspec', 'importlib.metadata', 'difflib'};"
        "print(slow & set(sys.modules))"
    )
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONPATH": str(root)},
    )
    assert done.stdout == "set()\n"


def test_files_are_plain_data() -> None:
    """A file can be compared and hashed, as caches and process pools need."""
    config = Configs().for_path(Path(__file__))
    file = SourceFile(Path("a.py"), "a.py", "a.py", config)
    assert len({file, SourceFile(Path("a.py"), "a.py", "a.py", config)}) == 1


class TestForcedExcludes:
    """Hooks name every changed file, and mean the project's excludes all the same."""

    def test_named_files_are_left_out_where_that_is_forced(self, here: Path) -> None:
        """By the file's own name, or by that of a folder that holds it."""
        plant("src/a.py", "src/generated/b.py", "src/c_pb2.py")
        Path("golden-rules.toml").write_text('extend-exclude = ["generated", "*_pb2.py"]\n')
        names = ["src/a.py", "src/generated/b.py", "src/c_pb2.py"]
        assert [file.display for file in discover(names, Configs())] == sorted(names)
        assert [file.display for file in discover(names, Configs(), force_exclude=True)] == ["src/a.py"]
