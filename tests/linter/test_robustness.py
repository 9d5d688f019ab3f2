"""No input of any kind ends in a traceback or a dead process, and fixes leave every file sound.

`GOLDEN_RULES_ROBUSTNESS=all` takes every file of the standard library in place of a sample; a path there names
another tree.
"""

from __future__ import annotations

import ast
import os
import random
import shutil
import subprocess
import sys
import sysconfig
import warnings
from codecs import BOM_UTF8
from difflib import SequenceMatcher
from pathlib import Path

import pytest

from golden_rules.config import Config
from golden_rules.engine import analyse_source
from golden_rules.findings import Edit
from golden_rules.fixing import fix_source
from golden_rules.source.edits import apply_fixes, compatible_fixes
from golden_rules.source.outlining import outline
from golden_rules.source.parsing import parse
from golden_rules.source.text import SourceText, UndecodableSource, decode

CHOICE = os.environ.get("GOLDEN_RULES_ROBUSTNESS", "")
ROOT = Path(CHOICE) if CHOICE not in {"", "all"} else Path(sysconfig.get_path("stdlib"))
SHARES = 8
SAMPLE = 12
TIMED = "import time, logging\nasync def run():\n    start = time.time()\n    {}\n    logging.info('%s', time.time() - start)\n"


def share(number: int) -> list[Path]:
    """Return the files of one share of the tree: all of them, or a sample that is always the same."""
    files = sorted(path for path in ROOT.rglob("*.py") if "site-packages" not in path.parts and path.is_file())
    mine = files[number::SHARES]
    return mine if CHOICE else random.Random(number).sample(mine, min(SAMPLE, len(mine)))  # noqa: S311 - no secret


def parses(content: bytes) -> bool:
    """Tell whether the interpreter takes a file."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            ast.parse(content)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return False
    return True


@pytest.mark.parametrize("number", range(SHARES))
def test_real_files(number: int) -> None:
    """The standard library and its tests, broken ones too: an answer, GR900 where `ast` fails, and sound fixes."""
    config = Config(root=ROOT)
    for path in share(number):
        source, name = path.read_bytes(), path.relative_to(ROOT).as_posix()
        found = analyse_source(source, name, config)
        whole = [finding for finding in found.findings if finding.code == "GR900" and not finding.function]
        # Next to a byte order mark Python takes no cookie but `utf-8`; that alone hinders nobody from looking.
        assert parses(source.removeprefix(BOM_UTF8)) or len(whole) == 1, name
        check_fixes(source, name, config)


def check_fixes(source: bytes, name: str, config: Config) -> None:
    """Check that fixes leave a file parseable, change no other lines, and are done after one run."""
    fixed = fix_source(source, name, config, unsafe=True)
    assert bool(fixed.applied) == (fixed.content != source), name
    if fixed.applied:
        assert parses(fixed.content), name
        assert fix_source(fixed.content, name, config, unsafe=True).content == fixed.content, name
        check_reach(source, name, config)


def check_reach(content: bytes, name: str, config: Config) -> None:
    """Check that each line that goes is named by an edit or imports, and each new one holds an edit's text."""
    source = decode(content)
    findings = analyse_source(content, name, config).findings
    fixes = compatible_fixes([finding.fix for finding in findings if finding.fix is not None])
    edits = [edit for fix in fixes for edit in fix.edits]
    named = {number for edit in edits for number in lines_between(source, edit)}
    texts = [line.strip() for edit in edits for line in edit.text.splitlines()]
    before = source.text.split("\n")
    after = apply_fixes(source, outline(parse(source), "module", ""), fixes).split("\n")
    for tag, start, end, new_start, new_end in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if tag != "equal":
            new = [line for line in after[new_start:new_end] if line.strip() and line not in before]
            assert all(any(text in line for text in texts) or "import" in line for line in new), (name, new)
            old = [line for line in before[start:end] if line.strip() and line not in after]
            assert named.intersection(range(start + 1, end + 1)) or all("import" in line for line in old), (name, old)


def lines_between(source: SourceText, edit: Edit) -> range:
    """Return the lines that an edit touches."""
    return range(source.position(edit.start)[0], source.position(edit.end)[0] + 1)


