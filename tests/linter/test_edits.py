"""Edits: what they do not name stays as it was."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from golden_rules.findings import Edit, Fix, ImportedName, Safety
from golden_rules.source.edits import apply_edits, apply_fixes, compatible_fixes
from golden_rules.source.outlining import outline
from golden_rules.source.parsing import parse
from golden_rules.source.text import SourceText

RUNTIME = ImportedName("golden_runtime", "timed")


@st.composite
def texts_and_edits(draw: st.DrawFn) -> tuple[str, list[Edit]]:
    """Make a text and edits of it, in any order, that may overlap."""
    text = draw(st.text(max_size=30))
    places = st.integers(0, len(text))
    edits = st.builds(lambda a, b, new: Edit(min(a, b), max(a, b), new), places, places, st.text(max_size=4))
    return text, draw(st.lists(edits, max_size=6))


@given(texts_and_edits())
def test_what_is_outside_stays(drawn: tuple[str, list[Edit]]) -> None:
    """Edits that go together give each piece between them unchanged, and each new text once, in order."""
    text, edits = drawn
    chosen = [fix.edits[0] for fix in compatible_fixes([Fix(Safety.SAFE, "", (edit,)) for edit in edits])]
    rest = apply_edits(text, chosen)
    position = 0
    for edit in sorted(chosen, key=lambda edit: (edit.start, edit.end)):
        before = text[position : edit.start] + edit.text
        assert rest.startswith(before)
        rest = rest.removeprefix(before)
        position = edit.end
    assert rest == text[position:]


@given(texts_and_edits())
def test_the_first_fix_is_always_applied(drawn: tuple[str, list[Edit]]) -> None:
    """However fixes conflict, each round settles at least one."""
    fixes = [Fix(Safety.SAFE, "", (edit,)) for edit in drawn[1]]
    assert compatible_fixes(fixes)[:1] == fixes[:1]


def test_overlap_waits() -> None:
    """Of two fixes that touch one place, the later waits as a whole; neighbours do not touch."""
    first = Fix(Safety.SAFE, "first", (Edit(0, 2, "a"), Edit(5, 6, "b")))
    overlapping = Fix(Safety.SAFE, "overlapping", (Edit(8, 9, "c"), Edit(1, 3, "d")))
    same_place = Fix(Safety.SAFE, "same place", (Edit(7, 7, "e"),))
    again = Fix(Safety.SAFE, "again", (Edit(7, 7, "f"),))
    neighbour = Fix(Safety.SAFE, "neighbour", (Edit(2, 5, "g"),))
    assert compatible_fixes([first, overlapping, same_place, again, neighbour]) == [first, same_place, neighbour]


def test_fixes_share_one_import() -> None:
    """Several fixes of a file need one import statement, above a decorator at the head of the file."""
    source = SourceText("def a(): ...\ndef b(): ...\n")
    tree = outline(parse(source), "shop", "")
    fixes = [Fix(Safety.SAFE, "", (Edit(at, at, "@timed\n"),), (RUNTIME,)) for at in (0, 13)]
    expected = "from golden_runtime import timed\n\n\n@timed\ndef a(): ...\n@timed\ndef b(): ...\n"
    assert apply_fixes(source, tree, fixes) == expected
