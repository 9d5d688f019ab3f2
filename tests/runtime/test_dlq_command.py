"""`python -m golden_runtime dlq`, as the person on call meets it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from golden_runtime import TaskQueue
from golden_runtime.dlq_command import main

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture
def dlq(store: str, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """Run a command on a store with three dead letters; gives its exit status and what it wrote."""
    with TaskQueue(store).sync as queue:
        for index, error in enumerate([KeyError("one"), ValueError("two \x1b[31m"), KeyError("three")]):
            queue.enqueue("charge", {"order": index}, idempotency_key=f"k{index}")
            task = queue.get_next_task()
            assert task is not None
            queue.mark_failed(task, error, attempts=index + 1)

    def run(*arguments: str) -> tuple[int, str, str]:
        status = main(["dlq", *arguments, "--url", store])
        written = capsys.readouterr()
        return status, written.out, written.err

    return run


def parsed(output: str) -> Any:
    """Return what `--json` printed."""
    return json.loads(output)


def test_listing_shows_the_newest_first(dlq: Callable[..., tuple[int, str, str]]) -> None:
    """A table with id, age, task, phase, tries and error; where there is more, how to see it."""
    status, output, _ = dlq("list", "--limit", "2")
    lines = output.splitlines()
    assert status == 0
    assert lines[0].split() == ["ID", "FAILED", "TASK", "PHASE", "TRIES", "ERROR"]
    assert "KeyError: 'three'" in lines[1]
    assert "2 of 3; the next page: --before 2" in lines[-1]
    assert "'one'" in dlq("list", "--before", "2")[1]


def test_listing_as_json_gives_whole_entries(dlq: Callable[..., tuple[int, str, str]]) -> None:
    """Scripts get every field, times as text too."""
    entries = parsed(dlq("list", "--json", "--error-type", "KeyError")[1])
    assert [entry["payload"] for entry in entries] == [{"order": 2}, {"order": 0}]
    assert {"task_id", "traceback", "history", "failed", "enqueued", "idempotency_key"} <= set(entries[0])


def test_showing_gives_all_there_is(dlq: Callable[..., tuple[int, str, str]]) -> None:
    """Payload, error and counts; what a message holds cannot steer the terminal."""
    status, output, _ = dlq("show", "2")
    assert status == 0
    assert '"order": 1' in output
    assert "ValueError: two \\x1b[31m" in output
    assert "attempts  2" in output
    assert "\x1b" not in output


def test_showing_what_is_not_there(dlq: Callable[..., tuple[int, str, str]]) -> None:
    """Exit status 1 and a sentence."""
    assert dlq("show", "99") == (1, "", "error: queue `default` has no dead letter 99\n")


def test_replaying_some(dlq: Callable[..., tuple[int, str, str]], store: str) -> None:
    """By id, by condition, or a dry run that changes nothing; and it says how many."""
    assert dlq("replay", "--name", "charge", "--dry-run")[1] == "3 dead letters would be replayed\n"
    assert dlq("replay", "1")[1] == "1 dead letter replayed\n"
    assert parsed(dlq("replay", "--search", "two", "--json")[1])["replayed"] == 1
    with TaskQueue(store).sync as queue:
        assert [task.payload for task in queue.get_next_tasks(9)] == [{"order": 0}, {"order": 1}]


def test_replaying_all_is_asked_for(dlq: Callable[..., tuple[int, str, str]]) -> None:
    """Without ids or conditions nothing happens but a question; `--all` means it, at a rate if wanted."""
    status, _, complaint = dlq("replay")
    assert (status, complaint) == (
        2,
        "error: which dead letters? give ids, a condition such as --name, or --all\n",
    )
    assert dlq("replay", "--all", "--rate", "5")[1] == "3 dead letters replayed, 5 a second\n"
    assert dlq("list")[1] == "no dead letters in queue `default`\n"


def test_replaying_what_is_not_there_replays_nothing(dlq: Callable[..., tuple[int, str, str]]) -> None:
    """One wrong id among others stops the command before it changes anything."""
    status, _, complaint = dlq("replay", "1", "77")
    assert (status, "no dead letter 77; nothing was replayed" in complaint) == (1, True)
    assert len(parsed(dlq("list", "--json")[1])) == 3


@pytest.mark.parametrize("also", [["--error-type", "TimeoutError"], ["--all"], ["--limit", "1"]])
def test_ids_and_conditions_exclude_each_other(dlq: Callable[..., tuple[int, str, str]], also: list[str]) -> None:
    """Neither is dropped in silence."""
    status, _, complaint = dlq("replay", "2", *also)
    assert (status, "not both" in complaint) == (2, True)
    assert len(parsed(dlq("list", "--json")[1])) == 3


def test_purging_the_old(dlq: Callable[..., tuple[int, str, str]]) -> None:
    """Only what is older than the age, and only what matches."""
    assert dlq("purge", "--older-than", "1h")[1] == "0 dead letters deleted\n"
    assert dlq("purge", "--older-than", "0s", "--dry-run")[1] == "3 dead letters would be deleted\n"
    assert dlq("purge", "--older-than", "0s", "--error-type", "KeyError")[1] == "2 dead letters deleted\n"
    assert [entry["id"] for entry in parsed(dlq("list", "--json")[1])] == [2]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["list"], "which store? give `--url`"),
        (["list", "--url", "nowhere.db"], "there is no file `nowhere.db`"),
        (["list", "--url", "mysql://host"], "`mysql://` is not a storage"),
    ],
)
def test_an_unusable_store_is_a_sentence(
    arguments: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit status 2, no traceback, and no file made."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GOLDEN_RUNTIME_URL", raising=False)
    assert main(["dlq", *arguments]) == 2
    assert said in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_looking_at_somebody_elses_database_leaves_it_alone(
    tmp_path: Path, postgres_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A mistyped path or URL that exists is refused, without a table or a changed mode in it."""
    other = tmp_path / "other.db"
    with sqlite3.connect(other) as connection:
        connection.execute("CREATE TABLE mine (id)")
    before = other.read_bytes()
    for url in (str(other), postgres_url):
        assert main(["dlq", "list", "--url", url]) == 2
        assert "has no task queue in it" in capsys.readouterr().err
    assert other.read_bytes() == before


