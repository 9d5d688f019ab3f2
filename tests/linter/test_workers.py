"""Work that processes share: the same answers in the same order, whatever happens to one of them."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from golden_rules.progress import Progress

# Large enough to be shared among processes, together with the others.
FILLING = f"# {'-' * 77}\n" * 100
CRITICAL = "# golden-rules: critical\ndef total(order):\n    return order.sum\n"
# Runs the command with a rule that does `deed` when it comes to `f05.py`.
PROGRAM = """
import os, signal, sys, threading
from golden_rules.rules.unmeasured.required import UnmeasuredRequired as Rule
import golden_rules.workers

check = Rule.check

def changed(self, subject):
    if subject.path in {deadly}:
        {deed}
    return check(self, subject)

Rule.check = changed
from golden_rules.cli import main

if __name__ == "__main__":
    {before}
    main(["check", "--format", "concise", "--no-cache", *sys.argv[1:]])
"""


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of forty files with a finding each, a broken one, and a link to nothing."""
    folder = tmp_path_factory.mktemp("tree")
    (folder / "golden-rules.toml").write_text("")
    for number in range(40):
        (folder / f"f{number:02}.py").write_text(CRITICAL + FILLING * (1 + number % 3))
    (folder / "broken.py").write_text("def total(:\n")
    (folder / "gone.py").symlink_to("nowhere")
    return folder


def run(
    tree: Path, *arguments: str, deed: str = "pass", deadly: tuple[str, ...] = ("f05.py",), before: str = "pass"
) -> subprocess.CompletedProcess[str]:
    """Run the command on the tree; the deed is done where the deadly files are checked."""
    command = [sys.executable, "-c", PROGRAM.format(deed=deed, deadly=deadly, before=before), *arguments]
    return subprocess.run(command, cwd=tree, capture_output=True, text=True, check=False)


