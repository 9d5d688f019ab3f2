"""What the shape, the name and the place of a function say of how critical it is: each trait with its points and words.

The points follow from what maintainers of some forty public projects chose to measure, fitted so that each project's ranking
is predicted from the others, and rounded: what serves other functions of the file, is private or nested is rarely
measured; what is asynchronous, documented, takes arguments, or leads through private steps of its own often is. A trait
stands here only if it helps in clearly more of these projects than it hurts.
"""

from __future__ import annotations

import builtins
import re
from collections.abc import Iterator
from enum import Enum
from typing import NamedTuple

from golden_rules import frameworks
from golden_rules.source.outline import Function, Outline
from golden_rules.source.trees import dotted


class Reason(NamedTuple):
    """One part of a score.

    Attributes:
        words: What speaks for or against measuring, as a clause: `it awaits 3 times`.
        telling: Whether the words tell by themselves why a function should be measured.
    """

    points: float
    words: str
    telling: bool = False


class Role(Enum):
    """A function's part among the functions of its file.

    Attributes:
        ALONE: It neither calls nor is called.
        LEADS: It calls others, and nothing in the file calls it.
        NAMED: Functions of the file call its name, on whatever object.
        SERVES: A function of its own class or module calls it.
        SHARED: Several of them do.
    """

    ALONE = "alone"
    LEADS = "leads"
    NAMED = "named"
    SERVES = "serves"
    SHARED = "shared"


def _word_set(text: str) -> frozenset[str]:
    return frozenset(text.split())


_OPERATIONS = _word_set(
    """
    accept acknowledge apply archive assign attach authenticate authorize backup batch broadcast bulk call
    cancel charge checkout claim close commit complete consume copy create deactivate delete deliver deploy
    detach dispatch download drain drop embed emit enqueue evaluate execute export finalize finish fire
    flush forward generate handle import index ingest insert install invite invoke join kick kill launch
    login merge migrate modify move notify perform persist poll post predict process provision publish
    pull purge push put query rebuild receive reconcile redeem refresh refund register release reload
    remove rename reply replay request resend reset restart restore resume retrieve retry revoke rollback
    rotate run save schedule scan search send serve shutdown start stop store stream submit subscribe sync
    synchronize terminate train transfer trigger uninstall unregister unsubscribe update upload upsert write
    patch
    """
)
_READS = _word_set("get list find fetch load read")
_HELPERS = _word_set(
    """
    as assert build can check clean coerce collect compare compute convert count decode default deserialize
    describe determine encode ensure escape expand extract filter fix format from group guess has
    hash ignore infer init initialize inject is iter key make map match matches maybe needs normalize pad
    parse parser pick prepare print quote render repr resolve round safe sanitize serialize set setup should
    sort split strip to transform translate truncate unwrap validate visit wants warn with wrap yield
    """
)
_WORKFLOW = re.compile(
    r"(^|_)(run|execute|process|handle|deploy|dispatch|perform|orchestrate|serve|consume|work|submit|launch|invoke|drain|replay"
    r"|main_loop|tick)(_|$)"
)
# What an endless loop makes a service of; in `process_results` it only steps through something.
_SERVICE = re.compile(r"(^|_)(run|serve|consume|work|drain|main_loop|tick)(_|$)")
_PROBES = re.compile(
    r"(healthz|healthcheck|readyz|readiness|livez|liveness|heartbeat|favicon|robots|serverlive|serverready|modelready)(_|$)"
    # Other things are named after these words as well: `live_migrate`, `metrics_query`, `health_monitor_create`.
    r"|(health|ready|live|alive|ping|metrics|version)(_(checks?|probe|status|endpoint|handler|view|page|info))*$"
)
# What a loop that never ends waits by.
_WAITS = _word_set(
    "sleep wait get recv receive accept poll select join listen consume fetch read dequeue pop next ping"
)
_LIFECYCLE = _word_set("start open init initialize setup startup boot bootstrap shutdown close teardown cleanup")
_SCHEMA = _word_set("schema schemas migration migrations")
# Calls of values at hand: of the built-in functions, and of what strings, lists and mappings can do.
_BUILT_IN = frozenset(dir(builtins))
_ON_VALUES = _word_set(
    """
    append extend insert pop remove keys values items get update setdefault add discard copy clear join split strip rstrip
    lstrip startswith endswith format replace lower upper encode decode sort reverse index count title partition rpartition
    splitlines isdigit zfill hex difference union intersection issubset group groups match findall sub finditer fullmatch
    search isoformat strftime strptime total_seconds now utcnow time
    """
)
LOG_METHODS = _word_set("debug info warning warn error exception critical log")
_PLAIN_TYPES = _word_set("bool str int float bytes")
# Receivers by which a function calls itself, or what it overrides.
_OWN = _word_set("self cls super()") | {""}
# Decorators that say nothing of what a function does.
_SILENT_DECORATORS = _word_set("override final deprecated contextmanager asynccontextmanager inheritdoc")
# From how many lines on a function is long; documentation is none of them.
_LONG = 50
_TENSOR_LIBRARIES = ("torch", "jax", "tensorflow", "numpy", "cupy")


