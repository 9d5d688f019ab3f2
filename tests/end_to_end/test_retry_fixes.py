"""GR301's fix: the decorator tries as often, after the same delays, and ends in the same way as the loop did."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import golden_runtime
import pytest
from golden_runtime import RetryConfig, RetryPolicy

from golden_rules import Config
from golden_rules.fixing import fix_source

HEAD = """\
import asyncio
import time

LIMIT = 4
PAUSE = 0.5


class Busy(Exception):
    pass


"""
LOOP = """\
def send(mail, log):
    \"\"\"Send a mail.\"\"\"
    for attempt in {counted}:
        try:
            receipt = mail.send()
            return receipt
        except {caught}:
            if {last}:
                raise
            {wait}
"""


def loop(
    counted: str = "range(3)", last: str = "attempt == 2", wait: str = "time.sleep(2**attempt)", caught: str = "Busy"
) -> str:
    """Return a module whose function is a retry loop."""
    return HEAD + LOOP.format(counted=counted, last=last, wait=wait, caught=caught)


def fixed(source: str) -> str:
    """Return a module after all the fixes of GR301."""
    config = Config(root=Path(), select=("GR301",))
    return fix_source(source.encode(), "src/shop/mails.py", config, unsafe=True).content.decode()


class Mail:
    """What can be sent at the given try, and says how often it was tried."""

    def __init__(self, succeeds_at: int, error: type[BaseException]) -> None:
        """Fail with an error until the given try."""
        self.tries = 0
        self.name = "mail"
        self.errors: list[object] = []
        self._succeeds_at = succeeds_at
        self._error = error

    def __enter__(self) -> None:
        """Do nothing."""

    def __exit__(self, *_: object) -> None:
        """Let errors pass."""

    def send(self, *_: object) -> int:
        """Return the number of the try."""
        self.tries += 1
        if self.tries < self._succeeds_at:
            raise self._error(self.tries)
        return self.tries


def outcome(source: str, succeeds_at: int, error: str) -> tuple[str, int, list[object]]:
    """Run a module's function, and return how it ended, after how many tries, and what it noted down."""
    namespace: dict[str, Any] = {"__name__": "shop.mails"}
    exec(compile(source, "mails.py", "exec"), namespace)  # noqa: S102 - the code under test
    mail = Mail(succeeds_at, namespace.get(error, OSError))
    try:
        return repr(namespace["send"](mail, None)), mail.tries, mail.errors
    except Exception as raised:  # noqa: BLE001 - how it ended is what is compared
        return repr(raised), mail.tries, mail.errors


SHAPES = {
    "doubling": loop(),
    "doubling from elsewhere": loop(wait="time.sleep(0.1 * 2 ** attempt)"),
    "counted from one": loop("range(1, 5)", "attempt == 4", "time.sleep(2 ** attempt)"),
    "constant": loop(wait="time.sleep(0.2)"),
    "named constant": loop(wait="time.sleep(PAUSE)"),
    "named count": loop("range(LIMIT)", "attempt == LIMIT - 1", "time.sleep(2)"),
    "growing evenly": loop("range(5)", "attempt >= 4", "time.sleep(0.5 * (attempt + 1))"),
    "capped": loop("range(8)", "attempt == 7", "time.sleep(min(2 ** attempt, 10))"),
    "longer than a minute": loop("range(9)", "attempt == 8", "time.sleep(2 ** attempt)"),
    "raised by its name": loop()
    .replace("except Busy", "except Busy as busy")
    .replace("raise\n", "raise busy from None\n"),
    "told the other way round": loop("range(1, LIMIT + 1)", "attempt < LIMIT", "raise").replace(
        "                raise\n            raise\n",
        "                print('again')\n                time.sleep(PAUSE)\n            else:\n                raise\n",
    ),
    "going on by itself": loop(last="attempt != 2", wait="raise").replace(
        "                raise\n            raise\n",
        "                time.sleep(3)\n                continue\n            print('over')\n            raise\n",
    ),
    "without a pause": loop(wait="continue"),
    "any error": loop(caught="Exception"),
    "two attempts": loop("range(2)", "attempt + 1 == 2", "time.sleep(90)"),
    "a number with many digits": loop(wait="time.sleep(1234567.125)"),
    "named base": loop("range(3)", "attempt == 2", "time.sleep(PAUSE * 2 ** attempt)"),
    "limit by another name": loop("range(LIMIT + 1)", "attempt == LIMIT", "time.sleep(PAUSE * (attempt + 1))"),
    "local numbers": loop("range(tries)", "attempt == tries - 1", "time.sleep(pause)").replace(
        "    for attempt", "    tries, pause = 3, 0.5\n    for attempt"
    ),
    "counted by hand": loop(last="tried >= LIMIT", wait="time.sleep(2)").replace(
        "    for attempt in range(3):\n", "    tried = 0\n    while True:\n        tried += 1\n"
    ),
    "doubled by hand": loop(wait="time.sleep(pause)\n            pause = min(pause * 2, 8)").replace(
        "    for attempt", "    pause = 0.5\n    for attempt"
    ),
    "result behind the loop": loop().replace("            return receipt\n", "            break\n")
    + "    return receipt\n",
    "result in an else": loop().replace("            return receipt\n", "")
    + "        else:\n            return receipt\n",
    "no result": loop().replace("            return receipt\n", "            break\n"),
    "raised behind the loop": loop()
    .replace("except Busy", "except Busy as busy")
    .replace(
        "            if attempt == 2:\n                raise\n",
        "            last = busy\n            if attempt == 2:\n                break\n",
    )
    .replace("    for", "    last = None\n    for")
    + "    raise last\n",
    "under a lock": loop().replace(
        "            return receipt", "            with mail:\n                return receipt"
    ),
    "a number of tries without a pause": loop("range(1, 4)", "attempt == 3", "pass"),
    "a text above": loop()
    .replace("    for", "    subject = f'{mail.name}: {log}'\n    for")
    .replace("send()", "send(subject)"),
    "with log lines": loop(wait="print('again', attempt)\n            time.sleep(1)"),
}


