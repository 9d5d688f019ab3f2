"""What single expressions of a loop say about trying again."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

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
from golden_rules.source.names import resolve
from golden_rules.source.outline import Function, Outline
from golden_rules.source.own_code import OwnCode, names_in
from golden_rules.source.trees import AnyLoop, arguments, callee, dotted, is_number, is_text, walk

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
    r"(Integrity|Watch|StaleData|Conflict|Precondition|PreconditionFailed|OptimisticLock\w*|Concurren\w+|VersionConflict|(?<!Not)Exists)(Error|Exception)?$"
    r"|(?<!File)(?<!Module)(NotFound|DoesNotExist|NotExist|NotYet\w*)(Error|Exception)?$|^NoSuch\w+$"
    r"|^(Queue)?Empty$|(Unique|Duplicate)\w*$|(?<=[a-z])Changed(Error|Exception)?$|Pending(Error|Exception)?$|(InProgress|NotReady|NotFinished)(Error|Exception)?$"
)
_TIME_ALLOWED = re.compile(r"(^|_)(timeout|seconds|secs|max_wait|wait_time|deadline)(_|$)")
_STOPPED_BY = re.compile(
    r"(^|_)(stop\w*|shut\w*|clos\w+|cancel\w*|disconnect\w*|exiting|quit\w*|terminat\w*|running|alive)(_|$)"
)
_CLOCK = re.compile(r"(^|_)(monotonic|perf_counter|time|now|utcnow|deadline)$")
_ACTS = re.compile(
    r"^(try_?)?(refresh|send|post|put|fetch|load|connect|reconnect|upload|download|submit|publish|push|write|save|sync|update)(_|$)"
)


def counts_tries(outline: Outline, function: Function, iterable: ast.expr, names: list[str]) -> bool:
    """Whether what a `for` runs through counts tries, or is a list of the pauses between them; `names` are its variables."""
    match iterable:
        case ast.Call():
            name = callee(iterable)
            if name in WRAPPERS and iterable.args:
                return counts_tries(outline, function, iterable.args[0], names)
            target = resolve(outline, function, name) or name
            if target.startswith(_LIBRARIES):
                return False
            if target in COUNTING:
                return not measures_a_collection(iterable) or any(map(is_attempt, names))
        case ast.Tuple() | ast.List():
            return bool(iterable.elts) and all(map(is_number, iterable.elts))
        case ast.BinOp(op=ast.Mult() | ast.Add(), left=left):
            return counts_tries(outline, function, left, names) or any(map(is_attempt, names))
        case _:
            pass
    spelled = snake(dotted(iterable).replace("()", ""))
    return is_delay(spelled) or is_attempt(spelled) or any(is_delay(name) or is_attempt(name) for name in names)


def unwrapped(iterable: ast.expr) -> ast.expr:
    """Return what a `for` runs through, without the `enumerate` or `list` around it."""
    while isinstance(iterable, ast.Call) and callee(iterable) in WRAPPERS and iterable.args:
        iterable = iterable.args[0]
    return iterable


def waits_out(iterable: ast.expr) -> bool:
    """Whether a `for` counts through the time that something may take: `range(int(timeout * 10))`."""
    return isinstance(iterable, ast.Call) and any(_TIME_ALLOWED.search(snake(name)) for name in names_in(iterable))


def is_policy(iterable: ast.expr) -> bool:
    """Whether a `for` is given its tries by something that knows when to stop: `for attempt in self.retrying():`."""
    if not isinstance(iterable, ast.Call):
        return False
    name = callee(iterable)
    return name not in COUNTING and name not in WRAPPERS and bool(RETRYING.search(name))


def only_counts(code: OwnCode, node: ast.AST) -> bool:
    """Whether a read of a counter decides, reports or waits."""
    for outer in code.holders(node):
        match outer:
            case ast.Compare():
                # `if attempt == "websocket"` chooses what is tried; no number is compared with a text.
                return not any(map(is_text, (outer.left, *outer.comparators)))
            case ast.Raise() | ast.AugAssign():
                return True
            case ast.Call():
                name = callee(outer)
                if is_pause(name, arguments(outer)) or is_report(name) or RETRYING.search(name):
                    return True
            case ast.Assign():
                return all(is_delay(name) or is_attempt(name) for name in map(dotted, outer.targets))
            case ast.If() | ast.IfExp() | ast.While():
                return True
            case ast.stmt():
                return False
            case _:
                pass
    return False


def tries_in_place(test: ast.expr) -> bool:
    """Whether a condition is the try itself: `if await self.refresh(worker): return`; `if queue.is_empty():` asks."""
    if isinstance(test, ast.UnaryOp):
        test = test.operand
    if isinstance(test, ast.Await):
        test = test.value
    return isinstance(test, ast.Call) and bool(_ACTS.match(snake(callee(test))))


def tests_a_result(round_: list[ast.AST]) -> bool:
    """Whether a condition reads what a call in the same round returned, or what was made of that."""
    made: set[str] = set()
    for node in round_:
        match node:
            case ast.Assign(targets=targets, value=value):
                if isinstance(value, ast.Call | ast.Await) or _reads_any(value, made):
                    made.update(name for target in targets for name in names_of(target))
            case ast.If(test=test):
                if _reads_any(test, made) or tries_in_place(test):
                    return True
            case _:
                pass
    return False


def _reads_any(node: ast.AST, names: set[str]) -> bool:
    return not names.isdisjoint(names_in(node))


def names_of(target: ast.expr) -> Iterator[str]:
    """Yield the variables that an assignment or a loop binds."""
    match target:
        case ast.Tuple(elts=targets) | ast.List(elts=targets):
            for inner in targets:
                yield from names_of(inner)
        case ast.Starred(value=value):
            yield from names_of(value)
        case ast.Name() | ast.Attribute():
            yield dotted(target)
        case _:
            pass


def reads_of(node: ast.AST) -> Iterator[str]:
    """Yield the variables that an expression reads, as written, and every name in it."""
    yield from (dotted(inner) for inner in walk(node) if isinstance(inner, ast.Attribute))
    yield from names_in(node)


def stepped(node: ast.AST) -> Iterator[ast.expr]:
    """Yield what `x = x + 1` steps."""
    if isinstance(node, ast.Assign) and isinstance(node.value, ast.BinOp):
        left = dotted(node.value.left)
        yield from (target for target in node.targets if left and dotted(target) == left)


def measures_a_collection(call: ast.Call) -> bool:
    """Whether a call counts up to the length of something: `range(len(orders))`."""
    return any("len" in names_in(argument) for argument in (*call.args, *call.keywords))


def is_stopped(test: ast.expr, round_: list[ast.AST]) -> bool:
    """Whether a loop goes on until others say that it is enough: `while not self.stop.is_set()`, `while self.running`."""
    set_here = {dotted(target) for node in round_ if isinstance(node, ast.Assign) for target in node.targets}
    return any(_STOPPED_BY.search(snake(name)) for name in reads_of(test) if name not in set_here)


def ends_with_the_time(loop: AnyLoop) -> bool:
    """Whether a loop goes on until it is late: `while time.monotonic() < deadline`."""
    return isinstance(loop, ast.While) and any(_CLOCK.search(snake(name)) for name in reads_of(loop.test))


def sleeps_first(loop: AnyLoop) -> bool:
    """Whether each round begins with the same pause, the first one too: something else is on its way."""
    match loop.body[0]:
        case ast.Expr(value=ast.Await(value=ast.Call() as call)) | ast.Expr(value=ast.Call() as call):
            if not snake(callee(call)).startswith("sleep"):
                return False
            bound = set() if isinstance(loop, ast.While) else set(names_of(loop.target))
            return all(bound.isdisjoint(reads_of(argument)) for argument in (*call.args, *call.keywords))
        case _:
            return False


def yields_nothing(tried: list[ast.AST]) -> bool:
    """Whether what is tried leaves nothing behind but that it worked."""
    returned = [node.value for node in tried if isinstance(node, ast.Return)]
    if not returned:
        return not any(isinstance(node, ast.Assign) for node in tried)
    return all(map(_says_it_worked, returned))


def _says_it_worked(value: ast.expr | None) -> bool:
    match value:
        case None | ast.Constant(value=None | True):
            return True
        case _:
            return False


def tests_for_none(test: ast.expr) -> bool:
    """Whether a loop goes on until there is something."""
    return any(isinstance(node, ast.Constant) and node.value is None for node in walk(test))


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
