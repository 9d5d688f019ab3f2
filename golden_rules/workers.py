"""Sharing the work on files among processes, so that every processor is busy to the end.

Our own pool, because `concurrent.futures` cannot tell which file ended a worker, drops what the others were doing when one
dies, and does not end at once when it is interrupted.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from multiprocessing.connection import Connection, wait
from multiprocessing.context import ForkContext, SpawnContext
from pathlib import Path

from golden_rules.collector import collector_off
from golden_rules.files import SourceFile
from golden_rules.progress import Progress
from golden_rules.work import Fixing, Outcome, work

# What one more process costs, in bytes of source that could be read meanwhile: a fork shares what is imported already.
_FORK_PAYS = 200_000
_SPAWN_PAYS = 1_500_000
# Batches get smaller towards the end, down to this many bytes, so that all workers finish together.
_SMALLEST_BATCH = 20_000
# So many files are told of at once: to wake the process that listens costs more than most files tell.
_TOLD_AT_ONCE = 16


def processors() -> int:
    """Return how many processors this process may use, a container's limit taken into account."""
    count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    with contextlib.suppress(OSError, ValueError):
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text().split()
        if quota != "max":
            return max(1, min(count, round(int(quota) / int(period))))
    return count


def worked(
    files: Sequence[SourceFile], fixing: Fixing | None, jobs: int, progress: Progress
) -> Iterator[tuple[int, Outcome]]:
    """Work on files and yield what comes of each, with its index, as it is done.

    No more than `jobs` processes share the work, and only as many as are worth their start.
    """
    sizes = [_size(file) for file in files]
    progress.start(len(files), sum(sizes))
    try:
        for index, outcome in _shared(files, sizes, fixing, jobs):
            progress.step(sizes[index])
            yield index, outcome
    finally:
        progress.end()


