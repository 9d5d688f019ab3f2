"""What GR101-GR105 share: the sentence that says why, and the fix that inserts decorators."""

from __future__ import annotations

from typing import NamedTuple

from golden_rules.criticality import Kind
from golden_rules.findings import Edit, Fix, ImportedName, Safety, without_fix_as
from golden_rules.naming import metric_name
from golden_rules.rules.base import Subject, Violation
from golden_rules.rules.misleading.blindness import OUTCOMES, blind_blankets, blind_handlers, is_looked_for
from golden_rules.rules.misleading.swallow_hints import may_swallow
from golden_rules.rules.placement import insertion_point, is_unfinished, measuring_place, why_not_decorated
from golden_rules.source.headers import name_span
from golden_rules.source.references import reference, why_no_reference


def request_decorator(subject: Subject) -> tuple[str, str]:
    """Return the decorator that measures a whole operation, as its name and its arguments."""
    metric = _metric(subject)
    if f'"{metric}.duration"' in subject.source.text:
        # A timer inside it has the name of what the decorator would time.
        metric += ".call"
    return "track_request", f'"{metric}"'


def counted_decorator(subject: Subject) -> tuple[str, str]:
    """Return the decorator that counts calls, as its name and its arguments."""
    return "counted", f'"{_metric(subject)}"'


def timed_decorator(subject: Subject) -> tuple[str, str]:
    """Return the decorator that times calls, as its name and its arguments."""
    return "timed", f'"{_metric(subject)}.duration"'


def errors_decorator(subject: Subject) -> tuple[str, str]:
    """Return the decorator that counts exceptions, as its name and its arguments."""
    return "track_errors", f'"{_metric(subject)}.errors"'


def violation(subject: Subject, *decorators: tuple[str, str]) -> Violation:
    """Return the finding on a function's name, with the fix that puts the decorators on it, or why there is none."""
    shown = " and ".join(f"`@{name}({arguments})`" for name, arguments in decorators)
    parts = [_insert(subject, decorators)]
    remedy = f"add {shown}"
    if any(name in OUTCOMES for name, _ in decorators) and may_swallow(subject.function):
        swallowed = _swallowed(subject)
        if swallowed is not None:
            remedy += f", and {swallowed.remedy}"
            parts += swallowed.fixes
    fix = _together(parts)
    return Violation(
        span=name_span(subject.source, subject.function),
        message=f"nothing measures `{subject.function.qualname}`: {_why(subject)}",
        remedy=without_fix_as(remedy, fix) if isinstance(fix, str) else remedy,
        fix=None if isinstance(fix, str) else fix,
    )


class _Swallowed(NamedTuple):
    """What is to be said of handlers that swallow every exception, and the fix of each, or in words why it has none."""

    remedy: str
    fixes: list[Fix | str]


def _swallowed(subject: Subject) -> _Swallowed | None:
    """Return what the handlers of a function would hide from a decorator on it: GR406's finding of tomorrow.

    Under a decorator that is new, no series has counted these calls as successes yet. Whether they are any is not ours to say
    where the handler does not.
    """
    from golden_rules.rules.misleading.failure_marks import marking_fix
    from golden_rules.source.own_code import OwnCode

    if not is_looked_for(subject.config, subject.path):
        return None
    code = OwnCode(subject.function.node)
    blind, blankets = list(blind_handlers(subject, code)), list(blind_blankets(subject, code))
    if blankets:
        return _Swallowed(blankets[0].remedy, [blankets[0].no_fix])
    if not blind:
        return None
    fixes = [marking_fix(subject, code, swallow) for swallow in blind]
    marking = "begin the handler that swallows its failures with `mark_failure(error)`"
    told = all(swallow.told for swallow in blind)
    return _Swallowed(marking if told else f"where they are no ordinary outcome, {marking}", fixes)


def _together(parts: list[Fix | str]) -> Fix | str:
    """Return several fixes as one, as unsafe as the most unsafe of them; why one of them is missing, where one is."""
    known = [part for part in parts if isinstance(part, Fix)]
    if len(known) < len(parts):
        return next(part for part in parts if isinstance(part, str))
    return Fix(
        Safety.UNSAFE if any(part.safety is Safety.UNSAFE for part in known) else Safety.SAFE,
        ", and ".join(dict.fromkeys(part.description for part in known)),
        tuple(edit for part in known for edit in part.edits),
        tuple(dict.fromkeys(item for part in known for item in part.imports)),
    )


def _metric(subject: Subject) -> str:
    return metric_name(subject.outline, subject.function, *subject.config.naming(subject.path))


def _why(subject: Subject) -> str:
    """Return the one or two weightiest reasons that speak for measuring, as one clause."""
    speaking = [reason for reason in subject.verdict.reasons if reason.points >= 0]
    facts = [reason.words for reason in speaking if reason.telling]
    if subject.verdict.kind is Kind.REQUIRED or not facts:
        return speaking[0].words if speaking else "`threshold` takes in functions that nothing speaks for"
    return " and ".join([facts[0], *(words.removeprefix("it ") for words in facts[1:2])])


def _insert(subject: Subject, decorators: tuple[tuple[str, str], ...]) -> Fix | str:
    if is_unfinished(subject.function):
        return "what implements or overloads it runs in its place"
    if why := why_not_decorated(subject.outline, subject.function):
        return why
    module = subject.config.runtime_module
    lines = []
    imports: list[ImportedName] = []
    for name, arguments in decorators:
        written = reference(subject.outline, subject.function, module, name)
        if written is None:
            return why_no_reference(subject.outline, module, name)
        expression, needed = written
        lines.append(f"@{expression}({arguments})")
        if needed is not None:
            imports.append(needed)
    at, indent = insertion_point(subject, measuring_place(subject))
    text = "".join(f"{indent}{line}{subject.source.newline}" for line in lines)
    return Fix(Safety.SAFE, f"add {' and '.join(lines)}", (Edit(at, at, text),), tuple(imports))
