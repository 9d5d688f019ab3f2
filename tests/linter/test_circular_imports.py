"""A `runtime-module` of the project's own: what it imports itself cannot import it, and is left alone."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from project_folders import write

from golden_rules.cli import commands

FETCHING = """\
import requests


def fetch(url):
    response = requests.get(url, timeout=3)
    response.raise_for_status()
    return response.json()
"""
REQUESTS = "def get(url, timeout):\n    raise NotImplementedError\n"
OBSERVED = "from golden_runtime import track_adapter_request, track_request\n"


def made(root: Path, files: dict[str, str], source: str = "src") -> Path:
    """Make a project whose runtime module is its own, and return the folder of its packages."""
    (root / "pyproject.toml").write_text(
        '[project]\nname = "acme"\ndependencies = []\n\n[tool.golden-rules]\nruntime-module = "acme.observability"\n'
    )
    return write(root / source, {"requests.py": REQUESTS, "acme/__init__.py": "", **files})


def fixed(root: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Apply the fixes of a project."""
    monkeypatch.chdir(root)
    return CliRunner().invoke(commands, ["check", "--fix", "--unsafe-fixes"], standalone_mode=False).output


def imports(folder: Path, *modules: str) -> None:
    """Import each module as the first one of a fresh interpreter."""
    for module in modules:
        subprocess.run([sys.executable, "-c", f"import {module}"], cwd=folder, check=True)


# Each lets `acme.observability` run `acme.fetching`, directly or not.
REACHES = {
    "itself": {"acme/observability.py": "from acme.fetching import fetch\n" + OBSERVED},
    "relative": {"acme/observability.py": "from .fetching import fetch\n" + OBSERVED},
    "module": {"acme/observability.py": "from acme import fetching\n" + OBSERVED},
    "another module": {
        "acme/observability.py": "import acme.names\n" + OBSERVED,
        "acme/names.py": "import acme.fetching\n",
    },
    "package of another": {
        "acme/observability.py": "from acme.web.names import NAME\n" + OBSERVED,
        "acme/web/__init__.py": "from acme.fetching import fetch\n",
        "acme/web/names.py": "NAME = 'acme'\n",
    },
    "name of the package": {
        "acme/__init__.py": "from acme.fetching import fetch\n\nNAME = 'acme'\n",
        "acme/observability.py": "from acme import NAME\n" + OBSERVED,
    },
    "in a class": {"acme/observability.py": "class Names:\n    from acme.fetching import fetch\n\n" + OBSERVED},
    "under a condition": {"acme/observability.py": "try:\n    import acme.fetching\nfinally:\n    pass\n" + OBSERVED},
}
DOES_NOT_REACH = {
    "nothing": {"acme/observability.py": OBSERVED},
    "in a function": {"acme/observability.py": "def names():\n    import acme.fetching\n\n" + OBSERVED},
    "for types": {
        "acme/observability.py": "from typing import TYPE_CHECKING\n\nif TYPE_CHECKING:\n    import acme.fetching\n"
        + OBSERVED
    },
    "the package alone": {
        "acme/__init__.py": "from acme.fetching import fetch\n",
        "acme/observability.py": "from acme.names import NAME\n" + OBSERVED,
        "acme/names.py": "NAME = 'acme'\n",
    },
}


@pytest.mark.parametrize("files", REACHES.values(), ids=REACHES)
def test_what_the_runtime_module_imports_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, files: dict[str, str]
) -> None:
    """The finding stays and says why; another file of the project is fixed; all can be imported, in any order."""
    source = made(tmp_path, {"acme/fetching.py": FETCHING, "acme/jobs.py": FETCHING.replace("fetch", "load"), **files})
    output = fixed(tmp_path, monkeypatch)
    assert "(no fix, as `acme.observability` itself imports this file and would be imported in a circle)" in output
    assert (source / "acme/fetching.py").read_text() == FETCHING
    assert "from acme.observability import track" in (source / "acme/jobs.py").read_text()
    imports(source, "acme.fetching", "acme.jobs", "acme.observability")


@pytest.mark.parametrize("files", DOES_NOT_REACH.values(), ids=DOES_NOT_REACH)
@pytest.mark.parametrize("folder", ["src", ".", "services/src"])
def test_what_it_does_not_import_is_fixed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, files: dict[str, str], folder: str
) -> None:
    """An import in a function or for types runs later or never, and packages around both run before."""
    source = made(tmp_path, {"acme/fetching.py": FETCHING, **files}, folder)
    assert "circle" not in fixed(tmp_path, monkeypatch)
    assert "from acme.observability import track" in (source / "acme/fetching.py").read_text()
    imports(source, "acme.fetching", "acme.observability")


def test_what_the_package_around_it_imports_from_elsewhere_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Imported first, it would run the package, which would wait for it; what stands in that package runs after it."""
    source = made(
        tmp_path,
        {
            "acme/fetching.py": FETCHING,
            "acme/core/__init__.py": "from acme.core.loading import fetch as load\nfrom acme.fetching import fetch\n",
            "acme/core/loading.py": FETCHING,
            "acme/core/observability.py": OBSERVED,
        },
    )
    settings = tmp_path / "pyproject.toml"
    settings.write_text(settings.read_text().replace("acme.observability", "acme.core.observability"))
    fixed(tmp_path, monkeypatch)
    assert (source / "acme/fetching.py").read_text() == FETCHING
    assert "from acme.core.observability import track" in (source / "acme/core/loading.py").read_text()
    imports(source, "acme.fetching", "acme.core.loading", "acme.core.observability")
