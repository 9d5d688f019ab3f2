"""The shapes of pools built by hand: bounded tasks, workers on a queue, and a limit on what is under way."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from golden_rules.naming import snake
from golden_rules.rules.resilience.units import Unit
from golden_rules.rules.resilience.variables import name_of, shown, stores, word_of
from golden_rules.source.outline import Function
from golden_rules.source.trees import BELOW, LEAVES, children, dotted, walk

_SEMAPHORES = frozenset({"Semaphore", "BoundedSemaphore", "CapacityLimiter"})
_STARTS = frozenset(
    {"create_task", "ensure_future", "start_soon", "Thread", "Process", "spawn", "run_coroutine_threadsafe"}
)
_STARTS_TASK = re.compile(r"^(\w+_)?create_task(_\w+)?$")
_TOGETHER = frozenset({"gather", "as_completed"})
_HANDS_TO_EXECUTOR = frozenset({"submit", "apply_async", "run_in_executor"})
_LOOPS = (ast.For, ast.AsyncFor, ast.While)
_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.GeneratorExp, ast.DictComp)
# The types of the nodes that `_note` has anything to say about.
_NOTED = frozenset({ast.Assign, ast.AnnAssign, ast.NamedExpr, ast.withitem, ast.Call, ast.Compare})
_TAKES = frozenset({"get", "get_nowait", "pop", "popleft", "receive", "dequeue", "lpop", "rpop", "blpop", "brpop"})
_QUEUE = re.compile(
    r"(^|_)(q|queues?|jobs?|tasks?|work(_?items?)?|pending|inbox|todo|items|backlog|urls|frontier|chunks|requests|stream|channel)(_|$)"
)
_UNDER_WAY = re.compile(
    r"(^|_)(tasks?|futures?|futs?|workers?|threads?|procs?|process(es)?|running|active|pending|in_?flight|jobs|coros?|children|greenlets|background)(_|$)"
)
_LIMIT = re.compile(r"(^|_)(max|limit|concurrency|concurrent|size|capacity|slots|parallel\w*|workers)(_|$)")
_WHEN_DONE = re.compile(r"(^|_)(done|finish(ed)?|complet(e|ed|ion)|callback|exit(ed)?|ended)(_|$)")
POOL_NAME = re.compile(
    r"(^|_)(worker|thread|task|executor|process|job|coroutine|async|aio|greenlet|fiber)_?pool(_executor|_manager)?$|^pool_?executor$"
)


@dataclass(frozen=True, slots=True)
class Pool:
    """A pool built by hand: why it is one, in words, and the functions that have to do with it."""

    why: str
    touching: tuple[Function, ...]


@dataclass(frozen=True, slots=True)
class Start:
    """A call that starts something beside what is running.

    Attributes:
        how: The last part of what is called: `create_task`, `Thread`, `gather`.
        targets: The names of the functions that it is handed.
        many: Whether it stands in a loop or a comprehension, or starts several at once.
        counted: Whether that loop runs over `range(...)`.
    """

    how: str
    targets: frozenset[str]
    many: bool
    counted: bool


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
        called_back: Whether it asks to be told when that is done.
        limited: The container whose size it compares with a limit and then waits, `""` where there is none.
        nested: The functions in it, by name.
    """

    semaphores: set[str] = field(default_factory=set)
    held: set[str] = field(default_factory=set)
    acquired: set[str] = field(default_factory=set)
    released: set[str] = field(default_factory=set)
    given: set[str] = field(default_factory=set)
    starts: list[Start] = field(default_factory=list)
    mapped: set[str] = field(default_factory=set)
    submits: str = ""
    called_back: bool = False
    limited: str = ""
    waits: bool = False
    nested: dict[str, ast.AST] = field(default_factory=dict)


def doing(function: ast.AST) -> Doing:
    """Return what a function does about concurrency, in one walk."""
    found = Doing()
    sizes: list[str] = []
    stack: list[tuple[ast.AST, bool, bool]] = [(child, False, False) for child in children(function)]
    while stack:
        node, many, counted = stack.pop()
        kind = type(node)
        if kind in LEAVES:
            continue
        if kind in _NOTED:
            _note(found, node, sizes, many=many, counted=counted)
        if isinstance(node, ast.For | ast.AsyncFor):
            many, counted = True, counted or _is_range(node.iter)
        elif isinstance(node, ast.While):
            many = True
        elif isinstance(node, _COMPREHENSIONS):
            if isinstance(node, ast.ListComp | ast.GeneratorExp) and isinstance(node.elt, ast.Call):
                found.mapped.update(_called_or_handed(node.elt))
            many, counted = True, counted or _is_range(node.generators[0].iter)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            # What stands in a function runs when that is called.
            found.nested[node.name] = node
            many = counted = False
        stack += [(child, many, counted) for child in BELOW[kind](node)]
    if sizes and found.waits:
        found.limited = sizes[0]
    return found


