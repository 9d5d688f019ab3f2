"""`golden-rules alerts`: Prometheus rules from the code and its objectives."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from project_folders import golden_rules, write

ORDERS = """\
from golden_runtime import WORKFLOW_BUCKETS, CircuitBreaker, TaskQueue, configure, track_request

configure(namespace="shop")
breaker = CircuitBreaker("bank")
queue = TaskQueue("tasks.db", name="mails")


@track_request("orders.buy", buckets=WORKFLOW_BUCKETS)
def buy(order): ...


@track_request("orders.sell")
def sell(order): ...


@track_request("stock.count")
def count(): ...
"""
OBJECTIVES = """\
[objectives]
"orders.*" = { success = 0.9 }
"orders.buy" = { success = 0.99, latency = "30s" }
"""

needs_promtool = pytest.mark.skipif(
    shutil.which("promtool") is None, reason="no `promtool` on this machine: install Debian's package `prometheus`"
)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A shop with objectives for two of its three operations."""
    return write(tmp_path, {"shop/orders.py": ORDERS, "golden-rules.toml": OBJECTIVES})


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command in a folder."""
    return golden_rules(folder, "alerts", *arguments)


def rules(folder: Path, *arguments: str) -> list[dict[str, Any]]:
    """Return all rules that the command prints."""
    done = run(folder, *arguments)
    assert done.returncode == 0, done.stderr
    return [rule for group in yaml.safe_load(done.stdout)["groups"] for rule in group["rules"]]


def alert(folder: Path, name: str, *arguments: str, **wanted: str) -> dict[str, Any]:
    """Return the one alert of a name whose query or labels hold certain texts."""
    found = [
        rule
        for rule in rules(folder, *arguments)
        if rule.get("alert") == name and all(value in str(rule[key]) for key, value in wanted.items())
    ]
    assert len(found) == 1, found
    return found[0]


def test_windows_and_rates_are_the_workbooks(project: Path) -> None:
    """For 99 % over 30 days: 14.4 over 1 h and 5 min or 6 over 6 h and 30 min pages, 1 over 3 d and 6 h is a ticket."""
    ratio = "golden_rules:budget_errors:ratio_rate"
    labels = '{operation="orders.buy",sli="success"}'
    page = alert(project, "ErrorBudgetBurn", expr="orders.buy", labels="page")
    assert page["expr"] == (
        f"({ratio}1h{labels} > 0.144 and {ratio}5m{labels} > 0.144)"
        f" or ({ratio}6h{labels} > 0.06 and {ratio}30m{labels} > 0.06)"
    )
    ticket = alert(project, "ErrorBudgetBurn", expr="orders.buy", labels="ticket")
    assert ticket["expr"] == f"({ratio}3d{labels} > 0.01 and {ratio}6h{labels} > 0.01)"


def test_windows_are_parts_of_the_period(project: Path) -> None:
    """With a week as the period they are shorter, in the same proportions."""
    recorded = {rule["record"].rpartition("rate")[2] for rule in rules(project, "--period", "7d") if "record" in rule}
    assert recorded == {"1m10s", "7m", "14m", "1h24m", "16h48m"}


def test_a_loose_objective_can_still_alert(project: Path) -> None:
    """14.4 times a budget of 10 % is more than all calls: there a share that calls can reach is taken."""
    assert "ratio_rate1h" in (page := alert(project, "ErrorBudgetBurn", expr="orders.sell", labels="page"))["expr"]
    assert "> 0.95" in page["expr"]


def test_the_nearest_objective_holds(project: Path) -> None:
    """A name goes before a pattern; an operation that neither names is not watched."""
    every = rules(project)
    watched = {rule["labels"]["operation"] for rule in every if "record" in rule}
    assert watched == {"orders.buy", "orders.sell"}
    assert not [rule for rule in every if rule.get("alert") == "LatencyBudgetBurn" and "orders.sell" in rule["expr"]]


def test_latency_asks_for_a_bucket_however_it_is_written(project: Path) -> None:
    """Clients and versions of Prometheus write `30` or `30.0`."""
    found = [rule["expr"] for rule in rules(project) if "record" in rule and rule["labels"]["sli"] == "latency"]
    assert len(found) == 5
    assert all(r'shop_orders_buy_duration_seconds_bucket{le=~"30|30\\.0"}' in expr for expr in found)


def test_alerts_say_where_to_look(project: Path) -> None:
    """The place in the code, as a link where it is known where the source is."""
    burn = alert(project, "ErrorBudgetBurn", expr="orders.buy", labels="page")
    assert burn["annotations"]["source"] == "shop/orders.py:9"
    linked = alert(project, "CircuitBreakerOpen", "--source-url", "https://git.example/{path}#L{line}")
    assert linked["annotations"]["source"] == "https://git.example/shop/orders.py#L4"


def test_one_app_is_watched_alone(project: Path) -> None:
    """`--app` leaves others out, and the objectives that are for them are no mistake."""
    (project / "pay.py").parent.joinpath("pay").mkdir()
    (project / "pay" / "api.py").write_text(
        'from golden_runtime import CircuitBreaker\n\nbreaker = CircuitBreaker("psp")\n'
    )
    assert [rule["alert"] for rule in rules(project, "--app", "pay")] == ["CircuitBreakerOpen"]


# What happens minute by minute, and what must be said of it at some minute. The error budget is 1 % and 10 %.
SCENES = {
    "half of all calls fail": (
        {'shop_orders_buy_calls_total{status="success"}': "0+30x60", 'shop_orders_buy_calls_total{status="failure"}': "0+30x60"},
        "60m", "ErrorBudgetBurn", ["page", "ticket"],
    ),
    "one in two hundred fails": (
        {'shop_orders_buy_calls_total{status="success"}': "0+199x60", 'shop_orders_buy_calls_total{status="failure"}': "0+1x60"},
        "60m", "ErrorBudgetBurn", [],
    ),
    "the trouble is over": (
        {
            'shop_orders_buy_calls_total{status="success"}': "0+30x40 1230+60x40",
            'shop_orders_buy_calls_total{status="failure"}': "0+30x40 1200+0x40",
        },
        "50m", "ErrorBudgetBurn", ["page", "ticket"],
    ),
    "the trouble has been over for an hour": (
        {
            'shop_orders_buy_calls_total{status="success"}': "0+30x20 630+60x120",
            'shop_orders_buy_calls_total{status="failure"}': "0+30x20 600+0x120",
        },
        "100m", "ErrorBudgetBurn", ["ticket"],
    ),
    "calls are cancelled": (
        {
            'shop_orders_buy_calls_total{status="success"}': "0+30x60",
            'shop_orders_buy_calls_total{status="failure"}': "0+0x60",
            'shop_orders_buy_calls_total{status="cancelled"}': "0+30x60",
        },
        "60m", "ErrorBudgetBurn", [],
    ),
    "a fifth is slow": (
        {
            'shop_orders_buy_duration_seconds_bucket{le="30.0"}': "0+80x60",
            'shop_orders_buy_duration_seconds_bucket{le="+Inf"}': "0+100x60",
            "shop_orders_buy_duration_seconds_count": "0+100x60",
        },
        "60m", "LatencyBudgetBurn", ["page", "ticket"],
    ),
    "nothing is asked for": (
        {
            'shop_orders_buy_calls_total{status="success"}': "10+0x60",
            'shop_orders_buy_calls_total{status="failure"}': "0+0x60",
        },
        "60m", "ErrorBudgetBurn", [],
    ),
    "a breaker is open and tries now and then": (
        {'shop_circuit_breaker_state{name="bank",state="closed"}': "1 0x10"}, "8m", "CircuitBreakerOpen", ["page"]
    ),
    "a breaker was open for a moment": (
        {'shop_circuit_breaker_state{name="bank",state="closed"}': "1 0 1x10"}, "8m", "CircuitBreakerOpen", []
    ),
    "dead letters come": (
        {'shop_dlq_entries_total{queue="mails"}': "0x5 1x10"}, "10m", "DeadLettersGrowing", ["ticket"]
    ),
    "there are old dead letters": ({'shop_dlq_entries_total{queue="mails"}': "7x30"}, "30m", "DeadLettersGrowing", []),
    "tasks wait": ({'shop_queue_oldest_age_seconds{queue="mails"}': "0+60x20"}, "12m", "QueueTooOld", ["page"]),
    "tasks wait a little": ({'shop_queue_oldest_age_seconds{queue="mails"}': "200x20"}, "12m", "QueueTooOld", []),
}  # fmt: skip


@needs_promtool
def test_prometheus_accepts_the_rules(project: Path) -> None:
    """`promtool check rules` has nothing to say."""
    assert run(project, "--output", "rules.yml").returncode == 0
    done = subprocess.run(["promtool", "check", "rules", "rules.yml"], cwd=project, capture_output=True, text=True)
    assert (done.returncode, "SUCCESS: 24 rules found" in done.stdout) == (0, True), done.stdout + done.stderr


@needs_promtool
@pytest.mark.parametrize("scene", SCENES)
def test_alerts_fire_when_they_should(project: Path, scene: str) -> None:
    """`promtool test rules` plays each scene: what should fire fires, and what should not does not."""
    series, when, name, severities = SCENES[scene]
    assert run(project, "--output", "rules.yml").returncode == 0
    # two processes behave alike
    inputs = [
        {"series": f"{text.partition('{')[0]}{{{','.join(filter(None, [_inner(text), where]))}}}", "values": values}
        for text, values in series.items()
        for where in ('job="a",instance="1"', 'job="a",instance="2"')
    ]
    test = {
        "rule_files": ["rules.yml"],
        "evaluation_interval": "1m",
        "tests": [
            {
                "interval": "1m",
                "input_series": inputs,
                "promql_expr_test": [
                    {
                        "expr": f'count by (severity) (ALERTS{{alertname="{name}",alertstate="firing"}})',
                        "eval_time": when,
                        "exp_samples": [
                            {"labels": f'{{severity="{severity}"}}', "value": 1} for severity in severities
                        ],
                    }
                ],
            }
        ],
    }
    (project / "test.json").write_text(json.dumps(test))
    done = subprocess.run(["promtool", "test", "rules", "test.json"], cwd=project, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def _inner(series: str) -> str:
    return series.partition("{")[2].removesuffix("}")


@pytest.mark.parametrize(
    ("settings", "arguments", "sentence"),
    [
        ('objectives = { "orders.by" = { success = 0.9 } }', (), "here measures: did you mean `orders.buy`?"),
        (
            'objectives = { "orders.sell" = { success = 0.9, latency = "6s" } }',
            (),
            "has the latency `6s`, which is no bound of its buckets: choose `5s` or `7s500ms`, or give `track_request` o",
        ),
        ("", ("--period", "soon"), "`soon` is no time for `--period`: write it as Prometheus does"),
        ("", ("--period", "1h"), "`--period 1h` is too short for rates: give 2h24m or more"),
        ("", ("--app", "shp"), "there is no app `shp` that exposes anything: did you mean `shop`?"),
        ("", ("golden-rules.toml",), "there is nothing to alert on: set `objectives`"),
    ],
)
def test_trouble_is_one_sentence(project: Path, settings: str, arguments: tuple[str, ...], sentence: str) -> None:
    """What is wrong, where, what to do, and status 2."""
    (project / "golden-rules.toml").write_text(settings)
    done = run(project, *arguments)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1), done.stderr
    assert sentence in done.stderr


def test_missing_objectives_are_noted(project: Path) -> None:
    """The alerts of breakers and queues come all the same."""
    (project / "golden-rules.toml").write_text("")
    done = run(project)
    assert done.returncode == 0
    assert done.stderr == "note: the configuration sets no `objectives`, so no operation is watched\n"
    assert "alert: 'QueueTooOld'" in done.stdout
