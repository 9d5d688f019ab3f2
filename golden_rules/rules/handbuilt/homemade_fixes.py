"""The fix of a homemade decorator: the runtime's decorator at each of its uses, and the definition goes.

The decorator must stand nowhere else than on functions, and have a wrapper that passes the call on and measures, with nothing
besides. Where other files use it, each tells what would stand in its place there (`homemade_uses`).
"""

from __future__ import annotations

import ast
import itertools
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from golden_rules.findings import FileEdits, Fix, ImportedName, Safety
from golden_rules.rules.base import NAMES
from golden_rules.rules.handbuilt.homemade_uses import Uses, uses_of, uses_told
from golden_rules.rules.handbuilt.wrapper_reading import Reading, reading, reading_told
from golden_rules.source.names import resolve
from golden_rules.source.outline import Function
from golden_rules.source.removal import without_definitions
from golden_rules.source.trees import dotted

if TYPE_CHECKING:
    from golden_rules.findings import Fact
    from golden_rules.rules.base import ModuleSubject


class HomemadeFix(NamedTuple):
    """The fix of a decorator in its own file.

    Attributes:
        reading: What the decorator does.
        uses: How often the file itself uses it.
    """

    fix: Fix
    reading: Reading
    uses: int


def homemade_fix(subject: ModuleSubject, decorator: Function) -> HomemadeFix | None:
    """Return the fix of a decorator in its own file, or `None` where the runtime's may differ from it.

    Its name goes with it, so that the fix is enough only where no other file uses that.
    """
    outline, node = subject.outline, decorator.node
    if decorator.decorators or node not in outline.tree.body or subject.path.endswith("__init__.py"):
        return None
    read = reading(subject, decorator)
    if read is None:
        return None
    removed: list[ast.stmt] = [node]
    for metric in sorted(read.metrics):
        statement = _own_metric(subject, metric, node)
        if statement is None:
            return None
        removed.append(statement)
    edits = without_definitions(subject.source, outline.tree, removed)
    uses = uses_of(subject, f"{outline.module}.{decorator.name}")
    mentions = len(re.findall(rf"\b{re.escape(decorator.name)}\b", subject.source.text))
    if edits is None or uses is None or mentions != len(uses.places) + 1:
        return None
    imports: tuple[ImportedName, ...] = ()
    if uses.places:
        replaced = uses.replaced(read)
        if replaced is None:
            return None
        edits, imports = sorted([*edits, *replaced[0]]), replaced[1]
    if any(one.end > other.start for one, other in itertools.pairwise(edits)):
        return None
    description = f"use `@{read.counterpart}(...)` in place of `@{decorator.name}`, and delete that"
    removes = (decorator.name, *sorted(read.metrics))
    return HomemadeFix(Fix(Safety.UNSAFE, description, tuple(edits), imports, removes), read, len(uses.places))


def fixes_across(facts: Sequence[Fact], code: str) -> Iterator[tuple[Fact, Fix]]:
    """Yield the fixes of decorators that several files use, each with the fact that the file of its definition tells.

    Left out are decorators that a file mentions in any other way than as a decorator that the runtime's can stand in for.
    """
    used: dict[str, dict[str, Uses]] = defaultdict(dict)
    defined: dict[str, list[Fact]] = defaultdict(list)
    for fact in facts:
        if fact.code == code and fact.fix is None:
            uses = uses_told(fact.data)
            used[uses.target][fact.path] = uses
        elif fact.code == code:
            defined[str(fact.data[0])].append(fact)
    mentions = _mentions(facts, {name for known in defined.values() for fact in known for name in _removed(fact)})
    for target, known in defined.items():
        if len(known) == 1 and (fix := _across(known[0], used[target], mentions)) is not None:
            yield known[0], fix


def _across(fact: Fact, used: Mapping[str, Uses], mentions: Mapping[str, set[str]]) -> Fix | None:
    """Return the fix of a decorator in all files that use it; `None` where one uses it otherwise, or none does."""
    decorator, *metrics = _removed(fact)
    files = mentions[decorator] - {fact.path}
    if fact.fix is None or not files or files != used.keys() or any(mentions[name] - {fact.path} for name in metrics):
        return None
    read = reading_told(fact.data[3:])
    elsewhere = []
    for path in sorted(files):
        replaced = used[path].replaced(read)
        if replaced is None:
            return None
        elsewhere.append(FileEdits(path, *replaced))
    shown = f"{len(elsewhere)} file{'s' if len(elsewhere) > 1 else ''}"
    description = f"use `@{read.counterpart}(...)` in place of `@{decorator}` in {shown}, and delete that"
    return replace(fact.fix, description=description, elsewhere=tuple(elsewhere))


def _removed(fact: Fact) -> tuple[str, ...]:
    return () if fact.fix is None else fact.fix.removes


def _mentions(facts: Sequence[Fact], names: set[str]) -> Mapping[str, set[str]]:
    """Return for each of the names the files that mention it."""
    found: dict[str, set[str]] = defaultdict(set)
    for fact in facts if names else ():
        if fact.code == NAMES:
            for name in names.intersection(map(str, fact.data)):
                found[name].add(fact.path)
    return found


def _own_metric(subject: ModuleSubject, metric: str, decorator: ast.AST) -> ast.stmt | None:
    """Return the statement that makes a metric which the decorator alone feeds; `None` where others know it."""
    word = re.compile(rf"\b{re.escape(metric)}\b")
    inside = ast.get_source_segment(subject.source.parseable, decorator) or ""
    if len(word.findall(subject.source.text)) != len(word.findall(inside)) + 1:
        return None
    for statement in subject.outline.tree.body:
        match statement:
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.Call(func=maker)) if name == metric:
                made = resolve(subject.outline, None, dotted(maker)) or ""
                return statement if made.startswith("prometheus_client.") else None
            case _:
                pass
    return None
