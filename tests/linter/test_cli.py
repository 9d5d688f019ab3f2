"""The command `golden-rules`, run as a user runs it."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
from pathlib import Path

import pytest

CRITICAL = "# golden-rules: critical\ndef total(order):\n    return order.sum\n"
FIXED = (
    "from golden_runtime import track_request\n\n\n# golden-rules: critical\n"
    '@track_request("shop.total")\ndef total(order):\n    return order.sum\n'
)
UNSAFE = (
    "import logging\nimport time\n\n\ndef load(rows):\n    start = time.perf_counter_ns()\n    rows.load()\n"
    '    logging.info("took %d", time.perf_counter_ns() - start)\n'
)
BROKEN = "def total(:\n    pass\n"


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A working directory with a file that has one finding, and one that has none."""
    (tmp_path / "shop.py").write_text(CRITICAL)
    (tmp_path / "clean.py").write_text("x = 1\n")
    return tmp_path


def run(folder: Path, *arguments: str, stdin: bytes = b"", **variables: str) -> subprocess.CompletedProcess[str]:
    """Run the command in a folder."""
    environment = {**{key: value for key, value in os.environ.items() if "COLOR" not in key}, **variables}
    command = [sys.executable, "-m", "golden_rules", *arguments]
    done = subprocess.run(command, cwd=folder, input=stdin, capture_output=True, env=environment, check=False)
    out, err = (stream.decode("utf-8", "surrogateescape") for stream in (done.stdout, done.stderr))
    assert "Traceback" not in err
    return subprocess.CompletedProcess(command, done.returncode, out, err)


