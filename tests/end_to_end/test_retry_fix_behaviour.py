"""GR301's fix on generated loops: whatever it is given, the fixed function calls, waits and ends as the loop did."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable
from pathlib import Path
from typing import Any

import golden_runtime
import pytest
from golden_runtime import RetryConfig, RetryPolicy
from hypothesis import event, given, settings
from hypothesis import strategies as st

from golden_rules import Config
from golden_rules.fixing import fix_source

HEAD = """\
import asyncio
import contextlib
import logging
import random
import time
from contextlib import suppress

log = logging.getLogger("shop")
log.disabled = True
LIMIT = 3
PAUSE = 0.3
FACTOR = 0.75
CHANGED = 4


class Busy(Exception):
    pass


class VeryBusy(Busy):
    pass


class Slow(Exception):
    pass


class Halt(BaseException):
    pass


class Stopped(KeyboardInterrupt):
    pass


BOTH = (Busy, Slow)
ENDING = (Busy, Stopped)


class Calm:
    def __enter__(self):
        pass

    def __exit__(self, kind, *_):
        return kind is Slow


@contextlib.contextmanager
def calm():
    try:
        yield
    except Slow:
        pass


def change():
    global CHANGED
    CHANGED = 2


"""

# How the rounds are counted: what stands before the loop, its head, its first line, and the number of an attempt from zero.
COUNTED = [
    ("", "for attempt in range(3):", "", "attempt", "2"),
    ("", "for attempt in range(1, 4):", "", "attempt - 1", "2"),
    ("", "for attempt in range(2):", "", "attempt", "1"),
    ("", "for attempt in range(5):", "", "attempt", "4"),
    ("", "for attempt in range(1):", "", "attempt", "0"),
    ("", "for attempt in range(LIMIT):", "", "attempt", "LIMIT - 1"),
    ("", "for attempt in range(LIMIT + 1):", "", "attempt", "LIMIT"),
    ("", "for attempt in range(1, LIMIT + 1):", "", "(attempt - 1)", "LIMIT - 1"),
    ("", "for attempt in range(CHANGED):", "", "attempt", "CHANGED - 1"),
    ("", "for attempt in range(2, -1, -1):", "", "2 - attempt", "2"),
    ("limit = 4", "for attempt in range(limit):", "", "attempt", "limit - 1"),
    ("attempt, limit = 0, 3", "while True:", "attempt += 1", "attempt - 1", "limit - 1"),
    ("attempt = -1", "while attempt < 3:", "attempt += 1", "attempt", "3"),
    ("attempt = -1", "while True:", "attempt += 1", "attempt", "LIMIT"),
    ("left = 3", "while left > 0:", "left -= 1", "2 - left", "2"),
    ("", "for attempt in range(number):", "", "attempt", "number - 1"),
]
# What is waited for, with what has to stand before the loop, and what follows the pause.
WAITS = [
    ("", "", ""),
    ("", "0.25", ""),
    ("", "0.12345678", ""),
    ("", "1234567.5", ""),
    ("", "90", ""),
    ("", "PAUSE", ""),
    ("", "2 ** {attempt}", ""),
    ("", "2 ** ({attempt} + 1)", ""),
    ("", "PAUSE * 2 ** {attempt}", ""),
    ("", "0.1 * (2 ** {attempt})", ""),
    ("", "0.1 * ({attempt} + 1)", ""),
    ("", "FACTOR * ({attempt} + 1)", ""),
    ("", "min(2 ** {attempt}, 3)", ""),
    ("", "30 * 2 ** {attempt}", ""),
    ("", "3 ** {attempt}", ""),
    ("", "{attempt}", ""),
    ("", "random.random()", ""),
    ("", "mail.pause", ""),
    ("delay = 0.5", "delay", "delay *= 2"),
    ("delay = PAUSE", "delay", "delay = delay * 2"),
    ("delay = 1", "delay", "delay += 1"),
    ("delay = 1", "delay", "delay = min(delay * 2, 2.5)"),
    ("delay = 4.0", "delay", "delay /= 2"),
]
CAUGHT = [
    "Busy", "(Busy, Slow)", "(Busy, Slow,)", "BOTH", "ENDING", "Exception", "OSError", "(OSError, Busy)", "ConnectionError",
    "LookupError", "Halt", "Stopped", "(Busy, Stopped)", "KeyboardInterrupt", "BaseException", "StopIteration", "(StopIteration, Busy)",
    "asyncio.CancelledError", "mail.kind", "Shadowed",
]  # fmt: skip
# What the clause does: `{more}` is where the number says that attempts are left, `{last}` where it says that there are none.
CLAUSES = [
    "if {last}:\n    raise\n{wait}",
    "if {last}:\n    log.error('failed: %s', error)\n    raise error\n{wait}",
    "log.info('failed')\nif {last}:\n    raise error from None\nlog.info('again')\n{wait}\ncontinue",
    "if {more}:\n    {wait}\nelse:\n    raise",
    "if {more}:\n    log.warning('again')\n    {wait}\n    continue\nraise",
    "if not {more}:\n    raise\n{wait}",
    "failure = error\nif {more}:\n    {wait}",
    "failure = error\nif {last}:\n    break\n{wait}",
    "failure = failure or error\nif {more}:\n    {wait}",
    "failure = error\n{wait}",
    "{wait}\nif {last}:\n    raise",
    "if {last}:\n    raise ValueError('over')\n{wait}",
    "if {last}:\n    return None\n{wait}",
    "if {last} or isinstance(error, VeryBusy):\n    raise\n{wait}",
    "if {last}:\n    raise\nmail.repair()\n{wait}",
    "if {last}:\n    raise\nlog.info('again %s', mail.repair())\n{wait}",
    "if {last}:\n    raise\nerror.add_note('again')\nmail.errors.append(1)\n{wait}",
    "if {last}:\n    raise\nnumber = 0\n{wait}",
    "if {last}:\n    raise\n{wait}\n{wait}",
    "if {last}:\n    raise\nif {first}:\n    {wait}",
]
# What is tried, and what follows it: the clause stands between the two.
TRIED = [
    ("return {send}(number)", "", ""),
    ("receipt = {send}(number)\nreturn receipt", "", ""),
    ("receipt = {send}(number)\nbreak", "", "return receipt"),
    ("receipt = {send}(number)", "else:\n    return receipt", ""),
    ("receipt = {send}(number)", "else:\n    return mail.repair()", ""),
    ("receipt = {send}(number)", "else:\n    break", "return receipt"),
    ("receipt = {send}(number)\nbreak", "", "return receipt + 1"),
    ("{send}(number)\nbreak", "", ""),
    ("{send}(number)\nreturn", "", ""),
    ("{send}(number)", "", ""),
    ("with mail:\n    return {send}(number)", "", ""),
    ("with Calm():\n    return {send}(number)", "", ""),
    ("with calm():\n    return {send}(number)", "", ""),
    ("with calm():\n    page = {send}()\nreturn {send}(page)", "", ""),
    ("with suppress(Slow):\n    return {send}(number)", "", ""),
    (
        "with contextlib.ExitStack() as stack:\n    stack.enter_context(suppress(Slow))\n    return {send}(number)",
        "",
        "",
    ),
    ("if number:\n    return {send}(number)\nelse:\n    return {send}()", "", ""),
    ("if number:\n    return {send}(number)", "", ""),
    ("try:\n    return {send}(number)\nexcept VeryBusy:\n    return {send}()", "", ""),
    ("try:\n    return {send}(number)\nfinally:\n    mail.repair()", "", ""),
    (
        "for turn in range(3):\n    if turn:\n        break\n    if number:\n        continue\nreturn {send}(turn)",
        "",
        "",
    ),
    ("number = number + 1\nreturn {send}(number)", "", ""),
    ("if mail.is_odd():\n    page = len(mail.calls)\nreturn {send}(page)", "", ""),
    ("if mail.is_odd():\n    page = len(mail.calls)\nelse:\n    page = 0\nreturn {send}(page)", "", ""),
    ("for page in mail.pages():\n    pass\nreturn {send}(page)", "", ""),
    ("try:\n    page = {send}()\nexcept VeryBusy:\n    page = 7\nreturn {send}(page)", "", ""),
    ("try:\n    page = {send}()\nexcept VeryBusy:\n    pass\nreturn {send}(page)", "", ""),
    ("return {send}(attempt)", "", ""),
    ("return {send}(options.pop('page', 0))", "", ""),
    ("return {send}(options.get('page', 0))", "", ""),
    ("return {send}(**options)", "", ""),
    ("mail.errors.append(number)\nreturn {send}(len(mail.errors))", "", ""),
    ("return {send}(label)", "", ""),
    ("label = label + '!'\nreturn {send}(label)", "", ""),
    ("return {send}(seen(number))", "", ""),
]
OWN_LINES = ["", "label = f'{number} letters'", "label = 'letters'", "label: str = mail.name", "mail.repair()", "label = mail.repair()"]  # fmt: skip
AFTER = ["", "raise failure", "if failure is not None:\n    raise failure", "raise AssertionError", "return None", "mail.repair()"]  # fmt: skip
AROUND = ["with mail:", "if number:", "for turn in range(2):", "with suppress(Busy):"]
BELOW = ["return mail.repair()", "return attempt", "mail.errors.append(label)"]
HEADS = ["function", "coroutine", "method", "class with the names", "inner function"]


def indented(text: str, depth: int) -> str:
    """Return lines moved to the right."""
    return "".join(f"{' ' * 4 * depth}{line}\n" for line in text.splitlines() if line)


@st.composite
def modules(draw: st.DrawFn) -> str:
    """Return a module with one function, that consists of a retry loop, more or less."""
    before, head, first, attempt, last = draw(st.sampled_from(COUNTED))
    wait_before, wait, wait_after = draw(st.sampled_from(WAITS))
    clause = draw(st.sampled_from(CLAUSES) | st.sampled_from(CLAUSES[:9]))
    tried, orelse, ending = draw(st.sampled_from(TRIED) | st.sampled_from(TRIED[:6]))
    after = draw(st.sampled_from(["", "", *AFTER])) if not ending and "failure" not in clause else ending
    if "failure" in clause and not ending:
        after = draw(st.sampled_from(AFTER[1:3]))
    own = draw(st.sampled_from(OWN_LINES)) if "label" not in tried else draw(st.sampled_from(OWN_LINES[1:3]))
    kind = draw(st.sampled_from(HEADS) | st.sampled_from(HEADS[:3]))
    caught = draw(st.sampled_from(CAUGHT) | st.sampled_from(CAUGHT[:6]))
    is_async = kind == "coroutine"
    sleep = ("await asyncio.sleep({})" if is_async else "time.sleep({})").format(wait.format(attempt=attempt))
    pause = f"{sleep}\n{wait_after}" if wait else "pass"
    clause = clause.replace("    {wait}", indented(pause, 1).rstrip()).replace("{wait}", pause)
    clause = clause.format(last=f"{attempt} == {last}", more=f"{attempt} < {last}", first=f"{attempt} == 0")
    tried = tried.format(send="await mail.asend" if is_async else "mail.send")
    body = [before, wait_before, "failure = None" if "failure" in clause + after else "", head]
    text = indented("\n".join(body), 1) + indented(first, 2) + indented("try:", 2) + indented(tried, 3)
    # Names that the module lacks are looked up when the clause runs.
    named = " as error" if "error" in clause else ""
    text += indented(f"except {caught}{named}:", 2) + indented(clause, 3) + indented(orelse, 2) + indented(after, 1)
    around = draw(st.sampled_from(["", *AROUND]) | st.just(""))
    text = indented(own, 1) + (indented(around, 1) + indented(text, 1) if around else text)
    text += indented(draw(st.sampled_from(["", "", *BELOW])), 1)
    signature = "def deliver({}mail, number, /, seen=str, **options):\n"
    if kind in ("function", "coroutine"):
        return HEAD + ("async " if is_async else "") + signature.format("") + text
    if kind == "inner function":
        return (
            HEAD
            + "def outer():\n"
            + indented(signature.format("") + text, 1)
            + "    return deliver\n\n\ndeliver = outer()\n"
        )
    names = "    LIMIT, PAUSE, Busy = 2, 0.1, Slow\n\n" if kind == "class with the names" else ""
    text = "class Post:\n" + names + indented(signature.format("self, ") + text, 1) + "\n\ndeliver = Post().deliver\n"
    return HEAD + text


class Mail:
    """What can be sent, with errors in the given order; it notes what is done with it."""

    def __init__(self, script: list[str], known: dict[str, Any]) -> None:
        """Take the names of errors, `""` for a success; what comes after them succeeds."""
        self.calls: list[object] = []
        self.errors: list[object] = []
        self.repairs = 0
        self.name = "letters"
        self.pause = 0.5
        self.kind = known["Busy"]
        self._script = iter(script)
        self._known = known

    def __enter__(self) -> None:
        """Do nothing."""

    def __exit__(self, *_: object) -> None:
        """Let errors pass."""

    def send(self, *given: object, **options: object) -> int:
        """Return how often it was called, or fail."""
        self.calls.append((given, options))
        wanted = next(self._script, "")
        if wanted:
            raise self._known.get(wanted, OSError)(wanted, len(self.calls))
        return len(self.calls)

    async def asend(self, *given: object, **options: object) -> int:
        """Do the same, later."""
        return self.send(*given, **options)

    def is_odd(self) -> bool:
        """Whether it was called an even number of times."""
        return len(self.calls) % 2 == 0

    def pages(self) -> range:
        """Return no pages at every other call."""
        return range(len(self.calls) % 2)

    def repair(self) -> int:
        """Count a repair."""
        self.repairs += 1
        return self.repairs


def run(source: str, script: list[str], noted: list[float]) -> tuple[object, ...]:
    """Run a module's function, and return how it ended, what it called, and what it waited for."""
    namespace: dict[str, Any] = {"__name__": "shop.mails"}
    exec(compile(source, "mails.py", "exec"), namespace)  # noqa: S102 - the code under test
    errors = {"Cancelled": asyncio.CancelledError, "StopIteration": StopIteration, "KeyError": KeyError}
    errors |= {"KeyboardInterrupt": KeyboardInterrupt, "SystemExit": SystemExit, "ConnectionError": ConnectionError}
    mail = Mail(script, {**errors, **namespace})
    namespace["change"]()
    noted.clear()
    try:
        ended: object = namespace["deliver"](mail, 5, page=2)
        if isinstance(ended, Awaitable):
            ended = finished(ended)
    except BaseException as raised:  # noqa: BLE001 - how it ended is what is compared
        ended = (type(raised).__name__, raised.args)
    return ended, mail.calls, mail.errors, mail.repairs, [delay for delay in noted if delay]


