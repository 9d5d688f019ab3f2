"""Which calls add to a counter of a client or of the project's own, and to which: `REQUESTS.inc()`, `statsd.incr("sent")`."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from golden_rules.naming import snake
from golden_rules.rules.handbuilt.counter_words import holds_metrics, is_counter, is_gauge, is_progress
from golden_rules.source.names import resolve
from golden_rules.source.outline import Function, Outline
from golden_rules.source.trees import dotted, is_text, walk

# The methods that add to a counter, see `_adds`; the last two do many other things besides.
_CLIENT_METHODS = frozenset(
    {"inc", "incr", "increment", "increase", "increment_counter", "inc_counter", "incr_counter"}
)
# A project's own helpers, which feed whatever client it has.
_OWN_METHODS = frozenset(
    f"{verb}_{what}" for verb in ("inc", "incr", "increment") for what in ("stat", "stats", "metric", "metrics")
)
_METHODS = _CLIENT_METHODS | _OWN_METHODS
# Methods by which a set of metrics is told of a failure that its caller has caught.
_ERROR_METHODS = frozenset(
    f"{verb}_{what}"
    for verb in ("record", "count", "track", "observe", "inc", "incr", "increment")
    for what in ("error", "errors", "failure", "failures")
)
_AMOUNTS = frozenset({"value", "amount", "count", "by", "delta"})
_ASKING = re.compile(r"(get|clear|reset|zero)(_\w+)?$")
_GETTING = re.compile(r"get(_\w+)?$")
_COMMON_METHODS = frozenset({"add", "log"})
_CLIENTS = ("prometheus_client.", "opentelemetry.", "statsd.", "datadog.", "aioprometheus.")
# They collect what their workers count by themselves, where no page of the worker's would be scraped.
_COLLECTING = ("apache_beam.", "pyflink.", "pyspark.")
_COUNT_EVENT = re.compile(r"metric_?count|count_?metric", re.IGNORECASE)
_LOGGER = re.compile(r"(^|_)log(ger)?$")
_KEY = re.compile(r"(^|_)(id|key|name|address|host|service)$")
_HAPPENED = re.compile(r"[a-z]{3,}ed$")
_NUMBER_HAPPENED = re.compile(r"[a-z]{3,}ed_count$|^(n|num|count)_([a-z]+_)*[a-z]{3,}ed$")


def may_feed(function: Function) -> bool:
    """Whether a function's own code may call a method that adds to a counter, by what the outline knows of it."""
    if not _METHODS.isdisjoint(function.words.found) or not _ERROR_METHODS.isdisjoint(function.called):
        return True
    return not _COMMON_METHODS.isdisjoint(function.called) and any(_may_add(call.name) for call in function.calls)


def _may_add(call: str) -> bool:
    """Whether a call of `add` or `log` may be a counter's; of `add`, what it is told says more than its name."""
    base, _, method = call.rpartition(".")
    if method == "log":
        return _COUNT_EVENT.search(base.replace("()", "").rpartition(".")[2]) is not None
    return bool(base) and method in _COMMON_METHODS


def tells_what(call: ast.Call) -> bool:
    """Whether a call tells a client what it counts; one that does not draws the next number where its result is taken: `Record(num=counter.inc())`."""
    return bool(call.args or call.keywords) or dotted(call.func).endswith(".labels().inc")


