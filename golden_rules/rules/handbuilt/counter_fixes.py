"""The fixes of hand-counting: a decorator in place of a counter that counts the calls, or the errors, of one function.

The series keeps its name, its labels and what it counts; its help text goes with the metric object.
"""

from __future__ import annotations

import ast
import copy
import re
from typing import TYPE_CHECKING

from golden_rules.findings import Edit, Fix, Safety
from golden_rules.naming import snake
from golden_rules.rules.effects import only_logs, only_names
from golden_rules.rules.handbuilt.metric_objects import Feed, feed
from golden_rules.rules.placement import can_be_decorated, insertion_point, measuring_place
from golden_rules.source.dedent import dedent_edits
from golden_rules.source.deletion import stands_alone, without_lines
from golden_rules.source.references import reference
from golden_rules.source.trees import dotted, walk

if TYPE_CHECKING:
    from collections.abc import Mapping

    from golden_rules.rules.base import Subject
    from golden_rules.rules.handbuilt.increments import Increment
    from golden_rules.rules.handbuilt.metric_objects import Feed

_ERROR_TYPE = "error_type"
_CLOCKS = frozenset({"time", "monotonic", "perf_counter"})
# What a function may have changed by the time that it fails.
_STATE = re.compile(r"(^|_)(stat(e|us)|phase|step|stage|current|last|attempts?|tries|count|result|error)(_|$)")
_SHARES_A_LINE = "its lines hold something else, too"
_OTHER_LABELS = "its labels are more than texts and what the function is given"


def counted_fix(subject: Subject, events: tuple[Increment, ...]) -> Fix | str:
    """Return the fix for a counter that the first statement of a function feeds, or in words why there is none.

    No other place counts every call.
    """
    node = events[0].node
    found = _only_feed(subject, events)
    if isinstance(found, str):
        return found
    if events[0].branch or events[0].handlers:
        return "it counts on some ways through the function only"
    body = _body(subject)
    at = next((at for at, item in enumerate(body) if isinstance(item, ast.Expr) and item.value is node), None)
    first = next((item for item in body[:at] if not _cannot_end(item)), None)
    if at is None or first is not None:
        return f"line {(first or body[0]).lineno} may end the function before it counts"
    statement = body[at]
    if not stands_alone(subject.source, statement):
        return _SHARES_A_LINE
    labels = _labels(subject, found.labels)
    if labels is None:
        return _OTHER_LABELS
    removed = without_lines(subject.source, statement, is_first=statement is subject.function.node.body[0])
    return _decorated(subject, "counted", found, labels, [removed])


def errors_fix(subject: Subject, errors: tuple[Increment, ...]) -> Fix | str:
    """Return the fix for a counter of all that leaves a function, by its type, or in words why there is none.

    It must be fed by the only handler of a `try` that is the whole body, catches `Exception` and raises it again.
    """
    node = errors[0].node
    found = _only_feed(subject, errors)
    if isinstance(found, str):
        return found
    last = errors[0].handlers[0].body[-1]
    if not isinstance(last, ast.Raise) or last.exc:
        return "the clause does not raise again what it caught, and the decorator counts what leaves the function"
    match _body(subject):
        case [ast.Try(body=tried, handlers=[handler], orelse=[], finalbody=[]) as whole]:
            pass
        case _:
            return (
                "the `try` with its one clause is not all that the function does, and the decorator counts every error"
            )
    if dotted(handler.type) != "Exception":
        return "the clause catches something else than `Exception`, which is what the decorator counts"
    statement = next((item for item in handler.body if isinstance(item, ast.Expr) and item.value is node), None)
    if statement is None or _leaves_early(handler):
        return "it counts on some ways through the clause only"
    if not _is_its_type(found.labels.pop(_ERROR_TYPE, None), handler.name):
        return "its series has no label `error_type` with the type of the error"
    changes = any(_changes(subject, value) for value in found.labels.values())
    labels = None if changes else _labels(subject, found.labels)
    if labels is None:
        return _OTHER_LABELS
    if not stands_alone(subject.source, statement):
        return _SHARES_A_LINE
    if not all(item is statement or item is last or _cannot_end(item) for item in handler.body):
        return "the clause does more than count and log, and may fail itself"
    rest = [item for item in handler.body if item is not statement]
    if len(rest) == 1:
        edits = _unwrapped(subject, whole, tried)
    else:
        edits = [without_lines(subject.source, statement, is_first=statement is handler.body[0])]
    return _SHARES_A_LINE if edits is None else _decorated(subject, "track_errors", found, labels, edits)


def _only_feed(subject: Subject, increments: tuple[Increment, ...]) -> Feed | str:
    """Return the one series that a function feeds and a decorator could, or in words why there is none."""
    number = next((item.shown for item in increments if not item.metric), "")
    if number:
        return f"`{number}` is a number without a series, and nobody knows who reads it"
    if len(increments) > 1:
        return "it feeds more than one counter"
    if subject.function.yields:
        return "the function is a generator"
    node = increments[0].node
    return feed(subject, node) if isinstance(node, ast.Call) else "it feeds no metric"


