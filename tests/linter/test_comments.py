"""Comments that speak to the linter: what they silence, and where."""

from __future__ import annotations

from pathlib import Path

import pytest

from golden_rules.config import Config
from golden_rules.engine import analyse_source
from golden_rules.findings import FileResult

HEAD = "import logging, time\n"
TIMED = "def run(x):\n    start = time.time()\n    x()\n    logging.info('%s', time.time() - start)\n"


def analysed(code: str) -> FileResult:
    """Return what is said of a file with a hand timing in it."""
    return analyse_source(HEAD + code, "shop/orders.py", Config(root=Path(), select=("GR201", "GR105")))


def codes(code: str) -> list[str]:
    """Return the codes of the findings in a file."""
    return [finding.code for finding in analysed(code).findings]


@pytest.mark.parametrize(
    "comment",
    [
        "# golden-rules: ignore[GR201] -- the duration is the result",
        "# golden-rules: ignore[GR105, gr201]",
        "# golden-rules: ignore",
        "#golden-rules:ignore[GR201]",
        "# noqa: E501  # golden-rules: ignore[GR201]",
        "# golden-rules: ignore[ALL]",
    ],
)
@pytest.mark.parametrize("place", ["line", "def", "above", "decorator"])
def test_ignore(comment: str, place: str) -> None:
    """On the finding's line, on the function's header, or above it alone: the finding is silent, and counted."""
    code = {
        "line": TIMED.replace("- start)", f"- start)  {comment}"),
        "def": TIMED.replace("(x):", f"(x):  {comment}"),
        "above": f"{comment}\n{TIMED}",
        "decorator": f"@a  {comment}\n{TIMED}",
    }[place]
    result = analysed(code)
    assert result.findings == ()
    assert result.facts.suppressed == ("GR201",)


@pytest.mark.parametrize(
    "code",
    [
        TIMED.replace("x()", "x()  # golden-rules: ignore[GR201]"),
        TIMED.replace("(x):", "(x):  # golden-rules: ignore[GR105]"),
        TIMED.replace("(x):", "(x):  # golden-rules: ignores"),
        f"y = 1  # golden-rules: ignore[GR201]\n{TIMED}",
        f"# golden-rules: ignore[GR201]\n\n{TIMED}",
        f"'# golden-rules: ignore-file[GR201]'\n{TIMED}",
        TIMED.replace("(x):", "(x):\n    '''# golden-rules: ignore[GR201]'''"),
        f"{TIMED}# golden-rules: ignore[GR201]\n",
    ],
    ids=["other-line", "other-code", "other-word", "line-above-ends", "gap", "string", "docstring", "below"],
)
def test_what_does_not_ignore(code: str) -> None:
    """A comment about another line or code, or a string that looks like one, silences nothing."""
    assert codes(code) == ["GR201"]


def test_ignore_file() -> None:
    """Wherever it stands, it speaks for the whole file, and only for its codes."""
    assert codes(f"{TIMED}# golden-rules: ignore-file[GR201] -- all of it is a benchmark\n") == []
    assert codes(f"# golden-rules: ignore-file[GR105]\n{TIMED}") == ["GR201"]
    assert codes(f"# golden-rules: ignore-file\n{TIMED}") == []


def test_critical_and_not_critical() -> None:
    """They decide for the function under them, whatever it looks like, and for no other."""
    plain = "def one(x):\n    return x\n\n\n{}def two(x):\n    return x\n"
    found = analysed(plain.format("# golden-rules: critical\n"))
    assert [finding.function for finding in found.findings] == ["two"]
    scored = analyse_source(
        "import requests\n\n# golden-rules: not-critical -- a probe\ndef run(x):\n    return requests.get(x)\n",
        "shop/orders.py",
        Config(root=Path()),
    )
    assert scored.findings == ()
    assert [function.critical for function in scored.functions] == [False]


def test_newline_styles() -> None:
    """CRLF and lone CR end comments too."""
    for newline in ("\r\n", "\r"):
        code = f"# golden-rules: ignore[GR201]\n{TIMED}".replace("\n", newline)
        assert codes(code) == []