@pytest.mark.parametrize(
    "code",
    [
        "(" * 3_000 + ")" * 3_000,
        "[" * 100_000,
        ")" * 5_000,
        "if a: pass\n" + "elif a: pass\n" * 20_000,
        "try: pass\n" + "except a: pass\n" * 5_000,
        "x = a" + ".b" * 5_000 + "\n",
        "x = a" + "()" * 50_000 + "\n",
        "x = " + "+".join(["a"] * 100_000) + "\n",
        "x = " + "-" * 100_000 + "a\n",
        "x = " + "lambda: " * 5_000 + "a\n",
        "x = " + "a if b else " * 5_000 + "a\n",
        "x = " + "f'{" * 60 + "1" + "}'" * 60 + "\n",
        "x = " + "1" * 100_000 + "\n",
        "".join(f"{' ' * level}def f{level}():\n" for level in range(99)) + " " * 99 + "pass\n",
        "".join(f"{' ' * level}if a:\n" for level in range(1_000)) + " " * 1_000 + "pass\n",
        f"def run(x: {' | '.join(['A'] * 900)}): pass\n",
        "@a\n" * 5_000 + "def f(): pass\n",
        "type X = int\nx = " + "+".join(["a"] * 50_000) + "\n",
        "type X = int\nx = a" + ".b" * 50_000 + "\n",
        "type X = int\nx = " + "lambda: " * 50_000 + "a\n",
        "type X = int\nx = " + "f'{a + \",\"}' " * 20_000 + "\n",
        TIMED.format("y = " + " or ".join(["a"] * 20_000)),
        TIMED.format("import " + ".".join(["a"] * 50_000)),
        TIMED.format("y = [x " + "for x in y " * 5_000 + "]"),
        TIMED.format("y = " + "'a' " * 50_000),
        TIMED.format("y = " + "f'{a}' " * 5_000),
        f"# golden-rules: critical\ndef f(a={' or '.join(['a'] * 20_000)}): pass\n",
        "".join(
            f"name{number} = 'some text that stands for a table of messages, number {number}'\n"
            for number in range(65_000)
        ),
    ],
    ids=lambda code: code[:24].strip(),
)
def test_deep_and_large_code(code: str, tmp_path: Path) -> None:
    """Whatever is nested or long, the command ends by itself and says what it could not look at."""
    (tmp_path / "x.py").write_text(code)
    done = subprocess.run(
        [sys.executable, "-m", "golden_rules", "check", "x.py"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode in {0, 1}, done.stderr[-500:]
    assert done.stderr == ""


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\n",
        b"\r",
        b"\x0c",
        b"\\",
        b"\\\n",
        b"\xef\xbb\xbf",
        b"\xef\xbb\xbf\xef\xbb\xbf",
        b"x = 1\n\0\n",
        b"\xff\xfe\x00",
        b"x = '\xe9'\n",
        "x = '\N{GREEK SMALL LETTER ALPHA}'".encode("utf-16"),
        b"# coding: nonsense\nx\n",
        b"# coding: utf-16\nx\n",
        b"# coding: idna\nx..y\n",
        b"# coding: punycode\n\xe9\n",
        b"# coding: undefined\nx\n",
        b"# coding: rot13\nx\n",
        b"# coding: utf-7\nx = '+AGE-'\n",
        b"# coding: unicode_escape\nx = '\\u00e9'\n",
        b"# coding: latin-1\nx = '\xe9'\n",
        b"\xef\xbb\xbf# coding: latin-1\nx = 1\n",
        b"def f(:\n",
        b"print 'a'\n",
        b"if a:\n\tx\n        y\n",
        b"class A:\n  def f(self): pass\n def g(self): pass\n",
    ],
    ids=repr,
)
def test_odd_bytes(content: bytes) -> None:
    """Any bytes have an answer: findings, or GR900 within the file."""
    result = analyse_source(content, "x.py", Config(root=Path()))
    for finding in result.findings:
        assert finding.code == "GR900"
        assert 1 <= finding.line <= max(result.facts.lines, content.count(b"\n") + 1)
        assert finding.column >= 1


def test_text_that_cannot_be_encoded() -> None:
    """An editor may send a lone surrogate: GR900 at its place."""
    [finding] = analyse_source("x = 1\ny = '\ud800'\n", "x.py", Config(root=Path())).findings
    assert (finding.code, finding.line, finding.column) == ("GR900", 2, 6)


