"""Results that say that a call failed: `success_when`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Generator
from typing import Any

import pytest
from exposed import outcomes, value
from golden_runtime import traced, track_adapter_request, track_errors, track_request


def test_a_result_can_say_that_the_call_failed(name: str) -> None:
    """`success_when` is asked about the result; what it does not hold for is a failure, of a type of its own."""

    @track_request(name, success_when=lambda response: response < 500)
    def fetch(response: int) -> int:
        return response

    assert [fetch(200), fetch(503)] == [200, 503]
    assert outcomes(name) == {"success": 1.0, "failure": 1.0}
    assert value(f"{name}_errors_total", error_type="UnsuccessfulResult") == 1.0


def test_a_result_fails_every_decorator_stacked_on_the_call(name: str) -> None:
    """It is enough that one of them asks."""

    @track_errors(f"{name}.problems", success_when=bool)
    @track_request(f"{name}.request")
    async def fetch() -> bool:
        return False

    assert asyncio.run(fetch()) is False
    assert outcomes(f"{name}_request") == {"failure": 1.0}
    assert value(f"{name}_problems_total", error_type="UnsuccessfulResult") == 1.0


def test_a_generator_is_asked_about_what_it_returns(name: str) -> None:
    """The result of a generator is its return value."""

    @track_request(name, success_when=lambda result: result == "good")
    def numbers() -> Generator[int, None, str]:
        yield 1
        return "bad"

    assert list(numbers()) == [1]
    assert outcomes(name) == {"failure": 1.0}


def test_an_async_generator_has_no_result_to_ask_about(name: str) -> None:
    """The mistake shows at decoration."""

    async def numbers() -> AsyncGenerator[int, None]:
        yield 1

    with pytest.raises(TypeError, match="has none"):
        track_request(name, success_when=bool)(numbers)


async def eventually(result: object) -> bool:
    """Say yes, but not now."""
    return bool(result)


@pytest.mark.parametrize("predicate", [200, "success", eventually])
@pytest.mark.parametrize("decorator", [track_request, track_errors, traced, track_adapter_request])
def test_what_cannot_be_asked_is_refused(name: str, decorator: Any, predicate: Any) -> None:
    """A predicate that is no function, or answers later, would call every result a success: it shows at decoration."""
    with pytest.raises(TypeError, match="`success_when` of"):
        decorator(name, success_when=predicate)


def test_a_predicate_that_fails_never_harms_the_caller(name: str) -> None:
    """The caller gets the result, and the call counts as a success."""

    @track_request(name, success_when=lambda result: result / 0)
    def work() -> str:
        return "done"

    assert work() == "done"
    assert outcomes(name) == {"success": 1.0}


def test_the_predicate_is_not_asked_about_errors(name: str) -> None:
    """A call that raised has no result."""
    asked = []

    @track_request(name, success_when=asked.append)
    def work() -> None:
        raise LookupError

    with pytest.raises(LookupError):
        work()
    assert asked == []