def _note(found: Doing, node: ast.AST, sizes: list[str], *, many: bool, counted: bool) -> None:
    for target, value in stores(node):
        if is_semaphore(value):
            found.semaphores.add(shown(target))
    match node:
        case ast.withitem(context_expr=held):
            found.held.add(shown(held))
        case ast.Call():
            _note_call(found, node, many=many, counted=counted)
        case ast.Compare(left=left, ops=[ast.Gt() | ast.GtE() | ast.Lt() | ast.LtE()], comparators=[right]):
            # `completed < len(tasks)` tells how far it got.
            size = _size(left, right) or (_size(right, left) if _LIMIT.search(word_of(left)) else "")
            if size:
                sizes.append(size)
        case _:
            pass


def _note_call(found: Doing, call: ast.Call, *, many: bool, counted: bool) -> None:
    base, _, method = dotted(call.func).rpartition(".")
    if method.startswith("acquire") and base:
        found.held.add(base.removesuffix("()"))
        found.acquired.add(base.removesuffix("()"))
    if method == "release" and base:
        found.released.add(base)
    if method in _HANDS_TO_EXECUTOR:
        found.submits = method
    elif method == "add_done_callback":
        found.called_back = True
    if _starts(method) and not _is_wait(call):
        found.starts.append(Start(method, frozenset(_handed(call)), many, counted))
    elif method in _TOGETHER and not (
        method == "gather" and base.rpartition(".")[2] in ("self", "client", "ray", "comm")
    ):
        several = many or any(isinstance(argument, ast.Starred) for argument in call.args) or method == "as_completed"
        found.starts.append(Start(method, frozenset(_handed(call)), several, counted))
        found.waits = True
    elif (method == "wait" and (base.endswith("asyncio") or not base)) or method == "join":
        found.waits = True
    arguments = (*call.args, *(keyword.value for keyword in call.keywords))
    found.given.update(shown(argument) for argument in arguments if isinstance(argument, ast.Name | ast.Attribute))


def _starts(name: str) -> bool:
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
    """Whether an expression makes a semaphore for more than one at a time."""
    for node in walk(value) if isinstance(value, ast.IfExp | ast.BoolOp | ast.Call) else ():
        if isinstance(node, ast.Call) and dotted(node.func).rpartition(".")[2] in _SEMAPHORES:
            first = node.args[0] if node.args else node.keywords[0].value if node.keywords else None
            return not (first is None or (isinstance(first, ast.Constant) and first.value == 1))
    return False


def _is_range(node: ast.expr) -> bool:
    match node:
        case ast.Call(func=ast.Name(id="range"), args=[ast.Constant(value=1)]):
            return False
        case ast.Call(func=ast.Name(id="range")):
            return True
        case _:
            return False


def _size(left: ast.expr, right: ast.expr) -> str:
    """Return the container of what is under way whose size is compared with a limit."""
    if isinstance(right, ast.Constant) and right.value in (0, 1):
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


def takes_work(function: ast.AST) -> bool:
    """Whether a function loops, and takes its work from a queue in the loop."""
    for loop in walk(function):
        if not isinstance(loop, _LOOPS):
            continue
        if isinstance(loop, ast.AsyncFor) and _QUEUE.search(word_of(loop.iter)):
            return True
        if isinstance(loop, ast.For) and not any(
            isinstance(node, ast.Attribute) and node.attr in _TAKES for node in walk(loop.iter)
        ):
            continue
        for node in walk(loop):
            match node:
                case ast.Call(func=ast.Attribute(value=base, attr=method)) if method in _TAKES and _QUEUE.search(
                    word_of(base)
                ):
                    return True
                case ast.Attribute(value=base, attr="get") if isinstance(loop, ast.For) and _QUEUE.search(
                    word_of(base)
                ):
                    return True
                case _:
                    pass
    return False


