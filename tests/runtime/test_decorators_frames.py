"""Stack levels and globals: a decorated function blames the same line as before, and lives in the same module."""

from __future__ import annotations

import asyncio
import builtins
import functools
import inspect
import logging
import warnings
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from exposed import value
from golden_runtime import CircuitBreaker, counted, retry, timed, track_errors, track_request


def warn() -> None:
    """Warn about the line that called the caller."""
    warnings.warn("old", DeprecationWarning, stacklevel=3)


def old() -> None:
    """Warn about the line that calls this, by way of a helper."""
    warn()


async def old_coroutine() -> None:
    """Warn about the line that awaits this."""
    warn()


@pytest.mark.parametrize(
    "decorate",
    [
        counted("frames.calls"),
        timed("frames.duration"),
        track_request("frames.op"),
        track_errors("frames.errors"),
        track_request("frames.labelled", {"kind": lambda: "any"}),
        lambda function: timed("frames.stacked")(counted("frames.stacked")(function)),
    ],
    ids=["counted", "timed", "tracked", "errors", "labelled", "stacked"],
)
def test_stack_levels_count_as_undecorated(decorate: Callable[[Callable[..., Any]], Callable[..., Any]]) -> None:
    """A warning is shown for the caller's line whether the function is decorated or not."""
    measured, measured_coroutine = decorate(old), decorate(old_coroutine)

    async def awaiting() -> None:
        await measured_coroutine()

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        measured()
        asyncio.run(awaiting())
    here = [(each.filename, each.lineno) for each in caught]
    assert here == [(__file__, line() - 3), (__file__, line() - 7)]


def test_each_decorated_function_has_code_of_its_own() -> None:
    """Libraries note by code which calls must not be interrupted, or are to be hidden: that is said of one function, not of all."""
    one, other = counted("frames.one")(old), counted("frames.other")(old)
    assert one.__code__ is not other.__code__


def test_log_lines_name_the_caller(caplog: pytest.LogCaptureFixture) -> None:
    """`stacklevel` of a log call in a decorated function names the line that called the function."""

    @track_request("frames.logged")
    def logged() -> None:
        logging.getLogger("frames").warning("here", stacklevel=2)

    logged()
    assert (caplog.records[0].filename, caplog.records[0].lineno) == ("test_decorators_frames.py", line() - 1)


def line() -> int:
    """Return the line that this is called on."""
    frame = inspect.currentframe()
    assert frame is not None
    assert frame.f_back is not None
    return frame.f_back.f_lineno


class Order:
    """What an annotation below names."""


def place(order: "Order") -> "Order":  # noqa: UP037 - as under `from __future__ import annotations` elsewhere
    """Give the order back."""
    return order


@pytest.mark.parametrize("decorate", [counted("frames.a"), timed("frames.b"), track_request("frames.c")])
def test_defaults_are_those_of_the_function(decorate: Callable[[Callable[..., Any]], Callable[..., Any]]) -> None:
    """What reads the defaults of what it is given finds the function's; what fills in those of keywords reaches the function."""

    def pack(order: str, note: str = "none", *, gift: bool = False) -> tuple[str, str, bool]:
        return order, note, gift

    measured: Any = decorate(pack)
    assert measured.__defaults__ == ("none",)
    measured.__kwdefaults__["gift"] = True
    assert measured("shoes") == ("shoes", "none", True)
    assert measured("shoes", "red", gift=False) == ("shoes", "red", False)
    with pytest.raises(TypeError, match="order"):
        measured()


@pytest.mark.parametrize("decorate", [counted("frames.a"), timed("frames.b"), track_request("frames.c")])
def test_annotations_as_text_are_found(decorate: Callable[[Callable[..., Any]], Callable[..., Any]]) -> None:
    """Frameworks that look up an annotation in the globals of what they are given find what the function's module holds."""
    measured: Any = decorate(place)
    assert measured.__globals__["Order"] is Order
    assert isinstance(measured(Order()), Order)


