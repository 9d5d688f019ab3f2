"""Where a function adds to a counter: a metric's `inc()`, or one more on an attribute, an entry or a global.

This works on `ast` nodes, so that LibCST parses only the functions in which something is found.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass

from golden_rules.naming import snake
from golden_rules.rules.handbuilt.counter_words import holds_metrics, is_counter, is_gauge
from golden_rules.source.names import resolve
from golden_rules.source.outline import Function, Outline
from golden_rules.source.trees import children, dotted, walk

# The methods that add to a counter, see `_adds`; the last two do many other things besides.
_CLIENT_METHODS = frozenset(
    {"inc", "incr", "increment", "increase", "increment_counter", "inc_counter", "incr_counter"}
)
# A project's own helpers, which feed whatever client it has.
_OWN_METHODS = frozenset(
    f"{verb}_{what}" for verb in ("inc", "incr", "increment") for what in ("stat", "stats", "metric", "metrics")
)
_METHODS = _CLIENT_METHODS | _OWN_METHODS
_AMOUNTS = frozenset({"value", "amount", "count", "by", "delta"})
_ASKING = re.compile(r"(get|clear|reset|zero)(_\w+)?$")
_COMMON_METHODS = frozenset({"add", "log"})
_CLIENTS = ("prometheus_client.", "opentelemetry.", "statsd.", "datadog.", "aioprometheus.")
_COUNT_EVENT = re.compile(r"metric_?count|count_?metric", re.IGNORECASE)
_LOGGER = re.compile(r"(^|_)log(ger)?$")
_KEY = re.compile(r"(^|_)(id|key|name|address|host|service)$")
_HAPPENED = re.compile(r"[a-z]{3,}ed$")
_NUMBER_HAPPENED = re.compile(r"[a-z]{3,}ed_count$|^(n|num|count)_([a-z]+_)*[a-z]{3,}ed$")
_NESTED = frozenset({ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda})


@dataclass(frozen=True, slots=True, eq=False)
class Increment:
    """One more on a counter.

    Attributes:
        node: The statement or the call.
        counter: The counter as written: `REQUESTS`, `self.stats["failed"]`.
        word: What it counts, in snake case; for a metric with its labels' and arguments' constants.
        target: The variable that is added to; `None` for a metric of a client or of the project's own.
        handlers: The `except` clauses around it, the nearest first.
        branch: Whether a condition or a loop decides if it is reached.
    """

    node: ast.AugAssign | ast.Assign | ast.Call
    counter: str
    word: str
    target: ast.expr | None
    handlers: tuple[ast.ExceptHandler, ...]
    branch: bool

    @property
    def metric(self) -> bool:
        """Whether the counter is a metric of a client or of the project's own."""
        return self.target is None

    @property
    def named(self) -> bool:
        """Whether a client is told the metric's name right here: `statsd.increment("orders.refused")`."""
        if not isinstance(self.node, ast.Call) or not self.node.args:
            return False
        first = self.node.args[0]
        if isinstance(first, ast.Name):
            return first.id.isupper() and isinstance(self.node.func, ast.Attribute) and self.node.func.attr != "inc"
        return isinstance(first, ast.JoinedStr) or (isinstance(first, ast.Constant) and isinstance(first.value, str))

    @property
    def shown(self) -> str:
        """The counter as a message names it."""
        return self.counter.replace("()", "(...)")


# A node on the way down, with the `except` clauses around it, and whether a condition decides if it is reached.
_Handlers = tuple[ast.ExceptHandler, ...]
_Place = tuple[ast.AST, _Handlers, bool]
_BRANCHES = (ast.For, ast.AsyncFor, ast.While, ast.Match, ast.IfExp, ast.BoolOp)
_LEAVES = frozenset({ast.Name, ast.Constant})


def may_increment(outline: Outline, function: Function) -> bool:
    """Whether a function's own code may add to a counter, by what the outline knows of it; where it does, this never says no."""
    if function.adds_one or not _METHODS.isdisjoint(function.words.found):
        return True
    return not _COMMON_METHODS.isdisjoint(function.called) and any(
        _may_add(outline, function, call.name) for call in function.calls
    )


