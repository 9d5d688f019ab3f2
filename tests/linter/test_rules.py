"""Every built-in rule does what its own cases say, and its documentation is whole."""

from __future__ import annotations

import pytest

from golden_rules import Bad, Good, Rule
from golden_rules.documentation import page
from golden_rules.registry import BUILT_IN
from golden_rules.testing import case_ids, check_case

CASES = [
    pytest.param(rule, case, id=name)
    for rule in BUILT_IN
    for case, name in zip(rule.cases, case_ids(rule), strict=True)
]


@pytest.mark.parametrize(("rule", "case"), CASES)
def test_case(rule: type[Rule], case: Bad | Good) -> None:
    """Bad code is found and fixed to the letter, good code is left alone."""
    check_case(rule, case)


@pytest.mark.parametrize("rule", BUILT_IN, ids=lambda rule: rule.code)
def test_page_has_the_sections_of_a_rule(rule: type[Rule]) -> None:
    """Whoever runs `explain` learns what the rule does, why, with an example, and when not to follow it."""
    text = page(rule)
    for section in (
        "## What it does",
        "## Why is this bad?",
        "## Example",
        "## Fix safety",
        "## When not to follow it",
    ):
        assert section in text


@pytest.mark.parametrize("rule", BUILT_IN, ids=lambda rule: rule.code)
def test_rule_shows_both_sides(rule: type[Rule]) -> None:
    """A rule is known by what it finds and by what it leaves alone."""
    assert any(isinstance(case, Bad) for case in rule.cases)
    assert any(isinstance(case, Good) for case in rule.cases)
