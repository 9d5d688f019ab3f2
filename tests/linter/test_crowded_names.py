"""Metrics that fixes write keep apart from those of every other file, so that what is fixed can be imported."""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
from project_folders import golden_rules, write

from golden_rules.config import Configs
from golden_rules.files import discover
from golden_rules.runner import Fixing, Run, check_files

CRITICAL = '[tool.golden-rules]\ncritical = ["*"]\n'
PLACE = "def place(order):\n    return order.save()\n"
# Two paths that Prometheus spells alike, in this order.
TWINS = {"shop/pay_card.py": PLACE, "shop_pay/card.py": PLACE}


def names(folder: Path) -> dict[str, list[str]]:
    """Return by file the names that stand in decorators and timers of the runtime."""
    written = re.compile(r'\b(?:counted|timed|track_\w+)\("([^"]*)"')
    return {
        file.relative_to(folder).as_posix(): found
        for file in sorted(folder.rglob("*.py"))
        if (found := written.findall(file.read_text()))
    }


def test_the_later_of_two_files_gives_way(tmp_path: Path) -> None:
    """The runtime would refuse the second of the two names as its module is imported."""
    write(tmp_path, {"pyproject.toml": CRITICAL, **TWINS})
    assert golden_rules(tmp_path, "check", "--fix").returncode == 0
    assert names(tmp_path) == {
        "shop/pay_card.py": ["shop.pay_card.place"],
        "shop_pay/card.py": ["shop_pay.card.place_2"],
    }


def test_what_stands_keeps_its_name(tmp_path: Path) -> None:
    """Even where the file that is fixed comes first, and is the only one named."""
    standing = f'from golden_runtime import counted\n\n\n@counted("shop_pay.card.place.calls")\n{PLACE}'
    write(tmp_path, {"pyproject.toml": CRITICAL, "shop/pay_card.py": PLACE, "shop_pay/card.py": standing})
    assert golden_rules(tmp_path, "check", "--fix", "shop/pay_card.py").returncode == 0
    assert names(tmp_path)["shop/pay_card.py"] == ["shop.pay_card.place_2"]


def test_so_does_a_metric_of_the_client(tmp_path: Path) -> None:
    """`prometheus_client` and the runtime share one registry; `exclude` and git hide no module from an import."""
    metrics = 'from prometheus_client import Gauge\n\nDURATION = Gauge("shop_orders_place_duration_seconds_sum", "Seconds.")\n'
    excluded = f'{CRITICAL}exclude = ["old"]\n'
    write(tmp_path, {"pyproject.toml": excluded, "old/metrics.py": metrics, "shop/orders.py": PLACE})
    assert golden_rules(tmp_path, "check", "--fix", "shop").returncode == 0
    assert names(tmp_path) == {"shop/orders.py": ["shop.orders.place_2"]}


def test_a_module_and_its_private_twin_do_not_share_a_series(tmp_path: Path) -> None:
    """Both would be `shop.orders.place`, and calls of the one that calls the other would count twice."""
    write(tmp_path, {"pyproject.toml": CRITICAL, "shop/_orders.py": PLACE, "shop/orders.py": PLACE})
    golden_rules(tmp_path, "check", "--fix")
    assert names(tmp_path) == {"shop/_orders.py": ["shop.orders.place"], "shop/orders.py": ["shop.orders.place_2"]}


def test_a_method_is_set_apart_by_its_class(tmp_path: Path) -> None:
    """Which says more than a number."""
    method = "class Till:\n    def place(self, order):\n        return order.save()\n"
    write(tmp_path, {"pyproject.toml": CRITICAL, "shop/pay_card.py": PLACE, "shop_pay/card.py": method})
    golden_rules(tmp_path, "check", "--fix")
    assert names(tmp_path)["shop_pay/card.py"] == ["shop_pay.card.till.place"]


def test_two_of_one_file_do_not_take_the_same_new_name(tmp_path: Path) -> None:
    """Whatever both of them are called."""
    both = PLACE + PLACE.replace("place", "_place")
    write(tmp_path, {"pyproject.toml": CRITICAL, "shop/pay_card.py": both, "shop_pay/card.py": both})
    assert golden_rules(tmp_path, "check", "--fix").returncode == 0
    assert names(tmp_path)["shop_pay/card.py"] == ["shop_pay.card.place_2", "shop_pay.card.place_inner_2"]


