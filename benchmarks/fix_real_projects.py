"""What the fixes do to real projects: their own test suites, before and after every function that can be is decorated.

    python benchmarks/fix_real_projects.py [NAMES] [--work FOLDER] [--every] [--profile PROFILE] [--unsafe-fixes]
    python benchmarks/fix_real_projects.py [NAMES] [--work FOLDER] --by-rule

Each project is taken from its source distribution, pinned, into a virtual environment of its own with pinned test tools. Its
suite runs; `golden-rules check --fix` decorates the package; golden-runtime is installed; the suite runs again. The same
tests must end in the same way. Then it runs once more under a trace function, and a pytest plugin keeps which of the
decorated functions were called, and what their decorators recorded. `comprehensive` is the profile unless another is given; with
`--every`, every function is named critical as well, so that hot loops and helpers are decorated too: no service would want
that, but it leaves little untried.

With `--by-rule`, the unsafe fixes of single rules that seldom find what they can fix are applied instead, each to the whole of
a project where they do. A counter that gives way to a decorator has to have the same samples after the suite as before.
"""

from __future__ import annotations

import argparse
import ast
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from real_projects import BY_RULE, PROJECTS, Project

ROOT = Path(__file__).parents[1]
PLUGIN = ROOT / "benchmarks" / "fix_real_projects_plugin.py"
TOOLS = ("pytest==8.4.2", "prometheus-client==0.26.0")
# The setting that names every function critical.
EVERY = 'critical = ["*"]\n'
# What each decorator counts calls with: the end of the name of its series.
COUNTING = {
    "track_request": "_calls_total",
    "track_adapter_request": "_calls_total",
    "track_cache_operation": "_calls_total",
    "counted": "_total",
    "timed": "_seconds_count",
    "retry": "retry_attempts_total",
}
# Rules whose decorators take over a series that was there before.
KEEPING = ("GR202", "GR203")


@dataclass(frozen=True, slots=True)
class Decorated:
    """A function that the fixes decorated.

    Attributes:
        place: Its file and the line of its first decorator, as its code has them.
        series: What counts its calls.
        operation: What a label says of it, where several functions share the series.
    """

    place: tuple[str, int]
    series: str
    operation: str = ""

    def owns(self, labels: Mapping[str, str]) -> bool:
        """Whether what its series has under these labels is of this function."""
        told = (labels.get("operation"), labels.get("name", "").rpartition(".")[2])
        return not self.operation or self.operation in told


@dataclass(frozen=True, slots=True)
class Recorded:
    """What a traced run of a suite says of the decorated functions.

    Attributes:
        called: How many of them were called.
        recorded: How many of those have calls in their series.
        calls: How many calls, or attempts, their series recorded.
    """

    called: int
    recorded: int
    calls: int


@dataclass(frozen=True, slots=True)
class Measured:
    """What one project gave.

    Attributes:
        before: How each test ended before the fixes; `after` likewise.
        decorated: How many functions the fixes decorated.
    """

    project: Project
    before: Mapping[str, str]
    after: Mapping[str, str]
    decorated: int
    recorded: Recorded

    @property
    def differences(self) -> list[str]:
        """The tests that ended in another way, with both ways."""
        names = sorted({*self.before, *self.after})
        ways = ((name, self.before.get(name, "absent"), self.after.get(name, "absent")) for name in names)
        return [f"{name}: {was}, then {now}" for name, was, now in ways if was != now]

    @property
    def unexpected(self) -> list[str]:
        """Those of them for which there is no reason."""
        return [
            line
            for line in self.differences
            if not line.startswith(tuple(f"{name}: " for name in self.project.differs))
        ]


