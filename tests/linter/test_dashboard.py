"""`golden-rules dashboard`: a Grafana dashboard from the code."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import pytest
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import Dashboard
from project_folders import golden_rules, write

ORDERS = """\
from golden_runtime import (
    CircuitBreaker, ExecutorPool, RetryPolicy, TaskQueue, counted, measure_memory, timed, track_adapter_request,
    track_cache_operation, track_errors, track_request,
)

breaker = CircuitBreaker("bank.eu")
policy = RetryPolicy(name="mail")
queue = TaskQueue("tasks.db", name="mails")


@track_request("shop.buy")
def buy(order): ...


@track_request("shop.sell")
def sell(order): ...


@track_adapter_request("http")
def notify(order): ...


@track_adapter_request("database")
def save(order): ...


@track_adapter_request("llm")
def describe(order): ...


@track_cache_operation("redis")
def look_up(order): ...


@timed("shop.wait")
@counted("shop.waits")
@track_errors("shop.wait.errors")
@measure_memory("shop.wait.peak")
def wait(): ...


pool = ExecutorPool({"mail": buy}, queue, name="mails")
"""
PAY = 'from golden_runtime import track_request\n\n\n@track_request("pay.charge")\ndef charge(): ...\n'
PYPROJECT = (
    '[project]\nname = "shop"\n\n[project.urls]\nSource = "https://github.com/shop/shop"\n\n[tool.golden-rules]\n'
)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Two apps, one of which uses everything."""
    return write(tmp_path, {"src/shop/orders.py": ORDERS, "src/pay/api.py": PAY, "pyproject.toml": PYPROJECT})


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command in a folder."""
    return golden_rules(folder, "dashboard", *arguments)


def made(folder: Path, *arguments: str) -> dict[str, Any]:
    """Return the dashboard that the command prints."""
    done = run(folder, *arguments)
    assert done.returncode == 0, done.stderr
    dashboard: dict[str, Any] = json.loads(done.stdout)
    return dashboard


def rows(dashboard: dict[str, Any]) -> dict[str, list[str]]:
    """Return the titles of the panels by row."""
    found: dict[str, list[str]] = {}
    for panel in dashboard["panels"]:
        if panel["type"] == "row":
            titles = found[panel["title"]] = []
        else:
            titles.append(panel["title"])
    return found


def queries(dashboard: dict[str, Any]) -> Iterator[str]:
    """Yield every query."""
    for panel in dashboard["panels"]:
        for target in panel.get("targets", ()):
            yield target["expr"]


def test_rows_go_from_the_overview_to_what_explains_it(project: Path) -> None:
    """Overview, workflows, adapters in the order one looks at them, resilience, and the rest."""
    found = rows(made(project, "--app", "shop"))
    assert list(found) == ["Overview", "Workflows", "Adapters", "Resilience", "More measures"]
    assert found["Overview"][:4] == ["Success rate", "Throughput", "P95", "Errors in the last hour"]
    assert [title.partition(":")[0] for title in found["Adapters"][::3]] == ["database", "llm", "http", "Cache"]
    assert found["Resilience"] == [
        "Circuit breakers", "Breaker trips", "Refused by breakers", "Attempts", "Retries exhausted", "Queue depth",
        "Queue age", "New dead letters", "Dead letters", "Pool saturation", "Tasks by outcome", "Tasks: P95",
    ]  # fmt: skip


def test_what_the_code_does_not_have_is_not_shown(project: Path) -> None:
    """No empty panels: an app without adapters or breakers has no such rows."""
    assert list(rows(made(project, "--app", "pay"))) == ["Overview", "Workflows"]


def test_the_model_is_grafanas(project: Path) -> None:
    """Grafana's own types, generated from its schema, read the whole of it, and write the same again."""
    dashboard = made(project)
    again = json.loads(json.dumps(Dashboard.from_json(dashboard), cls=JSONEncoder))
    for variable in again["templating"]["list"]:  # the types add what is said of intervals alone
        for key in ("auto", "auto_count", "auto_min"):
            del variable[key]
    assert again == dashboard
    assert len({panel["id"] for panel in dashboard["panels"]}) == len(dashboard["panels"])
    assert len(dashboard["uid"]) <= 40


def test_variables_say_no_more_than_the_schema_knows(project: Path) -> None:
    """What belongs to variables of intervals is said of no other."""
    variables = made(project)["templating"]["list"]
    assert [variable["type"] for variable in variables] == ["datasource", "query"]
    assert not any(key.startswith("auto") for variable in variables for key in variable)


def test_values_have_the_types_of_grafanas_schema(project: Path) -> None:
    """Each value, down to the last option, is what the types that Grafana generates from its schema say."""
    wrong = list(mistyped(Dashboard.from_json(made(project)), Dashboard, "dashboard"))
    assert wrong == []
    broken = made(project)
    broken["panels"][1]["gridPos"]["w"] = "wide"
    assert [place for place, _ in mistyped(Dashboard.from_json(broken), Dashboard, "dashboard")] == ["dashboard.panels"]


def mistyped(value: Any, hint: Any, place: str) -> Iterator[tuple[str, Any]]:
    """Yield the places below a value of Grafana's model whose type is not the annotated one."""
    origin, arguments = get_origin(hint), get_args(hint)
    if hint in (Any, object):
        return
    if origin in (Union, UnionType):
        if all(list(mistyped(value, one, place)) for one in arguments):
            yield place, value
    elif origin is Literal:
        if value not in arguments:
            yield place, value
    elif origin is list:
        if not isinstance(value, list):
            yield place, value
            return
        for number, item in enumerate(value):
            yield from mistyped(item, arguments[0], f"{place}[{number}]")
    elif origin is dict:
        for key, item in value.items():
            yield from mistyped(item, arguments[1], f"{place}.{key}")
    elif isinstance(hint, type) and issubclass(hint, Enum):
        if value not in list(hint):
            yield place, value
    elif hint in (int, float, str, bool, type(None)):
        if not isinstance(value, (int, float) if hint is float else hint):
            yield place, value
    elif not isinstance(value, hint) and not getattr(hint, "_is_protocol", False):
        yield place, value
    else:
        for name, inner in get_type_hints(type(value)).items():
            yield from mistyped(getattr(value, name), inner, f"{place}.{name}")


