"""Wrapping a function so that every call is observed, and so that it stays the kind of function it was."""

from __future__ import annotations

import functools
import inspect
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Generator
from types import CoroutineType
from typing import Any, ParamSpec, TypeVar
from weakref import ReferenceType, WeakKeyDictionary, ref

from golden_runtime import quick
from golden_runtime.frames import disguised, passed_over
from golden_runtime.metrics import configuration
from golden_runtime.runs import Chooser, Plan, Predicate, Run, rest

P = ParamSpec("P")
R = TypeVar("R")
Y = TypeVar("Y")
S = TypeVar("S")
# The type of the function itself: overloads and generic functions survive it, which they would not with ParamSpec.
F = TypeVar("F", bound=Callable[..., Any])

# The plans of functions that are measured already: a further decorator joins the plan, so that a call has one set of marks
# however many decorators are stacked on it. A decorator of other code in between makes it two functions. A wrapper keeps its
# plan alive, nothing else does: the function of a plan may lead back to its wrapper, as one that calls itself does.
_plans: WeakKeyDictionary[Callable[..., Any], ReferenceType[Plan]] = WeakKeyDictionary()


class Decorator:
    """Measures the functions it is applied to."""

    def __init__(
        self,
        name: str,
        observe: Callable[[Callable[..., Any]], tuple[Chooser, ...]],
        success_when: Predicate | None = None,
    ) -> None:
        if success_when is not None and (not callable(success_when) or inspect.iscoroutinefunction(success_when)):
            raise TypeError(
                f"`success_when` of `{name}` must be a plain function of the result, not `{success_when!r}`"
            )
        self._name = name
        self._observe = observe
        self._success_when = success_when

    def __call__(self, function: F) -> F:
        """Return the function, measured: of the same kind, with the same signature and metadata.

        Raises TypeError for what is not a function: a class, a property.
        """
        if isinstance(function, staticmethod | classmethod):
            return type(function)(self._measured(function.__func__))
        measured: F = self._measured(function)
        return measured

    def _measured(self, function: Callable[..., Any]) -> Any:
        if not callable(function) or isinstance(function, type):
            raise TypeError(
                f"`{self._name}` measures functions and methods, not `{function!r}`: put it on a function, below `@property`"
            )
        choosers = self._observe(function)
        if not configuration().enabled:
            return function
        return measure(function, choosers, self._success_when)


def measure(
    function: Callable[..., Any], choosers: tuple[Chooser, ...], success_when: Predicate | None = None
) -> Callable[..., Any]:
    """Return a function of the same kind that has each of its calls observed."""
    found = _plans.get(function) if inspect.isfunction(function) else None
    plan = (found and found()) or Plan(function, ())
    predicates = (success_when, *plan.predicates) if success_when else plan.predicates
    plan = Plan(plan.function, (*choosers, *plan.choosers), predicates)
    wrapper = disguised(_wrap(plan), function)
    _plans[wrapper] = ref(plan)
    return wrapper


def _wrap(plan: Plan) -> Callable[..., Any]:
    function = plan.function
    # an object with an `async def __call__` is no coroutine function by itself
    is_plain = inspect.isroutine(function) or isinstance(function, functools.partial)
    called = function if is_plain else type(function).__call__
    if inspect.isasyncgenfunction(called):
        if plan.predicates:
            raise TypeError(f"`success_when` asks about a result, and the async generator `{function!r}` has none")
        return _wrap_async_generator(function, plan)
    if inspect.iscoroutinefunction(called):
        return quick.coroutine(function, plan, passed_over(_wrap_coroutine(function, plan), function))
    if inspect.isgeneratorfunction(called):
        return _wrap_generator(function, plan)
    return quick.function(function, plan, passed_over(_wrap_function(function, plan), function))


# The wrappers use no name of this module, nor a built-in one: they run with the globals of what they measure (see `frames`),
# which may have an exception of their own called `BaseException`.


def _wrap_function(function: Callable[P, R], plan: Plan) -> Callable[P, R]:
    new_run, kind, coroutine_type, late, anything = Run, type, CoroutineType, rest, BaseException

    def wrapper(*args: P.args, **kwargs: P.kwargs) -> R:
        run = new_run(plan, args, kwargs)
        run.resume()
        try:
            result = function(*args, **kwargs)
        except anything as error:
            run.end(error, None)
            raise
        else:
            if kind(result) is coroutine_type:
                return late(run, result)
            run.end(None, result)
            return result
        finally:
            run.suspend()

    return wrapper


def _wrap_coroutine(function: Callable[P, Awaitable[R]], plan: Plan) -> Callable[P, Coroutine[Any, Any, R]]:
    new_run, anything = Run, BaseException

    async def wrapper(*args: P.args, **kwargs: P.kwargs) -> R:
        run = new_run(plan, args, kwargs)
        run.resume()
        try:
            result = await function(*args, **kwargs)
        except anything as error:
            run.end(error, None)
            raise
        else:
            run.end(None, result)
            return result
        finally:
            run.suspend()

    return wrapper


def _wrap_generator(function: Callable[P, Generator[Y, S, R]], plan: Plan) -> Callable[P, Generator[Y, S, R]]:
    new_run, anything, closing, returning = Run, BaseException, GeneratorExit, StopIteration

    def wrapper(*args: P.args, **kwargs: P.kwargs) -> Generator[Y, S, R]:
        run = new_run(plan, args, kwargs)
        run.resume()
        try:
            generator = function(*args, **kwargs)
            step: Callable[[Any], Y] = generator.send
            given: Any = None
            while True:
                # outside the blocks below: else what the generator raises would carry an error thrown in as its context
                item = step(given)
                run.suspend()
                try:
                    given = yield item
                    step = generator.send
                except closing as error:
                    run.resume()
                    returned = generator.close()  # type: ignore[func-returns-value]  # it may, from CPython 3.13 on
                    if returned is None:
                        raise
                    run.end(error, None)
                    return returned
                except anything as error:
                    step, given = generator.throw, error
                run.resume()
        except returning as stop:
            run.end(None, stop.value)
            result: R = stop.value
            return result
        except anything as error:
            run.end(error, None)
            raise
        finally:
            run.suspend()

    return wrapper


def _wrap_async_generator(function: Callable[P, AsyncGenerator[Y, S]], plan: Plan) -> Callable[P, AsyncGenerator[Y, S]]:
    new_run, anything, closing, returning = Run, BaseException, GeneratorExit, StopAsyncIteration

    async def wrapper(*args: P.args, **kwargs: P.kwargs) -> AsyncGenerator[Y, S]:
        run = new_run(plan, args, kwargs)
        run.resume()
        try:
            generator = function(*args, **kwargs)
            step: Callable[[Any], Awaitable[Y]] = generator.asend
            given: Any = None
            while True:
                item = await step(given)
                run.suspend()
                try:
                    given = yield item
                    step = generator.asend
                except closing:
                    run.resume()
                    await generator.aclose()
                    raise
                except anything as error:
                    step, given = generator.athrow, error
                run.resume()
        except returning:
            run.end(None, None)
        except anything as error:
            run.end(error, None)
            raise
        finally:
            run.suspend()

    return wrapper
