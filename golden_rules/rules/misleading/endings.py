"""Where statements end: what runs after them, and whether anything does."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

from golden_rules.source.own_code import OwnCode
from golden_rules.source.trees import AnyLoop, AnyTry, AnyWith, walk

_BLOCKS = ("body", "orelse", "finalbody")


def statements_after(code: OwnCode, statement: ast.stmt) -> list[ast.stmt] | None:
    """Return the statements that run once a `try` or `with` statement is done; a loop around it is one of them.

    Returns `None` in a handler or a `finally`, which are no main work.
    """
    after: list[ast.stmt] = []
    current: ast.AST = statement
    for holder in code.holders(statement):
        if isinstance(holder, ast.ExceptHandler) or (isinstance(holder, AnyTry) and current in holder.finalbody):
            return None
        block = _block_of(holder, current)
        after += block[block.index(current) + 1 :] if isinstance(current, ast.stmt) and block else []
        if isinstance(holder, AnyLoop):
            after.append(holder)
        elif isinstance(holder, AnyTry) and block is holder.body:
            after += holder.orelse
        current = holder
    return after


def _block_of(holder: ast.AST, statement: ast.AST) -> list[ast.stmt]:
    """Return the block of what holds a statement that it stands in; an empty one where it is no statement of a block."""
    blocks: Iterator[list[ast.stmt]] = (getattr(holder, name, []) for name in _BLOCKS)
    return next((block for block in blocks if isinstance(block, list) and statement in block), [])


def completes(statements: Sequence[ast.stmt]) -> bool:
    """Whether the code after some statements may be reached through them."""
    return not any(
        isinstance(node, ast.Return | ast.Raise | ast.Continue | ast.Break)
        or any(not completes(block) for block in _whole(node))
        for node in statements
    )


def always_returns(statements: Sequence[ast.stmt]) -> bool:
    """Whether statements that do not complete always end in a `return`."""
    return not any(isinstance(part, ast.Continue | ast.Break) for node in statements for part in walk(node))


def _whole(node: ast.stmt) -> Iterator[list[ast.stmt]]:
    """Yield the blocks of a statement of which one certainly runs to its end where it completes."""
    if isinstance(node, ast.If) and node.orelse and not _has_elif(node):
        yield [] if completes(node.body) or completes(node.orelse) else node.body
    elif isinstance(node, AnyWith):
        yield node.body


def _has_elif(node: ast.If) -> bool:
    """Whether an `elif` follows, which `ast` keeps as an `if` in an `else`; that it stands below the `if` itself tells."""
    first = node.orelse[0]
    return isinstance(first, ast.If) and first.col_offset == node.col_offset
