"""GR302, GR303 and GR304 beyond their own cases: the reference service, what is out of their scope, and what gives way to them."""

from __future__ import annotations

from pathlib import Path

import pytest

from golden_rules import Rule
from golden_rules.config import Config
from golden_rules.engine import analyse_source
from golden_rules.findings import Finding
from golden_rules.rules.resilience.hand_built_circuit_breaker import HandBuiltCircuitBreaker
from golden_rules.rules.resilience.hand_built_dead_letter_queue import HandBuiltDeadLetterQueue
from golden_rules.rules.resilience.hand_built_pool import HandBuiltPool

CHIMERA = Path(__file__).parents[2] / "fixtures" / "chimera" / "src" / "chimera"
RULES = (HandBuiltCircuitBreaker, HandBuiltDeadLetterQueue, HandBuiltPool)


def found(rule: type[Rule], code: str, path: str = "src/shop/orders.py") -> list[Finding]:
    """Return what a rule finds in a module."""
    return list(analyse_source(code, path, Config(root=Path.cwd()), [rule()]).findings)


@pytest.mark.parametrize(
    ("rule", "place"),
    [
        (HandBuiltCircuitBreaker, ("breaker.py", "CircuitBreaker")),
        (HandBuiltDeadLetterQueue, ("dead_letters.py", "DeadLetterQueue")),
        (HandBuiltPool, ("pool.py", "ExecutorPool")),
    ],
    ids=["GR302", "GR303", "GR304"],
)
def test_the_reference_service_builds_one_of_each(rule: type[Rule], place: tuple[str, str]) -> None:
    """The fixture's breaker, dead letters and pool are found as one each; those who use them, and its rate limiter, are not."""
    places = [
        (path.name, finding.function)
        for path in sorted(CHIMERA.rglob("*.py"))
        for finding in found(rule, path.read_text(encoding="utf-8"), f"src/chimera/{path.name}")
    ]
    assert places == [place]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.code)
def test_tests_and_the_runtime_are_left_alone(rule: type[Rule]) -> None:
    """A breaker in a test shows what a breaker is, and the runtime builds what others import."""
    case = rule.cases[0].code
    assert len(found(rule, case)) == 1
    assert found(rule, case, "tests/test_orders.py") == []
    assert found(rule, case, "golden_runtime/orders.py") == []


@pytest.mark.parametrize(
    ("name", "expected"), [("PriceClient", ["GR302", "GR102"]), ("PriceBreaker", ["GR302"])], ids=["client", "breaker"]
)
def test_what_goes_with_a_hand_built_class(name: str, expected: list[str]) -> None:
    """A class that is about something else than the breaker inside it keeps its external calls; one that is a breaker is one wrong."""
    source = f"""
import httpx


class {name}:
    def __init__(self, clock):
        self.http = httpx.Client()
        self.clock = clock
        self.failures = 0
        self.blocked_until = 0

    def price(self, product):
        if self.clock.now() < self.blocked_until:
            return None
        try:
            answer = self.http.get("/prices", params=product)
        except OSError:
            self.failures += 1
            if self.failures >= 5:
                self.blocked_until = self.clock.now() + 60
            raise
        self.failures = 0
        return answer.json()
"""
    findings = analyse_source(source, "src/shop/prices.py", Config(root=Path.cwd())).findings
    assert [finding.code for finding in findings] == expected
