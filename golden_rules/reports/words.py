"""Numbers and nouns that go together."""

from __future__ import annotations


def counted(number: int, singular: str, plural: str | None = None) -> str:
    """Return a number with its noun: `1 file`, `2 files`, `3 fixes`."""
    return f"{number} {singular if number == 1 else plural or singular + 's'}"
