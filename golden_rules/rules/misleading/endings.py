"""Where statements end: what runs after them, and whether anything does."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import libcst as cst

from golden_rules.source.body import Body

AnyTry = cst.Try | cst.TryStar


def statements_after(body: Body, statement: AnyTry | cst.With) -> list[cst.CSTNode] | None:
    """Return the statements that run once a `try` or `with` statement is done; a loop around it is one of them.

    Returns `None` in a handler or a `finally`, which are no main work.
    """
    after: list[cst.CSTNode] = []
    current: cst.CSTNode = statement
    for holder in body.ancestors(statement):
        match holder:
            case cst.ExceptHandler() | cst.ExceptStarHandler() | cst.Finally():
                return None
            case cst.IndentedBlock():
                at = next(index for index, child in enumerate(holder.body) if child is current)
                after += holder.body[at + 1 :]
            case cst.For() | cst.While():
                after.append(holder)
            case cst.Try(orelse=cst.Else() as orelse) | cst.TryStar(orelse=cst.Else() as orelse):
                if holder.body is current:
                    after.append(orelse)
            case _:
                pass
        current = holder
    return after


def statements_of(block: cst.BaseSuite) -> list[cst.CSTNode]:
    """Return the statements of a block, those that share a line apart."""
    found: list[cst.CSTNode] = []
    for statement in block.body:
        found += statement.body if isinstance(statement, cst.SimpleStatementLine) else [statement]
    return found


def completes(statements: Sequence[cst.CSTNode]) -> bool:
    """Whether the code after some statements may be reached through them."""
    return not any(
        isinstance(node, cst.Return | cst.Raise | cst.Continue | cst.Break)
        or any(not completes(block) for block in _whole(node))
        for node in statements
    )


def always_returns(statements: Sequence[cst.CSTNode]) -> bool:
    """Whether statements that do not complete always end in a `return`."""
    return not any(isinstance(part, cst.Continue | cst.Break) for node in statements for part in nodes_of(node))


def _whole(node: cst.CSTNode) -> Iterator[list[cst.CSTNode]]:
    """Yield the blocks of a statement of which one certainly runs to its end where it completes."""
    match node:
        case cst.If(orelse=cst.Else() as orelse):
            both = [statements_of(node.body), statements_of(orelse.body)]
            yield [] if any(map(completes, both)) else both[0]
        case cst.With():
            yield statements_of(node.body)
        case _:
            pass


def nodes_within(body: Body, node: cst.CSTNode) -> list[cst.CSTNode]:
    """Return the nodes below a node, in order; they follow it without a gap."""
    found = []
    for other in body.nodes[body.order(node) + 1 :]:
        if not any(holder is node for holder in body.ancestors(other)):
            break
        found.append(other)
    return found


def nodes_of(node: cst.CSTNode) -> Iterator[cst.CSTNode]:
    """Yield a node and all nodes below it, those of nested functions too, in no particular order."""
    waiting = [node]
    while waiting:
        current = waiting.pop()
        yield current
        waiting.extend(current.children)
