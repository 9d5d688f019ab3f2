"""The LibCST node at the place of an `ast` node, which confirms what the outline found."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from golden_rules.source.body import read_body

if TYPE_CHECKING:
    import libcst as cst

    from golden_rules.source.slices import Slice
    from golden_rules.source.text import SourceText


def statement_span(
    source: SourceText, piece: Slice[cst.FunctionDef], node: ast.expr | ast.stmt
) -> tuple[int, int] | None:
    """Return the file offsets of an expression or small statement of a function; `None` where LibCST has none there."""
    start = source.offset(node.lineno, node.col_offset)
    end = source.offset(node.end_lineno or node.lineno, node.end_col_offset or 0)
    for candidate in read_body(piece.node).nodes:
        if piece.span(candidate) == (start, end):
            return start, end
    return None
