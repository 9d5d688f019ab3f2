"""GR301 beyond its own cases: the reference service, rarer shapes, and what only looks alike."""

from __future__ import annotations

from pathlib import Path

import pytest

from golden_rules.config import Config
from golden_rules.engine import analyse_source
from golden_rules.findings import Finding
from golden_rules.rules.resilience.hand_built_retry import HandBuiltRetry

_IMPORTS = "import asyncio\nimport errno\nimport importlib\nimport socket\nimport time\n\n"
CHIMERA = Path(__file__).parents[2] / "fixtures" / "chimera" / "src" / "chimera"


def found(code: str, path: str = "src/shop/orders.py") -> list[Finding]:
    """Return what GR301 finds in a module."""
    return list(analyse_source(code, path, Config(root=Path.cwd()), [HandBuiltRetry()]).findings)


def test_the_reference_service_retries_in_two_places() -> None:
    """The fixture's retry policy and its repository are found, and none of its daemons, queues and pools."""
    places = [
        (path.name, finding.function)
        for path in sorted(CHIMERA.rglob("*.py"))
        for finding in found(path.read_text(encoding="utf-8"), f"src/chimera/{path.name}")
    ]
    assert places == [("database.py", "Repository._write"), ("retry.py", "RetryPolicy.execute")]


def test_the_message_tells_what_is_caught_and_how_it_waits() -> None:
    """Whoever reads the finding learns which error leads to another try, and what is called in between."""
    (finding,) = found(
        """\
def send(gateway, order, clock):
    for attempt in range(3):
        try:
            return gateway.send(order)
        except (ConnectionError, gateway.Busy):
            clock.sleep(attempt)
"""
    )
    assert finding.message == (
        "`send` retries by hand: it catches `(ConnectionError, gateway.Busy)`, waits with `clock.sleep` and tries again"
    )
    assert (finding.line, finding.end_line) == (2, 2)


@pytest.mark.parametrize(
    "loop",
    [
        pytest.param(
            """\
    for _ in itertools.count():
        with contextlib.suppress(ConnectionError):
            return gateway.send(order)
        time.sleep(1)
""",
            id="suppressed",
        ),
        pytest.param(
            """\
    answer = None
    while answer is None:
        try:
            answer = gateway.send(order)
        except ConnectionError:
            time.sleep(1)
    return answer
""",
            id="until-there-is-an-answer",
        ),
        pytest.param(
            """\
    tries_left = 3
    while True:
        try:
            answer = gateway.send(order)
        except ConnectionError:
            tries_left = tries_left - 1
            if not tries_left:
                raise
            continue
        return answer
""",
            id="counted-down",
        ),
        pytest.param(
            """\
    for attempt in range(3):
        if attempt:
            time.sleep(attempt)
        try:
            answer = gateway.send(order)
        except ConnectionError as error:
            last = error
        else:
            return answer
    raise last
""",
            id="pause-before-the-next-try",
        ),
        pytest.param(
            """\
    for outer_attempt in range(3):
        for attempt in range(3):
            try:
                gateway.connect()
                break
            except ConnectionError:
                time.sleep(1)
        try:
            return gateway.send(order)
        except ConnectionError:
            time.sleep(10)
""",
            id="nested",
        ),
        pytest.param(
            """\
    for _ in range(5):
        response = gateway.post(order)
        if response.status == 429:
            time.sleep(float(response.headers.get("Retry-After", "1")))
            continue
        response.raise_for_status()
        return response
""",
            id="told-when-to-come-back",
        ),
        pytest.param(
            """\
    for attempt in range(5):
        response = gateway.put(order)
        rest = response.get("unprocessed") or {}
        if not rest:
            return
        time.sleep(attempt)
""",
            id="what-was-made-of-the-result",
        ),
        pytest.param(
            """\
    tries = 0
    while tries < 3:
        try:
            receipt = gateway.send(order)
            if receipt.status == Status.DONE:
                break
            tries += 1
        except ConnectionError:
            tries += 1
            time.sleep(1)
""",
            id="until-it-is-done",
        ),
        pytest.param(
            """\
    for attempt, delay in enumerate(DELAYS):
        time.sleep(delay)
        if gateway.refresh(order):
            return
""",
            id="tried-in-the-condition",
        ),
        pytest.param(
            """\
    for attempt in range(2):
        try:
            answer = gateway.send(order)
            if answer.status_code == 429 and attempt == 0:
                continue
            return answer
        except TimeoutError:
            raise OSError("the order may still be running")
        except ConnectionError:
            if attempt:
                raise
""",
            id="a-sentence-about-what-runs",
        ),
        pytest.param(
            """\
    for attempt in range(3):
        answer = gateway.send(order)
        if not is_retryable_status(answer.status_code):
            return answer
        time.sleep(attempt)
""",
            id="a-status-that-is-retried",
        ),
        pytest.param(
            """\
    for attempt in range(3):
        try:
            return gateway.send(order)
        except ConnectionError as error:
            last_error = error
            gateway.errors.append(str(error))
            gateway = gateway.connect_again()
    raise last_error
""",
            id="an-error-that-is-only-kept",
        ),
    ],
)
def test_rarer_shapes_are_found_once(loop: str) -> None:
    """Whatever way the tries are counted, caught and left, there is one finding, on the outermost loop."""
    (finding,) = found("import contextlib\nimport itertools\nimport time\n\n\ndef send(gateway, order):\n" + loop)
    assert finding.function == "send"


