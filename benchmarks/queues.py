"""What durable queues do in a second, and how often they sync the disk for it: `put`, and `put`, claim and acknowledge.

All contenders run on one file system in one run, in repeats that take turns, each in a process of its own. Rates are
medians of the repeats, and a ratio is the median of the repeats' ratios, so that what else the machine does falls on all.
The libraries are those of the `bench` dependency group, PostgreSQL is the one that the tests bring along:

    python benchmarks/queues.py [--turns N] [--items N] [--repeats N] [--folder PATH] [--slow MILLISECONDS]

Every `put` is given plain data, and every claim ends with it again, encoded as JSON where the library leaves that to its users.
DBOS runs workflows, claims them by polling and acknowledges them itself, so only its `put` can be told apart. "full" means that
a commit is on the disk before a call returns; "normal" that a power cut may lose the last ones. Syncs are counted by strace,
where there is one, in a run that is not timed, and by PostgreSQL itself. The processor time is that of the client's process, from
the least busy repeat: it says most where other programs keep the machine busy. strace also delays every sync for the second table:
on a disk as slow as a network volume the syncs are what counts.
"""

from __future__ import annotations

import argparse
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import psycopg
from queue_libraries import BLOCKING, CONTENDERS, ONE_COMMIT_A_ROW, OURS, WORKLOADS, Contender, Times

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests" / "runtime"))

from postgres_server import PostgresServer

PRODUCERS = (1, 10, 100)
# The goals: ahead of every peer of the same store and durability, and so many times one commit a row.
GOAL_OF_GROUP_COMMIT = 20

Cell = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Measured:
    """What one contender did: items a second and processor seconds an item in each repeat, and syncs an item, by cell."""

    contender: Contender
    rates: dict[Cell, list[float]]
    busy: dict[Cell, list[float]]
    syncs: dict[Cell, float]

    def rate(self, cell: Cell) -> float:
        """Return the items a second of the median repeat."""
        return statistics.median(self.rates[cell])

    def ratio(self, other: Measured, cell: Cell) -> float:
        """Return how many times as fast as another one it is, in the median repeat."""
        return statistics.median(
            mine / theirs for mine, theirs in zip(self.rates[cell], other.rates[cell], strict=True)
        )


class Bench:
    """Runs the contenders, each time in a new process and on an empty store."""

    def __init__(self, folder: Path, server: PostgresServer, items: int, delay: float = 0.0) -> None:
        self._folder = folder
        self._server = server
        self._items = items
        self._delay = delay
        self._number = 0
        self._strace = shutil.which("strace")

    def rate(self, contender: Contender, workload: str, producers: int) -> Times:
        """Return the items a second of one run, and the processor seconds an item."""
        wrapper: list[str] = []
        if self._delay and self._strace is not None:
            inject = f"inject=fsync,fdatasync:delay_exit={self._delay * 1000:.0f}"
            wrapper = [self._strace, "-f", "-qq", "--seccomp-bpf", "-e", inject, "-o", "/dev/null"]
        done = self._done(producers)
        seconds, busy = self._run(contender, workload, producers, wrapper)
        return done / seconds, busy / done

    def syncs(self, contender: Contender, workload: str, producers: int) -> float:
        """Return how often the disk is synced, for each item."""
        if contender.store == "PostgreSQL":
            before = self._wal_syncs()
            self._run(contender, workload, producers, [])
            return (self._wal_syncs() - before) / self._done(producers)
        if self._strace is None:
            return float("nan")
        log = self._folder / "syncs"
        only = "trace=fsync,fdatasync,msync"
        self._run(
            contender, workload, producers, [self._strace, "-f", "-qq", "--seccomp-bpf", "-e", only, "-o", str(log)]
        )
        calls = [line for line in log.read_text().splitlines() if "sync(" in line]
        return len(calls) / self._done(producers)

    def _done(self, producers: int) -> int:
        """Return how many items that is, when each producer does as many as the others."""
        return self._items // producers * producers

    def _run(self, contender: Contender, workload: str, producers: int, wrapper: list[str]) -> Times:
        self._number += 1
        name = f"run{self._number}_{self._delay:g}".replace(".", "_")
        on_server = contender.store == "PostgreSQL"
        place = self._server.create_database(name) if on_server else str(self._folder / name)
        command = [*wrapper, sys.executable, __file__, "--one", contender.library, workload, str(producers)]
        done = subprocess.run(
            [*command, str(self._items), place], capture_output=True, text=True, check=False, timeout=900
        )
        assert done.returncode == 0, done.stderr
        seconds, busy = done.stdout.split()[-2:]
        return float(seconds), float(busy)

    def _wal_syncs(self) -> int:
        with psycopg.connect(self._server.url(), autocommit=True) as connection:
            connection.execute("SELECT pg_stat_force_next_flush()")
            row = connection.execute("SELECT sum(fsyncs) FROM pg_stat_io WHERE object = 'wal'").fetchone()
        return int(row[0]) if row else 0


