"""What tells that a function waits for another part of the system, itself or in those of its file that it calls.

A name that says "run" or "process" is no evidence: what only computes has no slowness or failures that an operator could
do anything about. What awaits, asks a client or a store, loops without end, or is ready for a connection to fail, waits.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import lru_cache

from golden_rules.dealings import mark_of
from golden_rules.source.outline import Function
from golden_rules.source.trees import dotted
from golden_rules.traits import Reason

# What is caught where another system fails, by the last part of its name.
_OUTAGE = re.compile(
    r"Time_?[oO]ut|Connect|H(TTP|ttp)|Request(Exception|Error)|Network|[sS]ocket|D(B|b|ata[bB]ase)|S(QL|ql)|Integrity|Operational"
    r"|Client|A(PI|pi)|Redis|Transport|Broker|OSError|IOError|URLError|CalledProcess|R(PC|pc)|Remote|Unavailable|NotFound|DoesNotExist"
)
# From how many points on what tells is a hint, and more than that; size, awaits and handlers alone are neither.
_HINT = 2.0
_SURE = 2.5


def waiting(
    functions: Iterable[Function], callers: Mapping[Function, Collection[Function]], talking: Collection[Function]
) -> frozenset[Function]:
    """Return the functions that wait for another part of the system.

    Args:
        functions: All functions of the file.
        callers: For each function, those of its class or module that call it: who calls what waits, waits too.
        talking: The functions that talk to another system themselves.
    """
    found = {function for function in functions if function in talking or _waits(function)}
    left = list(found)
    while left:
        for caller in callers.get(left.pop(), ()):
            if caller not in found:
                found.add(caller)
                left.append(caller)
    return frozenset(found)


def _waits(function: Function) -> bool:
    if function.awaits or function.endless_loop:
        return True
    return any(mark_of(call.name).partner for call in function.calls) or bool(outage(function))


def outage(function: Function) -> str:
    """Return what a function catches where another system fails (`requests.Timeout`), as written; `""` where nothing."""
    for clause in function.clauses:
        caught = clause.type.elts if isinstance(clause.type, ast.Tuple) else [clause.type]
        for error in caught:
            if (name := dotted(error)) and _is_outage(name):
                return name
    return ""


@lru_cache(maxsize=4096)
def _is_outage(error: str) -> bool:
    return _OUTAGE.search(error.rpartition(".")[2]) is not None


def untold(function: Function, reasons: Iterable[Reason], *, waits: bool, registered: bool) -> Iterator[Reason]:
    """Yield what it says where little or nothing tells that a function waits for another part of the system.

    Args:
        function: The function.
        reasons: What is said of it otherwise.
        waits: Whether it waits, as far as its file tells.
        registered: Whether a framework calls it.
    """
    strongest = max((reason.points for reason in reasons if reason.telling), default=0.0)
    if function.logs_in_handler:
        strongest = max(strongest, _HINT)
    if registered:
        if strongest < _HINT:
            yield Reason(-1.0, "nothing tells that it waits for another part of the system")
    elif strongest < _HINT or not (waits or function.logs_in_handler):
        yield Reason(-2.5, "nothing tells that it waits for another part of the system")
    elif strongest < _SURE:
        yield Reason(-1.0, "little tells that it waits for another part of the system")
