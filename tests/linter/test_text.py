"""Source text: decoding as Python does, and the way between offsets, lines and columns."""

from __future__ import annotations

import ast
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from golden_rules.source.text import SourceText, UndecodableSource, decode

# What ends a line, what looks as if it did, and characters of one to four bytes.
TEXTS = st.text(alphabet="ab é€😀\t\n\r\x0b\x0c\x1c\x85\u2028'#", max_size=40)


class TestDecoding:
    """Bytes are read as Python reads a source file, and written back as they were."""

    @pytest.mark.parametrize(
        ("content", "text", "encoding"),
        [
            (b"", "", "utf-8"),
            ("x = 'é'\n".encode(), "x = 'é'\n", "utf-8"),
            (b"\xef\xbb\xbfx = 1\n", "x = 1\n", "utf-8"),
            (b"\xef\xbb\xbf# coding: utf-8\n", "# coding: utf-8\n", "utf-8"),
            (b"# coding: latin-1\nx = '\xe9'\n", "# coding: latin-1\nx = 'é'\n", "iso-8859-1"),
            (
                b"#!/bin/python\n# -*- coding: cp1251 -*-\n# \xe9\n",
                "#!/bin/python\n# -*- coding: cp1251 -*-\n# й\n",
                "cp1251",
            ),
            (b"# coding: latin-1\r# \xe9\r", "# coding: latin-1\r# é\r", "iso-8859-1"),
            (b"#!x\r\n# coding: latin-1\r\n# \xe9\r\n", "#!x\r\n# coding: latin-1\r\n# é\r\n", "iso-8859-1"),
            ("# coding: latin-1\nx = 'é'\n".encode(), "# coding: latin-1\nx = 'Ã©'\n", "iso-8859-1"),
            ("\n\n# coding: latin-1\n# é".encode(), "\n\n# coding: latin-1\n# é", "utf-8"),
        ],
    )
    def test_reads_and_writes_back(self, content: bytes, text: str, encoding: str) -> None:
        """By the byte order mark, the cookie in the first two lines, or as UTF-8."""
        source = decode(content)
        assert (source.text, source.encoding) == (text, encoding)
        assert source.encode(source.text) == content

    @pytest.mark.parametrize(
        ("content", "message", "line"),
        [
            (b"x = 1\ny = 2\nz = '\xe9'\n", "the file is not valid utf-8", 3),
            (b"# coding: ascii\nx = '\xe9'\n", "the file is not valid ascii", 2),
            (b"# coding: nonsense\n", "unknown encoding: nonsense", 1),
            (b"'\xe9'\n", "invalid or missing encoding declaration", 1),
            (b"# coding: utf-16\nx\n", "the file is not valid utf-16", 2),
            (b"# coding: utf-7\n'+AGE-'\n", "`utf-7` is no encoding for source files", 1),
            (b"# coding: undefined\nx\n", "the file is not valid undefined", 1),
            (b"# coding: rot13\nx\n", "the file is not valid rot13", 1),
        ],
    )
    def test_says_where_it_fails(self, content: bytes, message: str, line: int) -> None:
        """One clause and the line, for a cookie that is wrong and bytes that do not fit."""
        with pytest.raises(UndecodableSource, match=re.escape(message)) as caught:
            decode(content)
        assert caught.value.line == line

    @given(st.binary(max_size=60))
    def test_any_bytes(self, content: bytes) -> None:
        """Any bytes decode to a text that encodes to the same bytes, or are refused."""
        try:
            source = decode(content)
        except UndecodableSource:
            return
        assert source.encode(source.text) == content

    def test_text_that_the_encoding_lacks(self) -> None:
        """What cannot be written is an error, not a question mark."""
        with pytest.raises(UnicodeEncodeError):
            decode(b"# coding: latin-1\n").encode("€")


class TestPlaces:
    """Lines end where Python ends them, and nowhere else."""

    @given(TEXTS)
    def test_lines_are_pythons(self, text: str) -> None:
        """At line feeds, carriage returns and both together; form feeds and Unicode separators end none."""
        source = SourceText(text)
        expected = re.split(r"\r\n|\r|\n", text)
        if not expected[-1]:
            expected.pop()
        assert [source.line(number) for number in range(1, source.line_count + 1)] == expected

    @given(TEXTS)
    def test_position_and_offset_are_inverse(self, text: str) -> None:
        """Each offset has a line and a column, which lead back to it, by characters and by bytes."""
        source = SourceText(text)
        for offset in range(len(text) + 1):
            line, column = source.position(offset)
            start = source.line_start(line)
            assert start + column - 1 == offset
            if offset <= source.line_end(line):
                assert source.offset(line, len(text[start:offset].encode())) == offset

    @given(TEXTS)
    def test_text_to_parse_has_the_same_offsets(self, text: str) -> None:
        """Lone carriage returns become line feeds; nothing else changes, and nothing moves."""
        parseable = SourceText(text).parseable
        assert len(parseable) == len(text)
        assert all(new == old or (old, new) == ("\r", "\n") for old, new in zip(text, parseable, strict=True))
        assert not re.search(r"\r(?!\n)", parseable)

    def test_names_stand_where_ast_says(self) -> None:
        """Byte columns of `ast` lead to characters, behind wide ones, form feeds and tabs."""
        text = "é = '😀'; name = 1\n\x0c\nif é:\n\t'€€'; name = 2\rname\r\nx = name\n"
        source = SourceText(text)
        names = [
            node for node in ast.walk(ast.parse(source.parseable)) if isinstance(node, ast.Name) and node.id == "name"
        ]
        assert len(names) == 4
        for node in names:
            start = source.offset(node.lineno, node.col_offset)
            assert text[start : source.offset(node.end_lineno or 0, node.end_col_offset or 0)] == "name"

    @pytest.mark.parametrize(
        ("text", "newline"), [("", "\n"), ("a", "\n"), ("a\r\nb\n", "\r\n"), ("a\rb", "\r"), ("a\nb\r\n", "\n")]
    )
    def test_inserted_lines_end_like_the_first(self, text: str, newline: str) -> None:
        """The first line end of the file is the one that new lines get."""
        assert SourceText(text).newline == newline
