"""Triggers, and leaving scores out, change how long a run takes, and nothing else."""

from __future__ import annotations

from pathlib import Path

import click
import pytest
from hypothesis import __file__ as hypothesis_file

import golden_rules
from golden_rules.collector import collector_off
from golden_rules.config import Config
from golden_rules.engine import analyse_source

# Real code by many hands, of moderate size: it is installed wherever these tests run.
TREES = {
    "click": Path(click.__file__).parent,
    "hypothesis": Path(hypothesis_file).parent,
    "golden_rules": Path(golden_rules.__file__).parent,
}


@pytest.mark.parametrize("tree", TREES)
def test_same_findings_without_triggers_and_without_scores(tree: str) -> None:
    """On real code, every rule finds with its triggers what it finds where it is asked about every function, scored or not."""
    root = TREES[tree]
    config = Config(root=root)
    checked = 0
    with collector_off():
        for file in sorted(root.rglob("*.py")):
            path, source = file.relative_to(root).as_posix(), file.read_bytes()
            with_triggers = analyse_source(source, path, config)
            assert with_triggers == analyse_source(source, path, config, triggers=False)
            unscored = analyse_source(source, path, config, scores=False)
            assert (unscored.findings, unscored.facts) == (with_triggers.findings, with_triggers.facts)
            checked += bool(with_triggers.functions)
    assert checked > 10
