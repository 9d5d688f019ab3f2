"""What speaks for a loop that tries again: its tries are counted by name, it waits in between, and it asks another system."""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence

from golden_rules.adapters import adapter_of
from golden_rules.naming import snake
from golden_rules.source.names import resolve
from golden_rules.source.outline import Function, Outline
from golden_rules.source.trees import callee

# How many signs it takes: one alone is as often a race for a file, a wait for others, or a step of something else.
_ENOUGH = 2
# What people call other systems, those who talk to them, and what is asked of them.
_OTHERS = re.compile(
    r"(^|_)(https?|urlopen|urlretrieve|api|rest|rpc|grpc|requests?|sessions?|clients?|conn|connections?|connect|sock|sockets?|channel"
    r"|db|database|cursor|redis|s3|bucket|queue|broker|gateway|server|service|remote|proxy|provider|llm|model|chat|completions?"
    r"|post|put|patch|send\w*|exec\w*|query|fetch\w*|call\w*|invoke\w*|publish\w*|upload\w*|download\w*|commit|login|submit\w*"
    r"|subprocess|popen)(_|$)"
)
_WAITS = (ast.Await, ast.AsyncWith, ast.AsyncFor, ast.Yield)


def is_borne_out(
    outline: Outline, function: Function, tried: Sequence[ast.AST], pauses: Sequence[ast.Call], *, named: bool
) -> bool:
    """Whether enough speaks for tries of one thing, beyond the shape of a loop.

    Args:
        outline: That of the file.
        function: The function that holds the loop.
        tried: The nodes of what is tried.
        pauses: The calls that wait between two tries.
        named: Whether what is counted is called an attempt or the like.
    """
    signs = _weight(pauses) + named
    return signs >= _ENOUGH or signs + _may_leave_the_process(outline, function, tried) >= _ENOUGH


def _weight(pauses: Sequence[ast.Call]) -> int:
    """Return how many signs the pauses are: a length that is worked out, named or left to a helper was thought about, and is two."""
    if not pauses:
        return 0
    return 1 if all(map(_is_plain, pauses)) else 2


def _is_plain(pause: ast.Call) -> bool:
    values = [*pause.args, *(keyword.value for keyword in pause.keywords)]
    return bool(values) and all(isinstance(value, ast.Constant) for value in values)


def _may_leave_the_process(outline: Outline, function: Function, tried: Sequence[ast.AST]) -> bool:
    """Whether what is tried awaits something, names another system, or calls what was handed in, which may do anything."""
    return any(isinstance(node, _WAITS) or _asks_others(outline, function, node) for node in tried)


def _asks_others(outline: Outline, function: Function, node: ast.AST) -> bool:
    if not isinstance(node, ast.Call):
        return False
    written = callee(node)
    if isinstance(node.func, ast.Name) and resolve(outline, function, written) is None:
        return True
    if any(_OTHERS.search(snake(part)) for part in written.split(".")):
        return True
    return bool(adapter_of(resolve(outline, function, written), written))
