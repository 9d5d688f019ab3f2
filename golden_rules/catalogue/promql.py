"""Queries over series whose names differ: PromQL's `rate` drops the name, so each part is given the operation as a label."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

# The job is a variable of the dashboard; all of them match series that have no job as well.
JOB = 'job=~"$job"'


@dataclass(frozen=True, slots=True)
class Operation:
    """What one `track_request` exposes, as far as queries need it.

    Attributes:
        name: The name given to it.
        base: What its series start with.
    """

    name: str
    base: str


def selected(series: str, *matchers: str, job: str = JOB) -> str:
    """Return a series with matchers for its labels: `a_total{job=~"$job",status="failure"}`."""
    inner = ",".join(matcher for matcher in (job, *matchers) if matcher)
    return f"{series}{{{inner}}}" if inner else series


def union(operations: Sequence[Operation], query: Callable[[str], str]) -> str:
    """Return one vector of what `query` gives for the base of each operation, told apart by the label `operation`."""
    return " or ".join(
        f'label_replace({query(operation.base)}, "operation", {quoted(operation.name)}, "", "")'
        for operation in operations
    )


def quoted(text: str) -> str:
    """Return a text as PromQL writes strings."""
    return json.dumps(text, ensure_ascii=False)


def named(label: str, names: Iterable[str]) -> str:
    """Return a matcher for the names given in the code, or `""` where one of them is no constant."""
    known = sorted(set(names))
    if not known or not all(known):
        return ""
    if len(known) == 1:
        return f"{label}={quoted(known[0])}"
    return f"{label}=~{quoted('|'.join(re.escape(name) for name in known))}"
