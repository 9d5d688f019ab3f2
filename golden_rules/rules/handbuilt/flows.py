"""Where a measured value goes within its function: into logs and records, or into decisions."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from golden_rules.rules.handbuilt.clocks import (
    is_duration,
    is_limit,
    is_measured,
    is_moment_of_start,
    is_rate,
    is_weight,
)
from golden_rules.rules.handbuilt.ends import Sink, Use
from golden_rules.rules.handbuilt.reporting import reports, reports_only, returns_nothing
from golden_rules.rules.handbuilt.vocabulary import (
    draws,
    feeds_series,
    hands_over,
    is_log,
    is_metric,
    is_progress_display,
    is_pure,
    is_report,
    is_shown,
    is_waiting,
    keeps_durations,
    puts,
    tells_progress,
)
from golden_rules.source.own_code import OwnCode, names_in
from golden_rules.source.trees import arguments, callee, dotted, is_number, is_text


@dataclass(frozen=True, slots=True)
class _Step:
    """A node on the value's way.

    Attributes:
        name: The variable that the value was last known by.
        decision: Whether the value has become the outcome of a comparison.
    """

    node: ast.AST
    name: str = ""
    decision: bool = False


_Outcome = Sink | list[_Step] | None
_PASSED = Sink(Use.PASSED, "other code")


def sinks(code: OwnCode, value: ast.expr) -> list[Sink]:
    """Follow a value through expressions and variables, and return all places where it ends."""
    found: list[Sink] = []
    waiting = [_Step(value)]
    seen: set[tuple[ast.AST, bool]] = set()
    while waiting:
        step = waiting.pop(0)
        if (step.node, step.decision) in seen:
            continue
        seen.add((step.node, step.decision))
        outcome = _next(code, step)
        if isinstance(outcome, Sink):
            found.append(outcome)
        elif outcome:
            waiting.extend(outcome)
    return found


def _next(code: OwnCode, step: _Step) -> _Outcome:
    node, parent = step.node, code.parent(step.node)
    match parent:
        case ast.BinOp():
            return _arithmetic(parent, step)
        case ast.Compare():
            return _comparison(parent, step)
        case ast.Attribute() | ast.Await() | ast.UnaryOp() | ast.BoolOp():
            return [_Step(parent, step.name, step.decision)]
        case ast.JoinedStr() | ast.FormattedValue() | ast.Starred():
            return [_Step(parent, step.name, step.decision)]
        case ast.IfExp():
            if node is parent.test and not step.decision:
                return None
            return [_Step(parent, step.name)]
        case ast.Call() if node is parent.func:
            return [_Step(parent, step.name, step.decision)]
        case ast.Call():
            return _argument(code, parent, "", step)
        case ast.keyword():
            return _keyword(code, parent, step)
        case ast.Dict():
            return _dict_element(parent, step)
        case ast.Tuple() | ast.List() | ast.Set():
            return _element(code, parent, step)
        case ast.Assign():
            return _assigned(code, parent.targets, step)
        case ast.AnnAssign():
            return _assigned(code, [parent.target], step) if node is parent.value else None
        case ast.NamedExpr():
            return [*_loads(code, dotted(parent.target), step), _Step(parent, step.name, step.decision)]
        case ast.AugAssign():
            return _accumulated(code, parent, step)
        case ast.Return():
            return Sink(Use.DECIDES if step.decision else Use.RETURNED, "the returned value")
        case ast.If() if node is parent.test:
            return _guard(code, parent, step)
        case ast.While() | ast.Assert():
            return Sink(Use.DECIDES, "a condition")
        case ast.Expr() | ast.Raise():
            return None
        case _:
            return Sink(Use.DECIDES if step.decision else Use.PASSED, "other code")


def _arithmetic(operation: ast.BinOp, step: _Step) -> _Outcome:
    other = operation.right if step.node is operation.left else operation.left
    if _is_formatting(operation):
        return [_Step(operation, step.name)]
    if isinstance(operation.op, ast.Div | ast.FloorDiv | ast.Mod):
        return [_Step(operation, step.name)]
    multiplies = isinstance(operation.op, ast.Mult)
    if any(map(is_rate if multiplies else is_limit, names_in(other))):
        return Sink(Use.DECIDES, "a limit")
    if multiplies and not _is_factor(other):
        return Sink(Use.DECIDES, "an amount")
    subtracted_from = isinstance(operation.op, ast.Sub) and step.node is operation.right
    if subtracted_from and not is_duration(dotted(other)):
        return Sink(Use.DECIDES, "what is left of a time")
    return [_Step(operation, step.name)]


def _is_factor(node: ast.expr) -> bool:
    """Whether a product with this is the same time in another unit, or a share of it for an average; power times time is neither."""
    match node:
        case ast.Constant():
            return is_number(node)
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name.isupper() or is_weight(name)
        case ast.BinOp(left=left, right=right):
            return _is_factor(left) and _is_factor(right)
        case _:
            return False


def _comparison(comparison: ast.Compare, step: _Step) -> _Outcome:
    if any(map(_is_nothing, (comparison.left, *comparison.comparators))):
        return None
    return [_Step(comparison, step.name, decision=True)]


def _is_nothing(node: ast.expr) -> bool:
    """Whether a comparison with this only asks if there is a value, mostly before a division."""
    match node:
        case ast.Constant(value=None):
            return True
        case ast.Constant(value=value):
            return is_number(node) and value == 0
        case _:
            return False


def _guard(code: OwnCode, statement: ast.If, step: _Step) -> _Outcome:
    """Take a branch that only decides whether to report for part of the report."""
    if not step.decision or reports_only(statement) or _returns_unreported(code, statement):
        return None
    return Sink(Use.DECIDES, "a condition")


def _returns_unreported(code: OwnCode, statement: ast.If) -> bool:
    """Whether an `if` leaves the function, and all that comes after it reports: `if took < 1: return`."""
    if statement.orelse or code.parent(statement) is not code.function or not returns_nothing(statement.body):
        return False
    block = code.function.body
    following = block[block.index(statement) + 1 :]
    return bool(following) and all(map(reports, following))


def _keyword(code: OwnCode, argument: ast.keyword, step: _Step) -> _Outcome:
    call = code.parent(argument)
    return _argument(code, call, argument.arg or "", step) if isinstance(call, ast.Call) else _PASSED


def _argument(code: OwnCode, call: ast.Call, keyword: str, step: _Step) -> _Outcome:
    name = callee(call)
    if _is_told(code, call) and not is_metric(name):
        return [_Step(call, step.name, step.decision)]
    # `LogContext(...)` makes a record, whatever becomes of it.
    is_record = _is_class_name(name.rpartition(".")[2])
    if is_log(name) and not is_record:
        return Sink(Use.SHOWN if is_shown(name) else Use.LOGGED, f"the log call `{name}`")
    if tells_progress(name):
        return Sink(Use.SHOWN, f"`{name}`")
    if is_waiting(name) or is_limit(keyword):
        return Sink(Use.DECIDES, f"`{name}`")
    if is_metric(name):
        return _recorded(name)
    if is_pure(name):
        return [_Step(call, step.name, step.decision)]
    if any(isinstance(ancestor, ast.Raise) for ancestor in code.holders(call)):
        return None
    if step.decision:
        return Sink(Use.PASSED, f"`{name}`")
    if not keyword and (entry := _entry(call)) and puts(name):
        return Sink(Use.KEPT, f'the entry `"{entry}"`')
    # A text is for somebody who reads it: `on_status(f"done in {took:.1f} s")`.
    kept = Use.SHOWN if _is_message(step.node) else Use.KEPT
    if is_duration(keyword) or (keyword and is_record and is_duration(name)):
        return Sink(kept, f"`{keyword}=` of `{name}`" if name else f"`{keyword}=`")
    if is_report(name) and is_shown(name):
        return Sink(Use.SHOWN, f"`{name}`")
    if is_report(name) and _is_message(step.node):
        return Sink(Use.SHOWN, f"`{name}`")
    if (is_report(name) and not is_record) or (not keyword and any(map(keeps_durations, (name, _method(call))))):
        return _recorded(name)
    if not keyword and is_duration(step.name) and (hands_over(name) or _goes_with_result(call, step.name)):
        return Sink(kept, f"`{name}`")
    return Sink(Use.PASSED, f"`{name}`")


def _is_class_name(name: str) -> bool:
    """Whether a name is written as those of classes are: `LogContext`, and neither `LOG` nor `log_context`."""
    return name[:1].isupper() and not name.isupper()


def _goes_with_result(call: ast.Call, duration: str) -> bool:
    """Whether a measured value is handed on beside others, as what came of the work is: `self._parse(raw, latency_ms)`."""
    return is_measured(duration) and arguments(call) > 1 and not draws(callee(call))


def _is_told(code: OwnCode, call: ast.Call) -> bool:
    """Whether what a call returns is part of what is logged or printed: `print(summary(took))`."""
    return any(isinstance(around, ast.Call) and is_log(callee(around)) for around in code.holders(call))


def _is_message(value: ast.AST) -> bool:
    return _is_formatting(value) if isinstance(value, ast.BinOp) else isinstance(value, ast.JoinedStr)


def _is_formatting(operation: ast.BinOp) -> bool:
    """Whether an operation is `"took %s" % took`."""
    left = operation.left
    return isinstance(operation.op, ast.Mod) and (is_text(left) or isinstance(left, ast.JoinedStr))


def _recorded(name: str) -> Sink:
    return Sink(Use.RECORDED, f"`{name}`", name if feeds_series(name) else "")


def _method(call: ast.Call) -> str:
    """Return the last two names of what a call calls: `latency.append` for `nodes[url].latency.append(...)`."""
    if not isinstance(call.func, ast.Attribute) or not isinstance(call.func.value, ast.Attribute):
        return ""
    return f"{call.func.value.attr}.{call.func.attr}"


def _entry(call: ast.Call) -> str:
    """Return the key that a call's first argument names, where it names a duration: `headers.add("Server-Timing", took)`."""
    match call.args:
        case [ast.Constant(value=str(key)), *_] if is_duration(key.replace("-", "_")):
            return key
        case _:
            return ""


