"""From text to `ast`, also where the running interpreter is older than the syntax.

`ast` knows the syntax of the interpreter it comes with; LibCST knows that of later ones too. Where `ast` fails and
LibCST does not, what is new is blanked, character by character, so that `ast` can read the rest and every offset holds.
"""

from __future__ import annotations

import ast
import re
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from golden_rules.source.syntax import parsed
from golden_rules.source.text import SourceText

# LibCST ends the process at some 3,000 nested brackets or operators on a stack of eight megabytes, takes time and memory
# by the square of their number, and its code generator gives up at some 400.
_MAX_NESTING = 300
_MAX_ELIFS = 1000
_DEEP_STACK = 256 * 1024 * 1024
# What the nesting of expressions is counted by. Strings are one step, but for f-strings, which hold expressions.
_STEP = re.compile(
    r"""
    (?P<skip> \#[^\r\n]* | \\(?:\r\n|.) )
    | (?P<open> [\[({] ) | (?P<close> [\])}] ) | (?P<comma> , ) | (?P<newline> [\r\n] )
    | (?P<step>
        (?<![fFtT]) (?<![fFtT][rR]) (?: \"""(?s:\\.|(?!\""").)*\""" | \'\'\'(?s:\\.|(?!\'\'\').)*\'\'\'
            | "(?:\\.|[^"\\\r\n])*" | '(?:\\.|[^'\\\r\n])*' )
        | ["'] | [-+*/%@&|^~.] | \b(?:not|and|or|if|for|lambda|await)\b
    )
    """,
    re.VERBOSE | re.DOTALL,
)

TOO_DEEP = "too deeply nested to parse"


class Unparseable(Exception):
    """The text is no Python.

    Attributes:
        line: The line (from 1) that the parser stopped at.
        column: The column (from 1), in characters.
    """

    def __init__(self, message: str, line: int, column: int) -> None:
        super().__init__(message)
        self.line = line
        self.column = column


def parse(source: SourceText) -> ast.Module:
    """Parse a file's text.

    Raises:
        Unparseable: Neither the running interpreter nor LibCST can parse it.
    """
    text = source.parseable
    if (null := text.find("\0")) >= 0:
        raise Unparseable("source code cannot contain null bytes", *source.position(null))
    try:
        return parsed(text)
    except SyntaxError as error:
        failure = _failure(source, error)
    except UnicodeEncodeError as error:
        raise Unparseable("source code cannot contain surrogates", *source.position(error.start)) from error
    except (RecursionError, MemoryError) as error:
        raise Unparseable(TOO_DEEP, 1, 1) from error
    older = _without_new_syntax(text)
    if older is None:
        raise failure
    try:
        return parsed(older)
    except (SyntaxError, RecursionError, MemoryError):
        raise failure from None


def _failure(source: SourceText, error: SyntaxError) -> Unparseable:
    line = min(max(error.lineno or 1, 1), max(source.line_count, 1))
    column = max(error.offset or 1, 1)
    return Unparseable(error.msg.split(" (<unknown>")[0], line, min(column, len(source.line(line)) + 1))


def _without_new_syntax(text: str) -> str | None:
    """Return the text with newer syntax blanked, or `None` where LibCST cannot or must not parse it."""
    if text.count("elif") > _MAX_ELIFS or _nests_deeper(text, _MAX_NESTING):
        return None
    from golden_rules.source.newer_syntax import without_newer_syntax

    return _on_deep_stack(lambda: without_newer_syntax(text))


def _nests_deeper(text: str, limit: int) -> bool:
    """Tell whether an expression may nest deeper, brackets and operators (`a.b.c`, `not not a`) counted alike."""
    # Steps so far in each open bracket, in the last of its items.
    steps = [0]
    for match in _STEP.finditer(text):
        match match.lastgroup:
            case "open":
                steps[-1] += 1
                steps.append(0)
            case "close" if len(steps) > 1:
                steps.pop()
            case "comma":
                steps[-1] = 0
            case "newline" if len(steps) == 1:
                steps[-1] = 0
            case "step":
                steps[-1] += 1
            case _:
                continue
        if sum(steps) > limit:
            return True
    return False


def _on_deep_stack(work: Callable[[], str | None]) -> str | None:
    """Run work on a thread whose stack is deep enough for LibCST's recursion on whole files."""
    previous = threading.stack_size(_DEEP_STACK)
    try:
        with ThreadPoolExecutor(max_workers=1) as executor:
            return executor.submit(work).result()
    finally:
        threading.stack_size(previous)
