"""The contract between the catalogue and a whole service: what `metrics` says of chimera is what chimera exposes."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

# Every module of the service, its control API too, and a few workflows through all of it.
SERVICE = """\
import asyncio, sys
import chimera.api
from chimera.demo import run_demo
from prometheus_client import generate_latest

asyncio.run(run_demo(12))
sys.stdout.buffer.write(generate_latest())
"""


@pytest.fixture(scope="module")
def service(run, root, tmp_path_factory) -> Path:
    """The service with all fixes, and `page.txt`, what it exposed at the end."""
    folder = tmp_path_factory.mktemp("metrics") / "chimera"
    shutil.copytree(root / "fixtures" / "chimera", folder, ignore=shutil.ignore_patterns("__pycache__", ".*"))
    assert run(folder, "golden_rules", "check", "--fix", "--unsafe-fixes").returncode in (0, 1)
    (folder / "serve.py").write_text(SERVICE)
    done = run(folder, "serve", python_path=folder / "src")
    assert done.returncode == 0, done.stderr
    (folder / "page.txt").write_text(done.stdout)
    return folder


def test_the_catalogue_is_what_the_service_exposes(run, service):
    """Every series is there, of that kind and with those labels, and no other; but for the route that nobody called."""
    done = run(service, "golden_rules", "metrics", "src", "--check", "page.txt", "--format", "json")
    found = json.loads(done.stdout)
    assert found["expected"] > 60
    assert (found["extra"], found["changed"]) == ([], [])
    (missing,) = found["missing"]
    assert [place["function"] for place in missing["places"]] == ["list_dead_letters"]
    assert missing["message"].endswith("it comes when `list_dead_letters` first runs")
    assert done.returncode == 1


def test_a_renamed_metric_is_noticed(run, service):
    """When the code changes and the page does not, both names are said."""
    source = service / "src" / "chimera" / "metrics.py"
    before = source.read_text()
    source.write_text(before.replace('"chimera_pool_size"', '"chimera_pool_slots"'))
    try:
        done = run(service, "golden_rules", "metrics", "src", "--check", "page.txt", "--format", "json")
    finally:
        source.write_text(before)
    found = json.loads(done.stdout)
    assert "chimera_pool_slots" in [entry["name"] for entry in found["missing"]]
    assert [entry["name"] for entry in found["extra"]] == ["chimera_pool_size"]
