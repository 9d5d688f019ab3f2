"""What a function does about concurrency: what it starts, what bounds that, and what it waits for."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from golden_rules.rules.resilience.variables import name_of, shown, stores, word_of
from golden_rules.source.trees import BELOW, LEAVES, children, dotted, walk

_SEMAPHORES = frozenset({"Semaphore", "BoundedSemaphore", "CapacityLimiter"})
_STARTS = frozenset(
    {"create_task", "ensure_future", "start_soon", "Thread", "Process", "spawn", "run_coroutine_threadsafe"}
)
_STARTS_TASK = re.compile(r"^(\w+_)?create_task(_\w+)?$")
TOGETHER = frozenset({"gather", "as_completed"})
_HANDS_TO_EXECUTOR = frozenset({"submit", "apply_async", "run_in_executor"})
_EXECUTORS = frozenset({"ThreadPoolExecutor", "ProcessPoolExecutor", "ThreadPool"})
_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.GeneratorExp, ast.DictComp)
# The types of the nodes that `_note` has anything to say about.
_NOTED = frozenset(
    {ast.Assign, ast.AnnAssign, ast.AugAssign, ast.NamedExpr, ast.withitem, ast.Call, ast.Compare, ast.BinOp}
)
_UNDER_WAY = re.compile(
    r"(^|_)(tasks?|futures?|futs?|workers?|threads?|procs?|process(es)?|running|active|pending|in_?flight|jobs|coros?|children|greenlets|background)(_|$)"
)
LIMIT = re.compile(r"(^|_)(max|limits?|concurrency|concurrent|size|capacity|slots|parallel\w*|workers)(_|$)")
# What is counted in bytes does not run.
_BYTES = re.compile(r"(^|_)(k|m)?bytes(_|$)")
# Numbers rather than containers: how many are under way, and how many more may be.
_NUMBER_UNDER_WAY = re.compile(r"(^|_)(in_?flight|running|active|outstanding)(_count)?$")
_FREE_SLOTS = re.compile(r"(^|_)(slots|permits)(_(left|free|available))?$")
# A number of workers as a setting has it, and what is started so many times.
_NUMBER_OF_WORKERS = re.compile(r"(^|_)(concurrency|(num|n|max|worker)_(workers|consumers|count)|workers|parallelism)$")


@dataclass(frozen=True, slots=True)
class Start:
    """A call that starts something beside what is running.

    Attributes:
        how: The last part of what is called: `create_task`, `Thread`, `gather`.
        targets: The names of the functions that it is handed.
        many: Whether it stands in a loop or a comprehension, or starts several at once.
        counted: Whether that loop runs over `range(...)`.
        number: The number of workers that it runs so many times for, as written, `""` where it does not.
        first: How many of a sequence that loop starts with, as written: `size` of `work[:size]`, `""` where it takes all.
    """

    how: str
    targets: frozenset[str]
    many: bool
    counted: bool
    number: str = ""
    first: str = ""


@dataclass(frozen=True, slots=True)
class _Rounds:
    """The loops around a node, in the words of `Start`."""

    many: bool
    counted: bool
    number: str
    first: str


_ONCE = _Rounds(False, False, "", "")


@dataclass(slots=True)
class Doing:
    """What a function, with those that stand in it, does about concurrency.

    Attributes:
        semaphores: The semaphores it makes, as written.
        held: The variables it enters with `with` or acquires, as written.
        acquired: Those that it acquires.
        released: The variables it releases, as written.
        given: The variables it hands to what it calls, as written.
        mapped: The names of what it makes one call of for each element of something, in a comprehension.
        submits: How it hands work to an executor: `submit`, `""` where it does not.
        executors: Whether it makes an executor.
        calls: The names of the methods of its own object that it calls.
        called_back: Whether it asks to be told when that is done.
        limited: The container whose size it compares with a limit and then waits, `""` where there is none.
        held_back: The same, of its own object, where a loop waits until there are fewer.
        compared: The words of the numbers of what is under way that it compares with a limit.
        kept: The words of the numbers and containers that it changes.
        slots: The number of free slots that it takes one from, as written, `""` where there is none.
        room: The container whose size it takes from a limit, to see how many more there may be, `""` where there is none.
        accepts: Whether it takes the connections of a server.
        nested: The functions in it, by name.
        aliases: The local names that it gives to attributes, with what they stand for, as written.
    """

    semaphores: set[str] = field(default_factory=set)
    held: set[str] = field(default_factory=set)
    acquired: set[str] = field(default_factory=set)
    released: set[str] = field(default_factory=set)
    given: set[str] = field(default_factory=set)
    starts: list[Start] = field(default_factory=list)
    mapped: set[str] = field(default_factory=set)
    submits: str = ""
    executors: bool = False
    calls: set[str] = field(default_factory=set)
    called_back: bool = False
    limited: str = ""
    held_back: str = ""
    compared: set[str] = field(default_factory=set)
    kept: set[str] = field(default_factory=set)
    slots: str = ""
    room: str = ""
    accepts: bool = False
    waits: bool = False
    sleeps: bool = False
    nested: dict[str, ast.AST] = field(default_factory=dict)
    aliases: dict[str, str] = field(default_factory=dict)


def doing(function: ast.AST) -> Doing:
    """Return what a function does about concurrency, in one walk."""
    found = Doing()
    sizes: list[str] = []
    stack = [(child, _ONCE) for child in children(function)]
    while stack:
        node, around = stack.pop()
        kind = type(node)
        if kind in LEAVES:
            continue
        if kind in _NOTED:
            _note(found, node, sizes, around)
        if isinstance(node, ast.For | ast.AsyncFor):
            around = _within(around, node.iter)
        elif isinstance(node, ast.While):
            found.held_back = found.held_back or _held_back(node)
            around = _Rounds(True, around.counted, around.number, around.first)
        elif isinstance(node, _COMPREHENSIONS):
            if isinstance(node, ast.ListComp | ast.GeneratorExp) and isinstance(node.elt, ast.Call):
                found.mapped.update(_called_or_handed(node.elt))
            around = _within(around, node.generators[0].iter)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            # What stands in a function runs when that is called.
            found.nested[node.name] = node
            around = _ONCE
        stack += [(child, around) for child in BELOW[kind](node)]
    if sizes and (found.waits or found.sleeps):
        found.limited = sizes[0]
    # `gate = self._gate` goes by either name.
    found.semaphores.update(name for name, kept in found.aliases.items() if kept in found.semaphores)
    return found


def _within(around: _Rounds, iterated: ast.expr) -> _Rounds:
    return _Rounds(True, around.counted or _is_range(iterated), _number(iterated), _first(iterated))


def _number(iterated: ast.expr) -> str:
    """Return the number of workers in `range(concurrency)`, `""` where it is the number of something else."""
    match iterated:
        case ast.Call(func=ast.Name(id="range"), args=[*_, ast.Name() | ast.Attribute() as number]):
            return shown(number) if _NUMBER_OF_WORKERS.search(word_of(number)) else ""
        case _:
            return ""


def _note(found: Doing, node: ast.AST, sizes: list[str], around: _Rounds) -> None:
    for target, value in stores(node):
        if isinstance(target, ast.Attribute | ast.Subscript):
            found.kept.add(word_of(target))
        if is_semaphore(value):
            found.semaphores.add(shown(target))
        elif isinstance(target, ast.Name) and isinstance(value, ast.Attribute):
            found.aliases[target.id] = shown(value)
    match node:
        case ast.Assign(value=value) if _is_accepted(value):
            found.accepts = True
        case ast.withitem(context_expr=held):
            found.held.add(shown(held))
        case ast.Call():
            _note_call(found, node, around)
        case ast.Compare(left=left, ops=[ast.Gt() | ast.GtE() | ast.Lt() | ast.LtE()], comparators=[right]):
            # `completed < len(tasks)` tells how far it got.
            size = _size(left, right) or (_size(right, left) if LIMIT.search(word_of(left)) else "")
            if size:
                sizes.append(size)
            if _NUMBER_UNDER_WAY.search(word_of(left)) and LIMIT.search(word_of(right)):
                found.compared.add(word_of(left))
        case ast.BinOp(left=left, op=ast.Sub(), right=right) if LIMIT.search(word_of(left)):
            found.room = found.room or _size(right, left)
        case ast.AugAssign(target=target, op=operation):
            found.kept.add(word_of(target))
            if isinstance(operation, ast.Sub) and _FREE_SLOTS.search(word_of(target)):
                found.slots = shown(target)
        case _:
            pass


def _note_call(found: Doing, call: ast.Call, around: _Rounds) -> None:
    base, _, method = dotted(call.func).rpartition(".")
    if base == "self":
        found.calls.add(method)
    found.executors = found.executors or method in _EXECUTORS
    if method.startswith("acquire") and base:
        found.held.add(base.removesuffix("()"))
        found.acquired.add(base.removesuffix("()"))
    if method == "release" and base:
        found.released.add(base)
    if method in _HANDS_TO_EXECUTOR:
        found.submits = method
    elif method == "add_done_callback":
        found.called_back = True
    if starts_one(method) and not _is_wait(call):
        found.starts.append(
            Start(method, frozenset(_handed(call)), around.many, around.counted, around.number, around.first)
        )
    elif method in TOGETHER and not (
        method == "gather" and base.rpartition(".")[2] in ("self", "client", "ray", "comm")
    ):
        several = (
            around.many or any(isinstance(argument, ast.Starred) for argument in call.args) or method == "as_completed"
        )
        found.starts.append(Start(method, frozenset(_handed(call)), several, around.counted))
        found.waits = True
    elif method == "sleep":
        found.sleeps = True
    elif (method == "wait" and (base.endswith("asyncio") or not base)) or method == "join":
        found.waits = True
    arguments = (*call.args, *(keyword.value for keyword in call.keywords))
    found.given.update(shown(argument) for argument in arguments if isinstance(argument, ast.Name | ast.Attribute))


def starts_one(name: str) -> bool:
    """Whether what goes under a name starts a task or thread: `create_task`, a project's `create_task_with_logging`."""
    return name in _STARTS or bool(_STARTS_TASK.search(name))


