"""From text to `ast`, also for syntax newer than the interpreter, and never at the price of the process."""

from __future__ import annotations

import ast
import sys

import pytest

from golden_rules.source.outlining import outline
from golden_rules.source.parsing import Unparseable, parse
from golden_rules.source.text import SourceText

NEWER = {
    "type-parameters": ("def run[T: (int, str), *A, **P](x: T) -> T:\n    return x\n", (3, 12)),
    "class-parameters": ("class Box[\n    T,  # why\n]:\n    def run(self): ...\n", (3, 12)),
    "type-alias": ("type Pair[T] = tuple[\n    T, T\n]\ndef run(): ...\n", (3, 12)),
    "quotes-in-f-string": ("def run(a):\n    return f'{a['b']} {'c' + \"d\"}'\n", (3, 12)),
    "lines-in-f-string": ("def run(a):\n    return f'{\n        a  # why\n    }'\n", (3, 12)),
    "parameter-default": ("def run[T = int](x: T): ...\n", (3, 13)),
}


@pytest.mark.parametrize("name", NEWER)
def test_newer_syntax_is_read(name: str) -> None:
    """The functions of a file for a later interpreter are found on their lines."""
    code, _ = NEWER[name]
    [function] = outline(parse(SourceText(code)), "module", "").functions
    assert function.name == "run"
    assert "def run" in code.split("\n")[function.line - 1]


@pytest.mark.parametrize("name", NEWER)
def test_newer_syntax_moves_nothing(name: str) -> None:
    """What follows newer syntax stands where it stands in the file."""
    text = NEWER[name][0] + "é = marker\n"
    source = SourceText(text)
    [marker] = [node for node in ast.walk(parse(source)) if isinstance(node, ast.Name) and node.id == "marker"]
    assert source.offset(marker.lineno, marker.col_offset) == text.index("marker")


def test_the_tests_above_take_the_long_way() -> None:
    """At least one of the samples is too new for this interpreter, or it knows them all by itself."""
    too_new = [name for name, (_, since) in NEWER.items() if sys.version_info < since]
    for name in too_new:
        with pytest.raises(SyntaxError):
            ast.parse(NEWER[name][0])
    assert too_new or sys.version_info >= (3, 13)


@pytest.mark.parametrize(
    ("code", "message", "place"),
    [
        ("x = 1\ndef f(:\n", "invalid syntax", (2, 7)),
        ("é = (1,\n", "'(' was never closed", (1, 5)),
        ("if a:\nb\n", "expected an indented block after 'if' statement on line 1", (2, 1)),
        ("x = 1\n  y = 2\n", "unexpected indent", (2, 3)),
        ("print 'a'\n", "Missing parentheses in call to 'print'", (1, 1)),
        ("x = 1\n\n\0", "source code cannot contain null bytes", (3, 1)),
        ("'\ud800'", "source code cannot contain surrogates", (1, 2)),
        ("x = " + "-" * 200_000 + "1", "", (1, 1)),
    ],
)
def test_error_says_what_and_where(code: str, message: str, place: tuple[int, int]) -> None:
    """The message is the interpreter's own, without file names; line and column count from 1 and lie in the file."""
    with pytest.raises(Unparseable) as caught:
        parse(SourceText(code))
    assert message in str(caught.value)
    assert "<unknown>" not in str(caught.value)
    assert caught.value.line == place[0]
    assert 1 <= caught.value.column <= len(code.split("\n")[place[0] - 1]) + 1


@pytest.mark.parametrize("deep", ["(" * 150 + "1" + ")" * 150, "+".join(["a"] * 250), "a" + ".b" * 250])
def test_what_people_nest_is_no_reason_to_refuse(deep: str) -> None:
    """The guard before LibCST lets through what real code holds, next to newer syntax."""
    tree = parse(SourceText(f"x = {deep}\n\ndef run[T](): ...\n"))
    assert [function.name for function in outline(tree, "module", "").functions] == ["run"]


def test_long_tables_are_no_nesting() -> None:
    """A thousand entries with operators next to newer syntax are still read."""
    entries = ",\n".join(f"    'a-{number}': f(x.y + 1, 'b,c')[{number}]" for number in range(1_000))
    tree = parse(SourceText(f"def run[T](): ...\nx = {{\n{entries}\n}}\n"))
    assert len(outline(tree, "module", "").functions) == 1


def test_warnings_are_not_ours(recwarn: pytest.WarningsRecorder) -> None:
    """An invalid escape in somebody's file prints nothing."""
    parse(SourceText("x = '\\d'\ny = 1 is 1\n"))
    assert not recwarn.list