def metric_call(outline: Outline, function: Function, call: ast.Call) -> tuple[str, str]:
    """Return the metric that a call adds to, as written, and the words about it; empty where it adds to none."""
    if not isinstance(call.func, ast.Attribute):
        return "", ""
    method, base = call.func.attr, dotted(call.func.value)
    if function.name in _METHODS:
        # A counter's own `increment` counts for those who call it.
        return "", ""
    if method in _OWN_METHODS:
        return (f"{base}.{method}", " ".join([method, *_constants(call)])) if base and _by_constant(call) else ("", "")
    if not base:
        return _entry_call(call)
    if base in ("self", "cls") and not (call.args and is_text(call.args[0])):
        # A parser's own `inc()` goes on to the next character.
        return "", ""
    metric = base.removesuffix(".labels()")
    name = metric.replace("()", "").rpartition(".")[2]
    target = resolve(outline, function, base) or ""
    if target.startswith(_COLLECTING):
        return "", ""
    known = target.startswith(_CLIENTS)
    labelled = base.endswith(".labels()")
    if not _adds(method, call, name, known=known, labelled=labelled):
        return "", ""
    if is_gauge(snake(name)) or is_progress(name) or ".Gauge" in target or "UpDown" in target:
        return "", ""
    if any(other.name == f"{base}.get" for other in function.calls):
        # `self.counter.incr()`, and then its value as the next number.
        return "", ""
    if is_counter(name) and _is_asked(outline, function, base, told=bool(call.args or call.keywords)):
        return "", ""
    if call.args and _is_local_number(function, call.args[0]):
        return "", ""
    return metric, " ".join([snake(name), *_constants(call)])


def error_call(call: ast.Call) -> tuple[str, str]:
    """Return the method of a set of metrics that a call tells of a failure, and the words about it: `self._metrics.record_error("quota")`.

    A monitor that is told of failures may act on them.
    """
    if not isinstance(call.func, ast.Attribute) or call.func.attr not in _ERROR_METHODS:
        return "", ""
    base = dotted(call.func.value)
    holder = base.rpartition(".")[2]
    if not holds_metrics(holder) or "monitor" in snake(holder):
        return "", ""
    return f"{base}.{call.func.attr}", " ".join([call.func.attr, *_constants(call)])


def _is_asked(outline: Outline, function: Function, base: str, *, told: bool) -> bool:
    """Whether the file asks a counter object for its value, or the class lets it start anew: a number that the program runs on.

    One that is told what it counts keeps many numbers, and is asked for one of them: `Failures.get_count(host)`.
    """
    own = base.startswith("self.")
    if own and told:
        return False
    asking = _ASKING if own else _GETTING
    beside = (other for other in outline.functions if not own or other.owner is function.owner)
    methods = (
        call.name.removeprefix(f"{base}.")
        for other in beside
        for call in other.calls
        if call.name.startswith(f"{base}.")
    )
    return any(asking.match(method) for method in methods)


def _is_local_number(function: Function, argument: ast.expr) -> bool:
    """Whether an argument is a variable that the function itself counts or adds up in: an amount, and no metric's name."""
    return isinstance(argument, ast.Name) and any(
        isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name) and node.target.id == argument.id
        for node in walk(function.node)
    )


def _entry_call(call: ast.Call) -> tuple[str, str]:
    """Return the client or metric that stands under a key, and the words about it: `config["STATS_LOGGER"].incr("sent")`."""
    match call.func:
        case ast.Attribute(value=ast.Subscript(slice=ast.Constant(value=str(key))) as entry, attr=method):
            labelled = False
        case ast.Attribute(
            value=ast.Call(
                func=ast.Attribute(value=ast.Subscript(slice=ast.Constant(value=str(key))) as entry, attr="labels")
            ),
            attr=method,
        ):
            labelled = True
        case _:
            return "", ""
    if (
        is_gauge(snake(key))
        or method not in _CLIENT_METHODS
        or not _adds(method, call, key, known=False, labelled=labelled)
    ):
        return "", ""
    return ast.unparse(entry), " ".join([snake(key), *_constants(call)])


def _by_constant(call: ast.Call) -> bool:
    """Whether a helper adds a number of events, rather than an amount that the domain knows: `inc_metric("rows", value=found)`."""
    return all(
        isinstance(word.value, ast.Constant) or _counts_events(word.value)
        for word in call.keywords
        if word.arg in _AMOUNTS
    )