class TestCheck:
    """What `check` prints, writes and exits with."""

    def test_findings_with_their_frame(self, shop: Path) -> None:
        """A finding shows its place, the line, carets, the remedy; the status is 1."""
        done = run(shop, "check")
        assert done.returncode == 1
        assert done.stdout == (
            "shop.py:2:5: GR105 nothing measures `total`: a comment names it critical\n"
            "  |\n"
            "2 | def total(order):\n"
            "  |     ^^^^^\n"
            '  = help: add `@track_request("shop.total")`  [fix]\n'
            "\n"
            "1 finding in 1 of 2 files; 1 can be fixed with `--fix`.\n"
        )
        assert done.stderr == ""

    def test_clean(self, shop: Path) -> None:
        """Nothing found is status 0."""
        done = run(shop, "check", "clean.py")
        assert (done.returncode, done.stdout, done.stderr) == (0, "No findings in 1 file.\n", "")

    def test_concise(self, shop: Path) -> None:
        """One line for each finding."""
        done = run(shop, "check", "--format", "concise")
        assert done.stdout.splitlines()[0] == (
            "shop.py:2:5: GR105 nothing measures `total`: a comment names it critical  [fix]"
        )

    def test_json(self, shop: Path) -> None:
        """The document has the keys that other programs rely on, and no others in a finding."""
        document = json.loads(run(shop, "check", "--format", "json").stdout)
        assert set(document) == {"version", "findings", "summary"}
        assert document["version"] == 1
        assert document["findings"] == [
            {
                "code": "GR105",
                "name": "unmeasured-required",
                "message": "nothing measures `total`: a comment names it critical",
                "path": "shop.py",
                "line": 2,
                "column": 5,
                "end_line": 2,
                "end_column": 10,
                "function": "total",
                "severity": "error",
                "remedy": 'add `@track_request("shop.total")`',
                "fix": {"safety": "safe", "description": 'add @track_request("shop.total")'},
            }
        ]
        assert {"files": 2, "findings": 1, "fixable": 1}.items() <= document["summary"].items()

    def test_json_without_findings_or_fix(self, shop: Path) -> None:
        """An empty list, and `null` where there is no fix."""
        (shop / "broken.py").write_text(BROKEN)
        clean = json.loads(run(shop, "check", "clean.py", "--format", "json").stdout)
        broken = json.loads(run(shop, "check", "broken.py", "--format", "json").stdout)
        assert clean["findings"] == []
        assert broken["findings"][0]["fix"] is None

    def test_paths_are_shown_from_the_working_directory(self, shop: Path) -> None:
        """Above, below and beside: what is printed can be opened."""
        (shop / "deep").mkdir()
        done = run(shop / "deep", "check", "..", "--format", "json")
        assert json.loads(done.stdout)["findings"][0]["path"] == "../shop.py"

    def test_statistics(self, shop: Path) -> None:
        """The number of findings by rule takes the place of the findings."""
        (shop / "more.py").write_text(CRITICAL)
        done = run(shop, "check", "--statistics")
        assert done.returncode == 1
        assert done.stdout.splitlines()[0] == "2  GR105  unmeasured-required  [2 fixable]"
        assert "shop.py" not in done.stdout

    def test_exit_non_zero_on_fix(self, shop: Path) -> None:
        """A hook that fixes can be told to stop a commit for it; what only would be fixed counts too, what is clean does not."""
        option = "--exit-non-zero-on-fix"
        assert run(shop, "check", "--fix", option, "--diff").returncode == 1
        assert run(shop, "check", "--fix", option, "--exit-zero").returncode == 1
        assert run(shop, "check", "--fix", option).returncode == 0

    def test_exit_zero(self, shop: Path) -> None:
        """Findings are shown, and the status is 0; trouble stays trouble."""
        assert run(shop, "check", "--exit-zero").returncode == 0
        (shop / "gone.py").symlink_to("nowhere")
        assert run(shop, "check", "--exit-zero").returncode == 2

    def test_select_and_ignore(self, shop: Path) -> None:
        """Codes, prefixes and names, with commas; the last word is the more specific one's."""
        for arguments in (["--select", "GR2"], ["--ignore", "GR105"], ["--ignore", "GR2, unmeasured-required"]):
            assert run(shop, "check", *arguments).returncode == 0
        for arguments in (["--select", "GR105"], ["--select", "unmeasured-required,GR2"], ["--ignore", "GR9"]):
            assert run(shop, "check", *arguments).returncode == 1
        assert run(shop, "check", "--select", "GR105", "--ignore", "GR1").returncode == 1

    def test_syntax_error_shows_whatever_is_selected(self, shop: Path) -> None:
        """A file that could not be looked at is not clean, unless its error is ignored on purpose."""
        (shop / "broken.py").write_text(BROKEN)
        done = run(shop, "check", "broken.py", "--select", "GR201", "--format", "concise")
        assert done.stdout.startswith("broken.py:1:11: GR900 this file cannot be parsed: ")
        assert done.returncode == 1
        assert run(shop, "check", "broken.py", "--ignore", "GR900").returncode == 0

    def test_broken_file_does_not_end_the_run(self, shop: Path) -> None:
        """The others are checked all the same, in order of their names."""
        (shop / "broken.py").write_text(BROKEN)
        (shop / "gone.py").symlink_to("nowhere")
        done = run(shop, "check", "--format", "concise")
        assert [line.split(":")[0] for line in done.stdout.splitlines()[:2]] == ["broken.py", "shop.py"]
        assert done.stderr == "error: `gone.py` cannot be read: it is a link to nothing\n"
        assert done.returncode == 2

    def test_bug_in_a_rule_does_not_end_the_run(self, shop: Path) -> None:
        """An internal error is one sentence that says where, status 2, and the other files are checked."""
        program = (
            "import sys\nfrom golden_rules.rules.unmeasured.required import UnmeasuredRequired as Rule\n"
            "check = Rule.check\n"
            "def broken(self, subject):\n"
            "    if subject.path == 'a.py': raise ZeroDivisionError('no!')\n"
            "    return check(self, subject)\n"
            "Rule.check = broken\n"
            "from golden_rules.cli import main\nmain(['check', '--format', 'concise'])\n"
        )
        (shop / "a.py").write_text(CRITICAL)
        done = subprocess.run([sys.executable, "-c", program], cwd=shop, capture_output=True, text=True, check=False)
        assert done.returncode == 2
        assert done.stderr == (
            "error: `a.py` could not be checked (ZeroDivisionError: no! in <string>:5); please report this\n"
        )
        assert done.stdout.startswith("shop.py:2:5: GR105")