def shape(function: Function, *, known: bool) -> Iterator[Reason]:
    """Yield what the size and make of a function say; `known` is whether it is known to talk to another system."""
    yield from _asynchrony(function)
    calls = len(function.calls)
    if calls >= 10:
        yield Reason(1.0, f"it makes {calls} calls", telling=True)
    lines = function.end_line - function.line
    if lines >= _LONG and (code := function.end_line - function.code_line + 1) >= _LONG:
        yield Reason(1.0, f"it has {code} lines of code", telling=True)
    elif lines <= 10 and not known:
        # One request to another system is an operation, however short it is written.
        yield Reason(-1.0, "it is short")
    if function.statements <= 1 and not known:
        yield Reason(-1.0, "it is one statement")
    if function.withs:
        yield Reason(1.0, "it opens a `with` block")
    if function.endless_loop and calls >= 2:
        yield Reason(2.0, "it loops without end", telling=True)
    if function.handlers:
        yield Reason(0.5, "it handles failures", telling=True)
    if function.nested:
        yield Reason(-1.0, "it defines functions of its own")
    if function.returns_value:
        yield Reason(1.5, "it returns a value")
    yield from _steps(function)
    yield from _signature(function)
    yield from _documented(function)


def _asynchrony(function: Function) -> Iterator[Reason]:
    if function.is_async:
        yield Reason(2.5, "it is a coroutine function" if not function.yields else "it is an asynchronous generator")
        if function.awaits >= 2:
            yield Reason(1.0, f"it awaits {function.awaits} times", telling=True)


def _steps(function: Function) -> Iterator[Reason]:
    """Yield what the calls say: a path leads through steps of its own, a helper asks the values at hand."""
    steps: dict[str, None] = {}
    beyond = 0
    passed_on = False
    for call in function.calls:
        receiver, _, method = call.name.rpartition(".")
        if receiver == "self":
            if method.startswith("_") and not method.startswith("__"):
                steps[call.name] = None
        elif method == function.name and receiver not in _OWN:
            passed_on = True
        beyond += not is_of_values(receiver, method)
    if steps:
        shown = " and ".join(f"`{step}`" for step in list(steps)[:2])
        points = 1.0 if is_private(function) else 2.0 if len(steps) == 1 else 3.0
        yield Reason(points, f"it leads through {shown}")
    if passed_on:
        yield Reason(1.0, "it passes the call on under its own name")
    if not beyond:
        yield Reason(-2.0, "it calls nothing but what is built in")
    elif beyond * 3 <= len(function.calls):
        yield Reason(-1.0, "most of what it calls is built in")


def is_of_values(receiver: str, method: str) -> bool:
    """Return whether a call is of values at hand, a built-in function or a log, by its parts as written."""
    if not receiver:
        return method in _BUILT_IN
    return method in _ON_VALUES or (method in LOG_METHODS and "log" in receiver.lower())


def is_private(function: Function) -> bool:
    """Return whether a function's name says that it is not for others; a dunder is the language's name for an operation."""
    return function.name.startswith("_") and not function.name.endswith("__")


def _signature(function: Function) -> Iterator[Reason]:
    own = function.parameters - (function.owner is not None and "staticmethod" not in function.decorators)
    if function.parameters >= 4:
        yield Reason(2.5 if function.parameters >= 6 else 1.5, f"it takes {function.parameters} parameters")
    elif own <= 0:
        yield Reason(-2.5, "it takes no arguments")
    arguments = function.node.args
    if arguments.defaults or any(default is not None for default in arguments.kw_defaults):
        yield Reason(0.5, "some of its parameters are optional")
    if (returned := dotted(function.node.returns)) in _PLAIN_TYPES:
        yield Reason(-1.0, f"it returns a plain `{returned}`")


