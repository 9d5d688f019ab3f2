"""The baseline: what it holds, what it matches, and that it only ever shrinks."""

from __future__ import annotations

import json
import tempfile
from collections import Counter
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from hypothesis import given, settings
from hypothesis import strategies as st

from golden_rules.adoption.baseline import Baseline, Entry, match, read_baseline, rendered
from golden_rules.cli import commands
from golden_rules.errors import UsageError

CHARGE = "import httpx\n\n\nasync def charge(client: httpx.AsyncClient, order):\n    return await client.post('/', json=order)\n"
TIMED = "import logging\nimport time\n\n\ndef {name}(x):\n    start = time.time()\n    x()\n    logging.info('{word} %s', time.time() - start)\n"
ENTRIES = st.lists(
    st.builds(
        Entry,
        path=st.sampled_from(["a.py", "b/a.py", "b/c.py"]),
        code=st.sampled_from(["GR102", "GR201"]),
        function=st.sampled_from(["", "run"]),
        text=st.sampled_from(["", "x = 1"]),
    ),
    max_size=8,
)


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with two findings, in two packages."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "golden-rules.toml").write_text("select = ['GR102', 'GR201']\n")
    for name, text in (("pay/api/charge.py", CHARGE), ("stock/count.py", TIMED.format(name="count", word="took"))):
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def run(*arguments: str) -> Result:
    """Run the command in the working directory."""
    return CliRunner().invoke(commands, arguments, standalone_mode=False)


def found(*arguments: str) -> list[tuple[str, str]]:
    """Return the file and function of each finding that counts."""
    document = json.loads(run("check", "--format", "json", *arguments).stdout)
    return [(finding["path"], finding["function"]) for finding in document["findings"]]


class TestCommand:
    """`golden-rules baseline`, and `check` beside it."""

    def test_it_freezes_what_there_is(self, shop: Path) -> None:
        """Afterwards nothing counts, until `--no-baseline` asks for everything; the summary says how much is frozen."""
        assert len(found()) == 2
        frozen = run("baseline")
        assert frozen.return_value == 0
        assert frozen.stdout.splitlines() == [
            "golden-rules-baseline.json: 2 findings (2 added).",
            "  pay.api      1 of 1 left, 0 % mended",
            "  stock        1 of 1 left, 0 % mended",
        ]
        checked = run("check")
        assert (checked.return_value, checked.stdout) == (0, "No findings in 2 files.\n2 findings in the baseline.\n")
        assert len(found("--no-baseline")) == 2

    def test_lines_move_signatures_change_and_files_are_renamed(self, shop: Path) -> None:
        """None of that makes an old finding new, whichever files are named."""
        run("baseline")
        charge, count = shop / "pay/api/charge.py", shop / "stock/count.py"
        charge.write_text("# moved\n" + CHARGE.replace("order):", "order, *, currency):"))
        count.rename(shop / "stock/counting.py")
        assert found() == []
        assert found("stock/counting.py") == []
        assert run("baseline", "--check").return_value == 0

    def test_a_fix_and_a_new_violation_do_not_cancel_out(self, shop: Path) -> None:
        """The new one counts though there are as many as before, in the same file and of the same rule."""
        run("baseline")
        (shop / "stock/count.py").write_text(TIMED.format(name="recount", word="took"))
        assert found() == [("stock/count.py", "recount")]
        (shop / "stock/count.py").write_text(TIMED.format(name="count", word="needed"))
        assert found() == [("stock/count.py", "count")]

    def test_it_only_shrinks(self, shop: Path) -> None:
        """`--check` fails when it could, a run drops what is mended, and nothing new is taken in."""
        run("baseline")
        (shop / "stock/count.py").write_text("x = 1\n")
        (shop / "pay/new.py").write_text(TIMED.format(name="fresh", word="took"))
        before = (shop / "golden-rules-baseline.json").read_bytes()
        check = run("baseline", "--check")
        assert check.return_value == 1
        assert check.stdout.splitlines() == [
            "stock/count.py: GR201 in `count` is not there any more",
            "`golden-rules-baseline.json` could shrink by 1: run `golden-rules baseline` and commit it.",
        ]
        assert (shop / "golden-rules-baseline.json").read_bytes() == before
        shrunk = run("baseline")
        assert shrunk.stdout.splitlines() == [
            "golden-rules-baseline.json: 1 finding left (1 dropped).",
            "  pay.api      1 of 1 left, 0 % mended",
            "  stock        0 of 1 left, 100 % mended",
            "1 finding is newer than the baseline and stays out: `golden-rules check` shows them.",
        ]
        assert found() == [("pay/new.py", "fresh")]
        assert run("baseline", "--check").return_value == 0

    def test_new_rules_can_be_taken_in(self, shop: Path) -> None:
        """Findings of rules that it does not know yet are frozen on demand; those of rules that it knows are not."""
        run("baseline")
        file = shop / "golden-rules-baseline.json"
        document = json.loads(file.read_text())
        document["rules"].remove("GR102")
        document["findings"] = [entry for entry in document["findings"] if entry["code"] != "GR102"]
        file.write_text(json.dumps(document))
        (shop / "stock/new.py").write_text(TIMED.format(name="fresh", word="took"))
        assert len(found()) == 2
        run("baseline", "--new-rules")
        assert found() == [("stock/new.py", "fresh")]

    def test_a_second_run_changes_nothing(self, shop: Path) -> None:
        """Not a byte."""
        run("baseline")
        before = (shop / "golden-rules-baseline.json").read_bytes()
        assert run("baseline").stdout.startswith("golden-rules-baseline.json: 2 findings left.\n")
        assert (shop / "golden-rules-baseline.json").read_bytes() == before

    def test_teams_of_the_configuration(self, shop: Path) -> None:
        """Where `app` is a table, its names are the groups."""
        (shop / "golden-rules.toml").write_text(
            "select = ['GR102', 'GR201']\n[app]\n'pay' = 'payments team'\n'stock' = 'stock team'\n"
        )
        assert [line.split("  ")[1] for line in run("baseline").stdout.splitlines()[1:]] == [
            "payments team",
            "stock team",
        ]

    def test_configured_elsewhere(self, shop: Path) -> None:
        """The key names the file; its paths start at its own folder."""
        (shop / "ci").mkdir()
        (shop / "golden-rules.toml").write_text("select = ['GR201']\nbaseline = 'ci/old.json'\n")
        run("baseline")
        assert read_baseline(shop / "ci/old.json").entries == Counter(
            [Entry("../stock/count.py", "GR201", "count", "logging.info('took %s', time.time() - start)")]
        )
        assert found() == []

    @pytest.mark.parametrize(
        ("arguments", "sentence"),
        [
            (
                ("check", "--baseline", "gone.json"),
                "the baseline `gone.json` is not there: `golden-rules baseline` makes one",
            ),
            (("check", "--baseline", "golden-rules.toml"), "`golden-rules.toml` is no baseline of golden-rules"),
            (("baseline", "--check"), "the baseline `golden-rules-baseline.json` is not there"),
            (("baseline", "stock/count.py"), "`stock/count.py` is no folder"),
            (("check", "--baseline", "a", "--no-baseline"), "`--baseline` and `--no-baseline` exclude each other"),
        ],
    )
    def test_mistakes(self, shop: Path, arguments: tuple[str, ...], sentence: str) -> None:
        """One sentence each."""
        done = run(*arguments)
        assert isinstance(done.exception, UsageError)
        assert str(done.exception).startswith(sentence)


