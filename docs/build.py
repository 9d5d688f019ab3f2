"""Write the pages in docs/rules from the rules themselves: `python docs/build.py`.

`tests/linter/test_docs.py` fails when a page is not what this would write.
"""

from pathlib import Path

from golden_rules.documentation import index, page
from golden_rules.registry import built_in_rules

FOLDER = Path(__file__).parent / "rules"


def pages() -> dict[Path, str]:
    """Return the text of every page, by its path."""
    rules = built_in_rules()
    return {
        FOLDER / "README.md": index(rules),
        **{FOLDER / f"{rule.code}.md": page(type(rule)) for rule in rules},
    }


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for path, text in pages().items():
        path.write_text(text, encoding="utf-8")
