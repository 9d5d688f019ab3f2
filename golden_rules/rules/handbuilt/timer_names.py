"""The metric names of a function's timings: the function's own for the first, the variable's word for the others."""

from __future__ import annotations

from typing import TYPE_CHECKING

import libcst as cst

from golden_rules.naming import snake

if TYPE_CHECKING:
    from golden_rules.rules.handbuilt.timings import Difference
    from golden_rules.source.body import Body

# What a name says beside what is timed.
_EMPTY_WORDS = frozenset(
    {
        "start", "starts", "started", "starting", "begin", "began", "begun", "before", "time", "times", "timer", "ts", "at", "tic", "tick", "t", "st", "s", "ms", "us", "ns",
        "sec", "secs", "second", "seconds", "millis", "perf", "counter", "clock", "now", "elapsed", "duration", "took", "taken", "latency",
        "dur", "diff", "delta", "total", "end", "in", "of", "the", "wall", "monotonic", "timestamp", "self",
    }
)  # fmt: skip


def target_name(body: Body, difference: Difference) -> str:
    """Return the variable, keyword or key that a difference is kept under, or `""`."""
    for ancestor in body.ancestors(difference.node):
        match ancestor:
            case cst.DictElement(key=cst.SimpleString() as key):
                return key.raw_value
            case cst.Arg(keyword=cst.Name(value=name)):
                return name
            case cst.Assign(targets=[cst.AssignTarget(target=cst.Name(value=name))]):
                return name
            case cst.AnnAssign(target=cst.Name(value=name)) | cst.NamedExpr(target=cst.Name(value=name)):
                return name
            case cst.BaseStatement():
                return ""
            case _:
                pass
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