def bounded_function(done: Doing, known: frozenset[str], workers: Mapping[str, ast.AST]) -> str:
    """Return why a function is a pool by itself, `""` where it is none.

    `known` are the semaphores that it can see, its own apart, as written; `workers` the functions that it can call.
    """
    several = [start for start in done.starts if start.many]
    bound = sorted(((done.semaphores | known) & done.held) | (done.semaphores & done.given))
    if bound and several:
        return f"`{bound[0]}` bounds the tasks that it starts with `{several[-1].how}`"
    mapped = sorted(done.mapped & done.nested.keys())
    for name in mapped:
        own = sorted(done.semaphores & doing(done.nested[name]).held)
        if own:
            return f"`{own[0]}` bounds the calls of `{name}` that it makes at once"
    for start in done.starts:
        if start.counted and any(takes_work(workers[name]) for name in start.targets if name in workers):
            return f"it starts workers with `{start.how}` that take their work from a queue"
    if done.limited and any(_starts(start.how) and start.many for start in done.starts):
        return f"it waits while too many of `{done.limited}` are under way"
    return ""


def pool_of(unit: Unit, deeds: Mapping[Function, Doing]) -> Pool | None:
    """Return the pool that the methods of a class make together, `None` where they make none."""
    semaphores = {name for done in deeds.values() for name in done.semaphores if name.startswith("self.")}
    holders = {function for function, done in deeds.items() if semaphores & done.held}
    starters = {function for function, done in deeds.items() if done.starts}
    by_name = {function.name: function for function in unit.functions}
    for function in unit.functions:
        for start in deeds[function].starts:
            started = [by_name[name] for name in start.targets if name in by_name and by_name[name] is not function]
            bounded = [one for one in started if one in holders]
            if semaphores & deeds[function].held and (start.many or semaphores & deeds[function].acquired):
                # What is started in a `with` that waits for it is only guarded.
                bounded = [function, *bounded]
            if bounded and _links(start, function, bounded):
                semaphore = min(semaphores & deeds[bounded[0]].held)
                touching = (
                    function,
                    *(one for one in unit.functions if one is not function and (one in holders or one in started)),
                )
                return Pool(
                    f"`{semaphore}` bounds the tasks that `{function.name}` starts with `{start.how}`", touching
                )
            if start.counted and any(takes_work(one.node) for one in started):
                why = f"`{function.name}` starts workers with `{start.how}` that take their work from a queue"
                return Pool(why, (function, *started))
    starters = {one for one in starters if any(_starts(start.how) for start in deeds[one].starts)}
    lent = _lent(semaphores, deeds, starters) or _bounded_executor(semaphores, deeds)
    if lent is not None:
        return lent
    if POOL_NAME.search(snake(unit.name)) and starters:
        first = min(starters, key=lambda function: function.line)
        return Pool(f"`{first.name}` starts what is in it with `{deeds[first].starts[0].how}`", unit.functions)
    return None


def _lent(semaphores: set[str], deeds: Mapping[Function, Doing], starters: set[Function]) -> Pool | None:
    """Return the pool whose slots are taken in one method and given back in another, when a task it starts is done."""
    for semaphore in sorted(semaphores):
        takers = [function for function, done in deeds.items() if semaphore in done.held]
        givers = [
            function
            for function, done in deeds.items()
            if semaphore in done.released and function not in takers and _WHEN_DONE.search(snake(function.name))
        ]
        if takers and givers and starters:
            first = min(starters, key=lambda function: function.line)
            how = next(start.how for start in deeds[first].starts if _starts(start.how))
            others = (one for one in (*takers, *givers) if one is not first)
            return Pool(f"`{semaphore}` bounds the tasks that `{first.name}` starts with `{how}`", (first, *others))
    return None


def _bounded_executor(semaphores: set[str], deeds: Mapping[Function, Doing]) -> Pool | None:
    """Return the pool whose slots are taken before an executor gets work, and given back when that is done."""
    for function, done in deeds.items():
        slots = sorted(semaphores & done.acquired & done.released)
        if slots and done.submits and done.called_back:
            return Pool(f"`{slots[0]}` bounds what `{function.name}` hands on with `{done.submits}`", (function,))
    return None


def _links(start: Start, function: Function, bounded: list[Function]) -> bool:
    """Whether what starts things and what a semaphore bounds belong together."""
    if start.how in _TOGETHER:
        return start.many and bounded != [function]
    # A loop in one function with its bound in it is a pool of that function's own.
    return not (start.many and bounded == [function])
