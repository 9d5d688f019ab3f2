"""Numbers and nouns that go together."""

from __future__ import annotations

from datetime import date

from golden_rules.findings import Finding


def counted(number: int, singular: str, plural: str | None = None) -> str:
    """Return a number with its noun: `1 file`, `2 files`, `3 fixes`."""
    return f"{number} {singular if number == 1 else plural or singular + 's'}"


def days_left(finding: Finding, today: date) -> int | None:
    """Return in how many days a finding in grace is an error; `None` for one that is not in grace."""
    return None if finding.grace_until is None else (finding.grace_until - today).days


def grace(finding: Finding, today: date) -> str:
    """Return until when a finding is no error, and how long that is; `""` for one that is not in grace."""
    days = days_left(finding, today)
    return "" if days is None else f"an error in {counted(days, 'day')}, from {finding.grace_until} on"