class TestFix:
    """What `--fix`, `--unsafe-fixes` and `--diff` write."""

    def test_fix(self, shop: Path) -> None:
        """Safe fixes are written; when nothing is left, the status is 0, and again on a second run."""
        done = run(shop, "check", "--fix")
        assert done.returncode == 0
        assert done.stdout == "fixed 1 in shop.py (GR105)\nNo findings left in 2 files.\n"
        assert (shop / "shop.py").read_text() == FIXED
        assert run(shop, "check", "--fix").stdout == "No findings in 2 files.\n"
        assert (shop / "shop.py").read_text() == FIXED

    def test_fix_leaves_what_it_cannot_mend(self, shop: Path) -> None:
        """Findings that are left keep the status 1."""
        (shop / "broken.py").write_text(BROKEN)
        assert run(shop, "check", "--fix").returncode == 1
        assert (shop / "broken.py").read_text() == BROKEN

    def test_unsafe_fixes(self, shop: Path) -> None:
        """They are applied only where they are asked for."""
        (shop / "shop.py").write_text(UNSAFE)
        first = run(shop, "check", "--fix")
        assert first.returncode == 1
        assert "1 with `--fix --unsafe-fixes`" in first.stdout
        assert (shop / "shop.py").read_text() == UNSAFE
        assert run(shop, "check", "--fix", "--unsafe-fixes").returncode == 0
        assert '@timed("shop.load.duration")\ndef load(rows):\n    rows.load()\n' in (shop / "shop.py").read_text()

    def test_diff(self, shop: Path) -> None:
        """A diff that `patch` takes on standard output, the rest on standard error, and no file changed."""
        done = run(shop, "check", "--diff")
        assert done.returncode == 1
        assert (shop / "shop.py").read_text() == CRITICAL
        assert "would fix 1 in shop.py" in done.stderr
        subprocess.run(["patch", "-p1", "--quiet"], input=done.stdout, cwd=shop, text=True, check=True)
        assert (shop / "shop.py").read_text() == FIXED

    @pytest.mark.parametrize(
        "code", ["\x0c\n" + CRITICAL, CRITICAL[:-1], CRITICAL.replace("\n", "\r\n"), "é=1\n" + CRITICAL]
    )
    def test_diff_of_odd_lines(self, shop: Path, code: str) -> None:
        """Form feeds, CRLF, a last line without its end: the diff leads to what `--fix` writes."""
        (shop / "shop.py").write_bytes(code.encode())
        done = run(shop, "check", "--diff", "shop.py")
        command = ["patch", "-p1", "--quiet", "--binary", "-o", "patched"]
        subprocess.run(command, input=done.stdout.encode(), cwd=shop, check=True)
        run(shop, "check", "--fix", "shop.py")
        assert (shop / "patched").read_bytes() == (shop / "shop.py").read_bytes() != code.encode()

    def test_clean_diff(self, shop: Path) -> None:
        """Nothing to change is an empty diff and status 0."""
        done = run(shop, "check", "--diff", "clean.py")
        assert (done.returncode, done.stdout) == (0, "")

    def test_runtime_module(self, shop: Path) -> None:
        """The import comes from the module that is named."""
        run(shop, "check", "--fix", "--runtime-module", "app.runtime")
        assert (shop / "shop.py").read_text().startswith("from app.runtime import track_request\n")

    def test_withheld_fixes(self, shop: Path) -> None:
        """Without the runtime among the dependencies nothing is fixed, and one sentence says what to do."""
        (shop / "pyproject.toml").write_text("[project]\nname = 'shop'\ndependencies = ['httpx']\n")
        done = run(shop, "check", "--fix")
        assert (shop / "shop.py").read_text() == CRITICAL
        assert "1 fix withheld: `pyproject.toml` does not declare golden-runtime" in done.stdout
        run(shop, "check", "--fix", "--runtime-module", "golden_runtime")
        assert (shop / "shop.py").read_text() == FIXED

    def test_read_only_file(self, shop: Path) -> None:
        """What may not be written is left as it was; the others are fixed."""
        (shop / "other").mkdir()
        (shop / "other/b.py").write_text(CRITICAL)
        (shop / "shop.py").chmod(0o444)
        done = run(shop, "check", "--fix")
        if os.geteuid() == 0:  # root may write everything
            assert done.returncode == 0
        else:
            assert done.returncode == 2
            assert done.stderr == "error: `shop.py` cannot be written: permission denied; it was left as it was\n"
            assert (shop / "shop.py").read_text() == CRITICAL
        assert "@track_request" in (shop / "other/b.py").read_text()
        assert (shop / "shop.py").stat().st_mode & 0o777 == 0o444

    @pytest.mark.parametrize("standard_input", [False, True], ids=["file", "standard input"])
    def test_fix_that_fails(self, shop: Path, standard_input: bool) -> None:
        """What was found is still there, and is told, as no fix was made."""
        text = "# coding: latin-1\n" + CRITICAL
        (shop / "old.py").write_text(text)
        paths = ["-", "--stdin-filename", "old.py"] if standard_input else ["old.py"]
        done = run(shop, "check", "--diff", "--runtime-module", "\u0448\u043e\u043f", *paths, stdin=text.encode())
        assert done.returncode == 2
        error, *_, found = done.stderr.splitlines()
        assert error.startswith(
            "error: `old.py` was left as it was: the fixes of GR105 cannot be written in iso-8859-1"
        )
        assert found.startswith("1 finding in 1 of 1 file")

    def test_nothing_is_known(self, shop: Path) -> None:
        """A file that cannot be read is not one without findings."""
        (shop / "gone.py").symlink_to("nowhere")
        assert run(shop, "check", "gone.py").stdout == "1 file could not be checked.\n"
        done = run(shop, "check", "gone.py", "clean.py")
        assert done.stdout == "No findings in 1 file.\n1 more file could not be checked.\n"