def test_a_number_beyond_all_ids_is_no_traceback(dlq: Callable[..., tuple[int, str, str]]) -> None:
    """It is told in a sentence, like any other number that is not there."""
    status, _, said = dlq("show", str(2**70))
    assert (status, said.startswith("error: id")) == (2, True)


@pytest.mark.parametrize("arguments", [["purge", "--older-than", "3x"], ["show", "x"], ["nonsense"], []])
def test_wrong_usage_is_told_apart(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """Exit status 2 with the usage."""
    with pytest.raises(SystemExit) as ended:
        main(["dlq", *arguments])
    assert ended.value.code == 2
    assert "usage: python -m golden_runtime" in capsys.readouterr().err


def test_the_module_runs_as_a_program(sqlite_path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """`python -m golden_runtime` with the URL in the environment, where no process list shows its password."""
    with TaskQueue(sqlite_path).sync as queue:
        queue.dead_letters.add_entry("n", None, "no")
    monkeypatch.setenv("GOLDEN_RUNTIME_URL", sqlite_path)
    done = subprocess.run(
        [sys.executable, "-m", "golden_runtime", "dlq", "list"], capture_output=True, text=True, check=True
    )
    assert "Failure: no" in done.stdout


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only where there is a device that is full")
@pytest.mark.parametrize(("redirected", "said"), [(">/dev/full", "cannot be written"), (">&-", "is closed")])
def test_an_output_that_takes_nothing_is_a_sentence(sqlite_path: str, redirected: str, said: str) -> None:
    """No traceback, and no status that means something else."""
    with TaskQueue(sqlite_path).sync as queue:
        queue.dead_letters.add_entry("n", None, "broken")
    command = f'"{sys.executable}" -m golden_runtime dlq list --url "{sqlite_path}" {redirected}'
    done = subprocess.run(["/bin/sh", "-c", command], capture_output=True, text=True, check=False)
    assert (done.returncode, said in done.stderr, "Traceback" in done.stderr) == (2, True, False)


@pytest.mark.skipif(sys.platform == "win32", reason="rights are given otherwise there")
@pytest.mark.parametrize("is_in_use", [False, True])
def test_who_may_only_look_can_look(tmp_path: Path, *, is_in_use: bool) -> None:
    """On a file and in a folder that others own, `list` shows what is there, leaves nothing behind, and `replay` says no."""
    folder = Path(tempfile.mkdtemp(dir="/tmp")) if os.geteuid() == 0 else tmp_path
    store = folder / "tasks.db"
    queue = TaskQueue(store).sync
    queue.dead_letters.add_entry("charge", None, "broken")
    if not is_in_use:
        queue.close()
    before = sorted(folder.iterdir())
    for path in before:
        path.chmod(0o444)
    folder.chmod(0o555)
    try:
        assert "Failure: broken" in _looking("list", store)
        assert "phase     execute" in _looking("show", store, "1")
        assert f"error: `{store}` is read-only" in _looking("replay", store, "1")
        assert sorted(folder.iterdir()) == before
    finally:
        folder.chmod(0o755)
        queue.close()
        if folder != tmp_path:
            shutil.rmtree(folder)


@pytest.mark.skipif(sys.platform == "win32", reason="signals are sent otherwise there")
def test_ctrl_c_ends_a_command_in_a_sentence(postgres_url: str) -> None:
    """A store that somebody has locked is what one gives up waiting for."""
    with TaskQueue(postgres_url).sync as queue:
        queue.dead_letters.add_entry("charge", None, "broken")
    with psycopg.connect(postgres_url) as other, psycopg.connect(postgres_url, autocommit=True) as looking:
        other.execute("LOCK TABLE golden_runtime_dead_letters")
        # what starts the tests in the background may have told them to ignore SIGINT, and children inherit that
        listening = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"
        program = f"{listening}; import runpy; runpy.run_module('golden_runtime', run_name='__main__')"
        command = [sys.executable, "-c", program, "dlq", "list", "--url", postgres_url]
        running = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        waits = "SELECT 1 FROM pg_locks WHERE relation = 'golden_runtime_dead_letters'::regclass AND NOT granted"
        while not looking.execute(waits).fetchall():
            assert running.poll() is None
        running.send_signal(signal.SIGINT)
        output, complaint = running.communicate(timeout=60)
    assert (running.returncode, output) == (130, "")
    assert complaint == "error: interrupted, perhaps half way: `list` shows how it stands\n"


@pytest.mark.skipif(sys.platform == "win32", reason="rights are given otherwise there")
def test_a_log_that_a_crash_left_is_not_passed_over(tmp_path: Path) -> None:
    """Who may not take it in is told so, not shown what was true before it."""
    folder = Path(tempfile.mkdtemp(dir="/tmp")) if os.geteuid() == 0 else tmp_path
    copy = folder / "copy.db"
    with TaskQueue(folder / "tasks.db").sync as queue:
        queue.dead_letters.add_entry("charge", None, "broken")
        # as they are after a crash, on another machine
        for suffix in ("", "-wal"):
            shutil.copy(f"{folder / 'tasks.db'}{suffix}", f"{copy}{suffix}")
    folder.chmod(0o555)
    try:
        assert "`copy.db-wal`, that a process which died has left" in _looking("list", copy)
    finally:
        folder.chmod(0o755)
        if folder != tmp_path:
            shutil.rmtree(folder)


def _looking(command: str, store: Path, *more: str) -> str:
    """Run a command as somebody who owns nothing, where the tests are run by one who owns all, and return what it wrote."""
    script = """
        import os, sys
        import asyncio, golden_runtime.dlq_command, golden_runtime.storage.sqlite
        if os.geteuid() == 0:
            os.setgroups([]), os.setgid(65534), os.setuid(65534)
        sys.exit(golden_runtime.dlq_command.main(sys.argv[1:]))
    """
    command_line = [sys.executable, "-c", textwrap.dedent(script), "dlq", command, *more, "--url", str(store)]
    done = subprocess.run(command_line, capture_output=True, text=True, check=False, timeout=60)
    assert "Traceback" not in done.stderr
    return done.stdout + done.stderr
