"""GR301 beyond its own cases: the reference service and rarer shapes."""

from __future__ import annotations

from pathlib import Path

import pytest

from golden_rules.config import Config
from golden_rules.engine import analyse_source
from golden_rules.findings import Finding
from golden_rules.rules.resilience.hand_built_retry import HandBuiltRetry

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


def test_what_says_how_long_to_wait_is_not_what_waits() -> None:
    """The message names the call that pauses, also where another has worked out for how long."""
    (finding,) = found(
        """\
async def send(gateway, order, anyio):
    for attempt in range(3):
        try:
            return await gateway.send(order)
        except ConnectionError:
            pause = gateway.retry_delay(attempt)
            await anyio.anysleep(pause)
"""
    )
    assert "waits with `anyio.anysleep`" in finding.message


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
    while not stop_event.wait(1):
        try:
            return gateway.send(order)
        except ConnectionError:
            continue
""",
            id="waits-in-its-head",
        ),
        pytest.param(
            """\
    while True:
        try:
            return gateway.send(order)
        except ConnectionError:
            time.sleep(1)  # and try again
""",
            id="says-so-in-a-comment",
        ),
        pytest.param(
            """\
    for number in range(3):
        try:
            return gateway.send(order)
        except ConnectionError:
            log.warning("no luck in round %s", number)
            time.sleep(1)
""",
            id="reports-the-number",
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
    failures = 0
    while True:
        try:
            return gateway.call_next(order)
        except ConnectionError:
            failures += 1
            if failures > 3:
                raise
            time.sleep(1)
""",
            id="a-middleware-hands-on",
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
        pytest.param(
            """\
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            return gateway.send(order)
        except ConnectionError:
            time.sleep(1)
""",
            id="a-result-within-a-deadline",
        ),
        pytest.param(
            """\
    while time.monotonic() < gateway.deadline:
        try:
            gateway.send(order)
            return True
        except ConnectionError:
            log.warning("not sent, will try again")
            time.sleep(1)
""",
            id="tries-until-a-deadline-that-call-themselves-so",
        ),
    ],
)
def test_rarer_shapes_are_found_once(loop: str) -> None:
    """Whatever way the tries are counted, caught and left, there is one finding, on the outermost loop."""
    (finding,) = found("import contextlib\nimport itertools\nimport time\n\n\ndef send(gateway, order):\n" + loop)
    assert finding.function == "send"


_UNCOUNTED = """\
import time


def {name}(gateway, order, stop, pause):
    while {test}:
        try:
            answer = gateway.send(order)
            {success}
        except ConnectionError:
            time.sleep(pause)  # and try again
"""
_SURELY, _PERHAPS = "return answer", "if answer.ok: return answer"


@pytest.mark.parametrize(
    ("name", "test", "success", "count"),
    [
        ("send", "True", _SURELY, 1),
        ("send", "not stop.is_set()", _SURELY, 1),
        ("send_with_retries", "True", _PERHAPS, 1),
        ("send", "True", _PERHAPS, 0),
        ("send_with_retries", "not stop.is_set()", _PERHAPS, 0),
    ],
)
def test_what_nothing_counts_is_tried_until_it_works(name: str, test: str, success: str, count: int) -> None:
    """Success ends a retry; a loop that it ends at times only goes on, unless its function is named for retries."""
    assert len(found(_UNCOUNTED.format(name=name, test=test, success=success))) == count


def test_tests_and_the_runtime_are_left_alone() -> None:
    """A helper in a test may retry as it likes, and the runtime has to."""
    code = "def f(g):\n    for attempt in range(3):\n        try:\n            return g()\n        except OSError:\n            pass\n"
    assert found(code)
    assert found(code, "tests/test_orders.py") == []
    assert found(code, "golden_runtime/retry.py") == []


_TRIES = """\
import os
import time


def settle(gateway, call, folder, pause):
    {head}:
        try:
            {tried}
            return
        except OSError:
            {then}
"""
_NAMED, _BARE = "for attempt in range(3)", "for _ in range(3)"
_AWAY, _HERE, _HANDED = "gateway.send(folder)", "os.rmdir(folder)", "call()"
_PLAIN, _THOUGHT_ABOUT, _NONE = "time.sleep(1)", "time.sleep(pause)", "continue"


@pytest.mark.parametrize(
    ("head", "tried", "then"),
    [
        (_BARE, _HERE, _THOUGHT_ABOUT),
        (_NAMED, _HERE, _PLAIN),
        (_BARE, _AWAY, _PLAIN),
        (_BARE, _HANDED, _PLAIN),
        (_NAMED, _AWAY, _NONE),
        (_NAMED, _HANDED, _NONE),
    ],
)
def test_two_signs_are_enough(head: str, tried: str, then: str) -> None:
    """Tries that are called so, a pause, and a call that leaves the process are a sign each; a pause with a name is two."""
    assert len(found(_TRIES.format(head=head, tried=tried, then=then))) == 1


@pytest.mark.parametrize(
    ("head", "tried", "then"), [(_BARE, _HERE, _PLAIN), (_NAMED, _HERE, _NONE), (_BARE, _AWAY, _NONE)]
)
def test_one_sign_is_not_enough(head: str, tried: str, then: str) -> None:
    """A race for a file and a step of something else have the shape of a retry, too."""
    assert not found(_TRIES.format(head=head, tried=tried, then=then))


@pytest.mark.parametrize(
    "tried", ["subprocess.run(['sync'], check=True)", "Path('/srv').write_bytes(urllib.request.urlopen(folder).read())"]
)
def test_a_library_that_talks_leaves_the_process(tried: str) -> None:
    """What is called is known by what was imported, too."""
    code = _TRIES.format(head=_NAMED, tried=tried, then=_NONE)
    assert len(found("import subprocess\nimport urllib.request\nfrom pathlib import Path\n" + code)) == 1
