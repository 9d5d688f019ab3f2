"""The fix of a plain retry loop: what is tried becomes the function, under `@retry(...)`.

The loop must be all that the function does, give up after a number of attempts that is known, by raising the last error
again, and wait for a constant, a doubling or an evenly growing time. Attempts, errors and delays are then those of the loop;
what it logged between them goes, since the policy counts attempts and notes them on the error.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from golden_rules.findings import Edit, Fix, Safety
from golden_rules.rules.placement import insertion_point, is_unfinished, why_not_decorated
from golden_rules.rules.resilience.retry_blocks import block_fix
from golden_rules.rules.resilience.retry_parts import Parts, parts_of
from golden_rules.rules.resilience.retry_written import COMMENTED, only_speaks_of_retrying, policy_of, shares_a_line
from golden_rules.source.dedent import dedent_edits
from golden_rules.source.deletion import without_lines

if TYPE_CHECKING:
    from golden_rules.rules.base import Subject


def retry_fix(subject: Subject, line: int) -> Fix | str:
    """Return the fix of the retry loop at a line, or in words why there is none."""
    fix = _decorated(subject, line)
    return fix if isinstance(fix, Fix) else block_fix(subject, line)


def _decorated(subject: Subject, line: int) -> Fix | str:
    """Return the fix of a loop that is all of its function, or in words why there is none."""
    parts = _why_not_decorated(subject) or parts_of(subject.outline, subject.function, line)
    if isinstance(parts, str):
        return parts
    policy = policy_of(subject, parts, "retry")
    if isinstance(policy, str):
        return policy
    decorator = f"@{policy.name}({', '.join(policy.arguments)})"
    edits = _edits(subject, parts)
    if edits is None:
        return COMMENTED
    at, indent = insertion_point(subject, len(subject.function.decorators))
    above = Edit(at, at, f"{indent}{decorator}{subject.source.newline}")
    return Fix(Safety.UNSAFE, f"decorate with `{decorator}` in place of the loop", (above, *edits), policy.imports)


def _why_not_decorated(subject: Subject) -> str:
    function = subject.function
    if function.parent is not None:
        return "the function stands in another one, and each call of that would make a policy"
    if function.yields:
        return "the function is a generator, which `@retry` does not try again once it has given an item"
    if is_unfinished(function):
        return "the function is not finished"
    return why_not_decorated(subject.outline, function)


def _edits(subject: Subject, parts: Parts) -> list[Edit] | None:
    """Return the edits that leave what is tried of a function; `None` where a comment would go, or layout is in the way."""
    source, loop, attempt = subject.source, parts.loop, parts.attempt
    gone = [statement for statement in parts.before if statement not in parts.kept]
    line = source.line(loop.lineno)
    indent = line[: len(line) - len(line.lstrip())]
    ending = ""
    if parts.ending is not None:
        if parts.ending.lineno != parts.ending.end_lineno:
            return None
        written = source.code(parts.ending)
        ending = f"{indent}{written}{source.newline}"
    if _breaks_behind(parts) or any(map(partial(shares_a_line, source), gone)):
        return None
    inner = dedent_edits(source, attempt.lineno, parts.tried, indent)
    if inner is None:
        return None
    start = loop.lineno if parts.kept else min(statement.lineno for statement in (*gone, loop))
    head = Edit(source.line_start(start), source.line_start(attempt.lineno + 1), "")
    end = source.line_start((subject.function.node.end_lineno or 0) + 1)
    tail = Edit(source.line_start((parts.tried[-1].end_lineno or 0) + 1), end, ending)
    single = [without_lines(source, statement) for statement in gone] if parts.kept else []
    taken = [source.text[edit.start : edit.end] for edit in (head, tail, *single)]
    if not all(map(only_speaks_of_retrying, taken)):
        return None
    return [*single, head, *inner, tail]


def _breaks_behind(parts: Parts) -> bool:
    """Whether a `break` stands behind the last of what is tried, on its line: `send(); break`."""
    last = parts.attempt.body[-1]
    return last is not parts.tried[-1] and last.lineno == parts.tried[-1].end_lineno
