"""Whom a function deals with: what it only hands its call on to, the parts of a system it asks, the terminal.

A function that hands its call on has no failures or slowness of its own: the series belongs to what it calls. Neither has a
generated client whose methods are all alike. Points are chosen so that readers agree with what is flagged, and so that
the ranking of what maintainers measure does not suffer.
"""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import NamedTuple

from golden_rules.source.outline import Call, Class, Function, Outline
from golden_rules.source.trees import dotted
from golden_rules.traits import LOG_METHODS, Reason, is_of_values, is_private

# What stands for another part of the system, by the last word of its name (`self.http_client`, `user_store`).
_PARTNER = re.compile(
    r"(^|_)(client|api|session|conn|connection|http|rpc|transport|socket|websocket|ws|channel|proxy|stub|store|datastore|db|dbapi"
    r"|database|dao|repo|repository|storage|redis|cache|broker|queue|pool|engine)s?$|^objects$"
    r"|[a-zA-Z](Client|Session|Connection|Transport|Socket|Channel|Proxy|Stub|Store|Database|Repository|Storage|Cache|Broker|Queue"
    r"|Pool|Engine)s?$"
)
# What a web framework keeps of whoever is signed in is at hand.
_SIGNED_IN = re.compile(r"(^|\.)(request|req|flask)[._]session$")
# What only lists, mappings and texts can do, whatever they are named after: `free_channels.append`, `sessions.items`.
_OF_VALUES = frozenset(
    {
        "append",
        "extend",
        "sort",
        "setdefault",
        "items",
        "values",
        "startswith",
        "endswith",
        "split",
        "strip",
        "lower",
        "upper",
    }
)
_TERMINAL = re.compile(
    r"^(?:self\._*)?(?:a?print|a?input|pprint|getpass\.getpass|(?:click|typer|\w*console|ui|rich)\.\w+)$|^webbrowser\."
)
_TERMINAL_METHODS = frozenset(
    {"print", "input", "pprint", "getpass", "echo", "secho", "prompt", "confirm", "line", "out"}
)
# What a handler answers with where it needs nobody's help.
_PAGE = re.compile(
    r"^(render\w*|\w*_template|\w*_html|TemplateResponse|send_file|send_from_directory|FileResponse|redirect\w*|\w*Redirect\w*)$"
)
# What reads the request, words the answer or looks at a path: no work that could fail by itself.
_AT_HAND = re.compile(
    r"^(jsonify|json|json_response|make_response|set_header|set_status|set_cookie|write|finish|flash|url_for|abort|dumps|loads|form|body"
    r"|get_csrf_token|version|_|gettext|resolve|expanduser|join|exists|is_file)$"
)
# How many other calls a handler may make that answers with a page.
_FEW = 2
_FILE_CALLS = frozenset(
    {"open", "os.makedirs", "os.remove", "os.unlink", "os.path.exists", "shutil.rmtree", "shutil.copy", "shutil.move"}
)
_FILE_METHODS = frozenset({"read_text", "write_text", "read_bytes", "write_bytes", "mkdir", "unlink"})
_CASTS = frozenset({"cast", "typing.cast", "t.cast"})
_STAND_IN = re.compile(r"^_*(Async)?(InMemory|Mock|Fake|Dummy|Null|NoOp|Noop|Stub|Demo|Sample)")
_PURE = re.compile(
    r"(Formatter|Parser|Builder|Serializer|Encoder|Decoder|Validator|Schema|Config|Settings|Options|Field|Visitor|Renderer"
    r"|Converter|Template|Exception|Error)s?$"
)
# How many statements what only hands a call on may have: a check or a preparation before it is no work.
_HANDING = 3
# From how many public methods on a class is judged as a whole.
_MANY = 4
# The points of a function that deals with another part of the system; and where a call says already which system that is.
_ASKS, _ASKS_AS_TOLD = 2.5, 1.0
_LOGS = 1.0
MOST = _ASKS + _LOGS
"""The most that a function's partners can speak for it."""


class Mark(NamedTuple):
    """What a call is to.

    Attributes:
        partner: Another part of the system.
        log: A log.
        terminal: A terminal.
        page: A page, a file or another address that a handler answers with.
        file: Local files.
    """

    partner: bool
    log: bool
    terminal: bool
    page: bool
    file: bool


_UNMARKED = Mark(partner=False, log=False, terminal=False, page=False, file=False)


