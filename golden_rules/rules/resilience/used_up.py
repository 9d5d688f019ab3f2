"""Work that is marked as failed for good when its attempts are used up, and is otherwise queued again."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from golden_rules.naming import snake
from golden_rules.rules.resilience.variables import name_of, stores, word_of, words_in
from golden_rules.source.outline import Function
from golden_rules.source.trees import dotted, walk

_ATTEMPTS = re.compile(r"(^|_)(attempts?|retry|retries|tries|deliver(y|ies)|failures?|failure_count)(_|$)")
_LEFT = re.compile(
    r"(^|_)(exhausted|used_up|(attempts|retries|tries)_(left|remaining)|(can|should|may)_(be_)?retr(y|ied))(_|$)"
)
_MOST = re.compile(r"(^|_)(max|maximum|limit|allowed)(_|$)")
_STATUS = re.compile(r"(^|_)(status|state)$")
_SURELY_DEAD = re.compile(r"(^|_)(dead|dead_?letter(ed)?|abandoned|gave_up|given_up|poisoned)$")
# A pool is exhausted, too.
_FAILED = re.compile(r"(^|_)(failed|exhausted)$")
_AGAIN = re.compile(
    r"(^|_)(pending|queued|enqueued|retry|retrying|scheduled|ready|waiting|available|requeued|new|todo)$"
)
_ERROR = re.compile(r"(^|_)(error|errors|exception|reason|failure|traceback|err|message)(_|$)")
_SQL_STATUS = re.compile(r"\b(?:status|state)\s*=\s*'(\w+)'|\bTHEN\s+'(\w+)'|\bELSE\s+'(\w+)'", re.IGNORECASE)
_SQL_ATTEMPTS = re.compile(
    r"\b\w*(attempts?|retries|tries|retry_count)\b\s*(\+\s*1\s*)?[<>]=?\s*\S*(max|limit|\?|%|:|\$)", re.IGNORECASE
)
_SQL_ERROR = re.compile(r"\b\w*(error|reason|exception)\w*\s*=", re.IGNORECASE)
# What stands among the words of a function, in lower case, if it counts attempts, and if it gives work up.
_COUNTED_WORDS = ("attempt", "retry", "retri", "tries", "deliver", "failure", "exhausted", "used_up", "usedup")
_ENDED_WORDS = ("fail", "dead", "exhaust", "abandon", "gave", "given", "poison")


def may_use_up(words: str) -> bool:
    """Whether a function, whose words these are in lower case, may mark work as failed for good; much faster than to look."""
    return (
        any(word in words for word in _COUNTED_WORDS)
        and any(word in words for word in _ENDED_WORDS)
        and ("status" in words or "state" in words or "then" in words)
    )


def used_up(function: Function) -> str:
    """Return the status under which a function puts work aside when its attempts are used up, `""` where it does not.

    Such a function compares attempts with a limit, marks the work as dead, or as failed where else it is tried again, and
    keeps the error.
    """
    nodes = list(walk(function.node))
    statements = [node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)]
    by_sql = any(_SQL_ATTEMPTS.search(text) for text in statements)
    if not by_sql and not any(map(_counts_attempts, nodes)):
        return ""
    found = {status for node in nodes for status in _statuses(node)}
    # `DEAD if exhausted else FAILED`: there, what failed is tried again.
    dead = sorted(filter(_SURELY_DEAD.search, found)) or sorted(filter(_FAILED.search, found))
    if not dead or not (_SURELY_DEAD.search(dead[0]) or any(map(_AGAIN.search, found))):
        return ""
    keeps_error = any(map(_keeps_error, nodes)) or any(_SQL_ERROR.search(text) for text in statements)
    return dead[0] if keeps_error else ""


def _counts_attempts(node: ast.AST) -> bool:
    """Whether a comparison sets attempts against the most that are allowed, or a condition asks if any are left."""
    match node:
        case ast.If(test=test) | ast.IfExp(test=test) if any(map(_LEFT.search, words_in(test))):
            return True
        case ast.Compare(left=left, ops=[ast.Lt() | ast.LtE() | ast.Gt() | ast.GtE()], comparators=[right]):
            one, other = list(words_in(left)), list(words_in(right))
            return (any(map(_ATTEMPTS.search, one)) and any(map(_MOST.search, other))) or (
                any(map(_ATTEMPTS.search, other)) and any(map(_MOST.search, one))
            )
        case _:
            return False


def _statuses(node: ast.AST) -> Iterator[str]:
    """Yield the statuses that a node gives to something, in snake case."""
    for target, value in stores(node):
        if _STATUS.search(word_of(target)):
            yield from _values(value)
    match node:
        case ast.Call(keywords=keywords):
            for keyword in keywords:
                if keyword.arg and _STATUS.search(keyword.arg):
                    yield from _values(keyword.value)
        case ast.Dict(keys=keys, values=values):
            for key, value in zip(keys, values, strict=True):
                if isinstance(key, ast.Constant) and isinstance(key.value, str) and _STATUS.search(snake(key.value)):
                    yield from _values(value)
        case ast.Constant(value=str(text)) if "=" in text or "THEN" in text.upper():
            for match in _SQL_STATUS.finditer(text):
                yield snake(next(filter(None, match.groups())))
        case _:
            pass


def _values(value: ast.expr) -> Iterator[str]:
    for node in (value.body, value.orelse) if isinstance(value, ast.IfExp) else (value,):
        match node:
            case ast.Constant(value=str(text)):
                yield snake(text)
            case _:
                yield snake(dotted(node).removesuffix(".value"))


def _keeps_error(node: ast.AST) -> bool:
    """Whether something keeps what went wrong: `job.last_error = ...`, `update(error=...)`, `{"error": ...}`."""
    match node:
        case ast.Call(func=func, keywords=keywords):
            kept = "log" not in dotted(func).lower()
            return kept and any(keyword.arg and _ERROR.search(snake(keyword.arg)) for keyword in keywords)
        case ast.Dict(keys=keys):
            return any(
                isinstance(key, ast.Constant) and isinstance(key.value, str) and _ERROR.search(snake(key.value))
                for key in keys
            )
        case _:
            return any(
                isinstance(target, ast.Attribute | ast.Subscript) and _ERROR.search(snake(name_of(target)))
                for target, _ in stores(node)
            )
