"""`check --add-ignores`: comments for what is found, which silence it and change nothing else."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from project_folders import check

from golden_rules.errors import UsageError

REASON = "old code, see #12"
SOURCE = '''\
import logging
import time


def plain(x):
    start = time.time()
    x()
    logging.info("took %s", time.time() - start)


# golden-rules: critical
def total(  # noqa: D103
    order,
):
    return order.sum


def text(x):
    start = time.time()
    x()
    logging.info("""took
    %s""" % (time.time() - start))


class Shop:
    # golden-rules: ignore[GR102] -- a probe
    @property
    def joined(self):
        start = time.time()
        logging.info("took \\
            %s", time.time() - start)
'''


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file with findings on lines of all kinds."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "golden-rules.toml").write_text("select = ['GR201', 'GR105']\n")
    (tmp_path / "shop.py").write_bytes(SOURCE.encode().replace(b"\n", b"\r\n"))
    return tmp_path


def test_every_finding_is_ignored_and_no_code_changes(shop: Path) -> None:
    """Comments stand at the ends of lines, or above the function where a line cannot hold one; line ends stay."""
    before = (shop / "shop.py").read_bytes()
    count = check().stdout.splitlines()[-1].split()[0]
    done = check("--add-ignores", "--reason", REASON)
    assert done.stdout == f"Ignored {count} findings in 1 file.\n"
    after = (shop / "shop.py").read_bytes()
    assert ast.dump(ast.parse(after)) == ast.dump(ast.parse(before))
    assert after.count(b"\n") == after.count(b"\r\n")
    assert check().stdout == "No findings in 1 file.\n"
    lines = after.decode().splitlines()
    assert f"def total(  # noqa: D103  # golden-rules: ignore[GR105] -- {REASON}" in lines


def test_a_second_run_adds_nothing(shop: Path) -> None:
    """What is ignored is not found."""
    check("--add-ignores", "--reason", REASON)
    before = (shop / "shop.py").read_bytes()
    assert check("--add-ignores", "--reason", REASON).stdout == "Ignored 0 findings in 0 files.\n"
    assert (shop / "shop.py").read_bytes() == before


def test_new_rules_join_a_comment_that_is_there(shop: Path) -> None:
    """One comment for a line, with the reason that it had."""
    (shop / "shop.py").write_text(
        SOURCE.replace("def total(  # noqa: D103", "def total(  # golden-rules: ignore[GR204] -- why")
    )
    check("--add-ignores", "--reason", REASON)
    assert "def total(  # golden-rules: ignore[GR204, GR105] -- why\n" in (shop / "shop.py").read_text()


def test_what_no_comment_can_ignore_is_left(shop: Path) -> None:
    """A file that does not parse is named, and not touched."""
    (shop / "broken.py").write_text("def broken(:\n")
    done = check("broken.py", "--add-ignores", "--reason", REASON)
    assert done.return_value == 1
    assert done.stderr == "broken.py:1:12: GR900 is left: no comment there can ignore it\n"
    assert (shop / "broken.py").read_text() == "def broken(:\n"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--add-ignores",), '`--add-ignores` needs the reason: write `--add-ignores --reason "..."`'),
        (("--add-ignores", "--reason", " "), '`--add-ignores` needs the reason: write `--add-ignores --reason "..."`'),
        (("--reason", "x"), "`--reason` goes with `--add-ignores`: add it, or leave the reason out"),
        (
            ("--add-ignores", "--reason", "x", "--fix"),
            "`--add-ignores` writes files: leave `--fix`, `--diff` and standard input out",
        ),
        (
            ("--unsafe-fixes",),
            "`--unsafe-fixes` goes with `--fix` or `--diff`, and does nothing by itself: add one of them",
        ),
    ],
)
def test_mistakes(shop: Path, arguments: tuple[str, ...], sentence: str) -> None:
    """One sentence each, before anything is written."""
    before = (shop / "shop.py").read_bytes()
    done = check(*arguments)
    assert isinstance(done.exception, UsageError)
    assert str(done.exception) == sentence
    assert (shop / "shop.py").read_bytes() == before


def test_a_run_without_rules_says_so(shop: Path) -> None:
    """`select = []` looks like a clean run, and is none."""
    (shop / "golden-rules.toml").write_text("select = []\n")
    assert check().stderr == "warning: no rule is on, as `select` is empty; leave it out for all rules\n"
    assert check("--select", "GR201").stderr == ""
