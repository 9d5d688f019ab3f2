"""The edits that editors are given make one text of another."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lsprotocol import types
from pygls.workspace import PositionCodec

from golden_rules.reports.diagnostics import text_edits

# What ends lines in the protocol, what ends them for `str.splitlines` alone, and characters of each width.
TEXTS = st.lists(st.sampled_from(["\n", "\r\n", "\r", "\f", "\u2028", "\t", "x", "é", "🎉", "x = 1\n"])).map("".join)
CODINGS = {
    types.PositionEncodingKind.Utf8: ("utf-8", 1),
    types.PositionEncodingKind.Utf16: ("utf-16-le", 2),
    types.PositionEncodingKind.Utf32: ("utf-32-le", 4),
}


def offset(text: str, place: types.Position, coding: str, width: int) -> int:
    """Return where a place of the protocol is in a text."""
    starts = [0, *(match.end() for match in re.finditer(r"\r\n|\r|\n", text))]
    rest = text[starts[place.line] :].encode(coding)[: place.character * width]
    return starts[place.line] + len(rest.decode(coding))


@pytest.mark.parametrize("encoding", CODINGS)
@given(before=TEXTS, after=TEXTS)
def test_edits_make_one_text_of_another(encoding: types.PositionEncodingKind, before: str, after: str) -> None:
    """Applied from the last to the first, whatever ends the lines and however columns are counted."""
    text = before
    for edit in reversed(text_edits(before, after, PositionCodec(encoding))):
        start, end = (offset(before, place, *CODINGS[encoding]) for place in (edit.range.start, edit.range.end))
        text = text[:start] + edit.new_text + text[end:]
    assert text == after
