"""The whole way of a project that exists: init, baseline, a stopped commit, a pull request, the fix, grace that ends.

The project is rq, a job queue of some 40 files, as PyPI has it.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from repositories import Repository

from golden_rules import __version__

REQUIREMENT = "rq==2.3.3"
PYPROJECT = '[project]\nname = "rq"\nversion = "2.3.3"\ndependencies = [\n    "redis>=3.5",\n]\n'
NOTIFY = """\
import httpx


async def notify(client: httpx.AsyncClient, job):
    response = await client.post("/jobs", json=job.to_dict())
    return response.json()
"""
FROZEN = "rq/suspension.py"
HOME = "https://github.com/golden-rules/golden-rules"


@pytest.fixture(scope="module")
def tree(tmp_path_factory) -> Path:
    """The files of rq, as pip fetches them."""
    folder = tmp_path_factory.mktemp("rq")
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary", ":all:", REQUIREMENT]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    with zipfile.ZipFile(next(folder.glob("*.whl"))) as wheel:
        wheel.extractall(folder / "tree", [name for name in wheel.namelist() if name.startswith("rq/")])
    return folder / "tree"


@pytest.fixture
def project(tree, hook_source, environment, tmp_path) -> Repository:
    """A git repository with rq in it, in which our address stands for this work tree."""
    if f"v{__version__}" not in hook_source.git("tag").stdout:
        hook_source.git("tag", f"v{__version__}")
    ours = {
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": f"url.file://{hook_source.folder}.insteadOf",
        "GIT_CONFIG_VALUE_0": HOME,
    }
    project = Repository(tmp_path, {**environment, **ours})
    project.write("pyproject.toml", PYPROJECT)
    project.write(".gitignore", ".golden-rules-cache\n")
    for path in tree.rglob("*.py"):
        project.write(str(path.relative_to(tree)), path.read_text())
    assert project.commit(".").returncode == 0
    assert project.git("branch", "--move", "main").returncode == 0
    return project


class TestAdoption:
    """One story, step by step; each step asserts what the user sees."""

    def test_from_init_to_the_end_of_grace(self, run, project):
        """Nothing old is in anybody's way, nothing new gets in, and the baseline becomes smaller."""
        folder = project.folder
        self.adopt(run, project)
        self.violate(run, project)
        self.review(run, folder)
        self.mend(run, project)
        self.shrink(run, folder)
        self.end_grace(run, folder)

    def adopt(self, run, project):
        """Init writes its three files and the baseline; the first commit with the hook passes."""
        done = run(project.folder, "golden_rules", "init", "--yes")
        assert done.returncode == 0, done.stderr
        assert '    "golden-runtime>=0.1",\n' in (project.folder / "pyproject.toml").read_text()
        assert run(project.folder, "golden_rules", "check").returncode == 0
        installed = run(project.folder, "pre_commit", "install", environment={"GIT_DIR": str(project.folder / ".git")})
        assert installed.returncode == 0, installed.stdout
        first = project.commit(".")
        assert first.returncode == 0, first.stderr
        assert project.git("status", "--porcelain").stdout == ""

    def violate(self, run, project):
        """A commit with something new is stopped, and only for what is new in it."""
        project.git("checkout", "--quiet", "-b", "feature")
        frozen = project.folder / FROZEN
        frozen.write_text("# Touched.\n" + frozen.read_text())
        project.write("rq/notify.py", NOTIFY)
        stopped = project.commit("rq")
        assert stopped.returncode != 0
        assert re.findall(r"^(rq/\S+?):\d+:\d+: (GR\d+)", stopped.stderr, re.MULTILINE) == [("rq/notify.py", "GR102")]
        past_the_hook = project.git("commit", "--quiet", "--no-verify", "--message", "Past the hook")
        assert past_the_hook.returncode == 0

    def review(self, run, folder):
        """The pull request shows one annotation, and code scanning gets the same."""
        done = run(
            folder, "golden_rules", "check", "--changed=main", "--format", "github", "--output", "sarif=out.sarif"
        )
        assert done.returncode == 1
        assert done.stdout.startswith("::error title=GR102 unmeasured-external-call,file=rq/notify.py,line=4,")
        assert len(done.stdout.splitlines()) == 1
        [result] = json.loads((folder / "out.sarif").read_text())["runs"][0]["results"]
        assert result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "rq/notify.py"
        (folder / "out.sarif").unlink()

    def mend(self, run, project):
        """The fix touches what is new and nothing that is frozen; the commit passes."""
        assert run(project.folder, "golden_rules", "check", "--fix").returncode == 0
        assert project.git("diff", "--name-only").stdout.split() == ["rq/notify.py"]
        assert "@track_adapter_request" in (project.folder / "rq/notify.py").read_text()
        passed = project.commit("rq")
        assert passed.returncode == 0, passed.stderr
        assert run(project.folder, "golden_rules", "check", "--changed=main").returncode == 0

    def shrink(self, run, folder):
        """What is mended of old leaves the baseline, and CI asks for that."""
        before = len(frozen(folder))
        assert run(folder, "golden_rules", "baseline", "--check").returncode == 0
        run(folder, "golden_rules", "check", FROZEN, "--fix", "--no-baseline")
        could = run(folder, "golden_rules", "baseline", "--check")
        assert could.returncode == 1
        assert f"{FROZEN}: GR102" in could.stdout
        assert run(folder, "golden_rules", "baseline").returncode == 0
        assert run(folder, "golden_rules", "baseline", "--check").returncode == 0
        assert len(frozen(folder)) < before
        assert all(entry["path"] != FROZEN or entry["code"] != "GR102" for entry in frozen(folder))

    def end_grace(self, run, folder):
        """Findings outside of the baseline warn until their day, and fail from then on."""
        config = folder / "pyproject.toml"
        settings = config.read_text()
        retries = ("golden_rules", "check", "--select", "GR301", "--no-baseline")
        config.write_text(f"{settings}\n[tool.golden-rules.grace-until]\nGR301 = 2100-01-01\n")
        warned = run(folder, *retries)
        assert warned.returncode == 0
        assert "GR301 (warning)" in warned.stdout
        config.write_text(f"{settings}\n[tool.golden-rules.grace-until]\nGR301 = 2020-01-01\n")
        assert run(folder, *retries).returncode == 1


def frozen(folder: Path) -> list[dict[str, str]]:
    """Return what the baseline holds."""
    return json.loads((folder / "golden-rules-baseline.json").read_text())["findings"]
