"""Pieces of a file, parsed alone by LibCST, with the place of every node in the file.

LibCST parses 18 thousand lines a second, so only what a rule wants to see is parsed: a function, or its header. Spans are
read from LibCST's code generator, which costs a third of the parse, where its position metadata costs twice the parse.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Generic, TypeVar

import libcst as cst
from libcst._nodes.internal import CodegenState  # not public; tests/linter/test_slices.py holds the contract

from golden_rules.source.headers import header_length
from golden_rules.source.outline import Class, Function
from golden_rules.source.syntax import SliceError
from golden_rules.source.text import SourceText
from golden_rules.source.trees import children

__all__ = [
    "MAX_DEPTH",
    "Slice",
    "SliceError",
    "class_slice",
    "function_slice",
    "header_slice",
    "spans_of",
]

# LibCST recurses in native code and its code generator in Python: some 2,000 levels end the process, 400 the generator.
MAX_DEPTH = 300
_NESTING_PREFIX = "if True:\n"
_BLANKS = re.compile(r"(?:[ \t\f]|\\\r?\n)*")

N_co = TypeVar("N_co", bound=cst.CSTNode, covariant=True)


@dataclass(eq=False)
class Slice(Generic[N_co]):
    """A function, class or other statement as LibCST sees it.

    Attributes:
        node: The statement.
        start: The file offset of the slice's first character.
        end: The file offset after its last.
    """

    module: cst.Module
    node: N_co
    start: int
    end: int
    _shift: int
    _text: str
    _spans: dict[int, tuple[int, int]] | None = None

    def span(self, node: cst.CSTNode) -> tuple[int, int]:
        """Return the file offsets of a node's first character and of the one after its last.

        Raises:
            SliceError: LibCST does not give the source back unchanged, so that no offset can be trusted.
        """
        if self._spans is None:
            self._spans = spans_of(self.module, self._text)
        start, end = self._spans[id(node)]
        return start + self._shift, end + self._shift

    def code(self, node: cst.CSTNode) -> str:
        """Return a node's source text."""
        return self.module.code_for_node(node)


def function_slice(source: SourceText, function: Function) -> Slice[cst.FunctionDef]:
    """Parse a whole function, decorators included.

    Raises:
        SliceError: LibCST cannot take it.
    """
    return _of_kind(cst.FunctionDef, _statement(source, function.node, function.start_line))


def class_slice(source: SourceText, owner: Class) -> Slice[cst.ClassDef]:
    """Parse a whole class, decorators included.

    Raises:
        SliceError: LibCST cannot take it.
    """
    return _of_kind(cst.ClassDef, _statement(source, owner.node, owner.start_line))


def header_slice(source: SourceText, function: Function) -> Slice[cst.FunctionDef]:
    """Parse a function's decorators and signature with an empty body, which costs the same for any length of body.

    Raises:
        SliceError: LibCST cannot take it.
    """
    start = _statement_start(source, function.start_line)
    def_start = source.line_start(function.line)
    end = def_start + header_length(source.parseable[def_start : source.line_end(function.end_line)])
    node = function.node
    parts = (
        *node.decorator_list,
        node.args,
        *([node.returns] if node.returns else ()),
        *getattr(node, "type_params", ()),
    )
    return _of_kind(cst.FunctionDef, _parse(source, parts, start, end, source.parseable[start:end] + " ...\n"))


def _statement(source: SourceText, node: ast.stmt, start_line: int) -> Slice[cst.BaseStatement]:
    start = _statement_start(source, start_line)
    end = source.line_end(node.end_lineno or node.lineno)
    return _parse(source, (node,), start, end, source.parseable[start:end] + "\n")


def _statement_start(source: SourceText, line: int) -> int:
    """Return where a line starts for LibCST, which does not take up the indent anew at a form feed as Python does."""
    text = source.line(line)
    indent = text[: len(text) - len(text.lstrip())]
    return source.line_start(line) + indent.rfind("\f") + 1