class TestStandardInput:
    """`-` and `--stdin-filename`."""

    def test_is_checked_under_its_name(self, shop: Path) -> None:
        """The name decides the path shown, the configuration and the metric names."""
        done = run(shop, "check", "--stdin-filename", "src/app/x.py", "--format", "concise", stdin=CRITICAL.encode())
        assert done.stdout.startswith("src/app/x.py:2:5: GR105")
        assert done.returncode == 1

    def test_fix_writes_the_content_to_standard_output(self, shop: Path) -> None:
        """The file, fixed or not, and nothing else; messages go to standard error."""
        done = run(shop, "check", "-", "--fix", "--stdin-filename", "shop.py", stdin=CRITICAL.encode())
        assert done.stdout == FIXED
        assert "fixed 1 in shop.py (GR105)" in done.stderr
        broken = run(shop, "check", "--fix", "-", stdin=BROKEN.encode())
        assert broken.stdout == BROKEN
        assert broken.returncode == 1

    def test_diff(self, shop: Path) -> None:
        """The diff of what came in."""
        done = run(shop, "check", "--diff", "-", stdin=CRITICAL.encode())
        assert done.stdout.startswith("diff --git a/stdin.py b/stdin.py\n--- a/stdin.py\n+++ b/stdin.py\n@@ ")

    @pytest.mark.parametrize(("forced", "content", "status"), [(["--force-exclude"], CRITICAL, 0), ([], FIXED, 0)])
    def test_an_excluded_file_is_left_out_where_that_is_forced(
        self, shop: Path, forced: list[str], content: str, status: int
    ) -> None:
        """As if it had been named: an editor may ask about whatever is open, and gets its content back."""
        done = run(shop, "check", "-", "--fix", "--stdin-filename", "build/shop.py", *forced, stdin=CRITICAL.encode())
        assert (done.stdout.replace("build.", ""), done.returncode) == (content, status)

    @pytest.mark.parametrize("stdin", [b"", b"\xff\xfe", b"\0", b"\xef\xbb\xbf", b"# coding: punycode\nx\n"])
    def test_any_bytes(self, shop: Path, stdin: bytes) -> None:
        """Whatever comes in, an answer comes out."""
        assert run(shop, "check", "-", stdin=stdin).returncode in {0, 1}