@pytest.mark.parametrize(
    "decorate",
    [
        counted("frames.d"),
        track_request("frames.e"),
        retry(),
        CircuitBreaker("frames.f"),
        lambda function: retry()(timed("frames.g")(function)),
    ],
    ids=["counted", "tracked", "retried", "protected", "stacked"],
)
def test_parameters_are_seen_without_following_wrappers(
    decorate: Callable[[Callable[..., Any]], Callable[..., Any]],
) -> None:
    """`getfullargspec`, by which task queues and RPC servers learn what to take, gives what it gave."""
    here: dict[str, Any] = {}
    source = "def plain(first: int, second: int = 2, *, third: int = 3) -> int: return first + second + third"
    # a module without `from __future__ import annotations`
    exec(compile(source, "plain", "exec", dont_inherit=True), here)  # noqa: S102 - it is ours
    assert inspect.getfullargspec(decorate(here["plain"])) == inspect.getfullargspec(here["plain"])


@pytest.mark.parametrize("decorate", [track_request("frames.h"), retry(), CircuitBreaker("frames.i")])
def test_annotations_as_text_are_evaluated(decorate: Callable[[Callable[..., Any]], Callable[..., Any]]) -> None:
    """Whoever asks for annotations as objects gets them, as without the decorator."""
    assert inspect.signature(decorate(place), eval_str=True) == inspect.signature(place, eval_str=True)


def test_a_wrapper_of_other_code_keeps_its_own_parameters() -> None:
    """What `getfullargspec` and `signature` say of another decorator's wrapper, they say of it when it is measured."""

    @functools.wraps(place)
    def wrapper(*args: Any) -> Any:
        return place(*args)

    measured = track_request("frames.j")(wrapper)
    assert inspect.getfullargspec(measured).varargs == "args"
    assert inspect.signature(measured) == inspect.signature(place)


def test_code_with_other_builtins_is_measured() -> None:
    """A function that runs with built-ins of its own keeps them for itself."""
    namespace: dict[str, Any] = {"__builtins__": {}}
    exec("def fail(): return missing", namespace)  # noqa: S102 - what sandboxes do
    with pytest.raises(NameError, match="missing"):
        track_request("frames.sandboxed")(namespace["fail"])()


# What a project may have: names of its own for all that is built in, exceptions first of all.
SHADOWING = """
def plain(error):
    if error: raise error
async def coroutine(error):
    if error: raise error
def generator(error):
    yield
    if error: raise error
async def async_generator(error):
    yield
    if error: raise error
"""


def call(measured: Callable[..., Any], *arguments: object) -> None:
    """Call a function of any kind, to its end."""

    async def awaiting() -> None:
        if inspect.isasyncgenfunction(measured):
            async for _ in measured(*arguments):
                pass
        else:
            await measured(*arguments)

    if inspect.isasyncgenfunction(measured) or inspect.iscoroutinefunction(measured):
        asyncio.run(awaiting())
    elif inspect.isgeneratorfunction(measured):
        list(measured(*arguments))
    else:
        measured(*arguments)


@pytest.mark.parametrize("kind", ["plain", "coroutine", "generator", "async_generator"])
@pytest.mark.parametrize(
    ("decorate", "count", "labels"),
    [
        (counted, "_total", {}),
        (timed, "_seconds_count", {}),
        (track_errors, "_total", {"error_type": "LookupError"}),
        (track_request, "_errors_total", {"error_type": "LookupError"}),
        (lambda name: track_request(name, {"kind": lambda _: "any"}), "_duration_seconds_count", {"kind": "any"}),
    ],
    ids=["counted", "timed", "errors", "tracked", "labelled"],
)
def test_a_module_may_shadow_built_in_names(decorate: Any, count: str, labels: dict[str, str], kind: str) -> None:
    """A function is measured, and works, whatever its module calls `BaseException`, `len` or `StopIteration`."""
    namespace: dict[str, Any] = dict.fromkeys(dir(builtins)) | {"__builtins__": builtins}
    exec(SHADOWING, namespace)  # noqa: S102 - stands for a module
    name = f"frames_shadowed_{uuid4().hex}"
    measured = decorate(name)(namespace[kind])
    call(measured, None)
    with pytest.raises(LookupError):
        call(measured, LookupError())
    assert value(name + count, **labels) == (1.0 if "error_type" in labels else 2.0)
