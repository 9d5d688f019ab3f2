"""A pool whose handlers run on a real Dask cluster: a scheduler and workers, each a process, on loopback."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from distributed import Client
from golden_runtime import ExecutorPool, Task, TaskQueue

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.xdist_group("dask")


def note_and_work(task: Task) -> None:
    """A handler on a worker: note who has begun, then take a moment."""
    with Path(task.payload).open("a") as notes:
        notes.write(f"{task.id} {os.getpid()}\n")
    time.sleep(0.4)


class Cluster:
    """The processes of a cluster, which find each other by a file."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self._stack = stack
        self._log = stack.enter_context((folder / "log").open("wb"))
        self.file = folder / "scheduler.json"
        self._run("distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard")

    def add_worker(self) -> subprocess.Popen[bytes]:
        """Start a worker that nobody starts again when it dies."""
        return self._run(
            "distributed.cli.dask_worker", "--host", "127.0.0.1", "--no-nanny", "--nthreads", "2", "--no-dashboard"
        )

    def _run(self, module: str, *options: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", module, *options, "--scheduler-file", str(self.file)]
        # what handlers are made of must be importable on the workers
        environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parent)}
        process = subprocess.Popen(command, stdout=self._log, stderr=self._log, env=environment)
        self._stack.callback(process.wait)
        self._stack.callback(process.kill)
        return process


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    """A scheduler, without workers yet."""
    with ExitStack() as stack:
        yield Cluster(tmp_path, stack)


def test_killing_a_dask_worker_in_mid_task_loses_nothing(cluster: Cluster, sqlite_path: str, tmp_path: Path) -> None:
    """What ran on the worker runs again on another, and every task is completed once."""
    notes = tmp_path / "notes"
    doomed = cluster.add_worker()

    async def until_begun() -> None:
        while not (notes.exists() and notes.read_text()):
            await asyncio.sleep(0.01)

    async def scenario(client: Client) -> None:
        async with TaskQueue(sqlite_path) as queue:
            ids = [await queue.enqueue("n", str(notes)) for _ in range(6)]
            pool = ExecutorPool(note_and_work, queue, executor=client.get_executor(), max_concurrent=4)
            async with asyncio.timeout(60), pool:
                await until_begun()
                doomed.kill()
                cluster.add_worker()
                while (await queue.stats()).depth:
                    await asyncio.sleep(0.02)
            states = [await queue.get_state(task_id) for task_id in ids]
            assert [state and state.state for state in states] == ["completed"] * 6
            assert await queue.dead_letters.count() == 0

    with Client(scheduler_file=str(cluster.file), set_as_default=False) as client:
        asyncio.run(scenario(client))
    began = [line.split() for line in notes.read_text().splitlines()]
    assert len({pid for _, pid in began}) == 2
    assert len(began) > len({task_id for task_id, _ in began}) == 6
