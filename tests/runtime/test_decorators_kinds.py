"""Every kind of function: what the decorators keep of it, and how each way of ending is recorded."""

import asyncio
import functools
import gc
import inspect
import pickle
import threading
import weakref
from collections.abc import AsyncGenerator, Callable, Generator
from typing import Any
from uuid import uuid4

import pytest
from exposed import statuses, value
from golden_runtime import counted, timed, track_adapter_request, track_cache_operation, track_errors, track_request

DECORATORS = {
    "counted": lambda name: counted(name),
    "timed": lambda name: timed(name),
    "track_errors": lambda name: track_errors(name),
    "track_request": lambda name: track_request(name),
    "track_adapter_request": lambda name: track_adapter_request(name),
    "track_cache_operation": lambda name: track_cache_operation(name, "get"),
}


@pytest.fixture(params=sorted(DECORATORS))
def decorate(request: pytest.FixtureRequest) -> Any:
    """Each decorator in turn, with a metric name of its own."""
    return DECORATORS[request.param](f"kinds.{uuid4().hex}")


def plain(first: int, *, second: str = "b") -> str:
    """Say both."""
    return f"{first}{second}"


async def coroutine(first: int, *, second: str = "b") -> str:
    """Say both."""
    return f"{first}{second}"


def generator(first: int) -> Generator[int, int, str]:
    """Yield, and return what was sent."""
    sent = yield first
    return f"sent {sent}"


async def async_generator(first: int) -> AsyncGenerator[int, int]:
    """Yield what was sent."""
    sent = yield first
    yield sent


class Failing(Exception):
    """What the functions under test raise."""


@pytest.mark.parametrize("function", [plain, coroutine, generator, async_generator])
def test_kind_signature_name_and_documentation_are_kept(decorate: Any, function: Callable[..., Any]) -> None:
    """Frameworks ask `inspect` what a function is: the measured one answers as the bare one does."""
    measured = decorate(function)
    for question in (
        inspect.iscoroutinefunction,
        inspect.isgeneratorfunction,
        inspect.isasyncgenfunction,
        inspect.isfunction,
    ):
        assert question(measured) == question(function)
    assert inspect.signature(measured) == inspect.signature(function)
    assert (measured.__name__, measured.__qualname__, measured.__doc__, measured.__module__) == (
        function.__name__,
        function.__qualname__,
        function.__doc__,
        function.__module__,
    )
    assert measured.__wrapped__ is function


def test_results_and_arguments_pass_through_unchanged(decorate: Any) -> None:
    """A measured function takes the same arguments and gives the same result."""
    assert decorate(plain)(1, second="c") == "1c"
    assert asyncio.run(decorate(coroutine)(1, second="c")) == "1c"


def test_generators_pass_sent_values_and_the_return_value(decorate: Any) -> None:
    """`send` reaches the generator, and what it returns is the value of `yield from`."""
    running = decorate(generator)(7)
    assert next(running) == 7
    with pytest.raises(StopIteration) as stopped:
        running.send(8)
    assert stopped.value.value == "sent 8"


def test_async_generators_pass_sent_values(decorate: Any) -> None:
    """`asend` reaches the async generator."""

    async def drive() -> list[int]:
        running = decorate(async_generator)(7)
        return [await anext(running), await running.asend(8)]

    assert asyncio.run(drive()) == [7, 8]


def test_the_exception_is_the_very_one_raised(decorate: Any) -> None:
    """The caller sees the same exception object, with no context added to it."""
    raised = Failing()

    @decorate
    def fails() -> None:
        raise raised

    with pytest.raises(Failing) as seen:
        fails()
    assert seen.value is raised
    assert seen.value.__context__ is None


def test_methods_of_every_kind_are_measured(name: str) -> None:
    """Instance, class and static methods work, the decorator above or below `@staticmethod` and `@classmethod`."""

    class Service:
        @track_request(name)
        def method(self) -> str:
            return type(self).__name__

        @track_request(name)
        @classmethod
        def above(cls) -> str:
            return cls.__name__

        @classmethod
        @track_request(name)
        def below(cls) -> str:
            return cls.__name__

        @track_request(name)
        @staticmethod
        def static() -> str:
            return "static"

    assert [Service().method(), Service.above(), Service().below(), Service.static()] == ["Service"] * 3 + ["static"]
    assert statuses(f"{name}_calls_total") == {"success": 4.0}