def _parse(source: SourceText, trees: Sequence[ast.AST], start: int, end: int, text: str) -> Slice[cst.BaseStatement]:
    # No level takes less than a character.
    if len(text) > MAX_DEPTH and any(depth(tree) > MAX_DEPTH for tree in trees):
        raise SliceError("it is nested too deeply")
    indented = text[0] in " \t"
    prefix = _NESTING_PREFIX if indented else ""
    config = cst.PartialParserConfig(default_newline=source.newline if source.newline != "\r" else "\n")
    try:
        module = cst.parse_module(prefix + text, config)
    except cst.ParserSyntaxError as error:
        raise SliceError(f"LibCST reports: {error.message}") from error
    except cst.CSTValidationError as error:
        raise SliceError(f"LibCST reports: {error}") from error
    except RecursionError as error:
        raise SliceError("it is nested too deeply") from error
    body: cst.CSTNode = module.body[0]
    if indented and isinstance(body, cst.If):
        body = body.body.body[0]
    if not isinstance(body, cst.BaseStatement):
        raise SliceError("its first line holds no statement")
    return Slice(module, body, start, end, start - len(prefix), prefix + text)


K = TypeVar("K", bound=cst.BaseStatement)


def _of_kind(kind: type[K], piece: Slice[cst.BaseStatement]) -> Slice[K]:
    if not isinstance(piece.node, kind):
        raise SliceError("its first line holds more than itself")
    return Slice(piece.module, piece.node, piece.start, piece.end, piece._shift, piece._text)


def depth(node: ast.AST) -> int:
    """Return how many levels of LibCST's nodes stand below a node at most, as nearly as `ast` tells.

    LibCST nests what `ast` keeps in one list: `a or b or c`, `import a.b.c`, and the clauses of a comprehension. Level by
    level, at a quarter of the cost of carrying each node's own depth along.
    """
    levels = 0
    nodes = [node]
    while nodes:
        levels += 1 + max(
            (len(getattr(below, _LISTED[kind])) for below in nodes if (kind := type(below)) in _LISTED), default=0
        )
        levels += max((_dots(below) for below in nodes if type(below) in _DOTTED), default=0)
        nodes = [below for above in nodes for below in children(above)]
    return levels


_LISTED: dict[type[ast.AST], str] = {
    ast.BoolOp: "values",
    **dict.fromkeys((ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp), "generators"),
}
_DOTTED = frozenset({ast.alias, ast.ImportFrom})


def _dots(node: ast.AST) -> int:
    name = node.name if isinstance(node, ast.alias) else getattr(node, "module", None)
    return (name or "").count(".")


class _SpanRecorder(CodegenState):
    """A code generator's state that notes where each node's text starts and ends.

    A node's own span leaves out the whitespace it owns where LibCST records a syntactic position.
    """

    def __init__(self, module: cst.Module, text: str) -> None:
        super().__init__(module.default_indent, module.default_newline)
        self.text = text
        self.position = 0
        self.spans: dict[int, tuple[int, int]] = {}
        self._open: list[int] = []

    def add_indent_tokens(self) -> None:
        self.tokens.extend(self.indent_tokens)
        self.position += sum(map(len, self.indent_tokens))

    def add_token(self, value: str) -> None:
        if value == ":" and not self.text.startswith(":", self.position):
            # LibCST forgets the blanks of `except OSError :`, where no name follows the type.
            value = f"{_BLANKS.match(self.text, self.position)[0]}:"  # type: ignore[index]  # it matches anywhere
        self.tokens.append(value)
        self.position += len(value)

    def before_codegen(self, node: cst.CSTNode) -> None:  # noqa: ARG002  (LibCST's hook)
        self._open.append(self.position)

    def after_codegen(self, node: cst.CSTNode) -> None:
        self.spans.setdefault(id(node), (self._open.pop(), self.position))

    @contextmanager
    def record_syntactic_position(
        self,
        node: cst.CSTNode,
        *,
        start_node: cst.CSTNode | None = None,
        end_node: cst.CSTNode | None = None,
    ) -> Iterator[None]:
        start = self.position
        yield
        if start_node is not None:
            start = self.spans[id(start_node)][0]
        end = self.position if end_node is None else self.spans[id(end_node)][1]
        self.spans[id(node)] = (start, end)


def spans_of(module: cst.Module, text: str) -> dict[int, tuple[int, int]]:
    """Return the offsets in the module's code of each node, by the node's `id`.

    Raises:
        SliceError: The code is not the text that it was parsed from.
    """
    recorder = _SpanRecorder(module, text)
    try:
        module._codegen(recorder)  # the hook that LibCST's own position providers use
    except cst.CSTValidationError as error:
        raise SliceError(f"LibCST reports: {error}") from error
    if "".join(recorder.tokens) != text:
        raise SliceError("LibCST does not give it back unchanged")
    return recorder.spans
