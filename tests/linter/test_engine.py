"""The engine: a pure function from the content of a file to what is said of it."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
import sysconfig
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pytest

from golden_rules import Bad, Config, analyse_source, check_source
from golden_rules.registry import built_in_rules

CONFIG = Config(root=Path("/shop"))
STANDARD_LIBRARY = Path(sysconfig.get_path("stdlib"))
REAL_FILES = ("asyncio", "concurrent/futures", "http", "logging", "multiprocessing", "urllib", "wsgiref", "xmlrpc")
CASES = [(case.path, case.code) for rule in built_in_rules() for case in rule.cases]
BAD = [(case.path, case.code) for rule in built_in_rules() for case in rule.cases if isinstance(case, Bad)]


def real_files() -> list[Path]:
    """Return files of the standard library that wait, call and time."""
    return sorted(path for folder in REAL_FILES for path in (STANDARD_LIBRARY / folder).glob("*.py"))


def test_triggers_change_nothing() -> None:
    """With and without them the same is found, in real code and in every rule's cases."""
    found = 0
    sources = [(path.name, path.read_bytes()) for path in real_files()] + [
        (path, code.encode()) for path, code in CASES
    ]
    for path, source in sources:
        result = analyse_source(source, path, CONFIG)
        assert analyse_source(source, path, CONFIG, triggers=False).findings == result.findings
        found += len(result.findings)
    assert found > 100


def test_result_is_plain_data() -> None:
    """It is frozen, compares by value, and crosses processes as it is."""
    path, code = BAD[0]
    result = analyse_source(code, path, CONFIG)
    assert result.findings
    assert pickle.loads(pickle.dumps(result)) == result  # noqa: S301 - pickled on this line
    assert pickle.loads(pickle.dumps(CONFIG)) == CONFIG  # noqa: S301 - as above
    with pytest.raises(AttributeError):
        result.findings[0].line = 7  # type: ignore[misc]  # this must fail


def test_maps_over_processes() -> None:
    """A pool of fresh processes finds what this one finds."""
    jobs = [(code, path, CONFIG) for path, code in BAD[:40]]
    here = [analyse_source(*job) for job in jobs]
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        assert list(pool.map(analyse_source, *zip(*jobs, strict=True), chunksize=20)) == here


def test_same_whatever_came_before() -> None:
    """Neither the order of files nor a second look changes anything."""
    first = [analyse_source(code, path, CONFIG) for path, code in BAD]
    second = [analyse_source(code, path, CONFIG) for path, code in reversed(BAD)]
    assert first == second[::-1]


def test_hash_seed_does_not_matter() -> None:
    """Two processes with other hash seeds say the same, word for word, in the same order."""
    program = (
        "import json, sys\nfrom pathlib import Path\nfrom golden_rules import Config, analyse_source\n"
        "for path, code in json.load(sys.stdin): print(analyse_source(code, path, Config(root=Path('/shop'))))\n"
    )
    outputs = [
        subprocess.run(
            [sys.executable, "-c", program],
            input=json.dumps(BAD),
            env={"PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    ]
    assert outputs[0] == outputs[1]


def test_text_and_bytes_are_alike() -> None:
    """An editor's text, with a byte order mark or not, is analysed as the file would be."""
    path, code = BAD[0]
    expected = check_source(code.encode(), path, CONFIG)
    assert expected
    assert check_source(code, path, CONFIG) == expected
    assert check_source("\ufeff" + code, path, CONFIG) == expected


def test_findings_mark_their_source() -> None:
    """Places lie in the file, in order, and the text is the line."""
    for path, code in BAD:
        lines = code.split("\n")
        places = []
        for finding in check_source(code, path, CONFIG):
            assert finding.text == lines[finding.line - 1]
            assert 1 <= finding.column <= len(finding.text) + 1
            assert (finding.line, finding.column) < (finding.end_line, finding.end_column)
            assert finding.end_column <= len(lines[finding.end_line - 1]) + 1
            places.append((finding.line, finding.column, finding.code))
        assert places == sorted(places)


@pytest.mark.parametrize(
    ("source", "place", "message"),
    [
        (b"x = 1\n\ndef f(:\n    pass\n", (3, 7), "invalid syntax"),
        (b"x = 1\ny = 2\nz = '\xff'\n", (3, 1), "not valid utf-8"),
        (b"x = 1\n\0", (2, 1), "null bytes"),
        (b"# coding: nonsense\n", (1, 1), "unknown encoding: nonsense"),
    ],
)
def test_syntax_error_is_a_finding(source: bytes, place: tuple[int, int], message: str) -> None:
    """GR900 at the line that is wrong, alone, and no more can be said of the file."""
    result = analyse_source(source, "shop/x.py", CONFIG)
    [finding] = result.findings
    assert (finding.code, finding.name) == ("GR900", "syntax-error")
    assert (finding.line, finding.column) == place
    assert message in finding.message
    assert result.functions == ()


def test_deep_expression_is_looked_into() -> None:
    """What is deep in an expression is no harder to see than elsewhere."""
    code = (
        "import time\n\n\ndef deep(log):\n    start = time.time()\n"
        f"    log.info('took %s', time.time() - start, {'-' * 400}1)\n"
    )
    assert [finding.code for finding in check_source(code, "shop/x.py", CONFIG)] == ["GR201"]


def test_function_too_deep_to_follow_is_a_finding() -> None:
    """What no rule can follow is reported for that function; the others are checked."""
    ladder = "".join(f"            elif error.errno == {number}:\n                pass\n" for number in range(1_500))
    code = (
        "import time\n\n\ndef deep(job):\n    for attempt in range(3):\n        try:\n            return job()\n"
        f"        except OSError as error:\n            if error.errno:\n                pass\n{ladder}"
        "            time.sleep(1)\n    return None\n\n\n# golden-rules: critical\ndef flat(): ...\n"
    )
    findings = check_source(code, "shop/x.py", CONFIG)
    assert [(finding.code, finding.function) for finding in findings] == [("GR900", "deep"), ("GR105", "flat")]
    assert "nested too deeply" in findings[0].message


def test_command_says_the_same_whichever_files_are_named(tmp_path: Path) -> None:
    """What is said of a file does not hang on the files that are named with it, nor on their order."""
    for number, (_, code) in enumerate(BAD[:6]):
        (tmp_path / f"m{number}.py").write_text(code)
    names = [f"m{number}.py" for number in range(6)]
    together = concise(tmp_path, *names)
    assert together
    assert concise(tmp_path, *reversed(names)) == together
    assert [line for name in names for line in concise(tmp_path, name)] == together


def concise(folder: Path, *paths: str) -> list[str]:
    """Return the lines that `check` prints for findings."""
    command = [sys.executable, "-m", "golden_rules", "check", "--format", "concise", *paths]
    lines = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False).stdout.splitlines()
    return [line for line in lines if ".py:" in line]
