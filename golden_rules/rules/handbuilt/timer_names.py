"""What a function's timings are called: in the words of a finding, and as metrics."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from golden_rules.naming import snake
from golden_rules.rules.handbuilt.flows import key_of
from golden_rules.source.trees import callee

if TYPE_CHECKING:
    from golden_rules.rules.handbuilt.timings import Difference
    from golden_rules.source.own_code import OwnCode

# What a name says beside what is timed.
_EMPTY_WORDS = frozenset(
    {
        "start", "starts", "started", "starting", "begin", "began", "begun", "before", "time", "times", "timer", "ts", "at", "tic", "tick", "t", "st", "s", "ms", "us", "ns",
        "sec", "secs", "second", "seconds", "millis", "perf", "counter", "clock", "now", "elapsed", "duration", "took", "taken", "latency",
        "milliseconds", "microseconds", "nanoseconds", "msec", "msecs", "usec", "usecs", "minutes", "timing", "dur", "diff", "delta", "total", "end", "in", "of", "the", "wall", "monotonic", "timestamp", "self",
    }
)  # fmt: skip


def target_name(code: OwnCode, difference: Difference) -> str:
    """Return the variable, keyword or key that a difference is kept under, or `""`."""
    held: ast.AST = difference.node
    for holder in code.holders(held):
        match holder:
            case ast.Dict():
                match key_of(holder, held):
                    case ast.Constant(value=str(key)):
                        return key
            case ast.keyword(arg=str(name)):
                return name
            case ast.Assign(targets=[ast.Name(id=name)]):
                return name
            case ast.AnnAssign(target=ast.Name(id=name)) | ast.NamedExpr(target=ast.Name(id=name)):
                return name
            case ast.stmt():
                return ""
            case _:
                pass
        held = holder
    return ""


def timed_name(code: OwnCode, difference: Difference, target: str, function: str) -> str:
    """Return what a difference times, as a person would say it.

    That is `target`, unless it says only that it is a time (`ms`, `elapsed`): then the call between the readings, where nothing
    else stands there and the function does more than it, or else the function.
    """
    return target if _word(target) else _only_call(code, difference) or function


def _only_call(code: OwnCode, difference: Difference) -> str:
    """Return what is called between the two readings, where a single statement stands there that does no more, or `""`."""
    if difference.stamp is None:
        return ""
    begun = code.statement(difference.stamp.binding)
    if code.nodes[0] is begun:
        return ""
    end = difference.end.binding if difference.end is not None else difference.node
    block = code.block(begun)
    ended = next((node for node in (end, *code.holders(end)) if node in block), begun)
    match block[block.index(begun) + 1 : block.index(ended)]:
        case [ast.Expr(value=value) | ast.Assign(value=value) | ast.AnnAssign(value=value)]:
            call = value.value if isinstance(value, ast.Await) else value
            return callee(call) if isinstance(call, ast.Call) else ""
        case _:
            return ""


def timing_name(base: str, words: tuple[str, ...], taken: set[str], text: str) -> str:
    """Return a metric name that neither `taken` nor the file's text holds, and add it to `taken`.

    Args:
        base: The function's metric name.
        words: The start's and the duration's variables, for a second timing in one function.
        taken: The names given so far.
        text: The file's text; what is fixed already keeps its name.
    """
    name = f"{base}.duration"
    if name in taken or _mentions(text, name) or _mentions(text, base):
        word = next((word for word in map(_word, words) if word), "part")
        name = f"{base}.{word}.duration"
        number = 2
        while name in taken or _mentions(text, name):
            name = f"{base}.{word}_{number}.duration"
            number += 1
    taken.add(name)
    return name


def _mentions(text: str, name: str) -> bool:
    return f'"{name}"' in text or f"'{name}'" in text


def _word(name: str) -> str:
    return "_".join(
        part
        for part in snake(name).split("_")
        if part.rstrip("0123456789") not in _EMPTY_WORDS and part.isascii() and part
    )
