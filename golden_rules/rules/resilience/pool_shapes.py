"""The shapes of pools built by hand: bounded tasks, workers on a queue, and a limit on what is under way."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from dataclasses import dataclass

from golden_rules.naming import snake
from golden_rules.rules.resilience.pool_deeds import LIMIT, TOGETHER, Doing, Start, doing, starts_one
from golden_rules.rules.resilience.units import Unit
from golden_rules.rules.resilience.variables import word_of
from golden_rules.source.outline import Function
from golden_rules.source.trees import AnyLoop, walk

_WORKERS = frozenset({"Thread", "Process"})
_TAKES = frozenset({"get", "get_nowait", "pop", "popleft", "receive", "dequeue", "lpop", "rpop", "blpop", "brpop"})
_QUEUE = re.compile(
    r"(^|_)(q|queues?|jobs?|tasks?|work(_?items?)?|pending|inbox|todo|items|backlog|urls|frontier|chunks|requests|stream|channel)(_|$)"
)
_WORKER = re.compile(r"(^|_)(worker|consumer)(_|$)")
_LENDS = frozenset({"acquire", "release"})
_TASKS = frozenset({"create_task", "ensure_future", "start_soon", "Thread"})
_WHEN_DONE = re.compile(r"(^|_)(done|finish(ed)?|complet(e|ed|ion)|callback|exit(ed)?|ended)(_|$)")
POOL_NAME = re.compile(
    r"(^|_)(worker|thread|task|executor|process|job|coroutine|async|aio|greenlet|fiber)_?pool(_executor|_manager)?$|^pool_?executor$"
)


@dataclass(frozen=True, slots=True)
class Pool:
    """A pool built by hand: why it is one, in words, and the functions that have to do with it."""

    why: str
    touching: tuple[Function, ...]


def takes_work(function: ast.AST) -> bool:
    """Whether a function loops, and takes its work from a queue in the loop."""
    for loop in walk(function):
        if not isinstance(loop, AnyLoop):
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
    if done.accepts:
        return ""
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
    limited = done.limited if any(starts_one(start.how) and start.many for start in done.starts) else done.held_back
    if limited and any(starts_one(start.how) for start in done.starts):
        return f"it waits while too many of `{limited}` are under way"
    if done.slots and any(starts_one(start.how) for start in done.starts):
        return f"it counts the free slots in `{done.slots}`"
    if done.room and any(starts_one(start.how) and start.many for start in done.starts):
        return f"it starts as many as there is room for among `{done.room}`"
    return _refilled(several) or _numbered(several, workers)


def _numbered(several: list[Start], workers: Mapping[str, ast.AST]) -> str:
    """Return why a function is a pool of so many workers of another module, `""` where it is none."""
    for start in several:
        named = sorted(name for name in start.targets - workers.keys() if _WORKER.search(snake(name)))
        if start.number and start.how in _TASKS and named:
            return f"it starts `{start.number}` of `{named[0]}` with `{start.how}`"
    return ""


def _refilled(several: list[Start]) -> str:
    """Return why a function is a pool that starts so many, and another whenever one is done, `""` where it is none."""
    sizes = [start.first for start in several if start.first and LIMIT.search(snake(start.first))]
    if sizes and any(starts_one(start.how) and not start.first for start in several):
        return f"it starts `{sizes[0]}` of them, and another whenever one is done"
    return ""


def pool_of(unit: Unit, deeds: Mapping[Function, Doing]) -> Pool | None:
    """Return the pool that the methods of a class make together, `None` where they make none."""
    semaphores = {name for done in deeds.values() for name in done.semaphores if name.startswith("self.")}
    # A server turns connections away, and nobody hands it work.
    holders = {function for function, done in deeds.items() if semaphores & done.held and not done.accepts}
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
                first, how = _dispatcher(bounded, deeds, semaphores) or (function, start.how)
                involved = {function, *holders, *started} - {first}
                touching = (first, *(one for one in unit.functions if one in involved))
                return Pool(f"`{semaphore}` bounds the tasks that `{first.name}` starts with `{how}`", touching)
            if start.counted and any(takes_work(one.node) for one in started):
                why = f"`{function.name}` starts workers with `{start.how}` that take their work from a queue"
                return Pool(why, (function, *started))
    starters = {one for one in starters if any(starts_one(start.how) for start in deeds[one].starts)}
    lent = _lent(semaphores, deeds, starters) or _bounded_executor(semaphores, deeds)
    if lent is not None:
        return lent
    if _is_pool(unit, deeds) and starters and not _leaves_to_executor(deeds):
        first = min(starters, key=lambda function: function.line)
        return Pool(f"`{first.name}` starts what is in it with `{deeds[first].starts[0].how}`", unit.functions)
    return None


def _dispatcher(
    bounded: list[Function], deeds: Mapping[Function, Doing], semaphores: set[str]
) -> tuple[Function, str] | None:
    """Return what takes a slot for each of the tasks that it starts in a loop, and how, where that is a task itself."""
    for function in bounded:
        for start in deeds[function].starts if semaphores & deeds[function].acquired else ():
            if start.many and starts_one(start.how):
                return function, start.how
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
            first = min(starters.intersection(takers) or starters, key=lambda function: function.line)
            how = next(start.how for start in deeds[first].starts if starts_one(start.how))
            others = (one for one in (*takers, *givers) if one is not first)
            return Pool(f"`{semaphore}` bounds the tasks that `{first.name}` starts with `{how}`", (first, *others))
    return None


def _bounded_executor(semaphores: set[str], deeds: Mapping[Function, Doing]) -> Pool | None:
    """Return the pool whose slots are taken before an executor gets work, and given back when that is done."""
    submits = {function.name: done.submits for function, done in deeds.items() if done.submits}
    owns = any(done.executors for done in deeds.values())
    compared = {word for done in deeds.values() for word in done.compared}
    numbers = sorted(compared & {word for done in deeds.values() for word in done.kept})
    for function, done in deeds.items():
        slots = sorted(semaphores & done.acquired & done.released)
        if slots and done.submits and done.called_back:
            return Pool(f"`{slots[0]}` bounds what `{function.name}` hands on with `{done.submits}`", (function,))
        if done.submits and owns and numbers:
            return Pool(
                f"it counts what is under way in `{numbers[0]}`, and hands on with `{done.submits}`", (function,)
            )
        held = sorted(semaphores & done.held)
        how = done.submits or next((submits[name] for name in sorted(done.calls & submits.keys())), "")
        if held and how and owns:
            return Pool(f"`{held[0]}` bounds what `{function.name}` hands to an executor with `{how}`", (function,))
    return None


def _is_pool(unit: Unit, deeds: Mapping[Function, Doing]) -> bool:
    """Whether a class is called a pool of workers, or a pool of whatever and starts threads or processes by number.

    What is acquired and released is lent to others, who run it.
    """
    name = snake(unit.name)
    if {function.name for function in unit.functions} >= _LENDS:
        return False
    counted = any(start.counted and start.how in _WORKERS for done in deeds.values() for start in done.starts)
    return bool(POOL_NAME.search(name)) or (counted and name.endswith("_pool"))


def _leaves_to_executor(deeds: Mapping[Function, Doing]) -> bool:
    """Whether the work runs in an executor that the class makes, beside which it starts single tasks at most."""
    starts = [start for done in deeds.values() for start in done.starts if starts_one(start.how)]
    owns = any(done.executors for done in deeds.values()) and any(done.submits for done in deeds.values())
    return owns and not any(start.many for start in starts)


def _links(start: Start, function: Function, bounded: list[Function]) -> bool:
    """Whether what starts things and what a semaphore bounds belong together."""
    if start.how in TOGETHER:
        return start.many and bounded != [function]
    # A loop in one function with its bound in it is a pool of that function's own.
    return not (start.many and bounded == [function])