def _is_wait(call: ast.Call) -> bool:
    """Whether what is started only waits for a slot: `create_task(semaphore.acquire())`."""
    match call.args:
        case [ast.Call(func=ast.Attribute(attr="acquire" | "wait" | "get" | "join"))]:
            return True
        case _:
            return False


def is_semaphore(value: ast.expr) -> bool:
    """Whether an expression makes a semaphore for more than one at a time, and for fewer than there are."""
    for node in walk(value) if isinstance(value, ast.IfExp | ast.BoolOp | ast.Call) else ():
        if isinstance(node, ast.Call) and dotted(node.func).rpartition(".")[2] in _SEMAPHORES:
            first = node.args[0] if node.args else node.keywords[0].value if node.keywords else None
            return not (first is None or (isinstance(first, ast.Constant) and first.value == 1) or _is_length(first))
    return False


def _is_accepted(value: ast.expr) -> bool:
    """Whether a value is a connection that a server takes: `listener.accept()`; that of a web socket gives nothing."""
    call = value.value if isinstance(value, ast.Await) else value
    return isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr == "accept"


def _is_length(size: ast.expr) -> bool:
    """Whether there is room for all of something, as in `Semaphore(len(orders))`: that counts them, and bounds nothing."""
    return isinstance(size, ast.Call) and isinstance(size.func, ast.Name) and size.func.id == "len"