def _documented(function: Function) -> Iterator[Reason]:
    if function.docstring is not None:
        # A line says what a helper does; what others are to use is explained.
        yield Reason(2.5 if function.docstring.count("\n") >= 3 else 1.0, "it is documented")


def name(function: Function) -> Iterator[Reason]:
    """Yield what a function's name says."""
    if function.name.startswith("__") and function.name.endswith("__"):
        return
    lowered = function.name.lower()
    words = [word for word in lowered.split("_") if word]
    private = is_private(function)
    first = lowered.lstrip("_").removeprefix("async_").partition("_")[0]
    if private:
        yield Reason(-3.0, "it is private")
    elif first in _OPERATIONS or first in _READS:
        yield Reason(1.0, f"its name starts with `{first}`")
    if first in _HELPERS and not function.awaits:
        # What awaits is no mere helper, whatever its name.
        yield Reason(-0.5, f"its name starts with `{first}`")
    if _WORKFLOW.search(lowered) and len(function.calls) >= 3:
        if function.endless_loop and _SERVICE.search(lowered) and _waits(function):
            yield Reason(6.5, "it is a service loop", telling=True)
        elif function.awaits >= 2 or function.handlers:
            # What handles failures but never awaits may as well only compute.
            yield Reason(5.0 if function.awaits >= 2 else 3.0, "it is named for carrying work out", telling=True)
    if first == "register":
        yield Reason(-2.0, "it registers something, which happens once")
    if lowered.strip("_") in _LIFECYCLE:
        yield Reason(-2.0, "it happens once in the life of a thing, by its name")
    if lowered in ("upgrade", "downgrade") or not _SCHEMA.isdisjoint(words):
        yield Reason(-2.0, "it looks after a schema, by its name")
    if _PROBES.match(lowered.lstrip("_")):
        yield Reason(-6.0, "it only says how the service is")
    if len(words) == 1:
        yield Reason(1.5, "its name is one word")
    elif len(words) >= 3:
        yield Reason(-1.5, "its name is long")


def _waits(function: Function) -> bool:
    return bool(function.awaits or function.handlers) or any(
        call.name.rpartition(".")[2].strip("_") in _WAITS for call in function.calls
    )


def place(function: Function, role: Role, *, registered: bool, known: bool) -> Iterator[Reason]:
    """Yield what a function's place says: its part among the functions of the file, the class around it, its decorators.

    Args:
        function: The function.
        role: Its part among the functions of the file.
        registered: Whether a framework calls it.
        known: Whether it is known to talk to another system.
    """
    match role:
        case Role.SHARED if is_private(function):
            yield Reason(-5.5, "it serves several functions of the file")
        case Role.SHARED:
            yield Reason(-4.5, "several functions of the file call it")
        case Role.SERVES if is_private(function):
            yield Reason(-4.0, "it serves other functions of the file")
        case Role.SERVES | Role.NAMED:
            yield Reason(-3.0, "other functions of the file call it")
        case Role.LEADS if not is_private(function):
            yield Reason(1.0, "a path through the file starts with it")
        case _:
            pass
    if registered:
        return
    if function.owner is None and function.parent is None and not known:
        yield Reason(-1.5, "it belongs to no class")
    if function.parent is not None:
        yield Reason(-5.0, "it is a function inside a function")
    last_names = {decorator.rpartition(".")[2] for decorator in function.decorators}
    if last_names & {"staticmethod", "classmethod"}:
        yield Reason(-3.5, "it is a static or class method")
    elif last_names & frameworks.COMMANDS:
        # A command of the command line is gone before anybody scrapes it.
        yield Reason(-1.5, "it is a command of the command line")
    elif any(name not in _SILENT_DECORATORS and not name.startswith("register") for name in last_names):
        yield Reason(3.0, f"it is decorated with `{function.decorators[0] or '...'}`")


def computes_on_tensors(module: Outline, function: Function) -> bool:
    """Return whether a function is a model's arithmetic: compilers trace such code, and a wrapper breaks the trace."""
    if function.name in ("forward", "backward") and function.owner is not None:
        return True
    return any(
        constructor.rpartition(".")[2] in ("Tensor", "ndarray") for constructor in function.instances.values()
    ) and any(name.startswith(_TENSOR_LIBRARIES) for name in module.names.values())
