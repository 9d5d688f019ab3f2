"""Slices: functions parsed alone by LibCST, with the place of every node in the file."""

from __future__ import annotations

import ast
import inspect
import sysconfig
from pathlib import Path

import libcst as cst
import pytest
from libcst.metadata import MetadataWrapper, PositionProvider

from golden_rules.source.outline import Outline
from golden_rules.source.outlining import outline
from golden_rules.source.parsing import parse
from golden_rules.source.slices import Slice, SliceError, function_slice, header_slice, spans_of
from golden_rules.source.text import SourceText, decode

STANDARD_LIBRARY = Path(sysconfig.get_path("stdlib"))
REAL_FILES = ("argparse.py", "asyncio/tasks.py", "dataclasses.py", "typing.py", "turtle.py", "inspect.py")


def outlined(source: SourceText) -> Outline:
    """Return the outline of a file."""
    return outline(parse(source), "module", "")


def sliced(code: str, name: str = "run") -> tuple[SourceText, Slice[cst.FunctionDef]]:
    """Return a file and the slice of the function of a name in it."""
    source = SourceText(code)
    function = next(entry for entry in outlined(source).functions if entry.name == name)
    return source, function_slice(source, function)


def header(code: str) -> str:
    """Return the text that the header slice of a file's first function covers."""
    source = SourceText(code)
    piece = header_slice(source, outlined(source).functions[0])
    return source.text[piece.start : piece.end]


def marked(source: SourceText, piece: Slice[cst.FunctionDef], kind: type[cst.CSTNode]) -> list[str]:
    """Return what the file holds at the spans of a slice's nodes of a kind."""
    found: list[str] = []
    stack: list[cst.CSTNode] = [piece.node]
    while stack:
        node = stack.pop()
        stack.extend(reversed(node.children))
        if isinstance(node, kind):
            found.append(source.text[slice(*piece.span(node))])
    return found


class TestAgainstLibCST:
    """Spans come from LibCST's code generator, which is not public: this is the contract with it."""

    @pytest.mark.parametrize("name", REAL_FILES)
    def test_spans_are_those_of_its_position_provider(self, name: str) -> None:
        """For every node of real files, `spans_of` says what LibCST's own provider says."""
        text = decode((STANDARD_LIBRARY / name).read_bytes()).text
        wrapper = MetadataWrapper(cst.parse_module(text), unsafe_skip_copy=True)
        source = SourceText(text)
        spans = spans_of(wrapper.module, wrapper.module.code)
        for node, place in wrapper.resolve(PositionProvider).items():
            expected = (
                source.line_start(place.start.line) + place.start.column,
                source.line_start(place.end.line) + place.end.column,
            )
            assert spans[id(node)] == expected, node

    @pytest.mark.parametrize("name", REAL_FILES)
    def test_every_real_function_is_sliced_at_its_place(self, name: str) -> None:
        """A slice gives its source back, and its nodes' spans hold the nodes' own text."""
        source = decode((STANDARD_LIBRARY / name).read_bytes())
        functions = outlined(source).functions
        assert functions
        for function in functions:
            for make in (function_slice, header_slice):
                piece = make(source, function)
                assert source.text[slice(*piece.span(piece.node.name))] == function.name
                assert source.text[piece.start : piece.end].lstrip().startswith(("def", "async", "@"))
                for decorator in piece.node.decorators:
                    assert source.text[slice(*piece.span(decorator.decorator))] == piece.code(decorator.decorator)

    def test_names_at_any_depth(self) -> None:
        """Every name in a slice stands at its span in the file, nested and indented or not."""
        source = decode(inspect.getsource(ast).encode())
        for function in outlined(source).functions:
            piece = function_slice(source, function)
            names = marked(source, piece, cst.Name)
            assert names
            assert all(name.isidentifier() for name in names)


class TestLayout:
    """What indents and ends lines does not move a span."""

    @pytest.mark.parametrize(
        "code",
        [
            "class A:\n\tdef run(self):\n\t\treturn clock()\n",
            "class A:\r\n    def run(self):\r\n        return clock()\r\n",
            "class A:\r    def run(self):\r        return clock()\r",
            "import a\n\x0c\ndef run():\n    return clock()\n",
            "if a:\n\x0c  def run():\n      return clock()\n",
            "\x0cdef run():\n    return clock()\n",
            "class A:\n   def run(self):\n    return clock()",
            "é = 'ü'\ndef run(): é = 'öä'; return clock()  # ß\n",
            "def run():\n    x = 1\n# a comment at the margin\n    return clock()\n\n\n# the end\n",
            "def run():\n    '''\n  text\n\n    '''\n    return \\\n  clock()\n",
        ],
        ids=[
            "tabs",
            "crlf",
            "cr",
            "form-feed",
            "form-feed-indent",
            "form-feed-def",
            "no-end",
            "unicode",
            "comments",
            "continuation",
        ],
    )
    def test_call_is_found_where_it_stands(self, code: str) -> None:
        """The span of a call is the call, whatever the layout around it."""
        source, piece = sliced(code)
        assert marked(source, piece, cst.Call) == ["clock()"]

    def test_decorators_belong_to_the_slice(self) -> None:
        """A slice starts at the first decorator, though another file line may follow it."""
        source, piece = sliced(
            "class A:\n    @route(\n        '/'\n    )\n\n    # why\n    @timed\n    def run(self): ...\n"
        )
        assert marked(source, piece, cst.Decorator) == ["@route(\n        '/'\n    )", "@timed"]


