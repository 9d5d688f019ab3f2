"""Every built-in rule does what its own cases say, and its documentation is whole."""

from __future__ import annotations

from pathlib import Path

import pytest

from golden_rules import Bad, Config, Good, Rule, analyse_source
from golden_rules.documentation import page
from golden_rules.engine import project_findings
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
def test_what_is_not_fixed_says_why(rule: type[Rule]) -> None:
    """A rule that has fixes says of each finding without one what stands against it; what to rename is said by GR402-GR405."""
    if rule.fixability() is None or rule.code in ("GR402", "GR403", "GR404", "GR405"):
        return
    for case in rule.cases:
        if isinstance(case, Bad) and case.fixed is None and not case.settings:
            result = analyse_source(case.code.encode(), case.path, Config(root=Path.cwd()), [rule()])
            for finding in (*result.findings, *project_findings([rule()], [result], whole=True)):
                assert " (no fix, as " in finding.remedy


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
