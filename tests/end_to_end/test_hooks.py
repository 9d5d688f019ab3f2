"""The hooks, as pre-commit itself runs them in another repository."""

from __future__ import annotations

import subprocess
import sys

import pytest
from repositories import Repository

UNMEASURED = """\
import httpx


async def charge(client: httpx.AsyncClient, order):
    response = await client.post("/charges", json=order)
    return response.json()
"""
MEASURED = """\
import httpx
from golden_runtime import track_adapter_request


@track_adapter_request("http")
async def charge(client: httpx.AsyncClient, order):
    response = await client.post("/charges", json=order)
    return response.json()
"""


@pytest.fixture
def repository(request, hook_source, environment, tmp_path) -> Repository:
    """A repository that uses the hook that the test names."""
    repository = Repository(tmp_path, environment)
    revision = hook_source.git("rev-parse", "HEAD").stdout.strip()
    repository.write(
        ".pre-commit-config.yaml",
        f"repos:\n- repo: {hook_source.folder}\n  rev: {revision}\n  hooks:\n  - id: {request.param}\n",
    )
    repository.write("pyproject.toml", '[project]\nname = "shop"\nversion = "1"\ndependencies = ["golden-runtime"]\n')
    done = subprocess.run(
        [sys.executable, "-m", "pre_commit", "install"], cwd=tmp_path, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout
    first = repository.commit(".pre-commit-config.yaml", "pyproject.toml")
    assert first.returncode == 0, first.stderr
    return repository


@pytest.mark.parametrize("repository", ["golden-rules"], indirect=True)
def test_a_commit_with_a_violation_is_stopped(repository):
    """The commit fails with the finding in its output, changes no file, and the mended file passes."""
    path = repository.write("src/shop/payments.py", UNMEASURED)
    stopped = repository.commit("src")
    assert stopped.returncode != 0
    assert "src/shop/payments.py:4:11: GR102 nothing measures `charge`" in stopped.stderr
    assert path.read_text() == UNMEASURED
    assert repository.commits() == 1
    repository.write("src/shop/payments.py", MEASURED)
    passed = repository.commit("src")
    assert passed.returncode == 0, passed.stderr
    assert repository.commits() == 2


@pytest.mark.parametrize("repository", ["golden-rules"], indirect=True)
def test_what_a_commit_does_not_touch_does_not_stop_it(repository):
    """Only the files of the commit are checked, and only Python files, scripts without a suffix included."""
    repository.write("src/shop/legacy.py", UNMEASURED)
    assert repository.commit("src").returncode != 0
    repository.git("reset", "--quiet")
    repository.write("notes.txt", UNMEASURED)
    passed = repository.commit("notes.txt")
    assert passed.returncode == 0, passed.stderr
    script = repository.write("charge", f"#!/usr/bin/env python3\n{UNMEASURED}")
    script.chmod(0o755)
    stopped = repository.commit("charge")
    assert stopped.returncode != 0
    assert "charge:5:11: GR102" in stopped.stderr


@pytest.mark.parametrize("repository", ["golden-rules-fix"], indirect=True)
def test_the_fixing_hook_fixes_and_stops_the_commit_once(repository):
    """The first commit fails with the file fixed in the work tree; once that is added, it passes."""
    path = repository.write("src/shop/payments.py", UNMEASURED)
    stopped = repository.commit("src")
    assert stopped.returncode != 0
    assert "files were modified by this hook" in stopped.stderr
    assert path.read_text() == MEASURED
    assert repository.commits() == 1
    passed = repository.commit("src")
    assert passed.returncode == 0, passed.stderr
    assert repository.git("status", "--porcelain").stdout == ""


@pytest.mark.parametrize("repository", ["golden-rules-fix"], indirect=True)
def test_the_fixing_hook_keeps_out_of_what_is_not_staged(repository):
    """A change that is not part of the commit is still there after the fix."""
    repository.write("src/shop/payments.py", MEASURED)
    assert repository.commit("src").returncode == 0
    readme = repository.write("README.md", "first\n")
    assert repository.commit("README.md").returncode == 0
    readme.write_text("second\n")
    repository.write("src/shop/refunds.py", UNMEASURED)
    assert repository.commit("src").returncode != 0
    assert readme.read_text() == "second\n"
    assert repository.commit("src").returncode == 0
    assert repository.git("status", "--porcelain").stdout == " M README.md\n"


@pytest.mark.parametrize("repository", ["golden-rules"], indirect=True)
def test_a_broken_configuration_stops_the_commit_with_its_sentence(repository):
    """The mistake is named in the output of the commit."""
    repository.write("golden-rules.toml", 'ingore = ["GR101"]\n')
    repository.write("src/shop/payments.py", MEASURED)
    stopped = repository.commit("src", "golden-rules.toml")
    assert stopped.returncode != 0
    assert "did you mean `ignore`?" in stopped.stderr
    assert "Traceback" not in stopped.stderr