@pytest.mark.parametrize(
    "code",
    [
        pytest.param(
            """\
def serve(server, first):
    for attempt in range(10):
        port = first + attempt
        try:
            return server.listen(port)
        except OSError:
            continue
""",
            id="the-next-port",
        ),
        pytest.param(
            """\
def close(gateway, order):
    for _ in range(MAX_RETRIES):
        found = gateway.find(order)
        if found.status == Status.CLOSED:
            return
        time.sleep(RETRY_INTERVAL)
""",
            id="until-it-is-closed",
        ),
        pytest.param(
            """\
async def clean_for_ever(stop, shelves, log):
    while not stop.is_set():
        try:
            try:
                await asyncio.wait_for(stop.wait(), timeout=60)
                break
            except asyncio.TimeoutError:
                pass
            await shelves.clean()
        except OSError:
            log.exception("will try again")
""",
            id="a-pause-that-a-signal-ends",
        ),
        pytest.param(
            """\
def lend_port(free_ports):
    for _ in range(len(free_ports)):
        port = free_ports.pop(0)
        try:
            return open_at(port)
        except OSError:
            free_ports.append(port)
""",
            id="the-next-of-a-list",
        ),
        pytest.param(
            """\
def start(machines, name):
    retries = 0
    while retries < 60:
        machine = machines.get(name)
        if machine.state == "RUNNING":
            break
        time.sleep(5)
        retries += 1
""",
            id="polling-that-calls-itself-a-retry",
        ),
        pytest.param(
            """\
def watch(exchange, stop, log):
    attempt = 0
    while not stop.is_set():
        try:
            attempt += 1
            prices = exchange.prices()
            if prices:
                attempt = 0
                prices.publish()
            time.sleep(5 * attempt)
        except exchange.Unsupported:
            return
        except OSError:
            log.warning("no prices, will retry")
            time.sleep(attempt)
""",
            id="a-periodic-job-that-only-an-error-ends",
        ),
        pytest.param(
            """\
def keep_up(run, settings, log):
    while settings.running:
        try:
            return run()
        except Exception:
            log.exception("the task restarts in 5 seconds")
            time.sleep(5)
""",
            id="a-task-that-is-restarted",
        ),
        pytest.param(
            """\
def embed(model, texts):
    while True:
        try:
            return model.embed(texts)
        except model.TooLong:
            texts = texts[: len(texts) // 2]
""",
            id="a-smaller-batch-each-time",
        ),
        pytest.param(
            """\
def token(device, clock):
    while clock.left():
        try:
            return device.token()
        except device.AuthorizationPending:
            print("waiting for you, will retry")
        time.sleep(5)
""",
            id="an-answer-that-is-pending",
        ),
        pytest.param(
            """\
def reserve(tenacity_retry, stock):
    for attempt in tenacity.Retrying():
        with attempt:
            return stock.reserve()
""",
            id="a-library-retries",
        ),
        pytest.param(
            """\
def plan(model, question):
    messages = [question]
    for attempt in range(3):
        answer = model.complete(messages)
        try:
            return parse(answer)
        except FormatError as error:
            messages.append(f"That was no plan: {error}")
            time.sleep(1)
""",
            id="a-model-is-shown-its-mistake",
        ),
        pytest.param(
            """\
def parse_all(response, max_retries):
    for attempt in range(max_retries):
        try:
            return response.parse()
        except FormatError as error:
            response = response.resume(error.explanation())
""",
            id="the-next-answer-is-made-of-the-error",
        ),
        pytest.param(
            """\
def complete(model, **options):
    for attempt in range(2):
        try:
            return model.complete(**options)
        except ModelError:
            options["temperature"] = 0.5
""",
            id="other-arguments-each-time",
        ),
        pytest.param(
            """\
def send(cluster, order):
    tries = 0
    host = cluster.first()
    while tries < 3:
        try:
            return cluster.send(host, order)
        except ConnectionError:
            host = cluster.other_than(host)
            tries += 1
""",
            id="another-host",
        ),
        pytest.param(
            """\
def read(message):
    attempts = [message.text, message.attachment]
    for number, attempt in enumerate(attempts):
        try:
            return parse(attempt)
        except FormatError:
            continue
""",
            id="candidates-that-are-called-attempts",
        ),
        pytest.param(
            """\
def load(name):
    for attempt in range(3):
        try:
            return importlib.import_module(name)
        except KeyError:
            continue
""",
            id="an-import",
        ),
        pytest.param(
            """\
def retry_when_interrupted(call):
    while True:
        try:
            return call()
        except OSError as error:
            if error.errno != errno.EINTR:
                raise
""",
            id="a-signal-came-in-between",
        ),
        pytest.param(
            """\
def receipt(chain, payment, until):
    while time.time() < until:
        try:
            return chain.receipt(payment)
        except TransactionNotFound:
            time.sleep(1)
""",
            id="until-it-is-there",
        ),
        pytest.param(
            """\
def wait_for_server(address, limit):
    until = time.monotonic() + limit
    while True:
        try:
            with socket.create_connection(address):
                return
        except OSError:
            if time.monotonic() > until:
                raise
            time.sleep(0.1)
""",
            id="until-a-server-is-up",
        ),
        pytest.param(
            """\
def click(page, button, timeout):
    for _ in range(int(timeout * 10)):
        try:
            return page.find(button).click()
        except NoSuchElement:
            time.sleep(0.1)
""",
            id="for-as-long-as-is-allowed",
        ),
        pytest.param(
            """\
def sensor(devices, name):
    for delay in RETRY_DELAYS:
        found = devices.get(name)
        if found.state is State.CONNECTED:
            return found
        time.sleep(delay)
""",
            id="until-it-is-connected",
        ),
        pytest.param(
            """\
def speed(router, log):
    for attempt in range(30):
        result = router.speed()
        if result.code != 1:
            return result
        log.debug("the test is in progress")
        time.sleep(2)
""",
            id="while-it-is-in-progress",
        ),
        pytest.param(
            """\
def unlock(vault):
    attempts = 0
    while attempts < 3:
        attempts += 1
        word = vault._prompt_for_passphrase()
        try:
            return vault.unlock(word)
        except VaultError:
            continue
""",
            id="a-person-has-three-tries",
        ),
        pytest.param(
            """\
def log_in(remote, credentials):
    for _ in range(LOGIN_RETRIES):
        user, password = credentials.auth(remote)
        try:
            return remote.log_in(user, password)
        except RemoteError:
            print("wrong password")
""",
            id="a-password-is-asked-for",
        ),
        pytest.param(
            """\
async def follow(channel, handle, limit):
    failures = 0
    while failures <= limit:
        try:
            async with channel.open() as stream:
                failures = 0
                async for message in stream:
                    await handle(message)
        except ConnectionError:
            failures += 1
            await asyncio.sleep(failures)
""",
            id="a-stream-that-is-kept-up",
        ),
        pytest.param(
            """\
def download(manager, part):
    for attempt in manager.RetryManager():
        try:
            return part.fetch()
        except ConnectionError as error:
            attempt.error = error
""",
            id="a-policy-of-the-project",
        ),
        pytest.param(
            """\
def release(pipe, key):
    for _ in range(RETRIES):
        try:
            pipe.watch(key)
            return pipe.execute()
        except _watch_error():
            continue
""",
            id="others-were-first",
        ),
    ],
)
def test_what_only_looks_like_a_retry_is_left_alone(code: str) -> None:
    """Waiting, polling and going on to the next thing are no retries."""
    assert found(f"{_IMPORTS}import tenacity\n\n\n{code}") == []


def test_tests_and_the_runtime_are_left_alone() -> None:
    """A helper in a test may retry as it likes, and the runtime has to."""
    code = "def f(g):\n    for attempt in range(3):\n        try:\n            return g()\n        except OSError:\n            pass\n"
    assert found(code)
    assert found(code, "tests/test_orders.py") == []
    assert found(code, "golden_runtime/retry.py") == []
