"""Keeping the metrics that fixes write apart from all others of a project.

A name comes from a file's path and a function's name alone, so two files can come to one, or to two that Prometheus spells
alike, which the runtime refuses as a module is imported. What stands keeps its name; of what is new, the first in the order of
paths has it, and the others get another.
"""

from __future__ import annotations

import itertools
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from golden_rules.catalogue.parts import PARTS
from golden_rules.catalogue.series import in_namespace, translated
from golden_rules.claims import Claim, claims_of
from golden_rules.findings import Finding, without_fix_as, written_of
from golden_rules.measured import RUNTIME
from golden_rules.naming import Crowded
from golden_rules.project_texts import ProjectTexts
from golden_rules.rules.misleading.declarations import Declared
from golden_rules.work import NOTHING, Apart, Fixing, Losable, Outcome, outcome, refixed

if TYPE_CHECKING:
    from golden_rules.projects import Files, Outcomes

T = TypeVar("T")


class Crowds:
    """The metrics of a run's projects, which those that fixes write are held against."""

    def __init__(self, files: Files, outcomes: Outcomes, fixing: Fixing, texts: dict[Path, ProjectTexts]) -> None:
        """Take the run, and the texts that were read before; nothing is read before a fix has written a metric."""
        self._files = files
        self._outcomes = outcomes
        self._fixing = fixing
        self._texts = texts
        self._projects: dict[Path, _Metrics] = {}
        self._withheld: dict[int, dict[str, str]] = defaultdict(dict)

    def alone(self, index: int, done: Outcome, losable: Losable = NOTHING) -> Outcome:
        """Return what comes of a file that was fixed by itself, as `settled` does; `losable` is what it was fixed with."""
        if done.before is None:
            return done
        file, source = self._files[index], done.before
        found = self.settled(index, done, partial(refixed, file, source, self._fixing, losable))
        return outcome(source, file, None) if found is None else found

    def settled(self, index: int, done: Outcome, again: Callable[[Apart], Outcome | None]) -> Outcome | None:
        """Return what comes of a file whose new metrics stand beside all others: with other names, or without some fixes.

        Args:
            index: The file's position in the run.
            done: What comes of it with the names that its functions have by themselves.
            again: Fixes it anew; `None` where that changes nothing.
        """
        if not _parted(done)[0]:
            return done
        metrics = self._metrics(index)
        plain: dict[str, set[str]] = {}
        withheld: set[str] = set()
        found: Outcome | None = done
        while found is not None and (clashes := list(metrics.clashes(found))):
            if not plain:
                metrics.reserve(found.claims)
            tried = {function: frozenset(names) for function, names in plain.items()}
            stuck = len(withheld)
            for claim, other in clashes:
                plain.setdefault(claim.function, set()).add(claim.name)
                if claim.function in tried:
                    withheld.add(claim.name)
                    self._withhold(index, {claim.name, *tried[claim.function]}, claim, other)
            if len(plain) == len(tried) and len(withheld) == stuck:
                return None
            found = again(Apart(Crowded(frozenset(plain), metrics.starts), frozenset(withheld)))
        if found is not None and found.content is not None:
            metrics.put(self._files[index].relative, found.claims)
        return found

    def fits(self, index: int, step: Iterable[tuple[int, Outcome]]) -> bool:
        """Whether what comes of several files that change together stands beside all else; the finding is in the one at `index`."""
        metrics = self._metrics(index)
        earlier: list[tuple[str, tuple[Claim, ...]]] = []
        for at, done in step:
            clash = next(metrics.clashes(done), None)
            if clash is not None:
                self._withhold(index, {clash[0].name}, *clash)
                for path, claims in reversed(earlier):
                    metrics.put(path, claims)
                return False
            path = self._files[at].relative
            earlier.append((path, metrics.put(path, done.claims)))
        return True

    def kept(self, index: int, findings: Iterable[Finding]) -> tuple[Finding, ...]:
        """Return the findings of a file without the fixes that were withheld, and with the reason."""
        withheld = self._withheld.get(index)
        return tuple(_kept(finding, withheld) if withheld else finding for finding in findings)

    def _withhold(self, index: int, names: Iterable[str], claim: Claim, other: Claim) -> None:
        why = f"its metric `{claim.name}` would meet that of `{other.metric.shown}` in `{other.path}`"
        self._withheld[index].update(dict.fromkeys(names, why))

    def _metrics(self, index: int) -> _Metrics:
        """Return the metrics of a file's project, as they were before those of this run, and with what was put there since."""
        config = self._files[index].config
        if config.root not in self._projects:
            changed = {
                file.relative: done.claims
                for file, done in zip(self._files, self._outcomes, strict=True)
                if file.config.root == config.root and done is not None and done.content is not None
            }
            texts = self._texts.setdefault(config.root, ProjectTexts(config.root))
            metrics = self._projects[config.root] = _Metrics(config.namespace or "")
            metrics.put(RUNTIME, tuple(_of_runtime(config.namespace or "")))
            for path, text in texts.modules(besides=changed):
                metrics.put(path, claims_of(text, path, config))
            for path, claims in changed.items():
                metrics.put(path, claims)
        return self._projects[config.root]


