"""Which durations are what somebody asks for: the answer of a probe, how long something has been running, what a person watches.

A timer says afterwards how long work took. It stands for none of these: a probe exists for its latency, a status tells an
age at any moment, and what is printed is gone with the screen.
"""

from __future__ import annotations

import ast
import re
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from golden_rules.criticality import Kind
from golden_rules.naming import snake
from golden_rules.rules.handbuilt.ends import TELEMETRY, Use
from golden_rules.rules.handbuilt.metric_modules import answers_a_person
from golden_rules.rules.handbuilt.vocabulary import is_log, is_progress_display, is_shown, sleeps, tells_progress
from golden_rules.source.trees import AnyLoop, callee, dotted

if TYPE_CHECKING:
    from golden_rules.rules.base import Subject
    from golden_rules.rules.handbuilt.timings import Difference, Timings
    from golden_rules.source.outline import Function
    from golden_rules.source.own_code import OwnCode

# Functions that find out whether, or how fast, something answers.
_PROBE = re.compile(
    r"^_*measure_|(^|_)(ping|pings|pinged|pong|probe\w*|healthz|healthy|health_?checks?|health$|liveness|readiness|reachab\w*|connectivity|latency|latencies|rtt|round_trip\w*|response_times?"
    r"|speed(_?test)?|heartbeat|uptime|doctor|diagnos\w*)(_|$)|(^|_)(test|check|verify|validate)_(\w+_)?connections?(_|$)"
)
# What keeps a probe's answer: `HealthResult(latency_ms=...)`.
_PROBE_RECORD = re.compile(
    r"(^|_)(health|probe|ping|liveness|readiness)(_(check|result|status|report|response|state|info))*$"
)
_YES = frozenset(
    {"ok", "up", "healthy", "reachable", "connected", "alive", "online", "available", "pong", "pass", "passed", "ready"}
)
# Functions that wait for others, and classes and folders that draw what a person sees.
_WAIT = re.compile(r"(^|_)(wait|waits|await)(_|$)")
_INTERFACE = re.compile(r"(^|[/_.])(t?ui|gui|panels?|dialogs?|windows?|screens?)([/_.]|$)")
# Classes, functions and files that measure the work of others.
_INSTRUMENT = re.compile(r"(^|_)(timers?|tracers?|profilers?|stop_?watch)$")
_ENDS_TIMING = re.compile(r"(^|_)(stop|end|finish)_(timing|timer|clock)$")
_INSTRUMENT_FILE = re.compile(r"(^|/)_*(tracers?|tracing|traces?|profilers?|profiling)(\.py$|/)")
_UPTIME = re.compile(r"(^|_)up_?time(_|$)")
# Functions that keep a probe's answer, or any other duration, for monitoring.
_RECORDER = re.compile(r"(^|_)(record|log|track|report|observe|update|emit|add|note|publish|collect)(_|$)")
# Functions that end what began elsewhere.
_ENDING = re.compile(
    r"(^|_)(end|ended|finish\w*|finali[sz]e\w*|stop\w*|complet\w*|close\w*|done|exit|fail\w*|succe\w*|results?|after|teardown|shutdown|cleanup"
    r"|response|outcome|run|execute|process|call|handle|on|record)(_|$)"
)


def is_answer(found: Timings, subject: Subject, difference: Difference) -> bool:
    """Whether a duration is asked for as such, so that no timer would stand for it."""
    function, path = subject.function, subject.path
    return (
        difference.is_only_shown
        or (_is_kept_aside(difference) and _is_for_a_person(found.code, subject))
        or _is_waited(found.code, function, difference)
        or _is_drawn(function, path, difference)
        or _is_progress(found, difference)
        or (_is_kept_aside(difference) and _is_repeated(found.code, difference))
        or any(_is_probed(found, function, other) for other in found.alike(difference))
        or _is_age(found.code, function, difference)
        or (difference.stamp is None and _measures_others(function, path))
    )


