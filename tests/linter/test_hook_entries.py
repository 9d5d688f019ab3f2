"""One more entry in a .pre-commit-config.yaml: as YAML it is there, and not a line of what was there is another."""

from __future__ import annotations

from textwrap import indent

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from golden_rules.adoption.hooks import HOOK, REPOSITORY, NoPlaceForHook, with_hook

OURS = {"repo": REPOSITORY, "rev": "v1", "hooks": [{"id": HOOK}]}
ENTRY = f"  - repo: {REPOSITORY}\n    rev: v1\n    hooks:\n      - id: {HOOK}\n"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", f"repos:\n{ENTRY}"),
        ("# our hooks\n---\n", f"# our hooks\n---\nrepos:\n{ENTRY}"),
        ("repos: []", f"repos:\n{ENTRY}"),
        (
            "ci:\n  skip: [x]\nrepos: []  # none yet\nfail_fast: true\n",
            f"ci:\n  skip: [x]\nrepos:  # none yet\n{ENTRY}fail_fast: true\n",
        ),
        ("repos:\n# - repo: old\nci: {}\n", f"repos:\n{ENTRY}# - repo: old\nci: {{}}\n"),
        ("fail_fast: true", f"fail_fast: true\nrepos:\n{ENTRY}"),
        (
            "repos:\n    - repo: local\n      hooks:\n        - id: x",
            f"repos:\n    - repo: local\n      hooks:\n        - id: x\n{indent(ENTRY, '  ')}",
        ),
        (
            "repos:\n-   repo: local\n    hooks:\n    -   id: x\n        # -   id: y\n\n# for the robot\nci:\n  skip: [x]\n",
            (
                "repos:\n-   repo: local\n    hooks:\n    -   id: x\n        # -   id: y\n"
                f"-   repo: {REPOSITORY}\n    rev: v1\n    hooks:\n    -   id: {HOOK}\n\n# for the robot\nci:\n  skip: [x]\n"
            ),
        ),
        (
            "'repos' :\r\n- repo: local\r\n  hooks:\r\n  - id: x\r\n",
            f"'repos' :\r\n- repo: local\r\n  hooks:\r\n  - id: x\r\n- repo: {REPOSITORY}\r\n  rev: v1\r\n  hooks:\r\n  - id: {HOOK}\r\n",
        ),
    ],
)
def test_style(before: str, after: str) -> None:
    """Indents, the space after dashes, line ends and comments are kept."""
    assert with_hook(before, "1") == after
    assert yaml.safe_load(after)["repos"][-1] == OURS


@pytest.mark.parametrize(
    "text",
    [
        "repos:\n- repo: x\n  hooks:\n  - id: golden-rules-fix\n",
        "repos: [{repo: x, hooks: [{id: golden-rules}]}]\n",
        "repos:\n- repo: x\n  hooks:\n  - args: []\n    id: 'golden-rules'  # ours\n",
    ],
)
def test_a_hook_that_is_there(text: str) -> None:
    """Nothing is added, however it is written."""
    assert with_hook(text, "1") == text


def test_a_hook_in_a_comment_is_not_there() -> None:
    """Somebody has switched it off, or never on."""
    text = "repos:\n- repo: x\n  hooks:\n  - id: y\n#  - id: golden-rules\n"
    assert yaml.safe_load(with_hook(text, "1"))["repos"][1] == OURS


@pytest.mark.parametrize(
    "text",
    [
        "repos: [{repo: local}]\n",
        "repos: [\n  {repo: local},\n]\n",
        "repos:\n  [{repo: local}]\n",
        "repos: &all\n  - repo: local\n",
        "repos: []\n  - repo: local\n",
        "- repo: local\n",
        "{repos: []}\n",
    ],
)
def test_where_only_a_person_can(text: str) -> None:
    """It is not tried."""
    with pytest.raises(NoPlaceForHook):
        with_hook(text, "1")


@settings(deadline=None)
@given(
    outer=st.integers(0, 6),
    inner=st.integers(0, 4),
    gap=st.integers(1, 4),
    hooks=st.lists(
        st.lists(
            st.sampled_from(["id: x", "id: y\n{}args: [a, b]", "id: z\n{}exclude: |-\n{}  - a\n{}  # b"]),
            min_size=1,
            max_size=3,
        ),
        min_size=1,
        max_size=3,
    ),
    comments=st.booleans(),
    end=st.sampled_from(["", "\n", "\n\n# last\n", "\nci:\n  skip:\n  - x\n"]),
)
@example(outer=0, inner=0, gap=3, hooks=[["id: x"]], comments=True, end="")
def test_it_is_one_entry_more(
    outer: int, inner: int, gap: int, hooks: list[list[str]], comments: bool, end: str
) -> None:
    """However deep lists are indented, whatever stands in entries and after them."""
    dash, lines = " " * outer + "-" + " " * gap, ["repos:"]
    body = " " * len(dash)
    for group in hooks:
        lines += [f"{dash}repo: local", f"{body}hooks:"]
        for hook in group:
            start = body + " " * inner + "-" + " " * gap
            lines += f"{start}{hook.replace('{}', ' ' * len(start))}".split("\n")
            lines += [f"{' ' * len(start)}# - id: off"] if comments else []
    text = "\n".join(lines) + end
    before, added = yaml.safe_load(text), with_hook(text, "1")
    after = yaml.safe_load(added)
    assert after == {**before, "repos": [*before["repos"], OURS]}
    left = added.splitlines()
    kept = text.splitlines()
    assert any(left[:at] + left[at + 4 :] == kept for at in range(len(left)))
    assert with_hook(added, "1") == added
