"""Findings without a fix say why there is none: hand-built timing, counting and retrying, and functions that bear no decorator."""

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

PACK = "import time\n\n\ndef pack(order, log):\n    start = time.time()\n    order.pack()\n    log.info('took %s', time.time() - start)\n    return order.send()\n"
ENDED = PACK.replace(
    "log.info('took %s', time.time() - start)", "end = time.time()\n    log.info('took %s', end - start)"
)
FAILING = "import time\n\n\nclass Jobs:\n    def run(self, job, log):\n        start = time.time()\n        try:\n            job()\n        except OSError:\n            self.stats['failed'] += 1\n            log.info('failed after %s', time.time() - start)\n            raise\n        log.info('took %s', time.time() - start)\n"
TRIED = (
    "import time\n\n\nclass Jobs:\n    def run(self, job, hook, log):\n        start = time.time()\n        try:\n            job()\n        except OSError:\n"
    "            hook.on_failure(job, duration=time.time() - start)\n            raise\n        hook.on_success(job, duration=time.time() - start)\n"
)

TIMED = {
    "fixed": (PACK, ""),
    "all of its variables": (PACK.replace("return order.send()", "return locals()"), "`locals()` sees all of the function's variables"),
    "evaluated": (PACK.replace("return order.send()", "return eval(order.rule)"), "`eval` sees all of the function's variables"),
    "a parameter named like it": (PACK.replace("log)", "log, timed=None)").replace("return order.send()", "return timed"), ""),
    "a class that has it": ("class Orders:\n    timed = golden_runtime = None\n\n    " + PACK.partition("\n\n\n")[2].replace("\n", "\n    ").rstrip() + "\n\n\nimport time\n", ""),
    "names that are taken": (PACK.replace("log)", "log, timed=None)").replace("import time", "import time\n\ngolden_runtime = None"), "`timed` and `golden_runtime` are something else in this file"),
    "a module for other machines": (PACK.replace("import time", "import time\n\nfrom ansible.module_utils.basic import AnsibleModule"), "the file runs where `golden_runtime` is not"),
    "passed in": (PACK.replace("    start = time.time()\n", "").replace("order, log", "order, log, start"), "the function does not set `start` to the clock itself"),
    "a parameter": (PACK.replace("order, log", "order, log, start=0"), "`start` is a parameter"),
    "an attribute": (PACK.replace("start", "order.start"), "others may read `order.start`"),
    "an inner function": (PACK.replace("return order.send()", "return lambda: start"), "an inner function uses `start`"),
    "a global": (PACK.replace("    start =", "    global start\n    start ="), "`start` is a variable of the code around the function"),
    "set to nothing first": (PACK.replace("    start =", "    start = None\n    start ="), "`start` is set to something else as well"),
    "two at once": (PACK.replace("start = time.time()", "start, lot = time.time(), order.lot"), "`start` is set together with something else"),
    "behind a colon": (PACK.replace("log.info(", "if order.slow: log.info("), "one of its statements stands behind a colon, on the line of another"),
    "milliseconds": (PACK.replace("start = time.time()", "start = time.time() * 1000"), "`start` is more than the reading of a clock"),
    "milliseconds at the end": (PACK.replace("time.time() - start", "int(time.time()) - start"), "`int(time.time())` is more than the reading of a clock"),
    "the processor": (PACK.replace("time.time()", "time.process_time()"), "`time.process_time` counts the time of the processor, and a timer that of the wall"),
    "a clock of its own": (PACK.replace("time.time()", "order.clock.time()"), "nothing tells whether `order.clock.time` counts seconds"),
    "nanoseconds": (PACK.replace("time.time()", "time.time_ns()"), "the duration is not divided by a billion at once, and a timer has seconds"),
    "a timedelta": (PACK.replace("time.time()", "datetime.now()").replace("import time", "from datetime import datetime"), "the duration is not asked for its `total_seconds()` at once, and a timer has seconds"),
    "two clocks": (PACK.replace("time.time() -", "time.monotonic() -"), "`time.time` and `time.monotonic` may be two clocks"),
    "a comprehension": (PACK.replace("time.time() - start)", "time.time() - start, [time.time() - start for lot in order])"), "a comprehension measures a duration for each of its items"),
    "shown as code": (PACK.replace("'took %s', time.time() - start", "f'took {time.time() - start=}'"), "a text shows how the duration is written"),
    "a timestamp, too": (PACK.replace("return order.send()", "return order, start"), "`start` is used for more than durations"),
    "the end, too": (ENDED.replace("return order.send()", "return order, end"), "`end` is used for more than the duration from `start`"),
    "a limit, too": (PACK.replace("return order.send()", "if time.time() - start > 5:\n        return order.retry()\n    return order.send()"), "what the program does hangs on a duration from `start`"),
    "set on some ways": (PACK.replace("    start = time.time()\n", "    if order.large:\n        start = time.time()\n"), "a duration is measured where `start` may not have been set by this function's reading"),
    "a loop": (PACK.replace("    order.pack()\n    log.info('took %s', time.time() - start)", "    for lot in order:\n        lot.pack()\n        log.info('took %s', time.time() - start)\n        start = time.time()"), "a loop sets `start` again"),
    "measured from nowhere": (PACK.replace("    return", "    start = time.time()\n    return"), "`start` is set where no duration is measured from it"),
    "a comment": (PACK.replace("time.time() - start", "(\n        time.time()  # now\n        - start\n    )"), "a comment stands within the difference"),
    "an exception": (PACK.replace("    order.pack()\n", "    try:\n        order.pack()\n        log.info('packed %s', time.time() - start)\n        order.send()\n    except OSError:\n        log.info('failed %s', time.time() - start)\n        return None\n").replace("    log.info('took %s', time.time() - start)\n    return", "    return"), "which duration from `start` is its last hangs on where an exception is raised"),
    "sometimes again": (PACK.replace("    return order.send()", "    if order.late:\n        log.info('late %s', time.time() - start)\n    return order.send()"), "it is not certain which duration from `start` is its last"),
    "a series": (PACK.replace("log.info('took %s', ", "SECONDS.observe("), "each run would be in two series, and only you know who reads the one that is there"),
    "one log line": (PACK.replace("time.time() -", "time.monotonic() -").replace("return order.send()", "return"), ""),
}  # fmt: skip
TRACKED = {
    "fixed": (TRIED, ""),
    "all of its variables": (TRIED + "        return locals()\n", "`locals()` sees all of the function's variables"),
    "a parameter named like it": (TRIED.replace("log)", "log, timed)") + "        return timed\n", ""),
    "a timestamp, too": (TRIED + "        return start\n", "`start` is used for more than durations"),
    "a counter": (FAILING, '`self.stats["failed"]` would still count its failures by hand'),
    "a series": (FAILING.replace("log.info('took %s', ", "SECONDS.observe("), "each run would be in two series, and only you know who reads that of `SECONDS.observe`"),
}  # fmt: skip
COUNTED = {
    "fixed": (f"{COUNTER}def place(order):\n{INC}    order.save()\n", ""),
    "an attribute": (
        "class Orders:\n    def place(self, order):\n        self.stats['placed'] += 1\n        order.save()\n\n    def report(self):\n        return self.stats\n",
        '`self.stats["placed"]` is a number without a series, and nobody knows who reads it',
    ),
    "several": (f"{COUNTER}def place(order):\n{INC}    SAVED.inc()\n    order.save()\n\n\nSAVED = Counter('saved', '')\n", "it feeds more than one counter"),
    "a generator": (f"{COUNTER}def place(order):\n{INC}    yield order.save()\n", "the function is a generator"),
    "a branch": (f"{COUNTER}def place(order):\n    order.save()\n    if order.late:\n    {INC}", "it counts on some ways through the function only"),
    "later": (f"{COUNTER}def place(order):\n    order.save()\n{INC}", "line 7 may end the function before it counts"),
    "elsewhere too": (f"{COUNTER}def place(order):\n{INC}    order.save()\n\n\nPLACED.labels(shop='a')\n", "this file mentions `PLACED` elsewhere, too"),
    "another client": ("from shop.clients import statsd\n\n\ndef place(order):\n    statsd.incr('placed')\n    order.save()\n", "it feeds no counter of `prometheus_client` by one"),
    "made in a class": ("from prometheus_client import Counter\n\n\nclass Orders:\n    PLACED = Counter('placed', '')\n\n    def place(self, order):\n        self.PLACED.inc()\n        order.save()\n", "`self.PLACED` is no counter at the top level of this file"),
    "of a module": ("from shop import metrics\n\n\ndef place(order):\n    metrics.PLACED.labels('a').inc()\n    order.save()\n", "`metrics.PLACED` is no counter at the top level of this file"),
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
    "a label that it sets": (FAILED.replace('["error_type"]', '["error_type", "shop"]') + TRY.replace("        order.save()", "        order.shop = 'late'\n        order.save()").replace(".labels(type(error).__name__)", ".labels(type(error).__name__, order.shop)"), "its labels are more than texts and what the function is given"),
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
    "a number that is told": (RETRY + "    client.tell(attempt)\n", "the function uses `attempt` elsewhere, which the loop sets"),
    "goes on from what was found": (RETRY.replace("            return", "            if client.ready():\n                page = client.next()\n            client.see(page)\n            return"), ""),
    "takes from its options": (RETRY.replace("(client)", "(client, **options)").replace("get()", "get(options.pop('page'))"), ""),
    "an inner function": ("def outer():\n    " + RETRY.replace("\n", "\n    ") + "\n    return fetch\n", ""),
    "work before it": (RETRY.replace("    for", "    client.open()\n    for"), ""),
    "within": (RETRY.replace("    for", "    with client:\n     for").replace("\n        ", "\n         "), ""),
    "a generator": (RETRY.replace("    for", "    yield client\n    for"), "the function is a generator, which may be left in the middle of an attempt"),
    "an attempt of its own": (RETRY.replace("    for attempt", "    attempt = client.next()\n    for number").replace("attempt ==", "number ==").replace("get()", "get(attempt)"), "`attempt` is something else in the function"),
    "a variable of another": (RETRY.replace("    for", "    global last\n    last = client\n    for"), "the function sets a variable of another scope"),
    "as often as asked": (RETRY.replace("(client)", "(client, tries)").replace("range(3)", "range(tries)").replace("== 2", "== tries - 1"), "how often it tries is not known before the function is called"),
    "work after it": (RETRY + "    client.close()\n", ""),
    "two clauses": (RETRY + "        except ValueError:\n            time.sleep(2)\n", "a `try` with one clause is not all that is in the loop"),
    "ends quietly": (RETRY.replace("raise", "return None"), "it ends with something else than the last error"),
    "odd waits": (RETRY.replace("sleep(1)", "sleep(client.pause)"), "it waits for times that `@retry` does not have"),
    "no result": (RETRY.replace("return client.get()", "page = client.get()\n            if page:\n                return page"), "a result that it does not return makes it try again, without an error"),
    "nothing to catch": (RETRY.partition("        try:")[0] + "        page = client.get()\n        if page:\n            return page\n        time.sleep(1)\n", "a result that it does not return makes it try again, without an error"),
    "no result in one line": (RETRY.replace("return client.get()", "if (page := client.get()) is not None:\n                return page"), "a result that it does not return makes it try again, without an error"),
    "goes on from the attempt before": (RETRY.replace("(client)", "(client, page)").replace("return client.get()", "page = page.next()\n            return client.get(page)"), ""),
    "removes what it was given": (RETRY.replace("(client)", "(client, *, page)").replace("return client.get()", "del page\n            return client.get()"), ""),
    "imports over what it was given": (RETRY.replace("(client)", "(client, **json)").replace("return client.get()", "import json\n            return client.get(json)"), ""),
    "everything": (RETRY.replace("OSError", "BaseException"), "it catches what ends a program or a task, which `@retry` lets through"),
    "an interrupt, too": (RETRY.replace("OSError", "(OSError, KeyboardInterrupt)"), "it catches what ends a program or a task, which `@retry` lets through"),
    "cancellation": ("import asyncio\n" + RETRY.replace("OSError", "asyncio.CancelledError"), "it catches what ends a program or a task, which `@retry` lets through"),
    "a name of its own": (RETRY.replace("return client.get()", "page = client.next()\n            return client.get(page)"), ""),
}  # fmt: skip
SWALLOWS = "# golden-rules: critical\ndef place(order, log):\n    try:\n        order.save()\n    except Exception:\n        log.exception('no')\n"
REQUIRED = "# golden-rules: critical\ndef place(order):\n    return order.save()\n"
DECORATED = {
    "fixed": (SWALLOWS, ""),
    "a parameter named like it": (SWALLOWS.replace("order, log", "order, log, mark_failure=None"), ""),
    "parameters named like it": (SWALLOWS.replace("order, log", "order, log, mark_failure=None, golden_runtime=None"), "`mark_failure` and `golden_runtime` are something else in this file"),
    "names that are taken": ("mark_failure = golden_runtime = None\n\n\n" + SWALLOWS, "`mark_failure` and `golden_runtime` are something else in this file"),
    "names for the exception that are taken": ("error = caught = failure = None\n\n\n" + SWALLOWS, "`error`, `caught`, `failure` are taken"),
    "the decorator's name is taken": ("track_request = golden_runtime = None\n\n\n" + REQUIRED, "`track_request` and `golden_runtime` are something else in this file"),
    "a star import": ("from shop import *\n\ngolden_runtime = None\n\n\n" + REQUIRED, "`import *` may bind `track_request`, and `golden_runtime` is something else in this file"),
    "its own name": (REQUIRED.replace("order.save()", "order.save(place.__name__)"), ""),
    "its own code": (REQUIRED.replace("order.save()", "order.save(place.__code__.co_name)"), "`place.__code__` would tell of the decorator"),
    "its code elsewhere": (REQUIRED + "\n\ndef closure():\n    return place.__closure__\n", "`place.__closure__` would tell of the decorator"),
    "a method's code": ("class Orders:\n    # golden-rules: critical\n    def place(self):\n        return self.place.__func__.__code__\n", "`self.place.__func__.__code__` would tell of the decorator"),
    "its file": ("import inspect\n\n\n" + REQUIRED.replace("order.save()", "order.save(inspect.getfile(place))"), "`inspect.getfile(place)` would tell of the decorator"),
    "a blanket": ("from contextlib import suppress\n\n\n" + REQUIRED.replace("return order.save()", "with suppress(Exception):\n        order.save()"), "nothing in the code tells which exceptions are one"),
    "the code of another": (REQUIRED.replace("order.save()", "order.save(order.check.__code__)"), ""),
}  # fmt: skip
UNDER_DECORATOR = {
    "fixed": ("from golden_runtime import track_request\n\n\n" + SWALLOWS.replace("def ", "@track_request('x')\ndef "), ""),
    "a counter of errors": ("from prometheus_client import Counter\n\nFAILED = Counter('failed', 'Failed.')\n\n\n" + SWALLOWS.replace("def ", "@FAILED.count_exceptions()\ndef "), "`mark_failure` does not reach a decorator that is not the runtime's"),
    "a blanket": ("from contextlib import suppress\n\nfrom golden_runtime import track_request\n\n\n@track_request('x')\ndef place(order):\n    with suppress(Exception):\n        order.save()\n", "nothing in the code tells which exceptions are one"),
    "a return": ("from golden_runtime import track_request\n\n\n@track_request('x')\ndef place(order):\n    try:\n        order.save()\n    finally:\n        return order\n", "the callers would get exceptions that they have not met before"),
    "names that are taken": ("from golden_runtime import track_request\n\n\n" + SWALLOWS.replace("def ", "@track_request('x')\ndef ").replace("log)", "log, mark_failure=None, golden_runtime=None)"), "`mark_failure` and `golden_runtime` are something else in this file"),
}  # fmt: skip
MISPLACED = {
    "fixed": ("from golden_runtime import counted\n\n\n@counted('x')\n@property\ndef place(order):\n    return order.save()\n", ""),
    "a class": ("from golden_runtime import counted\n\n\n@counted('x')\nclass Order:\n    pass\n", "only you know which these are"),
    "an abstract method": ("from abc import ABC, abstractmethod\n\nfrom golden_runtime import counted\n\n\nclass Orders(ABC):\n    @abstractmethod\n    @counted('x')\n    def place(self): ...\n", "these may stand in other files"),
    "a coroutine": ("from prometheus_client import Histogram\n\nPAYING = Histogram('paying', 'Seconds.')\n\n\n@PAYING.time()\nasync def pay(order):\n    await order.pay()\n", "those have series of other names"),
}  # fmt: skip
WRAPPED = "import functools\nimport time\n\n\ndef lasting(function):\n    @functools.wraps(function)\n    def wrapper(*args, **kwargs):\n        start = time.monotonic()\n        try:\n            return function(*args, **kwargs)\n        finally:\n            log.log(level(), 'took %s', time.monotonic() - start)\n\n    return wrapper\n\n\n@lasting\ndef place(order):\n    return order.save()\n"
HOMEMADE = {
    "any level": (WRAPPED, "what it logs in line 12 may be a warning or an error, by its level"),
    "a block": (WRAPPED.partition("        start")[0] + "        with SECONDS.labels(function.__name__).time():\n            return function(*args, **kwargs)\n\n    return wrapper\n\n\n@lasting\ndef place(order):\n    return order.save()\n", "it measures by a block, in line 8"),
    "a class": ("import time\n\n\nclass Timer:\n    def __enter__(self):\n        self.start = time.monotonic()\n        return self\n\n    def __exit__(self, *raised):\n        print('took', time.monotonic() - self.start)\n", "nothing of the runtime can be used in every way that a class can"),
    "a context manager": ("import time\nfrom contextlib import contextmanager\n\n\n@contextmanager\ndef lasting(label):\n    start = time.monotonic()\n    try:\n        yield\n    finally:\n        print(label, time.monotonic() - start)\n", "the block that it measures is no function, which has the name that a series needs"),
    "no use": ("import functools\nimport time\n\n\ndef lasting(function):\n    @functools.wraps(function)\n    def wrapper(*args, **kwargs):\n        start = time.monotonic()\n        try:\n            return function(*args, **kwargs)\n        finally:\n            print('took', time.monotonic() - start)\n\n    return wrapper\n", "its own file does not use it"),
}  # fmt: skip
CASES = [
    pytest.param(code, *case, id=f"{code}-{name}")
    for code, cases in (
        ("GR201", TIMED),
        ("GR204", TRACKED),
        ("GR202", COUNTED),
        ("GR203", ERRORS),
        ("GR301", RETRIES),
        ("GR105", DECORATED),
        ("GR406", UNDER_DECORATOR),
        ("GR401", MISPLACED),
        ("GR206", HOMEMADE),
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
