"""`golden-rules metrics`: the catalogue of series, and how a scrape differs from it."""

from __future__ import annotations

import http.server
import json
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from project_folders import golden_rules, write
from prometheus_client.openmetrics.parser import text_string_to_metric_families

SHOP = """\
from golden_runtime import (
    CircuitBreaker, DeadLetterQueue, ExecutorPool, RetryPolicy, TaskQueue, circuit_breakers, configure, retry, timed,
    track_adapter_request, track_request,
)
from prometheus_client import Counter

configure(namespace="shop")
BANK = "bank"
STOCK = Counter("stock_moves", "Moves of the stock.", ["to"])
breaker = CircuitBreaker(BANK)


@track_request("orders.buy", labels={"tier": "gold"})
def buy(order):
    with timed("orders.wait.duration"):
        return pay(order)


@retry(max_retries=2)
@track_adapter_request("bank")
def pay(order):
    return order


class Works:
    def __init__(self, folder, kind):
        self.policy = RetryPolicy(name="mail")
        self.queue = TaskQueue(folder / "tasks.db", name="mails")
        self.letters = DeadLetterQueue(folder / "tasks.db")
        self.pool = ExecutorPool({"mail": buy}, self.queue, name="mails")
        self.other = circuit_breakers.get_or_create(kind)
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A shop that uses a bit of everything, and tests whose series are nobody's business."""
    files = {
        "src/shop/orders.py": SHOP,
        "src/shop/plain.py": "def f():\n    return 1\n",
        "tests/test_orders.py": 'from golden_runtime import counted\n\n\n@counted("only.in.tests")\ndef f(): ...\n',
        "golden-rules.toml": "",
    }
    return write(tmp_path, files)


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command in a folder."""
    return golden_rules(folder, "metrics", *arguments)


def catalogue(folder: Path, *arguments: str) -> dict[str, Any]:
    """Return the series of the command's JSON by name."""
    done = run(folder, "--format", "json", *arguments)
    assert done.returncode == 0, done.stderr
    return {series["name"]: series for series in json.loads(done.stdout)["series"]}


def test_each_series_says_what_it_is_and_where_it_comes_from(project: Path) -> None:
    """Kind, labels, unit, and the place in the code: path, line, function and decorator."""
    found = catalogue(project)["shop_orders_buy_duration_seconds"]
    (place,) = found.pop("places")
    assert found == {
        "name": "shop_orders_buy_duration_seconds",
        "kind": "histogram",
        "labels": ["tier"],
        "unit": "seconds",
    }
    assert place == {
        "path": "src/shop/orders.py",
        "line": 14,
        "function": "buy",
        "app": "shop",
        "made_by": "track_request",
        "name": "orders.buy",
        "code": '@track_request("orders.buy")',
    }


@pytest.mark.parametrize(
    ("series", "names"),
    [
        ("shop_circuit_breaker_state", ["bank", ""]),
        ("shop_retry_attempts_total", ["shop.orders.pay", "mail"]),
        ("shop_queue_depth", ["mails"]),
        ("shop_dlq_entries_total", ["mails", "default"]),
        ("shop_executor_pool_active", ["mails"]),
        ("shop_orders_wait_duration_seconds", ["orders.wait.duration"]),
    ],
)
def test_parts_are_listed_under_the_names_given_in_the_code(project: Path, series: str, names: list[str]) -> None:
    """Constants and defaults are followed; a name that only the running program knows is an empty one."""
    assert [place["name"] for place in catalogue(project)[series]["places"]] == names


@pytest.mark.parametrize(
    "code",
    [
        'from golden_runtime import timed\n\nWAITING = timed("a.wait")\n',
        'import golden_runtime as runtime\n\n\ndef f():\n    timer = runtime.timed("a.wait").start()\n    timer.stop()\n',
        'from golden_runtime import timed\n\nmeasured = timed("a.wait")\n\n\n@measured\ndef f(): ...\n',
        'from golden_runtime import timed\n\n\ndef plain(): ...\n\n\nf = timed("a.wait")(plain)\n',
        'from app.telemetry.runtime import timed\n\n\n@timed("a.wait")\ndef f(): ...\n',
        'N = "a.wait"\n\n\nclass C:\n    def f(self):\n        from golden_runtime import timed\n\n        @timed(N)\n        def g(): ...\n',
    ],
    ids=["module", "body", "kept", "applied", "re-exported", "nested"],
)
def test_a_decorator_is_found_wherever_it_is_made(tmp_path: Path, code: str) -> None:
    """At module level, in bodies, under other names, through a module that re-exports it."""
    (tmp_path / "golden-rules.toml").write_text('runtime-module = "app.telemetry.runtime"')
    (tmp_path / "app.py").write_text(code)
    found = catalogue(tmp_path)
    assert found.keys() == {"a_wait_seconds"}
    assert len(found["a_wait_seconds"]["places"]) == 1


