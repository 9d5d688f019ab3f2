"""Kills workers and producers at random moments, and then counts: `python tests/runtime/soak.py --store sqlite --kills 200`.

Everything runs in processes that are forked from this one, which has no thread, and which are killed with SIGKILL. A
producer notes an id once `enqueue` has returned, a worker notes a completion once `mark_completed` has; both notes are
single appends to a file, which survive the process. In the end every id that a producer noted must be completed or a dead
letter, and no task may have been completed twice.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import os
import random
import signal
import sqlite3
import sys
import tempfile
import time
from collections import Counter
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
from golden_runtime import ExecutorPool, QueueError, StorageUnavailableError, Task, TaskQueue
from golden_runtime.storage.schema import COMPLETED
from postgres_server import PostgresServer

if TYPE_CHECKING:
    from collections.abc import Callable

_WORKERS = 4
_PRODUCERS = 2
_LEASE = 1.0
_MAX_RECEIVES = 5
# how many pages of SQLite stand for a full disk
_FULL = 40

_KINDS = ("good", "slow", "failing", "poisonous")
_WEIGHTS = (70, 15, 14, 1)


@dataclass(frozen=True)
class Settings:
    """One soak."""

    store: str
    kills: int
    restarts: int
    full_disk: bool
    seed: int


@dataclass
class Report:
    """What was found in the end."""

    store: str
    full_disk: bool
    kills: int
    suicides: int
    restarts: int
    accepted: int
    refused: int
    completed: int
    dead: dict[str, int]
    claims: int
    lost: list[str]
    completed_twice: list[str]
    wrong: list[str]
    seconds: float

    @property
    def holds(self) -> bool:
        """Whether the promise was kept."""
        return self.accepted > 0 and not (self.lost or self.completed_twice or self.wrong)


class Notes:
    """A file that many processes append lines to; each line is one write."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def add(self, *words: object) -> None:
        """Append a line."""
        with self._path.open("ab", buffering=0) as file:
            file.write((json.dumps(words) + "\n").encode())

    def read(self) -> list[list[Any]]:
        """Return all lines, without a last one that a kill has cut."""
        if not self._path.exists():
            return []
        return [json.loads(line) for line in self._path.read_text().split("\n")[:-1]]


class NotedQueue(TaskQueue):
    """A queue that notes completions and claims."""

    notes: Notes

    async def mark_completed(self, task: Task) -> None:
        """Complete, and note it."""
        await super().mark_completed(task)
        self.notes.add("completed", task.id, task.token)

    async def get_next_tasks(self, limit: int, **options: Any) -> tuple[Task, ...]:
        """Claim, and note how many."""
        tasks = await super().get_next_tasks(limit, **options)
        if tasks:
            self.notes.add("claimed", len(tasks))
        return tasks


def queue_of(url: str, notes: Notes, max_page_count: int | None) -> NotedQueue:
    """Return the queue under test."""
    queue = NotedQueue(url, lease_seconds=_LEASE, max_receives=_MAX_RECEIVES, max_page_count=max_page_count)
    queue.notes = notes
    return queue


async def produce(queue: NotedQueue, seed: int) -> None:
    """Enqueue for ever, a few at a time, and note what was accepted and what was refused."""
    chance = random.Random(seed)  # noqa: S311 - chance, no secret

    async def one() -> None:
        kind = chance.choices(_KINDS, _WEIGHTS)[0]
        try:
            task_id = await queue.enqueue(kind, {"kind": kind, "filling": "x" * 1000}, priority=chance.randrange(3))
        except StorageUnavailableError as error:
            queue.notes.add("refused", str(error))
        else:
            queue.notes.add("accepted", task_id, kind)

    while True:
        await asyncio.gather(*(one() for _ in range(chance.randrange(1, 12))))
        await asyncio.sleep(chance.random() * 0.1)


async def work(queue: NotedQueue, seed: int) -> None:
    """Run handlers until told to stop."""
    chance = random.Random(seed)  # noqa: S311 - chance, no secret

    async def good(task: Task) -> None:
        await asyncio.sleep(chance.random() * 0.01)

    async def slow(task: Task) -> None:
        await asyncio.sleep(0.1 + chance.random() * 0.3)

    async def failing(task: Task) -> None:
        raise ValueError(f"{task.payload['kind']} as told")

    async def poisonous(task: Task) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    handlers = {"good": good, "slow": slow, "failing": failing, "poisonous": poisonous}
    await ExecutorPool(handlers, queue, max_concurrent=8, poll_interval=0.05, drain_timeout=2).run_forever()


def fork(job: Callable[[NotedQueue, int], Any], make: Callable[[], NotedQueue], seed: int) -> int:
    """Run a job in a process of its own and return its id."""
    child = os.fork()
    if child:
        return child
    status = 1
    try:
        logging.disable()
        asyncio.run(job(make(), seed))
        status = 0
    except QueueError:
        # the store was away for too long: the next one tries again
        status = 2
    finally:
        os._exit(status)