def key_of(holder: ast.Dict, value: ast.AST) -> ast.expr | None:
    """Return the key of a value of a dictionary's; `None` for what is a key itself, or is merged into it."""
    return next((key for key, held in zip(holder.keys, holder.values, strict=True) if held is value), None)


def _dict_element(holder: ast.Dict, step: _Step) -> _Outcome:
    key = key_of(holder, step.node)
    if key is None or step.decision:
        return Sink(Use.PASSED, "a dictionary")
    word = str(key.value) if isinstance(key, ast.Constant) and isinstance(key.value, str) else dotted(key)
    if is_limit(word):
        return Sink(Use.DECIDES, f'`"{word}"`')
    if is_duration(word.replace("-", "_")):
        return Sink(Use.KEPT, f'the entry `"{word}"`')
    return [_Step(holder, step.name)]


def _element(code: OwnCode, container: ast.Tuple | ast.List | ast.Set, step: _Step) -> _Outcome:
    holder = code.parent(container)
    if isinstance(holder, ast.Return) and is_duration(step.name) and not step.decision:
        return Sink(Use.KEPT, f"the returned `{step.name}`")
    if isinstance(holder, ast.Assign) and isinstance(container, ast.Tuple | ast.List):
        index = next(index for index, item in enumerate(container.elts) if item is step.node)
        targets = [_unpacked(target, index, len(container.elts)) for target in holder.targets]
        return _assigned(code, targets, step)
    return [_Step(container, step.name, step.decision)]


