"""The same wrapping, for the decorators that are on every hot path: one decorator, constant labels, no tracing.

What `Run` does for all cases in a few calls of Python is written out here, because each of these calls costs as much as
everything else. The figures are in `benchmarks/`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine
from time import perf_counter
from typing import Any, ParamSpec, TypeVar

from golden_runtime.labels import Observer
from golden_runtime.observers import CallCount, Duration, Request
from golden_runtime.outcomes import NO_MARKS, Marks, current_marks, decided
from golden_runtime.recording import LIMIT
from golden_runtime.runs import leave
from golden_runtime.tracing import IS_INSTALLED

P = ParamSpec("P")
R = TypeVar("R")


def function(measured: Callable[P, R], observer: Observer | None) -> Callable[P, R] | None:
    """Return a function that has each of its calls observed, or None where this is no quick case."""
    if isinstance(observer, CallCount):
        return _counted(measured, observer)
    if IS_INSTALLED:
        # durations carry exemplars
        return None
    if isinstance(observer, Duration):
        return _timed(measured, observer)
    return _requested(measured, observer) if isinstance(observer, Request) else None


def coroutine(
    measured: Callable[P, Awaitable[R]], observer: Observer | None
) -> Callable[P, Coroutine[Any, Any, R]] | None:
    """Return a coroutine function that has each of its calls observed, or None where this is no quick case."""
    if isinstance(observer, CallCount):
        return _counted_coroutine(measured, observer)
    if IS_INSTALLED:
        return None
    if isinstance(observer, Duration):
        return _timed_coroutine(measured, observer)
    return _requested_coroutine(measured, observer) if isinstance(observer, Request) else None


def _counted(measured: Callable[P, R], observer: CallCount) -> Callable[P, R]:
    count, marks, enter = observer.begin, current_marks.get, current_marks.set

    def wrapper(*args: P.args, **kwargs: P.kwargs) -> R:
        count()
        if marks() is None:
            return measured(*args, **kwargs)
        # within another measured call, which must not be marked by this one
        token = enter(NO_MARKS)
        try:
            return measured(*args, **kwargs)
        finally:
            leave(token)

    return wrapper


def _counted_coroutine(measured: Callable[P, Awaitable[R]], observer: CallCount) -> Callable[P, Coroutine[Any, Any, R]]:
    count, marks, enter = observer.begin, current_marks.get, current_marks.set

    async def wrapper(*args: P.args, **kwargs: P.kwargs) -> R:
        count()
        if marks() is None:
            return await measured(*args, **kwargs)
        token = enter(NO_MARKS)
        try:
            return await measured(*args, **kwargs)
        finally:
            leave(token)

    return wrapper


def _timed(measured: Callable[P, R], observer: Duration) -> Callable[P, R]:
    clock, marks, enter = perf_counter, current_marks.get, current_marks.set
    append, pending, settle = observer.buffer.append, observer.buffer.pending, observer.buffer.settle
    limit = LIMIT

    def wrapper(*args: P.args, **kwargs: P.kwargs) -> R:
        token = None if marks() is None else enter(NO_MARKS)
        started = clock()
        try:
            return measured(*args, **kwargs)
        finally:
            append(clock() - started)
            if token is not None:
                leave(token)
            if len(pending) >= limit:
                settle()

    return wrapper


def _timed_coroutine(measured: Callable[P, Awaitable[R]], observer: Duration) -> Callable[P, Coroutine[Any, Any, R]]:
    clock, marks, enter = perf_counter, current_marks.get, current_marks.set
    append, pending, settle = observer.buffer.append, observer.buffer.pending, observer.buffer.settle
    limit = LIMIT

    async def wrapper(*args: P.args, **kwargs: P.kwargs) -> R:
        token = None if marks() is None else enter(NO_MARKS)
        started = clock()
        try:
            return await measured(*args, **kwargs)
        finally:
            append(clock() - started)
            if token is not None:
                leave(token)
            if len(pending) >= limit:
                settle()

    return wrapper


def _requested(measured: Callable[P, R], observer: Request) -> Callable[P, R]:
    clock, enter, back, end = perf_counter, current_marks.set, current_marks.reset, observer.end
    append, pending, settle = observer.buffer.append, observer.buffer.pending, observer.buffer.settle
    limit = LIMIT

    def wrapper(*args: P.args, **kwargs: P.kwargs) -> R:
        started = clock()
        marks: Marks = []
        token = enter(marks)
        try:
            result = measured(*args, **kwargs)
        except BaseException as error:
            end(started, decided(error, marks), None)
            raise
        finally:
            back(token)
        if marks:
            end(started, marks[0], None)
            return result
        append(clock() - started)
        if len(pending) >= limit:
            settle()
        return result

    return wrapper


def _requested_coroutine(measured: Callable[P, Awaitable[R]], observer: Request) -> Callable[P, Coroutine[Any, Any, R]]:
    clock, enter, end = perf_counter, current_marks.set, observer.end
    append, pending, settle = observer.buffer.append, observer.buffer.pending, observer.buffer.settle
    limit = LIMIT
    back = current_marks.reset

    async def wrapper(*args: P.args, **kwargs: P.kwargs) -> R:
        started = clock()
        marks: Marks = []
        token = enter(marks)
        try:
            result = await measured(*args, **kwargs)
        except BaseException as error:
            end(started, decided(error, marks), None)
            raise
        finally:
            try:  # noqa: SIM105 - `suppress` would cost a third of all this
                back(token)
            except ValueError:
                # closed from another context, whose marks are not this call's
                pass
        if marks:
            end(started, marks[0], None)
            return result
        append(clock() - started)
        if len(pending) >= limit:
            settle()
        return result

    return wrapper
