"""The fix of a retry loop that is a part of what its function does: the attempts of a policy in its place.

    for attempt in RetryPolicy(RetryConfig(max_retries=2, retry_on=Busy), name="shop.mails.send").attempts():
        with attempt:
            ...

What is tried stays as it is, line for line. The loop must be left by a `return` or a `break` as soon as an attempt succeeds,
and the last error raised again where it gives up; attempts, errors and delays are known as for `@retry`.
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from golden_rules.findings import Edit, Fix, Safety
from golden_rules.naming import metric_name
from golden_rules.rules.effects import only_names
from golden_rules.rules.resilience.carried_state import leaves, swallowing_managers
from golden_rules.rules.resilience.retry_parts import LOOKS_AT_NAMES, Loop, Parts, loop_parts, may_end
from golden_rules.rules.resilience.retry_written import (
    COMMENTED,
    Policy,
    only_speaks_of_retrying,
    policy_of,
    shares_a_line,
)
from golden_rules.source.deletion import without_lines
from golden_rules.source.references import reference
from golden_rules.source.trees import bound_by, walk

if TYPE_CHECKING:
    from golden_rules.rules.base import Subject
    from golden_rules.source.text import SourceText

_ATTEMPT = "attempt"
_DEFINITIONS = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def block_fix(subject: Subject, line: int) -> Fix | str:
    """Return the fix of the retry loop at a line in its place, or in words why there is none."""
    function = subject.function
    if function.yields:
        return "the function is a generator, which may be left in the middle of an attempt"
    if function.declares_scope:
        return "the function sets a variable of another scope"
    if looking := LOOKS_AT_NAMES & function.called:
        return f"`{min(looking)}` may look at any variable"
    found = next(((block, at) for block, at in _loops(function.node.body) if block[at].lineno == line), None)
    if found is None:
        return "the loop is no plain `for` or `while`"
    parts = _parts(subject, *found)
    if isinstance(parts, str):
        return parts
    policy = policy_of(subject, parts, "RetryConfig", inside=True)
    if isinstance(policy, str):
        return policy
    maker = reference(subject.outline, function, subject.config.runtime_module, "RetryPolicy", inside=True)
    if maker is None:
        return "`RetryPolicy` cannot be imported in this file"
    edits = _edits(subject, parts, maker[0], policy)
    if edits is None:
        return COMMENTED
    imports = (*policy.imports, *([maker[1]] if maker[1] else []))
    return Fix(Safety.UNSAFE, "loop over the attempts of a `RetryPolicy` instead", tuple(edits), imports)


def _loops(block: list[ast.stmt]) -> Iterator[tuple[list[ast.stmt], int]]:
    """Yield the loops of a function, each with the block that it stands in; what functions and classes in it hold is left out."""
    for at, statement in enumerate(block):
        if isinstance(statement, _DEFINITIONS):
            continue
        if isinstance(statement, Loop):
            yield block, at
        for inner in _blocks(statement):
            yield from _loops(inner)


def _blocks(statement: ast.stmt) -> Iterator[list[ast.stmt]]:
    holders = [statement, *getattr(statement, "handlers", ()), *getattr(statement, "cases", ())]
    for holder in holders:
        for name in ("body", "orelse", "finalbody"):
            yield getattr(holder, name, [])


def _parts(subject: Subject, block: list[ast.stmt], at: int) -> Parts | str:
    """Return the parts of a loop, with what stands above it in its block and serves nothing else."""
    loop = block[at]
    parts = loop_parts(subject.outline, loop, ())
    if isinstance(parts, str):
        return parts
    swallowing = swallowing_managers(subject.outline)
    after = tuple(block[at + 1 :])
    if (parts.ending is not None or leaves(parts.tried, swallowing)) and all(map(may_end, after)):
        # Nothing but a failure comes as far as that.
        parts = replace(parts, after=after)
    caught = [parts.handler.name] if parts.handler.name else []
    everywhere = _names(walk(subject.function.node)) - _names_in_other_clauses(subject, parts.handler)
    served = _names(parts.machinery()) + Counter(caught)
    setup: list[ast.stmt] = []
    for statement in reversed(block[:at]):
        own = set(_bound(walk(statement)))
        names = _names(walk(statement))
        if own and only_names(statement) and all(served[name] + names[name] == everywhere[name] for name in own):
            setup.insert(0, statement)
            served += names
    parts = replace(parts, before=tuple(setup))
    bound = {*_bound(parts.machinery()), *caught}
    shared = {name for name in bound if everywhere[name] > served[name]}
    if shared:
        name = min(shared)
        tried = _names(node for statement in parts.tried for node in walk(statement))
        if tried[name]:
            return f"what is tried uses `{name}`, which the loop sets"
        return f"the function uses `{name}` elsewhere, which the loop sets"
    if everywhere[_ATTEMPT] > served[_ATTEMPT]:
        return f"`{_ATTEMPT}` is something else in the function"
    return parts


def _names_in_other_clauses(subject: Subject, handler: ast.ExceptHandler) -> Counter[str]:
    """Count how often other clauses name their error, where they call it as a clause does: it is theirs, and gone behind them."""
    own = set(walk(handler))
    found: set[ast.AST] = set()
    for node in walk(subject.function.node):
        if isinstance(node, ast.ExceptHandler) and node not in own and node.name and node.name == handler.name:
            found.update(walk(node))
    return Counter({name: count for name, count in _names(iter(found)).items() if name == handler.name})


def _names(nodes: Iterator[ast.AST]) -> Counter[str]:
    """Count how often nodes name a variable."""
    found: Counter[str] = Counter()
    for node in nodes:
        if isinstance(node, ast.Name):
            found[node.id] += 1
        elif isinstance(node, ast.arg):
            found[node.arg] += 1
        else:
            found.update(bound_by(node))
    return found


def _bound(nodes: Iterator[ast.AST]) -> Iterator[str]:
    return (name for node in nodes for name in bound_by(node))


def _edits(subject: Subject, parts: Parts, maker: str, policy: Policy) -> list[Edit] | None:
    """Return the edits that put a policy's attempts in place of a loop; `None` where a comment would go, or layout is in the way."""
    source, loop, attempt = subject.source, parts.loop, parts.attempt
    first, last = parts.tried[0].lineno, parts.tried[-1].end_lineno or 0
    end = (parts.after[-1] if parts.after else loop).end_lineno or 0
    if any(shares_a_line(source, one) for one in (*parts.before, *parts.after)) or first == attempt.lineno:
        return None
    name = metric_name(subject.outline, subject.function, *subject.config.naming(subject.path))
    awaited = "async " if subject.function.is_async else ""
    attempts = f'{maker}({policy.name}({", ".join(policy.arguments)}), name="{name}").attempts()'
    head = (
        f"{_indent(subject, loop)}{awaited}for {_ATTEMPT} in {attempts}:{source.newline}"
        f"{_indent(subject, attempt)}{awaited}with {_ATTEMPT}:{source.newline}"
    )
    ending = ""
    if parts.ending is not None:
        written = source.code(parts.ending)
        ending = f"{_indent(subject, parts.tried[0])}{written}{source.newline}"
    start, apart = _start(source, parts)
    edits = [
        *(without_lines(source, statement) for statement in apart),
        Edit(source.line_start(start), source.line_start(attempt.lineno + 1), head),
        Edit(source.line_start(last + 1), source.line_start(end + 1), ending),
    ]
    taken = (source.text[edit.start : edit.end] for edit in edits)
    return edits if all(map(only_speaks_of_retrying, taken)) else None


def _start(source: SourceText, parts: Parts) -> tuple[int, list[ast.stmt]]:
    """Return the first line of a loop, right above which what serves it may stand, and what does so further above."""
    start = parts.loop.lineno
    apart = list(parts.before)
    while apart and not any(source.line(line).strip() for line in range((apart[-1].end_lineno or 0) + 1, start)):
        start = apart.pop().lineno
    return start, apart


def _indent(subject: Subject, statement: ast.stmt) -> str:
    line = subject.source.line(statement.lineno)
    return line[: len(line) - len(line.lstrip())]
