"""What linting costs: ours, ruff, flake8, pylint, Fixit and semgrep on the same trees, taking turns.

    python benchmarks/lint.py [--trees synapse,homeassistant] [--tools ours,ruff,...] [--rounds 3] [--jobs 2]

The trees are fetched with pip, and the tools are installed into an environment of their own, both in a cache folder outside
of the repository. Wall time is what a user waits; processor time hardly changes when the machine is busy with other things.
What takes minutes (pylint, Fixit, semgrep) runs on the first tree only, and what takes longer than some seconds runs once:
six minutes in all on two idle processors.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import venv
import zipfile
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "golden-rules-bench"
TREES = {
    "synapse": ("matrix-synapse==1.163.2", "synapse"),
    "homeassistant": ("homeassistant==2024.3.3", "homeassistant"),
}
TOOLS = ("ruff", "flake8", "pylint", "fixit", "semgrep")
SLOW = frozenset({"pylint", "fixit", "semgrep"})
# From so many seconds on, one run is enough.
LONG = 20
# The exit statuses by which a tool says no more than what it found; anything else and it has not looked at everything.
FOUND = {"pylint": range(32), "fixit": range(4)}
SEMGREP_RULE = """\
rules:
  - {id: clock, pattern: time.time(), message: clock, languages: [python], severity: INFO}
"""
FIXIT_RULE = "fixit.rules.no_redundant_fstring:NoRedundantFString"


@dataclass(frozen=True)
class Cost:
    """What one run took: seconds on the clock and of processors, and the most memory that one of its processes held."""

    wall: float
    processor: float
    megabytes: float


def main() -> None:
    """Fetch, install, measure, and print one table for each tree."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--trees", default=",".join(TREES))
    parser.add_argument("--tools", default=",".join(("ours", *TOOLS)))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args()
    tools = options.tools.split(",")
    binaries = installed([tool for tool in tools if tool != "ours"])
    trees = options.trees.split(",")
    for name in trees:
        chosen = [tool for tool in tools if name == trees[0] or tool not in SLOW]
        with tempfile.TemporaryDirectory() as scratch:
            tree = Path(scratch) / name
            shutil.copytree(fetched(name), tree)
            (tree / "golden-rules.toml").write_text("")
            runs = dict(contestants(tree, Path(scratch), chosen, binaries, options.jobs))
            show(name, tree, measured(runs, options.rounds))
    for statement in ("import click", "import libcst"):
        costs = [timed([sys.executable, "-c", statement], CACHE) for _ in range(5)]
        print(f"`{statement}`: {min(cost.processor for cost in costs):.2f} s of a processor")


def fetched(name: str) -> Path:
    """Return the folder of a tree, which is downloaded the first time."""
    requirement, package = TREES[name]
    target = CACHE / "trees" / requirement
    if not target.exists():
        with tempfile.TemporaryDirectory() as folder:
            command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary", ":all:"]
            subprocess.run([*command, "--dest", folder, requirement], check=True)
            (wheel,) = Path(folder).glob("*.whl")
            with zipfile.ZipFile(wheel) as archive:
                members = [member for member in archive.namelist() if member.startswith(f"{package}/")]
                archive.extractall(target, members)
    return target


def installed(tools: list[str]) -> Path:
    """Return the folder of the tools' commands; what is missing is installed."""
    environment = CACHE / "tools"
    if not environment.exists():
        venv.create(environment, with_pip=True)
    binaries = environment / "bin"
    missing = [tool for tool in tools if not (binaries / tool).exists()]
    if missing:
        subprocess.run([binaries / "python", "-m", "pip", "install", "--quiet", *missing], check=True)
    return binaries


Run = Callable[[], Cost]