def main() -> None:
    """Measure the projects, print the table, and end with status 1 where a test ended in another way than it should."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", help="the projects, by default all")
    parser.add_argument("--work", type=Path, help="a folder to work in, which is kept; by default a temporary one")
    parser.add_argument("--every", action="store_true", help="decorate far more functions than a service would")
    parser.add_argument("--profile", choices=("selective", "comprehensive"), default="comprehensive")
    parser.add_argument("--unsafe-fixes", action="store_true", help="apply the unsafe fixes, too")
    parser.add_argument("--by-rule", action="store_true", help="apply the unsafe fixes of single rules instead")
    options = parser.parse_args()
    settings = f'profile = "{options.profile}"\n' + (EVERY if options.every else "")
    fixes = ("--fix", "--unsafe-fixes") if options.unsafe_fixes else ("--fix",)
    every = BY_RULE if options.by_rule else PROJECTS
    chosen = [project for project in every if not options.names or project.name in options.names]
    with tempfile.TemporaryDirectory(prefix="golden-rules-real-") as folder:
        work = (options.work or Path(folder)).absolute()
        results = []
        for project in chosen:
            print(f"{project.name} ...", file=sys.stderr, flush=True)
            results.append(measured(project, work, settings, fixes))
            print(row(results[-1]), file=sys.stderr, flush=True)
    print("\n".join(table(results)))
    changed = [f"{result.project.name}: {line}" for result in results for line in result.differences]
    print("\n".join(changed), file=sys.stderr)
    sys.exit(1 if any(result.unexpected for result in results) else 0)


def measured(project: Project, work: Path, settings: str, fixes: Sequence[str]) -> Measured:
    """Run a project's suite, fix the project, and run the suite again."""
    home = work / project.name
    source = unpacked(project, home)
    python = environment(project, home, source)
    first = home / "before.json" if project.rule else None
    before = outcomes(project, python, source, first)
    if "passed" not in before.values():
        raise SystemExit(f"no test of {project.name} passes before any fix: see {home / 'before.log'}")
    if project.rule:
        # What takes a name away asks the whole project.
        fixed(source, ".", settings, ("--fix", "--unsafe-fixes", "--select", project.rule))
    else:
        fixed(source, project.package, settings, fixes)
    run([python, "-m", "pip", "install", "--quiet", "--editable", ROOT / "runtime"], home)
    after = outcomes(project, python, source, home / "after.json")
    traced = home / "traced.json"
    traced.unlink(missing_ok=True)
    outcomes(project, python, source, traced, traced=True)
    functions = list(decorated(source / project.package))
    if first is not None and project.rule in KEEPING:
        before |= samples(functions, first)
        after |= samples(functions, home / "after.json")
    return Measured(project, before, after, len(functions), recorded(functions, traced))


