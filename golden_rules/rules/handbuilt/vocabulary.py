"""What a call does with a value, by its name: log it, record it, wait for it, or only compute with it."""

from __future__ import annotations

import re

from golden_rules.naming import snake
from golden_rules.rules.handbuilt.clocks import is_duration

_LOG_METHODS = frozenset(
    {
        "debug", "info", "warning", "warn", "error", "exception", "critical", "fatal", "log", "msg", "trace", "success",
        "notice", "verbose", "vlog", "notify", "secho", "echo", "print", "pprint", "rprint",
    }
)  # fmt: skip
_LOG_FUNCTION = re.compile(r"^(log|print|echo|debug|warn|info)(_\w+)?$|(^|_)(log|logger|print)$")
_LOGGER = re.compile(r"(^|_)log(ger|ging)?$")
_STREAM = re.compile(r"std(out|err)|stream|console|terminal|tqdm", re.IGNORECASE)
_PRINTING = re.compile(r"^_*(s?echo|[pr]?print|display|show)(_|$)")
_SHOWING = re.compile(r"std(out|err)|(^|_)stream$|console|terminal|tqdm|(^|_)(style|typer|click)(_|$)", re.IGNORECASE)
_METRIC_METHODS = frozenset(
    {
        "observe", "record", "timing", "timing_ms", "histogram", "distribution", "gauge", "incr", "increment", "log_metric",
        "log_metrics", "add_metric", "record_metric", "put_metric", "emit_metric", "set_attribute", "set_attributes", "add_event",
        "set_data", "set_tag", "add_duration", "add_time", "add_timing", "record_time", "record_duration", "record_latency", "set_measurement",
    }
)  # fmt: skip
_RECORDING_METHODS = frozenset(
    {
        "set", "add", "inc", "inc_by", "add_value", "record_value", "update_value", "put_value", "add_sample", "record_sample", "add_point", "update", "append", "put", "push", "push_value", "log_value", "send", "emit", "measure", "set_value",
        "increase", "appendleft", "track", "report", "mark", "labels",
    }
)  # fmt: skip
_METRIC_RECEIVER = re.compile(
    r"metric|hist(ogram)?s?(_|$)|gauge|counter|stats(_|d|$)|statistics|latenc|duration|telemetry|timing|timer|span|perf|usage|prom(etheus)?|measure|elapsed|_times?$|^times?$"
)
_METRICS_OBJECT = re.compile(r"(^|_)(metrics?|telemetry|statsd|stats_client)$")
_HANDING_OVER = re.compile(
    r"(^|_)(on|handle|capture|callback|complete|completed|done|finish|finished|end|process_time|audit|result|response|success|failure|summary|summarize|append|insert|event|record|entry|row|telemetry|trace|stats|metrics)(_|$)"
)
# What tells somebody: `send_response`, `reply`.
_TELLING = re.compile(r"^_*(send|reply|respond|render|draw|paint)(_|$)")
_WAITING = re.compile(
    r"^_*(async_)?(sleep\w*|wait|wait_for|wait_until|wait_\w+|call_later|call_at|settimeout|set_timeout|schedule(_\w+)?|poll|select|join|timeout|timeout_at|reschedule|delay"
    r"|set_deadline|with_timeout|move_on_after|fail_after|should_\w+|is_\w+|has_\w+|can_\w+|check_\w+|expire\w*|setex)$"
)
_PROGRESS = re.compile(
    r"(^|_)(progress|heartbeat|keep_?alive|set_postfix(_str)?|set_description(_str)?|set_status(_text)?)(_|$)"
)
_PROGRESS_DISPLAY = re.compile(r"(^|_)(progress|progress_?bars?|spinners?)$")
_PURE = frozenset(
    {
        "round", "int", "float", "str", "abs", "repr", "format", "min", "max", "sum", "ceil", "floor", "trunc", "timedelta", "Decimal", "divmod",
        "join", "total_seconds", "pformat", "dumps", "locale_number", "ljust", "rjust", "isoformat", "list", "tuple", "bool", "array", "mean",
        "gmtime", "strftime", "naturaldelta", "precisedelta", "naturaltime", "dict", "tensor", "Text", "str_format",
    }
)  # fmt: skip
_FORMATTER = re.compile(
    r"(^|_)(format|fmt|formatted|human|humanize|humanized|pretty|prettify|readable|stringify|to_str|colored|color|colorize|style|styled|bold|dim)(_|$)"
    r"|^(seconds|secs|ms|duration|time|td|timedelta|delta|elapsed)_(to|as|in)?_?\w*|_(seconds|millis|milliseconds|ms|str|string)$"
)
# What does more than to bring into another form: `stringify_and_store`.
_KEEPING = re.compile(r"(^|_)(store|save|send|record|post|write|push|emit)(_|$)")
# What keeps a value on a span or in a collection, and makes no series of it.
_NO_SERIES = frozenset(
    {
        "set_attribute", "set_attributes", "add_event", "set_data", "set_tag", "set_measurement", "append", "appendleft", "extend", "update",
        "put", "push", "send",
    }
)  # fmt: skip
_FEEDING = re.compile(
    r"^_*(async_)?(record|emit|track|publish|observe|collect|measure)(_\w+)?$|metrics?|telemetry|stats|(^|_)(inc|increment|incr)(_|$)"
)
_PUTTING = re.compile(r"^(set|add|put|append|insert|setdefault|store|write)(_\w+)?$")
_REPORT = re.compile(
    r"^_*(async_)?(report|record|emit|track|log|publish|observe|collect|measure|profile|display|show|capture)(_\w+)?$"
    r"|^_*(add|set|update|push|send|write|note|save|store|inc|increment|incr|on)_\w*(metric|metrics|stats|statistics|latency|latencies|duration|durations|timing|timings|elapsed|perf"
    r"|telemetry|usage|_time|seconds)$|(metrics?|latency|duration|timing|telemetry)_(\w+_)?(update|record|observe|callback|hook)$"
)


