"""What a dotted name in the source stands for, by the module's imports, assignments and annotations."""

from __future__ import annotations

from golden_rules.source.outline import Class, Function, Outline

# `a = b; b = a` must end.
_MAX_STEPS = 8


def resolve(outline: Outline, function: Function | None, name: str) -> str | None:
    """Return the absolute dotted name that `name` stands for inside `function`, or `None` where nothing tells.

    Instances stand for their class: with `client = httpx.Client()`, `client.get` is `httpx.Client.get`. Names that
    nothing binds are the built-in ones, and returned as they are.
    """
    return _resolve(outline, function, name, _MAX_STEPS)


def _resolve(outline: Outline, function: Function | None, name: str, steps: int) -> str | None:
    if not name or not steps:
        return None
    root, dot, rest = name.replace("()", "").partition(".")
    tail = dot + rest
    scope = function
    while scope is not None:
        if root in scope.imports:
            return scope.imports[root] + tail
        if root in scope.instances and scope.instances[root] != root:
            return _joined(_resolve(outline, scope, scope.instances[root], steps - 1), tail)
        if root in ("self", "cls") and scope.owner is not None:
            return _attribute(outline, scope.owner, rest, steps)
        if root in scope.bound:
            return None
        scope = scope.parent
    return _module_level(outline, root, tail, steps)


def _module_level(outline: Outline, root: str, tail: str, steps: int) -> str | None:
    if root in outline.names:
        return None if root in outline.rebound else outline.names[root] + tail
    if root in outline.instances and outline.instances[root] != root:
        return _joined(_resolve(outline, None, outline.instances[root], steps - 1), tail)
    if root in outline.bound:
        return f"{outline.module}.{root}{tail}"
    return root + tail


def _attribute(outline: Outline, owner: Class, rest: str, steps: int) -> str | None:
    attribute, dot, tail = rest.partition(".")
    if attribute in owner.attributes:
        return _joined(_resolve(outline, None, owner.attributes[attribute], steps - 1), dot + tail)
    return None


def _joined(base: str | None, tail: str) -> str | None:
    return None if base is None else base + tail
