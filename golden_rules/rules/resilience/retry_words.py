"""The words by which retries, pauses and attempts are known."""

from __future__ import annotations

import re

from golden_rules.naming import snake

RETRYING = re.compile(
    r"retr(y|ies|ied|ying)|attempt|(?<![a-z])tries(?![a-z])|(?<![a-z])try(ing)?[_ ]again|back_?off", re.IGNORECASE
)
_ATTEMPT = re.compile(
    r"(^|_)(attempts?|retry|retries|retrying|tr(y|ies|ial)|try_?(no|num|count)|tries|retry_?\w+|num_?retr\w+)(_|$)"
)
_FAILURE = re.compile(r"(^|_)(fail\w*|errors?|faults?|strikes?)(_|$)")
_DELAY = re.compile(
    r"(^|_)(delays?|back_?offs?|sleeps?|sleep_?times?|waits?|wait_?times?|wait_(s|sec|secs|seconds|ms)|pauses?|intervals?|jitter|cooldown|timeouts?)(_|$)"
)
_PAUSE = re.compile(r"(^|_)((any|a)?sleep\w*|back_?off|pause|delay)(_|$)")
_WAITED_FOR = re.compile(r"event|stop|shutdown|cancel|clos|exit|quit|terminat|cond|wake|halt|finish|done")
WAITING = re.compile(
    r"(^|_)(wait|waits|await|poll|polls|polling|until|monitor|watch|watches|follow|tail|ready|listen|heartbeat|is_\w+|check|probe|health)(_|$)"
)
AWAITING = re.compile(r"(^|_)(a?wait|waits|awaits|waiting)(_(for|until|till|on|to)(_|$)|$)")
_POLLING = re.compile(
    r"poll|waiting (for|until)|is_ready|in[_ ]progress"
    r"|(?<!raise_for)(?<!retry)(?<!retryable)(?<!retriable)(?<!transient)_status\(|_state\(|status\.state|_instances?\(",
    re.IGNORECASE,
)
# How things stand: in code and in short texts, as any sentence may have these words.
_STATE = re.compile(
    r"\b(running|pending|active)\b|(?<![a-z])(ready|completed|finished|terminated|exited)(?![a-z])", re.IGNORECASE
)
_SENTENCE = re.compile(
    r'"[^"\n]* [^"\n]*"'
    r"|'[^'\n]* [^'\n]*'"
)
# `port.status == constants.DOWN` waits, where `response.status == HTTPStatus.BAD_GATEWAY` is a bad result.
AWAITED_STATUS = re.compile(
    r"\.(status|state) (==|!=|in|not in|is|is not) \(?(?!(http\.)?HTTPStatus|codes)[a-z_]+\.(?-i:[A-Z])", re.IGNORECASE
)
# What is started again runs on; it was not tried.
RESTARTS = re.compile(r"(?<![a-z])restart(s|ed|ing)(?![a-z])", re.IGNORECASE)
# What a `for` counts with, and what may stand around that.
COUNTING = frozenset({"range", "xrange", "itertools.count", "count", "itertools.repeat", "repeat"})
WRAPPERS = frozenset({"enumerate", "reversed", "list", "tuple", "iter"})
_LOG = re.compile(
    r"(^|_)(log|logs|logger|logging|warn|warning|debug|info|error|exception|critical|print|echo|msg|trace|record|notify)(_|$)"
)


def is_attempt(name: str) -> bool:
    """Whether a name counts tries: `attempt`, `n_retries`, `try_count`."""
    return bool(_ATTEMPT.search(snake(name)))


def is_failure(name: str) -> bool:
    """Whether a name counts what went wrong: `consecutive_failures`, `error_count`."""
    return bool(_FAILURE.search(snake(name)))


def is_delay(name: str) -> bool:
    """Whether a name says how long to wait: `delay`, `backoff`, `wait_seconds`."""
    return bool(_DELAY.search(snake(name)))


def is_pause(name: str, arguments: int) -> bool:
    """Whether a call of `name` waits for a time: `time.sleep`, `self._backoff`, `stop_event.wait(1)`."""
    word = snake(name)
    if _PAUSE.search(word):
        return True
    base = name.rpartition(".")[0].lower()
    return word == "wait" and arguments > 0 and bool(_WAITED_FOR.search(base))


def is_report(name: str) -> bool:
    """Whether a call of `name` tells somebody what happens: a log call, `print`."""
    base, _, last = name.rpartition(".")
    return bool(_LOG.search(snake(last)) or _LOG.search(snake(base)))


def polls(code: str) -> bool:
    """Whether code speaks of how things stand: it waits for something to come about, rather than for something to work."""
    return bool(_POLLING.search(code) or _STATE.search(_SENTENCE.sub("", code)))
