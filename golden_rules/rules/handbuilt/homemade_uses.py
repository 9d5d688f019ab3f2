"""Where a file uses a decorator of the project's own, and what the runtime's would be written as there."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from golden_rules.findings import Edit, ImportedName
from golden_rules.naming import metric_name
from golden_rules.rules.misleading.applied import applied
from golden_rules.rules.placement import can_be_decorated, has_to_stay_above
from golden_rules.source.imports import reference
from golden_rules.source.names import resolve
from golden_rules.source.outline import Function
from golden_rules.source.text import count_word

if TYPE_CHECKING:
    from golden_rules.rules.base import ModuleSubject
    from golden_rules.rules.handbuilt.wrapper_reading import Reading

# What can stand in place of a homemade decorator, see `wrapper_reading`.
_COUNTERPARTS = ("counted", "timed", "track_request")


class Place(NamedTuple):
    """One use: where the decorator's expression starts and ends, and what the function's series are named after."""

    start: int
    end: int
    metric: str


class Written(NamedTuple):
    """How one of the runtime's decorators is written in a file, and the import that takes, empty where it takes none."""

    name: str
    text: str
    module: str
    imported: str


@dataclass(frozen=True, slots=True)
class Uses:
    """All uses of one decorator in a file.

    Attributes:
        target: The decorator's module and name.
        called: Whether it stands there with arguments; `None` where it has no use.
        on_plain: Whether it stands on functions that are no coroutine functions.
        written: How each of the runtime's decorators is written there; those that cannot be are left out.
    """

    target: str
    called: bool | None
    on_plain: bool
    places: tuple[Place, ...]
    written: tuple[Written, ...]

    def replaced(self, read: Reading) -> tuple[tuple[Edit, ...], tuple[ImportedName, ...]] | None:
        """Return the edits that put the runtime's decorator in place of one that does this, and the imports they take."""
        written = next((entry for entry in self.written if entry.name == read.counterpart), None)
        if written is None or self.called != read.called or (read.only_async and self.on_plain):
            return None
        suffix = ".duration" if read.counterpart == "timed" else ""
        edits = tuple(
            Edit(place.start, place.end, f'{written.text}("{place.metric}{suffix}")') for place in self.places
        )
        return edits, (ImportedName(written.module, written.imported),) if written.module else ()

    def told(self) -> tuple[object, ...]:
        """Return the same as plain data, for `uses_told`."""
        places, written = ([tuple(entry) for entry in entries] for entries in (self.places, self.written))
        return self.target, self.called, self.on_plain, tuple(places), tuple(written)


def uses_told(data: tuple[Any, ...]) -> Uses:
    """Return the uses that a file told as plain data."""
    target, called, on_plain, places, written = data
    return Uses(
        target,
        called,
        on_plain,
        tuple(Place(*place) for place in places),
        tuple(Written(*entry) for entry in written),
    )


def uses_elsewhere(subject: ModuleSubject) -> Iterator[Uses]:
    """Yield the uses of each decorator that a file has from another one of its project, and mentions for nothing else."""
    outline = subject.outline
    root = outline.module.partition(".")[0] + "."
    if subject.path.endswith("__init__.py"):
        return
    targets: Counter[str] = Counter()
    for function in outline.functions:
        for name in function.decorators:
            target = resolve(outline, function.parent, name) or ""
            if target.startswith(root) and target.rpartition(".")[0] != outline.module:
                targets[target] += 1
    for target, count in targets.items():
        uses = uses_of(subject, target) if _is_all(subject, target, count) else None
        if uses is not None and len(uses.places) == count:
            yield uses


def uses_of(subject: ModuleSubject, target: str) -> Uses | None:
    """Return the uses of a decorator in a file, or `None` where the runtime's cannot take its place in one of them."""
    found: list[Place] = []
    called: set[bool] = set()
    spellings: set[tuple[Written, ...]] = set()
    on_plain = False
    for function in subject.outline.functions:
        entries = [entry for entry in applied(subject.outline, function, subject.config) if entry.target == target]
        for entry in entries:
            node = function.node.decorator_list[entry.index]
            metric = metric_name(subject.outline, function, *subject.config.naming(subject.path))
            if not _can_change(subject, function, entry.index, metric):
                return None
            start = subject.source.offset(node.lineno, node.col_offset)
            end = subject.source.offset(node.end_lineno or node.lineno, node.end_col_offset or 0)
            found.append(Place(start, end, metric))
            called.add(entry.call is not None)
            spellings.add(tuple(_written(subject, function)))
            on_plain = on_plain or not function.is_async
    if len(called) > 1 or len(spellings) > 1 or len({place.metric for place in found}) < len(found):
        return None
    return Uses(
        target,
        called.pop() if called else None,
        on_plain,
        tuple(found),
        spellings.pop() if spellings else (),
    )


def _can_change(subject: ModuleSubject, function: Function, index: int, metric: str) -> bool:
    """Whether the decorator at an index can give way to a measuring one of the runtime's."""
    if function.yields or not can_be_decorated(function) or f'"{metric}' in subject.source.text:
        return False
    entries = list(applied(subject.outline, function, subject.config))
    if len(entries) < len(function.node.decorator_list) or any(entry.name for entry in entries):
        return False
    if any(entry.index > index and has_to_stay_above(entry) for entry in entries):
        return False
    call = entries[index].call
    given = [] if call is None else [*call.args, *(keyword.value for keyword in call.keywords)]
    return all(isinstance(value, ast.Constant | ast.Name) for value in given)


def _written(subject: ModuleSubject, function: Function) -> Iterator[Written]:
    for name in _COUNTERPARTS:
        written = reference(subject.outline, function, subject.config.runtime_module, name)
        if written is not None:
            text, item = written
            yield Written(name, text, item.module if item else "", item.name if item else "")


def _is_all(subject: ModuleSubject, target: str, uses: int) -> bool:
    """Whether a file mentions a decorator of another one only where it imports it and at its uses.

    The import must be one that goes when nothing uses it any more, see `leftover_imports`.
    """
    outline, source = subject.outline, subject.source
    name = target.rpartition(".")[2]
    local = {bound for bound, meaning in outline.names.items() if meaning == target}
    words = {name, *local}
    mentions = sum(count_word(source.text, word) for word in words)
    if not local:
        return mentions == uses
    imports = [
        (entry.node, alias)
        for entry in outline.imports
        for alias in entry.node.names
        if (alias.asname or alias.name) in local
    ]
    if len(imports) != 1:
        return False
    statement, alias = imports[0]
    text = source.text[source.line_start(statement.lineno) : source.line_end(statement.end_lineno or statement.lineno)]
    if statement not in outline.tree.body or "#" in text or ";" in text:
        return False
    return mentions == uses + (2 if alias.asname and alias.asname != name else 1)
