"""What a command loads, and leaves to the program that calls it: start-up is most of a short run."""

from __future__ import annotations

import gc
import subprocess
import sys
from pathlib import Path

import pytest
from project_folders import write

from golden_rules.cli import main

TWICE = (
    'from golden_runtime import timed, track_request\n\n\n@track_request("shop.place")\n@timed("shop.place.duration")\n'
    "def place(order):\n    return order.place()\n"
)


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A working directory with a clean file."""
    return write(tmp_path, {"clean.py": "x = 1\n"})


@pytest.mark.parametrize(
    ("arguments", "unloaded"),
    [
        (["--version"], {"libcst", "golden_rules.engine", "golden_rules.registry", "tomllib", "json", "pygls"}),
        (["--help"], {"libcst", "golden_rules.engine", "golden_rules.registry", "tomllib", "json", "pygls"}),
        (["rules"], {"libcst"}),
        (["explain", "GR201"], {"libcst"}),
        (["check", "clean.py"], {"libcst"}),
    ],
)
def test_leaves_unloaded(shop: Path, arguments: list[str], unloaded: set[str]) -> None:
    """LibCST, which takes a third of a second, is imported when a slice has to be parsed."""
    program = (
        "import sys\nfrom golden_rules.cli import main\n"
        f"try: main({arguments!r})\nfinally: print(*sys.modules, file=sys.stderr)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=shop, capture_output=True, text=True, check=True)
    assert not unloaded & set(done.stderr.split())


@pytest.mark.parametrize("arguments", [["--version"], ["check", "missing.py"]])
def test_leaves_the_collector_to_the_caller(arguments: list[str]) -> None:
    """A run collects no garbage; a program that calls the command and goes on collects its own again."""
    with pytest.raises(SystemExit):
        main(arguments)
    assert gc.isenabled()


@pytest.mark.parametrize(
    ("call", "frozen"),
    [("golden_rules.cli import main", False), ("golden_rules.__main__ import run as main", True)],
)
def test_leaves_the_end_of_a_program_to_it(shop: Path, call: str, frozen: bool) -> None:
    """The search for cycles at exit is skipped where the command is the program, and not for whoever calls it."""
    program = (
        "import atexit, gc\natexit.register(lambda: print(gc.get_freeze_count() > 0))\n"
        f"import sys\nfrom {call}\nsys.argv = ['golden-rules', 'rules']\nmain()\n"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=shop, capture_output=True, text=True, check=True)
    assert done.stdout.endswith(f"{frozen}\n")


@pytest.mark.parametrize("arguments", [["check", "--no-cache"], ["check", "--no-cache", "--fix"]])
def test_never_loads_matchers(shop: Path, arguments: list[str]) -> None:
    """LibCST's matchers cost as much to import as all else of it, and no rule and no fix needs them."""
    (shop / "timed.py").write_text(TWICE)
    program = (
        "import sys\nfrom golden_rules.cli import main\n"
        f"try: main({arguments!r})\nfinally: print(*sys.modules, file=sys.stderr)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=shop, capture_output=True, text=True, check=False)
    loaded = set(done.stderr.split())
    assert "libcst" in loaded
    assert "libcst.matchers" not in loaded


@pytest.mark.parametrize(
    ("code", "found"),
    [
        (
            (
                "from fastapi import FastAPI\n\napp = FastAPI()\n\n\n@app.post('/orders')\nasync def place(order, gateway):\n"
                "    try:\n        return await gateway.charge(order)\n    except Exception:\n        return None\n"
            ),
            "mark_failure(error)",
        ),
        (
            (
                "import time\n\n\ndef place(order):\n    start = time.time()\n    order.save()\n"
                "    order.log.info(time.time() - start)\n"
            ),
            "GR201 `place` is timed by hand",
        ),
        (
            (
                "import time\n\n\ndef place(order, gateway):\n    for attempt in range(3):\n        try:\n"
                "            return gateway.charge(order)\n        except OSError:\n            time.sleep(1)\n    return None\n"
            ),
            "GR301 `place` retries by hand",
        ),
    ],
    ids=["a swallowed error", "a timing", "a retry"],
)
def test_decides_without_libcst(shop: Path, code: str, found: str) -> None:
    """What a function does is told from the tree that is there, and so is what would fix it."""
    (shop / "api.py").write_text(code)
    program = (
        "import sys\nfrom golden_rules.cli import main\n"
        "try: main(['check', 'api.py'])\nfinally: print('libcst' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=shop, capture_output=True, text=True, check=False)
    assert found in done.stdout
    assert done.stdout.endswith("False\n")


def test_loads_libcst_for_a_slice(shop: Path) -> None:
    """The test above would notice: a file with something to look at does load it."""
    (shop / "timed.py").write_text(TWICE)
    program = (
        "import sys\nfrom golden_rules.cli import main\ntry: main(['check'])\nfinally: print('libcst' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=shop, capture_output=True, text=True, check=False)
    assert done.stdout.endswith("True\n")