@pytest.mark.parametrize(
    ("encoding", "head"),
    [("utf-8", ""), ("utf-8-sig", ""), ("latin-1", "# coding: latin-1\n"), ("cp1252", "# -*- coding: cp1252 -*-\n")],
)
@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"], ids=["lf", "crlf", "cr"])
@pytest.mark.parametrize("end", ["\n", ""], ids=["end", "no-end"])
def test_fix_keeps_bytes(encoding: str, head: str, newline: str, end: str) -> None:
    """Encoding, byte order mark, line ends, tabs, form feeds and a missing last line end stay what they were."""
    text = f"{head}'''é'''\n\x0c\nimport os  # ü\n\nclass A:\n\t# golden-rules: critical\n\tdef f(self):\n\t\treturn 'ß'{end}"
    before = text.replace("\n", newline).encode(encoding)
    after = fix_source(before, "shop/x.py", Config(root=Path())).content
    added = ["import os  # ü", "", "from golden_runtime import track_request", ""]
    expected = text.replace("import os  # ü\n", "\n".join(added)).replace(
        "\tdef", '\t@track_request("shop.x.f")\n\tdef'
    )
    assert after == expected.replace("\n", newline).encode(encoding)


def test_odd_entries_of_a_folder(tmp_path: Path) -> None:
    """A folder named like a file, a dangling link, an unreadable file: one sentence each, and the rest is checked."""
    (tmp_path / "x.py").mkdir()
    (tmp_path / "x.py/y.py").write_text("x = 1\n")
    (tmp_path / "gone.py").symlink_to("nowhere")
    (tmp_path / "loop.py").symlink_to("loop.py")
    (tmp_path / "secret.py").write_text("x = 1\n")
    (tmp_path / "secret.py").chmod(0)
    command = [sys.executable, "-m", "golden_rules", "check"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    failures = done.stderr.splitlines()
    expected = ["gone.py", "loop.py"] if os.geteuid() == 0 else ["gone.py", "loop.py", "secret.py"]
    assert [line.split("`")[1] for line in failures] == expected
    assert all(line.startswith("error: `") for line in failures)
    assert done.returncode == 2
    assert "No findings in " in done.stdout


def test_random_damage() -> None:
    """Files damaged at random, as an editor sends them while one types, are findings or none, never an error."""
    generator = random.Random(7)  # noqa: S311 - no secret
    fragments = [
        "(",
        ")",
        "[",
        "'",
        '"""',
        'f"',
        "{",
        "\\",
        "\n",
        "\r",
        "\x0c",
        "\t",
        "lambda ",
        "async ",
        "é",
        "\0",
        "type X = ",
    ]
    names = ("argparse.py", "asyncio/tasks.py", "subprocess.py", "urllib/request.py")
    texts = [(Path(sysconfig.get_path("stdlib")) / name).read_text() for name in names]
    for _ in range(20 if not CHOICE else 5_000):
        text = generator.choice(texts)
        start = generator.randrange(len(text))
        end = start + generator.choice([0, 0, 1, 20])
        damaged = text[:start] + generator.choice(fragments) + text[end:]
        result = analyse_source(damaged[max(0, start - 4_000) : start + 4_000], "x.py", Config(root=Path()))
        assert result.facts.lines > 0


def test_command_on_a_copy_of_real_files(tmp_path: Path) -> None:
    """`--fix` by the command does what the functions do, file by file, and a second run changes nothing."""
    for path in share(0)[:20]:
        target = tmp_path / path.relative_to(ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, target)
    command = [sys.executable, "-m", "golden_rules", "check", "--fix", "--unsafe-fixes"]
    before = {path: path.read_bytes() for path in tmp_path.rglob("*.py")}
    # The copies must not stand in the way of the modules they are copies of.
    environment = {**os.environ, "PYTHONSAFEPATH": "1"}
    first = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    once = {path: path.read_bytes() for path in before}
    second = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert (first.stderr, second.stderr) == ("", "")
    assert once == {path: path.read_bytes() for path in before}
    assert all(parses(once[path]) for path in before if parses(before[path]))


def test_decoding_is_pythons() -> None:
    """What decodes here is what Python itself reads."""
    for path in share(1):
        source = path.read_bytes()
        try:
            text = decode(source)
        except UndecodableSource:
            assert not parses(source), path
        else:
            assert text.encode(text.text) == source