def decorated(package: Path) -> Iterator[Decorated]:
    """Yield the functions below a folder, or in a file, that have one of the runtime's decorators or policies."""
    for file in sorted(package.rglob("*.py")) if package.is_dir() else [package]:
        for node in ast.walk(ast.parse(file.read_bytes())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                first = min((decorator.lineno for decorator in node.decorator_list), default=node.lineno)
                yield from _counted(node, (os.path.realpath(file), first))


def _counted(node: ast.FunctionDef | ast.AsyncFunctionDef, place: tuple[str, int]) -> Iterator[Decorated]:
    for decorator in node.decorator_list:
        if not isinstance(decorator, ast.Call):
            continue
        name = ast.unparse(decorator.func).rpartition(".")[2]
        words = [argument.value for argument in decorator.args if isinstance(argument, ast.Constant)]
        if name == "retry" and any(keyword.arg == "max_retries" for keyword in decorator.keywords):
            yield Decorated(place, COUNTING[name], node.name)
            return
        if name not in COUNTING or not words:
            continue
        prefix = {"track_adapter_request": "adapter.", "track_cache_operation": "cache."}.get(name, "")
        spelled = (prefix + ".".join(map(str, words))).replace(".", "_")
        series = spelled.removesuffix(COUNTING[name]) + COUNTING[name]
        yield Decorated(place, series, node.name if prefix == "adapter." else "")
        return
    for call in ast.walk(node):
        match call:
            # a loop over the attempts of a policy, in a function that no decorator stands on
            case ast.Call(func=ast.Name(id="RetryPolicy"), keywords=[ast.keyword(value=ast.Constant(value=str(name)))]):
                yield Decorated(place, COUNTING["retry"], name.rpartition(".")[2])
                return
            case _:
                pass


def recorded(functions: Iterable[Decorated], report: Path) -> Recorded:
    """Return what the plugin's report says of functions; nothing where the run came to no end."""
    found = _read(report)
    ran = {(file, line) for file, line in found["ran"]}
    series = defaultdict(list)
    for name, labels, value in found["series"]:
        series[name].append((labels, value))
    called = [function for function in functions if function.place in ran]
    values = {
        (function.series, function.operation): sum(
            value for labels, value in series[function.series] if function.owns(labels)
        )
        for function in called
    }
    counted = sum(values[function.series, function.operation] > 0 for function in called)
    return Recorded(len(called), counted, int(sum(values.values())))


def samples(functions: Iterable[Decorated], report: Path) -> dict[str, str]:
    """Return all samples of the series of functions, from a plugin's report, each under its name and labels."""
    names = {function.series for function in functions}
    return {
        f"{name} {json.dumps(labels, sort_keys=True)}": str(value)
        for name, labels, value in _read(report)["series"]
        if name in names
    }


def _read(report: Path) -> dict[str, Any]:
    if not report.exists():
        return {"series": [], "ran": []}
    found: dict[str, Any] = json.loads(report.read_text())
    return found


def unpacked(project: Project, home: Path) -> Path:
    """Return the folder of a fresh copy of the distribution."""
    downloads = home / "download"
    if not downloads.exists():
        downloads.mkdir(parents=True)
        requirement = f"{project.name}=={project.version}"
        run(
            [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary", project.name, requirement],
            downloads,
        )
    (archive,) = downloads.glob("*.tar.gz")
    source = home / "source"
    shutil.rmtree(source, ignore_errors=True)
    with tarfile.open(archive) as opened:
        # Python knows filters from 3.11.4 on, and 3.14 has this one by default.
        opened.extraction_filter = getattr(tarfile, "data_filter", None)
        opened.extractall(source)  # noqa: S202 - filtered, by the line above
    (folder,) = source.iterdir()
    for name, wanted in project.copied.items():
        shutil.copyfile(folder / name, folder / wanted)
    return folder


def environment(project: Project, home: Path, source: Path) -> Path:
    """Return the interpreter of the project's environment, with the project in it as it stands in its folder."""
    folder = home / "venv"
    python = folder / "bin" / "python"
    if not python.exists():
        run([sys.executable, "-m", "venv", folder], home)
    install = [python, "-m", "pip", "install", "--quiet"]
    run([*install, "--editable", source, *TOOLS, *project.needs.split()], home)
    run([python, "-m", "pip", "uninstall", "--quiet", "--yes", "golden-runtime"], home)
    return python


def fixed(source: Path, package: str, settings: str, fixes: Sequence[str] = ("--fix",)) -> None:
    """Fix a package, with these settings and options."""
    (source / "golden-rules.toml").write_text(settings)
    command = [sys.executable, "-m", "golden_rules", "check", package, "--runtime-module", "golden_runtime", *fixes]
    done = subprocess.run(command, cwd=source, capture_output=True, text=True, check=False)
    if done.returncode not in (0, 1):
        raise SystemExit(f"the fixes of {source.name} failed:\n{done.stderr}")


def outcomes(
    project: Project, python: Path, source: Path, report: Path | None = None, *, traced: bool = False
) -> dict[str, str]:
    """Run a project's suite, and return how each of its tests ended; `report` is where the plugin puts what it saw."""
    home = source.parent.parent
    results = home / "results.xml"
    results.unlink(missing_ok=True)
    plugin = ["-p", PLUGIN.stem] if report else []
    paths = (PLUGIN.parent, (source / project.package).parent)
    added = {
        "PYTHONPATH": os.pathsep.join(map(str, paths)),
        "GOLDEN_RECORDED": str(report),
        "GOLDEN_TRACED": "1" if traced else "",
    }
    command = [python, "-m", "pytest", "-q", "-p", "no:cacheprovider", *plugin, f"--junitxml={results}", *project.tests]
    # What a suite leaves in the folder of temporary files would be in the way of its next run: kombu's moves a file there.
    with tempfile.TemporaryDirectory(prefix="golden-rules-run-", ignore_cleanup_errors=True) as scratch:
        surroundings = {**os.environ, **added, "TMPDIR": scratch}
        done = subprocess.run(command, cwd=source, capture_output=True, text=True, check=False, env=surroundings)
    (home / (report.with_suffix(".log").name if report else "before.log")).write_text(done.stdout + done.stderr)
    if not results.exists():
        return {"the whole suite": "failed: " + done.stdout[-500:] + done.stderr[-500:]}
    return dict(_outcomes(ElementTree.parse(results).iter("testcase")))  # noqa: S314 - pytest wrote it


def _outcomes(cases: Iterable[ElementTree.Element]) -> Iterable[tuple[str, str]]:
    for case in cases:
        name = f"{case.get('classname')}::{case.get('name')}"
        ways = sorted({child.tag for child in case} & {"failure", "error", "skipped"})
        yield name, ways[0] if ways else "passed"


def table(results: Iterable[Measured]) -> list[str]:
    """Return the results as a table in Markdown."""
    heads = (
        "project",
        "kind or rule",
        "passed before",
        "passed after",
        "decorated functions",
        "called",
        "of these recorded",
        "calls recorded",
        "differences",
    )
    return [f"| {' | '.join(heads)} |", f"|{'---|' * len(heads)}", *map(row, results)]


def row(result: Measured) -> str:
    """Return one row of the table."""
    before, after = (sum(way == "passed" for way in ways.values()) for ways in (result.before, result.after))
    project = result.project
    seen = result.recorded
    cells = (
        f"{project.name} {project.version}", project.rule or project.kind, before, after, result.decorated, seen.called, seen.recorded,
        f"{seen.calls:,}", len(result.differences),
    )  # fmt: skip
    return f"| {' | '.join(map(str, cells))} |"


def run(command: list[str | Path], folder: Path) -> None:
    """Run a program to its end; ends the benchmark with its output where it fails."""
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"`{' '.join(map(str, command))}` failed:\n{done.stdout}{done.stderr}")


if __name__ == "__main__":
    main()
