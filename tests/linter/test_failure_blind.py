"""GR406: which handlers hide failures from the decorator, and that the fix changes the count and nothing else."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from textwrap import dedent, indent
from urllib.error import URLError

import pytest
from prometheus_client import REGISTRY

from golden_rules import Config, analyse_source
from golden_rules.fixing import fix_source
from golden_rules.selection import Selection

PATH = "src/shop/orders.py"
CONFIG = Config(root=Path.cwd(), select=("GR406",), measured_by=("shop.watch",))


def function(body: str, *, decorator: str = '@track_request("shop.blind.pay")', name: str = "pay") -> str:
    """Return a module with one measured function."""
    head = "import contextlib\nimport logging\n\nfrom golden_runtime import *  # as far as names go\n"
    head = head.replace("*  # as far as names go", "counted, timed, traced, track_errors, track_request")
    return f"{head}\nlogger = logging.getLogger(__name__)\n\n\n{decorator}\ndef {name}(order):\n{indent(dedent(body), '    ')}"


def findings(source: str, path: str = PATH) -> list[str]:
    """Return what GR406 says of a module."""
    return [finding.message for finding in analyse_source(source, path, CONFIG).findings]


SWALLOWED = {
    "bare": "try:\n    return order.pay()\nexcept:\n    return None\n",
    "falls through": "try:\n    order.pay()\nexcept Exception:\n    logger.error('no')\n",
    "in a with block": "with order:\n    try:\n        order.pay()\n    except Exception:\n        return False\n",
    "result got ready first": "receipt = None\ntry:\n    receipt = order.pay()\nexcept Exception:\n    pass\nreturn receipt\n",
    "loop inside": "try:\n    for line in order.lines():\n        line.pay()\nexcept Exception as e:\n    return {'error': str(e)}\n",
    "returns out of a loop": "for line in order.lines():\n    try:\n        line.pay()\n    except Exception:\n        return None\n",
    "gives up early": "try:\n    key = order.key()\nexcept Exception:\n    logger.error('no key')\n    return None\norder.open(key)\norder.pay()\norder.send()\n",
    "after a narrow one": "try:\n    order.pay()\nexcept KeyError:\n    raise\nexcept BaseException as error:\n    order.failed = error\n",
    "group": "try:\n    order.pay()\nexcept* Exception as group:\n    logger.error('%s', group)\n",
    "raised on demand": "try:\n    order.pay()\nexcept Exception:\n    if order.failed:\n        raise\n    logger.error('no')\n    return False\n",
    "the rest is done all the same": "try:\n    order.load()\n    order.pay()\n    order.send()\nexcept Exception:\n    logger.exception('no')\norder.tell()\n",
    "all of a library": "from urllib.error import URLError\ntry:\n    return order.request()\nexcept URLError:\n    return None\n",
    "as much work before, and returns what comes of it": "order.load()\ntry:\n    return order.pay()\nexcept Exception:\n    return None\n",
    "yields the error": "try:\n    yield order.pay()\nexcept Exception as e:\n    yield f'failed: {e}'\n",
}
TOLD_OR_MEANT = {
    "raised in part, the rest is no failure": "try:\n    order.pay()\nexcept Exception as e:\n    if order.final:\n        raise\n    return None\n",
    "raised by what it is": "try:\n    order.pay()\nexcept Exception as e:\n    if e.fatal:\n        raise\n    logger.error('no')\n",
    "raised by a status": "try:\n    order.pay()\nexcept Exception:\n    if order.status != 404:\n        raise\n    return False\n",
    "raised but for a flag": "try:\n    order.pay()\nexcept Exception:\n    logger.error('no')\n    if order.closing:\n        return None\n    raise\n",
    "raised by a context manager": "try:\n    order.pay()\nexcept Exception:\n    with excutils.save_and_reraise_exception():\n        logger.error('no')\n",
    "raised in the end of tries": "for attempt in range(3):\n    try:\n        return order.pay()\n    except Exception:\n        logger.error('no')\nraise TimeoutError\n",
    "a fallback follows": "try:\n    order.open()\n    return order.pay()\nexcept Exception:\n    logger.exception('no')\nreturn order.pay_by_mail()\n",
    "the rest finds out": "try:\n    order.open()\n    order.pay()\nexcept Exception:\n    logger.exception('no')\nif order.paid:\n    order.send()\n",
    "the rest works with what was made": "try:\n    order.open()\n    receipt = order.pay()\nexcept Exception:\n    logger.exception('no')\n    receipt = None\norder.send(receipt)\n",
    "one call before": "order.pay()\ntry:\n    order.thank()\nexcept Exception:\n    logger.exception('no thanks')\n",
    "one exception of a library": "import requests\ntry:\n    return order.request()\nexcept requests.Timeout:\n    return None\n",
    "all of a library for a part": "import requests\norder.open()\ntry:\n    return order.request()\nexcept requests.RequestException:\n    return None\n",
    "narrow": "try:\n    order.pay()\nexcept (KeyError, TimeoutError):\n    return None\n",
    "handed on": "try:\n    order.future.set_result(order.pay())\nexcept Exception as e:\n    order.future.set_exception(e)\n",
    "handed back": "try:\n    order.pay()\nexcept Exception as e:\n    return e\n",
    "handed to what may raise": "try:\n    order.pay()\nexcept Exception as e:\n    order.handle_error(e)\n",
    "aborted": "try:\n    order.pay()\nexcept Exception as e:\n    order.context.abort(13, str(e))\n",
    "another way": "try:\n    return order.pay()\nexcept Exception:\n    return order.pay_by_mail()\n",
    "another way by a variable": "try:\n    receipt = order.pay()\nexcept Exception:\n    receipt = order.pay_by_mail()\nreturn receipt\n",
    "loop goes on": "while order.open():\n    try:\n        order.pay()\n    except Exception:\n        logger.exception('no')\n",
    "more work follows": "try:\n    order.load()\nexcept Exception:\n    logger.warning('no')\norder.pay()\nreturn order.send()\n",
    "result was there before": "receipt = order.pay(1)\ntry:\n    order.thank()\nexcept Exception:\n    pass\nreturn receipt\n",
    "raised later": "try:\n    order.pay()\nexcept Exception as e:\n    failed = e\nif failed:\n    raise RuntimeError\n",
    "cleaning in a handler": "try:\n    order.pay()\nexcept KeyError:\n    try:\n        order.drop()\n    except Exception:\n        pass\n    raise\n",
    "nested function": "def inner():\n    try:\n        order.pay()\n    except Exception:\n        return None\nreturn order.later(inner)\n",
}


@pytest.mark.parametrize("body", SWALLOWED.values(), ids=SWALLOWED)
def test_swallowed_failures_are_found(body: str) -> None:
    """A handler after which the function just ends makes a success of every failure."""
    assert len(findings(function(body))) == 1


@pytest.mark.parametrize("body", TOLD_OR_MEANT.values(), ids=TOLD_OR_MEANT)
def test_what_is_raised_handed_on_or_meant_is_left_alone(body: str) -> None:
    """A handler that raises, hands on, retries or finds another way hides nothing."""
    assert findings(function(body)) == []


BLANKETS = {
    "suppressed": "with contextlib.suppress(Exception):\n    order.pay()\n",
    "suppressed with a result": "receipt = None\nwith contextlib.suppress(KeyError, Exception):\n    receipt = order.pay()\nreturn receipt\n",
    "all of a library suppressed": "import requests\nwith contextlib.suppress(requests.RequestException):\n    order.pay()\n",
    "returned in the end": "try:\n    order.pay()\nfinally:\n    return order\n",
    "raised, but returned in the end": "try:\n    order.pay()\nexcept Exception:\n    raise ValueError\nfinally:\n    return order\n",
    "returned in the end in a with block": "try:\n    order.pay()\nfinally:\n    with order:\n        pass\n    return None\n",
}
NO_BLANKETS = {
    "narrow": "with contextlib.suppress(KeyError):\n    order.pay()\n",
    "a part": "order.pay()\nwith contextlib.suppress(Exception):\n    order.thank()\n",
    "one item of many": "for line in order.lines():\n    with contextlib.suppress(Exception):\n        line.pay()\n",
    "another way after it": "with contextlib.suppress(Exception):\n    return order.pay()\nreturn order.pay_by_mail()\n",
    "homemade": "from shop.tools import suppress\nwith suppress(Exception):\n    order.pay()\n",
    "returned in the end at times": "try:\n    order.pay()\nfinally:\n    if order.paid:\n        return order\n",
    "nothing left to drop": "from golden_runtime import mark_failure\ntry:\n    order.pay()\nexcept Exception as e:\n    mark_failure(e)\nfinally:\n    return order\n",
    "of a nested function": "def inner():\n    try:\n        order.pay()\n    finally:\n        return None\nreturn order.later(inner)\n",
}


@pytest.mark.parametrize("body", BLANKETS.values(), ids=BLANKETS)
def test_exceptions_are_dropped_without_a_handler_too(body: str) -> None:
    """`suppress` around the work and `return` in `finally` swallow all; what to do instead is for a person to choose."""
    (finding,) = analyse_source(function(body), PATH, CONFIG).findings
    assert finding.fix is None


@pytest.mark.parametrize("body", NO_BLANKETS.values(), ids=NO_BLANKETS)
def test_what_drops_a_part_or_one_kind_is_left_alone(body: str) -> None:
    """A narrow `suppress`, one around a minor part, and a `return` that may not be reached hide no failure for sure."""
    assert findings(function(body)) == []


def test_new_decorator_waits_where_no_handler_can_be_told() -> None:
    """With nowhere to put `mark_failure`, a decorator would count failures as successes: a person changes the function first."""
    source = (
        "from contextlib import suppress\n\n\ndef pay(order):\n    with suppress(Exception):\n        order.charge()\n"
    )
    (finding,) = analyse_source(source, PATH, REQUIRED).findings
    assert finding.fix is None
    assert "suppress only what is an ordinary outcome" in finding.remedy


@pytest.mark.parametrize("decorator", ['@counted("a.b")', '@timed("a.b")', "@contextlib.contextmanager", "@cached"])
def test_decorators_without_outcomes_are_left_alone(decorator: str) -> None:
    """Who records no outcome records no wrong one."""
    assert findings(function(SWALLOWED["bare"], decorator=decorator)) == []


@pytest.mark.parametrize(
    "decorator",
    ['@track_errors("a.b")', '@traced("a.b")', "@FAILURES.count_exceptions()", "@tracer.start_as_current_span('pay')"],
)
def test_every_decorator_that_records_outcomes_is_known(decorator: str) -> None:
    """Errors, spans and exceptions of other libraries are outcomes too."""
    assert len(findings(function(SWALLOWED["bare"], decorator=decorator))) == 1


def test_configured_decorators_that_are_named_for_errors_record_outcomes() -> None:
    """What `measured-by` names is only taken to record an outcome where its name says so."""
    for name, count in (("count_errors", 1), ("stopwatch", 0)):
        source = f"from shop.watch import {name}\n" + function(SWALLOWED["bare"], decorator=f"@{name}")
        assert len(findings(source)) == count


@pytest.mark.parametrize("name", ["is_paid", "has_receipt", "check_health", "ping", "receipt_exists"])
def test_questions_are_left_alone(name: str) -> None:
    """To a question, an exception is the answer no."""
    assert findings(function(SWALLOWED["bare"], name=name)) == []


def test_quiet_closing_is_left_alone_but_not_loud_closing() -> None:
    """What fails while something is closed matters where the handler says that it does."""
    quiet = "try:\n    order.send()\nexcept Exception:\n    pass\n"
    assert findings(function(quiet, name="close")) == []
    assert len(findings(function(quiet.replace("pass", "logger.error('no')"), name="close"))) == 1


@pytest.mark.parametrize(
    ("handler", "deed"),
    [
        ('return error("cannot pay", e)', "takes them and returns `"),
        ('log.error("cannot pay: %s", e)\n    return None', "logs them and returns `None`"),
    ],
)
def test_what_makes_an_answer_is_no_line_of_a_log(handler: str, deed: str) -> None:
    """The message says that failures are logged only where something logs them."""
    source = function(f"try:\n    return charge(order)\nexcept Exception as e:\n    {handler}\n")
    (finding,) = analyse_source(source, PATH, Config(root=Path.cwd(), select=("GR406",))).findings
    assert deed in finding.message


def test_a_span_that_was_told_is_not_blind() -> None:
    """Under a decorator that opens a span alone, the handler may speak to the span."""
    body = "try:\n    order.pay()\nexcept Exception as e:\n    order.span.record_exception(e)\n"
    assert findings(function(body, decorator='@traced("a.b")')) == []
    assert len(findings(function(body))) == 1


def test_tests_are_left_alone() -> None:
    """Tests swallow what they like."""
    assert findings(function(SWALLOWED["bare"]), "tests/test_orders.py") == []


class Order:
    """An order that cannot be paid."""

    failed: BaseException | None = None

    def __enter__(self) -> None: ...
    def __exit__(self, *args: object) -> None: ...

    def lines(self) -> list[Order]:
        """Return the order itself as its only line."""
        return [self]

    def pay(self) -> None:
        """Fail."""
        raise ValueError("no money")

    def request(self) -> None:
        """Fail, as the network does."""
        raise URLError("no network")

    def load(self) -> None:
        """Do nothing, and succeed."""

    key = pay
    send = tell = load


@pytest.mark.parametrize("body", SWALLOWED.values(), ids=SWALLOWED)
def test_the_fix_changes_what_is_counted_and_nothing_else(body: str, caplog: pytest.LogCaptureFixture) -> None:
    """Fixed, the function returns and logs what it did, and its call is counted as a failure."""
    source = function(body)
    seen = []
    for code in (source, fix_source(source.encode(), PATH, CONFIG, unsafe=True).content.decode()):
        caplog.clear()
        before = failures()
        space: dict[str, object] = {"__name__": "shop.blind"}
        exec(compile(code, PATH, "exec"), space)  # noqa: S102 - the code under test
        result = space["pay"](Order())  # type: ignore[operator]  # the function just defined
        shown = list(result) if hasattr(result, "__next__") else result
        seen.append((failures() - before, shown, caplog.messages[:]))
    assert [count for count, *_ in seen] == [0, 1]
    assert seen[0][1:] == seen[1][1:]


@pytest.mark.parametrize("nothing", ["pass", "..."])
def test_the_fix_stands_for_a_statement_that_does_nothing(nothing: str) -> None:
    """`pass` is not needed beside `mark_failure`; the comments stay."""
    source = function(f"try:\n    order.pay()\nexcept Exception as e:\n    # no matter\n    {nothing}  # as yet\n")
    fixed = fix_source(source.encode(), PATH, CONFIG, unsafe=True).content.decode()
    assert fixed.endswith("except Exception as e:\n        # no matter\n        mark_failure(e)  # as yet\n")


def failures() -> float:
    """Return how many calls have been counted as failed."""
    return REGISTRY.get_sample_value("shop_blind_pay_calls_total", {"status": "failure"}) or 0.0


def test_a_function_that_calls_itself_again_retries() -> None:
    """What fails for good is up to the last of its calls."""
    again = (
        "try:\n    order.pay()\nexcept Exception:\n    logger.error('no')\n    if order.tries:\n        pay(order)\n"
    )
    assert findings(function(again)) == []
    assert findings(function(again.replace("pay(order)", "other(order)"))) != []


def test_questions_may_be_answered_with_no() -> None:
    """`head_ok` and `shop_reachable` ask, as `is_ok` does."""
    asked = "try:\n    order.pay()\nexcept Exception:\n    return False\nreturn True\n"
    assert findings(function(asked)) != []
    assert [findings(function(asked, name=name)) for name in ("head_ok", "shop_reachable")] == [[], []]


REQUIRED = Config(root=Path(), critical=("*",))
SWALLOWING = """\
async def pay(order, logger):
    try:
        receipt = await order.charge()
        await order.save(receipt)
        return {"paid": True}
    except Exception as e:
        HANDLER
