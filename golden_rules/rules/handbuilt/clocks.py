"""Which calls read a clock, in which unit, and which names speak of durations, starts and limits."""

from __future__ import annotations

import functools
import re
from enum import Enum

from golden_rules.naming import snake
from golden_rules.source.names import resolve
from golden_rules.source.outline import Function, Outline


class Unit(Enum):
    """What a clock reading is, which decides whether a timer can stand in for it."""

    SECONDS = "seconds"
    """A float of seconds."""

    NANOSECONDS = "nanoseconds"

    DATETIME = "datetime"
    """A date and time; a difference is a timedelta."""

    CPU_SECONDS = "seconds of processor time"

    UNKNOWN = "unknown"
    """A clock of the project's own."""


_KNOWN: dict[str, Unit] = {
    "time.time": Unit.SECONDS,
    "time.monotonic": Unit.SECONDS,
    "time.perf_counter": Unit.SECONDS,
    "timeit.default_timer": Unit.SECONDS,
    "time.time_ns": Unit.NANOSECONDS,
    "time.monotonic_ns": Unit.NANOSECONDS,
    "time.perf_counter_ns": Unit.NANOSECONDS,
    "time.process_time": Unit.CPU_SECONDS,
    "time.thread_time": Unit.CPU_SECONDS,
    "time.process_time_ns": Unit.CPU_SECONDS,
    "time.thread_time_ns": Unit.CPU_SECONDS,
    "asyncio.get_running_loop.time": Unit.SECONDS,
    "asyncio.get_event_loop.time": Unit.SECONDS,
    "asyncio.AbstractEventLoop.time": Unit.SECONDS,
    "anyio.current_time": Unit.SECONDS,
    "trio.current_time": Unit.SECONDS,
    "datetime.datetime.now": Unit.DATETIME,
    "datetime.datetime.utcnow": Unit.DATETIME,
    "datetime.datetime.today": Unit.DATETIME,
    "django.utils.timezone.now": Unit.DATETIME,
    "pendulum.now": Unit.DATETIME,
    "pendulum.DateTime.now": Unit.DATETIME,
    "arrow.now": Unit.DATETIME,
    "arrow.utcnow": Unit.DATETIME,
}
_KNOWN_LAST = frozenset(name.rpartition(".")[2] for name in _KNOWN)

# Clocks of a project's own, by the name of what is called.
_OWN_READING = re.compile(
    r"^_*(get_?)?(utc_?now|now|now_utc|utcnow|time_?now|now_?(ms|ns|s)|perf_counter(_ns)?|monotonic(_ns|_time)?|default_timer"
    r"|current_?time(stamp)?(_?(ms|ns|s|millis|seconds))?|time_msec|time_ms|time_ns|epoch_ms|timer|clock)$",
    re.IGNORECASE,
)
_OWN_CLOCK = re.compile(r"(^|_)(clock|loop|timer|time|reactor|scheduler)$", re.IGNORECASE)
_CLOCK_METHODS = frozenset({"time", "seconds", "read", "time_func"})
_DATE_WORD = re.compile(r"now|today", re.IGNORECASE)


def clock_unit(outline: Outline, function: Function, name: str) -> Unit | None:
    """Return the unit of the clock that a call of `name`, as written, reads, or `None` where it reads none."""
    if not name:
        return None
    target = resolve(outline, function, name)
    if target in _KNOWN:
        return _KNOWN[target]
    base, _, last = name.replace("()", "").rpartition(".")
    if last in _CLOCK_METHODS and _OWN_CLOCK.search(base.rpartition(".")[2]):
        return Unit.UNKNOWN
    if last == "time" and not base:
        # `from shop.clocks import time`
        return Unit.UNKNOWN
    if _OWN_READING.match(last):
        return Unit.DATETIME if _DATE_WORD.search(last) and not last.endswith(("ms", "ns")) else Unit.UNKNOWN
    return None


def may_read_clock(outline: Outline, function: Function) -> bool:
    """Whether a function may call what `clock_unit` knows; where it does, this never says no, and is several times as fast."""
    if function.parent is not None:
        # What a function around it imports or sets may be a clock under any name.
        return True
    return any(_may_read(last) or _may_stand_for_clock(outline, function, last) for last in function.called)


@functools.lru_cache(maxsize=16384)
def _may_read(last: str) -> bool:
    return last in _KNOWN_LAST or last in _CLOCK_METHODS or _OWN_READING.match(last) is not None


def _may_stand_for_clock(outline: Outline, function: Function, name: str) -> bool:
    """Whether a name may be another one of a clock: `from time import perf_counter as start`, `tick = perf_counter`."""
    if name in function.instances or name in outline.instances:
        return True
    target = function.imports.get(name) or outline.names.get(name)
    return target is not None and target.rpartition(".")[2] in _KNOWN_LAST


def is_of_library(target: str) -> bool:
    """Whether an absolute name is that of a clock that a library has."""
    return target in _KNOWN