def _ends_only_in(difference: Difference, *uses: Use) -> bool:
    return all(sink.use in uses for sink in difference.sinks if sink.use in TELEMETRY)


def _is_kept_aside(difference: Difference) -> bool:
    """Whether a duration only becomes part of other values: fields, lists, texts, but no log line and no series."""
    return not difference.series and _ends_only_in(difference, Use.KEPT, Use.SHOWN, Use.RECORDED)


def _is_for_a_person(code: OwnCode, subject: Subject) -> bool:
    """Whether somebody waits for what a function says: a command or `main`; or one that prints, in a file that is run as a script."""
    if answers_a_person(subject.function, subject.path):
        return True
    if subject.function.owner is not None or subject.verdict.kind is Kind.ENTRY_POINT:
        # An object outlives what is printed, and requests go on: the lines are for whoever debugs a server.
        return False
    return any(map(_is_guard_of_script, subject.outline.tree.body)) and any(map(_prints, code.nodes))


def _is_guard_of_script(statement: ast.stmt) -> bool:
    """Whether a statement is `if __name__ == "__main__":`."""
    match statement:
        case ast.If(
            test=ast.Compare(left=ast.Name(id="__name__"), ops=[ast.Eq()], comparators=[ast.Constant(value="__main__")])
        ):
            return True
        case _:
            return False


def _prints(node: ast.AST) -> bool:
    if not isinstance(node, ast.Call):
        return False
    name = callee(node)
    return is_log(name) and is_shown(name)


def _is_waited(code: OwnCode, function: Function, difference: Difference) -> bool:
    """Whether a function that only waits says how long what it waits for took: that is the work of others."""
    if not _WAIT.search(snake(function.name)):
        return False
    looks = any(isinstance(loop, ast.While) and _waits(code, loop) for loop in code.nodes)
    uses = (Use.KEPT, Use.SHOWN, Use.LOGGED) if looks else (Use.KEPT, Use.SHOWN)
    return _ends_only_in(difference, *uses)


def _measures_others(function: Function, path: str) -> bool:
    """Whether a function is part of an instrument, by its name or that of its class or file: `Timer.stop`, `profiler.py`."""
    owner = function.owner.name if function.owner is not None else ""
    if _INSTRUMENT.search(snake(owner)) or _ENDS_TIMING.search(snake(function.name)):
        return True
    return bool(_INSTRUMENT_FILE.search(path.lower()))


def _is_drawn(function: Function, path: str, difference: Difference) -> bool:
    """Whether a duration goes on, in a user interface, to what draws it."""
    owner = function.owner.name if function.owner is not None else ""
    if is_progress_display(owner) or is_progress_display(PurePosixPath(path).stem):
        return _is_kept_aside(difference)
    place = f"{path.lower()}/{snake(owner)}"
    return bool(_INTERFACE.search(place)) and _ends_only_in(difference, Use.KEPT, Use.SHOWN)


def _is_probed(found: Timings, function: Function, difference: Difference) -> bool:
    """Whether a duration is handed back by a function that asks how fast something answers, and is not recorded besides."""
    is_returned = any(sink.use is Use.RETURNED for sink in difference.sinks)
    if difference.series or not (is_returned or _is_kept_aside(difference)):
        return False
    name = snake(function.name)
    if _PROBE.search(name) or _is_part_of(found.code, difference.node, _PROBE_RECORD):
        return not _RECORDER.search(name)
    return _is_all_there_is(found.code, difference.node)


def _is_part_of(code: OwnCode, value: ast.AST, record: re.Pattern[str]) -> bool:
    """Whether a value becomes part of a record that is named so."""
    return any(
        isinstance(around, ast.Call)
        and _names_parts(around)
        and record.search(snake(callee(around).rpartition(".")[2]))
        for place in _places(code, value)
        for around in code.holders(place)
    )