def is_log(name: str) -> bool:
    """Whether a callee writes a log line or prints."""
    base, _, last = name.rpartition(".")
    word = snake(last)
    if word in _LOG_METHODS:
        return True
    if word in ("write", "writelines") and _STREAM.search(base):
        return True
    return bool(_LOG_FUNCTION.search(word) or _LOGGER.search(snake(base)))


def is_shown(name: str) -> bool:
    """Whether what a callee is given is for a person before a screen: `print`, `click.echo`, `self.stdout.write`."""
    base, _, last = name.rpartition(".")
    return bool(_PRINTING.match(snake(last)) or _SHOWING.search(snake_chain(base)))


def is_metric(name: str) -> bool:
    """Whether a callee records a metric or puts a value on a span."""
    base, _, last = name.rpartition(".")
    word = snake(last)
    if word in _METRIC_METHODS:
        return True
    if word in _RECORDING_METHODS:
        return bool(_METRIC_RECEIVER.search(snake_chain(base.removesuffix(".labels()"))))
    return bool(_METRICS_OBJECT.search(snake(base)))


def is_waiting(name: str) -> bool:
    """Whether a callee waits, schedules or decides."""
    base, _, last = name.rpartition(".")
    if last == "join" and (not base or "path" in base):
        return False
    return bool(_WAITING.match(snake(last))) and not (last == "join" and base.endswith(("'", '"')))


def sleeps(name: str) -> bool:
    """Whether a callee pauses: `time.sleep`, `self._sleep_between_polls`, `done.wait`."""
    word = snake(name.rpartition(".")[2]).lstrip("_")
    return word in ("wait", "wait_for") or word.startswith(("sleep", "async_sleep"))


def tells_progress(name: str) -> bool:
    """Whether a callee shows how far something is: `self._hook_progress`, `progress_callback`, `bar.set_postfix`."""
    return bool(_PROGRESS.search(snake(name.rpartition(".")[2])))


def is_progress_display(name: str) -> bool:
    """Whether a class or a variable shows how far something is: `ProgressBar`, `self.progress`."""
    return bool(_PROGRESS_DISPLAY.search(snake(name.rpartition(".")[2])))


def is_pure(name: str) -> bool:
    """Whether a callee only makes another form of the value: a number, a text."""
    last = name.rpartition(".")[2]
    return last in _PURE or (bool(_FORMATTER.search(snake(last))) and not _KEEPING.search(snake(last)))


def is_report(name: str) -> bool:
    """Whether a function of the project's own reports what it is given: `_record_latency`, `report_usage`."""
    return bool(_REPORT.search(snake(name)))


def feeds_series(name: str) -> bool:
    """Whether what reports or records a value makes a series of it, by its name: `SECONDS.observe`, `statsd.timing`."""
    word = snake(name.rpartition(".")[2])
    return word not in _NO_SERIES and (is_metric(name) or bool(_FEEDING.search(word)))


def puts(name: str) -> bool:
    """Whether a method puts what it is given under a key: `headers.add`, `set_tag`, `setdefault`."""
    return bool(_PUTTING.match(snake(name)))


def keeps_durations(name: str) -> bool:
    """Whether a callee adds to a collection of durations: `latencies.append`, `self.query_times.add`."""
    base, _, last = name.rpartition(".")
    return last in ("append", "add", "appendleft", "extend", "update", "put") and is_duration(base)


def hands_over(name: str) -> bool:
    """Whether a callee takes a result or an event, by its name: `Result`, `on_finished`, `rows.append`."""
    last = name.rpartition(".")[2]
    return last[:1].isupper() or (bool(_HANDING_OVER.search(snake(last))) and not draws(last))


def draws(name: str) -> bool:
    """Whether a callee sends or draws what it is given, for somebody to see: `send_response`, `render_summary`."""
    return bool(_TELLING.match(snake(name.rpartition(".")[2])))


def snake_chain(name: str) -> str:
    """Return a dotted name in snake case, all of its parts."""
    return "_".join(snake(part) for part in name.replace("()", "").split(".") if part)