def _may_add(outline: Outline, function: Function, call: str) -> bool:
    """Whether a call of `add` or `log` may be a counter's."""
    base, _, method = call.rpartition(".")
    if not base or method not in _COMMON_METHODS:
        return False
    name = base.removesuffix(".labels()").replace("()", "").rpartition(".")[2]
    if method == "log":
        return _COUNT_EVENT.search(name) is not None
    return is_counter(name) or (resolve(outline, function, base) or "").startswith(_CLIENTS)


def increments(outline: Outline, function: Function) -> Iterator[Increment]:
    """Yield where a function's own code adds to a counter, in order of the source."""
    if not may_increment(outline, function):
        return
    waiting: list[_Place] = [(statement, (), False) for statement in reversed(function.node.body)]
    declared = _declared(function)
    kept: ast.expr | None = None
    while waiting:
        node, handlers, branch = waiting.pop()
        kind = type(node)
        if kind in _LEAVES or kind in _NESTED or kind is ast.Compare:
            # `if self.channels.inc() == 1:` asks for a number.
            continue
        if isinstance(node, ast.Assign | ast.AnnAssign | ast.NamedExpr):
            # `number = self.step_counter.increment(step)` draws a number, and the program goes on with it.
            kept = node.value
        if isinstance(node, ast.Call | ast.AugAssign | ast.Assign) and node is not kept:
            found = _increment(outline, function, node, declared)
            if found is not None:
                yield Increment(node, *found, handlers, branch)
        inner = list(_inner(node, handlers, branch))
        inner.reverse()
        waiting += inner


def _inner(node: ast.AST, handlers: _Handlers, branch: bool) -> Iterator[_Place]:
    if isinstance(node, ast.ExceptHandler):
        handlers = (node, *handlers)
        for child in node.body:
            yield child, handlers, branch
    elif isinstance(node, ast.If):
        yield node.test, handlers, branch
        decided = branch or not _is_guard(node)
        for child in (*node.body, *node.orelse):
            yield child, handlers, decided
    else:
        branch = branch or isinstance(node, _BRANCHES)
        for inner in children(node):
            yield inner, handlers, branch


def _is_guard(statement: ast.If) -> bool:
    """Whether an `if` only asks if there are metrics at all: `if REQUESTS is not None:`, `if self.metrics_enabled:`."""
    test = statement.test
    if statement.orelse:
        return False
    if isinstance(test, ast.Compare) and len(test.comparators) == 1 and isinstance(test.comparators[0], ast.Constant):
        return test.comparators[0].value is None and isinstance(test.ops[0], ast.IsNot)
    name = snake(dotted(test))
    return bool(name) and (holds_metrics(name) or is_counter(name) or "prom" in name)


def _increment(
    outline: Outline, function: Function, node: ast.Call | ast.AugAssign | ast.Assign, declared: set[str]
) -> tuple[str, str, ast.expr | None] | None:
    """Return what a node adds one to: the counter as written, its word, and the variable unless it is a metric."""
    if isinstance(node, ast.Call):
        counter, word = _metric_call(outline, function, node)
        return (counter, word, None) if counter else None
    target = bumped(node)
    if target is None or (isinstance(target, ast.Name) and target.id not in declared):
        return None
    counter, word = _variable(target)
    return (counter, word, target) if counter else None


def _declared(function: Function) -> set[str]:
    """Return the names under `global` in a function; those under `nonlocal` are a closure's own state."""
    if not function.declares_scope:
        return set()
    return {name for node in walk(function.node) if isinstance(node, ast.Global) for name in node.names}


def bumped(node: ast.AST) -> ast.expr | None:
    """Return what a statement makes one more: `x += 1`, `x = x + 1`, `d[k] = d.get(k, 0) + 1`."""
    match node:
        case ast.AugAssign(target=target, op=ast.Add(), value=ast.Constant(value=value)):
            return target if _is_one(value) else None
        case ast.Assign(
            targets=[target], value=ast.BinOp(left=left, op=ast.Add(), right=ast.Constant(value=value))
        ) if _is_one(value):
            if isinstance(left, ast.Call):
                return target if _gets(left, target) else None
            same = isinstance(left, ast.Attribute | ast.Subscript | ast.Name) and ast.unparse(left) == ast.unparse(
                target
            )
            return target if same else None
        case _:
            return None


