"""Which decorator of a function records how its calls end."""

from __future__ import annotations

import re

from golden_rules.rules.applied import Applied, applied
from golden_rules.rules.base import Subject
from golden_rules.rules.misleading.blindness import OUTCOMES

_ERROR_DECORATOR = re.compile(r"(^|_)(errors?|exceptions?|failures?)$")


def recorder(subject: Subject) -> Applied | None:
    """Return the decorator that records how calls of a function end: one of the runtime's, if there is any."""
    found = [entry for entry in applied(subject.outline, subject.function, subject.config) if _records(subject, entry)]
    if any(entry.call and any(keyword.arg == "success_when" for keyword in entry.call.keywords) for entry in found):
        return None
    return min(found, key=lambda entry: not entry.name, default=None)


def _records(subject: Subject, entry: Applied) -> bool:
    if entry.name:
        return entry.name in OUTCOMES
    last = entry.written.rpartition(".")[2]
    if last == "count_exceptions" or last == "start_as_current_span":
        return entry.call is not None
    configured = subject.config.measured_by
    return bool(_ERROR_DECORATOR.search(last)) and any(
        entry.target == name or entry.target.startswith(name + ".") for name in configured
    )


def is_span(found: Applied) -> bool:
    """Whether a decorator opens a span, and counts nothing."""
    return found.name == "traced" or found.written.endswith("start_as_current_span")
