"""Fixing one file: to a fixed point, and nothing but what the fixes say."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from golden_rules import Bad, Config, Edit, Fix, Safety, Violation
from golden_rules.fixing import FixError, fix_source
from golden_rules.registry import built_in_rules
from golden_rules.rules.base import FunctionRule, Rule, SliceKind, Subject
from golden_rules.testing import fix_alone

if TYPE_CHECKING:
    import libcst as cst

    from golden_rules.source.slices import Slice

CONFIG = Config(root=Path())
CASES = [
    pytest.param(rule, case, id=f"{rule.code}-{number}")
    for rule in built_in_rules()
    for number, case in enumerate(rule.cases, 1)
    if isinstance(case, Bad) and case.fixed is not None and not case.settings
]


class Rename(FunctionRule):
    """A rule whose fix gives each function another name."""

    code = "T1"
    name = "rename"
    slice_kind = SliceKind.HEADER

    def __init__(self, name: str) -> None:
        """Take the text that stands in place of the name."""
        self.new = name

    def wants(self, subject: Subject) -> bool:
        """Return whether the function has an old name."""
        return subject.function.name != "new"

    def check(self, subject: Subject, piece: Slice[cst.FunctionDef]) -> Iterator[Violation]:
        """Yield the name."""
        start, end = piece.span(piece.node.name)
        yield Violation(
            (start, end), "an old name", "rename it", Fix(Safety.SAFE, "rename", (Edit(start, end, self.new),))
        )


@pytest.mark.parametrize(("rule", "case"), CASES)
@pytest.mark.parametrize("newline", ["\r\n", "\r"], ids=["crlf", "cr"])
@pytest.mark.parametrize("mark", ["", "\ufeff"], ids=["plain", "bom"])
def test_fixes_keep_line_ends(rule: Rule, case: Bad, newline: str, mark: str) -> None:
    """Every rule's fix gives the same code whatever ends the lines, and keeps the byte order mark."""
    before = (mark + case.code.replace("\n", newline)).encode()
    plain = fix_alone(case.code.encode(), case.path, CONFIG, [rule], unsafe=case.unsafe).content
    assert plain != case.code.encode()
    after = fix_alone(before, case.path, CONFIG, [rule], unsafe=case.unsafe).content
    assert after == mark.encode() + plain.replace(b"\n", newline.encode())


@pytest.mark.parametrize(("rule", "case"), CASES)
def test_fixes_keep_tabs_and_missing_line_ends(rule: Rule, case: Bad) -> None:
    """Every rule's fix takes the indent from the file, and leaves its last line as it ends."""
    code = case.code.replace("    ", "\t").removesuffix("\n")
    after = fix_alone(code.encode(), case.path, CONFIG, [rule], unsafe=case.unsafe).content
    plain = fix_alone(case.code.encode(), case.path, CONFIG, [rule], unsafe=case.unsafe).content
    assert after != code.encode()
    if b"import (" not in plain:  # isort indents what it wraps by four blanks whatever the file has
        assert after.removesuffix(b"\n") == plain.replace(b"    ", b"\t").removesuffix(b"\n")


@pytest.mark.parametrize(("rule", "case"), CASES)
def test_second_run_changes_nothing(rule: Rule, case: Bad) -> None:
    """After one run of all rules no fix is left."""
    once = fix_alone(case.code.encode(), case.path, CONFIG, unsafe=True)
    again = fix_alone(once.content, case.path, CONFIG, unsafe=True)
    assert again.content == once.content
    assert again.applied == ()
    assert again.result == once.result


def test_nothing_to_fix_is_the_same_object() -> None:
    """A file without findings is given back as it came, odd bytes and all."""
    content = b"\xef\xbb\xbf\x0c\r\nx = 1 \t\r"
    assert fix_source(content, "x.py", CONFIG).content is content
    broken = b"def f(:\r\n"
    assert fix_source(broken, "x.py", CONFIG).content is broken


def test_several_functions_and_rounds() -> None:
    """Every function of a file is fixed, and each finding counted once."""
    code = b"def a(): ...\ndef b():\n    def c(): ...\n"
    fixed = fix_source(code, "x.py", CONFIG, [Rename("new")])
    assert fixed.content == b"def new(): ...\ndef new():\n    def new(): ...\n"
    assert [finding.function for finding in fixed.applied] == ["a", "b", "b.c"]


def test_what_did_not_compile_before_is_fixed() -> None:
    """Code that only some other tool can run is not the fix's fault."""
    code = b"def a(): ...\nawait a()\n"
    assert fix_source(code, "x.py", CONFIG, [Rename("new")]).content == b"def new(): ...\nawait a()\n"


@pytest.mark.parametrize(
    ("source", "new", "reason"),
    [
        (b"def a(): ...\n", "not a name", "would leave code that does not parse"),
        (b"def a(): ...\n", "__debug__", "would leave code that does not compile"),
        (b"def a(): ...\n", "other", "do not come to an end"),
        (b"# coding: latin-1\ndef a(): ...\n", "ж", "cannot be written in iso-8859-1"),
    ],
)
def test_unsound_fix_is_refused(source: bytes, new: str, reason: str) -> None:
    """A rule's fix that breaks the file, never ends or cannot be written is an error that names the rule."""
    with pytest.raises(FixError, match=reason) as caught:
        fix_source(source, "x.py", CONFIG, [Rename(new)])
    assert "T1" in str(caught.value)
