"""Results as the bytes that caches keep and processes exchange."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from golden_rules.findings import Fact, FileFacts, FileResult, Finding
from golden_rules.packing import packed, unpacked, unpacked_facts


@settings(max_examples=50, suppress_health_check=[HealthCheck.too_slow])
@given(findings=st.lists(st.builds(Finding), max_size=2), silenced=st.lists(st.builds(Finding), max_size=1))
def test_round_trip(findings: list[Finding], silenced: list[Finding]) -> None:
    """Every field of a finding comes back as it was, those of its fixes among them."""
    facts = FileFacts(7, tuple(silenced), 2)
    result = FileResult("a.py", tuple(findings), (), facts)
    told = packed(result)
    assert told is not None
    assert unpacked(told, "a.py") == result


@settings(max_examples=50, suppress_health_check=[HealthCheck.too_slow])
@given(facts=st.lists(st.builds(Fact, data=st.tuples(st.text(), st.none() | st.frozensets(st.integers()))), max_size=3))
def test_facts(facts: list[Fact]) -> None:
    """Facts about the project come back as they were."""
    told = packed(FileResult("a.py", facts=FileFacts(1, project=tuple(facts))))
    assert told is not None
    assert unpacked_facts(told.facts) == tuple(facts)


def test_facts_that_are_not_plain() -> None:
    """What a plugin tells in values of its own is not kept, so that it is asked again."""
    assert packed(FileResult("a.py", facts=FileFacts(1, project=(Fact("XX1", "a.py", (object(),)),)))) is None
