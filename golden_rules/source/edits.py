"""Applying edits: everything outside them stays as it was."""

from __future__ import annotations

from bisect import bisect, insort
from collections.abc import Iterable, Sequence

from golden_rules.findings import Edit, Fix, ImportedName
from golden_rules.source.imports import import_edits
from golden_rules.source.outline import Outline
from golden_rules.source.text import SourceText


def apply_edits(text: str, edits: Iterable[Edit]) -> str:
    """Return the text with edits applied; they must not overlap."""
    pieces = []
    position = 0
    for edit in sorted(edits, key=lambda edit: (edit.start, edit.end)):
        pieces.append(text[position : edit.start])
        pieces.append(edit.text)
        position = edit.end
    pieces.append(text[position:])
    return "".join(pieces)


def compatible_fixes(fixes: Sequence[Fix]) -> list[Fix]:
    """Return the fixes, in order, that can be applied together; the others wait for the next round."""
    chosen: list[Fix] = []
    taken: list[Edit] = []
    for fix in fixes:
        if any(_conflicts(edit, taken) for edit in fix.edits):
            continue
        chosen.append(fix)
        for edit in fix.edits:
            insort(taken, edit)
    return chosen


def _conflicts(edit: Edit, taken: Sequence[Edit]) -> bool:
    """Whether an edit meets one of those taken, which are in order and apart, so that only its neighbours count."""
    at = bisect(taken, edit)
    return any(_conflict(edit, other) for other in taken[max(at - 2, 0) : at + 2])


def _conflict(one: Edit, other: Edit) -> bool:
    # Two insertions at one place conflict too: their order would be a guess.
    if one.start == one.end and other.start == other.end:
        return one.start == other.start
    # What parts two neighbours can be judged only when one of them is gone.
    if not one.text and not other.text and (one.end == other.start or other.end == one.start):
        return True
    return one.start < other.end and other.start < one.end


def apply_fixes(source: SourceText, outline: Outline, fixes: Sequence[Fix]) -> str:
    """Return the source with compatible fixes applied, their imports included."""
    edits = [edit for fix in fixes for edit in fix.edits]
    needed: set[ImportedName] = {item for fix in fixes for item in fix.imports}
    # At one place the import comes first, so it stands above a decorator at the head of the file.
    return apply_edits(source.text, [*import_edits(source, outline, needed), *edits])