def _is_one(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value == 1


def _gets(call: ast.Call, target: ast.expr) -> bool:
    """Whether a call is `d.get(k, 0)` for the target `d[k]`."""
    return (
        isinstance(target, ast.Subscript)
        and isinstance(call.func, ast.Attribute)
        and call.func.attr == "get"
        and len(call.args) == 2
        and ast.unparse(call.func.value) == ast.unparse(target.value)
        and ast.unparse(call.args[0]) == ast.unparse(target.slice)
    )


def _variable(target: ast.expr) -> tuple[str, str]:
    """Return a counted variable as written, and the word that says what it counts; empty where nothing does."""
    match target:
        case ast.Name(id=name):
            return name, snake(name)
        case ast.Attribute(attr=attribute):
            return dotted(target), snake(attribute)
        case ast.Subscript(value=base, slice=ast.Constant(value=str(key))):
            return (f'{dotted(base)}["{key}"]', snake(key.replace("-", "_"))) if dotted(base) else ("", "")
        case ast.Subscript(value=base, slice=key):
            return (f"{dotted(base)}[{ast.unparse(key)}]", snake(dotted(base))) if dotted(base) else ("", "")
        case _:
            return "", ""


def _metric_call(outline: Outline, function: Function, call: ast.Call) -> tuple[str, str]:
    """Return the metric that a call adds to, as written, and the words about it; empty where it adds to none."""
    if not isinstance(call.func, ast.Attribute):
        return "", ""
    method, base = call.func.attr, dotted(call.func.value)
    if method in _OWN_METHODS:
        return (f"{base}.{method}", " ".join([method, *_constants(call)])) if base and _by_constant(call) else ("", "")
    if not base:
        return _entry_call(call)
    metric = base.removesuffix(".labels()")
    name = metric.replace("()", "").rpartition(".")[2]
    target = resolve(outline, function, base) or ""
    known = target.startswith(_CLIENTS)
    labelled = base.endswith(".labels()")
    if not _adds(method, call, name, known=known, labelled=labelled):
        return "", ""
    if is_gauge(snake(name)) or ".Gauge" in target or "UpDown" in target:
        return "", ""
    if any(other.name == f"{base}.get" for other in function.calls):
        # `self.counter.incr()`, and then its value as the next number.
        return "", ""
    if not call.args and not call.keywords and is_counter(name) and _is_asked(outline, function, base):
        return "", ""
    return metric, " ".join([snake(name), *_constants(call)])


def _is_asked(outline: Outline, function: Function, base: str) -> bool:
    """Whether the class asks a counter object for its value, or lets it start anew: a number that the program runs on."""
    if not base.startswith("self."):
        return False
    beside = (other for other in outline.functions if other.owner is function.owner)
    methods = (call.name.removeprefix(f"{base}.") for other in beside for call in other.calls)
    return any(_ASKING.match(method) for method in methods)


def _entry_call(call: ast.Call) -> tuple[str, str]:
    """Return the client that stands under a key, and the words about it: `config["STATS_LOGGER"].incr("sent")`."""
    match call.func:
        case ast.Attribute(value=ast.Subscript(slice=ast.Constant(value=str(key))) as entry, attr=method):
            if method in _CLIENT_METHODS and _adds(method, call, key, known=False, labelled=False):
                return ast.unparse(entry), " ".join([snake(key), *_constants(call)])
        case _:
            pass
    return "", ""


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
            return len(call.args) <= 1 or known or labelled or holds_metrics(name)
        case "incr" | "increment" | "increase" | "increment_counter" | "inc_counter" | "incr_counter":
            if len(call.args) > 1 and not isinstance(call.args[1], ast.Constant) and not _counts_events(call.args[1]):
                # `timings.incr("render", seconds)` adds up, and does not count.
                return False
            if known or labelled or _LOGGER.search(snake(name)) or (named and "counter" in method):
                # A plain logger has no such method: it feeds statsd besides.
                return True
            return holds_metrics(name) if call.args else is_counter(name)
        case "add":
            counts = isinstance(first, ast.Constant) and _is_one(first.value)
            return counts and (known or (is_counter(name) and not named))
        case "log":
            down = len(call.args) > 1 and isinstance(call.args[1], ast.UnaryOp)
            return bool(_COUNT_EVENT.search(name)) and not down
        case _:
            return False


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