def _is_all_there_is(code: OwnCode, value: ast.AST) -> bool:
    """Whether an answer says beside the duration only that there was one: `{"reachable": True, "latency_ms": ...}`."""
    for place in _places(code, value):
        answer = next(
            (node for node in code.holders(place) if isinstance(node, ast.Dict | ast.Call) and _names_parts(node)),
            None,
        )
        if answer is None or not _is_handed_back(code, answer):
            continue
        others = [part for part in _parts(answer) if part is not place and part not in code.holders(place)]
        if any(map(_is_yes, others)) and all(_is_constant(code, other) for other in others):
            return True
    return False


def _names_parts(answer: ast.Dict | ast.Call) -> bool:
    """Whether an expression makes an answer of named parts: a dictionary, or `Health(ok=True, ...)`."""
    return isinstance(answer, ast.Dict) or callee(answer).rpartition(".")[2][:1].isupper()


def _parts(answer: ast.Dict | ast.Call) -> list[ast.expr]:
    if isinstance(answer, ast.Dict):
        return answer.values
    return [*answer.args, *(keyword.value for keyword in answer.keywords)]


def _places(code: OwnCode, value: ast.AST) -> list[ast.AST]:
    """Return where a value stands: where it is made, and where the variables are read that are set to it."""
    return [value, *(load for name in code.set_with(value) for load in code.loads[name])]


def _is_yes(value: ast.expr) -> bool:
    match value:
        case ast.Constant(value=str(word)):
            return word.lower() in _YES
        case ast.Constant(value=yes):
            return yes is True
        case _:
            return False


def _is_constant(code: OwnCode, value: ast.expr) -> bool:
    """Whether a part of an answer was known before the work: a constant, a parameter; or is a text about it."""
    if isinstance(value, ast.Name):
        return value.id not in code.bindings
    return isinstance(value, ast.Constant | ast.JoinedStr)


def _is_repeated(code: OwnCode, difference: Difference) -> bool:
    """Whether the same work is timed as often as a loop counts, as in a benchmark: `for _ in range(runs)`."""
    if difference.stamp is None:
        return False
    around = set(code.holders(difference.stamp.binding))
    return any(loop in around and _only_counts(code, loop) for loop in code.holders(difference.node))


def _only_counts(code: OwnCode, loop: ast.AST) -> bool:
    """Whether a loop does the same each time, and ends when it has done so often enough."""
    match loop:
        case ast.For(target=ast.Name(id=name), iter=ast.Call(func=ast.Name(id="range"))):
            inside = code.inside(loop)
            leaves = any(isinstance(node, ast.Return | ast.Break | ast.Continue) for node in inside)
            return not leaves and not any(load in inside for load in code.loads[name])
        case _:
            return False


def _is_age(code: OwnCode, function: Function, difference: Difference) -> bool:
    """Whether a duration is data of something that goes on: how long ago it began, told by a function that does not end it."""
    if any(map(_UPTIME.search, code.set_with(difference.node))):
        return True
    if difference.stamp is not None or not _is_looked_up(code, difference.start):
        return False
    return _ends_only_in(difference, Use.KEPT, Use.SHOWN) and not _ENDING.search(snake(function.name))


def _is_looked_up(code: OwnCode, start: str) -> bool:
    """Whether a start is that of an object, or a variable set to one: what takes it away (`starts.pop(id)`) ends it."""
    if "." in start:
        return True
    if start in code.declared:
        return False
    settings = [binding.value for binding in code.bindings[start] if isinstance(binding, ast.Assign)]
    return bool(settings) and not any(
        isinstance(value, ast.Call) and callee(value).endswith(".pop") for value in settings
    )


def _root(node: ast.expr) -> str:
    """Return the variable that a chain of names, entries and calls begins with."""
    while not isinstance(node, ast.Name):
        match node:
            case ast.Attribute(value=inner) | ast.Subscript(value=inner) | ast.Call(func=inner):
                node = inner
            case _:
                return ""
    return node.id