class Soak:
    """The processes under test, and who kills them."""

    def __init__(self, settings: Settings, folder: Path, server: PostgresServer | None) -> None:
        self._settings = settings
        self._server = server
        self._url = server.url() if server is not None else str(folder / "tasks.db")
        self._notes = Notes(folder / "notes")
        self._chance = random.Random(settings.seed)  # noqa: S311 - chance, no secret
        self._max_page_count: int | None = _FULL if settings.full_disk else None
        self._children: dict[int, Callable[[NotedQueue, int], Any]] = {}
        self._kills = self._suicides = self._restarts = 0

    def run(self) -> Report:
        """Kill, drain, count."""
        began = time.monotonic()
        for job in (produce,) * _PRODUCERS + (work,) * _WORKERS:
            self._start(job)
        every = self._settings.kills // (self._settings.restarts + 1) or 1
        while self._kills < self._settings.kills:
            time.sleep(self._chance.expovariate(1 / 0.05))
            self._reap()
            self._kill(self._chance.choice(list(self._children)))
            if self._restarts < self._settings.restarts and self._kills % every == 0:
                self._restart_server()
        self._drain()
        return self._count(time.monotonic() - began)

    def _start(self, job: Callable[[NotedQueue, int], Any]) -> None:
        make = lambda: queue_of(self._url, self._notes, self._max_page_count)  # noqa: E731 - for the child alone
        self._children[fork(job, make, self._chance.randrange(2**32))] = job

    def _kill(self, child: int) -> None:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        self._kills += 1
        self._start(self._children.pop(child))

    def _reap(self) -> None:
        """Start again what has killed itself."""
        while self._children:
            child, status = os.waitpid(-1, os.WNOHANG)
            if child == 0:
                return
            self._suicides += os.WIFSIGNALED(status)
            self._start(self._children.pop(child))

    def _restart_server(self) -> None:
        if self._server is not None:
            self._server.kill()
            time.sleep(self._chance.random() * 0.5)
            self._server.start()
        self._restarts += 1

    def _drain(self) -> None:
        """Stop producing, let the disk have room again, work off what is left, then stop the workers in good order."""
        for child in list(self._children):
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
        self._children.clear()
        self._max_page_count = None
        for _ in range(_WORKERS):
            self._start(work)
        give_up = time.monotonic() + 300
        while any(state > COMPLETED for (state,) in self._rows("SELECT state FROM golden_runtime_tasks")):
            assert time.monotonic() < give_up, "the queue does not drain"
            time.sleep(0.05)
            self._reap()
        for child in self._children:
            os.kill(child, signal.SIGTERM)
        for child in self._children:
            os.waitpid(child, 0)

    def _count(self, seconds: float) -> Report:
        notes = self._notes.read()
        accepted = {words[1]: words[2] for words in notes if words[0] == "accepted"}
        refused = [words[1] for words in notes if words[0] == "refused"]
        noted = Counter(words[1] for words in notes if words[0] == "completed")
        states = {row[0]: (row[1], row[2]) for row in self._rows("SELECT id, state, token FROM golden_runtime_tasks")}
        letters = self._rows("SELECT task_id, phase, payload FROM golden_runtime_dead_letters")
        buried = {row[0]: row[1] for row in letters}
        completed = {task_id for task_id, (state, _) in states.items() if state == COMPLETED}
        return Report(
            store=self._settings.store,
            full_disk=self._settings.full_disk,
            kills=self._kills,
            suicides=self._suicides,
            restarts=self._restarts,
            accepted=len(accepted),
            refused=len(refused),
            completed=len(completed),
            dead=dict(Counter(f"{json.loads(row[2])['kind']}/{row[1]}" for row in letters)),
            claims=sum(words[1] for words in notes if words[0] == "claimed"),
            lost=[task_id for task_id in accepted if task_id not in completed and task_id not in buried],
            completed_twice=[task_id for task_id, times in noted.items() if times > 1],
            wrong=[
                *(f"{task_id} is both completed and dead" for task_id in completed & set(buried)),
                *(f"{task_id} has two dead letters" for task_id, n in Counter(r[0] for r in letters).items() if n > 1),
                *(f"{task_id} was completed, and then was not" for task_id in noted if task_id not in completed),
                *(
                    f"{words[1]} was completed under token {words[2]}, the store has {states[words[1]][1]}"
                    for words in notes
                    if words[0] == "completed" and words[1] in states and states[words[1]][1] != words[2]
                ),
                *(f"an unclear refusal: {words}" for words in refused if "`" not in words),
            ],
            seconds=round(seconds, 1),
        )

    def _rows(self, statement: str) -> list[Any]:
        """Ask the store over a connection that lives no longer than that, so that no child inherits it."""
        if self._server is None:
            connection = sqlite3.connect(self._url, timeout=30)
            try:
                return connection.execute(statement).fetchall()
            finally:
                connection.close()
        with psycopg.connect(self._url) as server:
            return server.execute(statement).fetchall()


def soak(settings: Settings) -> Report:
    """Run one soak in a folder of its own."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="golden-soak-")))
        server = stack.enter_context(PostgresServer()) if settings.store == "postgres" else None
        return Soak(settings, folder, server).run()


def main() -> int:
    """Run the soak that the command line asks for, print the report, and fail where the promise was broken."""
    parser = argparse.ArgumentParser(description="Kill workers and producers at random, then count.")
    parser.add_argument("--store", choices=["sqlite", "postgres"], required=True)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--restarts", type=int, default=0, help="of the database, by SIGKILL")
    parser.add_argument("--full-disk", action="store_true", help="let SQLite run into its page limit")
    parser.add_argument("--seed", type=int, default=None)
    given = parser.parse_args()
    seed = given.seed if given.seed is not None else random.randrange(2**32)  # noqa: S311 - as above
    report = soak(Settings(given.store, given.kills, given.restarts, given.full_disk, seed))
    sys.stdout.write(json.dumps({**asdict(report), "seed": seed, "holds": report.holds}, indent=2) + "\n")
    return 0 if report.holds else 1


if __name__ == "__main__":
    sys.exit(main())