def test_panels_do_not_overlap(project: Path) -> None:
    """Each square of the grid belongs to one panel at most, and none stands out at the right."""
    taken: set[tuple[int, int]] = set()
    for panel in made(project)["panels"]:
        place = panel["gridPos"]
        squares = {(place["x"] + x, place["y"] + y) for x in range(place["w"]) for y in range(place["h"])}
        assert not squares & taken, panel["title"]
        assert place["x"] + place["w"] <= 24
        taken |= squares


def test_the_text_is_the_same_each_time(project: Path) -> None:
    """A dashboard under version control changes when the code does, whatever order files are named in."""
    assert run(project, "src/pay", "src/shop").stdout == run(project, "src/shop", "src/pay").stdout


def test_queries_ask_for_names_given_in_the_code(project: Path) -> None:
    """A part's names are matched, escaped; where one is not known before the program runs, all are."""
    every = list(queries(made(project, "--app", "shop")))
    assert any('circuit_breaker_state{job=~"$job",name="bank.eu",state="open"}' in query for query in every)
    (project / "src/shop/more.py").write_text(
        'from golden_runtime import CircuitBreaker\n\nother = CircuitBreaker("b|c")\n'
    )
    every = list(queries(made(project, "--app", "shop")))
    assert any(r'name=~"bank\\.eu|b\\|c"' in query for query in every)
    (project / "src/shop/most.py").write_text(
        "from golden_runtime import CircuitBreaker\n\n\ndef make(name):\n    return CircuitBreaker(name)\n"
    )
    every = list(queries(made(project, "--app", "shop")))
    assert any('circuit_breaker_state{job=~"$job",state="open"}' in query for query in every)


def test_depths_are_maxima(project: Path) -> None:
    """Each process exports its whole queue, so that sums would count tasks several times."""
    depths = [query for query in queries(made(project)) if re.search("queue_depth|oldest_age|dlq_depth", query)]
    assert len(depths) == 3
    assert all(query.startswith("max by (queue") for query in depths)


@pytest.mark.skipif(shutil.which("promtool") is None, reason="no `promtool`: install Debian's package `prometheus`")
def test_prometheus_can_parse_every_query(project: Path, tmp_path: Path) -> None:
    """As rules, which promtool reads; Grafana's variables are filled in."""
    filled = [
        query.replace("$__rate_interval", "5m").replace("$__range", "1h").replace("$job", ".*")
        for query in queries(made(project))
    ]
    rules = [{"record": f"query:{number}", "expr": query} for number, query in enumerate(filled)]
    (tmp_path / "rules.json").write_text(json.dumps({"groups": [{"name": "all", "rules": rules}]}))
    done = subprocess.run(["promtool", "check", "rules", "rules.json"], cwd=tmp_path, capture_output=True, text=True)
    assert f"SUCCESS: {len(rules)} rules found" in done.stdout, done.stdout + done.stderr


def description(dashboard: dict[str, Any], title: str) -> str:
    """Return what a panel says of itself."""
    return next(panel["description"] for panel in dashboard["panels"] if panel["title"] == title)


def test_panels_link_to_the_source(project: Path) -> None:
    """To the repository that pyproject.toml names, or where `--source-url` says."""
    link = "[src/pay/api.py:5](https://github.com/shop/shop/blob/HEAD/src/pay/api.py#L5) `charge`"
    assert link in description(made(project, "--app", "pay"), "P95")
    dashboard = made(project, "--app", "pay", "--source-url", "https://git.example/{path}?line={line}")
    assert "(https://git.example/src/pay/api.py?line=5)" in description(dashboard, "P95")


def test_a_file_for_each_app(project: Path) -> None:
    """`--output-dir` writes one for each, under different titles and ids."""
    assert run(project, "--output-dir", "grafana/apps").returncode == 0
    written = {path.name: json.loads(path.read_text()) for path in (project / "grafana/apps").iterdir()}
    assert {name: dashboard["title"] for name, dashboard in written.items()} == {"pay.json": "pay", "shop.json": "shop"}
    assert len({dashboard["uid"] for dashboard in written.values()}) == 2


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--app", "shp"), "error: there is no app `shp` that exposes anything: did you mean `shop`?"),
        (("--output-dir", "x", "--app", "shop"), "leave `--app` and `--output` out"),
        (("--source-url", "https://x"), "error: `--source-url` must hold `{path}`"),
        (("--output", "src"), "error: `src` cannot be written"),
        (("empty",), "error: nothing here is measured with the runtime"),
    ],
)
def test_trouble_is_one_sentence(project: Path, arguments: tuple[str, ...], sentence: str) -> None:
    """What is wrong, and status 2."""
    (project / "empty").mkdir()
    done = run(project, *arguments)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1), done.stderr
    assert sentence in done.stderr


def test_the_missing_library_is_named(project: Path) -> None:
    """Without the extra, the command says which one to install."""
    (project / "grafana_foundation_sdk.py").write_text("raise ImportError\n")
    done = run(project)
    assert done.returncode == 2
    assert "install it with `pip install 'golden-rules[dashboards]'`" in done.stderr