def measure(bench: Bench, repeats: int, contenders: Iterable[Contender]) -> list[Measured]:
    """Run everything, the contenders taking turns in each repeat."""
    measured = [Measured(contender, {}, {}, {}) for contender in contenders]
    cells = [(workload, producers) for workload in WORKLOADS for producers in PRODUCERS]
    for cell in cells:
        taking_part = [each for each in measured if cell[0] in each.contender.workloads]
        for _ in range(repeats):
            # whoever comes first meets another disk than whoever comes last
            for each in random.sample(taking_part, len(taking_part)):
                rate, busy = bench.rate(each.contender, *cell)
                each.rates.setdefault(cell, []).append(rate)
                each.busy.setdefault(cell, []).append(busy)
        for each in taking_part:
            each.syncs[cell] = bench.syncs(each.contender, *cell)
    return measured


def take_turns(folder: Path, turns: int) -> None:
    """Let one producer of each library take turns at every call, and print what a call takes.

    How long a disk takes to sync changes from one second to the next, by more than the libraries differ with one producer.
    """
    steps = {library: make(str(folder / f"turns {library}")) for library, make in BLOCKING.items()}
    print("one producer, milliseconds a call (median), libraries taking turns at every call\n")
    print("| library | put | put+claim+ack |\n|---|---:|---:|")
    seconds: dict[str, list[list[float]]] = {library: [[], []] for library in BLOCKING}
    # cycles first, while nothing else waits to be claimed
    for workload in [1] * turns + [0] * turns:
        for library in random.sample(sorted(steps), len(steps)):
            began = time.perf_counter()
            steps[library][workload]()
            seconds[library][workload].append(time.perf_counter() - began)
    for library, (put, cycle) in seconds.items():
        print(f"| {library} | {statistics.median(put) * 1e3:.2f} | {statistics.median(cycle) * 1e3:.2f} |")
    print()


def show(measured: list[Measured]) -> None:
    """Print the table."""
    heads = [f"{workload} x{producers}" for workload in ("put", "put+claim+ack") for producers in PRODUCERS]
    print("items a second (disk syncs, microseconds of the processor for an item), by number of concurrent producers\n")
    print(f"| store | durability | library | {' | '.join(heads)} |")
    print(f"|---|---|---|{'---:|' * len(heads)}")
    for each in measured:
        cells = [
            f"{each.rate(cell):,.0f} ({each.syncs[cell]:.2f}, {min(each.busy[cell]) * 1e6:,.0f})"
            if cell in each.rates
            else ""
            for cell in ((workload, producers) for workload in WORKLOADS for producers in PRODUCERS)
        ]
        print(
            f"| {each.contender.store} | {each.contender.durability} | {each.contender.library} | {' | '.join(cells)} |"
        )


def show_goals(measured: list[Measured]) -> None:
    """Print how far ahead we are of the best peer of equal store and durability, and of one commit a row."""
    print("\nours over the best peer of the same store and durability:")
    for store in dict.fromkeys(each.contender.store for each in measured):
        rows = [each for each in measured if each.contender.store == store and each.contender.durability == "full"]
        mine = [each for each in rows if each.contender.library.startswith(OURS)]
        peers = [
            each
            for each in rows
            if not each.contender.library.startswith(OURS) and each.contender.library != ONE_COMMIT_A_ROW
        ]
        for cell in mine[0].rates:
            fastest = max(mine, key=lambda each: each.rate(cell))
            ratio, best = min(
                (fastest.ratio(peer, cell), peer.contender.library) for peer in peers if cell in peer.rates
            )
            print(f"  {store} {cell[0]} x{cell[1]}: {ratio:.2f} times {best}")
    raw = next(each for each in measured if each.contender.library == ONE_COMMIT_A_ROW)
    grouped = next(each for each in measured if each.contender.library == OURS)
    for workload in WORKLOADS:
        ratio = grouped.ratio(raw, (workload, 100))
        print(f"one commit a row, {workload} x100: {ratio:.1f} times (goal {GOAL_OF_GROUP_COMMIT})")


def main() -> None:
    """Measure and print, or be one of the processes that are measured."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--items", type=int, default=600)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--turns", type=int, default=400)
    parser.add_argument(
        "--folder", type=Path, default=Path(tempfile.gettempdir()), help="on the file system to measure"
    )
    parser.add_argument("--slow", type=float, default=5.0, help="milliseconds added to each sync for the second table")
    parser.add_argument("--one", nargs=5, metavar=("LIBRARY", "WORKLOAD", "PRODUCERS", "ITEMS", "PLACE"))
    given = parser.parse_args()
    if given.one is not None:
        library, workload, producers, items, place = given.one
        print(*CONTENDERS[library].run(place, workload, int(producers), int(items)))
        return
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=given.folder)))
        take_turns(folder, given.turns)
        if not given.repeats:
            return
        server = stack.enter_context(PostgresServer(fsync=True))
        measured = measure(Bench(folder, server, given.items), given.repeats, CONTENDERS.values())
        show(measured)
        show_goals(measured)
        if given.slow and shutil.which("strace"):
            print(f"\nthe same with {given.slow:g} ms added to each sync:\n")
            synced = [each for each in CONTENDERS.values() if (each.store, each.durability) == ("SQLite", "full")]
            measured = measure(Bench(folder, server, given.items, given.slow), 1, synced)
            show(measured)
            show_goals(measured)


if __name__ == "__main__":
    main()
