"""Fingerprints by which other programs know a finding again, as a baseline does: not by its line."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence

from golden_rules.adoption.baseline import Entry, entry_of
from golden_rules.findings import Finding


def fingerprints(findings: Sequence[Finding]) -> Iterator[str]:
    """Yield a fingerprint for each finding, of which no two are alike; equal findings are told apart by their order."""
    seen: Counter[Entry] = Counter()
    for finding in findings:
        entry = entry_of(finding, finding.path)
        parts = (entry.path, entry.code, entry.function, entry.text, str(seen[entry]))
        seen[entry] += 1
        yield hashlib.sha256("\0".join(parts).encode(errors="surrogateescape")).hexdigest()[:32]