def _unpacked(target: ast.expr, index: int, length: int) -> ast.expr:
    """Return the target at `index` of `a, b = x, y`; the whole where the two sides do not match."""
    if isinstance(target, ast.Tuple | ast.List) and len(target.elts) == length:
        return target.elts[index]
    return target


def _assigned(code: OwnCode, targets: Sequence[ast.expr], step: _Step) -> _Outcome:
    steps: list[_Step] = []
    for target in targets:
        if isinstance(target, ast.Tuple | ast.List):
            # `minutes, seconds = divmod(elapsed, 60)`
            parts = [part for part in target.elts if isinstance(part, ast.Name)]
            steps.extend(found for part in parts for found in _loads(code, part.id, step))
        elif isinstance(target, ast.Name):
            # A variable of the module, or of a function around.
            if not step.decision and is_duration(target.id) and target.id in code.declared:
                return Sink(Use.KEPT, f"`{target.id}`")
            steps.extend(_loads(code, target.id, step))
        elif step.decision:
            return Sink(Use.PASSED, "a stored flag")
        else:
            return _stored(target)
    return steps


def _stored(target: ast.expr) -> Sink:
    """Say what storing a value in an attribute or an entry makes of it."""
    words = list(_target_words(target))
    if any(is_limit(word) for word in words):
        return Sink(Use.DECIDES, "a limit")
    if any(map(is_progress_display, _holders_of(target))):
        return Sink(Use.SHOWN, f"`{dotted(target) or words[0]}`")
    if word := next((word for word in words if is_duration(word)), ""):
        return Sink(Use.KEPT, f"`{dotted(target) or word}`")
    return _PASSED


def _holders_of(target: ast.expr) -> Iterator[str]:
    """Yield the names of what holds a target: `self` and `self.progress` for `self.progress.elapsed`."""
    while isinstance(target, ast.Attribute | ast.Subscript):
        target = target.value
        yield dotted(target)


def _target_words(target: ast.expr) -> Iterator[str]:
    """Yield the names that say what an attribute or an entry holds: `elapsed` in `stats["elapsed"]`, `timings` in `timings[x]`."""
    if isinstance(target, ast.Subscript):
        keys = target.slice.elts if isinstance(target.slice, ast.Tuple) else [target.slice]
        for key in keys:
            match key:
                case ast.Constant(value=str(word)):
                    yield word.replace("-", "_")
                case _:
                    yield dotted(key)
        yield dotted(target.value)
    else:
        yield dotted(target)


def _accumulated(code: OwnCode, statement: ast.AugAssign, step: _Step) -> _Outcome:
    if isinstance(statement.op, ast.Sub) or step.decision:
        return Sink(Use.DECIDES, "what is left of a time")
    if is_moment_of_start(dotted(statement.target)):
        return Sink(Use.DECIDES, "a start that is moved")
    return _assigned(code, [statement.target], step)


def _loads(code: OwnCode, name: str, step: _Step) -> list[_Step]:
    return [_Step(load, name, step.decision) for load in code.loads[name] if not _is_updated(code, load)]


def _is_updated(code: OwnCode, load: ast.AST) -> bool:
    """Whether a read is only that of `total += ...`."""
    parent = code.parent(load)
    return isinstance(parent, ast.AugAssign) and load is parent.target