class _Metrics:
    """The metrics of one project.

    Attributes:
        starts: What their names begin with, up to an `_` or the end; what once stood there stays.
    """

    def __init__(self, namespace: str) -> None:
        """Begin with none; `namespace` is what the runtime puts before names."""
        self.starts: set[str] = set()
        self._prefix = f"{translated(namespace)}_" if namespace else ""
        self._by_path: dict[str, tuple[Claim, ...]] = {}
        self._by_name: dict[str, list[Claim]] = defaultdict(list)

    def put(self, path: str, claims: tuple[Claim, ...]) -> tuple[Claim, ...]:
        """Take in what a file declares, in place of what it declared before, which is returned."""
        before = self._by_path.get(path, ())
        for claim in before:
            for name in claim.metric.series:
                self._by_name[name].remove(claim)
        for claim in claims:
            for name in claim.metric.series:
                self._by_name[name].append(claim)
        self._by_path[path] = claims
        self.reserve(claims)
        return before

    def reserve(self, claims: Iterable[Claim]) -> None:
        """Have no crowded function take a name of these."""
        for claim in claims:
            for name in claim.metric.series:
                self.starts.update(_starts(name))
                self.starts.update(_starts(name.removeprefix(self._prefix)))

    def clashes(self, done: Outcome) -> Iterator[tuple[Claim, Claim]]:
        """Yield the metrics that fixes have put into a file and that cannot stand there, each with what stands in the way."""
        new, old = _parted(done)
        own = list(old)
        for claim in new:
            names = set(claim.metric.series)
            elsewhere = (other for name in names for other in self._by_name.get(name, ()) if other.path != claim.path)
            here = (other for other in own if not names.isdisjoint(other.metric.series))
            other = next((other for other in itertools.chain(here, elsewhere) if claim.clashes(other)), None)
            if other is not None:
                yield claim, other
            own.append(claim)


def _of_runtime(namespace: str) -> Iterator[Claim]:
    """Yield the metrics that the runtime's breakers, retries, queues and pools declare."""
    for name, part in PARTS.items():
        for series in part.series:
            exposed = in_namespace(series, namespace)
            family = exposed.name.removesuffix("_total") if series.kind == "counter" else exposed.name
            yield Claim(RUNTIME, Declared(family, series.kind, series.labels, "", name), "", name, "")


def _parted(done: Outcome) -> tuple[list[Claim], list[Claim]]:
    """Return the metrics of a fixed file that are new, in their order, and those that it had at the start, if in another way."""
    at_start = Counter(done.claimed)
    stay = [claim for claim in done.claims if _taken_from(at_start, claim)]
    ways = Counter(claim.metric[:3] for claim in at_start.elements())
    standing = Counter(stay)
    new: list[Claim] = []
    for claim in done.claims:
        if _taken_from(standing, claim):
            continue
        (stay if _taken_from(ways, claim.metric[:3]) else new).append(claim)
    return new, stay


def _taken_from(counts: Counter[T], item: T) -> bool:
    """Take one of an item away, where there is any."""
    if counts[item] < 1:
        return False
    counts[item] -= 1
    return True


def _starts(name: str) -> Iterator[str]:
    return (name[:end] for end in range(1, len(name) + 1) if name[end : end + 1] in ("_", ""))


def _kept(finding: Finding, withheld: Mapping[str, str]) -> Finding:
    """Return a finding without the fixes that would write a name that is withheld, and with the reason."""
    written = [written_of(fix, withheld) if fix is not None else "" for fix in (finding.fix, finding.unsafe_fix)]
    why = next((withheld[name] for name in written if name), "")
    return finding._replace(
        fix=None if written[0] else finding.fix,
        unsafe_fix=None if written[1] else finding.unsafe_fix,
        remedy=without_fix_as(finding.remedy, why),
    )