def test_services_that_share_a_module_name_keep_their_names(tmp_path: Path) -> None:
    """No process imports both, so what the series of one service are called does not depend on another one."""
    services = ("billing/src/app/main.py", "orders/src/app/main.py")
    write(tmp_path, {"pyproject.toml": CRITICAL, **dict.fromkeys(services, PLACE)})
    golden_rules(tmp_path, "check", "--fix")
    assert names(tmp_path) == {service: ["app.main.place"] for service in services}


def test_timers_keep_apart_too(tmp_path: Path) -> None:
    """What a fix puts in place of a clock has a series as well."""
    timed = "import time\n\n\ndef place(order, log):\n    start = time.perf_counter()\n    order.save()\n    log.info('took %.1f s', time.perf_counter() - start)\n"
    write(tmp_path, {"pyproject.toml": "", "shop/pay_card.py": timed, "shop_pay/card.py": timed})
    golden_rules(tmp_path, "check", "--fix")
    assert names(tmp_path) == {
        "shop/pay_card.py": ["shop.pay_card.place.duration"],
        "shop_pay/card.py": ["shop_pay.card.place_2.duration"],
    }


def test_adapters_share_their_series(tmp_path: Path) -> None:
    """They have one for each adapter, in which a label tells the operations apart."""
    call = "import httpx\n\n\ndef fetch(url):\n    return httpx.get(url)\n"
    write(tmp_path, {"pyproject.toml": "", "shop/pay_card.py": call, "shop_pay/card.py": call})
    golden_rules(tmp_path, "check", "--fix")
    assert names(tmp_path) == {"shop/pay_card.py": ["http"], "shop_pay/card.py": ["http"]}


def test_a_name_that_is_not_ours_to_choose_is_withheld(tmp_path: Path) -> None:
    """The series of an adapter have its name, which stands for a metric without their labels here: the finding says so, and stays."""
    metrics = 'from prometheus_client import Counter\n\nCALLS = Counter("adapter_http_calls", "Calls.")\n'
    call = "import httpx\n\n\ndef fetch(url):\n    return httpx.get(url)\n"
    write(tmp_path, {"pyproject.toml": "", "shop/metrics.py": metrics, "shop/stock.py": call})
    for _ in range(2):
        done = golden_rules(tmp_path, "check", "--fix", "--ignore", "GR207")
        assert done.returncode == 1
        why = 'its metric `http` would meet that of `Counter("adapter_http_calls")` in `shop/metrics.py`'
        assert f"(no fix, as {why})" in done.stdout
        assert (tmp_path / "shop/stock.py").read_text() == call


def test_a_series_that_a_fix_keeps_may_meet_what_it_met_before(tmp_path: Path) -> None:
    """GR202 puts a decorator in place of a counter, of which another file has one of that name already."""
    counter = 'from prometheus_client import Counter\n\n_PLACED = Counter("placed", "Orders placed.")\n\n\ndef place(order):\n    _PLACED.inc()\n    order.save()\n'
    write(tmp_path, {"pyproject.toml": "", "shop/a.py": counter, "shop/b.py": counter.replace("_PLACED", "_PUT")})
    done = golden_rules(tmp_path, "check", "--fix", "--unsafe-fixes", "--select", "GR202", "shop/a.py")
    assert done.returncode == 0
    assert names(tmp_path) == {"shop/a.py": ["placed"]}


def test_diff_shows_what_fix_writes(tmp_path: Path) -> None:
    """The other names among it, with any number of processes, and from a cache; a second run has nothing to do."""
    write(tmp_path, {"pyproject.toml": CRITICAL, **TWINS, **{f"shop/m{n}.py": PLACE for n in range(8)}})
    shown = [
        golden_rules(tmp_path, "check", "--diff", *options).stdout for options in ([], ["--jobs", "1"], ["--no-cache"])
    ]
    assert shown[0] == shown[1] == shown[2]
    golden_rules(tmp_path, "check", "--fix", "shop_pay", "shop")
    for line in shown[0].splitlines():
        assert not line.startswith("+@") or any(line[1:] in file.read_text() for file in tmp_path.rglob("*.py"))
    assert golden_rules(tmp_path, "check", "--diff").stdout == ""


def test_standard_input_keeps_apart_from_the_project(tmp_path: Path) -> None:
    """An editor gets what the command line writes."""
    write(tmp_path, {"pyproject.toml": CRITICAL, **TWINS})
    golden_rules(tmp_path, "check", "--fix", "shop_pay")
    command = [sys.executable, "-m", "golden_rules", "check", "--fix", "--stdin-filename", "shop/pay_card.py"]
    done = subprocess.run(command, cwd=tmp_path, input=PLACE, capture_output=True, text=True, check=False)
    assert '@track_request("shop.pay_card.place_2")' in done.stdout