def may_be_recorded_start(outline: Outline, function: Function, name: str) -> bool:
    """Whether a variable holds a clock reading though another function sets it: an attribute, or a start that is passed in."""
    root, _, rest = name.partition(".")
    if not rest:
        return is_start(name)
    scope = next((scope for scope in function.scopes() if scope.owner is not None), None)
    if root not in ("self", "cls") or scope is None or scope.owner is None:
        return False
    return clock_unit(outline, scope, scope.owner.attributes.get(rest, "")) is not None


# Words of names, parted by underscores as `snake` does.
_DURATION = re.compile(
    r"(^|_)(elapsed|durations?|dur|took|taken|latenc(y|ies)|run_?times?|wall_?clock|times?|seconds|secs|sec|s|millis|milliseconds"
    r"|microseconds|nanoseconds|ms|msecs?|us|ns|timings?|time_?delta|delta|diff|spent|ttft|tpot|itl|overhead|how_long)$"
    r"|(^|_)(elapsed|durations?|latenc(y|ies)|took|taken|timings?|ttft|time_(to|per|spent|taken|in|on|for|total|cost|used|usage|s|ms|ns|us|sec|secs|seconds))(_|$)"
)
_SURE_DURATION = re.compile(r"(^|_)(elapsed|durations?|latenc(y|ies)|took|taken|ttft)(_|$)")
_MEASURED = re.compile(r"(^|_)(elapsed|duration|latency)(_(time|s|secs?|seconds|ms|millis|milliseconds|us|ns))?$")
_HARD_LIMIT = re.compile(r"(^|_)(timeouts?|deadlines?|remaining|remain|ttl|budget|threshold)(_|$)")
_LIMIT = re.compile(
    r"(^|_)(timeouts?|deadlines?|limits?|intervals?|max|maximum|min|minimum|ttl|budget|delay|periods?|expir\w*|remaining|remain|left|lease\w*"
    r"|wait_for|grace|cooldown|back_?off|quota|threshold|keep_?alive|idle|stale\w*|ages?|sleep\w*|countdown|eta|allowance|uptime|lifetime)(_|$)"
)
_RATE = re.compile(
    r"(^|_)(rate|rates|tokens?|refill\w*|capacity|qps|rps|per_(second|sec|s|minute)|speed|velocity)(_|$)"
)
_WEIGHT = re.compile(
    r"(^|_)(alpha|beta|decay|weight|smoothing|factor|scale|multiplier|units?|(ms|ns|us|millis|micros)(_per_\w+)?)(_|$)"
)
_START = re.compile(
    r"(^|_)(start|starts|started|starting|begin|began|begun|before|submit|submitted|issued|launched|t_?\d|tic|tick)(_|$)"
)
_MOMENT_OF_START = re.compile(r"(^|_)(start|started|begin|began)(_(time|at|ts|timestamp))?$|(^|_)t0$")
_SINCE = re.compile(r"(^|_)(last|previous|prev|latest|next|boot|updated|modified|heartbeat|seen)(_|$)")


def is_duration(name: str) -> bool:
    """Whether a name speaks of how long something took: `elapsed`, `query_ms`, `time_taken`, `run_time`."""
    return bool(_DURATION.search(snake(name))) and not is_limit(name)


def is_measured(name: str) -> bool:
    """Whether a name speaks of a duration and nothing else by its end: `latency_ms`, `total_elapsed`."""
    return bool(_MEASURED.search(snake(name)))


def is_limit(name: str) -> bool:
    """Whether a name speaks of a limit, a pause or an age rather than of a measurement: `timeout`, `interval`, `ttl`."""
    word = snake(name)
    return bool(_HARD_LIMIT.search(word) or (_LIMIT.search(word) and not _SURE_DURATION.search(word)))


def is_rate(name: str) -> bool:
    """Whether a name speaks of an amount in a time, which a duration is multiplied with: `refill_rate`."""
    return bool(_RATE.search(snake(name)))


def is_weight(name: str) -> bool:
    """Whether a name speaks of a unit, or of the share that a value has in an average: `alpha`, `ms_per_second`."""
    return bool(_WEIGHT.search(snake(name)))


def is_start(name: str) -> bool:
    """Whether a name speaks of the moment an operation began: `start`, `t0`, `before_commit`."""
    return bool(_START.search(snake(name))) and not is_since(name) and not is_limit(name)


def is_moment_of_start(name: str) -> bool:
    """Whether a name is that of such a moment by its end, rather than of what a start takes: `start_time`, no `cold_start_ms`."""
    return bool(_MOMENT_OF_START.search(snake(name)))


def is_since(name: str) -> bool:
    """Whether a name speaks of an earlier event that ages: `last_seen`, `previous_poll`, `expires_at`."""
    word = snake(name)
    return bool(_SINCE.search(word) or _HARD_LIMIT.search(word) or "expir" in word)
