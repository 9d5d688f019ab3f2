"""The fix of unused instrumentation: its definition goes."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from golden_rules.findings import Fix, Safety
from golden_rules.source.deletion import does_more, without_definitions

if TYPE_CHECKING:
    from golden_rules.findings import Edit
    from golden_rules.rules.base import ModuleSubject
    from golden_rules.rules.handbuilt.definitions import Definition


def unused_fix(subject: ModuleSubject, definition: Definition) -> Fix | str:
    """Return the fix that deletes a definition which nothing uses, or the reason why that is left to people."""
    statement = _statement(subject, definition)
    if statement is None:
        return "it stands under a condition"
    if subject.path.endswith("__init__.py") and not definition.name.startswith("_"):
        return "others may import it from the package"
    if does_more(statement):
        return "what it is made of does more than build it"
    edits = without_definitions(subject.source, subject.outline.tree, [statement])
    if edits is None:
        return "it shares a line with other code"
    if _is_mentioned(subject, definition.name, edits[0]):
        return "the rest of the file still mentions it"
    return Fix(Safety.UNSAFE, f"delete `{definition.name}`", tuple(edits), removes=(definition.name,))


def _statement(subject: ModuleSubject, definition: Definition) -> ast.stmt | None:
    """Return the statement at the top level that makes a definition; `None` where it is nested in another."""
    for statement in subject.outline.tree.body:
        match statement:
            case ast.Assign(targets=[target]) | ast.AnnAssign(target=target) if target is definition.node:
                return statement
            case _ if statement is definition.node:
                return statement
            case _:
                pass
    return None


def _is_mentioned(subject: ModuleSubject, name: str, edit: Edit) -> bool:
    """Whether a name stands in a file outside an edit, in comments and texts too: an overload, `del`, a description."""
    text = subject.source.text
    return re.search(rf"\b{re.escape(name)}\b", text[: edit.start] + "\n" + text[edit.end :]) is not None