PATHS = [
    "a/b_c.py",
    "a_b/c.py",
    "a/b/c.py",
    "a/_b_c.py",
    "a/b/__init__.py",
    "a_b/__init__.py",
    "a/__init__.py",
    "b/c.py",
]
FUNCTIONS = ["x", "_x", "c_x", "x_calls", "x_duration", "getX", "get_x", "count", "x_total", "b"]
BODIES = [
    "return 1", "return 2",
    "s = time.monotonic()\n{i}    print('took', time.monotonic() - s)\n{i}    return 1",
    "try:\n{i}        return 1\n{i}    except Exception:\n{i}        log.error('failed')\n{i}        raise",
]  # fmt: skip
SETTINGS = [
    "",
    'app = "a"\n',
    'metric-name = "{app}.{function}"\n',
    'metric-name = "{function}"\n',
    'namespace = "a"\n',
]
STANDING = [
    "", "", 'from prometheus_client import Counter\nC = Counter("a_b_c_x_calls", "x", ["status"])\n',
    'from prometheus_client import Gauge\nG = Gauge("a_b_c_x_duration_seconds_sum", "x")\n',
    'from golden_runtime import counted\n@counted("a_b.c_x.calls", {"status": "x"})\ndef standing():\n    return 1\n',
    'from golden_runtime import timed\n@timed("a.b_c.x_2.duration")\ndef standing():\n    return 1\n',
]  # fmt: skip
CALLED = """\
import ast, importlib, json, re, sys
from pathlib import Path
import golden_runtime
from prometheus_client import REGISTRY
namespace = sys.argv[1]
golden_runtime.configure(namespace=namespace)
paths = sorted(p.relative_to(".").as_posix() for p in Path(".").rglob("*.py"))
names = []
for path in paths:
    module = importlib.import_module(path.removesuffix(".py").removesuffix("/__init__").replace("/", "."))
    for node in ast.parse(Path(path).read_text()).body:
        owner = module
        functions = [node]
        if isinstance(node, ast.ClassDef):
            owner, functions = getattr(module, node.name)(), node.body
        for function in functions:
            if isinstance(function, ast.FunctionDef) and function.name != "standing":
                getattr(owner, function.name)()
                [name] = [d.args[0].value for d in function.decorator_list if d.func.id == "track_request"]
                names.append(re.sub("[._]+", "_", name))
for name in names:
    prefix = f"{namespace}_" if namespace and not name.startswith(f"{namespace}_") else ""
    assert REGISTRY.get_sample_value(f"{prefix}{name}_calls_total", {"status": "success"}) == 1.0, name
"""


@st.composite
def modules(draw: st.DrawFn) -> str:
    """Make a module of functions, some of them in a class."""
    lines = ["import logging as log, time\n"]
    for name in draw(st.lists(st.sampled_from(FUNCTIONS), min_size=1, max_size=4, unique=True)):
        body = draw(st.sampled_from(BODIES))
        if draw(st.booleans()):
            lines.append(f"class K{name}:\n    def {name}(self):\n        {body.format(i='    ')}\n")
        else:
            lines.append(f"def {name}():\n    {body.format(i='')}\n")
    return "".join(lines)


@settings(max_examples=25, deadline=None)
@given(
    files=st.dictionaries(st.sampled_from(PATHS), modules(), min_size=2, max_size=4),
    setting=st.sampled_from(SETTINGS),
    standing=st.sampled_from(STANDING),
)
def test_every_module_can_be_imported_and_every_function_has_its_series(
    files: dict[str, str], setting: str, standing: str
) -> None:
    """Whatever names meet, in one process: nothing is refused, and no call is counted for another function."""
    with tempfile.TemporaryDirectory() as folder:
        root = write(Path(folder), {"pyproject.toml": CRITICAL + setting, "metrics.py": standing, **files})
        assert {finding.code for finding in fixed(root).findings} <= {"GR207", "GR403"}
        run = [sys.executable, "-c", CALLED, "a" if "namespace" in setting else ""]
        ran = subprocess.run(run, cwd=root, capture_output=True, text=True, check=False)
        assert ran.returncode == 0, (ran.stderr, {file: file.read_text() for file in root.rglob("*.py")})
        again = fixed(root)
        assert (again.fixed, again.failures) == ([], [])


def fixed(root: Path) -> Run:
    """Apply the safe fixes of a project."""
    return check_files(discover([root], Configs()), Fixing(), folders=[root])
