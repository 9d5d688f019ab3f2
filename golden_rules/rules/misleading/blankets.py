"""What drops exceptions without a handler: `with suppress(Exception)` around the work, and `return` in `finally`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import libcst as cst

from golden_rules.rules.misleading.endings import AnyTry, completes, nodes_within, statements_after, statements_of
from golden_rules.rules.misleading.handlers import AnyHandler, is_broad, kinds, stands_for_all
from golden_rules.rules.misleading.work import is_main, nothing_comes, share
from golden_rules.source.body import Body, dotted

_SUPPRESS = "contextlib.suppress"


@dataclass(frozen=True, slots=True, eq=False)
class Blanket:
    """What drops every exception of a function's main work, and has no place for `mark_failure(error)`.

    Attributes:
        node: The call of `suppress`, or the `return`.
        shown: What it is, in words, after "`pay` counts as a success:".
        remedy: What to do instead.
        no_fix: Why no fix does that, in words.
        is_told: Whether a handler that catches the rest could call `mark_failure`.
    """

    node: cst.CSTNode
    shown: str
    remedy: str
    no_fix: str
    is_told: bool


def blankets(body: Body, meaning: Callable[[str], str]) -> Iterator[Blanket]:
    """Yield what drops the exceptions of a function's main work, in order of the source."""
    for node in body.nodes:
        if isinstance(node, cst.With):
            yield from _suppressing(body, node, meaning)
        elif isinstance(node, AnyTry):
            yield from _returning(body, node)


def _suppressing(body: Body, block: cst.With, meaning: Callable[[str], str]) -> Iterator[Blanket]:
    calls = [item.item for item in block.items if isinstance(item.item, cst.Call)]
    call = next((call for call in calls if meaning(dotted(call.func)) == _SUPPRESS), None)
    after = statements_after(body, block)
    if call is None or after is None or not nothing_comes(body, block.body, after):
        return
    found = share(body, block.body)
    dropped = [dotted(arg.value) for arg in call.args if not arg.star]
    everything = any(map(is_broad, dropped)) and is_main(body, block.body, found)
    if everything or (any(stands_for_all(name, meaning) for name in dropped) and found.inside and not found.outside):
        shown = " ".join(cst.Module([]).code_for_node(call).split())
        yield Blanket(
            call,
            f"`with {shown}` drops them",
            "suppress only what is an ordinary outcome",
            "nothing in the code tells which exceptions are one",
            is_told=True,
        )


def _returning(body: Body, statement: AnyTry) -> Iterator[Blanket]:
    final = statement.finalbody
    if final is None or statements_after(body, statement) is None:
        return
    # Where a handler catches everything for good, nothing is left for `finally` to drop.
    if any(_keeps(body, handler) for handler in statement.handlers):
        return
    statements = statements_of(final.body)
    returns = next((node for node in statements if isinstance(node, cst.Return)), None)
    if returns is None or completes(statements) or not share(body, statement.body, statement.orelse).inside:
        return
    yield Blanket(
        returns,
        "the `return` in `finally` drops them",
        "return after the `try` statement instead",
        "the callers would get exceptions that they have not met before",
        is_told=False,
    )


def _keeps(body: Body, handler: AnyHandler) -> bool:
    """Whether a handler catches everything and raises nothing."""
    return any(map(is_broad, kinds(handler))) and not any(
        isinstance(node, cst.Raise) for node in nodes_within(body, handler)
    )
