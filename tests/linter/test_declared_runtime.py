"""Whether a project declares golden-runtime: fixes import it only where it does, or where nothing is declared at all."""

from __future__ import annotations

from pathlib import Path

import pytest
from project_folders import write

from golden_rules.config import Configs, Overrides, load_config


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("pyproject.toml", "[project]\ndependencies = ['httpx']", False),
        ("pyproject.toml", "[project]\ndependencies = []", False),
        (
            "pyproject.toml",
            "[project]\ndependencies = ['Golden_Runtime[postgres] >=1 ; python_version>\"3\"']",
            True,
        ),
        ("pyproject.toml", "[project]\ndependencies = ['golden-runtime-extras']", False),
        ("pyproject.toml", "[project]\ndependencies = ['golden.runtime @ file:///x.whl']", True),
        ("pyproject.toml", "[project.optional-dependencies]\nm = ['golden-runtime']", True),
        ("pyproject.toml", "[dependency-groups]\ndev = ['pytest', {include-group = 'x'}]", False),
        ("pyproject.toml", "[dependency-groups]\ndev = ['golden-runtime~=1.0']", True),
        ("pyproject.toml", "[tool.poetry.dependencies]\npython = '^3.11'", False),
        ("pyproject.toml", "[tool.poetry.dependencies]\ngolden_runtime = '^1'", True),
        ("pyproject.toml", "[tool.poetry.group.ops.dependencies]\ngolden-runtime = '*'", True),
        ("pyproject.toml", "[tool.pdm.dev-dependencies]\nops = ['golden-runtime']", True),
        ("pyproject.toml", "[tool.uv]\ndev-dependencies = ['golden-runtime']", True),
        (
            "pyproject.toml",
            "[project]\nname = 'golden-runtime'\ndependencies = ['prometheus-client']",
            True,
        ),
        ("pyproject.toml", "[project]\nname = 'x'", True),
        ("pyproject.toml", "[project]\ndynamic = ['dependencies']", True),
        (
            "pyproject.toml",
            "[project]\ndynamic=['dependencies']\noptional-dependencies={t=['pytest']}",
            True,
        ),
        ("pyproject.toml", "[build-system]\nrequires = ['hatchling']", True),
        ("pyproject.toml", "[tool.ruff]\n", True),
        ("pyproject.toml", "project = 3\ntool = [1]", True),
        ("pyproject.toml", "[project]\nname = 3\ndependencies = [1, ['x']]", False),
        ("requirements.txt", "httpx==1\n", False),
        ("requirements.txt", "# golden-runtime\nhttpx\n", False),
        ("requirements-dev.txt", "golden-runtime>=1  # metrics\n", True),
        ("requirements.txt", "-e ./runtime/golden_runtime\n", True),
        ("requirements.txt", "git+https://host/x.git#egg=golden-runtime\n", True),
        ("requirements.txt", "", True),
        ("requirements/base.txt", "httpx\n", False),
        ("setup.cfg", "[options]\ninstall_requires =\n    httpx\n    golden-runtime>=1\n", True),
        ("setup.cfg", "[options]\ninstall_requires =\n    httpx\n", False),
        ("setup.cfg", "[options.extras_require]\nm = golden-runtime\n", True),
        ("setup.cfg", "[options]\ninstall_requires = file: requirements.in\n", True),
        ("setup.cfg", "[flake8]\nmax-line-length = 99\n", True),
        ("setup.cfg", "no section = 1\n%(x", True),
    ],
)
def test_forms_of_declaration(tmp_path: Path, name: str, text: str, expected: bool) -> None:
    """Every usual way to declare a dependency is understood, and no odd file is an error."""
    write(tmp_path, {name: text, ".git/HEAD": ""})
    assert load_config(tmp_path / "app/a.py").runtime_declared is expected


def test_requirements_that_include_others(tmp_path: Path) -> None:
    """`-r` is followed, relative to the file it stands in."""
    write(
        tmp_path,
        {"requirements.txt": "-r deps/base.txt\nx", "deps/base.txt": "golden-runtime", ".git/HEAD": ""},
    )
    assert load_config(tmp_path).runtime_declared


def test_files_of_one_folder_are_taken_together(tmp_path: Path) -> None:
    """It is enough that one of them has it."""
    write(tmp_path, {"pyproject.toml": "[project]\ndependencies=[]", "requirements.txt": "golden-runtime"})
    config = load_config(tmp_path)
    assert (config.runtime_declared, config.declaration_file) == (True, "requirements.txt")


def test_in_a_monorepo_the_nearest_declaration_wins(tmp_path: Path) -> None:
    """A member with its own dependencies is judged by them, one without by those above it."""
    write(
        tmp_path,
        {
            ".git/HEAD": "",
            "pyproject.toml": "[tool.golden-rules]\n[project]\ndependencies = ['golden-runtime']",
            "pay/pyproject.toml": "[project]\ndependencies = ['httpx']",
            "ship/pyproject.toml": "[tool.ruff]",
            "ship/golden-rules.toml": "",
        },
    )
    configs = Configs()
    pay = configs.for_path(tmp_path / "pay/src/a.py")
    assert (pay.runtime_declared, pay.declaration_file) == (False, "pay/pyproject.toml")
    ship = configs.for_path(tmp_path / "ship/a.py")
    assert (ship.runtime_declared, ship.declaration_file) == (True, "../pyproject.toml")


def test_what_lies_above_the_repository_says_nothing(tmp_path: Path) -> None:
    """A stray requirements.txt in a home folder must not speak for the projects in it."""
    write(tmp_path, {"requirements.txt": "httpx", "repo/.git/HEAD": "", "plain/pyproject.toml": ""})
    configs = Configs()
    assert configs.for_path(tmp_path / "repo/a.py").runtime_declared
    assert configs.for_path(tmp_path / "plain/a.py").runtime_declared
    assert not configs.for_path(tmp_path / "elsewhere/a.py").runtime_declared


@pytest.mark.parametrize("stated", ["file", "command line"])
def test_a_stated_module_is_believed(tmp_path: Path, stated: str) -> None:
    """`runtime-module` says that the runtime is there, whatever is declared."""
    in_file = "runtime-module = 'golden_runtime'" if stated == "file" else ""
    write(tmp_path, {"golden-rules.toml": in_file, "requirements.txt": "httpx"})
    overrides = Overrides(runtime_module="app.runtime") if stated == "command line" else None
    config = Configs(overrides=overrides).for_path(tmp_path)
    assert (config.runtime_declared, config.declaration_file) == (True, None)
    assert config.runtime_module == ("golden_runtime" if stated == "file" else "app.runtime")