def dealings(function: Function, handing: frozenset[Class], *, registered: bool, plain: bool) -> Iterator[Reason]:
    """Yield what the partners of a function say.

    Args:
        function: The function.
        handing: The classes of the file that are made of functions that hand their calls on.
        registered: Whether a framework calls it.
        plain: Whether it is neither that, nor a resilience step, nor talks to another system itself.
    """
    marked = [(call, mark) for call in function.calls if (mark := mark_of(call.name)) is not _UNMARKED]
    if asked := [call for call, mark in marked if mark.partner]:
        # Where a call says which system it is, the name of the receiver tells nothing more.
        told = not (registered or plain)
        yield Reason(_ASKS_AS_TOLD if told else _ASKS, f"it asks `{_first_receiver(asked)}`", telling=not told)
    if any(mark.log for _, mark in marked):
        yield Reason(_LOGS, "it logs")
    if any(mark.terminal for _, mark in marked):
        yield Reason(-5.0, "it talks to a terminal")
    elif registered:
        yield from _answering(function, page=any(mark.page for _, mark in marked))
    if plain:
        if any(mark.file for _, mark in marked):
            yield Reason(-3.0, "it works on local files")
        yield from _handing(function)
    if not registered:
        if function.owner in handing and handed_to(function):
            yield Reason(-2.0, "most of its class only hands calls on")
        if function.name.startswith(("on_", "_on_")):
            yield Reason(-1.5, "it is a callback, by its name")
    if function.owner is not None:
        yield from _of_class(function, function.owner, plain=plain)


def _answering(function: Function, *, page: bool) -> Iterator[Reason]:
    others = sum(not _is_at_hand(call.name) for call in function.calls)
    if not others:
        yield Reason(-6.0, "it answers with what is at hand")
    elif page and others <= _FEW:
        yield Reason(-4.0, "it only answers with a page or a file")


def _is_at_hand(call: str) -> bool:
    receiver, _, method = call.rpartition(".")
    # What starts with a capital letter makes an object: an answer, or an error to raise.
    return method[:1].isupper() or bool(_AT_HAND.match(method) or _PAGE.match(method)) or is_of_values(receiver, method)


def _of_class(function: Function, owner: Class, *, plain: bool) -> Iterator[Reason]:
    if any(name.endswith("Middleware") for name in (owner.name, *owner.bases)):
        yield Reason(-3.0, "every request passes through it on its way to what answers it")
    if _STAND_IN.match(owner.name):
        yield Reason(-3.0, "its class only stands in for another")
    elif plain and not function.awaits and _PURE.search(owner.name):
        yield Reason(-1.5, "its class only keeps or shapes values, by its name")


def _handing(function: Function) -> Iterator[Reason]:
    target = _ends_with(function)
    points = 0.0
    if target.startswith("self._") and target.count(".") == 1:
        points -= 1.5
    if target.startswith(("self.", "cls.", "super().")) and handed_to(function):
        points -= 3.0 if function.parameters >= _MANY else 2.0
    if points:
        yield Reason(points, f"it hands the call on to `{target}`")


def handed_to(function: Function) -> str:
    """Return what a function hands its call on to, as written; `""` where it does more than that."""
    first = function.node.body[0]
    documented = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
    if function.statements - documented > _HANDING or function.withs or function.handlers or function.loops:
        return ""
    return _ends_with(function)


def _ends_with(function: Function) -> str:
    """Return the call that a function ends with, as written."""
    match function.node.body[-1]:
        case ast.Return(value=ast.expr() as value) | ast.Expr(value=value):
            return _called(value)
        case _:
            return ""


def _called(node: ast.expr) -> str:
    while True:
        match node:
            case ast.Await(value=inner):
                node = inner
            case ast.Call(func=called, args=[_, inner]) if dotted(called) in _CASTS:
                node = inner
            case ast.Call(func=called):
                return dotted(called)
            case _:
                return ""


def handing_classes(module: Outline) -> frozenset[Class]:
    """Return the classes most of whose public methods only hand their calls on: facades and generated clients."""
    methods: dict[Class, list[Function]] = defaultdict(list)
    for function in module.functions:
        if function.owner is not None and not is_private(function) and not function.name.startswith("__"):
            methods[function.owner].append(function)
    return frozenset(
        owner
        for owner, public in methods.items()
        if len(public) >= _MANY and 5 * sum(bool(handed_to(method)) for method in public) >= 3 * len(public)
    )


def _first_receiver(calls: Iterable[Call]) -> str:
    return min(calls, key=lambda call: call.line).name.rpartition(".")[0]


@lru_cache(maxsize=16384)
def mark_of(call: str) -> Mark:
    """Return what a call is to, by its name as written."""
    receiver, _, method = call.rpartition(".")
    mark = Mark(
        partner=bool(receiver)
        and method not in _OF_VALUES
        and not _SIGNED_IN.search(receiver)
        and any(map(_PARTNER.search, receiver.replace("()", "").split("."))),
        log=method in LOG_METHODS and "log" in receiver.lower(),
        terminal=method in _TERMINAL_METHODS and _TERMINAL.match(call) is not None,
        page=_PAGE.match(method) is not None,
        file=call in _FILE_CALLS or method in _FILE_METHODS,
    )
    return mark if any(mark) else _UNMARKED
