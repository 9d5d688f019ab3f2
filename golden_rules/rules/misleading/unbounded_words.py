"""The words that tell of values which grow without bound."""

from __future__ import annotations

import re
from collections.abc import Mapping

_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")

# Things of which there is always another one. A worker, a model, a shard or a pool is none: there are a few of them.
_ENDLESS = (
    r"requests?|req|correlation|trace|span|user|session|message|msg|event|order|transaction|txn|conversation|chat|run|execution"
    r"|invocation|customer|payment|invoice|upload|flow_run|task_run|dag_run|workflow_run|job|visitor|end_user|owner|room|mxid|document|doc"
)
ID = re.compile(rf"(\w+_)?({_ENDLESS})_?(ids?|uuid|guid|key)|(\w+_)?(uuid|guid|nonce)")
NOUN = re.compile(rf"(\w+_)?({_ENDLESS})")
_PERSON = re.compile(r"(\w+_)?(e_?mail|e_?mail_address|username|user_name|phone|phone_number|full_name|display_name)")
_ADDRESS = re.compile(
    r"(client|remote|peer|user|source|src|real)_?(ip|ip_addr(ess)?|addr(ess)?|host)|ip_addr(ess)?|x_forwarded_for"
)
_URL = re.compile(r"(full|raw|request|req|page|target|image|download|final)?_?(url|uri|href)")
_PATH = re.compile(r"(full|raw|request|req|url|file)_?path|path_info|filename|file_name|query_string")
_TEXT = re.compile(
    r"(\w+_)?(error|err|exception|exc)_?(message|msg|text|str|string|detail|details)|message|traceback|stack_?trace|sql|query|prompt|stderr|stdout"
)
_TIME = re.compile(r"timestamp|ts|time_?stamp|(created|updated|started|finished|expires)_at|now")
REQUEST = re.compile(r"(\w+\.)*(\w*_)?(request|req|environ|scope|handler)$", re.IGNORECASE)
CLOCKS = frozenset(
    {"time", "time_ns", "now", "utcnow", "monotonic", "perf_counter", "today", "isoformat", "timestamp", "strftime"}
)
RANDOM = frozenset({"uuid1", "uuid4", "uuid7", "token_hex", "token_urlsafe", "token_bytes", "urandom"})
DROP = "leave it out, and write it to a log or a span"


def endless(word: str) -> tuple[str, str] | None:
    """Return what a value is that goes under a name, and what to do instead, where there is always another one."""
    word = word.lstrip("_")
    if match := ID.fullmatch(word):
        noun = (match[2] or "").replace("_", " ")
        return (f"another one for each {noun}" if noun else "another one each time"), DROP
    kinds: Mapping[re.Pattern[str], tuple[str, str]] = {
        _PERSON: ("another one for each person", DROP),
        _ADDRESS: ("a client's address", DROP),
        _URL: ("an address", "label with the host, or the route's template"),
        _PATH: ("a path", "label with the route's template, or a class of files"),
        _TEXT: ("a text", "label with a class of texts"),
        _TIME: ("a point in time", "leave it out: a series has the time already"),
    }
    for pattern, why in kinds.items():
        if pattern.fullmatch(word):
            return why
    return None


def words_of(name: str) -> str:
    """Return a name in snake case, dots and other marks as underscores."""
    return _HUMP.sub("_", name).lower().replace(".", "_").replace("-", "_").replace(" ", "_")
