"""measure_memory: the peak of what a call allocates."""

import asyncio
import threading
import tracemalloc

import pytest
from exposed import run_script, value
from golden_runtime import measure_memory

MEGABYTE = 1_000_000


def test_the_peak_is_what_a_call_held_at_most(name: str) -> None:
    """What was released before the call ended counts; what was there before it does not."""
    held = bytearray(5 * MEGABYTE)

    @measure_memory(f"{name}.peak")
    def work() -> int:
        return len(bytearray(3 * MEGABYTE))

    assert value(f"{name}_peak_bytes") == 0.0
    work()
    peak = value(f"{name}_peak_bytes")
    assert peak is not None
    assert 3 * MEGABYTE <= peak < 4 * MEGABYTE
    assert len(held) == 5 * MEGABYTE


def test_each_call_has_its_own_peak(name: str) -> None:
    """The gauge shows the last call, not the largest."""

    @measure_memory(name)
    def work(size: int) -> None:
        bytearray(size)

    work(3 * MEGABYTE)
    work(1 * MEGABYTE)
    peak = value(f"{name}_bytes")
    assert peak is not None
    assert peak < 2 * MEGABYTE


def test_nested_calls_keep_their_peaks_apart(name: str) -> None:
    """An inner call's end does not hide the outer call's peak, and the outer one's does not count for the inner."""

    @measure_memory(f"{name}.inner")
    def inner() -> None:
        bytearray(1 * MEGABYTE)

    @measure_memory(f"{name}.outer")
    def outer() -> None:
        bytearray(4 * MEGABYTE)
        inner()

    outer()
    shown = (value(f"{name}_inner_bytes"), value(f"{name}_outer_bytes"))
    assert shown == (pytest.approx(1 * MEGABYTE, rel=0.2), pytest.approx(4 * MEGABYTE, rel=0.2))


def test_tracing_stops_with_the_last_call(name: str) -> None:
    """Calls that overlap share the tracing that the first of them began, and the last one ends it."""

    @measure_memory(name)
    async def work(release: asyncio.Event) -> None:
        await release.wait()

    async def drive() -> list[bool]:
        events = [asyncio.Event(), asyncio.Event()]
        tasks = [asyncio.create_task(work(event)) for event in events]
        await asyncio.sleep(0)
        seen = [tracemalloc.is_tracing()]
        for event, task in zip(events, tasks, strict=True):
            event.set()
            await task
            seen.append(tracemalloc.is_tracing())
        return seen

    assert asyncio.run(drive()) == [True, True, False]


def test_tracing_that_was_on_stays_on(name: str) -> None:
    """Who traces for other reasons goes on tracing, whether the call returns or raises."""

    @measure_memory(name)
    def work() -> None:
        raise LookupError

    tracemalloc.start()
    try:
        with pytest.raises(LookupError):
            work()
        assert tracemalloc.is_tracing()
    finally:
        tracemalloc.stop()


def test_a_function_may_switch_tracing_off(name: str) -> None:
    """A call that ends without tracing still records what was seen, and the next one works."""

    @measure_memory(name)
    def work() -> str:
        tracemalloc.stop()
        return "done"

    assert [work(), work()] == ["done", "done"]
    assert not tracemalloc.is_tracing()


def test_threads_share_the_tracing(name: str) -> None:
    """However calls overlap in threads, tracing is off when the last of them has ended."""

    @measure_memory(name)
    def work() -> None:
        bytearray(MEGABYTE)

    threads = [threading.Thread(target=lambda: [work() for _ in range(20)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not tracemalloc.is_tracing()


def test_a_forked_process_traces_what_is_its_own() -> None:
    """A process that is forked while calls are open traces only its own calls, and waits for no thread of its parent."""
    run_script(
        """
        import os, signal, sys, threading, tracemalloc
        from golden_runtime import measure_memory

        sys.setswitchinterval(1e-6)

        @measure_memory("short")
        def work():
            return tracemalloc.is_tracing()

        @measure_memory("forking")
        def fork():
            child = os.fork()
            if child == 0:
                signal.alarm(5)
                seen = [tracemalloc.is_tracing(), work(), tracemalloc.is_tracing()]
                os._exit(seen != [False, True, False])
            return os.waitpid(child, 0)[1]

        stopped = threading.Event()

        def record():
            while not stopped.is_set():
                work()

        threads = [threading.Thread(target=record) for _ in range(3)]
        for thread in threads:
            thread.start()
        ended = [fork() for _ in range(50)]
        stopped.set()
        for thread in threads:
            thread.join()
        assert not any(ended), ended
        """
    )
