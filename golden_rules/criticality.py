"""How critical a function is: an additive score, each part of it with its reason in words.

The points follow from what maintainers of public projects chose to measure: what is never measured weighs more than any
verb, and what talks to the outside, awaits, logs its failures or is called by a framework is measured most.
"""

from __future__ import annotations

import ast
import functools
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple

from golden_rules import frameworks
from golden_rules.adapters import CACHES, TALKING, adapter_of, is_asynchronous, library_of
from golden_rules.comments import Directives
from golden_rules.config import Config
from golden_rules.dealings import MOST, dealings, handing_classes
from golden_rules.evidence import outage, untold, waiting
from golden_rules.measured import is_timer, measured_by
from golden_rules.options import NumberOption
from golden_rules.resilience_steps import Step, resilience_calls, resilience_step
from golden_rules.source.call_graph import called_names, callers_of, started_apart
from golden_rules.source.names import resolve
from golden_rules.source.outline import Call, Class, Function, Outline
from golden_rules.source.trees import dotted, walk
from golden_rules.surroundings import command_line, why_outside
from golden_rules.traits import Reason, Role, computes_on_tensors, name, place, shape


class Kind(Enum):
    """What a critical function does for a living; it decides which rule speaks of it."""

    REQUIRED = "required"
    ENTRY_POINT = "entry point"
    RESILIENCE_STEP = "resilience step"
    EXTERNAL_CALL = "external call"
    WORKFLOW = "workflow"


class Verdict(NamedTuple):
    """What the outline says of one function.

    Attributes:
        score: The points, the sum over `reasons`.
        critical: Whether the score reaches the threshold, or the configuration or a comment says so.
        measured: What measures it, as it stands in the source; `""` where nothing does.
        kind: What it does.
        reasons: Why it has these points, the weightiest first.
        adapter: For an external call, the kind of system it talks to (`http`, `database`, ...).
        step: For a resilience step, which.
    """

    score: float
    critical: bool
    measured: str
    kind: Kind
    reasons: tuple[Reason, ...]
    adapter: str = ""
    step: Step | None = None


# The score from which a function counts as critical, by profile: in the median of 91 public projects that the points were not
# fitted to, most of them services, `selective` takes one function in 32, `comprehensive` one in 13.
THRESHOLDS = {"selective": 10.0, "comprehensive": 4.0}
_NEVER = -100.0
# The points of a call to a library that is known to talk to another system.
_KNOWN = 9.5
THRESHOLD = NumberOption(
    "threshold", "The points from which such a function is critical, where they are not those of all others."
)
"""What may differ by rule: where the line is drawn between functions that are critical and others."""
_RULES = {
    Kind.ENTRY_POINT: ("GR101", "unmeasured-entry-point"),
    Kind.EXTERNAL_CALL: ("GR102", "unmeasured-external-call"),
    Kind.WORKFLOW: ("GR103", "unmeasured-workflow"),
    Kind.RESILIENCE_STEP: ("GR104", "unmeasured-resilience-step"),
}
# A program that is only asked for its version tells whether it is there: nobody's work waits for that.
_ASKS_WHAT_IS_INSTALLED = re.compile(
    r"^_*(get|check|is|has|detect|find|verify|test)_(\w+_)?(versions?|installed|available|availability|usable)(_|$)"
)


@dataclass(frozen=True)
class _File:
    """What is the same for all functions of a file; what few files are asked for is worked out when they are.

    Attributes:
        threshold: The score from which a function is critical.
        thresholds: The same for each kind of function.
        outside: Why no function of the file is critical by itself, or `""`.
        apart: The functions that are started as tasks of their own.
        named: For each name, the functions that call it, on whatever object.
        callers: For each function, those of its class or module that call it.
        calling: The functions that call others of their class or module.
        commands: What it says of a function that the file belongs to a command line, if it does.
        talks: The kind of system that each function talks to itself, with the reason; nothing in files outside.
    """

    module: Outline
    path: str
    config: Config
    directives: Directives
    threshold: float
    thresholds: Mapping[Kind, float]
    outside: str
    apart: frozenset[Function]
    named: Mapping[str, set[Function]]
    callers: Mapping[Function, set[Function]]
    calling: frozenset[Function]
    commands: Reason | None
    talks: Mapping[Function, tuple[str, Reason | None]]

    @functools.cached_property
    def handing(self) -> frozenset[Class]:
        """The classes most of whose methods only hand calls on."""
        return handing_classes(self.module)

    @functools.cached_property
    def waiting(self) -> frozenset[Function]:
        """The functions that wait for another part of the system; none in files outside."""
        if self.outside:
            return frozenset()
        talking = {function for function, (adapter, _) in self.talks.items() if adapter}
        return waiting(self.module.functions, self.callers, talking)


