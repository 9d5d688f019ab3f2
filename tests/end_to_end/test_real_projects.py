"""Two real projects: every function decorated, their own suites pass as before, and what was inserted records."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

BENCHMARK = Path(__file__).parents[2] / "benchmarks" / "fix_real_projects.py"
# Small, without dependencies of their own, and of different kinds: classes that are called in every way, and clocks and jobs.
NAMES = ("cachetools", "schedule")
CALLS = """
import schedule
from prometheus_client import REGISTRY

scheduler = schedule.Scheduler()
done = []
job = scheduler.every(2).hours.do(done.append, 1)
scheduler.run_all()
scheduler.run_all()
try:
    scheduler.every().day.at("25:99")
except schedule.ScheduleValueError:
    pass


def value(name, **labels):
    return REGISTRY.get_sample_value(name, labels)


print(len(done), value("schedule_run_calls_total", status="success"), value("schedule_run_duration_seconds_count"))
print(value("schedule_at_calls_total", status="failure"), value("schedule_at_errors_total", error_type="ScheduleValueError"))
"""


@pytest.fixture(scope="module")
def benchmark() -> ModuleType:
    """The benchmark, whose smaller part this is."""
    spec = importlib.util.spec_from_file_location(BENCHMARK.stem, BENCHMARK)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(BENCHMARK.parent)
        spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module", params=NAMES)
def project(
    request: pytest.FixtureRequest, benchmark: ModuleType, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Any]:
    """A project with what its suite gave before the fixes and after, in this environment."""
    (chosen,) = (project for project in benchmark.PROJECTS if project.name == request.param)
    home = tmp_path_factory.mktemp(chosen.name)
    source = benchmark.unpacked(chosen, home)
    python = Path(sys.executable)
    before = benchmark.outcomes(chosen, python, source)
    benchmark.fixed(source, chosen.package, benchmark.EVERY)
    report = home / "traced.json"
    after = benchmark.outcomes(chosen, python, source, report, traced=True)
    functions = list(benchmark.decorated(source / chosen.package))
    recorded = benchmark.recorded(functions, report)
    return {"source": source, "before": before, "after": after, "functions": functions, "recorded": recorded}


def test_the_same_tests_pass(project: dict[str, Any]) -> None:
    """Every test ends as it did before the fixes."""
    assert list(project["before"].values()).count("passed") >= 40
    assert project["after"] == project["before"]


def test_every_inserted_decorator_records(project: dict[str, Any]) -> None:
    """The suites call nearly every function that was decorated, and each that they call has its calls in its series."""
    functions, recorded = project["functions"], project["recorded"]
    assert len(functions) >= 10
    assert recorded.called == recorded.recorded >= len(functions) - 1
    assert recorded.calls > 500


@pytest.mark.parametrize("project", ["schedule"], indirect=True)
def test_series_say_what_happened(project: dict[str, Any]) -> None:
    """Calls made by hand stand in the series, successes and failures apart."""
    environment = {**os.environ, "PYTHONPATH": str(project["source"])}
    done = subprocess.run([sys.executable, "-c", CALLS], capture_output=True, text=True, check=True, env=environment)
    assert done.stdout.splitlines() == ["2 2.0 2.0", "1.0 1.0"]
