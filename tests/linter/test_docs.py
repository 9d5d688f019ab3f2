"""The pages in docs/rules are those that the rules make."""

from __future__ import annotations

import runpy
from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs"


def test_pages_are_those_that_the_rules_make() -> None:
    """`python docs/build.py` would change nothing, and no page of a rule that is gone is left."""
    pages = runpy.run_path(str(DOCS / "build.py"))["pages"]()
    assert {path: path.read_text(encoding="utf-8") for path in (DOCS / "rules").iterdir()} == pages