def _shared(
    files: Sequence[SourceFile], sizes: Sequence[int], fixing: Fixing | None, jobs: int
) -> Iterator[tuple[int, Outcome]]:
    from golden_rules.registry import load_rules

    # A plugin that is broken is one error, not one for each file; and forked workers share what is loaded.
    load_rules()
    context = _context()
    pays = _FORK_PAYS if isinstance(context, ForkContext) else _SPAWN_PAYS
    count = min(jobs, sum(sizes) // pays, len(files))
    left = set(range(len(files)))
    if count > 1:
        # A fork shares what is imported before it.
        import_module("golden_rules.engine" if fixing is None else "golden_rules.fixing")
        pool = _Pool(files, fixing, context, _Queue(sizes, count))
        for index, outcome in pool.run(count):
            left.discard(index)
            yield index, outcome
    # Without processes, or where none can be started.
    with collector_off():
        for index in sorted(left):
            yield index, work(files[index], fixing)


def _size(file: SourceFile) -> int:
    try:
        return os.stat(file.path).st_size  # noqa: PTH116 - one for each of thousands of files
    except OSError:
        return 0


def _context() -> ForkContext | SpawnContext:
    """Return how processes are started: by a fork where that is safe, so that imports are shared.

    A fork copies the locks that other threads hold; macOS's own libraries do not survive one.
    """
    if sys.platform == "linux" and threading.active_count() == 1:
        return multiprocessing.get_context("fork")
    return multiprocessing.get_context("spawn")


class _Queue:
    """The files that wait for a worker, the largest first."""

    def __init__(self, sizes: Sequence[int], workers: int) -> None:
        self._sizes = sizes
        self._workers = workers
        self._waiting = sorted(range(len(sizes)), key=lambda index: sizes[index])
        self._bytes = sum(sizes)
        self._suspects: list[int] = []

    def batch(self) -> list[int]:
        """Return the next files for one worker; none where none wait."""
        if self._suspects:
            return [self._suspects.pop()]
        limit = max(self._bytes // (4 * self._workers), _SMALLEST_BATCH)
        taken: list[int] = []
        size = 0
        while self._waiting and (not taken or size + self._sizes[self._waiting[-1]] <= limit):
            index = self._waiting.pop()
            taken.append(index)
            size += self._sizes[index]
        self._bytes -= size
        return taken

    def put_back(self, indices: Sequence[int]) -> None:
        """Take back files that a worker did not get to."""
        self._waiting += indices
        self._bytes += sum(self._sizes[index] for index in indices)

    def suspect(self, indices: Sequence[int]) -> None:
        """Take back files one of which ended a worker: each is a batch of its own, so that it shows which."""
        self._suspects += indices


@dataclass(slots=True)
class _Worker:
    """A process and the files that it has, in the order that it works on them."""

    process: multiprocessing.process.BaseProcess
    connection: Connection
    held: list[int] = field(default_factory=list)


class _Pool:
    """The processes of one run."""

    def __init__(
        self, files: Sequence[SourceFile], fixing: Fixing | None, context: ForkContext | SpawnContext, queue: _Queue
    ) -> None:
        self._files = files
        self._fixing = fixing
        self._context = context
        self._queue = queue
        self._workers: dict[Connection, _Worker] = {}

    def run(self, count: int) -> Iterator[tuple[int, Outcome]]:
        """Yield what comes of each file; a file on which a worker died is among them, as a failure."""
        try:
            for _ in range(count):
                self._start()
            while self._workers:
                for connection in wait(list(self._workers)):
                    yield from self._answer(self._workers[connection])  # type: ignore[index]  # they are connections
        finally:
            for worker in self._workers.values():
                worker.process.kill()
            for worker in self._workers.values():
                worker.process.join()
                worker.connection.close()

    def _start(self) -> None:
        """Start a worker on the next batch; where no process can be started, those there are do the work."""
        batch = self._queue.batch()
        if not batch:
            return
        ours, theirs = self._context.Pipe()
        # A forked process also gets copies of our ends, and must close them: one that is open keeps a worker waiting.
        inherited = [ours, *self._workers] if isinstance(self._context, ForkContext) else []
        arguments = (theirs, inherited, self._files, self._fixing)
        process = self._context.Process(target=_serve, args=arguments, daemon=True)
        try:
            process.start()
            ours.send(batch)
        except OSError:
            self._queue.put_back(batch)
            ours.close()
        else:
            self._workers[ours] = _Worker(process, ours, batch)
        theirs.close()

    def _answer(self, worker: _Worker) -> Iterator[tuple[int, Outcome]]:
        """Take in what a worker says, and give it more to do when it has done all that it has."""
        try:
            outcomes = worker.connection.recv()
        except (EOFError, OSError):
            yield from self._bury(worker)
            return
        told, worker.held = worker.held[: len(outcomes)], worker.held[len(outcomes) :]
        yield from zip(told, outcomes, strict=True)
        if worker.held:
            return
        worker.held = self._queue.batch()
        if worker.held:
            worker.connection.send(worker.held)
        else:
            del self._workers[worker.connection]
            worker.connection.close()
            worker.process.join()

    def _bury(self, worker: _Worker) -> Iterator[tuple[int, Outcome]]:
        del self._workers[worker.connection]
        worker.connection.close()
        worker.process.join()
        suspects, others = worker.held[:_TOLD_AT_ONCE], worker.held[_TOLD_AT_ONCE:]
        self._queue.put_back(others)
        if len(worker.held) > 1:
            self._queue.suspect(suspects)
        else:
            (index,) = suspects
            end = _end(worker.process.exitcode)
            failure = f"`{self._files[index].display}` ended the process that checked it ({end}); please report this"
            yield index, Outcome(failure=failure)
        self._start()


def _end(code: int | None) -> str:
    if code is not None and code < 0:
        with contextlib.suppress(ValueError):
            return signal.Signals(-code).name
    return f"exit status {code}"


# golden-rules: not-critical -- a process of the linter's own, which ends with its run
def _serve(
    connection: Connection, inherited: Sequence[Connection], files: Sequence[SourceFile], fixing: Fixing | None
) -> None:
    """Work on the files that the run names, batch by batch, until it names no more or is gone."""
    for other in inherited:
        other.close()
    # Ctrl-C reaches every process of the terminal; the one that started us ends us.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with contextlib.suppress(EOFError, OSError), collector_off():
        while True:
            held = connection.recv()
            for start in range(0, len(held), _TOLD_AT_ONCE):
                connection.send([work(files[index], fixing) for index in held[start : start + _TOLD_AT_ONCE]])
