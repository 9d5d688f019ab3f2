"""Where a file uses a decorator of the project's own, and what the runtime's would be written as there."""

from __future__ import annotations

import ast
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from golden_rules.findings import Edit, ImportedName
from golden_rules.naming import metric_name
from golden_rules.rules.applied import applied
from golden_rules.rules.placement import can_be_decorated, has_to_stay_above
from golden_rules.source.names import resolve
from golden_rules.source.outline import Function
from golden_rules.source.references import reference
from golden_rules.source.text import count_word

if TYPE_CHECKING:
    from golden_rules.rules.base import ModuleSubject
    from golden_rules.rules.handbuilt.wrapper_reading import Reading

# What can stand in place of a homemade decorator, see `wrapper_reading`.
_COUNTERPARTS = ("counted", "timed", "track_request")
# Packages whose decorators are no project's own.
_NOT_OURS = sys.stdlib_module_names | {
    "attr", "attrs", "celery", "click", "django", "fastapi", "flask", "golden_runtime", "jax", "numba", "numpy", "prometheus_client",
    "pydantic", "pytest", "rest_framework", "sqlalchemy", "tenacity", "torch", "triton", "typer", "typing_extensions",
}  # fmt: skip


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
        why: Where one of them cannot give way to the runtime's, where it stands, in words; then nothing else is told.
    """

    target: str
    called: bool | None
    on_plain: bool
    places: tuple[Place, ...]
    written: tuple[Written, ...]
    why: str = ""

    def replaced(self, read: Reading) -> tuple[tuple[Edit, ...], tuple[ImportedName, ...]] | str:
        """Return the edits that put the runtime's decorator in place of one that does this, and the imports they take.

        In their place stands in words where a decorator stands that cannot give way.
        """
        if self.why:
            return self.why
        if self.called != read.called:
            return "without arguments" if read.called else "with arguments"
        if read.only_async and self.on_plain:
            return "on what is no coroutine function"
        written = next((entry for entry in self.written if entry.name == read.counterpart), None)
        if written is None:
            return f"where `{read.counterpart}` cannot be imported"
        suffix = ".duration" if read.counterpart == "timed" else ""
        edits = tuple(
            Edit(place.start, place.end, f'{written.text}("{place.metric}{suffix}")') for place in self.places
        )
        return edits, (ImportedName(written.module, written.imported),) if written.module else ()

    def told(self) -> tuple[object, ...]:
        """Return the same as plain data, for `uses_told`."""
        places, written = ([tuple(entry) for entry in entries] for entries in (self.places, self.written))
        return self.target, self.called, self.on_plain, tuple(places), tuple(written), self.why


def uses_told(data: tuple[Any, ...]) -> Uses:
    """Return the uses that a file told as plain data."""
    target, called, on_plain, places, written, why = data
    return Uses(
        target,
        called,
        on_plain,
        tuple(Place(*place) for place in places),
        tuple(Written(*entry) for entry in written),
        why,
    )


def uses_elsewhere(subject: ModuleSubject) -> Iterator[Uses]:
    """Yield the uses of each decorator that a file imports, and which may be another file's of its project."""
    outline = subject.outline
    targets: Counter[str] = Counter()
    for function in outline.functions:
        for name in function.decorators:
            target = resolve(outline, function.parent, name) or ""
            module = target.rpartition(".")[0]
            if module and module != outline.module and module.partition(".")[0] not in _NOT_OURS:
                targets[target] += 1
    for target, count in targets.items():
        why = _otherwise(subject, target, count)
        uses = _staying(target, why) if why else uses_of(subject, target)
        if uses.why or len(uses.places) == count:
            yield uses


