"""The main job from end to end, as `make demo` shows it: check, fix, check again, and run what was fixed.

Everything happens on a copy of fixtures/chimera; the checkout stays as it is. Each `$` line is run as it stands, and what
follows it is its output; where some is left out, a line in brackets says how much.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

from prometheus_client.parser import text_string_to_metric_families

CHIMERA = Path(__file__).parents[1] / "fixtures" / "chimera"
IN_FULL = ("src/chimera/workflows.py",)
SERVICE = "python -m chimera --demo --workflows 12 --metrics"
SERIES_SHOWN = 40


class Series(NamedTuple):
    """One series of an exposition, as Prometheus would store it."""

    name: str
    labels: tuple[tuple[str, str], ...]
    value: float

    def __str__(self) -> str:
        labels = ",".join(f'{name}="{value}"' for name, value in self.labels)
        return f"{self.name}{{{labels}}}" if labels else self.name


def main() -> None:
    """Show the demo; ends with a sentence and status 1 where a step does not do what it is there for."""
    with tempfile.TemporaryDirectory(prefix="golden-rules-demo-") as folder:
        project = Path(folder) / "chimera"
        shutil.copytree(CHIMERA, project, ignore=shutil.ignore_patterns("__pycache__", ".*"))
        _, _, before = run(project, SERVICE).partition("\n\n")

        heading("1. What nothing measures, and what is measured by hand")
        say(
            "chimera runs workflows from a queue: a pool, retries, a circuit breaker, dead letters. This is a copy of it."
        )
        show(project, "golden-rules check --format concise", expect=1)
        say("One of the files in full:")
        show(project, f"golden-rules check {' '.join(IN_FULL)}", expect=1)

        heading("2. What the fixes would change")
        command = "golden-rules check --diff"
        print(f"\n$ {command}\n{parts_of(run(project, command, expect=1))}")

        heading("3. The fixes, and a second check: what no fix can do remains")
        show(project, "golden-rules check --fix --statistics", expect=None)
        show(project, "golden-rules check --format concise", expect=None)
        if run(project, "golden-rules check --fix --diff", expect=None):
            raise SystemExit("error: the fixes are not at rest: a second run would change files again")

        heading("4. The fixed service at work, and the series it exposes now")
        summary, _, exposition = run(project, SERVICE).partition("\n\n")
        print(f"\n$ {SERVICE}\n{summary}\n\n{news(series(before), series(exposition))}")


def heading(text: str) -> None:
    """Print a heading."""
    print(f"\n\n{text}\n{'=' * len(text)}")


def say(text: str) -> None:
    """Print a sentence of our own between outputs."""
    print(f"\n{text}")


def show(project: Path, command: str, *, expect: int | None = 0) -> None:
    """Run a command in the copy and print both."""
    print(f"\n$ {command}\n{run(project, command, expect=expect)}")


def run(project: Path, command: str, *, expect: int | None = 0) -> str:
    """Return what a command prints; `expect` is its exit status, `None` either of 0 and 1."""
    name, *arguments = command.split()
    program = [sys.executable, "-m", "golden_rules"] if name == "golden-rules" else [sys.executable]
    done = subprocess.run(
        [*program, *arguments],
        cwd=project,
        env={**os.environ, "PYTHONPATH": str(project / "src"), "NO_COLOR": "1"},
        capture_output=True,
        text=True,
    )
    if done.returncode not in ({0, 1} if expect is None else {expect}):
        print(done.stdout, done.stderr, sep="\n")
        raise SystemExit(f"error: `{command}` ended with status {done.returncode}")
    return done.stdout.rstrip("\n")


def parts_of(diff: str) -> str:
    """Return the diffs of the files shown in full, and a line that says how much there is besides."""
    files = re.split(r"^(?=diff --git )", diff, flags=re.MULTILINE)[1:]
    shown = [text for text in files if text.split()[2].removeprefix("a/") in IN_FULL]
    rest = [text for text in files if text not in shown]
    lines = sum(text.count("\n") for text in rest)
    return "".join(shown).rstrip("\n") + f"\n[{len(rest)} more files, {lines} lines of diff, left out here]"


def series(exposition: str) -> dict[str, Series]:
    """Return the series of an exposition by name and labels."""
    return {
        str(found): found
        for family in text_string_to_metric_families(exposition)
        for name, labels, value, *_ in family.samples
        if (found := Series(name, tuple(sorted(labels.items())), value))
    }


def news(before: dict[str, Series], after: dict[str, Series]) -> str:
    """Return a table of the series that are new and count something, and a line about those left out."""
    names = {found.name for found in before.values()}
    new = [found for found in after.values() if found.name not in names]
    counts = [found for found in new if found.value and found.name.endswith(("_total", "_count"))]
    if not counts:
        raise SystemExit("error: the fixed service exposes no new series")
    shown = sorted(counts)[:SERIES_SHOWN]
    width = max(len(str(found)) for found in shown)
    table = "\n".join(f"{found!s:<{width}}  {found.value:g}" for found in shown)
    return (
        f"{table}\n[{len(after)} series in all, {len(before)} before the fixes; of the {len(new)} with new names,"
        f" {len(shown)} of the {len(counts)} that count something are shown, no buckets and sums]"
    )


if __name__ == "__main__":
    try:
        main()
        sys.stdout.flush()
    except BrokenPipeError:
        # Whoever reads the output (`| head`) has seen enough; Python must not complain at exit either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
