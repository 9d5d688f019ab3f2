"""Which functions are steps of resilience code, and which work through it, as their names tell."""

from __future__ import annotations

import re
from enum import StrEnum
from functools import lru_cache

from golden_rules.source.outline import Function


class Step(StrEnum):
    """What a resilience step does, in words."""

    BREAKER = "keeps a circuit breaker's state"
    RETRY = "executes a retry policy"
    DEAD_LETTER = "puts work into a dead-letter queue"
    POLL = "takes work from a queue"


_RESILIENCE_CALL = re.compile(
    r"(^|\.)_*(\w*retry_?polic(y|ies)|retrier|\w*retry|retry_(async|call|sync|execute|run|with|on|until|operation|request)\w*"
    r"|\w*circuit_?breaker|breaker|\w*dead_?letters?(_queue)?|dlq)(\.|$)",
    re.IGNORECASE,
)
# What stands among the words of a function, in lower case, that makes such a call.
_RESILIENCE_WORDS = ("retr", "breaker", "dead", "dlq")
# To ask whether to try again is not to do it.
_QUESTIONS = ("is_", "_is_", "should_", "_should_", "can_", "_can_")
# What a resilience step is: a class that says so, and a method of it that does its bookkeeping or its work.
_STEPS: tuple[tuple[re.Pattern[str], re.Pattern[str], Step], ...] = (
    (
        re.compile(r"breaker", re.IGNORECASE),
        re.compile(
            r"^_*(on|record|handle|mark|note|register|report)_(success|failure|error|rejection)$|^_*(trip|half_open|call)$"
        ),
        Step.BREAKER,
    ),
    (
        re.compile(r"retry|retrier|retries|backoff", re.IGNORECASE),
        re.compile(r"^_*(execute|run|call|retry|attempt)(_\w+)?$"),
        Step.RETRY,
    ),
    (
        re.compile(r"dead_?letter|dlq", re.IGNORECASE),
        re.compile(r"^_*(add|insert|put|push|send|move|store|write|park|record|bury)(_\w+)?$"),
        Step.DEAD_LETTER,
    ),
    (
        re.compile(r"(?<!^K)(?<!_K)queue|lease", re.IGNORECASE),
        re.compile(
            r"^_*(get_next|get_next_\w+|claim\w*|poll\w*|dequeue\w*|fetch_next\w*|lease\w*|next_task|pop_task)$"
        ),
        Step.POLL,
    ),
)


def resilience_step(function: Function) -> Step | None:
    """Return which step of resilience code a method is, if it is one."""
    if function.owner is None:
        return None
    for owner, method, step in _STEPS:
        if owner.search(function.owner.name) and method.match(function.name):
            return None if step is Step.RETRY and _only_settles(function) else step
    return None


def _only_settles(function: Function) -> bool:
    """Whether a method says how to try again, and tries nothing: `retry_after`, which works out a delay."""
    if function.loops or function.handlers or function.awaits or function.nested:
        return False
    taken = {
        item.arg for item in (*function.node.args.posonlyargs, *function.node.args.args, *function.node.args.kwonlyargs)
    }
    taken -= {"self", "cls"}
    return taken.isdisjoint(call.name for call in function.calls) and not any(
        call.name.startswith(("self.", "super()")) for call in function.calls
    )


def resilience_calls(function: Function) -> list[str]:
    """Return the calls to resilience parts, one for each part, in order of the text."""
    if not any(part in function.words.lowered for part in _RESILIENCE_WORDS):
        return []
    calls = [(call, part) for call in function.calls if (part := _resilience_part(call.name))]
    found: dict[str, str] = {}
    for call, part in sorted(calls, key=lambda item: item[0].line):
        found.setdefault(part, call.name)
    return list(found.values())


@lru_cache(maxsize=16384)
def _resilience_part(call: str) -> str:
    """Return the part of a call's name that says it works through a resilience part, or `""`."""
    match = _RESILIENCE_CALL.search(call)
    # To make a `DeadLetter` is not to work through one.
    method = call.rpartition(".")[2]
    return "" if match is None or method[:1].isupper() or method.startswith(_QUESTIONS) else match.group()