def test_the_namespace_is_for_the_runtime_alone(project: Path) -> None:
    """`configure` in the code moves what the runtime exposes, and the setting prevails over it."""
    assert {"stock_moves_total", "shop_adapter_bank_calls_total"} <= catalogue(project).keys()
    (project / "golden-rules.toml").write_text('namespace = "my.store"')
    assert {"stock_moves_total", "my_store_adapter_bank_calls_total"} <= catalogue(project).keys()


def test_what_tests_declare_is_left_out(project: Path) -> None:
    """The catalogue is what the service exposes."""
    assert not [name for name in catalogue(project) if "only" in name]


def test_names_made_at_run_time_are_owned_up_to(project: Path) -> None:
    """They are listed apart, with their place, rather than guessed or forgotten."""
    (project / "src/shop/late.py").write_text(
        "from golden_runtime import counted\n\n\ndef counting(name):\n    @counted(name)\n    def f(): ...\n    return f\n"
    )
    document = json.loads(run(project, "--format", "json").stdout)
    assert [(place["path"], place["line"]) for place in document["unnamed"]] == [("src/shop/late.py", 6)]
    assert "1 more gives no constant name" in run(project).stdout


def test_openmetrics_metadata_is_openmetrics(project: Path) -> None:
    """prometheus_client's strict parser reads it, and finds the kinds and units of the catalogue."""
    families = text_string_to_metric_families(run(project, "--format", "openmetrics").stdout)
    read = {family.name: (family.type, family.unit) for family in families}
    expected = {
        name.removesuffix("_total" if series["kind"] == "counter" else ""): (series["kind"], series["unit"])
        for name, series in catalogue(project).items()
    }
    assert read == expected


def test_markdown_has_a_row_for_each_series(project: Path) -> None:
    """With labels and where it is made."""
    text = run(project, "--format", "markdown").stdout
    assert "| `shop_orders_buy_calls_total` | counter |  | `status`, `tier` | src/shop/orders.py:14 `buy`" in text
    assert text.count("\n| `") == len(catalogue(project))


# A page on which one series is missing, one is new, and two are something else.
PAGE = """\
# HELP a_calls_total Calls.
# TYPE a_calls_total counter
a_calls_total{status="success"} 3.0
# TYPE a_calls_created gauge
a_calls_created{status="success"} 1.7e+09
# TYPE a_duration_seconds histogram
a_duration_seconds_bucket{le="1.0",zone="x"} 3.0
a_duration_seconds_sum{zone="x"} 0.1
# TYPE b_total gauge
b_total 1.0
# TYPE other_requests_total counter
other_requests_total 4.0
# TYPE python_info gauge
python_info{version="3.11"} 1.0
"""
CODE = """\
from golden_runtime import counted, track_request


@track_request("a")
@counted("b")
def f(): ...
"""


@pytest.fixture
def compared(tmp_path: Path) -> Path:
    """A project, and the page of a service that does not agree with it."""
    (tmp_path / "app.py").write_text(CODE)
    (tmp_path / "page.txt").write_text(PAGE)
    return tmp_path


def test_a_scrape_is_compared(compared: Path) -> None:
    """What is missing, what is there besides, and what is of another kind or has other labels; then the status is 1."""
    done = run(compared, "app.py", "--check", "page.txt", "--format", "json")
    found = json.loads(done.stdout)
    assert [entry["name"] for entry in found["missing"]] == ["a_errors_total"]
    assert [entry["name"] for entry in found["extra"]] == ["other_requests_total"]
    assert {entry["name"]: entry["message"] for entry in found["changed"]} == {
        "a_duration_seconds": "no labels in the code, labels `zone` on the page",
        "b_total": "a counter in the code, a gauge on the page",
    }
    assert done.returncode == 1


def test_series_of_others_can_be_allowed(compared: Path) -> None:
    """`--allow` takes patterns of names that may be there besides."""
    done = run(compared, "app.py", "--check", "page.txt", "--allow", "other_*", "--format", "json")
    assert json.loads(done.stdout)["extra"] == []