def verdicts(
    module: Outline, path: str, config: Config, directives: Directives, *, generated: bool = False, scores: bool = True
) -> dict[Function, Verdict]:
    """Return the verdict on every function of a file, in order of line.

    `generated` is what its text says of it. Without `scores`, what is not critical has none of its reasons, which saves half
    of the time; all else is the same.
    """
    threshold = THRESHOLDS[config.profile] if config.threshold is None else config.threshold
    thresholds = _thresholds(config, threshold)
    outside = why_outside(module, path, config, generated=generated)
    callers = callers_of(module)
    calling = frozenset().union(*callers.values())
    named = called_names(module)
    apart = started_apart(module)
    commands = command_line(module, path)
    talks = {} if outside else {function: _external_call(module, function) for function in module.functions}
    file = _File(
        module,
        path,
        config,
        directives,
        threshold,
        thresholds,
        outside,
        apart,
        named,
        callers,
        calling,
        commands,
        talks,
    )
    return {function: _verdict(file, function, scores=scores) for function in module.functions}


def _thresholds(config: Config, otherwise: float) -> Mapping[Kind, float]:
    if not config.rules:
        return dict.fromkeys(_RULES, otherwise)
    own = {kind: config.option(code, name, THRESHOLD) for kind, (code, name) in _RULES.items()}
    return {kind: otherwise if points is None else points for kind, points in own.items()}


def _verdict(file: _File, function: Function, *, scores: bool) -> Verdict:
    measured = measured_by(file.module, function, file.config)
    required = _required(file, function)
    if file.outside and not required:
        return Verdict(_NEVER, False, measured, Kind.WORKFLOW, (Reason(_NEVER, file.outside),))
    never = "" if required else _never(file, function)
    if never and not scores:
        return Verdict(_NEVER, False, measured, Kind.WORKFLOW, (Reason(_NEVER, never),))
    scored = _scored(file, function, at_a_glance=not (scores or required))
    if never:
        # The other reasons stay, so that what is never critical is in order as well.
        reasons = (Reason(_NEVER, never), *scored.reasons)
        return scored._replace(score=scored.score + _NEVER, measured=measured, reasons=reasons)
    if scored.kind is Kind.ENTRY_POINT and is_timer(measured):
        # Users feel how a request ends at least as much as how long it takes.
        measured = ""
    if not required:
        return scored._replace(critical=scored.score >= file.thresholds[scored.kind], measured=measured)
    missing = Reason(max(file.threshold - scored.score, 0.0), required)
    return scored._replace(
        score=scored.score + missing.points,
        critical=True,
        measured=measured,
        kind=Kind.REQUIRED,
        reasons=(missing, *scored.reasons),
    )


def _required(file: _File, function: Function) -> str:
    if file.directives.critical and not file.directives.critical.isdisjoint(file.directives.lines_about(function)):
        return "a comment names it critical"
    if file.config.is_named_critical(file.path, file.module.module, function.qualname):
        return "the configuration names it critical"
    return ""


def _never(file: _File, function: Function) -> str:
    """Return why a function is never critical, or `""`."""
    name = function.name
    if file.directives.not_critical and not file.directives.not_critical.isdisjoint(
        file.directives.lines_about(function)
    ):
        return "a comment names it not critical"
    names = (file.path, file.module.module, function.qualname)
    if file.config.is_named_not_critical(*names):
        reason = file.config.why_not_critical(*names)
        return f"the configuration names it not critical{f': {reason}' if reason else ''}"
    # What an object does when it is called is an operation like any other.
    if name.startswith("__") and name.endswith("__") and name != "__call__":
        return "it is a dunder"
    for decorator in function.decorators:
        last = decorator.rpartition(".")[2]
        if last in frameworks.NEVER:
            return f"it is decorated with `{last}`"
    if function.is_stub:
        return "it is a stub"
    if computes_on_tensors(file.module, function):
        return "it computes on tensors, where compilers trace it"
    if not function.calls:
        return "it makes no call"
    return ""


def _scored(file: _File, function: Function, *, at_a_glance: bool) -> Verdict:
    """Return the verdict that the outline alone gives, before any threshold; `at_a_glance`, that it reaches none may do."""
    entry = _entry(file.module, function)
    step = resilience_step(function)
    adapter, talk = file.talks.get(function) or _external_call(file.module, function)
    kind = _kind(entry, step, adapter)
    known = talk is not None and talk.points == _KNOWN
    traits = [*_doing(file, function, step, adapter, talk), *shape(function, known=known), *name(function)]
    around = list(place(function, _role(file, function), registered=bool(entry), known=known))
    if entry:
        around.append(Reason(_points_of_entry(entry, function), f"it is {entry}", telling=True))
    elif file.commands is not None:
        around.append(file.commands)
    if at_a_glance and _sum(traits) + _sum(around) + MOST < file.thresholds[kind]:
        return Verdict(_NEVER, False, "", kind, (), adapter, step)
    plain = not (entry or step or adapter)
    traits += dealings(function, file.handing, registered=bool(entry), plain=plain)
    if entry or plain:
        traits += untold(function, traits, waits=function in file.waiting, registered=bool(entry))
    reasons = sorted([*traits, *around], key=lambda reason: -abs(reason.points))
    return Verdict(_sum(reasons), False, "", kind, tuple(reasons), adapter, step)