def _is_number_of_events(argument: ast.expr) -> bool:
    """Whether the argument of `inc` is a constant, what stands for one, or a number of events."""
    constant = isinstance(argument, ast.Constant | ast.JoinedStr | ast.Dict) or dotted(argument).isupper()
    return constant or _counts_events(argument)


def _counts_events(amount: ast.expr) -> bool:
    """Whether an amount says to how many something happened: `len(result.dropped)`, `expired_count`, `num_failed`."""
    match amount:
        case ast.Call(func=ast.Name(id="len"), args=[ast.Name() | ast.Attribute() as several]):
            return bool(_HAPPENED.search(snake(dotted(several))))
        case ast.Name() | ast.Attribute():
            return bool(_NUMBER_HAPPENED.search(snake(dotted(amount))))
        case _:
            return False


def _adds(method: str, call: ast.Call, name: str, *, known: bool, labelled: bool) -> bool:
    first = call.args[0] if call.args else None
    named = (isinstance(first, ast.Constant) and isinstance(first.value, str)) or isinstance(first, ast.JoinedStr)
    if not _by_constant(call):
        return False
    match method:
        case "inc":
            if first is not None and not _is_number_of_events(first) and not (_is_key(first) and holds_metrics(name)):
                # `ROWS.inc(len(rows))` adds an amount that the domain knows; `generation.inc(service_id)` draws a number.
                return False
            return (
                len(call.args) <= 1 or known or labelled or (holds_metrics(name) and _is_number_of_events(call.args[1]))
            )
        case "incr" | "increment" | "increase" | "increment_counter" | "inc_counter" | "incr_counter":
            if len(call.args) > 1 and not isinstance(call.args[1], ast.Constant) and not _counts_events(call.args[1]):
                # `timings.incr("render", seconds)` adds up, and does not count.
                return False
            if known or labelled or _LOGGER.search(snake(name)) or (named and "counter" in method):
                # A plain logger has no such method: it feeds statsd besides.
                return True
            if call.args:
                # `counters.incr(key)` keeps a number for each key, which the program may run on.
                return holds_metrics(name) and (known or not _is_variable(first))
            # What is called a counter, and no more, does not say what it counts.
            return is_counter(name) and snake(name) != "counter"
        case "add":
            counts = isinstance(first, ast.Constant) and is_one(first.value)
            # Nothing else that has an `add` takes a one and a dictionary besides.
            attributed = len(call.args) == 2 and isinstance(call.args[1], ast.Dict)
            return counts and (known or attributed or (is_counter(name) and not named))
        case "log":
            down = len(call.args) > 1 and isinstance(call.args[1], ast.UnaryOp)
            return bool(_COUNT_EVENT.search(name)) and not down
        case _:
            return False


def _is_variable(argument: ast.expr | None) -> bool:
    return isinstance(argument, ast.Name) and not argument.id.isupper()


def _is_key(argument: ast.expr) -> bool:
    """Whether an argument says which number grows, rather than by how much: `METRICS.inc(service_id)`."""
    return isinstance(argument, ast.Name | ast.Attribute) and bool(_KEY.search(snake(dotted(argument))))


def _constants(call: ast.Call) -> Iterator[str]:
    """Yield the words of a call's constants, those of `labels(...)` included: `failed` in `DONE.labels("failed").inc()`."""
    inner = call.func.value if isinstance(call.func, ast.Attribute) else None
    for part in (call, inner):
        if not isinstance(part, ast.Call):
            continue
        for argument in (*part.args, *(keyword.value for keyword in part.keywords)):
            for node in walk(argument):
                if isinstance(node, ast.Constant) and isinstance(node.value, str):
                    yield snake(re.sub(r"\W+", "_", node.value))


def is_one(value: object) -> bool:
    """Whether a constant is the number one."""
    return isinstance(value, int | float) and not isinstance(value, bool) and value == 1