def contestants(
    tree: Path, scratch: Path, tools: list[str], binaries: Path, jobs: int
) -> Iterator[tuple[tuple[str, str], Run]]:
    """Yield every run that is measured, by the tool and what is measured of it."""
    five = [str(path.relative_to(tree)) for path in sorted(tree.rglob("*.py"))[100:600:100]]
    ours = [sys.executable, "-m", "golden_rules", "check", "--statistics", "--jobs", str(jobs)]
    rule = scratch / "rule.yaml"
    rule.write_text(SEMGREP_RULE)
    (tree / ".fixit.toml").write_text(
        f'[tool.fixit]\nroot = true\nenable = ["{FIXIT_RULE}"]\ndisable = ["fixit.rules"]\n'
    )
    semgrep = ["semgrep", "--metrics=off", "--disable-version-check", "--quiet", f"-j{jobs}", "--config", str(rule)]
    cold = {
        "ours": [*ours, "--no-cache"],
        "ruff": ["ruff", "check", "--no-cache", "--quiet", "--isolated"],
        "flake8": ["flake8", "--isolated", f"-j{jobs}", "--select=E,F", "-q"],
        "pylint": [
            "pylint",
            f"-j{jobs}",
            "--score=n",
            "--disable=all",
            "--enable=E",
            "--rcfile=/dev/null",
            "--recursive=y",
        ],
        "fixit": ["fixit", "--quiet", "lint"],
        "semgrep": semgrep,
    }
    for tool in tools:
        command = cold[tool] if tool == "ours" else [str(binaries / cold[tool][0]), *cold[tool][1:]]
        yield (tool, "cold"), lambda command=command: timed([*command, "."], tree)
        yield (tool, "commit"), lambda command=command: timed([*command, *five], tree)
    if "ours" in tools:
        kept = [*ours, "--cache-dir", str(scratch / "cache")]
        yield ("ours", "warm"), lambda: warmed([*kept, "."], tree)
        yield ("ours", "fresh checkout"), lambda: timed([*kept, "."], touched(tree))
        yield ("ours", "commit, warm"), lambda: timed([*kept, *five], tree)
        yield ("ours", "--version"), lambda: timed([sys.executable, "-m", "golden_rules", "--version"], tree)
        yield (
            ("ours", "all fixes, as a diff"),
            lambda: timed([*ours, "--no-cache", "--unsafe-fixes", "--diff", "."], tree),
        )
        yield ("ours", "every path named"), lambda: timed([*kept, *paths(tree)], tree)
    if "ruff" in tools:
        warm = [str(binaries / "ruff"), "check", "--quiet", "--isolated", "--cache-dir", str(scratch / "ruff"), "."]
        yield ("ruff", "warm"), lambda: warmed(warm, tree)


def warmed(command: list[str], folder: Path) -> Cost:
    """Run a command a second time, nothing having changed: other runs here give the files new times, which empties ruff's cache."""
    time.sleep(2.1)  # of files that changed so short a time ago, ours does not trust the times
    timed(command, folder)
    return timed(command, folder)


def touched(tree: Path) -> Path:
    """Give every file of a tree another time, as a fresh checkout does."""
    for path in tree.rglob("*.py"):
        os.utime(path)
    return tree


def paths(tree: Path) -> list[str]:
    """Return the first 3,000 files of a tree."""
    return [str(path.relative_to(tree)) for path in sorted(tree.rglob("*.py"))][:3000]


def timed(command: list[str], folder: Path) -> Cost:
    """Run a command, whatever it finds; modules are compiled once, as in any installation."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    started = time.perf_counter()
    process = subprocess.Popen(
        command, cwd=folder, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in FOUND.get(Path(command[0]).name, range(2)):
        raise SystemExit(f"`{' '.join(command[:8])}` failed with status {process.returncode} in {folder}")
    # Linux counts in kibibytes, macOS in bytes.
    memory = usage.ru_maxrss / (1024 if sys.platform == "linux" else 1024 * 1024)
    return Cost(time.perf_counter() - started, usage.ru_utime + usage.ru_stime, memory)


def measured(runs: dict[tuple[str, str], Run], rounds: int) -> dict[tuple[str, str], Cost]:
    """Return the medians of several rounds in which all take turns; what takes long runs once."""
    costs: dict[tuple[str, str], list[Cost]] = defaultdict(list)
    for _ in range(rounds):
        for key, run in runs.items():
            if not costs[key] or costs[key][0].wall < LONG:
                with contextlib.suppress(OSError):
                    costs[key].append(run())
    return {
        key: Cost(
            *(statistics.median(getattr(cost, name) for cost in taken) for name in ("wall", "processor", "megabytes"))
        )
        for key, taken in costs.items()
    }


def show(name: str, tree: Path, costs: dict[tuple[str, str], Cost]) -> None:
    """Print the table of one tree, in Markdown."""
    files = [path for path in tree.rglob("*.py") if path.is_file()]
    lines = sum(path.read_bytes().count(b"\n") for path in files)
    print(f"\n{TREES[name][0]}: {len(files)} files, {lines} lines\n", flush=True)
    print("| tool | run | wall s | of ours | processor s | of ours | lines/s | MB |\n|---|---|---|---|---|---|---|---|")
    for (tool, run), cost in costs.items():
        base = costs.get(("ours", run))
        waited = f"{cost.wall / base.wall:.2f}" if base else ""
        worked = f"{cost.processor / base.processor:.2f}" if base else ""
        speed = f"{lines / cost.wall:,.0f}" if run in ("cold", "warm", "fresh checkout") else ""
        shown = f"{cost.wall:.2f} | {waited} | {cost.processor:.2f} | {worked} | {speed} | {cost.megabytes:.0f}"
        print(f"| {tool} | {run} | {shown} |", flush=True)


if __name__ == "__main__":
    main()