def _sum(reasons: Iterable[Reason]) -> float:
    return sum(reason.points for reason in reasons)


def _doing(file: _File, function: Function, step: Step | None, adapter: str, talk: Reason | None) -> Iterator[Reason]:
    """Yield what a function's own work says."""
    if step:
        yield Reason(14.0, f"it {step}", telling=True)
    if talk is not None:
        yield talk
    if served := resilience_calls(function):
        shown = " and ".join(f"`{name}`" for name in served[:2])
        yield Reason(4.0 if len(served) == 1 else 6.0, f"it works through {shown}", telling=True)
    if function in file.apart and len(function.calls) >= 4:
        yield Reason(4.0, "it is started as a task of its own", telling=True)
    if caught := outage(function):
        yield Reason(1.0, f"it catches `{caught}`", telling=True)
    if adapter == "subprocess" and _ASKS_WHAT_IS_INSTALLED.match(function.name):
        yield Reason(-4.0, "it only asks what is installed, by its name")


def _role(file: _File, function: Function) -> Role:
    # Nobody waits for what is started apart, so it serves nobody.
    if function not in file.apart:
        if callers := file.callers.get(function):
            return Role.SERVES if len(callers) == 1 else Role.SHARED
        if file.named.get(function.name, set()) - {function}:
            return Role.NAMED
    return Role.LEADS if function in file.calling else Role.ALONE


def _kind(entry: str, step: Step | None, adapter: str) -> Kind:
    if entry:
        return Kind.ENTRY_POINT
    if step:
        return Kind.RESILIENCE_STEP
    return Kind.EXTERNAL_CALL if adapter else Kind.WORKFLOW


def _entry(module: Outline, function: Function) -> str:
    if function.name in frameworks.DISPATCHERS:
        return ""
    bases = () if function.owner is None else function.owner.bases
    for decorator in function.decorators:
        if found := frameworks.registering_decorator(decorator, resolve(module, function.parent, decorator), bases):
            return f"{found} (`@{decorator}`)"
    if function.owner is None:
        return ""
    parameters = tuple([argument.arg for argument in function.node.args.args[1:3]])
    return frameworks.handler_method(function.owner.bases, function.name, parameters)


def _points_of_entry(entry: str, function: Function) -> float:
    if entry.startswith(frameworks.UNATTENDED):
        return 13.0
    if entry.startswith((frameworks.BOT_COMMAND, frameworks.MODEL_TOOL)):
        # Most of a bot's commands read or set an option and say so; most tools hand on what another function does.
        return 2.5
    return 10.0 if function.decorators else 9.0


def _external_call(module: Outline, function: Function) -> tuple[str, Reason | None]:
    """Return the kind of system a function talks to itself, with the first such call in its text as a reason."""
    found: list[tuple[int, str, Call, str | None]] = []
    for call in () if TALKING.isdisjoint(function.called) else function.calls:
        if call.name.rpartition(".")[2] not in TALKING:
            continue
        target = resolve(module, function, call.name)
        if target is not None and _is_own(module, target):
            # What a library calls of itself is its own code.
            target = None
        if target is not None and is_asynchronous(target) and _hands_on(function, call):
            # Whoever awaits the result talks: under a decorator, this one would always succeed in no time.
            continue
        if adapter := adapter_of(target, call.name):
            found.append((call.line, adapter, call, target))
    if not found:
        return "", None
    # A cache in front of something else is not what the function is about: what it falls back to is.
    beyond = [item for item in found if item[1] not in CACHES]
    _, adapter, call, target = min(beyond or found, key=lambda item: item[0])
    verb = "awaits" if call.awaited else "calls"
    # A receiver whose class is known is surer than one that is only named like a session or a cursor.
    if target is not None and (library := library_of(target)):
        return adapter, Reason(
            _KNOWN, f"it {verb} {_of_library(module, function, call, target, library)}", telling=True
        )
    return adapter, Reason(3.0, f"it {verb} `{call.name.replace('()', '')}`", telling=True)


def _of_library(module: Outline, function: Function, call: Call, target: str, library: str) -> str:
    """Return a call of a library as a reader would name it: `httpx.Client.get`, or `cursor.execute` of `sqlite3`."""
    root = call.name.partition(".")[0].removesuffix("()")
    if root in module.names or any(root in scope.imports for scope in function.scopes()):
        return f"`{resolve(module, function, root)}{call.name[len(root) :]}`"
    made_by = target.rpartition(".")[0].rpartition(".")[2]
    if made_by.lstrip("_")[:1].isupper():
        return f"`{target}`"
    # What a function of the library returned: nothing tells its class.
    return f"`{call.name.replace('()', '')}` of `{library}`"


def _hands_on(function: Function, call: Call) -> bool:
    """Whether a plain function returns what a call gives as it is."""
    return not function.is_async and any(
        isinstance(node, ast.Return) and isinstance(node.value, ast.Call) and dotted(node.value.func) == call.name
        for node in walk(function.node)
    )


def _is_own(module: Outline, target: str) -> bool:
    return target.partition(".")[0] == module.module.partition(".")[0]
