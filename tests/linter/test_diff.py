"""What `--diff` prints can be applied, and leads to what `--fix` writes, byte for byte."""

from __future__ import annotations

import os
import pty
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

CRITICAL = "# golden-rules: critical\ndef total(order):\n    return order.sum\n"
LATIN = "# coding: latin-1\n" + CRITICAL.replace("order.sum", "order['süm']")
GIT = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}


def check(folder: Path, *arguments: str) -> bytes:
    """Run `golden-rules check` in a folder and return its standard output."""
    command = [sys.executable, "-m", "golden_rules", "check", "--no-cache", "--select", "GR105", *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, check=False)
    assert done.returncode in {0, 1}, done.stderr
    return done.stdout


def apply(folder: Path, patch: bytes, *command: str) -> None:
    """Apply a patch in a folder with `git apply`, or another command."""
    done = subprocess.run(command or ("git", "apply"), input=patch, cwd=folder, env=GIT, capture_output=True)
    assert done.returncode == 0, done.stderr.decode() + patch.decode(errors="replace")


def made(root: Path, files: dict[str, bytes], *, git: bool = True) -> Path:
    """Make a folder of files, in a git repository or not."""
    shutil.rmtree(root, ignore_errors=True)
    for name, content in {"pyproject.toml": b"[tool.golden-rules]\n", **files}.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(content)
    if git:
        subprocess.run(["git", "init", "--quiet"], cwd=root, env=GIT, check=True)
    return root


def contents(root: Path) -> dict[str, bytes]:
    """Return what the files of a folder hold."""
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*.py")}


@st.composite
def sources(draw: st.DrawFn) -> bytes:
    """Make a file in any encoding, with any line ends, and with or without the last one."""
    coding = draw(st.sampled_from(["utf-8", "utf-8-sig", "latin-1", "cp1251", "shift_jis", "utf-7"]))
    letters = {"latin-1": "é\xa0ü", "cp1251": "жЖ", "shift_jis": "日本"}.get(coding, "é日\u2028\x85")
    lines = [f"# -*- coding: {coding} -*-"] if coding not in {"utf-8", "utf-8-sig"} or draw(st.booleans()) else []
    pieces = st.sampled_from(
        ["", "\f", f"x = '{letters}'  ", "import os", f"# {letters}", "class A:\n\t# golden-rules: critical\n\tdef one(self):\n\t\treturn 1"]
    )  # fmt: skip
    lines += [*draw(st.lists(pieces, max_size=4)), *CRITICAL.splitlines(), *draw(st.lists(pieces, max_size=4))]
    ends = draw(st.lists(st.sampled_from(["\n", "\r\n", "\r"]), min_size=1, max_size=3))
    text = "".join(line + ends[number % len(ends)] for number, line in enumerate("\n".join(lines).split("\n")))
    return (text.rstrip("\r\n") if draw(st.booleans()) else text).encode(coding)


NAMES = st.sampled_from(
    [
        "a.py",
        "shop/a.py",
        "with space/b c.py",
        "é/日本.py",
        'quo"te.py',
        "back\\slash.py",
        "tab\there.py",
        "a/a.py",
        "-.py",
    ]
)


@settings(max_examples=25, deadline=None)
@given(st.dictionaries(NAMES, sources(), min_size=1, max_size=3), st.sampled_from(["git", "patch"]))
def test_diff_leads_to_what_fix_writes(files: dict[str, bytes], tool: str) -> None:
    """Encodings, byte order marks, line ends, a missing last one, and odd names."""
    with tempfile.TemporaryDirectory() as folder:
        root = made(Path(folder) / "project", files)
        patch = check(root, "--diff")
        assert contents(root) == files
        check(root, "--fix")
        fixed = contents(root)
        assert (fixed != files) == bool(patch)
        made(root, files)
        if patch:
            apply(root, patch, *(() if tool == "git" else ("patch", "-p1", "--binary", "--quiet")))
        assert contents(root) == fixed


SAME_NAMES = ("x.py", "shop/x.py", "shop/shop/x.py", "other/x.py")


@pytest.mark.parametrize("where", ["root", "here", "no git"])
@pytest.mark.parametrize("here", [".", "shop", "shop/shop", "other"])
def test_diff_can_be_applied_wherever_it_was_made(tmp_path: Path, here: str, where: str) -> None:
    """In any folder, whatever paths were named; folders that share a name are no trap.

    `git apply` passes over what is not below the folder it runs in, so that all of a diff goes in at the root.
    """
    files = {name: f"A = {number}\n{CRITICAL}".encode() for number, name in enumerate(SAME_NAMES)}
    root = made(tmp_path / "project", files, git=where != "no git")
    below = [name for name in SAME_NAMES if where == "root" or here == "." or name.startswith(f"{here}/")]
    named = [os.path.relpath(root / name, root / here) for name in below]
    patch = check(root / here, "--diff", *named)
    apply(root if where == "root" else root / here, patch)
    after = contents(root)
    check(made(root, files) / here, "--fix", *named)
    assert after == contents(root) != files


def test_link_is_told_by_the_file_behind_it(tmp_path: Path) -> None:
    """Git does not write through links."""
    root = made(tmp_path / "project", {"real/x.py": CRITICAL.encode()})
    (root / "link.py").symlink_to("real/x.py")
    apply(root, check(root, "--diff", "link.py"))
    assert b"track_request" in (root / "real/x.py").read_bytes()


def test_terminal_shows_text(tmp_path: Path) -> None:
    """Where people read it, letters are letters, whatever the file's encoding."""
    root = made(tmp_path / "project", {"x.py": LATIN.encode("latin-1")})
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "golden_rules", "check", "--no-cache", "--select", "GR105", "--diff"]
    subprocess.run(command, cwd=root, stdout=theirs, stderr=subprocess.DEVNULL, check=False)
    os.close(theirs)
    assert "     return order['süm']" in os.read(ours, 10_000).decode()
    os.close(ours)
    assert "order['süm']".encode("latin-1") in check(root, "--diff")
