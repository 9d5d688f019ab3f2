"""Work that is marked as failed for good when its attempts are used up, and is otherwise queued again."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass

from golden_rules.naming import snake
from golden_rules.rules.resilience.variables import name_of, stores, word_of, words_in
from golden_rules.source.outline import Function
from golden_rules.source.trees import dotted, walk

_ATTEMPTS = re.compile(r"(^|_)(attempts?|retry|retries|tries|deliver(y|ies)|failures?|failure_count)(_|$)")
_LEFT = re.compile(
    r"(^|_)(exhausted|used_up|(reached|exceeded|hit)_max_(attempts|retries|tries)|max_(attempts|retries|tries)_(reached|exceeded)|(attempts|retries|tries)_(left|remaining)|(can|should|may)_(be_)?retr(y|ied))(_|$)"
)
_MOST = re.compile(r"(^|_)(max|maximum|limit|allowed)(_|$)")
_STATUS = re.compile(r"(^|_)(status|state)$")
_SURELY_DEAD = re.compile(
    r"(^|_)(dead|dead_?letter(ed)?|abandoned|gave_up|given_up|poisoned|permanently_failed|failed_permanently|permanent_failure)$"
)
_FOR_GOOD = re.compile(r"(^|_)(dead_?letter(ed)?|permanently_failed|failed_permanently|permanent_failure)$")
_MARKED_DEAD = re.compile(r"^(is_)?(dead|dead_?lettered)$")
_FAILED_AT = re.compile(r"^(failed|died|dead|gave_up|given_up|abandoned|dead_lettered)_at$")
# What shows how work stands, rather than changing it.
_SHOWS = re.compile(r"(^|_)(dashboard|rows?|views?|render|show|summar\w+|stats|snapshot|report|timeline|describe)(_|$)")
# A pool is exhausted, too.
_FAILED = re.compile(r"(^|_)(failed|exhausted)$")
_AGAIN = re.compile(
    r"(^|_)(pending|queued|enqueued|retry|retrying|scheduled|ready|waiting|available|requeued|new|todo)$"
)
# Workers and nodes are dead, too, and come back: work does so when somebody tries it again.
_TRIED_AGAIN = re.compile(r"(^|_)(retry|replay|requeue|redrive|resubmit|reprocess|revive|resurrect)(_|$)")
_LATER = re.compile(
    r"^(next_(retry|attempt|run|try)(_at|_time)?|run_at|run_after|available_at|scheduled_at|eta|not_before)$"
)
_TO_RETRY = re.compile(
    r"(^|_)((mark|schedule|send|put)_(\w+_)?(for_)?retry|reschedule\w*|requeue|(calculate|set|compute)_next_(retry|attempt))$"
)
# Parts of a run that goes on: they are tried again in it, and the run itself is told how they ended.
_PARTS = re.compile(r"(^|_)(steps?|stages?|phases?|nodes?|results?|state)$")
_ABOUT_A_PART = re.compile(r"(^|_)(step|stage|phase|node)(_|$)")
_ONE_OF = re.compile(r"(State|Status)$")
_ERROR = re.compile(r"(^|_)(error|errors|exception|reason|failure|traceback|err|message)(_|$)")
_SQL_STATUS = re.compile(r"\b(?:status|state)\s*=\s*'(\w+)'|\bTHEN\s+'(\w+)'|\bELSE\s+'(\w+)'", re.IGNORECASE)
_SQL_ASKED = re.compile(r"\b(?:WHERE|AND)\s+(?:\w+\.)?(?:status|state)\s*=\s*'(\w+)'", re.IGNORECASE)
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
        and ("status" in words or "state" in words or "then" in words or "dead" in words or "_at" in words)
    )


def may_bring_back(words: str) -> bool:
    """Whether a function, whose words these are in lower case, may queue again what was dead; much faster than to look."""
    return any(word in words for word in _ENDED_WORDS) and ("status" in words or "state" in words)


def used_up(function: Function) -> str:
    """Return the status under which a function puts work aside when its attempts are used up, `""` where it does not.

    Such a function compares attempts with a limit, and marks the work as dead, or as failed where else it is tried again. It
    keeps the error, too, unless it both gives up the dead and queues the others again.
    """
    name = snake(function.name)
    if _SHOWS.search(name) or _ABOUT_A_PART.search(name):
        return ""
    nodes = list(walk(function.node))
    statements = [node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)]
    by_sql = any(_SQL_ATTEMPTS.search(text) for text in statements)
    found = {status for node in nodes for status in _statuses(node)}
    if not by_sql and ((any(map(_tries_at_once, nodes)) and not _is_dead_letter(found)) or _marks_only_parts(nodes)):
        return ""
    if not by_sql and not any(map(counts_attempts, nodes)):
        # The caller may have compared: `status = DEAD_LETTER if permanent else FAILED`.
        found = found if any(map(_notes_attempts, nodes)) and any(map(_FOR_GOOD.search, found)) else set()
    elif any(map(_marks_dead, nodes)):
        return "dead"
    elif any(map(_marks_failed_at, nodes)) and any(map(_keeps_error, nodes)):
        return "failed"
    # `DEAD if exhausted else FAILED`: there, what failed is tried again.
    dead = sorted(filter(_SURELY_DEAD.search, found))
    if dead and any(map(_AGAIN.search, found)):
        return dead[0]
    if not dead and (by_sql or _fails_or_tries_again(nodes)):
        dead = sorted(filter(_FAILED.search, found))
    if not dead:
        return ""
    keeps_error = any(map(_keeps_error, nodes)) or any(_SQL_ERROR.search(text) for text in statements)
    return dead[0] if keeps_error else ""


def _fails_or_tries_again(nodes: list[ast.AST]) -> bool:
    """Whether one decision about attempts marks work as failed on one side, and on the other has it tried again.

    `FAILED` somewhere and `PENDING` elsewhere in a function are as often two states of a run, or of two things.
    """
    known = {
        target.id
        for node in nodes
        for target, value in stores(node)
        if isinstance(target, ast.Name) and any(map(counts_attempts, walk(value)))
    }
    return any(
        (_fails(one) and _goes_on(other)) or (_fails(other) and _goes_on(one))
        for one, other in _decisions(nodes, known)
    )


@dataclass(frozen=True, slots=True)
class _Side:
    """One side of a decision: the statuses that it gives, and whether it puts work off."""

    statuses: frozenset[str]
    later: bool = False


def _fails(side: _Side) -> bool:
    return any(map(_FAILED.search, side.statuses))


def _goes_on(side: _Side) -> bool:
    return side.later or any(map(_AGAIN.search, side.statuses))


def _decisions(nodes: list[ast.AST], known: set[str]) -> Iterator[tuple[_Side, _Side]]:
    """Yield the sides of each decision about attempts; an `if` without an `else` stands against the rest of its block."""
    for node in nodes:
        if isinstance(node, ast.IfExp) and _asks_attempts(node, known):
            yield _Side(frozenset(_values(node.body))), _Side(frozenset(_values(node.orelse)))
        for block in _blocks(node):
            for statement in block:
                if isinstance(statement, ast.If) and _asks_attempts(statement, known):
                    others = statement.orelse or [one for one in block if one is not statement]
                    yield _side_of(statement.body), _side_of(others)


def _blocks(node: ast.AST) -> Iterator[list[ast.stmt]]:
    for name in ("body", "orelse", "finalbody"):
        block = getattr(node, name, None)
        if isinstance(block, list):
            yield block


def _side_of(statements: list[ast.stmt]) -> _Side:
    nodes = [node for statement in statements for node in walk(statement)]
    return _Side(frozenset(status for node in nodes for status in _statuses(node)), later=any(map(_tries_later, nodes)))


def _asks_attempts(decision: ast.If | ast.IfExp, known: set[str]) -> bool:
    return counts_attempts(decision) or any(
        counts_attempts(node) or (isinstance(node, ast.Name) and node.id in known) for node in walk(decision.test)
    )


def brought_back(function: Function) -> str:
    """Return the status of the dead whose work a function queues again by another status, `""` where it does not."""
    if not _TRIED_AGAIN.search(snake(function.name)):
        return ""
    nodes = list(walk(function.node))
    asked = {status for node in nodes for status in _asked_statuses(node)}
    dead = sorted(filter(_SURELY_DEAD.search, asked))
    again = any(_AGAIN.search(status) for node in nodes for status in _statuses(node))
    return dead[0] if dead and again else ""


def _tries_at_once(node: ast.AST) -> bool:
    """Whether a loop makes all attempts there and then, so that the work is never put back: a retry, and no queue."""
    match node:
        case ast.For(target=ast.Name(id=name), iter=ast.Call(func=ast.Name(id="range"))):
            return bool(_ATTEMPTS.search(snake(name)))
        case ast.While(test=test):
            return any(map(counts_attempts, walk(test)))
        case _:
            return False


def _is_dead_letter(statuses: set[str]) -> bool:
    """Whether a status says that work waits as a dead letter, whatever a loop of the function tries: a write that others cross, say."""
    return any(map(_FOR_GOOD.search, statuses)) and any(map(_AGAIN.search, statuses))


def _marks_only_parts(nodes: list[ast.AST]) -> bool:
    """Whether all that gets a status is a step, a result or another part of one run: `step.status = FAILED`."""
    marked = [
        target.value
        for node in nodes
        for target, _ in stores(node)
        if isinstance(target, ast.Attribute) and _STATUS.search(snake(target.attr))
    ]
    return bool(marked) and all(_PARTS.search(word_of(owner)) for owner in marked)


def _asked_statuses(node: ast.AST) -> Iterator[str]:
    """Yield the statuses that a condition asks for, be it of Python or of a statement of SQL."""
    match node:
        case ast.Compare(left=left, ops=[ast.Eq() | ast.NotEq()], comparators=[right]) if _STATUS.search(word_of(left)):
            yield from _values(right)
        case ast.Constant(value=str(text)):
            yield from (snake(match[1]) for match in _SQL_ASKED.finditer(text))
        case _:
            pass


def _marks_dead(node: ast.AST) -> bool:
    """Whether something is flagged as dead: `row.dead = True`, `{"dead": True}`."""
    match node:
        case ast.Dict(keys=keys, values=values):
            pairs = zip(keys, values, strict=True)
            return any(
                _is_true(value) and isinstance(key, ast.Constant) and _is_flag(key.value) for key, value in pairs
            )
        case _:
            return any(
                isinstance(target, ast.Attribute | ast.Subscript) and _is_true(value) and _is_flag(name_of(target))
                for target, value in stores(node)
            )


def _marks_failed_at(node: ast.AST) -> bool:
    """Whether attempts that are used up leave the time of it: `if job.used_up: job.failed_at = now()`."""
    return (
        isinstance(node, ast.If)
        and any(map(counts_attempts, walk(node)))
        and any(
            isinstance(target, ast.Attribute | ast.Subscript) and bool(_FAILED_AT.search(word_of(target)))
            for statement in node.body
            for target, value in stores(statement)
            if not (isinstance(value, ast.Constant) and value.value is None)
        )
    )


def _notes_attempts(node: ast.AST) -> bool:
    """Whether a record gets a new number of attempts: `{"attempts": attempts + 1}`, `{"$inc": {"attempts": 1}}`."""
    match node:
        case ast.Dict(keys=keys, values=values):
            pairs = zip(keys, values, strict=True)
            return any(isinstance(key, ast.Constant) and _is_one_more(key.value, value) for key, value in pairs)
        case ast.Call(keywords=keywords):
            return any(_is_one_more(keyword.arg, keyword.value) for keyword in keywords)
        case ast.AugAssign(target=ast.Attribute() | ast.Subscript() as target, op=ast.Add(), value=value):
            return _is_one_more(name_of(target), value)
        case _:
            return False


def _is_one_more(name: object, value: ast.expr) -> bool:
    if not isinstance(name, str) or not _ATTEMPTS.search(snake(name)):
        return False
    added = value.right if isinstance(value, ast.BinOp) and isinstance(value.op, ast.Add) else value
    return isinstance(added, ast.Constant) and added.value == 1


def _tries_later(node: ast.AST) -> bool:
    """Whether work is put off until it is tried again: `job.next_attempt_at = ...`, `mark_for_retry(job)`."""
    if isinstance(node, ast.Call):
        return bool(_TO_RETRY.search(snake(dotted(node.func))))
    return any(
        isinstance(target, ast.Attribute | ast.Subscript) and bool(_LATER.search(word_of(target)))
        for target, value in stores(node)
        if not (isinstance(value, ast.Constant) and value.value is None)
    )


def _is_true(value: ast.expr) -> bool:
    return isinstance(value, ast.Constant) and value.value is True


def _is_flag(name: object) -> bool:
    return isinstance(name, str) and bool(_MARKED_DEAD.search(snake(name)))


def counts_attempts(node: ast.AST) -> bool:
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
        case ast.Call(args=arguments, keywords=keywords):
            for keyword in keywords:
                if keyword.arg and _STATUS.search(keyword.arg):
                    yield from _values(keyword.value)
            for argument in arguments:
                if isinstance(argument, ast.Attribute) and _ONE_OF.search(dotted(argument.value)):
                    yield snake(argument.attr)
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
