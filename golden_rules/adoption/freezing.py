"""Making a baseline, letting it shrink, and saying how far along each team or package is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from golden_rules.adoption.baseline import Baseline, Entry, Matched, entry_of, match
from golden_rules.findings import Finding


@dataclass(frozen=True, slots=True)
class Share:
    """How far a team or package is: how many findings it started with, and how many of them are left."""

    name: str
    started: int
    left: int

    @property
    def per_cent(self) -> float:
        """The share that is mended, in per cent."""
        return 100.0 * max(self.started - self.left, 0) / self.started if self.started else 100.0


@dataclass(frozen=True, slots=True)
class Frozen:
    """A baseline after a look at what there is now.

    Attributes:
        baseline: What it holds now.
        changed: Whether it differs from what it held.
        dropped: The entries that nothing stands for any more.
        added: How many findings were taken in.
        outside: The findings that it does not hold and that stay out: they are newer than it.
        shares: How far along each team or package is, by name.
    """

    baseline: Baseline
    changed: bool
    dropped: tuple[Entry, ...]
    added: int
    outside: tuple[Finding, ...]
    shares: tuple[Share, ...]


def freeze(
    old: Baseline | None,
    found: Sequence[tuple[Finding, str]],
    rules: Collection[str],
    *,
    new_rules: bool,
    is_gone: Callable[[str], bool],
    group: Callable[[str], str],
) -> Frozen:
    """Return the baseline that follows from what is found in a whole project.

    Args:
        old: What it held; `None` where there was none, so that everything is taken in.
        found: The findings, each with its path relative to the baseline's folder.
        rules: The codes of all rules there are.
        new_rules: Whether findings of rules that the baseline does not know yet are taken in, too.
        is_gone: Whether a file is not there any more.
        group: The team or package of a path.
    """
    entries = [entry_of(finding, path) for finding, path in found]
    before = old or Baseline(Counter())
    matched = match(before.entries, entries, is_gone)
    fresh = [position for position in range(len(entries)) if position not in matched.known]
    added = [at for at in fresh if old is None or (new_rules and entries[at].code not in before.rules)]
    taken_in = [entries[at] for at in added]
    started = _moved(before.started, matched, entries)
    started.update(entry.path for entry in taken_in)
    knows = frozenset(rules) if old is None or new_rules else before.rules
    now = Baseline(Counter([*(entries[at] for at in matched.known), *taken_in]), knows, started)
    outside = tuple(found[at][0] for at in fresh if at not in set(added))
    changed = old is None or (now.entries, now.rules, dict(now.started)) != (old.entries, old.rules, dict(old.started))
    return Frozen(now, changed, tuple(_dropped(matched)), len(added), outside, tuple(shares(now, group)))


def _dropped(matched: Matched) -> Iterable[Entry]:
    return sorted(matched.left.elements())


def shares(baseline: Baseline, group: Callable[[str], str]) -> Iterable[Share]:
    """Yield how far along each team or package is, by name."""
    left: Counter[str] = Counter()
    for entry, count in baseline.entries.items():
        left[group(entry.path)] += count
    started: Counter[str] = Counter()
    for path, count in baseline.started.items():
        started[group(path)] += count
    for name in sorted({*started, *left}):
        yield Share(name, max(started[name], left[name]), left[name])


def _moved(started: Mapping[str, int], matched: Matched, entries: Sequence[Entry]) -> Counter[str]:
    """Return how many findings each file started with, files that were renamed under their new names."""
    renamed = {was.path: entries[at].path for at, was in matched.known.items()}
    moved: Counter[str] = Counter()
    for path, count in started.items():
        moved[renamed.get(path, path)] += count
    return moved
