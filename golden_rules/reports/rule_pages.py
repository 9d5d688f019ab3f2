"""Where the pages of the rules are, for reports that link to them."""

from __future__ import annotations

from golden_rules.registry import BUILT_IN, ENGINE_CODES

HOME = "https://github.com/golden-rules/golden-rules"


def page_url(code: str) -> str:
    """Return the address of a rule's page; `""` for a rule of another distribution."""
    is_ours = code in ENGINE_CODES or any(rule.code == code for rule in BUILT_IN)
    return f"{HOME}/blob/main/docs/rules/{code}.md" if is_ours else ""
