"""The settings of `@retry` that give the attempts and the delays of a loop: numbers, or the constants that they come from."""

from __future__ import annotations

import ast
import itertools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from golden_rules.rules.resilience.known_names import constants
from golden_rules.rules.resilience.retry_play import UnplayableError, waits_of

if TYPE_CHECKING:
    from golden_rules.rules.base import Subject
    from golden_rules.rules.resilience.retry_parts import Parts

_LONGEST_BY_DEFAULT = 60.0
_NO_SUCH_DELAYS = "it waits for times that `@retry` does not have"
_MOST_CONSTANTS = 3
# What a constant from another file may be. Settings that give the same for all of these give it for whatever it is.
_SAMPLES = (4, 1, 2, 7, 90)
_GROWTHS: Mapping[str, Callable[[int], float]] = {
    "": lambda retry: 2.0 ** (retry - 1),
    "RetryStrategy.CONSTANT": lambda _: 1.0,
    "RetryStrategy.LINEAR": float,
}
_Known = Mapping[str, float]
_Waits = Sequence[float | None]


@dataclass(frozen=True, slots=True)
class _Number:
    """What a setting is: a number written out, or a constant with something added."""

    added: float
    name: str = ""

    def value(self, known: _Known) -> float:
        return self.added + known.get(self.name, 0)

    def __str__(self) -> str:
        if not self.name:
            return _written(self.added)
        return f"{self.name} {'-' if self.added < 0 else '+'} {_written(abs(self.added))}" if self.added else self.name


@dataclass(frozen=True, slots=True)
class _Settings:
    """How often a policy tries again, and what it waits for."""

    retries: _Number
    base: _Number
    longest: _Number | None
    growth: str

    def give(self, waits: _Waits, known: _Known) -> bool:
        """Whether a policy with these settings tries and waits as a loop does."""
        base = self.base.value(known)
        longest = _LONGEST_BY_DEFAULT if self.longest is None else self.longest.value(known)
        # Settings that contradict each other would keep the module from being imported.
        if self.retries.value(known) != len(waits) or base > longest:
            return False
        grown = map(_GROWTHS[self.growth], itertools.count(1))
        delays = [min(base * factor, longest) for factor, _ in zip(grown, waits, strict=False)]
        return all(math.isclose(delay, wait or 0.0, rel_tol=1e-9) for delay, wait in zip(delays, waits, strict=True))

    def keywords(self) -> tuple[str, ...]:
        """Return the keywords of `retry`, those left out that say what it does anyway."""
        base, longest = str(self.base), None if self.longest is None else str(self.longest)
        return (
            f"max_retries={self.retries}",
            *([f"base_delay={base}"] if base != "1" else []),
            *([f"max_delay={longest}"] if longest is not None else []),
            *([f"strategy={self.growth}"] if self.growth else []),
            *(['jitter="none"'] if base != "0" else []),
        )


def settings_of(subject: Subject, parts: Parts, sleeps: Callable[[ast.stmt], ast.expr | None]) -> tuple[str, ...] | str:
    """Return the keywords of `retry` that do what a loop does, or in words why there are none."""
    named = constants(subject, parts.machinery())
    if len(named) > _MOST_CONSTANTS:
        return _NO_SUCH_DELAYS
    try:
        plays = [(sample, waits_of(parts, sleeps, sample)) for sample in _samples(named)]
    except UnplayableError as hindrance:
        return str(hindrance)
    sample, waits = plays[0]
    if any(wait is None for wait in waits) and any(wait is not None for wait in waits):
        return "it waits between some attempts only"
    named_ones = (one for one in _fitting(sample, waits) if all(one.give(wanted, known) for known, wanted in plays))
    found = next(named_ones, None)
    if found is None and None not in named.values():
        # What a constant stands for is known, even where no setting follows it.
        found = next((one for one in _fitting({}, waits) if one.give(waits, sample)), None)
    return _NO_SUCH_DELAYS if found is None else found.keywords()


def _samples(named: Mapping[str, float | None]) -> Iterator[_Known]:
    """Yield values for constants: what they are, and then other ones for each of them in turn."""
    first = {name: _SAMPLES[0] + at if value is None else value for at, (name, value) in enumerate(named.items())}
    yield first
    for name, value in named.items():
        for other in (
            _SAMPLES[1:] if value is None else (value + 1, value / 2 if isinstance(value, float) else value + 2)
        ):
            yield {**first, name: other}


def _fitting(known: _Known, waits: _Waits) -> Iterator[_Settings]:
    """Yield settings that may give these waits: those without a limit first, which a `Retry-After` may exceed, and those that name constants."""
    delays = [wait or 0.0 for wait in waits]
    retries = _numbers(len(waits), known, (0, -1, 1))
    bases = _numbers(delays[0] if delays else 0.0, known)
    limits = [None, *_numbers(max(delays, default=0.0), known)]
    for longest, growth, base, number in itertools.product(limits, _GROWTHS, bases, retries):
        yield _Settings(number, base, longest, growth)


def _numbers(value: float, known: _Known, added: Sequence[int] = (0,)) -> list[_Number]:
    named = [_Number(more, name) for name, other in known.items() for more in added if other + more == value]
    return [*named, _Number(value)]


def _written(value: float) -> str:
    return str(int(value)) if value == int(value) and abs(value) < 1e15 else repr(value)
