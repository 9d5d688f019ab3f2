"""Which functions are steps of resilience code, and which work through it, as their names tell."""

from __future__ import annotations

import ast
import re
from enum import StrEnum
from functools import lru_cache

from golden_rules.source.outline import Function
from golden_rules.source.trees import walk


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
        re.compile(r"(?<!^K)(?<!_K)queue|(?<!re)lease", re.IGNORECASE),
        re.compile(
            r"^_*(get_next|get_next_\w+|claim\w*|poll\w*|dequeue\w*|fetch_next\w*|lease\w*|next_task|pop_task)$"
        ),
        Step.POLL,
    ),
)


# What takes something from a container in memory, or looks whether there is anything.
_TAKES_FROM_MEMORY = frozenset({"pop", "popleft", "popitem", "heappop", "heapq.heappop", "len"})


def resilience_step(function: Function) -> Step | None:
    """Return which step of resilience code a method is, if it is one."""
    step = _named_step(function)
    match step:
        case Step.RETRY if _only_settles(function) or _is_predicate(function) or _makes_wrapper(function):
            return None
        case Step.POLL if _is_in_memory(function) or _goes_on(function):
            return None
        case _:
            return None if step is not None and _hands_on(function, step) else step


def _named_step(function: Function) -> Step | None:
    """Return which step a method is by its name and that of its class."""
    if function.owner is None:
        return None
    return _step_of(function.owner.name, function.name)


@lru_cache(maxsize=16384)
def _step_of(owner: str, method: str) -> Step | None:
    return next(
        (step for owners, methods, step in _STEPS if owners.search(owner) and methods.match(method)),
        None,
    )


def _hands_on(function: Function, step: Step) -> bool:
    """Whether a method does nothing but have another step of its class done, which is measured itself."""
    return (
        function.owner is not None
        and len(function.calls) == 1
        and not (function.loops or function.handlers or function.withs)
        and function.calls[0].name.startswith("self.")
        and function.calls[0].name != f"self.{function.name}"
        and _step_of(function.owner.name, function.calls[0].name.removeprefix("self.")) is step
    )


def _is_predicate(function: Function) -> bool:
    """Whether a method says whether or when to try again: `retry_if_timeout()(error) -> bool`, `retry_delay() -> float | None`."""
    returns = function.node.returns
    if returns is None:
        return False
    names = {node.id for node in walk(returns) if isinstance(node, ast.Name)} - {"Optional"}
    if function.name == "__call__":
        return names == {"bool"}
    return bool(names) and names <= {"float", "int", "timedelta"} and "retry_" in function.name


def _makes_wrapper(function: Function) -> bool:
    """Whether a method only makes the function that will try again: what a decorator does runs once, at its import."""
    *before, last = function.node.body
    inner = {node.name for node in before if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
    return isinstance(last, ast.Return) and isinstance(last.value, ast.Name) and last.value.id in inner


def _is_in_memory(function: Function) -> bool:
    """Whether a method takes the next from a container and does nothing else, which nothing can hold up."""
    plain = not (function.loops or function.handlers or function.awaits or function.withs)
    names = {call.name for call in function.calls}
    return plain and all(
        name in _TAKES_FROM_MEMORY or (name.startswith("self.") and name.rpartition(".")[2] in _TAKES_FROM_MEMORY)
        for name in names
    )


def _goes_on(function: Function) -> bool:
    """Whether a method polls for as long as the service runs and hands nothing back, so that no single poll is measured."""
    endless = any(isinstance(loop, ast.While) for loop in function.node.body)
    return endless and not any(isinstance(node, ast.Return) and node.value is not None for node in walk(function.node))


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
