"""Findings without a fix say why there is none: hand-built counting and retrying, and functions that bear no decorator."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from golden_rules.cli import commands

COUNTER = 'from prometheus_client import Counter\n\nPLACED = Counter("orders_placed", "Placed.", ["shop"])\n\n\n'
FAILED = 'from prometheus_client import Counter\n\nFAILED = Counter("orders_failed", "Failed.", ["error_type"])\n\n\n'
INC = "    PLACED.labels(shop=order.shop).inc()\n"
TRY = (
    "def place(order):\n    try:\n        order.save()\n    except Exception as error:\n"
    "        FAILED.labels(type(error).__name__).inc()\n        raise\n"
)
RETRY = (
    "import time\n\n\ndef fetch(client):\n    for attempt in range(3):\n        try:\n            return client.get()\n"
    "        except OSError:\n            if attempt == 2:\n                raise\n            time.sleep(1)\n"
)

COUNTED = {
    "fixed": (f"{COUNTER}def place(order):\n{INC}    order.save()\n", ""),
    "an attribute": (
        "class Orders:\n    def place(self, order):\n        self.stats['placed'] += 1\n        order.save()\n\n    def report(self):\n        return self.stats\n",
        '`self.stats["placed"]` is a number without a series, and nobody knows who reads it',
    ),
    "several": (f"{COUNTER}def place(order):\n{INC}    SAVED.inc()\n    order.save()\n\n\nSAVED = Counter('saved', '')\n", "it feeds more than one counter"),
    "a generator": (f"{COUNTER}def place(order):\n{INC}    yield order.save()\n", "the function is a generator"),
    "a branch": (f"{COUNTER}def place(order):\n    if order.save():\n    {INC}", "it counts on some ways through the function only"),
    "later": (f"{COUNTER}def place(order):\n    order.save()\n{INC}", "line 7 may end the function before it counts"),
    "alone": (f"{COUNTER}def place(order):\n{INC}", "the function does nothing else"),
    "elsewhere too": (f"{COUNTER}def place(order):\n{INC}    order.save()\n\n\nPLACED.labels(shop='a')\n", "this file mentions `PLACED` elsewhere, too"),
    "another client": ("from shop.clients import statsd\n\n\ndef place(order):\n    statsd.incr('placed')\n    order.save()\n", "it feeds no counter of `prometheus_client` by one"),
    "made elsewhere": ("from shop.orders import PLACED\n\n\ndef place(order):\n    PLACED.inc()\n    order.save()\n", "`PLACED` is no counter of `prometheus_client` that this file makes"),
    "options": (f"{COUNTER.replace('])', '], registry=None)')}def place(order):\n{INC}    order.save()\n", "`PLACED` is made of more than texts"),
    "worked out": (f"{COUNTER}def place(order):\n{INC.replace('order.shop', 'order.shop()')}    order.save()\n", "its labels are more than texts and what the function is given"),
    "another name": (f"{COUNTER.replace('orders_placed', 'ordersPlaced')}def place(order):\n{INC}    order.save()\n", "the runtime would not keep the name `ordersPlaced`"),
}  # fmt: skip
ERRORS = {
    "fixed": (FAILED + TRY, ""),
    "swallowed": (FAILED + TRY.replace("raise", "return None"), "the clause does not raise again what it caught, and the decorator counts what leaves the function"),
    "not all": (FAILED + TRY.replace("    try", "    order.check()\n    try", 1), "the `try` with its one clause is not all that the function does, and the decorator counts every error"),
    "one kind": (FAILED + TRY.replace("except Exception", "except OSError"), "the clause catches something else than `Exception`, which is what the decorator counts"),
    "another label": (FAILED + TRY.replace("type(error).__name__", "order.shop"), "its series has no label `error_type` with the type of the error"),
}  # fmt: skip
RETRIES = {
    "fixed": (RETRY, ""),
    "a while": (RETRY.replace("    for attempt in range(3):", "    attempt = 0\n    while True:\n        attempt += 1"), ""),
    "an endless while": (RETRY.replace("for attempt in range(3)", "while True").replace("if attempt == 2:\n                raise\n            ", ""), "it does not give up within 100 attempts"),
    "errors told apart": (RETRY.replace("OSError:", "OSError as error:").replace("attempt == 2", "error.errno == 2 or attempt == 2"), "whether it tries again hangs on more than the number of the attempt"),
    "repairs": (RETRY.replace("time.sleep(1)", "client.reset()\n            time.sleep(1)"), "between two attempts it does more than log and wait"),
    "waits in the end": (RETRY.replace("if attempt == 2:\n                raise\n            time.sleep(1)", "time.sleep(1)\n            if attempt == 2:\n                raise"), "it waits after the last attempt, too"),
    "another error": (RETRY.replace("raise", "raise RuntimeError"), "it ends with something else than the last error"),
    "a number that is needed": (RETRY.replace("get()", "get(attempt)"), "what is tried uses `attempt`, which the loop sets"),
    "goes on from what was found": (RETRY.replace("            return", "            if client.ready():\n                page = client.next()\n            client.see(page)\n            return"), "an attempt may read `page` as the one before left it"),
    "takes from its options": (RETRY.replace("(client)", "(client, **options)").replace("get()", "get(options.pop('page'))"), "an attempt sets `options` for the next one"),
    "an inner function": ("def outer():\n    " + RETRY.replace("\n", "\n    ") + "\n    return fetch\n", "the function stands in another one, and each call of that would make a policy"),
    "work before it": (RETRY.replace("    for", "    client.open()\n    for"), "line 5 would be done again for each attempt"),
    "within": (RETRY.replace("    for", "    with client:\n     for").replace("\n        ", "\n         "), "the loop stands within another statement"),
    "as often as asked": (RETRY.replace("(client)", "(client, tries)").replace("range(3)", "range(tries)").replace("== 2", "== tries - 1"), "how often it tries is not known before the function is called"),
    "work after it": (RETRY + "    client.close()\n", "it goes on after the loop"),
    "two clauses": (RETRY + "        except ValueError:\n            time.sleep(2)\n", "a `try` with one clause is not all that is in the loop"),
    "ends quietly": (RETRY.replace("raise", "return None"), "it ends with something else than the last error"),
    "odd waits": (RETRY.replace("sleep(1)", "sleep(client.pause)"), "it waits for times that `@retry` does not have"),
    "no result": (RETRY.replace("return client.get()", "page = client.get()\n            if page:\n                return page"), "what is tried does not end by returning"),
    "goes on from the attempt before": (RETRY.replace("(client)", "(client, page)").replace("return client.get()", "page = page.next()\n            return client.get(page)"), "an attempt sets `page` for the next one"),
    "removes what it was given": (RETRY.replace("(client)", "(client, *, page)").replace("return client.get()", "del page\n            return client.get()"), "an attempt sets `page` for the next one"),
    "imports over what it was given": (RETRY.replace("(client)", "(client, **json)").replace("return client.get()", "import json\n            return client.get(json)"), "an attempt sets `json` for the next one"),
    "everything": (RETRY.replace("OSError", "BaseException"), "it catches what ends a program or a task, which `@retry` lets through"),
    "an interrupt, too": (RETRY.replace("OSError", "(OSError, KeyboardInterrupt)"), "it catches what ends a program or a task, which `@retry` lets through"),
    "cancellation": ("import asyncio\n" + RETRY.replace("OSError", "asyncio.CancelledError"), "it catches what ends a program or a task, which `@retry` lets through"),
    "a name of its own": (RETRY.replace("return client.get()", "page = client.next()\n            return client.get(page)"), ""),
}  # fmt: skip
SWALLOWS = "# golden-rules: critical\ndef place(order, log):\n    try:\n        order.save()\n    except Exception:\n        log.exception('no')\n"
REQUIRED = "# golden-rules: critical\ndef place(order):\n    return order.save()\n"
DECORATED = {
    "fixed": (SWALLOWS, ""),
    "a parameter named like it": (SWALLOWS.replace("order, log", "order, log, mark_failure=None"), "`mark_failure` is something else in the function"),
    "names that are taken": ("mark_failure = golden_runtime = None\n\n\n" + SWALLOWS, "`mark_failure` and `golden_runtime` are something else in this file"),
    "names for the exception that are taken": ("error = caught = failure = None\n\n\n" + SWALLOWS, "`error`, `caught`, `failure` are taken"),
    "the decorator's name is taken": ("track_request = golden_runtime = None\n\n\n" + REQUIRED, "`track_request` and `golden_runtime` are something else in this file"),
    "a star import": ("from shop import *\n\ngolden_runtime = None\n\n\n" + REQUIRED, "`import *` may bind `track_request`, and `golden_runtime` is something else in this file"),
    "its own name": (REQUIRED.replace("order.save()", "order.save(place.__name__)"), ""),
    "its own code": (REQUIRED.replace("order.save()", "order.save(place.__code__.co_name)"), "`place.__code__` would tell of the decorator"),
    "its code elsewhere": (REQUIRED + "\n\ndef closure():\n    return place.__closure__\n", "`place.__closure__` would tell of the decorator"),
    "a method's code": ("class Orders:\n    # golden-rules: critical\n    def place(self):\n        return self.place.__func__.__code__\n", "`self.place.__func__.__code__` would tell of the decorator"),
    "its file": ("import inspect\n\n\n" + REQUIRED.replace("order.save()", "order.save(inspect.getfile(place))"), "`inspect.getfile(place)` would tell of the decorator"),
    "the code of another": (REQUIRED.replace("order.save()", "order.save(order.check.__code__)"), ""),
}  # fmt: skip
UNDER_DECORATOR = {
    "names that are taken": ("from golden_runtime import track_request\n\n\n" + SWALLOWS.replace("def ", "@track_request('x')\ndef ").replace("log)", "log, mark_failure=None)"), "`mark_failure` is something else in the function"),
}  # fmt: skip
CASES = [
    pytest.param(code, *case, id=f"{code}-{name}")
    for code, cases in (
        ("GR202", COUNTED),
        ("GR203", ERRORS),
        ("GR301", RETRIES),
        ("GR105", DECORATED),
        ("GR406", UNDER_DECORATOR),
    )
    for name, case in cases.items()
]


@pytest.mark.parametrize(("code", "source", "why"), CASES)
def test_reason_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str, source: str, why: str) -> None:
    """A finding has a fix, or says in one clause what stands against it, in every format."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "shop"\ndependencies = ["golden-runtime"]\n')
    (tmp_path / "orders.py").write_text(source)
    select = ["check", "--select", code, "--format"]
    told = CliRunner().invoke(commands, [*select, "json"], standalone_mode=False).stdout
    [finding] = json.loads(told)["findings"]
    assert (finding["fix"] is None) == bool(why)
    assert finding["remedy"].partition(" (no fix, as ")[2].removesuffix(")") == why
    assert why in CliRunner().invoke(commands, [*select, "text"], standalone_mode=False).stdout
