"""The words by which circuit breakers, their counts and their states are known; variables in snake case."""

from __future__ import annotations

import re

# What stands among the words of a class, in lower case, if it counts failures or closes on one, and if it refuses calls.
_FAILURE_PARTS = ("fail", "error", "fault", "strike", "consecutive", "timeouts", "half", "until")
_GATE_PARTS = (
    "until", "half", "circuit", "breaker", "cool", "disabled", "unavailable", "suspended", "fail_fast", "failfast", "quarantined",
    "black_listed", "blacklisted", "bypass", "is_open",
)  # fmt: skip
# What a function has among its words if it tells anything of a breaker.
_SIGN_PARTS = (*_FAILURE_PARTS, *_GATE_PARTS, "trip", "state", "status", "open", "retry")
_LIMIT_PARTS = ("max", "thresh", "limit", "allowed")
_CLOCK_PARTS = ("time", "now", "monotonic")


def fails(words: str) -> bool:
    """Whether a breaker may count failures, or close on one, by these words in lower case; much faster than to look."""
    return any(part in words for part in _FAILURE_PARTS)


def gates(words: str) -> bool:
    """Whether there may be a variable that says plainly that calls are refused; much faster than to look."""
    return any(part in words for part in _GATE_PARTS) or "trip" in words.replace("strip", "")


def limits(words: str) -> bool:
    """Whether something may be timed because a limit was reached, by these words in lower case; much faster than to look."""
    return any(part in words for part in _LIMIT_PARTS) and any(part in words for part in _CLOCK_PARTS)


def tells(words: str) -> bool:
    """Whether a function may tell anything of a breaker; much faster than to look."""
    return any(part in words for part in _SIGN_PARTS)


def may_speak(text: str) -> bool:
    """Whether `SPEAKS` or `RESTS` may find something in a text in lower case; several times as fast."""
    return any(part in text for part in ("circuit", "breaker", "half", "cooldown", "cool_down"))


NAMED = re.compile(r"(^|_)(circuit_?)?breakers?(_|$)|(^|_)circuits?(_|$)")
PLAIN_DATA = re.compile(
    r"(Error|Exception|Config|Configuration|Settings|Options|Enum|Model|Event|Command|Listener|Handler|Monitor|Protocol|Stats|Statistics"
    r"|Metrics|Serializer|Schema|View|Probe|Snapshot|Report|Registry|Entity|Sensor|Switch|Storage|Store|Repository|State)$"
)
SPEAKS = re.compile(r"(?<!short)(?<!short[-_ ])circuit|(?<!line)(?<!line[-_ ])breaker|half[-_ ]?open", re.IGNORECASE)
# Those who guess passwords are locked out for safety, and those who ask too often are held back.
GUARDS = re.compile(r"log_?in|password|brute_?force|credential|passcode|lock_?out|rate_?limit|throttl", re.IGNORECASE)
RESTS = re.compile(r"cool_?down", re.IGNORECASE)
IS_BREAKER = re.compile(r"(^|_)breaker$")
OPENS = re.compile(
    r"(^|_)(open|trip|opened|is_open|transit|transition|transition_to|transit_state|allow\w*|can_execute|before_call)(_circuit)?(_|$)|circuit_open"
)
HALF_OPEN = re.compile(r"half_?open")
RECORDS = re.compile(
    r"^(record|on|note|register|mark|report|count|handle)_?(the_)?(failures?|errors?|success(es)?|outcomes?)(_|$)"
)

RECORDS_FAILURE = re.compile(r"^(record|on|note|register|mark|report|handle)_(\w+_)?(fail\w*|errors?)$")

FAILURES = re.compile(r"(^|_)(fail(ed|s|ures?|ing)?|errors?|faults?|strikes?|consecutive|timeouts)(_|$)")
NO_COUNT = re.compile(r"(^|_)(message|msg|text|str|log|code|success(es)?|passes)(_|$)")
LIMIT = re.compile(r"(^|_)(thresholds?|max|limit|allowed|trip_(at|after))(_|$)")
RATE = re.compile(r"(^|_)(fail(ure)?|error)_?(rate|ratio|percentage|pct)(_|$)")
NOW = re.compile(r"(^|_)(time|now|clock|monotonic|timestamp|ts)(_|$)")

