"""What GR101-GR105 share: the sentence that says why, and the fix that inserts decorators."""

from __future__ import annotations

from golden_rules.criticality import Kind
from golden_rules.findings import Edit, Fix, ImportedName, Safety
from golden_rules.naming import metric_name
from golden_rules.rules.base import Subject, Violation
from golden_rules.rules.placement import can_be_decorated, insertion_point, measuring_place
from golden_rules.source.headers import name_span
from golden_rules.source.imports import reference


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
    """Return the finding on a function's name, with the fix that puts the decorators on it where that is safe."""
    shown = " and ".join(f"`@{name}({arguments})`" for name, arguments in decorators)
    return Violation(
        span=name_span(subject.source, subject.function),
        message=f"nothing measures `{subject.function.qualname}`: {_why(subject)}",
        remedy=f"add {shown}",
        fix=_insert(subject, decorators),
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


def _insert(subject: Subject, decorators: tuple[tuple[str, str], ...]) -> Fix | None:
    if not can_be_decorated(subject.function):
        return None
    lines = []
    imports: list[ImportedName] = []
    for name, arguments in decorators:
        written = reference(subject.outline, subject.function, subject.config.runtime_module, name)
        if written is None:
            return None
        expression, needed = written
        lines.append(f"@{expression}({arguments})")
        if needed is not None:
            imports.append(needed)
    at, indent = insertion_point(subject, measuring_place(subject))
    text = "".join(f"{indent}{line}{subject.source.newline}" for line in lines)
    return Fix(Safety.SAFE, f"add {' and '.join(lines)}", (Edit(at, at, text),), tuple(imports))
