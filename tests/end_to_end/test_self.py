"""Our own repository keeps its own rules, and its hooks and commands are what it says they are."""

from __future__ import annotations

import re

import pytest
from pre_commit.clientlib import load_config, load_manifest


def test_this_repository_is_clean(run, root):
    """`golden-rules check` finds nothing here that is not configured or explained."""
    done = run(root, "golden_rules", "check")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "No findings" in done.stdout


def test_hooks_take_all_files_at_once(root):
    """Both hooks are offered, for Python files, and neither is split over several processes."""
    hooks = {hook["id"]: hook for hook in load_manifest(root / ".pre-commit-hooks.yaml")}
    assert set(hooks) == {"golden-rules", "golden-rules-fix"}
    assert all(hook["require_serial"] and hook["types"] == ["python"] for hook in hooks.values())
    assert all(hook["language"] == "python" for hook in hooks.values())


def test_this_repository_uses_local_hooks_only(root):
    """A commit here needs nothing from elsewhere, and is checked by the code of the work tree."""
    repositories = load_config(root / ".pre-commit-config.yaml")["repos"]
    assert [repository["repo"] for repository in repositories] == ["local"]
    assert "golden-rules" in {hook["id"] for hook in repositories[0]["hooks"]}


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md", "CHANGELOG.md"])
def test_links_between_documents_lead_somewhere(root, name):
    """Every relative link of a document names a file or folder that exists."""
    links = re.findall(r"\]\((?!https?:|#)([^)#]+)", (root / name).read_text(encoding="utf-8"))
    assert not [link for link in links if not (root / link).exists()]
