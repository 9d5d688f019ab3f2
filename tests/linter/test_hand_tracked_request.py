"""GR204: a duration and an outcome recorded by hand in one function, in place of a finding on each half."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent, indent

import pytest

from golden_rules import Config, analyse_source

PATH = "src/shop/orders.py"


def codes(source: str, select: str = "GR2", path: str = PATH) -> list[str]:
    """Return the codes of what is found in a module."""
    config = Config(root=Path.cwd(), select=(select,))
    return [finding.code for finding in analyse_source(dedent(source), path, config).findings]


def request(failure: str, success: str) -> str:
    """Return a module whose function times a call, with a line for each way it ends."""
    lines = "start = time.monotonic()\ntry:\n    answer = session.get(url)\nexcept OSError as error:\n"
    lines += indent(failure, "    ") + "\n    raise\n" + success + "\nreturn answer"
    return "import time\n\n\ndef fetch(session, url, metrics, log):\n" + indent(lines, "    ") + "\n"


SECONDS = "time.monotonic() - start"
TRACKED = {
    "counter and log": ("metrics.errors.inc()", f"log.info('took %.1f', {SECONDS})"),
    "one recorder": (
        f"metrics.record(url, 'failed', {SECONDS})",
        f"metrics.record(url, 'ok', {SECONDS})",
    ),
    "one hook for each outcome": (
        f"metrics.on_failure(duration={SECONDS}, error=error)",
        f"metrics.on_success(duration={SECONDS}, url=url)",
    ),
}


@pytest.mark.parametrize(("failure", "success"), TRACKED.values(), ids=TRACKED)
def test_duration_and_outcome_are_one_finding(failure: str, success: str) -> None:
    """The finding on the whole takes the place of those on the halves."""
    assert codes(request(failure, success)) == ["GR204"]


HALVES = {
    "duration alone": ("log.warning('no answer')", f"log.info('took %.1f', {SECONDS})", ["GR201"]),
    "failures alone": ("metrics.errors.inc()", "log.info('answered')", ["GR203"]),
    "both ends logged": (f"log.warning('%.1f', {SECONDS})", f"log.info('%.1f', {SECONDS})", ["GR201"]),
    "deadline": ("metrics.errors.inc()", f"answer.read(timeout=5 - ({SECONDS}))", ["GR203"]),
}


@pytest.mark.parametrize(("failure", "success", "expected"), HALVES.values(), ids=HALVES)
def test_half_is_not_the_whole(failure: str, success: str, expected: list[str]) -> None:
    """Where one half is missing or is no telemetry, the other stays what it is."""
    assert codes(request(failure, success)) == expected


def test_instrumentation_is_left_alone() -> None:
    """What measures for others does it by hand."""
    source = request(*TRACKED["one recorder"])
    assert codes(source, "GR204")
    assert not codes(source, "GR204", "src/shop/metrics.py")
    assert not codes(source, "GR204", "src/shop/otel/requests.py")
    assert not codes(source, "GR204", "src/shop/tracer.py")
    assert codes(source, "GR204", "src/shop/tracer/parcels.py"), "a service that traces parcels"


RECORDED = TRACKED["one recorder"]
PLACES = {
    "raised again": (request(*RECORDED), ""),
    "swallowed": (
        request(*RECORDED).replace("raise", "return None"),
        "and call `mark_failure(error)` where a clause does",
    ),
    "swallowed before a `finally`": (
        request("outcome = 'failed'", f"metrics.record(url, outcome, {SECONDS})")
        .replace("    raise\n    metrics", "    pass\n    finally:\n        metrics")
        .replace("start =", "outcome = 'ok'\n    start ="),
        "and call `mark_failure(error)` where a clause does",
    ),
    "a group, swallowed before a `finally`": (
        request("outcome = 'failed'", f"metrics.record(url, outcome, {SECONDS})")
        .replace("    raise\n    metrics", "    pass\n    finally:\n        metrics")
        .replace("start =", "outcome = 'ok'\n    start =")
        .replace("except OSError", "except* OSError"),
        "and call `mark_failure(error)` where a clause does",
    ),
    "each round by itself": (
        "import time\n\n\ndef sync(session, urls, metrics, log):\n    for url in urls:\n"
        + indent(request(*RECORDED).partition(":\n")[2].replace("return answer", "log.info(answer)"), "    "),
        "put what is tried into a function of its own with `@track_request(",
    ),
}


@pytest.mark.parametrize(("source", "expected"), PLACES.values(), ids=PLACES)
def test_the_remedy_says_what_it_takes(source: str, expected: str) -> None:
    """A decorator on the function neither sees failures that end in it, nor one round of a loop."""
    (finding,) = analyse_source(source, PATH, Config(root=Path.cwd(), select=("GR204",))).findings
    if expected:
        assert expected in finding.remedy
    else:
        assert "mark_failure" not in finding.remedy
        assert "of its own" not in finding.remedy


def test_what_is_put_in_the_place_of_another_records_for_others() -> None:
    """A patched method of a library is instrumentation; a method that something new is put into is not."""
    source = """\
        import time

        from llm import Messages

        def patch(metrics):
            create = {old}

            def tracked(*args):
                start = time.monotonic()
                try:
                    answer = create(*args)
                except OSError as error:
                    metrics.on_failure(error=error, duration=time.monotonic() - start)
                    raise
                metrics.on_success(duration=time.monotonic() - start)
                return answer

            Messages.create = tracked
        """
    assert codes(source.format(old="metrics.create"))
    assert not codes(source.format(old="Messages.create"))
