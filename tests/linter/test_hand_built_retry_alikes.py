"""GR301 on what only looks like a retry: polls, listings, services, questions, other causes."""

from __future__ import annotations

from pathlib import Path

import pytest

from golden_rules.config import Config
from golden_rules.engine import analyse_source
from golden_rules.findings import Finding
from golden_rules.rules.resilience.hand_built_retry import HandBuiltRetry

_IMPORTS = "import asyncio\nimport errno\nimport importlib\nimport random\nimport socket\nimport time\n\n"


def found(code: str) -> list[Finding]:
    """Return what GR301 finds in a module."""
    return list(analyse_source(code, "src/shop/orders.py", Config(root=Path.cwd()), [HandBuiltRetry()]).findings)


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
            time.sleep(PAUSE)
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
def start_server(launch, probe, seconds):
    launch()
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        time.sleep(0.5)
        try:
            probe()
            return True
        except OSError:
            continue
    return False
""",
            id="a-look-for-as-long-as-a-timeout-allows",
        ),
        pytest.param(
            """\
def authorize(routes, name):
    for _ in range(3):
        try:
            return routes.authorize(routes.prepare(name))
        except routes.RouteChanged:
            continue
""",
            id="others-were-first",
        ),
        pytest.param(
            """\
def pages(session, listing):
    for attempt in range(2):
        try:
            return session.pages(listing)
        except ClosedResourceError as error:
            if attempt:
                raise
            session.recover_connection(error)
""",
            id="a-connection-recovered-between-two-tries",
        ),
        pytest.param(
            """\
def accepted(attempt):
    while True:
        try:
            return attempt()
        except ValueError as error:
            sys.stdout.write(f"{error}, try again\\n")
""",
            id="a-person-who-is-told",
        ),
        pytest.param(
            """\
def alone(handle, seconds):
    deadline = time.monotonic() + seconds
    while True:
        try:
            lock_file(handle)
            break
        except OSError as error:
            if time.monotonic() >= deadline:
                raise RuntimeError("somebody else is at work") from error
            time.sleep(PAUSE)

""",
            id="a-lock-that-others-hold",
        ),
        pytest.param(
            """\
def alone(handle, windows, deadline):
    while True:
        try:
            if windows.is_this():
                windows.locking(handle, 1)
            else:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return handle
        except OSError:
            if time.monotonic() >= deadline:
                raise
            time.sleep(PAUSE)
""",
            id="a-lock-of-a-file",
        ),
        pytest.param(
            """\
def probe_until_well(host, attempts):
    for attempt in range(attempts):
        answer = look_at(host)
        if answer.well:
            return answer
        time.sleep(1)
    return answer
""",
            id="a-probe-of-health",
        ),
        pytest.param(
            """\
def read_answer(device, number_of_tries):
    for _ in range(number_of_tries):
        time.sleep(0.1)
        answer = device.buffer()
        if answer is not None:
            return answer
    raise TimeoutError("no answer to the retry")
""",
            id="an-answer-that-is-on-its-way",
        ),
        pytest.param(
            """\
def summary(model, text, max_attempts):
    feedback = ""
    for attempt in range(max_attempts):
        try:
            answer = model.ask(text + feedback)
            if answer.tool:
                feedback = f"you called {answer.tool}, but must not"
                continue
            return answer
        except ConnectionError:
            continue
""",
            id="a-model-that-is-told-in-words",
        ),
        pytest.param(
            """\
def send(endpoints, order, attempts):
    tried = set()
    for attempt in range(attempts):
        endpoint = endpoints.acquire(exclude=frozenset(tried))
        tried.add(endpoint)
        try:
            return endpoint.send(order)
        except ConnectionError:
            continue
""",
            id="another-endpoint-each-time-by-way-of-a-set",
        ),
        pytest.param(
            """\
def choose(menu, options, max_attempts):
    attempt = 0
    while menu.answer is None:
        if attempt >= max_attempts:
            raise RuntimeError("no choice made")
        attempt += 1
        menu._prompt()
        try:
            menu.answer = options[int(menu.answer) - 1]
        except (IndexError, ValueError):
            menu.answer = None
            continue
""",
            id="a-prompt-with-a-number-of-tries",
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
        time.sleep(device.pace)
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
            return response.session.parse()
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
            return message.client.parse(attempt)
        except FormatError:
            continue
""",
            id="candidates-that-are-called-attempts",
        ),
        pytest.param(
            """\
def execute(kernel, order, attempts):
    for attempt in attempts:
        try:
            if attempt == "websocket":
                return kernel.send(order)
            return kernel.post(order)
        except OSError:
            continue
""",
            id="ways-that-are-called-attempts",
        ),
        pytest.param(
            """\
def load(name):
    for attempt in range(3):
        try:
            return importlib.import_module(name)
        except KeyError:
            time.sleep(attempt)
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
            time.sleep(chain.pace)
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
            time.sleep(page.pace)
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
            return vault.client.unlock(word)
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
async def receive(connect, stop, handle, log):
    backoff = 1
    while not stop.is_set():
        try:
            async with connect() as messages:
                backoff = 1
                for message in await messages.fetch():
                    if stop.is_set():
                        return
                    await handle(message)
        except ConnectionError:
            log.warning("disconnected, will try again")
        await asyncio.sleep(backoff)
        backoff = min(backoff * 2, 60)
""",
            id="a-receiver-that-reconnects-until-it-is-stopped",
        ),
        pytest.param(
            """async def tend(tunnel, stop):
    attempts = 0
    while not stop.is_set():
        try:
            if await tunnel.open() is None:
                break
        except ConnectionError:
            attempts += 1
            await asyncio.sleep(attempts)
""",
            id="a-tunnel-that-is-kept-up-and-counts",
        ),
        pytest.param(
            """\
async def pump(client, handle, pause):
    while True:
        try:
            for message in await client.fetch():
                if message.last:
                    return
                await handle(message)
        except ConnectionError:
            await asyncio.sleep(pause)
            log.warning("will retry")
""",
            id="a-consumer-that-nothing-counts",
        ),
        pytest.param(
            """\
def lend(client, low, high, retries):
    while retries:
        port = random.randint(low, high)
        try:
            return client.bind(port)
        except OSError:
            retries -= 1
""",
            id="a-number-that-is-drawn-anew",
        ),
        pytest.param(
            """\
def answer(queue, attempts, seconds):
    for attempt in range(attempts):
        try:
            return queue.get(timeout=seconds)
        except Empty:
            pass
    raise TimeoutError
""",
            id="nothing-is-there-yet",
        ),
        pytest.param(
            """\
def child(sessions, name):
    for attempt in range(3):
        try:
            return sessions.create(name)
        except SessionExistsError:
            continue
""",
            id="others-made-it-first",
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
        pytest.param(
            """\
def complete(router, messages, tries):
    used = []
    while tries > 0:
        name, number = router.query(messages, excluded=used)
        used.append(number)
        try:
            return send(name, messages)
        except OSError:
            tries -= 1
            if tries == 0:
                raise
""",
            id="what-was-tried-is-excluded",
        ),
    ],
)
def test_what_only_looks_like_a_retry_is_left_alone(code: str) -> None:
    """Waiting, polling and going on to the next thing are no retries."""
    assert found(f"{_IMPORTS}import tenacity\n\n\n{code}") == []