class TestMistakes:
    """Every mistake is one sentence on standard error, with status 2."""

    @pytest.mark.parametrize(
        ("arguments", "sentence"),
        [
            (["check", "nowhere"], "error: `nowhere` does not exist"),
            (["check", "shop.py/x"], "error: `shop.py/x` does not exist"),
            (["check", ""], "error: an empty path was given: name a file or a folder"),
            (["check", "--select", "GR999"], "error: unknown rule `GR999` in `--select`"),
            (["check", "--ignore", "hand-timd"], "did you mean `hand-timed`?"),
            (["check", "--select", " , "], "error: `--select` names no rule"),
            (["check", "-", "shop.py"], "error: `-` reads standard input"),
            (["check", "--stdin-filename", "x.py", "shop.py"], "error: `--stdin-filename` goes with standard input"),
            (["check", "--runtime-module", "my-app"], "error: `--runtime-module` takes the name of a module"),
            (["check", "--format", "yaml"], "error: invalid value for '--format': 'yaml' is not one of"),
            (["check", "--jobs", "0"], "see `python -m golden_rules check --help`"),
            (["check", "--fxi"], "error: no such option '--fxi'"),
            (["chekc"], "did you mean `check`"),
            (["explain", "GR999"], "error: there is no rule `GR999`"),
            (["explain", "hand-timd"], "did you mean `hand-timed`?"),
            (["explain"], "error: missing argument 'CODE'; see `python -m golden_rules explain --help`"),
            (["completion"], "choose from: bash, zsh, fish"),
        ],
    )
    def test_of_the_command_line(self, shop: Path, arguments: list[str], sentence: str) -> None:
        """What is wrong, where, and what to do."""
        done = run(shop, *arguments)
        assert done.returncode == 2
        assert done.stdout == ""
        assert done.stderr.count("\n") == 1
        # Releases of click differ in capitals, and in `No such option: --fxi`.
        assert sentence.lower() in done.stderr.lower().replace("option: --fxi", "option '--fxi'")

    @pytest.mark.parametrize("arguments", [["check"], ["coverage"], ["metrics"], ["dashboard"], ["init", "--yes"]])
    def test_of_the_working_directory(self, tmp_path: Path, arguments: list[str]) -> None:
        """Somebody else may have deleted it."""
        program = (
            "import os, sys\nos.mkdir('gone')\nos.chdir('gone')\nos.rmdir('../gone')\n"
            f"from golden_rules.cli import main\nmain({arguments!r})\n"
        )
        done = subprocess.run(
            [sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert done.returncode == 2
        assert done.stderr == "error: the working directory does not exist any more: change to one that does\n"

    @pytest.mark.parametrize(
        ("text", "sentence"),
        [
            (
                "[tool.golden-rules]\nselct = []\n",
                "unknown key `selct` in [tool.golden-rules] of pyproject.toml (line 2)",
            ),
            ("[tool.golden-rules]\nselect = ['GR999']\n", "unknown rule `GR999` in `select` of pyproject.toml"),
            ("[tool.golden-rules\n", "`pyproject.toml` (line 1"),
        ],
    )
    def test_of_the_configuration(self, shop: Path, text: str, sentence: str) -> None:
        """The key, the file and the line are named, and no file is touched."""
        (shop / "pyproject.toml").write_text(text)
        done = run(shop, "check", "--fix")
        assert done.returncode == 2
        assert sentence in done.stderr
        assert done.stderr.count("\n") == 1
        assert (shop / "shop.py").read_text() == CRITICAL

    def test_bug_outside_the_files(self, shop: Path) -> None:
        """An internal error has status 2, not the 1 that means findings."""
        program = (
            "import golden_rules.documentation as d\n"
            "def rules_table(rules): raise RuntimeError('no!')\n"
            "d.rules_table = rules_table\nfrom golden_rules.cli import main\nmain(['rules'])\n"
        )
        done = subprocess.run([sys.executable, "-c", program], cwd=shop, capture_output=True, text=True, check=False)
        assert done.returncode == 2
        assert done.stderr == "error: golden-rules failed (RuntimeError: no! in <string>:2); please report this\n"


class TestTerminal:
    """Colours, interrupts and closed pipes."""

    def test_no_colour_in_a_pipe(self, shop: Path) -> None:
        """Programs that read the output see text."""
        assert "\x1b" not in run(shop, "check").stdout

    def test_colour_can_be_forced(self, shop: Path) -> None:
        """`FORCE_COLOR` colours a pipe, as in CI logs; `NO_COLOR` prevails."""
        assert "\x1b[1;31mGR105\x1b[0m" in run(shop, "check", FORCE_COLOR="1").stdout
        assert "\x1b" not in run(shop, "check", FORCE_COLOR="1", NO_COLOR="1").stdout

    @pytest.mark.parametrize("no_color", [False, True])
    def test_colour_on_a_terminal(self, shop: Path, no_color: bool) -> None:
        """A terminal gets colours, unless `NO_COLOR` is set."""
        shown = on_terminal(shop, {"NO_COLOR": "1"} if no_color else {})
        assert ("\x1b[1;31mGR105\x1b[0m" in shown) is not no_color
        assert "GR105" in shown

    def test_closed_pipe(self, shop: Path) -> None:
        """A reader that has seen enough is no error worth a word."""
        (shop / "many.py").write_text("".join(CRITICAL.replace("total", f"total{n}") for n in range(700)))
        process = subprocess.Popen(
            [sys.executable, "-m", "golden_rules", "check"], cwd=shop, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        assert process.stdout is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr is not None
        assert process.stderr.read() == b""
        process.stderr.close()
        assert process.wait() == 1

    def test_interrupt(self, shop: Path) -> None:
        """Ctrl-C ends it with status 130 and no traceback."""
        # What starts the tests in the background may have told them to ignore SIGINT, and children inherit that.
        listening = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"
        process = subprocess.Popen(
            [sys.executable, "-c", f"{listening}; from golden_rules.cli import main; main()", "check", "-"],
            cwd=shop,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        assert process.stdin is not None
        # More than a pipe holds: when it is written, the command is reading, and waits for the rest.
        process.stdin.write(b"#" * 4_000_000)
        process.stdin.flush()
        process.send_signal(signal.SIGINT)
        _, err = process.communicate()
        assert process.returncode == 130
        assert b"Traceback" not in err

    @pytest.mark.parametrize("output_format", ["text", "concise"])
    def test_nothing_in_a_file_steers_the_terminal(self, shop: Path, output_format: str) -> None:
        """Neither its name nor its lines: control characters are shown as pictures, under carets that still fit."""
        name = "sh\x1b[2Jop.py"
        (shop / name).write_text(
            "# golden-rules: critical\ndef total(order, a='\x1b]0;\x07\u202e'): return order.sum\n"
        )
        done = run(shop, "check", name, "--format", output_format)
        assert done.stdout.startswith("sh␛[2Jop.py:2:5: GR105")
        assert not set("\x1b\x07\u202e") & set(done.stdout)
        if output_format == "text":
            assert "def total(order, a='␛]0;␇�'): return" in done.stdout
        assert run(shop, "check", "no\x1b[2J").stderr == "error: `no␛[2J` does not exist\n"
        assert "in sh␛[2Jop.py (GR105)" in run(shop, "check", name, "--fix").stdout

    def test_odd_names_and_lines(self, shop: Path) -> None:
        """A terminal that knows ASCII alone, and a file name that is no UTF-8, are shown with escapes."""
        odd = os.fsencode(shop) + b"/\xff.py"
        try:
            Path(os.fsdecode(odd)).write_text("# golden-rules: critical\ndef größe(): return 'é'\n")
        except OSError:  # a file system that takes UTF-8 alone
            pytest.skip("the file system takes no such name")
        done = run(shop, "check", PYTHONIOENCODING="ascii", PYTHONUTF8="0")
        assert done.returncode == 1
        assert r"\udcff.py:2:5: GR105" in done.stdout
        assert json.loads(run(shop, "check", "--format", "json").stdout)["summary"]["findings"] == 2


def on_terminal(folder: Path, variables: dict[str, str]) -> str:
    """Run `check` on a pseudo-terminal and return what it shows."""
    environment = {**{key: value for key, value in os.environ.items() if "COLOR" not in key}, **variables}
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "golden_rules", "check"]
    with subprocess.Popen(command, cwd=folder, stdout=theirs, stderr=theirs, env=environment):
        os.close(theirs)
        shown = b""
        while True:
            try:
                chunk = os.read(ours, 4096)
            except OSError:  # the other end is closed
                break
            if not chunk:
                break
            shown += chunk
    os.close(ours)
    return shown.decode()


class TestOtherCommands:
    """`explain`, `rules`, `--version`, `--help`."""

    def test_explain(self, tmp_path: Path) -> None:
        """A code or a name, in any case, shows the rule's page."""
        page = run(tmp_path, "explain", "gr201").stdout
        assert page.startswith("# hand-timed (GR201)\n")
        assert "## What it does" in page
        assert "Use instead:" in page
        assert run(tmp_path, "explain", "Hand-Timed").stdout == page

    def test_rules(self, tmp_path: Path) -> None:
        """Every rule is listed, as text and as JSON."""
        listed = json.loads(run(tmp_path, "rules", "--format", "json").stdout)
        assert {"code": "GR105", "name": "unmeasured-required", "fix": "safe"}.items() <= listed[4].items()
        lines = run(tmp_path, "rules").stdout.splitlines()
        assert [line.split()[0] for line in lines] == [rule["code"] for rule in listed]

    @pytest.mark.parametrize("arguments", [["--version"], ["--help"], ["-h"], ["check", "--help"]])
    def test_help_and_version(self, tmp_path: Path, arguments: list[str]) -> None:
        """They answer on standard output with status 0."""
        done = run(tmp_path, *arguments)
        assert done.returncode == 0
        assert "golden-rules" in done.stdout or "Usage" in done.stdout

    def test_no_command(self, tmp_path: Path) -> None:
        """The help, and the status of a mistake."""
        done = run(tmp_path)
        assert done.returncode == 2
        assert "Usage:" in done.stdout + done.stderr
