"""The same wrapping, for what is on every hot path: one decorator, constant labels, nobody who would see a span.

What `Run` does for all cases in a few calls of Python is written out here, because each of these calls costs as much as
everything else. The figures are in `benchmarks/`. The wrappers use no name of this module, nor a built-in one: they run with
the globals of what they measure (see `frames`).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine
from time import perf_counter
from types import CoroutineType
from typing import Any, ParamSpec, TypeVar

from golden_runtime.collecting import collecting
from golden_runtime.observers import CallCount, Duration, Request
from golden_runtime.outcomes import NO_MARKS, Marks, current_marks, decided
from golden_runtime.recording import LIMIT
from golden_runtime.runs import Plan, Run, leave, rest
from golden_runtime.tracing import Provided, provided

P = ParamSpec("P")
R = TypeVar("R")


def function(measured: Callable[P, R], plan: Plan, full: Callable[P, R]) -> Callable[P, R]:
    """Return a function that has each of its calls observed: in the quick way, or as `full` does it where that is needed."""
    observer = plan.only
    if isinstance(observer, CallCount):
        return _counted(measured, observer, full, plan)
    if isinstance(observer, Duration):
        return _timed(measured, observer, full, plan)
    return _requested(measured, observer, full, plan) if isinstance(observer, Request) else full


def coroutine(
    measured: Callable[P, Awaitable[R]], plan: Plan, full: Callable[P, Coroutine[Any, Any, R]]
) -> Callable[P, Coroutine[Any, Any, R]]:
    """Return a coroutine function that has each of its calls observed, as `function` does."""
    observer = plan.only
    if isinstance(observer, CallCount):
        return _counted_coroutine(measured, observer, full, plan)
    if isinstance(observer, Duration):
        return _timed_coroutine(measured, observer, full)
    return _requested_coroutine(measured, observer, full) if isinstance(observer, Request) else full


def _counted(measured: Callable[P, R], observer: CallCount, full: Callable[P, R], plan: Plan) -> Callable[P, R]:
    # a count alone has neither a span nor an exemplar
    live = provided() if plan.is_traced else Provided(None)
    count, marks, enter, back, unmarked = observer.begin, current_marks.get, current_marks.set, leave, NO_MARKS
    collected = collecting

    def wrapper(*args: P.args, **kwargs: P.kwargs) -> R:
        if live._TRACER_PROVIDER is not None or collected:
            return full(*args, **kwargs)
        count()
        if marks() is None:
            return measured(*args, **kwargs)
        # within another measured call, which must not be marked by this one
        token = enter(unmarked)
        try:
            return measured(*args, **kwargs)
        finally:
            back(token)

    return wrapper


def _counted_coroutine(
    measured: Callable[P, Awaitable[R]], observer: CallCount, full: Callable[P, Coroutine[Any, Any, R]], plan: Plan
) -> Callable[P, Coroutine[Any, Any, R]]:
    live = provided() if plan.is_traced else Provided(None)
    count, marks, enter, back, unmarked = observer.begin, current_marks.get, current_marks.set, leave, NO_MARKS
    collected = collecting

    async def wrapper(*args: P.args, **kwargs: P.kwargs) -> R:
        if live._TRACER_PROVIDER is not None or collected:
            return await full(*args, **kwargs)
        count()
        if marks() is None:
            return await measured(*args, **kwargs)
        token = enter(unmarked)
        try:
            return await measured(*args, **kwargs)
        finally:
            back(token)

    return wrapper


def _timed(measured: Callable[P, R], observer: Duration, full: Callable[P, R], plan: Plan) -> Callable[P, R]:
    live = provided()
    kind, size, coroutine_type, late, run, anything = type, len, CoroutineType, rest, Run, BaseException
    clock, marks, enter, back, unmarked = perf_counter, current_marks.get, current_marks.set, leave, NO_MARKS
    append, pending, settle = observer.buffer.append, observer.buffer.pending, observer.buffer.settle
    limit, collected = LIMIT, collecting

    def wrapper(*args: P.args, **kwargs: P.kwargs) -> R:
        if live._TRACER_PROVIDER is not None or collected:
            return full(*args, **kwargs)
        token = None if marks() is None else enter(unmarked)
        started = clock()
        try:
            result = measured(*args, **kwargs)
        except anything:
            append(clock() - started)
            if size(pending) >= limit:
                settle()
            raise
        finally:
            if token is not None:
                back(token)
        if kind(result) is coroutine_type:
            return late(run(plan, args, kwargs), result)
        append(clock() - started)
        if size(pending) >= limit:
            settle()
        return result

    return wrapper


def _timed_coroutine(
    measured: Callable[P, Awaitable[R]], observer: Duration, full: Callable[P, Coroutine[Any, Any, R]]
) -> Callable[P, Coroutine[Any, Any, R]]:
    live, size = provided(), len
    clock, marks, enter, back, unmarked = perf_counter, current_marks.get, current_marks.set, leave, NO_MARKS
    append, pending, settle = observer.buffer.append, observer.buffer.pending, observer.buffer.settle
    limit, collected = LIMIT, collecting

    async def wrapper(*args: P.args, **kwargs: P.kwargs) -> R:
        if live._TRACER_PROVIDER is not None or collected:
            return await full(*args, **kwargs)
        token = None if marks() is None else enter(unmarked)
        started = clock()
        try:
            return await measured(*args, **kwargs)
        finally:
            append(clock() - started)
            if token is not None:
                back(token)
            if size(pending) >= limit:
                settle()

    return wrapper


def _requested(measured: Callable[P, R], observer: Request, full: Callable[P, R], plan: Plan) -> Callable[P, R]:
    live = provided()
    kind, size, coroutine_type, late, run, cause = type, len, CoroutineType, rest, Run, decided
    anything = BaseException
    clock, enter, back, end = perf_counter, current_marks.set, current_marks.reset, observer.end
    append, pending, settle = observer.buffer.append, observer.buffer.pending, observer.buffer.settle
    limit, collected = LIMIT, collecting

    def wrapper(*args: P.args, **kwargs: P.kwargs) -> R:
        if live._TRACER_PROVIDER is not None or collected:
            return full(*args, **kwargs)
        started = clock()
        marks: Marks = []
        token = enter(marks)
        try:
            result = measured(*args, **kwargs)
        except anything as error:
            end(started, cause(error, marks), None)
            raise
        finally:
            back(token)
        if kind(result) is coroutine_type:
            going_on = run(plan, args, kwargs)
            going_on.adopt(marks)
            return late(going_on, result)
        if marks:
            end(started, marks[0], None)
            return result
        append(clock() - started)
        if size(pending) >= limit:
            settle()
        return result

    return wrapper


def _requested_coroutine(
    measured: Callable[P, Awaitable[R]], observer: Request, full: Callable[P, Coroutine[Any, Any, R]]
) -> Callable[P, Coroutine[Any, Any, R]]:
    live, size, cause, anything, elsewhere = provided(), len, decided, BaseException, ValueError
    clock, enter, end = perf_counter, current_marks.set, observer.end
    append, pending, settle = observer.buffer.append, observer.buffer.pending, observer.buffer.settle
    limit, collected = LIMIT, collecting
    back, abandon = current_marks.reset, leave

    async def wrapper(*args: P.args, **kwargs: P.kwargs) -> R:
        if live._TRACER_PROVIDER is not None or collected:
            return await full(*args, **kwargs)
        started = clock()
        marks: Marks = []
        token = enter(marks)
        try:
            result = await measured(*args, **kwargs)
        except anything as error:
            end(started, cause(error, marks), None)
            raise
        finally:
            try:  # noqa: SIM105 - `suppress` would cost a third of all this
                (abandon if collected else back)(token)
            except elsewhere:
                # closed from another context, whose marks are not this call's
                pass
        if marks:
            end(started, marks[0], None)
            return result
        append(clock() - started)
        if size(pending) >= limit:
            settle()
        return result

    return wrapper
