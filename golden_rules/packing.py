"""Results as bytes, for the cache and for the way from a worker: nested tuples of plain values, written with `marshal`.

`marshal` reads thousands of entries in milliseconds, and makes plain values only: unlike `pickle` it calls nothing, so a
cache that came with somebody else's repository runs no code.
"""

# ruff: noqa: S302 - see above
from __future__ import annotations

import marshal
from collections.abc import Iterable
from datetime import date
from typing import Any, NamedTuple

from golden_rules.findings import (
    Clock,
    Edit,
    Fact,
    FileEdits,
    FileFacts,
    FileResult,
    Finding,
    Fix,
    ImportedName,
    Place,
    Safety,
    Severity,
    Silence,
)

_SEVERITIES = {str(severity): severity for severity in Severity}
_SAFETIES = {str(safety): safety for safety in Safety}


class Packed(NamedTuple):
    """What is said of a file, as bytes; its scored functions are left out.

    Attributes:
        lines: How many lines it has.
        told: Its findings, silenced ones among them; empty where there are none.
        facts: What it tells the rules about the whole project, apart because few runs unpack it; empty where there is nothing.
    """

    lines: int
    told: bytes
    facts: bytes


def packed(result: FileResult) -> Packed | None:
    """Return a result as bytes; `None` where a rule's facts hold values that are not plain."""
    facts = result.facts
    told = project = b""
    try:
        if result.findings or facts.silenced or facts.withheld:
            told = marshal.dumps((pack_findings(result.findings), pack_findings(facts.silenced), facts.withheld))
        if facts.project:
            project = marshal.dumps([_fact(fact) for fact in facts.project])
    except ValueError:
        return None
    return Packed(facts.lines, told, project)


def unpacked(entry: Packed, path: str) -> FileResult:
    """Return the result of the file at `path` without its facts about the project.

    Raises:
        ValueError, TypeError, EOFError, KeyError: The bytes hold something else.
    """
    if not entry.told:
        return FileResult(path, facts=FileFacts(entry.lines))
    findings, silenced, withheld = marshal.loads(entry.told)
    facts = FileFacts(entry.lines, tuple(unpack_findings(silenced)), withheld)
    return FileResult(path, tuple(unpack_findings(findings)), (), facts)


def unpacked_facts(facts: bytes) -> tuple[Fact, ...]:
    """Return what a file tells the rules about the whole project; raises as `unpacked` does."""
    return tuple(
        Fact(code, path, data, place and Place(*place), silence and Silence(*silence), _read_fix(fix))
        for code, path, data, place, silence, fix in (marshal.loads(facts) if facts else ())
    )


def pack_findings(findings: Iterable[Finding]) -> list[tuple[Any, ...]]:
    """Return findings as plain tuples."""
    return [
        (
            finding.code,
            finding.name,
            finding.message,
            finding.path,
            finding.line,
            finding.column,
            finding.end_line,
            finding.end_column,
            finding.function,
            str(finding.severity),
            finding.remedy,
            finding.text,
            _fix(finding.fix),
            _fix(finding.unsafe_fix),
            _silence(finding.silence),
            finding.grace_until and finding.grace_until.toordinal(),
            finding.supplements,
        )
        for finding in findings
    ]


def unpack_findings(findings: Iterable[tuple[Any, ...]]) -> list[Finding]:
    """Return findings from plain tuples; raises as `unpacked` does."""
    return [
        Finding(
            *(told[0], told[1], told[2], told[3], told[4], told[5], told[6], told[7], told[8]),
            _SEVERITIES[told[9]],
            told[10],
            told[11],
            _read_fix(told[12]),
            _read_fix(told[13]),
            told[14] and Silence(*told[14]),
            told[15] and date.fromordinal(told[15]),
            told[16],
        )
        for told in findings
    ]


def _fix(fix: Fix | None) -> tuple[Any, ...] | None:
    if fix is None:
        return None
    elsewhere = [(other.path, *_changes(other)) for other in fix.elsewhere]
    clocks = [(clock.written, clock.target) for clock in fix.clocks]
    return (str(fix.safety), fix.description, *_changes(fix), fix.removes, elsewhere, clocks)


def _changes(told: Fix | FileEdits) -> tuple[list[tuple[int, int, str]], list[tuple[str, str]]]:
    edits = [(edit.start, edit.end, edit.text) for edit in told.edits]
    return edits, [(item.module, item.name) for item in told.imports]


def _read_fix(told: tuple[Any, ...] | None) -> Fix | None:
    if told is None:
        return None
    safety, description, edits, imports, removes, elsewhere, clocks = told
    return Fix(
        _SAFETIES[safety],
        description,
        *_read_changes(edits, imports),
        removes,
        tuple([FileEdits(path, *_read_changes(edits, imports)) for path, edits, imports in elsewhere]),
        tuple([Clock(*clock) for clock in clocks]),
    )


def _read_changes(
    edits: Iterable[tuple[int, int, str]], imports: Iterable[tuple[str, str]]
) -> tuple[tuple[Edit, ...], tuple[ImportedName, ...]]:
    return tuple([Edit(*edit) for edit in edits]), tuple([ImportedName(*item) for item in imports])


def _fact(fact: Fact) -> tuple[Any, ...]:
    place = fact.place
    where = place and (place.line, place.column, place.end_line, place.end_column, place.function, place.text)
    return (fact.code, fact.path, fact.data, where, _silence(fact.silence), _fix(fact.fix))


def _silence(silence: Silence | None) -> tuple[str, str] | None:
    return None if silence is None else (silence.reason, silence.until)
