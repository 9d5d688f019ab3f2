"""Who calls whom within one module, as far as names tell: `self._name(...)` and `_name(...)`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping

from golden_rules.source.outline import Function, Outline

_ByName = Mapping[tuple[str, str], list[Function]]


def callers_of(outline: Outline) -> dict[Function, set[Function]]:
    """Return the functions that call each function of the module."""
    by_name = _by_name(outline)
    callers: dict[Function, set[Function]] = defaultdict(set)
    names = {name for _, name in by_name}
    for caller in outline.functions:
        if names.isdisjoint(caller.called):
            continue
        owner = _class_around(caller)
        for call in caller.calls:
            for callee in _callees(owner, call.name, by_name):
                if callee is not caller:
                    callers[callee].add(caller)
    return callers


def called_names(outline: Outline) -> Mapping[str, set[Function]]:
    """Return the functions that call each name, whatever it is called on."""
    callers: dict[str, set[Function]] = defaultdict(set)
    for caller in outline.functions:
        for name in caller.called:
            callers[name].add(caller)
    return callers


def started_apart(outline: Outline) -> frozenset[Function]:
    """Return the functions that something starts and does not wait for (`create_task(self._run())`)."""
    by_name = _by_name(outline)
    return frozenset(
        callee
        for caller in outline.functions
        for name in caller.spawned
        for callee in _callees(_class_around(caller), name, by_name)
    )


def _by_name(outline: Outline) -> _ByName:
    by_name: dict[tuple[str, str], list[Function]] = defaultdict(list)
    for function in outline.functions:
        if function.parent is None:
            by_name[function.owner.qualname if function.owner else "", function.name].append(function)
    return by_name


def _callees(owner: str | None, name: str, by_name: _ByName) -> Iterable[Function]:
    """Return what a name stands for in a class, or outside of one where there is none around."""
    if owner is not None and name.startswith(("self.", "cls.")):
        return by_name.get((owner, name.partition(".")[2]), ())
    return by_name.get(("", name), ())


def _class_around(function: Function) -> str | None:
    return next((scope.owner.qualname for scope in function.scopes() if scope.owner is not None), None)
