"""The header of a function or class in its file: where its name stands, and where the body begins."""

from __future__ import annotations

import io
import re
import tokenize

from golden_rules.source.outline import Class, Function
from golden_rules.source.syntax import SliceError
from golden_rules.source.text import SourceText

_KEYWORD = re.compile(r"(async[\s\\]+)?(def|class)[\s\\]+")


def name_span(source: SourceText, around: Class | Function) -> tuple[int, int]:
    """Return the file offsets of the name in the statement that defines a class or function."""
    head = source.offset(around.node.lineno, around.node.col_offset)
    keyword = _KEYWORD.match(source.text, head)
    start = keyword.end() if keyword else head
    return start, start + len(around.name)


def header_length(text: str) -> int:
    """Return the length of `def name(...) -> x:`, up to its colon: not a lambda's, a slice's or an annotation's.

    Only the header is tokenized, as the tokens come one by one.

    Raises:
        SliceError: The text is no such statement.
    """
    nesting = lambdas = 0
    starts = SourceText(text)
    try:
        for token in tokenize.generate_tokens(io.StringIO(text, newline="").readline):
            if token.type == tokenize.NAME and token.string == "lambda":
                # One in brackets has its colon there.
                lambdas += not nesting
            elif token.type != tokenize.OP:
                continue
            elif token.string in "([{":
                nesting += 1
            elif token.string in ")]}":
                nesting -= 1
            elif token.string == ":" and not nesting:
                if not lambdas:
                    return starts.line_start(token.end[0]) + token.end[1]
                lambdas -= 1
    except (tokenize.TokenError, SyntaxError) as error:
        raise SliceError("its header cannot be told from its body") from error
    raise SliceError("its header has no end")
