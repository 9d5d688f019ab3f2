"""What single expressions of a loop say about trying again."""

from __future__ import annotations

import re
from collections.abc import Iterator

import libcst as cst

from golden_rules.naming import snake
from golden_rules.rules.resilience.retry_words import (
    COUNTING,
    RETRYING,
    WRAPPERS,
    is_attempt,
    is_delay,
    is_pause,
    is_report,
)
from golden_rules.source.body import Body, callee, dotted
from golden_rules.source.names import resolve
from golden_rules.source.outline import Function, Outline

_LIBRARIES = ("tenacity", "stamina", "backoff", "retrying", "golden_runtime", "hyx")

# Errors by which code asks a question rather than fails: there the next round is another question.
_ANSWERS = frozenset(
    {
        "KeyError", "IndexError", "LookupError", "AttributeError", "ImportError", "ModuleNotFoundError", "StopIteration",
        "StopAsyncIteration", "UnicodeDecodeError", "UnicodeError", "ValueError", "TypeError", "Empty", "Full", "QueueEmpty",
        "QueueFull", "InterruptedError", "BlockingIOError", "FileExistsError", "KeyboardInterrupt", "EOFError", "NameError",
        "SyntaxError", "ValidationError", "NoSuchProcess", "ProcessLookupError", "GeneratorExit", "AssertionError",
        "CancelledError", "IncompleteReadError", "WouldBlock",
    }
)  # fmt: skip
# Errors by which others tell that they were first, or that it is not done or not there yet: sooner or later each round succeeds.
_OUTCOMES = re.compile(
    r"(Integrity|Watch|StaleData|Conflict|Precondition|PreconditionFailed|OptimisticLock\w*|Concurren\w+|VersionConflict|AlreadyExists|FileExists)(Error|Exception)?$"
    r"|(?<!File)(?<!Module)(NotFound|DoesNotExist|NotExist|NotYet\w*)(Error|Exception)?$|^NoSuch\w+$"
    r"|(Unique|Duplicate)\w*$|(?<=[a-z])Changed(Error|Exception)?$|Pending(Error|Exception)?$|(InProgress|NotReady|NotFinished)(Error|Exception)?$"
)
_TIME_ALLOWED = re.compile(r"(^|_)(timeout|seconds|secs|max_wait|wait_time|deadline)(_|$)")
_CLOCK = re.compile(r"(^|_)(monotonic|perf_counter|time|now|utcnow|deadline)$")
_ACTS = re.compile(
    r"^(try_?)?(refresh|send|post|put|fetch|load|connect|reconnect|upload|download|submit|publish|push|write|save|sync|update)(_|$)"
)


def counts_tries(outline: Outline, function: Function, iterable: cst.BaseExpression, names: list[str]) -> bool:
    """Whether what a `for` runs through counts tries, or is a list of the pauses between them; `names` are its variables."""
    match iterable:
        case cst.Call():
            name = callee(iterable)
            if name in WRAPPERS and iterable.args:
                return counts_tries(outline, function, iterable.args[0].value, names)
            target = resolve(outline, function, name) or name
            if target.startswith(_LIBRARIES):
                return False
            if target in COUNTING:
                return not measures_a_collection(iterable) or any(map(is_attempt, names))
        case cst.Tuple() | cst.List():
            return bool(iterable.elements) and all(
                isinstance(item.value, cst.Integer | cst.Float) for item in iterable.elements
            )
        case cst.BinaryOperation(operator=cst.Multiply() | cst.Add(), left=left):
            return counts_tries(outline, function, left, names) or any(map(is_attempt, names))
        case _:
            pass
    spelled = snake(dotted(iterable).replace("()", ""))
    return is_delay(spelled) or is_attempt(spelled) or any(is_delay(name) or is_attempt(name) for name in names)


def unwrapped(iterable: cst.BaseExpression) -> cst.BaseExpression:
    """Return what a `for` runs through, without the `enumerate` or `list` around it."""
    while isinstance(iterable, cst.Call) and callee(iterable) in WRAPPERS and iterable.args:
        iterable = iterable.args[0].value
    return iterable


def waits_out(iterable: cst.BaseExpression) -> bool:
    """Whether a `for` counts through the time that something may take: `range(int(timeout * 10))`."""
    return isinstance(iterable, cst.Call) and any(
        isinstance(node, cst.Name) and _TIME_ALLOWED.search(snake(node.value)) for node in reads_of(iterable)
    )


def is_policy(iterable: cst.BaseExpression) -> bool:
    """Whether a `for` is given its tries by something that knows when to stop: `for attempt in self.retrying():`."""
    if not isinstance(iterable, cst.Call):
        return False
    name = callee(iterable)
    return name not in COUNTING and name not in WRAPPERS and bool(RETRYING.search(name))


def only_counts(body: Body, node: cst.CSTNode) -> bool:
    """Whether a read of a counter decides, reports or waits."""
    for outer in body.ancestors(node):
        match outer:
            case cst.Comparison() | cst.Raise() | cst.AugAssign():
                return True
            case cst.Call():
                name = callee(outer)
                if is_pause(name, len(outer.args)) or is_report(name) or RETRYING.search(name):
                    return True
            case cst.Assign():
                return all(
                    is_delay(dotted(target.target)) or is_attempt(dotted(target.target)) for target in outer.targets
                )
            case cst.If() | cst.IfExp() | cst.While():
                return True
            case cst.BaseStatement() | cst.BaseSmallStatement():
                return False
            case _:
                pass
    return False