def _is_handed_back(code: OwnCode, value: ast.AST) -> bool:
    """Whether a value becomes part of what the function returns or yields, by way of its own variables."""
    waiting = [value]
    seen: set[str] = set()
    while waiting:
        for around in code.holders(waiting.pop()):
            if isinstance(around, ast.Return | ast.Yield | ast.YieldFrom):
                return True
            for name in _holders(around):
                if name not in seen and name in code.bindings:
                    seen.add(name)
                    waiting += code.loads[name]
                    # `row["age"] = age` reads `row` only to put something into it.
                    waiting += [
                        load for key, loads in code.loads.items() if key.startswith(f"{name}.") for load in loads
                    ]
            if isinstance(around, ast.stmt):
                break
    return False


def _holders(node: ast.AST) -> list[str]:
    """Return the variables that hold what stands in a node: `row` for `row = ...`, `row["age"] = ...`, `rows.append(...)`."""
    match node:
        case ast.Assign(targets=targets):
            return list(map(_root, targets))
        case ast.AnnAssign(target=target):
            return [_root(target)]
        case ast.Expr(value=ast.Call(func=ast.Attribute(value=receiver))):
            return [_root(receiver)]
        case _:
            return []


def _is_progress(found: Timings, difference: Difference) -> bool:
    """Whether a loop says between its rounds how long it has been going on."""
    code = found.code
    if any(isinstance(around, ast.Call) and tells_progress(callee(around)) for around in code.holders(difference.node)):
        return True
    end = difference.end.binding if difference.end is not None else difference.node
    loop = next((node for node in code.holders(end) if isinstance(node, AnyLoop)), None)
    if loop is None or _ends_loop(code, end, loop):
        return False
    if any(loop in code.holders(stamp.binding) for stamp in found.stamps.get(difference.start, ())):
        return False
    if difference.stamp is not None and _ends_only_in(difference, Use.LOGGED, Use.SHOWN, Use.KEPT):
        return not _happens_once(code, difference.node, loop)
    return isinstance(loop, ast.While) and (_waits(code, loop) or _is_limited(found, difference, loop))


def _is_limited(found: Timings, difference: Difference, loop: ast.While) -> bool:
    """Whether a loop acts on the time since the same start as well."""
    return any(
        other.decides and other.start == difference.start and loop in found.code.holders(other.node)
        for other in found.differences
    )


def _waits(code: OwnCode, loop: ast.While) -> bool:
    """Whether a loop pauses between its rounds."""
    return any(
        isinstance(node, ast.Call) and sleeps(dotted(node.func)) and loop in code.holders(node) for node in code.nodes
    )


def _ends_loop(code: OwnCode, node: ast.AST, loop: ast.AST) -> bool:
    """Whether a loop ends, or the function returns, at the end of a block in which a node stands."""
    statement = code.statement(node)
    while statement is not loop:
        if isinstance(code.block(statement)[-1], ast.Return | ast.Break | ast.Raise):
            return True
        statement = code.statement(code.parent(statement))
    return False


def _happens_once(code: OwnCode, node: ast.AST, loop: ast.AST) -> bool:
    """Whether a node in a loop is behind a flag that its branch sets: `if first: ...; first = False`, `if took is None: took = ...`."""
    for around in code.holders(node):
        if around is loop:
            return False
        if isinstance(around, ast.If) and not _compares(around.test):
            tested = {
                name for name, loads in code.loads.items() if any(around.test in _up(code, load) for load in loads)
            }
            if any(around in code.holders(binding) for name in tested for binding in code.bindings[name]):
                return True
    return False


def _up(code: OwnCode, node: ast.AST) -> list[ast.AST]:
    return [node, *code.holders(node)]


def _compares(test: ast.expr) -> bool:
    """Whether a condition is about an amount: `count % 100 == 0`, `now - shown > 5`."""
    return isinstance(test, ast.Compare) and not any(isinstance(op, ast.Is | ast.IsNot) for op in test.ops)
