"""What drops exceptions without a handler: `with suppress(Exception)` around the work, and `return` in `finally`."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from golden_rules.rules.misleading.endings import completes, statements_after
from golden_rules.rules.misleading.handlers import is_broad, kinds, stands_for_all
from golden_rules.rules.misleading.work import is_main, nothing_comes, share
from golden_rules.source.own_code import OwnCode, below
from golden_rules.source.text import SourceText
from golden_rules.source.trees import AnyTry, AnyWith, dotted

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

    node: ast.Call | ast.Return
    shown: str
    remedy: str
    no_fix: str
    is_told: bool


def blankets(source: SourceText, code: OwnCode, meaning: Callable[[str], str]) -> Iterator[Blanket]:
    """Yield what drops the exceptions of a function's main work, in order of the source."""
    for node in code.nodes:
        if isinstance(node, AnyWith):
            yield from _suppressing(source, code, node, meaning)
        elif isinstance(node, AnyTry):
            yield from _returning(code, node)


def _suppressing(source: SourceText, code: OwnCode, block: AnyWith, meaning: Callable[[str], str]) -> Iterator[Blanket]:
    calls = [item.context_expr for item in block.items if isinstance(item.context_expr, ast.Call)]
    call = next((call for call in calls if meaning(dotted(call.func)) == _SUPPRESS), None)
    after = statements_after(code, block)
    if call is None or after is None or not nothing_comes(code, block.body, after):
        return
    found = share(code, block, block.body)
    given = [*call.args, *(keyword.value for keyword in call.keywords if keyword.arg is not None)]
    dropped = [dotted(value) for value in given if not isinstance(value, ast.Starred)]
    everything = any(map(is_broad, dropped)) and is_main(block.body, found)
    if everything or (any(stands_for_all(name, meaning) for name in dropped) and found.inside and not found.outside):
        shown = " ".join(source.text[slice(*source.span(call))].split())
        yield Blanket(
            call,
            f"`with {shown}` drops them",
            "suppress only what is an ordinary outcome",
            "nothing in the code tells which exceptions are one",
            is_told=True,
        )


def _returning(code: OwnCode, statement: AnyTry) -> Iterator[Blanket]:
    final = statement.finalbody
    if not final or statements_after(code, statement) is None:
        return
    # Where a handler catches everything for good, nothing is left for `finally` to drop.
    if any(map(_keeps, statement.handlers)):
        return
    returns = next((node for node in final if isinstance(node, ast.Return)), None)
    if returns is None or completes(final) or not share(code, statement, statement.body, statement.orelse).inside:
        return
    yield Blanket(
        returns,
        "the `return` in `finally` drops them",
        "return after the `try` statement instead",
        "the callers would get exceptions that they have not met before",
        is_told=False,
    )


def _keeps(handler: ast.ExceptHandler) -> bool:
    """Whether a handler catches everything and raises nothing."""
    return any(map(is_broad, kinds(handler))) and not any(isinstance(node, ast.Raise) for node in below(handler.body))