def uses_of(subject: ModuleSubject, target: str) -> Uses:
    """Return the uses of a decorator in a file, up to the first that cannot give way."""
    found: list[Place] = []
    called: set[bool] = set()
    spellings: set[tuple[Written, ...]] = set()
    on_plain = False
    for function in subject.outline.functions:
        entries = [entry for entry in applied(subject.outline, function, subject.config) if entry.target == target]
        for entry in entries:
            node = function.node.decorator_list[entry.index]
            metric = _free_name(subject, function)
            if refused := _why_not(subject, function, entry.index, metric):
                return _staying(target, f"{refused} (line {node.lineno})")
            found.append(Place(*subject.source.span(node), metric))
            called.add(entry.call is not None)
            spellings.add(tuple(_written(subject, function)))
            on_plain = on_plain or not function.is_async
    if len(called) > 1:
        return _staying(target, "with and without arguments")
    if len(spellings) > 1 or len({place.metric for place in found}) < len(found):
        return _staying(target, "on functions that would share a name")
    return Uses(
        target,
        called.pop() if called else None,
        on_plain,
        tuple(found),
        spellings.pop() if spellings else (),
    )


def _staying(target: str, why: str) -> Uses:
    return Uses(target, called=None, on_plain=False, places=(), written=(), why=why)


def _free_name(subject: ModuleSubject, function: Function) -> str:
    """Return what a function's series are named after: what measures within it, as a timer does, may have the plain name."""
    name = metric_name(subject.outline, function, *subject.config.naming(subject.path))
    return f"{name}.call" if f'"{name}' in subject.source.text else name


def _why_not(subject: ModuleSubject, function: Function, index: int, metric: str) -> str:
    """Return in words why the decorator at an index cannot give way to a measuring one of the runtime's, or `""`."""
    if function.yields:
        return "on a generator"
    if not can_be_decorated(subject.outline, function):
        return "where no measuring decorator may stand"
    if f'"{metric}' in subject.source.text:
        return "on a function whose series would have a name that the file uses"
    entries = list(applied(subject.outline, function, subject.config))
    if len(entries) < len(function.node.decorator_list):
        return "among decorators without a name"
    if any(entry.name for entry in entries):
        return "on a function that the runtime measures already"
    if any(entry.index > index and has_to_stay_above(entry) for entry in entries):
        return "above a decorator that makes no function"
    call = entries[index].call
    given = [] if call is None else [*call.args, *(keyword.value for keyword in call.keywords)]
    plain = all(isinstance(value, ast.Constant | ast.Name | ast.Attribute) for value in given)
    return "" if plain else "with arguments that are worked out"


def _written(subject: ModuleSubject, function: Function) -> Iterator[Written]:
    for name in _COUNTERPARTS:
        written = reference(subject.outline, function, subject.config.runtime_module, name)
        if written is not None:
            text, item = written
            yield Written(name, text, item.module if item else "", item.name if item else "")


def _otherwise(subject: ModuleSubject, target: str, uses: int) -> str:
    """Return in words how a file mentions a decorator of another one besides its import and its uses, or `""`.

    The import must be one that goes when nothing uses it any more, see `leftover_imports`.
    """
    outline, source = subject.outline, subject.source
    name = target.rpartition(".")[2]
    local = {bound for bound, meaning in outline.names.items() if meaning == target}
    words = {name, *local}
    mentions = sum(count_word(source.text, word) for word in words)
    more = "and mentions it in another way, too"
    if subject.path.endswith("__init__.py"):
        return "in a package, which gives it to others"
    if any(target in function.imports.values() for function in outline.functions):
        return "by an import in a function"
    if not local:
        return "" if mentions == uses else more
    imports = [
        (entry.node, alias)
        for entry in outline.imports
        for alias in entry.node.names
        if (alias.asname or alias.name) in local
    ]
    if len(imports) != 1:
        return "by several imports"
    statement, alias = imports[0]
    text = source.text[source.line_start(statement.lineno) : source.line_end(statement.end_lineno or statement.lineno)]
    if statement not in outline.tree.body:
        return "by an import under a condition"
    if "#" in text or ";" in text:
        return "by an import that shares its line"
    return "" if mentions == uses + (2 if alias.asname and alias.asname != name else 1) else more