def _cannot_end(statement: ast.stmt) -> bool:
    """Whether a statement leads to the next one, whatever happens: it sets a variable, reads the clock, or writes to the log."""
    match statement:
        case ast.Assign(targets=[ast.Name()], value=ast.Call(func=func, args=[], keywords=[])):
            return dotted(func).rpartition(".")[2] in _CLOCKS
        case ast.Expr(value=ast.Call() as call):
            return only_logs(call)
        case _:
            return only_names(statement)


def _body(subject: Subject) -> list[ast.stmt]:
    node = subject.function.node
    return node.body[1:] if ast.get_docstring(node, clean=False) is not None else node.body


def _leaves_early(handler: ast.ExceptHandler) -> bool:
    nodes = [node for statement in handler.body[:-1] for node in walk(statement)]
    return any(isinstance(node, ast.Return | ast.Raise | ast.Break | ast.Continue) for node in nodes)


def _is_its_type(value: ast.expr | None, name: str | None) -> bool:
    return (
        value is not None
        and name is not None
        and ast.unparse(value) in (f"type({name}).__name__", f"{name}.__class__.__name__")
    )


def _unwrapped(subject: Subject, whole: ast.Try, tried: list[ast.stmt]) -> list[Edit] | None:
    """Return the edits that leave what a `try` tries, without the `try` and its handler."""
    source = subject.source
    line = source.line(whole.lineno)
    inner = dedent_edits(source, whole.lineno, tried, line[: len(line) - len(line.lstrip())])
    above = Edit(source.line_start(whole.lineno), source.line_start(whole.lineno + 1), "")
    end = source.line_start((whole.end_lineno or 0) + 1)
    below = Edit(source.line_start((tried[-1].end_lineno or 0) + 1), end, "")
    if inner is None or any("#" in source.text[edit.start : edit.end] for edit in (above, below)):
        return None
    return [above, *inner, below]


def _labels(subject: Subject, labels: Mapping[str, ast.expr]) -> str | None:
    """Return the decorator's argument for labels, with what leads up to it; `None` where a label is more than a parameter's.

    What is no text for certain is made one: the runtime writes `None`, `True` and the members of an enum in ways of its own.
    """
    if not labels:
        return ""
    arguments = subject.function.node.args
    every = (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)
    # `shop: str = None` is often meant to be either.
    sure = not arguments.defaults and not any(arguments.kw_defaults)
    texts = {argument.arg for argument in every if sure and dotted(argument.annotation) == "str"}
    parameters = _parameters(arguments)
    stored = {
        node.id
        for node in walk(subject.function.node)
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load)
    }
    items = []
    for name, value in labels.items():
        written = subject.source.code(value)
        root = dotted(value).partition(".")[0]
        if isinstance(value, ast.Constant) and isinstance(value.value, str):
            items.append(f'"{name}": {written}')
        elif parameters and root in {argument.arg for argument in every} - stored and "(" not in dotted(value):
            if dotted(value) not in texts and "str" in subject.outline.bound:
                return None
            text = written if dotted(value) in texts else f"str({written})"
            items.append(f'"{name}": lambda {parameters}: {text}')
        else:
            return None
    return f", {{{', '.join(items)}}}"


def _changes(subject: Subject, value: ast.expr) -> bool:
    """Whether a label may say something else when the function fails than when it was called."""
    if not isinstance(value, ast.Attribute):
        return False
    stored = (node for node in walk(subject.function.node) if isinstance(node, ast.Attribute))
    set_within = {node.attr for node in stored if not isinstance(node.ctx, ast.Load)}
    return value.attr in set_within or bool(_STATE.search(snake(value.attr)))


def _parameters(arguments: ast.arguments) -> str:
    """Return the parameters of a function as a `lambda` takes them, `""` where a default is more than a constant."""
    defaults = [*arguments.defaults, *(default for default in arguments.kw_defaults if default is not None)]
    if not all(isinstance(default, ast.Constant) for default in defaults):
        return ""
    bare = copy.deepcopy(arguments)
    for argument in (*bare.posonlyargs, *bare.args, *bare.kwonlyargs, bare.vararg, bare.kwarg):
        if argument is not None:
            argument.annotation = None
    return ast.unparse(bare)


def _decorated(subject: Subject, name: str, found: Feed, labels: str, edits: list[Edit]) -> Fix | str:
    function = subject.function
    written = reference(subject.outline, function, subject.config.runtime_module, name)
    if written is None:
        return f"`{name}` cannot be imported in this file"
    if not can_be_decorated(subject.outline, function):
        return "no decorator of the runtime may stand there"
    decorator = f'@{written[0]}("{found.series}"{labels})'
    # Below all others, as the statement was: under a decorator that tries again, each attempt counts.
    place = len(function.decorators)
    if subject.config.decorator_order and measuring_place(subject) != place:
        return "`decorator-order` wants the decorator where it would count something else"
    at, indent = insertion_point(subject, place)
    inserted = Edit(at, at, f"{indent}{decorator}{subject.source.newline}")
    imports = () if written[1] is None else (written[1],)
    description = f"decorate with `{decorator}` in place of the counter"
    return Fix(Safety.UNSAFE, description, (inserted, *edits, found.removal), imports, removes=(found.name,))
