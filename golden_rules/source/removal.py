"""Taking whole statements out of a file, with the blank lines that they alone needed."""

from __future__ import annotations

import ast

from golden_rules.findings import Edit
from golden_rules.source.text import SourceText


def stands_alone(source: SourceText, item: ast.stmt) -> bool:
    """Whether no other statement, and no comment, shares a line with this one."""
    start = source.offset(item.lineno, item.col_offset)
    end = source.offset(item.end_lineno or item.lineno, item.end_col_offset or 0)
    first, last = item.lineno, item.end_lineno or item.lineno
    return not (source.text[source.line_start(first) : start] + source.text[end : source.line_end(last)]).strip()


def without_lines(source: SourceText, item: ast.stmt, *, is_first: bool = False) -> Edit:
    """Return the edit that takes out the lines of a statement; where that joins two runs of blank lines, the shorter goes too."""
    first, last = item.lineno, item.end_lineno or item.lineno
    above = below = 0
    while first - above > 1 and not source.line(first - above - 1).strip():
        above += 1
    while last + below < source.line_count and not source.line(last + below + 1).strip():
        below += 1
    if below and (is_first or (above and below <= above)):
        last += below
    elif below and above:
        first -= above
    return Edit(source.line_start(first), source.line_start(last + 1), "")
