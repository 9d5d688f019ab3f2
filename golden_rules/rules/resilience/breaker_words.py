"""The words by which circuit breakers, their counts and their states are known; variables in snake case."""

from __future__ import annotations

import re

# What a class or a file has in its source if there is a breaker in it, one of each.
GATE_TEXT = re.compile(
    r"""opened|is_?open|open_?since|tripped|half_?open|circuit|breaker_?open|\.open\s*[:=]|until|cool_?down|OPEN\b|["']open|\.Open\b|last_?(fail|err)""",
    re.IGNORECASE,
)
FAILURE_TEXT = re.compile(r"fail|error|fault|strike|consecutive|timeouts|half_?open|except", re.IGNORECASE)

NAMED = re.compile(r"(^|_)(circuit_?)?breakers?(_|$)|(^|_)circuits?(_|$)")
PLAIN_DATA = re.compile(
    r"(Error|Exception|Config|Configuration|Settings|Options|Enum|Model|Event|Command|Listener|Handler|Monitor|Protocol|Stats|Statistics"
    r"|Metrics|Serializer|Schema|View|Probe|Snapshot|Report|Registry|Entity|Sensor|Switch|Storage|Store|Repository|State)$"
)
SPEAKS = re.compile(r"circuit|breaker|half[-_ ]?open", re.IGNORECASE)
HALF_OPEN = re.compile(r"half_?open")
RECORDS = re.compile(
    r"^(record|on|note|register|mark|report|count|handle)_?(the_)?(failures?|errors?|success(es)?)(_|$)"
)

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
STATE = re.compile(r"(^|_)(state|status)$")
IS_OPEN = re.compile(r"^(state_?|circuit_?|status_?)?((half_?)?open(ed|ing)?|tripped)$")
LAST_FAILURE = re.compile(r"(^|_)last_(fail(ure|ed)?|error)(_(time|at|ts|timestamp))?$")
# Settings, numbers and things that only sound alike.
OTHER = re.compile(
    r"(^|_)(locks?|duration|seconds|secs|s|ms|timeout|config|settings|logger|max|min|count|calls|threshold|period|total|path|file|file_name)$"
)
ASKS = re.compile(
    r"^(is|can|may|should|allows?|allowed|has|available|ready|check|permits?|state|open|opened|tripped)(_|$)"
)