def finished(awaited: Awaitable[object]) -> object:
    """Return what a coroutine returns that never has to wait; no event loop turns what it raises into something else."""
    steps = awaited.__await__()
    try:
        while True:
            next(steps)
    except StopIteration as stop:
        return stop.value


async def sleeping(noted: list[float], seconds: float) -> None:
    """Note a delay in place of waiting for it."""
    noted.append(seconds)


SCRIPTS = st.lists(
    st.sampled_from(
        ["", "Busy", "Busy", "Busy", "VeryBusy", "Slow", "Slow", "ConnectionError", "KeyError", "Halt", "Stopped", "KeyboardInterrupt", "SystemExit", "Cancelled", "StopIteration"]
    ),
    max_size=7,
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(modules(), st.lists(SCRIPTS, min_size=3, max_size=3))
def test_fixed_function_does_what_the_loop_did(source: str, scripts: list[list[str]]) -> None:
    """Where there is a fix, results, errors, calls and delays are the same, whatever is raised by whichever attempt."""
    after = fixed(source)
    event("left" if after == source else "decorated" if "@retry" in after else "a block")
    if after == source:
        return
    noted: list[float] = []

    def retry(**chosen: Any) -> RetryPolicy:
        return RetryPolicy(
            RetryConfig(**chosen), name="mails", sleep=noted.append, async_sleep=lambda delay: sleeping(noted, delay)
        )

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(time, "sleep", noted.append)
        patch.setattr(asyncio, "sleep", lambda delay: sleeping(noted, delay))
        patch.setattr(golden_runtime, "retry", retry)
        for script in (*scripts, ["Busy"] * 9, ["Slow"] * 9):
            before = run(source, script, noted)
            told = f"after {script}:\n{after}"
            assert run(after, script, noted)[:-1] == before[:-1], told
            assert run(after, script, noted)[-1] == pytest.approx(before[-1]), told


def fixed(source: str) -> str:
    """Return a module after all the fixes of GR301."""
    config = Config(root=Path(), select=("GR301",))
    return fix_source(source.encode(), "src/shop/mails.py", config, unsafe=True).content.decode()
