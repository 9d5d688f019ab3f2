"""The same decorators where OpenTelemetry is not installed, and they take a quicker way."""

from pathlib import Path

from exposed import run_script


def test_every_test_of_the_decorators_passes_without_the_tracing_extra() -> None:
    """Outcomes, series and results do not depend on what else is installed."""
    script = """
        import sys
        import pytest

        sys.modules["opentelemetry"] = None
        from golden_runtime import tracing
        assert not tracing.IS_INSTALLED
        sys.exit(pytest.main(["-p", "no:cacheprovider", *sys.argv[1:]]))
    """
    names = ("test_decorators.py", "test_decorators_kinds.py", "test_timed.py", "test_outcomes.py")
    folder = Path(__file__).parent
    assert "100%" in run_script(script, *(str(folder / name) for name in names)).stdout
