"""One finding per wrong: which findings give way to which.

A person thinks in paths, not in functions: a function that is timed by hand is not also called unmeasured, nor is a
helper that only serves a function which is measured.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence

from golden_rules.criticality import Kind, Verdict
from golden_rules.findings import Finding
from golden_rules.source.call_graph import callers_of, started_apart
from golden_rules.source.outline import Function, Outline

UNMEASURED = "GR10"
# What is named critical, or called from outside the program, is worth its own series whoever else calls it.
_OWN_SERIES = frozenset({Kind.REQUIRED, Kind.ENTRY_POINT})
# What the finding of a rule stands for in its own function, so that it need not be said beside it.
_STANDS_FOR: tuple[tuple[tuple[str, ...], tuple[str, ...]], ...] = (
    (("GR302", "GR303", "GR304"), ("GR301", "GR2", UNMEASURED)),
    # A retry loop that is also timed has two wrongs: the policy that takes the loop's place leaves the clock where it is.
    (("GR301",), (UNMEASURED,)),
    (("GR204",), ("GR201", "GR202", "GR203", UNMEASURED)),
    (("GR201", "GR202", "GR203"), (UNMEASURED,)),
)
_HAND_BUILT = frozenset({"GR302", "GR303", "GR304"})
# A class that is about what it builds by hand goes with the whole. In one that is about something else, such as a client
# that counts its failures, only the steps of the mechanism do: its calls of other systems and its clocks stay.
_ABOUT_IT = re.compile(r"breaker|dead_?letter|dlq|queue|pool|executor", re.IGNORECASE)
_STEPS = ("GR103", "GR104")


def one_finding_per_wrong(findings: Sequence[Finding]) -> list[Finding]:
    """Drop findings that others stand for; what stands inside a hand-built breaker, queue or pool goes with it."""
    codes: dict[str, set[str]] = defaultdict(set)
    for finding in findings:
        codes[finding.function].add(finding.code)
    return [finding for finding in findings if not _gives_way(finding, codes)]


def _gives_way(finding: Finding, codes: Mapping[str, set[str]]) -> bool:
    for strong, weak in _STANDS_FOR:
        if finding.code.startswith(weak) and not codes[finding.function].isdisjoint(strong):
            return True
    parts = finding.function.split(".")
    outer = (".".join(parts[:length]) for length in range(1, len(parts)))
    return any(
        finding.code.startswith(_within(name)) for name in outer if not _HAND_BUILT.isdisjoint(codes.get(name, ()))
    )


def _within(outer: str) -> tuple[str, ...]:
    """Return the codes of what goes with a function or class that builds something by hand, of all that stands inside it."""
    last = outer.rpartition(".")[2]
    is_class = last.lstrip("_")[:1].isupper()
    return _STEPS if is_class and not _ABOUT_IT.search(last) else _STANDS_FOR[0][1]


def serving(outline: Outline, judged: Mapping[Function, Verdict]) -> frozenset[Function]:
    """Return the critical functions that only serve another critical one of their class or module.

    They are private, and every call of them in the file stands in a function that is critical itself or serves one: what
    happens in them shows in the caller's series. A function that is started apart (`create_task(self._run())`)
    serves nobody, since its caller does not wait for it.
    """
    critical = {function for function, verdict in judged.items() if verdict.critical}
    if not critical:
        return frozenset()
    apart = started_apart(outline)
    callers = {callee: who for callee, who in callers_of(outline).items() if callee not in apart}
    inner = {
        function
        for function in critical
        if function.name.startswith("_")
        and judged[function].kind not in _OWN_SERIES
        and not judged[function].measured
        and callers.get(function)
        and callers[function] <= critical
    }
    return frozenset(inner & _reached(critical - inner, callers))


def _reached(outer: set[Function], callers: Mapping[Function, set[Function]]) -> set[Function]:
    """Return what the outer functions call, at any remove; helpers that only call each other are not among it."""
    callees: dict[Function, set[Function]] = defaultdict(set)
    for callee, its_callers in callers.items():
        for caller in its_callers:
            callees[caller].add(callee)
    reached: set[Function] = set()
    waiting = list(outer)
    while waiting:
        for callee in callees[waiting.pop()] - reached:
            reached.add(callee)
            waiting.append(callee)
    return reached
