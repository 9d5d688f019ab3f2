"""Which calls read a clock, in which unit, and which names speak of durations, starts and limits."""

from __future__ import annotations

import re
from enum import Enum

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
    if _OWN_READING.match(last):
        return Unit.DATETIME if _DATE_WORD.search(last) and not last.endswith(("ms", "ns")) else Unit.UNKNOWN
    return None


# Words of names, as underscores and capitals part them.
_DURATION = re.compile(
    r"(^|_)(elapsed|durations?|dur|took|taken|latenc(y|ies)|run_?times?|wall_?(time|clock)|seconds|secs|sec|millis|milliseconds|microseconds|nanoseconds"
    r"|ms|msec|msecs|us|ns|timings?|delta|diff|delay_time|spent|time_(s|ms|ns|us|sec|secs|seconds|usage|used|cost|per_\w+)|time_to_\w+|ttft|tpot|itl"
    r"|overhead|perf|(\w+_)?times?|how_long|length_of_time)$|(^|_)(elapsed|duration|latency|took)(_|$)",
    re.IGNORECASE,
)
_NO_DURATION = re.compile(
    r"(^|_)(start|started|end|ended|begin|stop|finish|finished|creat\w*|updated?|modified|expir\w*|last|next|first|now|current|due|event"
    r"|arrival|time_?stamps?|wake|up|uptime|date|at|since|age|idle|seen|publish\w*|sched\w*|base|local|utc|epoch|unix|real)(_time|_times|_at|_ts)?(_(ms|ns|s|us))?$",
    re.IGNORECASE,
)
_LIMIT = re.compile(
    r"(^|_)(timeouts?|deadline|limit|interval|max\w*|min\w*|ttl|budget|delay|period|expir\w*|remaining|remain|left|lease\w*|wait_for|grace\w*"
    r"|cooldown|back_?off|rate|tokens?|refill\w*|capacity|quota|threshold|keep_?alive|idle\w*|stale\w*|age|ages|sleep\w*|countdown|eta|allowance|uptime)(_|$)",
    re.IGNORECASE,
)
_START = re.compile(
    r"(^|_)(start|starts|started|starting|begin|began|begun|before|t_?\d|tic|tick|t_start|st|ts_start)(_|$)", re.IGNORECASE
)
_SINCE = re.compile(r"(^|_)(last|previous|prev|latest|deadline|expir\w*|next|boot|uptime|updated|modified|heartbeat|seen)(_|$)", re.IGNORECASE)
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def snake(name: str) -> str:
    """Return the last part of a dotted name in snake case, its leading underscores gone."""
    return _HUMP.sub("_", name.rpartition(".")[2]).lstrip("_").lower()


def is_duration(name: str) -> bool:
    """Whether a name speaks of how long something took: `elapsed`, `query_ms`, `time_taken`, `run_time`."""
    word = snake(name)
    return bool(_DURATION.search(word)) and not _NO_DURATION.search(word) and not _LIMIT.search(word)


def is_limit(name: str) -> bool:
    """Whether a name speaks of a limit, a pause or an age rather than of a measurement: `timeout`, `interval`, `ttl`."""
    return bool(_LIMIT.search(snake(name)))


def is_start(name: str) -> bool:
    """Whether a name speaks of the moment an operation began: `start`, `t0`, `before_commit`."""
    return bool(_START.search(snake(name))) and not is_since(name)


def is_since(name: str) -> bool:
    """Whether a name speaks of an earlier event that ages: `last_seen`, `previous_poll`."""
    return bool(_SINCE.search(snake(name)))