def _is_range(node: ast.expr) -> bool:
    match node:
        case ast.Call(func=ast.Name(id="range"), args=[ast.Constant(value=1)]):
            return False
        case ast.Call(func=ast.Name(id="range")):
            return True
        case _:
            return False


def _held_back(loop: ast.While) -> str:
    """Return the container of an object whose size a loop waits for: `while len(self._tasks) >= self._most: await wait(...)`."""
    waits = any(
        isinstance(node, ast.Await) or (isinstance(node, ast.Call) and name_of(node.func) in ("wait", "join", "sleep"))
        for statement in loop.body
        for node in walk(statement)
    )
    for node in walk(loop.test) if waits else ():
        match node:
            case ast.Compare(left=left, ops=[ast.Gt() | ast.GtE()], comparators=[right]):
                size = _size(left, right)
                if size.startswith("self."):
                    return size
            case _:
                pass
    return ""


def _first(iterated: ast.expr) -> str:
    """Return how many of a sequence are taken, `size` of `work[:size]`, where that is no number in the code."""
    match iterated:
        case ast.Subscript(slice=ast.Slice(lower=None, upper=ast.Name() | ast.Attribute() as upper)):
            return shown(upper)
        case _:
            return ""


def _size(left: ast.expr, right: ast.expr) -> str:
    """Return the container of what is under way whose size is compared with a limit."""
    if (isinstance(right, ast.Constant) and right.value in (0, 1)) or _BYTES.search(word_of(right)):
        return ""
    match left:
        case ast.Call(func=ast.Name(id="len"), args=[ast.Name() | ast.Attribute() as container]):
            return shown(container) if _UNDER_WAY.search(word_of(container)) else ""
        case _:
            return ""


def _called_or_handed(call: ast.Call) -> Iterator[str]:
    """Yield what a call calls, or has called: `fetch` of `fetch(url)` and of `partial(fetch, url)`."""
    yield name_of(call.func)
    if call.args and name_of(call.func) == "partial":
        yield name_of(call.args[0])


def _handed(call: ast.Call) -> Iterator[str]:
    """Yield the names of the functions that a call is handed, called already or not."""
    for argument in (*call.args, *(keyword.value for keyword in call.keywords)):
        for node in walk(argument):
            if isinstance(node, ast.Name | ast.Attribute):
                yield name_of(node)
