"""The README's example of handled failures, as it stands there."""

import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from exposed import statuses

README = Path(__file__).parents[2] / "runtime" / "README.md"


def test_handled_failures_count_as_the_readme_says() -> None:
    """Both functions return, and both calls have failed."""
    blocks = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    names: dict[str, Any] = {}
    exec(next(block for block in blocks if "mark_failure" in block), names)  # noqa: S102 - our own README

    def fetch() -> None:
        raise ConnectionError

    assert names["load"](SimpleNamespace(fetch=fetch)) == []
    assert names["send"](SimpleNamespace(status=503)).status == 503
    assert statuses("feed_load_calls_total") == statuses("feed_send_calls_total") == {"failure": 1.0}
