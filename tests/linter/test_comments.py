"""Comments that speak to the linter: what they silence, and where."""

from __future__ import annotations

from pathlib import Path

import pytest

from golden_rules.config import Config
from golden_rules.engine import analyse_source
from golden_rules.findings import FileResult, Silence
from golden_rules.fixing import fix_source
from golden_rules.selection import Selection

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
        "# golden-rules: ignore[gr201] -- the duration is the result",
        "# golden-rules: ignore[GR2] -- all timing is the result",
        "# golden-rules: ignore[hand-timed] -- the duration is the result",
        "# golden-rules: ignore[GR201] until 2027-03-01 -- moved by then",
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
    assert [finding.code for finding in result.facts.silenced] == ["GR201"]


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


def wrong(code: str, **settings: object) -> list[tuple[str, int, str]]:
    """Return what is wrong with the comments of a file: code, line, message."""
    config = Config(root=Path(), **{"select": ("GR201", "GR102", "GR90"), **settings})  # type: ignore[arg-type] - a dict of settings
    found = analyse_source(HEAD + code, "shop/orders.py", config).findings
    return [(finding.code, finding.line, finding.message) for finding in found if finding.code.startswith("GR90")]


IDLE = "def run(x):{}\n    return x\n"


class TestUnusedIgnores:
    """GR901: what a comment ignores must be there."""

    def test_a_comment_that_silences_nothing(self) -> None:
        """It is found on its own line, wherever it stands; one that silences something is not."""
        assert wrong(IDLE.format("  # golden-rules: ignore[GR201] -- why")) == [
            ("GR901", 2, "there is nothing for `GR201` to ignore here")
        ]
        assert wrong("# golden-rules: ignore-file[GR2] -- why\n" + IDLE.format("")) == [
            ("GR901", 2, "there is nothing for `GR2` to ignore in this file")
        ]
        assert wrong(f"# golden-rules: ignore[GR201] -- why\n{TIMED}") == []

    def test_single_codes(self) -> None:
        """Of several codes only those that silence nothing are named."""
        assert wrong(f"# golden-rules: ignore[GR201, GR102] -- why\n{TIMED}") == [
            ("GR901", 2, "there is nothing for `GR102` to ignore here")
        ]

    def test_without_codes(self) -> None:
        """A comment without codes is judged where every rule of the configuration ran, and only there."""
        idle = IDLE.format("  # golden-rules: ignore -- why")
        assert wrong(idle) == [("GR901", 2, "there is nothing to ignore here")]
        assert wrong(idle, command_line=Selection(select=("GR201", "GR901"))) == []

    def test_rules_that_are_off_are_not_judged(self) -> None:
        """Of what is not looked for nobody can say that it is not there."""
        assert wrong(IDLE.format("  # golden-rules: ignore[GR204] -- why")) == []
        narrowed = Selection(select=("GR201", "GR90"))
        assert wrong(IDLE.format("  # golden-rules: ignore[GR2] -- why"), command_line=narrowed) == []
        off = {"per_file_ignores": (("shop/*", ("GR201",)),)}
        assert wrong(IDLE.format("  # golden-rules: ignore[GR201] -- why"), **off) == []

    @pytest.mark.parametrize(
        ("before", "after"),
        [
            (IDLE.format("  # golden-rules: ignore[GR201] -- why"), IDLE.format("")),
            (IDLE.format("  # noqa: D103  # golden-rules: ignore[GR201] -- #12"), IDLE.format("  # noqa: D103")),
            (IDLE.format("  # golden-rules: ignore[GR201] -- why  # noqa: D103"), IDLE.format("  # noqa: D103")),
            ("# golden-rules: ignore[GR201] -- why\n" + IDLE.format(""), IDLE.format("")),
            ("# golden-rules: ignore-file -- why\r\nx = 1\r\n", "x = 1\r\n"),
            ("x = 1  # golden-rules: ignore", "x = 1"),
            (
                f"# golden-rules: ignore[GR102,GR201] -- why\n{TIMED}",
                f"# golden-rules: ignore[GR201] -- why\n{TIMED}",
            ),
        ],
        ids=["end", "after-other", "before-other", "alone", "crlf", "last", "one-of-two"],
    )
    def test_the_fix_takes_out_the_comment_alone(self, before: str, after: str) -> None:
        """Other comments on the line, other codes, and line ends stay."""
        config = Config(root=Path(), select=("GR201", "GR102", "GR901"))
        fixed = fix_source((HEAD + before).encode(), "shop/orders.py", config)
        assert fixed.content.decode() == HEAD + after
        assert not fixed.result.findings or {finding.code for finding in fixed.result.findings} == {"GR201"}


def test_ignore_without_reason() -> None:
    """GR902 asks for a reason after `--`; a date is none."""
    assert wrong(f"# golden-rules: ignore[GR201]\n{TIMED}") == [
        ("GR902", 2, "nothing says why `GR201` is ignored here")
    ]
    assert wrong(f"# golden-rules: ignore until 2027-03-01\n{TIMED}") == [
        ("GR902", 2, "nothing says why every rule is ignored here")
    ]
    assert wrong(f"# golden-rules: ignore[GR201] until 2027-03-01 -- moved by then\n{TIMED}") == []


@pytest.mark.parametrize(
    ("comment", "message"),
    [
        ("ignore[GR999] -- why", "there is no rule `GR999` to ignore"),
        ("ignore[hand-time] -- why", "there is no rule `hand-time` to ignore"),
        ("ignore[] -- why", "the brackets name no rule to ignore"),
        ("ignores[GR201] -- why", "`ignores` is no word for a comment"),
        ("ignore[GR204] until 2027-02-30 -- why", "`2027-02-30` is no date"),
        ("ignore[GR204] until tomorrow -- why", "`tomorrow` is no date"),
        ("ignore[GR204] untill 2027-02-20 -- why", "`untill 2027-02-20` is no date"),
        ("ignore[GR204 -- why", "the brackets name no rule to ignore"),
    ],
)
def test_invalid_comments(comment: str, message: str) -> None:
    """GR903 names the rule, the word or the day that does not exist."""
    assert wrong(f"x = 1  # golden-rules: {comment}\n") == [("GR903", 2, message)]


def test_prose_that_mentions_the_marker_is_no_comment() -> None:
    """Words that are not near a directive, and directives in backticks, mean nothing."""
    assert wrong("x = 1  # golden-rules: see the handbook\ny = 2  # write `# golden-rules: ignore[GR999]`\n") == []


def test_what_is_said_of_comments_can_be_ignored_by_name_only() -> None:
    """A comment without codes cannot hide that it is idle; `ignore-file[GR902]` hides what it names."""
    assert wrong(f"# golden-rules: ignore-file[GR902]\n# golden-rules: ignore[GR201]\n{TIMED}") == []
    assert [code for code, _, _ in wrong("# golden-rules: ignore-file\nx = 1\n")] == ["GR901", "GR902"]


def test_silenced_findings_say_why_and_until_when() -> None:
    """The reason and the day of the comment go with the finding that it silences."""
    (finding,) = analysed(f"# golden-rules: ignore[GR201] until 2027-03-01 -- see #12\n{TIMED}").facts.silenced
    assert finding.silence == Silence("see #12", "2027-03-01")
