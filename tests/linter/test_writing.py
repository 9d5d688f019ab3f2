"""Replacing files: all of a fix or nothing, whatever else happens to the file."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from golden_rules.writing import UnwritableFile, replace_file

CRITICAL = "# golden-rules: critical\ndef total(order):\n    return order.sum\n"


def entries(folder: Path) -> list[str]:
    """Return the names in a folder: a failed or finished write leaves no file of its own behind."""
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("mode", [0o600, 0o644, 0o755, 0o640])
def test_mode_is_kept(tmp_path: Path, mode: int) -> None:
    """A script stays executable, a private file private."""
    file = tmp_path / "run.py"
    file.write_bytes(b"before")
    file.chmod(mode)
    replace_file(file, b"after")
    assert (file.read_bytes(), file.stat().st_mode & 0o777, entries(tmp_path)) == (b"after", mode, ["run.py"])


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give a file to somebody else")
def test_owner_is_kept(tmp_path: Path) -> None:
    """What root fixes in somebody's checkout stays theirs."""
    file = tmp_path / "run.py"
    file.write_bytes(b"before")
    os.chown(file, 12_345, 23_456)
    replace_file(file, b"after")
    assert (file.stat().st_uid, file.stat().st_gid) == (12_345, 23_456)


def test_links_are_followed(tmp_path: Path) -> None:
    """The file behind a link is replaced, and the link stays one."""
    (tmp_path / "real").mkdir()
    file = tmp_path / "real" / "a.py"
    file.write_bytes(b"before")
    link = tmp_path / "link.py"
    link.symlink_to(Path("real") / "a.py")
    replace_file(link, b"after")
    assert link.is_symlink()
    assert file.read_bytes() == b"after"


def test_failed_write_leaves_the_file(tmp_path: Path) -> None:
    """When the disk is full the old file is there, whole, and nothing else."""
    file = tmp_path / "a.py"
    file.write_bytes(b"before")
    script = (
        "import resource, signal, sys; from pathlib import Path; from golden_rules.writing import replace_file\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
        "replace_file(Path(sys.argv[1]), b'x' * 100_000)\n"
    )
    done = subprocess.run([sys.executable, "-c", script, file], capture_output=True, text=True, check=False)
    assert "UnwritableFile" in done.stderr
    assert "it was left as it was" in done.stderr
    assert (file.read_bytes(), entries(tmp_path)) == (b"before", ["a.py"])


def test_interrupted_write_leaves_the_file(tmp_path: Path) -> None:
    """Ctrl-C in the middle leaves the old file, and nothing else."""
    file = tmp_path / "a.py"
    file.write_bytes(b"before")
    script = (
        "import os, sys; from pathlib import Path; from golden_rules import writing\n"
        "def interrupted(descriptor): raise KeyboardInterrupt\n"
        "os.fsync = interrupted\n"
        "writing.replace_file(Path(sys.argv[1]), b'after')\n"
    )
    done = subprocess.run([sys.executable, "-c", script, file], capture_output=True, text=True, check=False)
    assert "KeyboardInterrupt" in done.stderr
    assert (file.read_bytes(), entries(tmp_path)) == (b"before", ["a.py"])


def test_changed_file_is_not_overwritten(tmp_path: Path) -> None:
    """What an editor saved while the file was being fixed is not lost."""
    file = tmp_path / "a.py"
    file.write_bytes(b"saved meanwhile")
    with pytest.raises(UnwritableFile, match="changed while it was being fixed: run the command again"):
        replace_file(file, b"after", before=b"before")
    assert (file.read_bytes(), entries(tmp_path)) == (b"saved meanwhile", ["a.py"])


def test_several_processes_at_once_do_no_harm(tmp_path: Path) -> None:
    """However many runs fix the same files at once, each file is fixed once, and none is torn."""
    names = [f"m{number}.py" for number in range(12)]
    for name in names:
        (tmp_path / name).write_text(CRITICAL)
    command = [sys.executable, "-m", "golden_rules", "check", "--fix", "--no-cache"]
    runs = [subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE) for _ in range(3)]
    for run in runs:
        _, errors = run.communicate(timeout=100)
        # A run that another was faster than says so, and may be run again.
        assert all(b"changed while it was being fixed" in line for line in errors.splitlines()), errors
    assert entries(tmp_path) == sorted(names)
    for name in names:
        text = (tmp_path / name).read_text()
        assert text.count("@track_request") == 1
        assert text.endswith(CRITICAL.partition("\n")[2])