class TestHeader:
    """The header ends at the colon that ends it."""

    @pytest.mark.parametrize(
        ("code", "expected"),
        [
            ("def run(): return {1: 2}\n", "def run():"),
            ("def run(key=lambda: 1, *, d: dict[str, int] = {1: 2}) -> None:\n    x: int = 1\n", None),
            ("def run(x) -> (lambda: 1):\n    a = b[1:2]\n", "def run(x) -> (lambda: 1):"),
            ("def run(x) -> lambda a: lambda: 1:\n    pass\n", "def run(x) -> lambda a: lambda: 1:"),
            ("async def run(\n    a,  # first: a\n    b: 'x:y',\n):  # why\n    pass\n", None),
            ("@a(lambda x: {x: 1})\ndef run(a=b[1:2]):\n    '''a: b'''\n", "@a(lambda x: {x: 1})\ndef run(a=b[1:2]):"),
            ("def run(a=f'{b:>{c}}', d=f'{{:'):\n    pass\n", "def run(a=f'{b:>{c}}', d=f'{{:'):"),
            ("def \\\n  run(\\\n  ) \\\n :\n    pass\n", "def \\\n  run(\\\n  ) \\\n :"),
        ],
    )
    def test_ends_at_its_own_colon(self, code: str, expected: str | None) -> None:
        """Colons of lambdas, slices, annotations, comments, strings and dictionaries do not end it."""
        wanted = expected if expected is not None else code[: code.rindex(":", 0, code.rindex(")") + 12) + 1]
        found = header(code)
        assert found == wanted or (expected is None and found.endswith(":") and ")" in found.splitlines()[-1])

    def test_costs_nothing_for_the_body(self) -> None:
        """The body is neither parsed nor tokenized: what stands there does not matter."""
        source = SourceText("def run():\n    x = 1\n")
        function = outlined(source).functions[0]
        broken = SourceText("def run():\n    x = $\n")
        assert header_slice(broken, function).node.name.value == "run"


class TestDepth:
    """LibCST recurses in native code, so what is nested too deeply never gets there."""

    @pytest.mark.parametrize(
        "expression",
        [
            "a" + ".b" * 400,
            "+".join(["a"] * 400),
            " or ".join(["a"] * 100_000),
            "not " * 400 + "a",
            "lambda: " * 400 + "1",
            "[x " + "for x in y " * 5_000 + "]",
            "'a' " * 50_000,
        ],
        ids=["attributes", "operators", "or", "not", "lambda", "comprehension", "strings"],
    )
    def test_deep_expression_is_refused(self, expression: str) -> None:
        """A function that would overflow LibCST is a SliceError, also where `ast` keeps it flat."""
        with pytest.raises(SliceError):
            sliced(f"def run():\n    return {expression}\n")

    def test_dotted_import_is_refused(self) -> None:
        """LibCST nests the dots of an import."""
        with pytest.raises(SliceError, match="nested too deeply"):
            sliced(f"def run():\n    import {'.'.join(['a'] * 50_000)}\n")

    def test_what_people_write_is_taken(self) -> None:
        """Long but flat code is no deep code."""
        lines = "".join(f"    x{number} = a.b(c + {number})[0]\n" for number in range(2_000))
        _, piece = sliced(f"def run():\n{lines}    return [{', '.join(['1'] * 5_000)}]\n")
        assert len(piece.node.body.body) == 2_001


def test_newer_syntax_is_sliced_as_written() -> None:
    """A slice holds the original text, also where an older interpreter's `ast` saw blanks in its place."""
    source, piece = sliced("def run[T](x: T) -> T:\n    return f'{'a'}' or clock(x)\n")
    assert marked(source, piece, cst.TypeParameters) == ["[T]"]
    assert marked(source, piece, cst.Call) == ["clock(x)"]


@pytest.mark.parametrize("handler", ["except OSError :", "except (OSError,  ValueError)\t:", "except* OSError \\\n :"])
@pytest.mark.parametrize("indent", ["    ", "\t"])
def test_blanks_before_the_colon_of_a_handler_are_seen(handler: str, indent: str) -> None:
    """LibCST forgets them where no name follows the type, and what stands behind them would be somewhere else."""
    code = f"def run(order):\n\ttry :\n\t\torder.save()\n\t{handler}\n\t\torder.undo()\n\torder.done()\n"
    source, piece = sliced(code.replace("\t\t", indent * 2).replace("\n\t", "\n" + indent))
    assert marked(source, piece, cst.Call) == ["order.save()", "order.undo()", "order.done()"]