def test_callable_objects_and_partials_are_measured(name: str) -> None:
    """An object with `__call__`, async or not, and a partial are measured as what they run."""

    class Handler:
        async def __call__(self) -> str:
            return "handled"

    handle = track_request(name)(Handler())
    show = track_request(name)(functools.partial(plain, 1))
    assert inspect.iscoroutinefunction(handle)
    assert (asyncio.run(handle()), show()) == ("handled", "1b")
    assert statuses(f"{name}_calls_total") == {"success": 2.0}


@pytest.mark.parametrize("wrong", [int, property(str), None, "text"])
def test_what_is_no_function_is_refused(decorate: Any, wrong: object) -> None:
    """A class, a property or a value is a mistake that shows at once, in one sentence."""
    with pytest.raises(TypeError, match="measures functions and methods"):
        decorate(wrong)


def test_module_level_functions_stay_picklable() -> None:
    """Process pools pickle functions by name: a measured one stays that name."""
    assert pickle.loads(pickle.dumps(measured_at_module_level))(2) == 3  # noqa: S301 - pickled in this line


@counted("kinds.module_level")
def measured_at_module_level(number: int) -> int:
    """Add one."""
    return number + 1


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (Failing(), "failure"),
        (asyncio.CancelledError(), "cancelled"),
        (KeyboardInterrupt(), "cancelled"),
        (SystemExit(0), "cancelled"),
        (GeneratorExit(), "cancelled"),
        (ExceptionGroup("both", [Failing()]), "failure"),
        (BaseExceptionGroup("both", [Failing(), asyncio.CancelledError()]), "failure"),
        (BaseExceptionGroup("all", [asyncio.CancelledError(), SystemExit()]), "cancelled"),
    ],
)
def test_status_says_how_a_call_ended(name: str, error: BaseException, status: str) -> None:
    """Errors are failures; whatever says that the caller gave up is `cancelled` and no error."""

    @track_request(name)
    def ends() -> None:
        raise error

    with pytest.raises(type(error)):
        ends()
    assert statuses(f"{name}_calls_total") == {status: 1.0}
    errors = value(f"{name}_errors_total", error_type=type(error).__name__)
    assert errors == (1.0 if status == "failure" else None)
    assert value(f"{name}_duration_seconds_count") == 1.0


def test_a_cancelled_task_is_cancelled(name: str) -> None:
    """Cancelling the task of a coroutine that waits is no failure of the coroutine."""

    @track_request(name)
    async def waits(entered: asyncio.Event) -> None:
        entered.set()
        await asyncio.Event().wait()

    async def drive() -> None:
        entered = asyncio.Event()
        task = asyncio.create_task(waits(entered))
        await entered.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(drive())
    assert statuses(f"{name}_calls_total") == {"cancelled": 1.0}


