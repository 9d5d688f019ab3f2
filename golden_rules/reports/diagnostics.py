"""Findings and changes in the terms of the Language Server Protocol."""

from __future__ import annotations

import difflib
import io
from collections.abc import Iterable, Iterator
from datetime import date
from typing import TYPE_CHECKING

from lsprotocol import types

from golden_rules.findings import Finding, Severity
from golden_rules.reports.rule_pages import page_url
from golden_rules.reports.words import grace
from golden_rules.source.text import SourceText

if TYPE_CHECKING:
    from pygls.workspace import PositionCodec

SOURCE = "golden-rules"
_SEVERITIES = {
    Severity.ERROR: types.DiagnosticSeverity.Error,
    Severity.WARNING: types.DiagnosticSeverity.Warning,
}


def diagnostic(finding: Finding, text: SourceText, codec: PositionCodec, today: date) -> types.Diagnostic:
    """Return a finding as editors show it, its columns in the units that the editor counts in."""
    url = page_url(finding.code)
    notes = [f"help: {finding.remedy}"] if finding.remedy else []
    notes += [f"note: {grace(finding, today)}"] if finding.grace_until else []
    return types.Diagnostic(
        range=range_of(finding, text, codec),
        message="\n".join([finding.message, *notes]),
        severity=_SEVERITIES[finding.severity],
        code=finding.code,
        code_description=types.CodeDescription(url) if url else None,
        source=SOURCE,
    )


def range_of(finding: Finding, text: SourceText, codec: PositionCodec) -> types.Range:
    """Return where a finding stands."""
    return types.Range(
        _position(text, text.line_start(finding.line) + finding.column - 1, codec),
        _position(text, text.line_start(finding.end_line) + finding.end_column - 1, codec),
    )


def text_edits(before: str, after: str, codec: PositionCodec) -> list[types.TextEdit]:
    """Return the edits that make one text of another, line by line, so that cursors and folds elsewhere stay."""
    text = SourceText(before)
    return [
        types.TextEdit(types.Range(_position(text, start, codec), _position(text, end, codec)), new)
        for start, end, new in _replaced(list(_lines(before)), list(_lines(after)))
    ]


def _replaced(before: list[str], after: list[str]) -> Iterator[tuple[int, int, str]]:
    """Yield what changes, as offsets in the text before and what stands between them afterwards."""
    starts = [0]
    for line in before:
        starts.append(starts[-1] + len(line))
    for kind, first, last, new_first, new_last in difflib.SequenceMatcher(None, before, after).get_opcodes():
        if kind != "equal":
            yield starts[first], starts[last], "".join(after[new_first:new_last])


def _lines(text: str) -> Iterable[str]:
    # Lines end where the protocol ends them, which is where Python does: `str.splitlines` also splits at form feeds.
    return io.StringIO(text, newline="")


def _position(text: SourceText, offset: int, codec: PositionCodec) -> types.Position:
    line, column = text.position(min(offset, len(text.text)))
    start = text.line_start(line)
    return types.Position(line - 1, codec.client_num_units(text.text[start : start + column - 1]))
