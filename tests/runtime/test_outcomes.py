"""Failures that a function handles and marks: `mark_failure`, one frame for each call of a function."""

import asyncio
import contextvars
import threading
from collections.abc import AsyncGenerator, Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import pytest
from exposed import lines, outcomes, run_script, statuses, value
from golden_runtime import (
    counted,
    mark_failure,
    timed,
    traced,
    track_adapter_request,
    track_cache_operation,
    track_errors,
    track_request,
)
from hypothesis import given, settings
from hypothesis import strategies as st


def test_a_marked_call_counts_as_failed(name: str) -> None:
    """The caller gets the result; the call, its error and its duration are recorded as a failure."""

    @track_request(name)
    def work() -> str:
        try:
            return str(int("no number"))
        except ValueError as error:
            mark_failure(error)
        return "fallback"

    assert work() == "fallback"
    assert outcomes(name) == {"failure": 1.0}
    assert value(f"{name}_errors_total", error_type="ValueError") == 1.0
    assert value(f"{name}_duration_seconds_count") == 1.0


def test_every_decorator_stacked_on_the_call_sees_the_mark(name: str) -> None:
    """Whichever order they are stacked in, all decorators of one function share its mark, across `staticmethod` too."""

    class Service:
        @track_request(f"{name}.outer")
        @staticmethod
        @counted(f"{name}.count")
        @track_errors(f"{name}.problems")
        @timed(f"{name}.time")
        @track_adapter_request(f"{name}.db")
        def work() -> None:
            mark_failure(ConnectionError())

    Service.work()
    assert outcomes(f"{name}_outer") == {"failure": 1.0}
    assert value(f"{name}_problems_total", error_type="ConnectionError") == 1.0
    labels = {"adapter": f"{name}.db", "operation": "work"}
    assert value(f"adapter_{name}_db_calls_total", **labels, status="failure") == 1.0


def test_a_marked_cache_lookup_is_neither_hit_nor_miss(name: str) -> None:
    """A cache that could not be asked has not missed."""

    @track_cache_operation(name, "get")
    def look_up() -> None:
        mark_failure(ConnectionError())

    look_up()
    assert (value(f"cache_{name}_hits_total"), value(f"cache_{name}_misses_total")) == (0.0, 0.0)
    assert statuses(f"cache_{name}_get_calls_total") == {"failure": 1.0}


def test_a_helper_marks_the_measured_function_it_serves(name: str) -> None:
    """A function that is not measured itself marks the innermost measured call it runs in."""

    def helper() -> None:
        mark_failure(ConnectionError())

    @track_request(f"{name}.inner")
    def inner() -> None:
        helper()

    @track_request(f"{name}.outer")
    def outer() -> None:
        inner()

    outer()
    assert outcomes(f"{name}_inner") == {"failure": 1.0}
    assert outcomes(f"{name}_outer") == {"success": 1.0}


@pytest.mark.parametrize("decorator", [counted, timed, traced], ids=lambda decorator: decorator.__name__)
def test_a_callee_never_marks_its_caller(name: str, decorator: Callable[[str], Any]) -> None:
    """That holds also where the callee's decorator has no use for the mark, for functions and coroutine functions."""

    @decorator(f"{name}.callee")
    def callee() -> None:
        mark_failure(ConnectionError())

    @decorator(f"{name}.callee")
    async def async_callee() -> None:
        mark_failure(ConnectionError())

    @track_request(f"{name}.caller")
    def caller() -> None:
        callee()

    @track_request(f"{name}.caller")
    async def async_caller() -> None:
        await async_callee()

    caller()
    asyncio.run(async_caller())
    assert outcomes(f"{name}_caller") == {"success": 2.0}


def test_recursive_calls_are_marked_apart(name: str) -> None:
    """A mark is for one call of a function, not for the function."""

    @track_request(name)
    def work(depth: int) -> None:
        if depth:
            work(depth - 1)
        else:
            mark_failure(ConnectionError())

    work(3)
    assert outcomes(name) == {"success": 3.0, "failure": 1.0}


def test_a_child_task_marks_its_own_call(name: str) -> None:
    """A measured child has its own frame; a helper that runs as a task, or in a thread, marks the function that waits for it."""

    def helper() -> None:
        mark_failure(ConnectionError())

    async def async_helper() -> None:
        helper()

    @track_request(f"{name}.child")
    async def child() -> None:
        helper()

    @track_request(f"{name}.parent")
    async def parent(*work: Callable[[], Any]) -> None:
        async with asyncio.TaskGroup() as group:
            for start in work:
                group.create_task(start())

    async def drive() -> None:
        await asyncio.gather(parent(child, child), parent(async_helper), parent(lambda: asyncio.to_thread(helper)))

    asyncio.run(drive())
    assert outcomes(f"{name}_child") == {"failure": 2.0}
    assert outcomes(f"{name}_parent") == {"success": 1.0, "failure": 2.0}


