"""One call of a measured function, with all the decorators stacked on it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextvars import Token
from typing import Any, Protocol, TypeVar

from golden_runtime.collecting import collecting, collects_here
from golden_runtime.frames import named
from golden_runtime.hooks import is_own_failure
from golden_runtime.labels import Observer
from golden_runtime.outcomes import Marks, UnsuccessfulResult, current_marks, decided
from golden_runtime.reporting import report_once
from golden_runtime.tracing import OpenSpan, Provided, SpanObservers, provided

R = TypeVar("R")
Predicate = Callable[[Any], object]


class Chooser(Protocol):
    """Gives each call its observer: `fixed`, or where that is None, what `choose` returns."""

    @property
    def fixed(self) -> Observer | None:
        """The observer of all calls."""

    def choose(self, args: tuple[object, ...], kwargs: Mapping[str, object]) -> Observer:
        """Return the observer of a call with these arguments. Never raises an `Exception`."""


class Plan:
    """What to do for every call of a function: the observers of all its decorators, the outermost first."""

    __slots__ = ("__weakref__", "_fixed", "_live", "_unseen", "_unseen_fixed", "choosers", "function", "predicates")

    def __init__(
        self, function: Callable[..., Any], choosers: tuple[Chooser, ...], predicates: tuple[Predicate, ...] = ()
    ) -> None:
        self.function = function
        self.choosers = choosers
        self.predicates = predicates
        self._fixed = _fixed(choosers)
        # what there is to do as long as nobody would see a span
        self._unseen = tuple(chooser for chooser in choosers if not isinstance(chooser, SpanObservers))
        self._unseen_fixed = _fixed(self._unseen)
        self._live = provided() if self.is_traced else Provided(None)

    @property
    def only(self) -> Observer | None:
        """The observer, where there is one for all calls and, but for spans, nothing else to do."""
        return self._unseen[0].fixed if len(self._unseen) == 1 and not self.predicates else None

    @property
    def is_traced(self) -> bool:
        """Whether calls may have spans."""
        return len(self._unseen) < len(self.choosers)

    @property
    def has_spans(self) -> bool:
        """Whether somebody would see the spans of a call that begins now."""
        return self._live._TRACER_PROVIDER is not None

    def observers(self, args: tuple[object, ...], kwargs: Mapping[str, object], *, spans: bool) -> Iterable[Observer]:
        """Return the observers of a call with these arguments, those of its spans only where they are asked for."""
        fixed, choosers = (self._fixed, self.choosers) if spans else (self._unseen_fixed, self._unseen)
        if fixed is not None:
            return fixed
        return [chooser.fixed or chooser.choose(args, kwargs) for chooser in choosers]


def _fixed(choosers: tuple[Chooser, ...]) -> tuple[Observer, ...] | None:
    """Return the observers that are the same for every call, or None where a label is computed."""
    found = tuple(chooser.fixed for chooser in choosers)
    return None if None in found else found  # type: ignore[return-value]  # as it says


class Run:
    """A running call. Its marks, and its spans, are the current ones from `resume` to `suspend`."""

    __slots__ = ("_marks", "_observed", "_plan", "_spans", "_token")

    def __init__(self, plan: Plan, args: tuple[object, ...], kwargs: Mapping[str, object]) -> None:
        self._plan = plan
        self._marks: Marks = []
        self._token: Token[Marks | None] | None = None
        spans = plan.has_spans
        self._observed = [(observer, observer.begin()) for observer in plan.observers(args, kwargs, spans=spans)]
        self._spans = [state for _, state in self._observed if type(state) is OpenSpan] if spans else ()

    def adopt(self, marks: Marks) -> None:
        """Go on with the marks of a call that began without this."""
        self._marks = marks

    def resume(self) -> None:
        """Have the call's own code run from now on."""
        if collecting and collects_here():
            return
        self._token = current_marks.set(self._marks)
        for span in self._spans:
            span.attach()

    def suspend(self) -> None:
        """Have the caller's code, or the consumer's, run from now on."""
        for span in reversed(self._spans):
            span.detach()
        leave(self._token)
        self._token = None

    def end(self, error: BaseException | None, result: object) -> None:
        """Have every observer record how the call ended."""
        if self._marks:
            error = decided(error, self._marks)
        elif error is None and self._plan.predicates:
            error = self._unsuccessful(result)
        for observer, state in reversed(self._observed):
            observer.end(state, error, result)

    def _unsuccessful(self, result: object) -> BaseException | None:
        for predicate in self._plan.predicates:
            try:
                if not predicate(result):
                    return UnsuccessfulResult("`success_when` does not hold for the result")
            except Exception as error:  # whatever a user's function raises, the measured call goes on
                if not is_own_failure(error):
                    raise
                report_once(f"`success_when` of `{self._plan.function!r}` failed, so the call counts as a success")
        return None


def rest(run: Run, returned: R) -> R:
    """Return a coroutine that goes on with the call of a plain function, whose work is in the coroutine that it returned.

    So it is where another decorator has hidden that the function is a coroutine function. The call ends with what is
    awaited; one that is never awaited has never been.
    """
    coroutine: Any = returned

    async def awaited() -> Any:
        run.resume()
        try:
            result = await coroutine
        except BaseException as error:  # cancellation is an outcome too
            run.end(error, None)
            raise
        else:
            run.end(None, result)
            return result
        finally:
            run.suspend()

    going_on: Any = named(awaited(), coroutine)
    measured: R = going_on
    return measured


def leave(token: Token[Marks | None] | None) -> None:
    """Set back the marks that were current before.

    Does nothing in another context, from which a coroutine may be closed, nor where the garbage collector closes it.
    """
    if token is None or (collecting and collects_here()):
        return
    try:
        current_marks.reset(token)
    except ValueError:
        return