class TestSharedWork:
    """What comes out does not depend on who did the work."""

    def test_number_of_processes(self, tree: Path) -> None:
        """One, two, or many: the same output in the same order, on both streams."""
        alone, *shared = (run(tree, "--jobs", jobs) for jobs in ("1", "2", "7"))
        # A line for each finding, their number, and that of the files that could not be checked.
        assert len(alone.stdout.splitlines()) == 43
        assert alone.returncode == 2
        for done in shared:
            assert (done.returncode, done.stdout, done.stderr) == (alone.returncode, alone.stdout, alone.stderr)

    def test_processes_are_used(self, tree: Path) -> None:
        """With several jobs the work is done elsewhere; with one, and for little work, here."""
        tell = "open('.pid', 'w').write(str(os.getpid() == parent))"
        for arguments, here in (
            (("--jobs", "2"), "False"),
            (("--jobs", "1"), "True"),
            (("--jobs", "2", "f05.py"), "True"),
        ):
            run(tree, *arguments, deed=tell, before="parent = os.getpid()")
            assert (tree / ".pid").read_text() == here
            (tree / ".pid").unlink()

    def test_beside_threads(self, tree: Path) -> None:
        """A process with threads is not forked, and the answer is the same."""
        before = (
            "golden_rules.workers._SPAWN_PAYS = 1; threading.Thread(target=threading.Event().wait, daemon=True).start()"
        )
        expected = run(tree, "--jobs", "1")
        done = run(tree, "--jobs", "2", before=before)
        assert (done.returncode, done.stdout, done.stderr) == (expected.returncode, expected.stdout, expected.stderr)

    def test_fixes(self, tree: Path) -> None:
        """What would be fixed is the same too."""
        alone, shared = (run(tree, "--diff", "--jobs", jobs) for jobs in ("1", "3"))
        assert "+@track_request" in alone.stdout
        assert (shared.stdout, shared.stderr) == (alone.stdout, alone.stderr)

    @pytest.mark.parametrize(
        ("deed", "end"),
        [
            ("os.kill(os.getpid(), signal.SIGKILL)", "SIGKILL"),
            ("os.kill(os.getpid(), signal.SIGSEGV)", "SIGSEGV"),
            ("os._exit(3)", "exit status 3"),
        ],
    )
    def test_worker_that_dies(self, tree: Path, deed: str, end: str) -> None:
        """It is told with the file that it held, and every other file is checked."""
        expected = run(tree, "--jobs", "1")
        done = run(tree, "--jobs", "2", deed=deed)
        failure = f"error: `f05.py` ended the process that checked it ({end}); please report this\n"
        assert done.returncode == 2
        assert done.stderr == failure + expected.stderr
        lost = [line for line in expected.stdout.splitlines()[:-2] if line not in done.stdout]
        assert [line.split(":")[0] for line in lost] == ["f05.py"]

    def test_workers_that_die_side_by_side(self, tree: Path) -> None:
        """Each file that ends a worker is told, and none of those that the worker had done before or would have done next."""
        deadly = ("f05.py", "f06.py", "f08.py")
        done = run(tree, "--jobs", "2", deed="os._exit(3)", deadly=deadly)
        told = [line for line in done.stderr.splitlines() if "ended the process" in line]
        assert sorted(line.split("`")[1] for line in told) == [*deadly]
        found = {line.split(":")[0] for line in done.stdout.splitlines()[:-2]}
        assert found == {f"f{number:02}.py" for number in range(40)} - {*deadly} | {"broken.py"}

    @pytest.mark.parametrize("jobs", ["1", "2"])
    def test_interrupted(self, tree: Path, jobs: str) -> None:
        """Ctrl-C ends the run at once, with status 130 and nothing more said, and leaves no process behind."""
        ready, blocked = os.pipe()
        deed = f"os.write({blocked}, b'x'); threading.Event().wait()"
        # What starts the tests in the background may have told them to ignore SIGINT, and children inherit that.
        before = "signal.signal(signal.SIGINT, signal.default_int_handler)"
        command = [sys.executable, "-c", PROGRAM.format(deed=deed, deadly=("f05.py",), before=before), "--jobs", jobs]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        running = subprocess.Popen(command, cwd=tree, pass_fds=[blocked], start_new_session=True, **pipes)
        os.close(blocked)
        assert os.read(ready, 1) == b"x"
        os.killpg(running.pid, signal.SIGINT)
        out, err = running.communicate()
        # click ends the line that the terminal shows `^C` on.
        assert (running.returncode, out, err) == (130, b"", b"\n")
        # The pipe ends when the last process that holds it does.
        assert os.read(ready, 1) == b""
        os.close(ready)


class _Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


class TestProgress:
    """What a long run says of itself."""

    def test_terminal(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """After a second it says how many files are done and how long the rest takes; in the end it is gone."""
        monkeypatch.setenv("TERM", "xterm")
        seconds = iter([0.0, 0.5, 2.0, 2.05, 4.0])
        terminal = _Terminal()
        progress = Progress(terminal, lambda: next(seconds))
        progress.start(8, 800)
        for size in (100, 100, 100, 100):
            progress.step(size)
        progress.end()
        shown = [text for text in terminal.getvalue().split("\r") if text]
        assert [text.strip() for text in shown] == ["2 of 8 files, 6 s left", "4 of 8 files, 4 s left", ""]
        assert terminal.getvalue().endswith(" \r")

    def test_short_run(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """What is over within a second says nothing."""
        monkeypatch.setenv("TERM", "xterm")
        terminal = _Terminal()
        progress = Progress(terminal, lambda: 0.0)
        progress.start(1, 1)
        progress.step(1)
        progress.end()
        assert terminal.getvalue() == ""

    @pytest.mark.parametrize("term", ["dumb", "xterm"])
    def test_elsewhere(self, monkeypatch: pytest.MonkeyPatch, term: str) -> None:
        """A pipe, and a terminal that cannot take a line back, get nothing."""
        monkeypatch.setenv("TERM", term)
        stream = io.StringIO() if term == "xterm" else _Terminal()
        seconds = iter(range(0, 100, 10))
        progress = Progress(stream, lambda: next(seconds))
        progress.start(2, 2)
        progress.step(1)
        progress.end()
        assert stream.getvalue() == ""