def test_a_task_that_outlives_its_parent_marks_nobody(name: str) -> None:
    """Once a call has ended it cannot fail any more, and nobody else fails in its place."""

    @track_request(f"{name}.parent")
    async def parent(release: asyncio.Event) -> "asyncio.Task[None]":
        async def late() -> None:
            await release.wait()
            mark_failure(ConnectionError())

        return asyncio.create_task(late())

    @track_request(f"{name}.caller")
    async def caller() -> None:
        release = asyncio.Event()
        task = await parent(release)
        release.set()
        await task

    asyncio.run(caller())
    assert outcomes(f"{name}_parent") == outcomes(f"{name}_caller") == {"success": 1.0}


def test_threads_are_marked_apart(name: str) -> None:
    """Calls that run at once in threads each have their own frame; a thread with a copied context marks its starter."""

    @track_request(name)
    def work(fails: bool, barrier: threading.Barrier) -> None:
        barrier.wait()
        if fails:
            with ThreadPoolExecutor(1) as pool:
                pool.submit(contextvars.copy_context().run, mark_failure, ConnectionError()).result()

    barrier = threading.Barrier(4)
    threads = [threading.Thread(target=work, args=(index == 0, barrier)) for index in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outcomes(name) == {"success": 3.0, "failure": 1.0}


def test_a_generator_and_its_consumer_are_marked_apart(name: str) -> None:
    """Between two steps the consumer's code runs: its mark is its own, and the generator's stays the generator's."""

    @track_request(f"{name}.generator")
    def numbers(fails: bool) -> Generator[int, None, None]:
        yield 1
        if fails:
            mark_failure(ConnectionError())
        yield 2

    @track_request(f"{name}.consumer")
    def consume(*, generator_fails: bool, fails: bool) -> None:
        for _ in numbers(generator_fails):
            if fails:
                mark_failure(ConnectionError())

    consume(generator_fails=True, fails=False)
    assert (outcomes(f"{name}_generator"), outcomes(f"{name}_consumer")) == ({"failure": 1.0}, {"success": 1.0})
    consume(generator_fails=False, fails=True)
    assert outcomes(f"{name}_generator") == {"failure": 1.0, "success": 1.0}
    assert outcomes(f"{name}_consumer") == {"failure": 1.0, "success": 1.0}


def test_an_async_generator_and_its_consumer_are_marked_apart(name: str) -> None:
    """As for generators, with steps that wait, and with tasks that the generator starts."""

    @track_request(f"{name}.generator")
    async def numbers() -> AsyncGenerator[int, None]:
        yield 1

        async def helper() -> None:
            mark_failure(ConnectionError())

        await asyncio.create_task(helper())
        yield 2

    @track_request(f"{name}.consumer")
    async def consume() -> None:
        async for _ in numbers():
            await asyncio.sleep(0)

    asyncio.run(consume())
    assert (outcomes(f"{name}_generator"), outcomes(f"{name}_consumer")) == ({"failure": 1.0}, {"success": 1.0})


def test_an_async_generator_that_is_closed_from_another_task_keeps_its_mark(name: str) -> None:
    """Neither the closing task's function nor the consumer fails; the generator's clean-up may mark it."""

    @track_request(f"{name}.generator")
    async def numbers() -> AsyncGenerator[int, None]:
        try:
            yield 1
        finally:
            mark_failure(ConnectionError())

    @track_request(f"{name}.closer")
    async def close(running: AsyncGenerator[int, None]) -> None:
        await running.aclose()

    @track_request(f"{name}.consumer")
    async def consume() -> None:
        running = numbers()
        await anext(running)
        await asyncio.create_task(close(running))

    asyncio.run(consume())
    assert outcomes(f"{name}_generator") == {"failure": 1.0}
    assert outcomes(f"{name}_closer") == outcomes(f"{name}_consumer") == {"success": 1.0}


def test_a_coroutine_may_be_closed_from_another_context(name: str, caplog: pytest.LogCaptureFixture) -> None:
    """A coroutine that is closed where it never ran is cancelled, in silence."""

    @track_request(name)
    async def work() -> None:
        await asyncio.Event().wait()

    async def forever() -> None:
        await work()

    coroutine = forever()
    loop = asyncio.new_event_loop()
    loop.run_until_complete(asyncio.wait([loop.create_task(asyncio.sleep(0))]))
    contextvars.copy_context().run(lambda: asyncio.run(_one_step(coroutine)))
    coroutine.close()
    loop.close()
    assert outcomes(name) == {"cancelled": 1.0}
    assert caplog.records == []


async def _one_step(coroutine: Any) -> None:
    asyncio.get_running_loop()
    coroutine.send(None)


def test_a_mark_stands_when_the_call_is_given_up_afterwards(name: str) -> None:
    """A call that was marked and then cancelled has failed; one that then raises has failed with what it raised."""

    @track_request(name)
    def work(error: BaseException) -> None:
        mark_failure(ConnectionError())
        raise error

    for error in (asyncio.CancelledError(), KeyError()):
        with pytest.raises(type(error)):
            work(error)
    assert outcomes(name) == {"failure": 2.0}
    assert value(f"{name}_errors_total", error_type="ConnectionError") == 1.0
    assert value(f"{name}_errors_total", error_type="KeyError") == 1.0


def test_the_first_mark_counts(name: str) -> None:
    """One call fails once, with what went wrong first."""

    @track_request(name)
    def work() -> None:
        mark_failure(ConnectionError())
        mark_failure(KeyError())

    work()
    assert outcomes(name) == {"failure": 1.0}
    assert value(f"{name}_errors_total", error_type="ConnectionError") == 1.0


def test_a_function_that_returns_a_coroutine_is_marked_in_both(name: str) -> None:
    """Where the work is in the coroutine that a plain function returns, what the function itself marked counts too."""

    async def rest() -> str:
        return "done"

    @track_request(name)
    def work() -> Any:
        mark_failure(LookupError("missing"))
        return rest()

    async def drive() -> object:
        return await work()

    assert asyncio.run(drive()) == "done"
    assert outcomes(name) == {"failure": 1.0}


def test_marking_outside_of_measured_functions_does_nothing() -> None:
    """A helper may mark wherever it is called from."""
    mark_failure(ConnectionError())


def test_only_exceptions_are_marks() -> None:
    """A text is no exception: the mistake shows where it is made."""
    with pytest.raises(TypeError, match="takes the exception that was handled"):
        mark_failure("down")  # type: ignore[arg-type]  # the mistake under test


Tree = tuple[bool, list["Tree"]]
TREES: st.SearchStrategy[Any] = st.recursive(
    st.tuples(st.booleans(), st.just([])),
    lambda children: st.tuples(st.booleans(), st.lists(children, max_size=3)),
    max_leaves=12,
)


@settings(deadline=None)
@given(tree=TREES, kinds=st.integers(min_value=0))
def test_exactly_the_marked_calls_fail(tree: Any, kinds: int) -> None:
    """However functions, coroutines and generators call each other, each call's outcome is what itself said."""
    name = f"tree_{uuid4().hex}"

    @track_request(f"{name}.function")
    def function(node: Any, kind: int) -> None:
        fails, children = node
        for child in children:
            run(child, kind // 3)
        if fails:
            mark_failure(ConnectionError())

    @track_request(f"{name}.generator")
    def generator(node: Any, kind: int) -> Generator[None, None, None]:
        fails, children = node
        if fails:
            mark_failure(ConnectionError())
        for child in children:
            run(child, kind // 3)
            yield

    @track_request(f"{name}.coroutine")
    async def coroutine(node: Any, kind: int) -> None:
        function(node, kind)

    def run(node: Any, kind: int) -> None:
        if kind % 3 == 0:
            function(node, kind)
        elif kind % 3 == 1:
            for _ in generator(node, kind):
                pass
        else:
            running = coroutine(node, kind)
            with pytest.raises(StopIteration):
                running.send(None)

    def count(node: Any, kind: int) -> tuple[int, int, int]:
        fails, children = node
        below = [count(child, kind // 3) for child in children]
        calls, marked = sum(one[0] for one in below), sum(one[1] for one in below)
        coroutines = sum(one[2] for one in below) + (kind % 3 == 2)
        return calls + 1, marked + fails, coroutines

    run(tree, kinds)
    calls, marked, coroutines = count(tree, kinds)
    seen: dict[str, float] = {"success": 0.0, "failure": 0.0}
    for kind in ("function", "generator"):
        for status, number in outcomes(f"{name}_{kind}").items():
            seen[status] += number
    assert seen == {"success": calls - marked, "failure": marked}
    assert outcomes(f"{name}_coroutine").get("success", 0.0) == coroutines


def test_error_types_come_from_a_bounded_set(name: str, caplog: pytest.LogCaptureFixture) -> None:
    """A program that makes exception classes as it runs has one series for what is beyond a hundred, and one warning."""

    @track_errors(name)
    def work(error: Exception) -> None:
        raise error

    for number in range(150):
        with pytest.raises(Exception, match="made"):
            work(type(f"Made{number}", (Exception,), {})("made"))
    assert len(lines(f"{name}_total{{")) == 101
    assert value(f"{name}_total", error_type="other") == 50.0
    assert sum("types of errors" in record.message for record in caplog.records) == 1


@pytest.mark.parametrize("module", ["asyncio", "concurrent.futures"])
def test_cancellations_of_modules_that_come_later(module: str) -> None:
    """A cancellation is told from a failure although the runtime was loaded before the module whose error it is."""
    script = f"""
        import importlib
        from golden_runtime import track_request
        from prometheus_client import REGISTRY

        @track_request("late.op")
        def give_up():
            raise importlib.import_module("{module}").CancelledError

        try:
            give_up()
        except BaseException:
            pass
        print(REGISTRY.get_sample_value("late_op_calls_total", {{"status": "cancelled"}}))
        """
    assert run_script(script).stdout.strip() == "1.0"
