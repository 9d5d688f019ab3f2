"""The fix of a homemade decorator: the runtime's decorator at each of its uses, and the definition goes.

The decorator must stand nowhere else than on functions, and have a wrapper that passes the call on and measures, with nothing
besides. Where other files use it, each tells what would stand in its place there (`homemade_uses`).
"""

from __future__ import annotations

import ast
import itertools
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from golden_rules.findings import NAMES, FileEdits, Fix, ImportedName, Safety
from golden_rules.rules.handbuilt.homemade_uses import Uses, uses_of, uses_told
from golden_rules.rules.handbuilt.wrapper_reading import Reading, reading, reading_told
from golden_rules.source.deletion import does_more, without_definitions
from golden_rules.source.mentions import any_name, looks_up_itself
from golden_rules.source.names import resolve
from golden_rules.source.outline import Function
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


def homemade_fix(subject: ModuleSubject, decorator: Function) -> HomemadeFix | str:
    """Return the fix of a decorator in its own file, or in words why there is none: the runtime's may differ from it.

    Its name goes with it, so that the fix is enough only where no other file uses that.
    """
    if why := _why_it_stays(subject, decorator):
        return why
    outline, node = subject.outline, decorator.node
    read = reading(subject, decorator)
    if isinstance(read, str):
        return read
    names = subject.config.runtime_names
    if names is not None and read.counterpart not in names:
        return f"`{subject.config.runtime_module}` has no `{read.counterpart}`"
    removed: list[ast.stmt] = [node]
    for metric in sorted(read.metrics):
        statement = _own_metric(subject, metric, node)
        if statement is None or does_more(statement):
            return f"others may feed `{metric}`, too"
        removed.append(statement)
    edits = without_definitions(subject.source, outline.tree, removed)
    uses = uses_of(subject, f"{outline.module}.{decorator.name}")
    mentions = len(re.findall(rf"\b{re.escape(decorator.name)}\b", subject.source.text))
    if uses.why:
        return f"it stands {uses.why}"
    if mentions != len(uses.places) + 1:
        return "its file mentions it in another way than as a decorator"
    if edits is None:
        return "its lines hold something else, too"
    imports: tuple[ImportedName, ...] = ()
    if uses.places:
        replaced = uses.replaced(read)
        if isinstance(replaced, str):
            return f"it stands {replaced}"
        edits, imports = sorted([*edits, *replaced[0]]), replaced[1]
    if any(one.end > other.start for one, other in itertools.pairwise(edits)):
        return "it stands on itself"
    description = f"use `@{read.counterpart}(...)` in place of `@{decorator.name}`, and delete that"
    removes = (decorator.name, *sorted(read.metrics))
    return HomemadeFix(Fix(Safety.UNSAFE, description, tuple(edits), imports, removes), read, len(uses.places))


def _why_it_stays(subject: ModuleSubject, decorator: Function) -> str:
    """Return why a definition cannot be taken out of its file, whatever it does; `""` where it can."""
    if decorator.decorators:
        return f"it is decorated itself, with `{decorator.decorators[0]}`"
    if decorator.node not in subject.outline.tree.body:
        return "it does not stand by itself at the top of its file"
    if subject.path.endswith("__init__.py"):
        return "a package gives it to others"
    if looks_up_itself(subject.source.text):
        return "its file looks up names of its own as it runs"
    return "defining it does more than that" if does_more(decorator.node) else ""


def fixes_across(facts: Sequence[Fact], code: str) -> Iterator[tuple[Fact, Fix | str]]:
    """Yield the fixes of decorators that several files use, each with the fact that the file of its definition tells.

    In place of a fix stands in words why there is none: a file mentions the decorator in any other way than as one that the
    runtime's can stand in for. Left out are those that no other file mentions.
    """
    used: dict[str, list[tuple[str, Uses]]] = defaultdict(list)
    defined: list[Fact] = []
    for fact in facts:
        if fact.code == code and fact.fix is None:
            uses = uses_told(fact.data)
            used[uses.target.rpartition(".")[2]].append((fact.path, uses))
        elif fact.code == code:
            defined.append(fact)
    named = {name for fact in defined for name in _removed(fact)}
    mentions = _mentions(facts, named | {_any_beside(fact) for fact in defined})
    claims = Counter(id(uses) for fact in defined for _, uses in _used(fact, used))
    for fact in defined:
        own = {path: uses for path, uses in _used(fact, used) if claims[id(uses)] == 1}
        if mentions[_removed(fact)[0]] - {fact.path}:
            yield fact, _across(fact, own, mentions)


def _any_beside(fact: Fact) -> str:
    """Return what stands among mentions for every name of a decorator's module."""
    return any_name(str(fact.data[0]).rpartition(".")[0])


def _used(fact: Fact, used: Mapping[str, Sequence[tuple[str, Uses]]]) -> Iterator[tuple[str, Uses]]:
    """Yield what files tell of the uses of a decorator, each with its path.

    A file may know it by less than its path from the project's root: in `web/shop/orders.py`, `shop.helpers` is
    `web/shop/helpers.py` where `web` is what Python looks for modules in.
    """
    target = str(fact.data[0])
    for path, uses in used[target.rpartition(".")[2]]:
        below = target.endswith(f".{uses.target}") and path.startswith(_folder_above(fact.path, uses.target))
        if below or uses.target == target:
            yield path, uses


def _folder_above(path: str, target: str) -> str:
    """Return the folder that a file is imported from where its module is called as in `target`, with `/` at its end."""
    parts = path.split("/")
    below = parts[: len(parts) - target.count(".")]
    return "".join(f"{part}/" for part in below)


def _across(fact: Fact, used: Mapping[str, Uses], mentions: Mapping[str, set[str]]) -> Fix | str:
    """Return the fix of a decorator in all files that use it, or in words why one of them stands against it."""
    decorator, *metrics = _removed(fact)
    if fact.fix is None:
        return ""
    for path in sorted(mentions[_any_beside(fact)] - {fact.path}):
        return f"`{path}` looks up names of its module as it runs"
    for metric in metrics:
        for path in sorted(mentions[metric] - {fact.path}):
            return f"`{path}` may feed `{metric}`, too"
    read = reading_told(fact.data[3:])
    elsewhere = []
    for path in sorted(mentions[decorator] - {fact.path}):
        if path not in used:
            return f"`{path}` mentions it in another way than as a decorator of its own"
        replaced = used[path].replaced(read)
        if isinstance(replaced, str):
            return f"`{path}` has it {replaced}"
        elsewhere.append(FileEdits(path, *replaced))
    shown = f"{len(elsewhere)} file{'s' if len(elsewhere) > 1 else ''}"
    description = f"use `@{read.counterpart}(...)` in place of `@{decorator}` in {shown}, and delete that"
    return fact.fix._replace(description=description, elsewhere=tuple(elsewhere))


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


def _own_metric(subject: ModuleSubject, metric: str, decorator: ast.expr | ast.stmt) -> ast.stmt | None:
    """Return the statement that makes a metric which the decorator alone feeds; `None` where others know it."""
    word = re.compile(rf"\b{re.escape(metric)}\b")
    inside = subject.source.code(decorator)
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
