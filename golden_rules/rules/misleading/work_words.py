"""The words by which calls that do a function's work are told from others, and what is done about an error."""

from __future__ import annotations

import functools
import re

from golden_rules.rules.handbuilt.vocabulary import is_log, is_metric, is_pure

SEVERE = re.compile(r"a?(error|exception|critical|fatal)|print_exc|print_exception|capture_exception")
_CLEANS = re.compile(
    r"(a|async_|_)*(roll_?back|close|cleanup|clean_up|release|cancel|unlink|remove|delete|kill|terminate|stop|disconnect|clear|pop|unlock|reset)(_\w+)?"
)
# What hands the error on, ends the process, or tries again.
HANDS_ON = re.compile(
    r"(\w+_)?re_?raise(_\w+)?|raise(_\w+)?|\w+_raise|abort|retry|retry_\w+|_?exit|throw|propagate|set_exception|fail|bail|die|mark_failure"
    r"|errback|reject|reject_\w+|add_done_callback"
)
_BUILTINS = frozenset(
    {
        "len", "isinstance", "issubclass", "hasattr", "getattr", "type", "set", "sorted", "any", "all", "range", "enumerate", "zip",
        "super", "id", "callable", "format", "format_exc", "strip", "split", "replace", "get", "append", "extend", "update", "items",
        "keys", "values", "encode", "decode", "lower", "upper", "startswith", "endswith", "time", "now", "utcnow", "monotonic",
        "perf_counter", "exc_info", "jsonify", "make_response", "warn",
    }
)  # fmt: skip


# A project calls the same few thousand things again and again.
@functools.lru_cache(maxsize=16384)
def does_something(name: str) -> bool:
    """Whether a call of `name` does something: it does not log, count, clean up, compute or construct."""
    last = name.rpartition(".")[2]
    if writes_log(name) or is_pure(name) or is_metric(name) or _CLEANS.fullmatch(last):
        return False
    return not (last[:1].isupper() or last in _BUILTINS)


def writes_log(name: str) -> bool:
    """Whether a call of `name` writes to a log, or tells a person of an exception."""
    return is_log(name) or bool(SEVERE.fullmatch(name.rpartition(".")[2]))
