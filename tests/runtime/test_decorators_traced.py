"""The same decorators while calls are traced, and they take a longer way."""

from pathlib import Path

from exposed import run_script


def test_every_test_of_the_decorators_passes_while_calls_are_traced() -> None:
    """Outcomes, series and results do not depend on whether anybody watches the spans."""
    script = """
        import sys
        import pytest
        from opentelemetry import trace
        from opentelemetry.sdk.trace import TracerProvider

        trace.set_tracer_provider(TracerProvider())
        sys.exit(pytest.main(["-p", "no:cacheprovider", *sys.argv[1:]]))
    """
    names = (
        "test_decorators.py",
        "test_decorators_kinds.py",
        "test_timed.py",
        "test_outcomes.py",
        "test_success_when.py",
    )
    folder = Path(__file__).parent
    assert "100%" in run_script(script, *(str(folder / name) for name in names)).stdout
