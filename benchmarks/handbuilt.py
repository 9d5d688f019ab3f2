"""How well do the rules on hand-built code see: precision and recall against functions that people read.

    python benchmarks/handbuilt.py [--drawn search|findings] [--batch N] [--projects rucio,zuul,...] [--show]

`handbuilt/*.jsonl` say of functions of public projects what they build by hand. The wheels are fetched with pip at the versions
that the labels speak of, into a cache folder outside of the repository, and the files that labels speak of are checked as they
are. What a row leaves undecided, since nobody asked or two reviewers would differ, does not count. Recall is that over functions
that a search for words found (`--drawn search`): those that our own findings led to would flatter it.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import zipfile
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "golden-rules-bench" / "handbuilt"
LABELS = Path(__file__).parent / "handbuilt"
CODES = {
    "timing": {"GR201", "GR204"},
    "counting": {"GR202", "GR204"},
    "error_tracking": {"GR203", "GR204"},
    "raw_client": {"GR205"},
    "retry": {"GR301"},
    "breaker": {"GR302"},
    "dlq": {"GR303"},
    "pool": {"GR304"},
}
# What these find is a class as often as a function.
CLASSES = {"GR302", "GR303", "GR304"}
# A decorator may stand so far above its `def`.
DECORATORS = 40


@dataclass(frozen=True)
class Label:
    """What one function, class or module builds by hand.

    Attributes:
        qualname: As findings name it, that is, without `<locals>`.
        lines: Those of `def` and of the last statement.
        kinds: What a person found in it.
        undecided: What was not asked, or what a reviewer may see either way.
        drawn: `search` where a search for words led to it, `findings` where a finding of ours did.
        batch: 0 and up, in the order in which the projects were read: 0 to 3 for metric code, 4 and 5 for resilience, 6 for both, 7 for
            breakers and dead letters, 8 for dead letters, 9 for findings of metric code, 10 for timings, 11 for counters and errors, 12 for all of
            resilience, 13 for findings of counters, 14 for all of resilience, 15 for retries, pools, dead letters, errors, clients and timings,
            16 for counters, 17 for findings of retries, 18 for counters, 19 for timings, 20 for errors, clients and dead letters, 21 for
            retries, 22 for clients, 23 for breakers and pools, 24 for dead letters. The rules have been mended on all of them but 17 since, on
            6, 8, 9, 12, 16 and 18 to 24 least.
        reason: Why it is none, or undecided, where that is not plain to see.
    """

    project: str
    version: str
    path: str
    qualname: str
    lines: tuple[int, int]
    kinds: tuple[str, ...]
    undecided: tuple[str, ...]
    drawn: str
    batch: int
    reason: str


def main() -> None:
    """Check the projects, and print one row for each kind."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--drawn", choices=("search", "findings"), default="search")
    parser.add_argument("--batch", type=int)
    parser.add_argument("--projects", default="")
    parser.add_argument("--show", action="store_true", help="name what is missed and what is wrong")
    options = parser.parse_args()
    wanted = set(filter(None, options.projects.split(",")))
    by_project: dict[tuple[str, str], list[Label]] = defaultdict(list)
    for label in labels():
        chosen = options.batch in (None, label.batch) and (not wanted or label.project in wanted)
        if label.drawn == options.drawn and chosen:
            by_project[label.project, label.version].append(label)
    tally: dict[str, Counter[str]] = defaultdict(Counter)
    for (project, version), some in by_project.items():
        found = findings(fetched(project, version), sorted({label.path for label in some}))
        for kind, outcome, label in judged(some, found):
            tally[kind][outcome] += 1
            if options.show and outcome in ("missed", "wrong"):
                print(f"{outcome}: {kind} {project} {label.path}:{label.lines[0]} {label.qualname}")
    print("| kind | found | missed | wrong | precision | recall |\n|---|---:|---:|---:|---:|---:|")
    for kind in CODES:
        print(row(kind, tally[kind]))


def labels() -> Iterator[Label]:
    """Yield what was read."""
    for path in sorted(LABELS.glob("*.jsonl")):
        for line in path.read_text(encoding="utf-8").splitlines():
            fields = json.loads(line)
            first, last = fields["lines"]
            yield Label(
                fields["project"],
                fields["version"],
                fields["path"],
                fields["qualname"],
                (first, last),
                tuple(fields["kinds"]),
                tuple(fields["undecided"]),
                fields["drawn"],
                fields["batch"],
                fields["reason"],
            )


def fetched(project: str, version: str) -> Path:
    """Return the folder of a project's wheel, which is downloaded the first time."""
    target = CACHE / f"{project}-{version}"
    if target.exists():
        return target
    platforms = [f"--platform={name}" for name in ("manylinux2014_x86_64", "manylinux_2_28_x86_64", "any")]
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary", ":all:"]
    with tempfile.TemporaryDirectory() as folder:
        for python in ("3.12", "3.11"):
            asked = [*command, "--python-version", python, *platforms, "--dest", folder, f"{project}=={version}"]
            if subprocess.run(asked, check=False).returncode == 0:
                break
        (wheel,) = Path(folder).glob("*.whl")
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(target, [member for member in archive.namelist() if member.endswith(".py")])
    return target


def findings(tree: Path, paths: list[str]) -> dict[str, list[dict[str, str | int]]]:
    """Return what the rules say of some files of a tree, by path; none of these rules looks at other files."""
    # `-P`, for a tree may have a `types.py` of its own.
    command = [sys.executable, "-P", "-m", "golden_rules", "check", *paths, "--select", "GR2,GR3", "--format", "json"]
    command += ["--exit-zero", "--runtime-module", "golden_runtime", "--no-cache"]
    done = subprocess.run(command, cwd=tree, check=True, capture_output=True, text=True)
    by_path: dict[str, list[dict[str, str | int]]] = defaultdict(list)
    for finding in json.loads(done.stdout)["findings"]:
        by_path[finding["path"]].append(finding)
    return by_path


def judged(some: list[Label], found: dict[str, list[dict[str, str | int]]]) -> Iterator[tuple[str, str, Label]]:
    """Yield each kind that a label decides, and whether it was found, missed, rightly left alone or wrongly named."""
    for label in some:
        codes = {finding["code"] for finding in found.get(label.path, ()) if speaks_of(finding, label)}
        for kind, wanted in CODES.items():
            hit = codes & wanted
            parts = {"timing", "counting", "error_tracking"} & set(label.kinds)
            if kind in label.undecided or (hit == {"GR204"} and kind not in label.kinds and parts):
                # A hand-tracked request is right where any of its three parts was seen.
                continue
            if kind in label.kinds:
                yield kind, "found" if hit else "missed", label
            else:
                yield kind, "wrong" if hit else "left alone", label


def speaks_of(finding: dict[str, str | int], label: Label) -> bool:
    """Whether a finding is about a labelled function, or about the breaker, queue or pool whose class holds it."""
    first, last = label.lines
    name = str(finding["function"] or "<module>")
    if name == label.qualname:
        return first - DECORATORS <= int(finding["line"]) <= last
    return finding["code"] in CLASSES and label.qualname.startswith(f"{name}.")


def row(kind: str, outcomes: Counter[str]) -> str:
    """Return one row of the table."""
    found, missed, wrong = (outcomes[name] for name in ("found", "missed", "wrong"))
    precision = f"{found / (found + wrong):.2f}" if found + wrong else ""
    recall = f"{found / (found + missed):.2f}" if found + missed else ""
    return f"| {kind.replace('_', ' ')} | {found} | {missed} | {wrong} | {precision} | {recall} |"


if __name__ == "__main__":
    main()