def tries_in_place(test: cst.BaseExpression) -> bool:
    """Whether a condition is the try itself: `if await self.refresh(worker): return`; `if queue.is_empty():` asks."""
    if isinstance(test, cst.UnaryOperation):
        test = test.expression
    if isinstance(test, cst.Await):
        test = test.expression
    return isinstance(test, cst.Call) and bool(_ACTS.match(snake(callee(test))))


def is_interruption(handler: cst.ExceptHandler | cst.ExceptStarHandler) -> bool:
    """Whether a handler is for a system call that a signal cut short: nothing failed, the call is made once more."""
    return any(
        isinstance(node, cst.Name | cst.Attribute) and dotted(node).endswith("EINTR") for node in _nodes(handler)
    )


def tests_a_result(round_: list[cst.CSTNode]) -> bool:
    """Whether a condition reads what a call in the same round returned, or what was made of that."""
    made: set[str] = set()
    for node in round_:
        match node:
            case cst.Assign(targets=targets, value=value):
                if isinstance(value, cst.Call | cst.Await) or _reads_any(value, made):
                    made.update(dotted(name) for target in targets for name in names_of(target.target))
            case cst.If(test=test):
                if _reads_any(test, made) or tries_in_place(test):
                    return True
            case _:
                pass
    return False


def _reads_any(node: cst.CSTNode, names: set[str]) -> bool:
    return any(dotted(read).partition(".")[0] in names for read in reads_of(node))


def names_of(target: cst.CSTNode) -> Iterator[cst.CSTNode]:
    """Yield the variables that an assignment or a loop binds."""
    if isinstance(target, cst.Tuple | cst.List):
        for element in target.elements:
            yield from names_of(element.value)
    elif isinstance(target, cst.Name | cst.Attribute):
        yield target


def _nodes(node: cst.CSTNode) -> Iterator[cst.CSTNode]:
    stack = [node]
    while stack:
        current = stack.pop()
        yield current
        stack.extend(current.children)


def reads_of(node: cst.CSTNode) -> Iterator[cst.CSTNode]:
    """Yield the variables that an expression reads, with the names in their attributes."""
    stack = [node]
    while stack:
        current = stack.pop()
        if isinstance(current, cst.Name | cst.Attribute):
            yield current
        if not isinstance(current, cst.Name):
            stack.extend(current.children)


def stepped(node: cst.CSTNode) -> Iterator[cst.CSTNode]:
    """Yield what `x = x + 1` steps."""
    if isinstance(node, cst.Assign) and isinstance(node.value, cst.BinaryOperation):
        for target in node.targets:
            if dotted(target.target) and dotted(target.target) == dotted(node.value.left):
                yield target.target


def measures_a_collection(call: cst.Call) -> bool:
    """Whether a call counts up to the length of something: `range(len(orders))`."""
    return any(
        isinstance(node, cst.Name) and node.value == "len" for argument in call.args for node in reads_of(argument)
    )


def ends_with_the_time(loop: cst.For | cst.While) -> bool:
    """Whether a loop goes on until it is late: `while time.monotonic() < deadline`."""
    return isinstance(loop, cst.While) and any(_CLOCK.search(snake(dotted(read))) for read in reads_of(loop.test))


def sleeps_first(loop: cst.For | cst.While) -> bool:
    """Whether each round begins with the same pause, the first one too: something else is on its way."""
    match loop.body.body[:1]:
        case [cst.SimpleStatementLine(body=[cst.Expr(value=cst.Call() | cst.Await() as value)])]:
            call = value.expression if isinstance(value, cst.Await) else value
            if not isinstance(call, cst.Call) or not snake(callee(call)).startswith("sleep"):
                return False
            bound = {dotted(name) for name in names_of(loop.target)} if isinstance(loop, cst.For) else set()
            return not any(dotted(read) in bound for argument in call.args for read in reads_of(argument))
        case _:
            return False


def yields_nothing(tried: list[cst.CSTNode]) -> bool:
    """Whether what is tried leaves nothing behind but that it worked."""
    returned = [node.value for node in tried if isinstance(node, cst.Return)]
    if not returned:
        return not any(isinstance(node, cst.Assign) for node in tried)
    return all(value is None or (isinstance(value, cst.Name) and value.value in ("True", "None")) for value in returned)


def tests_for_none(test: cst.BaseExpression) -> bool:
    """Whether a loop goes on until there is something."""
    return any(isinstance(node, cst.Name) and node.value == "None" for node in reads_of(test))


def is_answer(caught: str) -> bool:
    """Whether all that is caught, as written, says how things stand rather than that something failed."""
    names = _last_names(caught)
    return bool(names) and all(name in _ANSWERS or name.endswith(("Timeout", "TimeoutError")) for name in names)


def is_outcome(caught: str) -> bool:
    """Whether all that is caught, as written, says that others were first, or that something is under way."""
    names = _last_names(caught)
    return any(map(_OUTCOMES.search, names)) and all(name in _ANSWERS or _OUTCOMES.search(name) for name in names)


def _last_names(caught: str) -> list[str]:
    names = (part.strip(" ()").rpartition(".")[2] for part in caught.strip("()").split(","))
    # `_watch_error()`, which imports it late, is a `WatchError`.
    return [name if name[:1].isupper() else name.title().replace("_", "") for name in names if name]