def test_openmetrics_pages_are_read_too(tmp_path: Path) -> None:
    """There a counter's family goes without `_total`; an agreeing page gives status 0."""
    (tmp_path / "app.py").write_text(CODE.replace('@track_request("a")\n', ""))
    (tmp_path / "page.txt").write_text("# TYPE b counter\nb_total 1.0\nb_created 2.0\n# EOF\n")
    done = run(tmp_path, "app.py", "--check", "page.txt")
    assert (done.returncode, done.stdout) == (0, "page.txt exposes all 1 series of the code, and no others\n")


def test_series_made_late_are_said_to_be(tmp_path: Path) -> None:
    """A timer in a body makes its series when the function first runs, which may not have been yet."""
    (tmp_path / "app.py").write_text(
        'from golden_runtime import timed\n\n\ndef f():\n    with timed("a.wait"):\n        pass\n'
    )
    (tmp_path / "page.txt").write_text("x 1\n")
    assert "it comes when `f` first runs" in run(tmp_path, "app.py", "--check", "page.txt").stdout


@pytest.fixture
def server(compared: Path) -> Iterator[str]:
    """A server that hands out the page."""

    class Handler(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *arguments: Any) -> None:
            super().__init__(*arguments, directory=str(compared))

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as found:
        threading.Thread(target=found.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{found.server_port}"
        found.shutdown()


@pytest.mark.parametrize("form", ["text", "markdown"])
def test_a_name_of_two_lines_stays_on_one(tmp_path: Path, form: str) -> None:
    """A name is shown as the code writes it, so that none breaks a line or a row of a table."""
    code = 'from golden_runtime import CircuitBreaker\n\nbreaker = CircuitBreaker("bank\\n\\"of\\"")\n'
    (tmp_path / "app.py").write_text(code, encoding="utf-8")
    assert 'CircuitBreaker("bank\\n\\"of\\"")' in run(tmp_path, "app.py", "--format", form).stdout


def test_a_live_page_is_read(compared: Path, server: str) -> None:
    """`--check` takes a URL."""
    done = run(compared, "app.py", "--check", f"{server}/page.txt")
    assert "a_errors_total: a counter that is not there" in done.stdout
    assert done.returncode == 1


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--check", "nowhere.txt"), "`nowhere.txt` cannot be read: no such file or directory; `--check` takes a file"),
        (("--check", "app.py"), "`app.py` is no page of metrics"),
        (
            ("--check", "http://127.0.0.1:1/metrics"),
            "`http://127.0.0.1:1/metrics` cannot be read: connection refused; is the service up?",
        ),
        (("--check", "http://[::1/metrics"), "`http://[::1/metrics` cannot be read: Invalid IPv6 URL"),
        (("--check", "{server}/none"), "/none` cannot be read: it answers 404 (File not found)"),
        (("--allow", "x"), "`--allow` goes with `--check`"),
        (("--check", "page.txt", "--format", "openmetrics"), "`--format openmetrics` writes metadata"),
    ],
)
def test_trouble_is_one_sentence(compared: Path, server: str, arguments: tuple[str, ...], sentence: str) -> None:
    """What is wrong, and status 2."""
    done = run(compared, "app.py", *(argument.format(server=server) for argument in arguments))
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert sentence in done.stderr


@pytest.mark.parametrize(
    ("setting", "sentence"),
    [
        ("namespace = 3", "`namespace` in golden-rules.toml (line 1) must be a name, not an integer"),
        ('namespace = "my shop"', "must be a name such as `shop`, not `my shop`"),
        ("objectives = 3", "`objectives` in golden-rules.toml (line 1) must be a table from operations to objectives"),
        ("objectives = { a = 0.9 }", "for `a` must be a table such as `{ success = 0.99 }`, not `0.9`"),
        ("objectives = { a = { latency = 3 } }", "for `a` lacks `success`"),
        (
            "objectives = { a = { success = 99 } }",
            "for `a` needs a `success` between 0 and 1, such as `0.99`, not `99`",
        ),
        ('objectives = { a = { success = 0.9, latency = "fast" } }', "for `a` needs a `latency` such as `30s`"),
        ("objectives = { a = { succes = 0.9 } }", "for `a` has the unknown key `succes`"),
    ],
)
def test_wrong_settings_are_named(compared: Path, setting: str, sentence: str) -> None:
    """The key, its place, and what it may hold."""
    (compared / "golden-rules.toml").write_text(setting)
    done = run(compared, "app.py")
    assert done.returncode == 2
    assert sentence in done.stderr
