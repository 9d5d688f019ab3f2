"""Write what is made from the code: the pages in docs/rules and README's outputs (`python docs/build.py`).

`tests/linter/test_docs.py` fails when a page is not what this would write, `tests/end_to_end/test_readme.py` when README
is not.
"""

import json
from pathlib import Path

import golden_rules
from golden_rules.documentation import index, page
from golden_rules.engine_rules import ENGINE_RULES
from golden_rules.registry import built_in_rules
from golden_rules.schema import SCHEMA_FILE, schema

FOLDER = Path(__file__).parent / "rules"
SCHEMA = Path(golden_rules.__file__).parent / SCHEMA_FILE


def pages() -> dict[Path, str]:
    """Return the text of every page, by its path."""
    rules = built_in_rules()
    return {
        FOLDER / "README.md": index(rules),
        **{FOLDER / f"{rule.code}.md": page(type(rule)) for rule in rules},
        **{FOLDER / f"{rule.code}.md": rule.page for rule in ENGINE_RULES},
    }


def schema_text() -> str:
    """Return the text of the configuration's schema, which the package ships."""
    return json.dumps(schema(), indent=2) + "\n"


if __name__ == "__main__":
    from readme import README, rendered  # this script's own folder is on the path

    FOLDER.mkdir(exist_ok=True)
    SCHEMA.write_text(schema_text(), encoding="utf-8")
    README.write_text(rendered(README.read_text(encoding="utf-8")), encoding="utf-8")
    for path, text in pages().items():
        path.write_text(text, encoding="utf-8")