class TestMatching:
    """What holds for all findings and baselines."""

    @settings(deadline=None)
    @given(frozen=ENTRIES, entries=ENTRIES)
    def test_each_entry_stands_for_one_finding(self, frozen: list[Entry], entries: list[Entry]) -> None:
        """Nothing is matched twice, nothing gets lost, and only files that are gone may change their name."""
        matched = match(Counter(frozen), entries, lambda path: path == "b/c.py")
        assert Counter(matched.known.values()) + matched.left == Counter(frozen)
        for position, entry in matched.known.items():
            assert entry == entries[position] or entry.path == "b/c.py"

    @settings(deadline=None)
    @given(frozen=ENTRIES)
    def test_what_is_frozen_matches_itself(self, frozen: list[Entry]) -> None:
        """In whatever order, and whatever files are gone."""
        matched = match(Counter(frozen), frozen[::-1], lambda _: True)
        assert len(matched.known) == len(frozen)
        assert not matched.left

    @settings(deadline=None)
    @given(frozen=ENTRIES, started=st.dictionaries(st.text(max_size=5), st.integers(0, 9), max_size=3))
    def test_what_is_written_is_read(self, frozen: list[Entry], started: dict[str, int]) -> None:
        """A baseline survives its file."""
        baseline = Baseline(Counter(frozen), frozenset({"GR201"}), started)
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "baseline.json"
            file.write_text(rendered(baseline), encoding="utf-8")
            assert read_baseline(file) == baseline

    def test_a_file_becomes_another_one_whole(self) -> None:
        """Files that share only little with one that is gone are not it."""
        gone = [Entry("old.py", "GR102", name, "") for name in ("a", "b", "c")]
        alike = [Entry("new.py", "GR102", name, "") for name in ("a", "b", "x")]
        other = [Entry("new.py", "GR102", name, "") for name in ("a", "x", "y")]
        assert set(match(Counter(gone), alike, lambda _: True).known) == {0, 1}
        assert not match(Counter(gone), other, lambda _: True).known
        assert not match(Counter(gone), alike, lambda _: False).known