def hiding(function: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap a coroutine function in a plain one, as decorators do that know of no `async`."""

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        return function(*args, **kwargs)

    return call


@pytest.mark.parametrize("stacked", [False, True])
def test_a_coroutine_that_a_plain_function_returns_is_measured_to_its_end(name: str, *, stacked: bool) -> None:
    """Another decorator may hide that a function is a coroutine function: its failure is a failure all the same."""

    async def fails(error: BaseException | None) -> str:
        if error is not None:
            raise error
        return "done"

    measured = track_request(name)(hiding(fails))
    if stacked:
        measured = counted(f"{name}.extra")(measured)
    assert asyncio.run(measured(None)) == "done"
    with pytest.raises(Failing):
        asyncio.run(measured(Failing()))
    assert statuses(f"{name}_calls_total") == {"success": 1.0, "failure": 1.0}


def test_the_time_of_a_hidden_coroutine_is_that_of_its_work(name: str) -> None:
    """A duration is recorded when the coroutine ends, not when it was made."""

    @timed(f"{name}.duration")
    @hiding
    async def works() -> None:
        assert value(f"{name}_duration_seconds_count") == 0.0

    asyncio.run(works())
    assert value(f"{name}_duration_seconds_count") == 1.0


def test_a_generator_may_end_in_every_way(name: str) -> None:
    """Exhausted is success, closed early is cancelled, an error thrown in is a failure, never started is nothing."""

    @track_request(name)
    def numbers() -> Generator[int, None, None]:
        yield 1
        yield 2

    assert list(numbers()) == [1, 2]
    closed = numbers()
    next(closed)
    closed.close()
    thrown = numbers()
    next(thrown)
    with pytest.raises(Failing):
        thrown.throw(Failing())
    numbers().close()
    assert statuses(f"{name}_calls_total") == {"success": 1.0, "cancelled": 1.0, "failure": 1.0}


def test_a_generator_may_handle_what_is_thrown_in(name: str) -> None:
    """An error that the generator itself handles is none of the caller's."""

    @track_request(name)
    def steady() -> Generator[str, None, None]:
        try:
            yield "first"
        except Failing:
            yield "handled"

    running = steady()
    next(running)
    assert running.throw(Failing()) == "handled"
    assert list(running) == []
    assert statuses(f"{name}_calls_total") == {"success": 1.0}


def test_an_async_generator_may_end_in_every_way(name: str) -> None:
    """As for generators, and an `aclose` runs the generator's own clean-up first."""
    cleaned = []

    @track_request(name)
    async def numbers() -> AsyncGenerator[int, None]:
        try:
            yield 1
            yield 2
        finally:
            await asyncio.sleep(0)
            cleaned.append(True)

    async def drive() -> None:
        assert [number async for number in numbers()] == [1, 2]
        closed = numbers()
        await anext(closed)
        await closed.aclose()
        thrown = numbers()
        await anext(thrown)
        with pytest.raises(Failing):
            await thrown.athrow(Failing())
        await numbers().aclose()

    asyncio.run(drive())
    assert len(cleaned) == 3
    assert statuses(f"{name}_calls_total") == {"success": 1.0, "cancelled": 1.0, "failure": 1.0}


def test_an_async_generator_may_be_closed_from_another_task(name: str) -> None:
    """A server closes a response's stream from a task of its own: that is one cancelled call and no error."""

    @track_request(name)
    async def numbers() -> AsyncGenerator[int, None]:
        yield 1
        yield 2

    async def drive() -> None:
        running = numbers()
        await asyncio.create_task(anext(running))
        await asyncio.create_task(running.aclose())

    asyncio.run(drive())
    assert statuses(f"{name}_calls_total") == {"cancelled": 1.0}


def test_recursion_counts_every_call(name: str) -> None:
    """A function that calls itself is measured once for each call."""

    @track_request(name)
    def factorial(number: int) -> int:
        return 1 if number == 0 else number * factorial(number - 1)

    assert factorial(5) == 120
    assert statuses(f"{name}_calls_total") == {"success": 6.0}
    assert value(f"{name}_duration_seconds_count") == 6.0


def test_an_inner_function_goes_when_nobody_has_it(decorate: Any) -> None:
    """A function made in a call, that calls itself and holds what the call had, is freed as it was before."""

    class Held:
        """What the function holds."""

    def make() -> weakref.ref[Held]:
        held = Held()

        @decorate
        @timed(f"inner.{uuid4().hex}")
        def descend(number: int) -> object:
            return descend(number - 1) if number else held

        assert descend(2) is held
        return weakref.ref(held)

    held = make()
    gc.collect()
    assert held() is None


def test_threads_are_counted_exactly(name: str) -> None:
    """No call is lost or counted twice, whichever thread makes it."""

    @track_request(name)
    def work() -> None:
        pass

    def many() -> None:
        for _ in range(5_000):
            work()

    threads = [threading.Thread(target=many) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses(f"{name}_calls_total") == {"success": 40_000.0}
    assert value(f"{name}_duration_seconds_count") == 40_000.0


def test_several_event_loops_share_a_measured_coroutine(name: str) -> None:
    """Loops in threads of their own, one after another or at once, all count."""

    @track_request(name)
    async def work() -> None:
        await asyncio.sleep(0)

    threads = [threading.Thread(target=lambda: asyncio.run(work())) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    asyncio.run(work())
    assert statuses(f"{name}_calls_total") == {"success": 5.0}


def test_closing_a_generator_gives_what_it_gave_before(name: str) -> None:
    """From CPython 3.13 on, `close` returns what the generator returns; the call was given up all the same."""

    def numbers() -> Generator[int, None, str]:
        try:
            yield 1
        except GeneratorExit:
            return "closed"
        return "exhausted"

    def given(running: Any) -> object:
        next(running)
        return running.close()

    assert given(track_request(name)(numbers)()) == given(numbers())
    assert statuses(f"{name}_calls_total") == {"cancelled": 1.0}
