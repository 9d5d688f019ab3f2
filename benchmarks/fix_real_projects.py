"""What the fixes do to real projects: their own test suites, before and after every function that can be is decorated.

    python benchmarks/fix_real_projects.py [NAMES] [--work FOLDER] [--every] [--profile PROFILE] [--unsafe-fixes]

Each project is taken from its source distribution, pinned, into a virtual environment of its own with pinned test tools. Its
suite runs; `golden-rules check --fix` decorates the package; golden-runtime is installed; the suite runs again. The same
tests must end in the same way. Then it runs once more under a trace function, and a pytest plugin keeps which of the
decorated functions were called, and what their decorators recorded. `comprehensive` is the profile unless another is given; with
`--every`, every function is named critical as well, so that hot loops and helpers are decorated too: no service would want
that, but it leaves little untried.
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
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree

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
}


@dataclass(frozen=True, slots=True)
class Project:
    """A public project whose source distribution holds its tests.

    Attributes:
        kind: What sort of program it is.
        package: The package or module that is fixed, below the root of the distribution.
        tests: What pytest is given.
        needs: What its tests need besides pytest.
        differs: The tests that have to end in another way, and why.
    """

    name: str
    version: str
    kind: str
    package: str
    tests: tuple[str, ...] = ("tests",)
    needs: str = ""
    differs: Mapping[str, str] = field(default_factory=dict)


PROJECTS = (
    Project("flask", "3.1.3", "web framework", "src/flask", needs="asgiref==3.9.1 werkzeug==3.1.9"),
    Project(
        "werkzeug",
        "3.1.9",
        "web library",
        "src/werkzeug",
        tests=("tests", "--ignore", "tests/test_serving.py"),  # its reloader waits for files to change
        needs=(
            "cryptography==50.0.2 ephemeral-port-reserve==1.1.4 watchdog==7.1.0 pytest-timeout==2.4.0 pytest-xprocess==1.0.2"
        ),
    ),
    Project(
        "starlette",
        "0.46.2",
        "async web framework",
        "starlette",
        needs="anyio==4.9.0 httpx==0.28.1 itsdangerous==2.2.0 jinja2==3.1.6 python-multipart==0.0.34 pyyaml==6.0.4 trio==0.35.0",
    ),
    Project(
        "httpx",
        "0.28.1",
        "client library",
        "httpx",
        needs=(
            "anyio==4.16.0 brotli==1.2.1 chardet==7.7.0 click==8.5.1 cryptography==50.0.2 h2==4.4.1 pygments==2.21.0 rich==15.0.0 "
            "socksio==1.0.0 trio==0.35.0 trustme==1.2.1 uvicorn==0.54.0 zstandard==0.25.0"
        ),
        differs={
            "tests.test_exported_members::test_all_imports_are_exported": "it wants every name of `__init__.py` in `__all__`"
        },
    ),
    Project("huey", "3.5.4", "task queue", "huey", tests=("huey/tests",)),
    Project(
        "apscheduler",
        "3.11.0",
        "scheduler",
        "src/apscheduler",
        # a new process must be there within a second, which a busy machine does not keep to with or without fixes
        tests=("tests", "-k", "not processpool and not broken_pool"),
        needs="anyio==4.16.0 gevent==26.9.0 pytz==2026.6 sqlalchemy==2.1.9 tornado==6.6.1 twisted==26.10.0",
    ),
    Project(
        "luigi",
        "3.8.1",
        "batch pipelines",
        "luigi",
        # what starts no server, which takes minutes
        tests=(
            "test/event_callbacks_test.py",
            "test/execution_summary_test.py",
            "test/instance_test.py",
            "test/local_target_test.py",
            "test/parameter_test.py",
            "test/range_test.py",
            "test/scheduler_api_test.py",
            "test/scheduler_test.py",
            "test/scheduler_visualisation_test.py",
            "test/task_history_test.py",
            "test/task_test.py",
        ),
        needs="hypothesis==6.170.17 jsonschema==4.26.0 mock==5.2.0 psutil==7.2.2 sqlalchemy==2.1.9",
    ),
    Project("schedule", "1.2.2", "scheduler", "schedule", tests=("test_schedule.py",), needs="pytz==2026.6"),
    Project(
        "click",
        "8.5.1",
        "command line",
        "src/click",
        differs={"tests.test_imports::test_light_imports": "it allows no import that click did not have"},
    ),
    Project(
        "swift",
        "2.38.3",
        "object store",
        "swift",
        # what times by hand, less what waits for minutes
        tests=(
            "test/unit/account/test_reaper.py",
            "test/unit/common/test_db_replicator.py",
            "test/unit/container/test_sync.py",
            "test/unit/container/test_updater.py",
            "test/unit/obj/test_updater.py",
            "test/unit/proxy/controllers/test_base.py",
            "test/unit/proxy/controllers/test_obj.py",
        ),
        needs=(
            "boto3==1.44.8 docutils==0.23 eventlet==0.41.3 keystonemiddleware==13.0.1 pyeclib==1.8.0 pytest-subtests==0.15.0 "
            "python-keystoneclient==6.0.0 python-swiftclient==4.11.0 requests-mock==1.12.1 xattr==1.3.0"
        ),
        differs={
            "test.unit.container.test_sync.TestContainerSync::test_run_once": (
                "it counts how often a clock of its own is read, so the fix is unsafe: only `--unsafe-fixes` applies it"
            )
        },
    ),
    Project("petl", "1.7.30", "data tool", "petl", tests=("petl/test",)),
    Project("cachetools", "8.0.2", "cache", "src/cachetools"),
    Project("pluggy", "1.7.0", "plugin system", "src/pluggy", tests=("testing",), needs="pytest-benchmark==5.3.1"),
    Project("itsdangerous", "2.2.0", "signing", "src/itsdangerous", needs="freezegun==1.5.5"),
    Project("bottle", "0.13.4", "web framework of one module", "bottle.py", tests=("test",)),
    Project(
        "requests",
        "2.34.2",
        "client library",
        "src/requests",
        needs="httpbin==0.10.4 pysocks==1.7.1 pytest-httpbin==2.1.0 pytest-mock==3.17.0 trustme==1.2.1",
    ),
    Project("tenacity", "9.2.1", "retries", "tenacity", needs="tornado==6.6.1 trio==0.35.0 typeguard==4.6.1"),
    Project(
        "marshmallow",
        "4.4.0",
        "serialization",
        "src/marshmallow",
        # the time of day is part of the names of those left out
        tests=("tests", "-k", "not test_invalid_datetime_deserialization"),
        needs="pytz==2026.6 simplejson==4.3.0",
    ),
    Project(
        "traitlets",
        "5.16.1",
        "descriptors",
        "traitlets",
        tests=("tests", "--ignore", "tests/test_typing.py"),  # for a plugin of mypy
        needs="argcomplete==3.7.2 pytest-mock==3.17.0",
    ),
    Project(
        "jinja2",
        "3.1.6",
        "template engine",
        "src/jinja2",
        needs="trio==0.35.0",
        differs={
            "tests.test_debug.TestDebug::test_runtime_error": "`@internalcode` hides the frames of what it is put on"
        },
    ),
    Project(
        "attrs",
        "26.1.0",
        "classes made at run time",
        "src/attr",
        needs="cloudpickle==3.1.3 hypothesis==6.170.17 pympler==1.1 pytest-xdist==3.8.0",
        differs={
            "tests.test_3rd_party.TestCloudpickleCompat::test_repr": "a measured function is pickled by its name alone",
            "tests.test_make.TestMakeClass::test_missing_sys_getframe": "it takes `sys._getframe` away, which decorating uses",
        },
    ),
)


@dataclass(frozen=True, slots=True)
class Decorated:
    """A function that the fixes decorated.

    Attributes:
        place: Its file and the line of its first decorator, as its code has them.
        series: What counts its calls.
        operation: The label of that name, where its series has one.
    """

    place: tuple[str, int]
    series: str
    operation: str = ""


@dataclass(frozen=True, slots=True)
class Recorded:
    """What a traced run of a suite says of the decorated functions.

    Attributes:
        called: How many of them were called.
        recorded: How many of those have calls in their series.
        calls: How many calls all series recorded.
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
    options = parser.parse_args()
    settings = f'profile = "{options.profile}"\n' + (EVERY if options.every else "")
    fixes = ("--fix", "--unsafe-fixes") if options.unsafe_fixes else ("--fix",)
    chosen = [project for project in PROJECTS if not options.names or project.name in options.names]
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
    before = outcomes(project, python, source)
    if "passed" not in before.values():
        raise SystemExit(f"no test of {project.name} passes before any fix: see {home / 'before.log'}")
    fixed(source, project.package, settings, fixes)
    run([python, "-m", "pip", "install", "--quiet", "--editable", ROOT / "runtime"], home)
    after = outcomes(project, python, source, home / "after.json")
    traced = home / "traced.json"
    traced.unlink(missing_ok=True)
    outcomes(project, python, source, traced, traced=True)
    functions = list(decorated(source / project.package))
    return Measured(project, before, after, len(functions), recorded(functions, traced))


