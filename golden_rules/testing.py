"""For authors of rules: run a rule's own cases.

import pytest
from golden_rules.testing import case_ids, check_case

@pytest.mark.parametrize("case", MyRule.cases, ids=case_ids(MyRule))
def test_case(case):
    check_case(MyRule, case)
"""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from golden_rules.config import Config
from golden_rules.engine import analyse_source, project_findings
from golden_rules.findings import Finding
from golden_rules.fixing import FixedSource, fix_source
from golden_rules.registry import load_rules
from golden_rules.rules.base import Bad, Good, Rule
from golden_rules.settings_places import SettingsPlace
from golden_rules.validation import check_table


class CaseFailure(AssertionError):
    """A rule does not do what one of its cases says."""


def case_ids(rule: type[Rule]) -> list[str]:
    """Return a readable name for each of a rule's cases, for `pytest.mark.parametrize`."""
    return [
        f"{rule.code}-good-{case.why.replace(' ', '-')}" if isinstance(case, Good) else f"{rule.code}-bad-{number}"
        for number, case in enumerate(rule.cases, 1)
    ]


def check_case(rule: type[Rule], case: Bad | Good) -> None:
    """Check that a rule finds, or leaves alone, the code of a case, and that its fix holds what fixes promise.

    A fix must give the expected text, which parses; its finding must be gone, with no new one; a second run must change
    nothing.

    Raises:
        CaseFailure: It does not.
    """
    config = _config(case)
    findings = _findings(rule, case, case.code.encode(), config)
    if isinstance(case, Good):
        _demand(not findings, f"{rule.code} finds fault with a good case: {[finding.message for finding in findings]}")
        return
    _demand(bool(findings), f"{rule.code} finds nothing in a bad case")
    _demand(all(finding.code == rule.code for finding in findings), f"another code than {rule.code}: {findings}")
    if case.fixed is None:
        _demand(all(finding.fix is None for finding in findings), f"{rule.code} has a fix that the case does not show")
        return
    _check_fix(rule, case, config)


def fix_alone(
    source: bytes, path: str, config: Config, rules: Sequence[Rule] | None = None, *, unsafe: bool = False
) -> FixedSource:
    """Apply the fixes of a file that is the only one of its project, those of the rules about the whole project among them.

    Raises:
        FixError: The fixes are not sound.
    """
    known = load_rules() if rules is None else rules
    content = source
    applied: tuple[Finding, ...] = ()
    while True:
        told = project_findings(known, [analyse_source(content, path, config, known)], whole=True)
        fixed = fix_source(
            content, path, config, known, unsafe=unsafe, may_go=_anything, import_may_go=_anything, told=told
        )
        applied += fixed.applied
        if fixed.content == content:
            return replace(fixed, applied=applied)
        content = fixed.content


def _anything(_name: str) -> bool:
    return True


def _check_fix(rule: type[Rule], case: Bad, config: Config) -> None:
    source = case.code.encode()
    if case.unsafe:
        _demand(fix_alone(source, case.path, config, [rule()]).content == source, f"{rule.code}: the fix is safe")
    content = fix_alone(source, case.path, config, [rule()], unsafe=case.unsafe).content
    text = content.decode()
    _demand(text == case.fixed, f"{rule.code}: the fix gives\n{text}\ninstead of\n{case.fixed}")
    ast.parse(text)
    left = _findings(rule, case, content, config)
    _demand(not left, f"{rule.code}: findings are left after the fix: {left}")
    again = fix_alone(content, case.path, config, unsafe=case.unsafe)
    _demand(again.content == content, f"{rule.code}: a second run changes the file")


def _findings(rule: type[Rule], case: Bad | Good, content: bytes, config: Config) -> tuple[Finding, ...]:
    result = analyse_source(content, case.path, config, [rule()])
    return (*result.findings, *project_findings([rule()], [result], whole=True))


def _config(case: Bad | Good) -> Config:
    table = dict(case.settings)
    values = check_table(table, SettingsPlace("the case's settings", (), ""))
    return Config(root=Path.cwd(), **values)


def _demand(holds: bool, message: str) -> None:
    if not holds:
        raise CaseFailure(message)