# What is set when calls are refused.
OPENED = re.compile(
    r"(^|_)(is_open|opened|open_since|tripped(_at)?|half_open\w*|breaker_open\w*|circuit_?(state|status|open\w*|broken|tripped))(_|$)"
    r"|^(open|opened_at)$"
)
SURELY_OPENED = re.compile(r"half_open|circuit|breaker|tripped")
UNTIL = re.compile(
    r"(^|_)(disabled?|block(ed)?|cool(ing)?(_?down)?|back_?off|unavailable|unhealthy|dead|down|suspend(ed)?|paused?|quarantined?|skip"
    r"|bench(ed)?|banned|avoid|muted?|black_?list(ed)?|penal\w+|open|circuit|breaker|exhausted|rest|sick|ignore|reject|broken"
    r"|failed|offline|fail_fast|tripped|demoted|ejected|excluded|sidelined|parked)_until(_|$)"
    r"|(^|_)cool_?downs?(_(end|ends|expiry|expires|expires_at|end_time))?$"
)
# Until when something is taken for broken, rather than given a rest.
OUT_UNTIL = re.compile(
    r"(^|_)(disabled?|unavailable|unhealthy|dead|down|broken|offline|circuit|breaker|open|tripped|failed)_until(_|$)"
)
# Who has guessed too often, or what another holds, is locked; neither is out of order.
LOCKED_UNTIL = re.compile(r"(^|_)lock(ed|out)?(_out)?_until$")
# Who asks again and again is not refused, but waits for the next time.
POLLS = re.compile(r"(^|_)poll(ing)?(_|$)")
# When something scheduled is due again.
NEXT_RUN = re.compile(r"(^|_)next_(run|due|try|attempt|check|poll|sync|execution)(_|$)")
# Answers of servers that do not have what was asked for, or that ask for a rest themselves.
EXCUSED = frozenset({404, 405, 429, 501})
# Flags that say by themselves that nothing is tried any more, where they are set because there were too many failures.
GIVEN_UP = re.compile(
    r"(^|_)(disabled|unavailable|suspended|tripped|fail_fast|quarantined|black_?listed|bypassed?|is_open)$"
)
# Flags that say the opposite, where who is told of failed calls takes them back.
IN_USE = re.compile(r"(^|_)(healthy|available|enabled|usable|is_active|alive)$")
# Who rests, and what sends it to rest.
ASKS_REST = re.compile(r"^(is_)?(on|in|under|has|cooling)_?(\w+_)?(cool_?down|down)$")
STARTS_REST = re.compile(r"^(set|start|begin|enter|apply|put_on|put_in|mark|trigger|activate|add)_(\w+_)?cool_?down$")
COUNTS_IN_STORE = frozenset({"incr", "incrby", "hincrby"})
# Until when something rests, for whatever reason: a limit of calls that another sets is no failure.
HELD_BACK = re.compile(r"rate_?limit|throttl|quota|too_?many|429", re.IGNORECASE)
# When a thing that failed is tried again, and times that have nothing to do with refusing calls.
RETRY_AT = re.compile(r"(^|_)(retry|probe)_(after|at)$")
TIMES_OF_OTHER = re.compile(
    r"(^|_)(alert\w*|notif\w*|warn\w*|log(ged)?|report\w*|sent|restart\w*|reconnect\w*|reset\w*|sync|update[ds]?|checked|heartbeat|email\w*"
    r"|printed|seen|started|finished|completed|ended|created|failure_times?|duration|elapsed|delay|timeout)(_|$)"
)
STATE = re.compile(r"(^|_)(state|status)$")
IS_OPEN = re.compile(r"^(state_?|circuit_?|status_?)?((half_?)?open(ed|ing)?|tripped)$")
LAST_FAILURE = re.compile(r"(^|_)last_(fail(ure|ed)?|error)(_(time|at|ts|timestamp))?$")
LAST_ERROR = re.compile(r"(^|_)last_error$")
# Settings, numbers and things that only sound alike.
OTHER = re.compile(
    r"(^|_)(locks?|duration|seconds|secs|s|ms|timeout|config|settings|logger|max|min|count|calls|threshold|period|total|path|file|file_name)$"
)
REPORTS = re.compile(
    r"(^|_)(stats|statistics|info|results?|metrics|data|report|summary|response|payload|kwargs|updates?|event|attributes|extra|headers|params|body|status)$"
)
ASKS = re.compile(
    r"^(is|can|may|should|allows?|allowed|has|available|ready|check|permits?|state|open|opened|tripped)(_|$)"
)