def decorated(package: Path) -> Iterator[Decorated]:
    """Yield the functions below a folder, or in a file, that have one of the runtime's decorators."""
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
        if name not in COUNTING or not words:
            continue
        prefix = {"track_adapter_request": "adapter.", "track_cache_operation": "cache."}.get(name, "")
        series = (prefix + ".".join(map(str, words))).replace(".", "_") + COUNTING[name]
        yield Decorated(place, series, node.name if prefix == "adapter." else "")
        return


def recorded(functions: Iterable[Decorated], report: Path) -> Recorded:
    """Return what the plugin's report says of functions; nothing where the run came to no end."""
    found = json.loads(report.read_text()) if report.exists() else {"series": [], "ran": []}
    ran = {(file, line) for file, line in found["ran"]}
    series = {(name, labels.get("operation", "")) for name, labels, _ in found["series"]}
    called = [function for function in functions if function.place in ran]
    counted = sum((function.series, function.operation) in series for function in called)
    calls = sum(value for name, _, value in found["series"] if name.endswith("_calls_total"))
    return Recorded(len(called), counted, int(calls))


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
    done = subprocess.run(command, cwd=source, capture_output=True, text=True, check=False, env={**os.environ, **added})
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
        "kind",
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
        f"{project.name} {project.version}", project.kind, before, after, result.decorated, seen.called, seen.recorded,
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
