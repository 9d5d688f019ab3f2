"""The decoded text of one file, and the way between offsets, lines and columns."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import accumulate, chain

# What Python's tokenizer ends a line at. `str.splitlines` also splits at form feeds and Unicode separators.
_LINE_END = re.compile(r"\r\n|\r|\n")
_ANY_LINE_END = re.compile(rb"\r\n?")
_LONE_CARRIAGE_RETURN = re.compile(r"\r(?!\n)")
_BOM = "\ufeff"


class UndecodableSource(Exception):
    """The bytes of a file are no Python source text.

    Attributes:
        line: The line (from 1) where decoding stopped.
    """

    def __init__(self, message: str, line: int) -> None:
        super().__init__(message)
        self.line = line


@dataclass(frozen=True, slots=True)
class SourceText:
    """A file's text as Python reads it, with what is needed to write it back unchanged.

    Attributes:
        text: The decoded text without a byte order mark, its line ends as they are in the file.
        encoding: The encoding it was read with, for `encode`.
        bom: Whether a UTF-8 byte order mark preceded the text.
        parseable: The text with lone carriage returns as line feeds, which LibCST needs; every offset stays.
    """

    text: str
    encoding: str = "utf-8"
    bom: bool = False
    parseable: str = field(init=False, repr=False, compare=False)
    _starts: list[int] = field(init=False, repr=False, compare=False)
    _ascii: bool = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        alike = "\r" not in self.text
        object.__setattr__(self, "parseable", self.text if alike else _LONE_CARRIAGE_RETURN.sub("\n", self.text))
        object.__setattr__(self, "_starts", [])
        object.__setattr__(self, "_ascii", self.text.isascii())

    @property
    def _line_starts(self) -> list[int]:
        # Looked up when they are asked for first: of most files nothing is said.
        if not self._starts:
            self._starts.extend(_line_starts(self.text))
        return self._starts

    @property
    def newline(self) -> str:
        """The line end that inserted lines get: that of the first line."""
        match = _LINE_END.search(self.text)
        return match.group() if match else "\n"

    @property
    def line_count(self) -> int:
        """The number of lines, a last one without a line end included."""
        ends = len(self._line_starts) - 1 if "\r" in self.text else self.text.count("\n")
        return ends + (self.text[-1:] not in ("", "\n", "\r"))

    def line_start(self, line: int) -> int:
        """Return the offset of the first character of a line (from 1), and the end of the text for lines after the last."""
        return self._line_starts[line - 1] if line <= len(self._line_starts) else len(self.text)

    def line_end(self, line: int) -> int:
        """Return the offset after the last character of a line (from 1), its line end left out."""
        end = self._line_starts[line] if line < len(self._line_starts) else len(self.text)
        start = self._line_starts[line - 1]
        while end > start and self.text[end - 1] in "\r\n":
            end -= 1
        return end

    def line(self, line: int) -> str:
        """Return the text of a line (from 1) without its line end."""
        return self.text[self.line_start(line) : self.line_end(line)]

    def offset(self, line: int, byte_column: int) -> int:
        """Return the offset of a place that `ast` names by line (from 1) and UTF-8 byte column (from 0)."""
        start = self.line_start(line)
        if self._ascii:
            return start + byte_column
        return start + len(self.line(line).encode()[:byte_column].decode(errors="ignore"))

    def span(self, node: ast.expr | ast.stmt | ast.alias) -> tuple[int, int]:
        """Return the offsets of the first character of a node of `ast` and of the one after its last."""
        end = self.offset(node.end_lineno or node.lineno, node.end_col_offset or 0)
        return self.offset(node.lineno, node.col_offset), end

    def code(self, node: ast.expr | ast.stmt) -> str:
        """Return the text of a node of `ast`: `ast.get_source_segment` splits the whole file into lines for each."""
        return self.parseable[slice(*self.span(node))]

    def position(self, offset: int) -> tuple[int, int]:
        """Return the line and column of an offset, both from 1, the column in characters."""
        line = bisect_right(self._line_starts, offset)
        return line, offset - self._line_starts[line - 1] + 1

    def encode(self, text: str) -> bytes:
        """Return the bytes of a text in this file's encoding and with its byte order mark.

        Raises:
            UnicodeEncodeError: The encoding cannot express the text.
        """
        return (_BOM + text if self.bom else text).encode(self.encoding)


def _line_starts(text: str) -> Iterator[int]:
    if "\r" in text:
        return chain((0,), (match.end() for match in _LINE_END.finditer(text)))
    # Splitting and adding lengths is six times as fast as a regular expression's matches.
    return accumulate([len(line) + 1 for line in text.split("\n")[:-1]], initial=0)


def matches_at(pattern: re.Pattern[str], heads: Iterable[str], text: str) -> bool:
    """Whether a pattern is found in a text by one of its heads, see `matches_of`."""
    return any(True for _ in matches_of(pattern, heads, text))


def matches_of(pattern: re.Pattern[str], heads: Iterable[str], text: str) -> Iterator[re.Match[str]]:
    """Yield the matches of a pattern in a text, head by head, several times as fast as `pattern.finditer` does.

    Each match has to start with one of the `heads`, plain texts, which `str.find` looks for at ten times the speed.
    """
    for head in heads:
        at = text.find(head)
        while at >= 0:
            if match := pattern.match(text, at):
                yield match
            at = text.find(head, at + 1)


def count_word(text: str, word: str) -> int:
    """Return how often a word stands in a text by itself, several times as fast as `re.findall` tells."""
    found = 0
    at = text.find(word)
    while at >= 0:
        end = at + len(word)
        if not (is_in_word(text[at - 1 : at]) or is_in_word(text[end : end + 1])):
            found += 1
        at = text.find(word, end)
    return found


def is_in_word(character: str) -> bool:
    """Whether a character goes on with a name, or with a number."""
    return character.isalnum() or character == "_"


def decode(source: bytes) -> SourceText:
    """Decode a file as Python does: by its byte order mark, its coding cookie, or as UTF-8.

    Raises:
        UndecodableSource: The cookie is unknown, or the bytes do not fit the encoding.
    """
    try:
        text = source.decode("utf-8")
    except UnicodeDecodeError:
        return _decode_by_cookie(source)
    if text.startswith(_BOM):
        return SourceText(text[1:], "utf-8", bom=True)
    if b"coding" in source[:1024]:
        return _decode_by_cookie(source)
    return SourceText(text)


def encoded(text: str) -> bytes:
    """Return the bytes that a text is read from, as an editor would save it: by its coding cookie, or as UTF-8."""
    plain = text.encode(errors="replace")
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(_ANY_LINE_END.sub(b"\n", plain)).readline)
        return plain if encoding.startswith("utf-8") else text.encode(encoding)
    except (SyntaxError, LookupError, UnicodeEncodeError):
        return plain


def _decode_by_cookie(source: bytes) -> SourceText:
    try:
        # A lone carriage return ends a line for Python, but not for the reader of bytes.
        encoding, _ = tokenize.detect_encoding(io.BytesIO(_ANY_LINE_END.sub(b"\n", source)).readline)
    except SyntaxError as error:
        raise UndecodableSource(_sentence(str(error)), _undecodable_line(source)) from error
    try:
        text = source.decode(encoding)
        unchanged = text.encode(encoding) == source
    except (UnicodeError, LookupError) as error:
        line = source.count(b"\n", 0, error.start) + 1 if isinstance(error, UnicodeDecodeError) else 1
        raise UndecodableSource(f"the file is not valid {encoding}", line) from error
    if not unchanged:
        # UTF-16 and the like, which Python does not accept as a source encoding either.
        raise UndecodableSource(f"`{encoding}` is no encoding for source files", 1)
    bom = text.startswith(_BOM)
    # `utf-8-sig` would write the mark again by itself.
    return SourceText(text.removeprefix(_BOM), encoding.replace("utf-8-sig", "utf-8"), bom=bom)


def _undecodable_line(source: bytes) -> int:
    for number, line in enumerate(source.split(b"\n"), 1):
        try:
            line.decode("utf-8")
        except UnicodeDecodeError:
            return number
    return 1


def _sentence(message: str) -> str:
    return message.replace("for '<file>'", "").strip()