"""
SAID = """logger.exception("cannot pay")
        return {"paid": False, "reason": str(e)}"""


def decorated(handler: str, *, unsafe: bool = False, config: Config = REQUIRED) -> str:
    """Return the fixed form of a required function that nothing measures and that has such a handler."""
    source = SWALLOWING.replace("HANDLER", handler)
    return fix_source(source.encode(), PATH, config, unsafe=unsafe).content.decode()


def test_new_decorator_is_told_of_failures_that_the_handler_tells_of() -> None:
    """One fix writes both, whichever rules are picked out, so that the new series never lies."""
    for picked in ((), ("GR105",)):
        after = decorated(SAID, config=replace(REQUIRED, command_line=Selection(picked or None)))
        assert '@track_request("shop.orders.pay")' in after
        assert f"        mark_failure(e)\n        {SAID}" in after


def test_new_decorator_waits_where_only_people_know_what_is_a_failure() -> None:
    """A default value may be an ordinary answer: the safe fix guesses nothing, the unsafe one takes it for a failure."""
    assert decorated("return None") == SWALLOWING.replace("HANDLER", "return None")
    after = decorated("return None", unsafe=True)
    assert '@track_request("shop.orders.pay")' in after
    assert "        mark_failure(e)\n        return None" in after


def test_failure_is_told_of_under_the_name_that_the_file_imports() -> None:
    """`mark_failure as failed` tells as well, so that the fix writes it once and the finding is gone."""
    source = SWALLOWING.replace("HANDLER", SAID)
    imported = {
        "from golden_runtime import mark_failure as failed\n": "failed(e)",
        "import golden_runtime as runtime\n": "runtime.mark_failure(e)",
    }
    for line, call in imported.items():
        fixed = fix_source(f"{line}{source}".encode(), PATH, REQUIRED)
        assert fixed.content.decode().count(f"        {call}\n") == 1
        assert fixed.result.findings == ()


def test_project_that_swallows_on_purpose_gets_the_decorator_alone() -> None:
    """Who ignores the rule does not want its fix either."""
    after = decorated("return None", config=replace(REQUIRED, ignore=("GR406",)))
    assert '@track_request("shop.orders.pay")' in after
    assert "mark_failure" not in after
