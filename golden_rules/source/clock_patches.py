"""Whether a file replaces the clock of a module, as tests do: `mock.patch("shop.orders.time.time")`, `setattr(orders.time, "time", now)`.

What measures with a clock of its own does not notice that. What is read here errs to the side of replacement.
"""

from __future__ import annotations

import functools
import itertools
import re

from golden_rules.findings import Clock
from golden_rules.source.outside_reading import OutsideReading

_OF_PERFORMANCE = frozenset({"time.perf_counter", "time.perf_counter_ns", "timeit.default_timer"})
_OF_TIME = frozenset(
    {
        "time.time",
        "time.time_ns",
        "time.monotonic",
        "time.monotonic_ns",
        "datetime.datetime.now",
        "datetime.datetime.utcnow",
    }
)
# A timer reads `perf_counter`. Since 1.2, freezegun moves it with the two others that count seconds, to the same float; what counts
# nanoseconds or is a date is rounded in another way.
_MOVED_BY_FREEZEGUN = frozenset({"time.time", "time.monotonic", "time.perf_counter"})
_FREEZEGUN = frozenset({"freezegun", "freezer", "freeze_time"})
# Libraries and fixtures that stop or move clocks, with those for which that makes no difference between them and a timer.
_MOVED_OR_LEFT_ALIKE = {
    **dict.fromkeys(_FREEZEGUN, _MOVED_BY_FREEZEGUN),
    "time_machine": _OF_PERFORMANCE,
    # It moves the time of event loops.
    "looptime": _OF_PERFORMANCE | _OF_TIME,
}
_OLD_FREEZEGUN = re.compile(
    r"""freezegun["']?\s*(\[[^\]]*\])?\s*(===?|=|:|~=|<=?)\s*["']?\s*(==?|~=?|<=?)?\s*(0\.|1\.[01](?!\d))"""
)
# Without one of these words, what is called only takes a clock: `Timer(time.time)`.
_REPLACING = re.compile(r"patch|setattr", re.IGNORECASE)
# What others than tests of one module hold: fixtures and helpers.
_SHARED = re.compile(
    r"(^|/)(conftest|testing|testutils?)\.py$|(^|/)(tests?|testing|testutils?|fixtures?|mocks?)/(?!(.*/)?test_[^/]*$|.*_test\.py$)",
    re.IGNORECASE,
)


def is_shared_by_tests(path: str) -> bool:
    """Whether tests of any module may use what stands in a file: it is a `conftest.py`, or in a folder of tests and none itself."""
    return bool(_SHARED.search(path))


def may_replace(text: str, clock: Clock, libraries: frozenset[str]) -> bool:
    """Whether it is worth reading a file for a replacement of a module's clock: quick, and never wrong with no.

    What replaces it names it in a text, as a keyword, or as an attribute that is set or handed over, and not only called.
    """
    return any(name in text for name in libraries) or _not_called(clock).search(text) is not None


@functools.lru_cache(maxsize=100)
def _not_called(clock: Clock) -> re.Pattern[str]:
    written = clock.written.split(".")
    names = "|".join(map(re.escape, sorted({*written, *clock.target.split(".")[1:]})))
    return re.compile(rf"""(?:\.[\s\\]*|["':])(?:{names})\b(?!\s*\()|\b(?:{names})\s*=(?!=)""")


def may_replace_for_all(text: str, clock: Clock, libraries: frozenset[str]) -> bool:
    """Whether it is worth reading a file for a replacement of the clock of all modules: quick, and seldom wrong with yes."""
    if any(name in text for name in libraries):
        return True
    return any("=" in found[0] or _REPLACING.search(text) for found in _written(clock.target).finditer(text))


@functools.lru_cache(maxsize=100)
def _written(target: str) -> re.Pattern[str]:
    """Return what finds the first two parts of a clock's name, as a path, as an object and a text, or set."""
    holder, _, name = ".".join(target.split(".")[:2]).rpartition(".")
    return re.compile(rf"\b{re.escape(holder)}(\.|,\s*['\"]){re.escape(name)}\b(\s*=(?!=))?")


def moving_libraries(target: str, *, is_freezegun_old: bool) -> frozenset[str]:
    """Return the libraries and fixtures that may stop or move a clock and not that of a timer, so that the two differ."""
    moving = {name for name, alike in _MOVED_OR_LEFT_ALIKE.items() if target not in alike}
    if is_freezegun_old and target not in _OF_PERFORMANCE:
        moving |= _FREEZEGUN
    return frozenset(moving)


def asks_for_old_freezegun(text: str) -> bool:
    """Whether a text, as of requirements, asks for a freezegun that leaves `perf_counter` alone, which a timer reads."""
    return "freezegun" in text and _OLD_FREEZEGUN.search(text) is not None


def replaces(reading: OutsideReading, module: str, clock: Clock, libraries: frozenset[str]) -> bool:
    """Return whether Python code replaces a module's clock, or the clock of all modules and knows this one.

    Args:
        reading: What the code says.
        module: The last part of the module's name.
        clock: The clock.
        libraries: Those that move it, see `moving_libraries`.
    """
    if not reading.may_know(module):
        return False
    if replaces_for_all(reading, clock, libraries):
        return True
    name, *_ = written = clock.written.split(".")
    pairs = set(itertools.pairwise(written))
    if any(pair in pairs or pair[1] == name for pair in reading.pairs):
        return True
    path = _path(f"{module}.{clock.written}", 2)
    return any(path.search(text) for text in reading.texts)


def replaces_for_all(reading: OutsideReading, clock: Clock, libraries: frozenset[str]) -> bool:
    """Return whether Python code replaces the clock of all modules."""
    if not reading.known.isdisjoint(libraries):
        return True
    if not reading.pairs.isdisjoint(itertools.pairwise(clock.target.split("."))):
        return True
    whole = _path(clock.target, 2)
    return any(whole.fullmatch(text) for text in reading.texts)


@functools.lru_cache(maxsize=1000)
def _path(dotted_name: str, least: int) -> re.Pattern[str]:
    """Return what finds a path to a clock: its first `least` parts, and then all others, none, or some from the left.

    `shop.orders.time` and `shop.orders.time.time` are paths to `time.time`, and `shop.orders.time.sleep` is none.
    """
    parts = [re.escape(part) for part in dotted_name.split(".")]
    further = r"(?:\.\w+)*"
    for part in reversed(parts[least:]):
        further = rf"(?:\.{part}{further})?"
    return re.compile(rf"(?<!\w){parts[0]}[.:]{r'[.]'.join(parts[1:least])}{further}(?![\w.])")