@pytest.fixture
def waited(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The delays of loops and of policies, which are noted and not waited for."""
    noted: list[float] = []

    def retry(**settings: Any) -> RetryPolicy:
        return RetryPolicy(RetryConfig(**settings), name="mails", sleep=noted.append)

    monkeypatch.setattr(time, "sleep", noted.append)
    monkeypatch.setattr(golden_runtime, "retry", retry)
    return noted


@pytest.mark.parametrize("source", SHAPES.values(), ids=SHAPES)
def test_decorator_does_what_the_loop_did(source: str, waited: list[float]) -> None:
    """However often it fails, the fixed function is tried as often, waits as long, and returns or raises the same."""
    after = fixed(source)
    assert "for attempt" not in after
    assert "while" not in after
    for succeeds_at in (1, 2, 100):
        for error in ("Busy", "OSError"):
            before = outcome(source, succeeds_at, error)
            delays = waited.copy()
            waited.clear()
            assert outcome(after, succeeds_at, error) == before
            assert [delay for delay in waited if delay] == pytest.approx(delays)
            waited.clear()


BLOCKS = {
    "work before the loop": loop().replace("    for attempt", "    mail.errors.append(1)\n    for attempt"),
    "work behind the loop": loop().replace("return receipt", "break") + "    mail.errors.append(receipt)\n    return receipt\n",
    "a result in an else": loop().replace("            return receipt\n", "").replace("    for attempt", "    mail.errors.append(1)\n    for attempt")
    + "        else:\n            return receipt\n",
    "within a block": loop().replace("    for", "    with mail:\n      for").replace("\n        ", "\n          "),
    "a text over lines": loop().replace("mail.send()", 'mail.send("""a\n    b""")'),
    "what an attempt leaves": loop().replace("mail.send()", "mail.send(mail.errors)")
    .replace("            receipt", "            mail.errors.append(receipt)\n            receipt").replace("    for", "    receipt = 0\n    for"),
    "a break behind what is tried": loop().replace(
        "            receipt = mail.send()\n            return receipt", "            mail.send(); break"
    ),
    "counted by hand": loop(last="tried >= LIMIT", wait="time.sleep(2)").replace(
        "    for attempt in range(3):\n", "    mail.errors.append(1)\n    tried = 0\n    while True:\n        tried += 1\n"
    ),
    "doubled by hand": loop(wait="time.sleep(pause)\n            pause *= 2").replace(
        "    for attempt", "    pause = 0.5\n    mail.errors.append(1)\n    for attempt"
    ),
    "raised behind the loop": loop()
    .replace("except Busy", "except Busy as busy")
    .replace("            if attempt == 2:\n                raise\n", "            last = busy\n            if attempt == 2:\n                break\n")
    .replace("    for", "    last = None\n    mail.errors.append(1)\n    for") + "    if last:\n        raise last\n",
    "another clause of that name": loop(caught="Busy as busy").replace(
        "    for", "    try:\n        log.info('to %s', mail)\n    except AttributeError as busy:\n        mail.errors.append(repr(busy))\n    for"
    ),
    "inside a function": HEAD + "def outer():\n    " + LOOP.format(
        counted="range(3)", caught="Busy", last="attempt == 2", wait="time.sleep(1)"
    ).replace("\n", "\n    ").rstrip() + "\n    return send\n\n\nsend = outer()\n",
}  # fmt: skip


@pytest.mark.parametrize("source", BLOCKS.values(), ids=BLOCKS)
def test_attempts_do_what_the_loop_did(source: str, waited: list[float]) -> None:
    """Where the loop is not all of its function, what is tried stays where it is, in a loop over a policy's attempts."""
    after = fixed(source)
    assert "for attempt in RetryPolicy(RetryConfig(" in after
    assert "@retry" not in after
    for succeeds_at in (1, 2, 100):
        for error in ("Busy", "OSError"):
            before = outcome(source, succeeds_at, error)
            delays = waited.copy()
            waited.clear()
            assert outcome(after, succeeds_at, error) == before
            assert [delay for delay in waited if delay] == pytest.approx(delays)
            waited.clear()


LEFT = {
    "an error that depends": loop().replace("except Busy", "except Busy as busy").replace("attempt == 2", "attempt == 2 or busy.args"),
    "a block that may swallow": loop().replace("            return receipt", "            with suppress(OSError):\n                return receipt"),
    "a block of the file's own that swallows": loop().replace("            return receipt", "            with Calm():\n                return receipt")
    + "\n\nclass Calm:\n    def __enter__(self):\n        pass\n\n    def __exit__(self, *_):\n        return True\n",
    "a block that catches": loop().replace("            return receipt", "            with calm():\n                return receipt")
    + "\n\n@contextmanager\ndef calm():\n    try:\n        yield\n    except OSError:\n        pass\n",
    "an error of a module that may not be there yet": loop(caught="urllib.error.URLError").replace("import time", "import time\nimport urllib"),
    "an error of a module that may be half made": loop(caught="errors.Busy").replace("import time", "import time\n\nfrom shop import errors"),
    "a constant that changes": loop("range(LIMIT)", "attempt == LIMIT - 1") + "\n\nLIMIT = 9\n",
    "a constant that a function changes": loop("range(LIMIT)", "attempt == LIMIT - 1")
    + "\n\ndef set_limit(limit):\n    global LIMIT\n    LIMIT = limit\n",
    "an interrupt of one's own": loop(caught="Quit").replace("class Busy", "class Quit(KeyboardInterrupt):\n    pass\n\n\nclass Busy"),
    "errors with an exit among them": loop(caught="ALL").replace("\n\nclass Busy", "\nALL = (OSError, SystemExit)\n\n\nclass Busy"),
    "counting failures": loop(wait="mail.error_count.inc()\n            time.sleep(1)"),
    "a log line that acts": loop(wait="log.info(mail.reset())\n            time.sleep(1)"),
    "another error at the end": loop().replace("                raise\n", "                raise OSError\n"),
    "the other way round, but one": loop("range(LIMIT)", "attempt < LIMIT", "raise").replace(
        "                raise\n            raise\n", "                time.sleep(PAUSE)\n            else:\n                raise\n"
    ),
    "a comment": loop(wait="time.sleep(1)  # the server asks for it"),
    "an unknown delay": loop(wait="time.sleep(mail.delay)"),
    "an unknown count": loop("range(mail.limit)", "attempt == mail.limit - 1"),
    "an error of the call": loop(caught="mail.Busy"),
    "an error that is not there yet": loop(caught="Later") + "\n\nclass Later(Exception):\n    pass\n",
    "every error whatever": loop(caught="Busy").replace("except Busy", "except"),
    "the attempt is told": loop().replace("mail.send()", "mail.send(attempt)"),
    "success goes on": loop().replace("            return receipt\n", ""),
    "the last try waits too": loop(last="attempt == 3"),
    "more than logging": loop(wait="mail.reset()\n            time.sleep(1)"),
    "a blocking sleep": loop().replace("def send", "async def send"),
    "a variable of the loop that is told": loop().replace("    for", "    print('to', mail)\n    for").replace("return receipt", "break")
    + "    print(attempt)\n",
    "another attempt": loop("range(3)", "number == 2", "time.sleep(1)").replace("for attempt", "attempt = log.id()\n    for number")
    .replace("mail.send()", "mail.send(attempt)"),
    "another round after success": loop().replace("    for", "    mail.open()\n    for").replace("            return receipt\n", ""),
    "a round that is left": loop().replace("    for", "    mail.open()\n    for").replace("return receipt", "continue"),
    "a round that is left inside": loop().replace("    for", "    mail.open()\n    for")
    .replace("return receipt", "if not receipt:\n                continue\n            return receipt"),
    "a generator": loop().replace("    for", "    yield mail\n    for"),
    "an error behind the loop": loop().replace("    for", "    mail.open()\n    for")
    .replace("                raise\n", "                break\n") + "    raise OSError\n",
}  # fmt: skip


@pytest.mark.parametrize("source", LEFT.values(), ids=LEFT)
def test_any_other_loop_is_left(source: str) -> None:
    """A loop that does more or less than the decorator would is left to the letter."""
    assert fixed(source) == source


def test_layout_of_what_is_tried_stays() -> None:
    """What is tried moves to the left as it is, comments and all; decorators that are there stay above."""
    source = loop().replace(
        "            receipt = mail.send()\n",
        "            # by post\n            receipt = mail.send(\n                log,  # kept\n            )\n\n",
    )
    after = fixed(source.replace("def send", "@measured\ndef send"))
    assert (
        '@measured\n@retry(max_retries=2, retry_on=Busy, jitter="none")\ndef send(mail, log):\n    """Send a mail."""\n'
        in after
    )
    assert after.endswith("    receipt = mail.send(\n        log,  # kept\n    )\n\n    return receipt\n")


def test_only_what_served_the_loop_goes() -> None:
    """What is tried keeps the texts it is given; counters, pauses and the last error go with the loop."""
    source = loop(wait="time.sleep(pause)  # back off").replace(
        "    for attempt",
        "    subject = f'to {mail.name}'\n    pause = 2  # seconds until the next attempt\n\n    for attempt",
    )
    after = fixed(source.replace("mail.send()", "mail.send(subject)"))
    assert after.endswith("""\
@retry(max_retries=2, retry_on=Busy, base_delay=2, strategy=RetryStrategy.CONSTANT, jitter="none")
def send(mail, log):
    \"\"\"Send a mail.\"\"\"
    subject = f'to {mail.name}'

    receipt = mail.send(subject)
    return receipt
""")


def test_longer_retry_after_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """A pause that is always the same is no limit to what a server asks for."""
    slept: list[float] = []
    monkeypatch.setattr(time, "sleep", slept.append)
    source = fixed(loop(wait="time.sleep(0.2)").replace("    pass", "    retry_after = 30"))
    assert outcome(source, 3, "Busy") == ("3", 3, [])
    assert slept == [30, 30]


@pytest.mark.parametrize(
    ("imported", "caught"),
    [
        ("urllib.error", "urllib.error.URLError"),
        ("requests", "requests.exceptions.Timeout"),
        ("socket", "socket.timeout"),
    ],
)
def test_errors_that_are_there_at_once_may_be_named(imported: str, caught: str) -> None:
    """What importing the file has made certain, a decorator can name."""
    source = loop(caught=caught).replace("import time", f"import time\nimport {imported}")
    assert f"retry_on={caught}" in fixed(source)


def test_class_attributes_are_not_the_constants() -> None:
    """A decorator in a class would take the class's attribute, where the method takes the module's constant."""
    head, _, body = loop("range(LIMIT)", "attempt == LIMIT - 1").partition("def send(mail")
    inside = f"def send(self, mail{body}".replace("\n", "\n    ").rstrip()
    assert "@retry(max_retries=LIMIT - 1" in fixed(f"{head}class Post:\n    {inside}\n")
    assert (
        fixed(f"{head}class Post:\n    LIMIT = 9\n\n    {inside}\n")
        == f"{head}class Post:\n    LIMIT = 9\n\n    {inside}\n"
    )
