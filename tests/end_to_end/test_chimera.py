"""The main job on the reference service: check, fix, check again, and run what was fixed."""

from __future__ import annotations

import ast
import json
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

SERVICE = ("chimera", "--demo", "--workflows", "12", "--metrics")


@dataclass(frozen=True, slots=True)
class Service:
    """A copy of the service, and what it printed when it ran."""

    folder: Path
    summary: str
    samples: dict[tuple[str, frozenset[tuple[str, str]]], float]

    def value(self, name: str, **labels: str) -> float:
        """The value of one series."""
        return self.samples[name, frozenset(labels.items())]

    def names(self) -> set[str]:
        """The names of all series."""
        return {name for name, _ in self.samples}


@pytest.fixture(scope="module")
def copies(run, root, tmp_path_factory) -> dict[str, Service]:
    """The service as it is, with the safe fixes, and with the unsafe ones too."""
    made = {}
    for kind, flags in (("before", None), ("safe", ("--fix",)), ("unsafe", ("--fix", "--unsafe-fixes"))):
        folder = tmp_path_factory.mktemp(kind) / "chimera"
        shutil.copytree(root / "fixtures" / "chimera", folder, ignore=shutil.ignore_patterns("__pycache__", ".*"))
        if flags is not None:
            fixed = run(folder, "golden_rules", "check", *flags)
            assert fixed.returncode in (0, 1), fixed.stderr
        made[kind] = served(run, folder)
    return made


def served(run, folder: Path) -> Service:
    """Run a few workflows."""
    done = run(folder, *SERVICE, python_path=folder / "src")
    assert done.returncode == 0, done.stderr
    summary, _, exposition = done.stdout.partition("\n\n")
    samples = {
        (name, frozenset(labels.items())): value
        for family in text_string_to_metric_families(exposition)
        for name, labels, value, *_ in family.samples
    }
    return Service(folder, summary, samples)


def findings(run, folder: Path, *flags: str) -> list[dict[str, object]]:
    """What a check finds, as JSON says it."""
    return json.loads(run(folder, "golden_rules", "check", "--format", "json", *flags).stdout)["findings"]


def test_every_family_of_rules_finds_something(run, copies):
    """Entry points, external calls, workflows, resilience steps and hand-taken times are all there."""
    codes = {finding["code"] for finding in findings(run, copies["before"].folder)}
    assert codes >= {"GR101", "GR102", "GR103", "GR104", "GR201"}


def test_only_what_no_fix_can_do_remains(run, copies):
    """After `--fix` no finding has a safe fix left, and none is new."""
    before, after = (findings(run, copies[kind].folder) for kind in ("before", "safe"))
    assert len(after) < len(before)
    assert not [finding for finding in after if (finding["fix"] or {}).get("safety") == "safe"]
    known = {(finding["code"], finding["path"], finding["function"]) for finding in before}
    assert {(finding["code"], finding["path"], finding["function"]) for finding in after} <= known


@pytest.mark.parametrize(("kind", "flags"), [("safe", ()), ("unsafe", ("--unsafe-fixes",))])
def test_a_second_fix_changes_nothing(run, copies, kind, flags):
    """What is fixed is at rest."""
    assert run(copies[kind].folder, "golden_rules", "check", "--fix", "--diff", *flags).stdout == ""


@pytest.mark.parametrize("kind", ["safe", "unsafe"])
def test_domain_metrics_stay_untouched(root, copies, kind):
    """No byte of metrics.py changes, and every file that changed still parses."""
    original = root / "fixtures" / "chimera" / "src" / "chimera"
    fixed = copies[kind].folder / "src" / "chimera"
    assert (fixed / "metrics.py").read_bytes() == (original / "metrics.py").read_bytes()
    changed = [
        path for path in fixed.rglob("*.py") if path.read_bytes() != (original / path.relative_to(fixed)).read_bytes()
    ]
    assert len(changed) > 5
    for path in changed:
        ast.parse(path.read_bytes())


@pytest.mark.parametrize("kind", ["before", "safe", "unsafe"])
def test_the_service_passes_its_own_tests(run, copies, kind):
    """Its whole suite passes before the fixes, after the safe and after the unsafe ones; nothing is left out."""
    done = run(copies[kind].folder, "pytest", "-p", "no:cacheprovider", "-W", "ignore::DeprecationWarning")
    assert done.returncode == 0, done.stdout
    assert "skipped" not in done.stdout


@pytest.mark.parametrize("kind", ["safe", "unsafe"])
def test_the_fixed_service_does_what_it_did(copies, kind):
    """The summary is the same, and so is each count that was exposed before; times may differ."""
    before, after = copies["before"], copies[kind]
    assert after.summary == before.summary
    counted = [series for series in before.samples if series[0].endswith(("_total", "_count", "_size"))]
    assert counted
    assert {series: after.samples[series] for series in counted} == {
        series: before.samples[series] for series in counted
    }


@pytest.mark.parametrize("kind", ["safe", "unsafe"])
def test_new_series_count_what_ran(copies, kind):
    """Runs, failures by type and times of the fixed functions agree with what the service itself says it did."""
    after = copies[kind]
    run_of_digests = "chimera_workflows_digest_workflow_run"
    assert f"{run_of_digests}_calls_total" in after.names() - copies["before"].names()
    completed = after.value("chimera_workflows_processed_total", workflow="digest", outcome="completed")
    assert after.value(f"{run_of_digests}_calls_total", status="success") == completed
    # the model's outage: it fails three times, which opens the breaker, which rejects the next call
    assert after.value(f"{run_of_digests}_errors_total", error_type="TransientError") == 3
    assert after.value(f"{run_of_digests}_errors_total", error_type="CircuitOpenError") == 1
    assert after.value(f"{run_of_digests}_duration_seconds_count") == completed + 4
    # The dead-letter queue is built by hand as a whole: no decorator inside it mends that.
    assert "chimera_dead_letters_add_total" not in after.names()


@pytest.mark.parametrize("kind", ["before", "safe", "unsafe"])
def test_the_service_stays_clean_by_its_own_linter(run, copies, tmp_path, kind):
    """Format and import order hold; only imports of clocks may be left over, which ruff removes by itself."""
    folder = shutil.copytree(copies[kind].folder, tmp_path / "chimera")
    formatted = run(folder, "ruff", "format", "--check", "--no-cache", ".")
    assert formatted.returncode == 0, formatted.stdout
    left = json.loads(run(folder, "ruff", "check", "--no-cache", "--output-format", "json", ".").stdout)
    assert {finding["code"] for finding in left} <= ({"F401"} if kind != "before" else set())
    assert all(finding["message"].startswith(("`time", "`datetime")) for finding in left)
    assert run(folder, "ruff", "check", "--no-cache", "--fix", ".").returncode == 0
    assert served(run, folder).summary == copies[kind].summary
