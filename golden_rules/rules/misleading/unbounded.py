"""Values that grow without bound: what an expression stands for, by its words and by where it comes from."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from golden_rules.rules.misleading.unbounded_words import CLOCKS, DROP, ID, NOUN, RANDOM, REQUEST, endless, words_of
from golden_rules.source.own_code import OwnCode
from golden_rules.source.trees import dotted

# How far a value is followed through variables; `a = b; b = a` must end.
_MAX_STEPS = 6
# What gives a value back much as it was.
_SAME = frozenset(
    {
        "str",
        "repr",
        "format",
        "lower",
        "upper",
        "strip",
        "rstrip",
        "lstrip",
        "casefold",
        "title",
        "decode",
        "encode",
        "hex",
        "quote",
    }
)


@dataclass(frozen=True, slots=True)
class Growth:
    """Why a value grows without bound.

    Attributes:
        node: The expression that makes it grow.
        what: What it is, in words.
        instead: What to do instead.
        exception: The variable that holds an exception, where it is the text of one.
    """

    node: ast.expr
    what: str
    instead: str
    exception: str = ""


class Values:
    """Judges expressions in a function by its variables."""

    def __init__(self, code: OwnCode) -> None:
        self._code = code
        self._exceptions = frozenset(_exceptions(code))

    def growth(self, node: ast.expr, steps: int = _MAX_STEPS) -> Growth | None:
        """Return why a value grows without bound, or `None` where nothing says that it does."""
        if not steps:
            return None
        match node:
            case ast.Name(id=name) if name in self._exceptions:
                return Growth(node, "the text of an exception", f"label with `type({name}).__name__`", name)
            case ast.Name():
                return self._variable(node, steps)
            case ast.Attribute():
                return self._attribute(node, steps)
            case ast.Call():
                return self._call(node, steps)
            case ast.Subscript():
                return self._entry(node)
            case _:
                pass
        return next((found for part in _parts(node) if (found := self.growth(part, steps - 1))), None)

    def entries(self, node: ast.expr | None) -> Iterator[tuple[str, ast.expr]]:
        """Yield the names and values of a mapping: a literal, a `dict(...)`, or a variable that is set to one."""
        match node:
            case ast.Dict():
                for key, value in zip(node.keys, node.values, strict=True):
                    if key is not None:
                        yield text_of(key) or dotted(key), value
                    else:
                        yield from self.entries(value)
            case ast.Call(func=ast.Name(id="dict")):
                yield from ((keyword.arg, keyword.value) for keyword in node.keywords if keyword.arg is not None)
            case ast.Name(id=name):
                yield from self.entries(self._set_to(name))
            case _:
                pass

    def tags(self, node: ast.expr | None) -> Iterator[tuple[str, ast.expr]]:
        """Yield the tags in a list, `f"user:{user}"`, each with what stands before the colon; or in a variable that is set to one."""
        match node:
            case ast.List(elts=elements) | ast.Tuple(elts=elements):
                yield from ((_tag(element), element) for element in map(_unstarred, elements))
            case ast.Dict() | ast.Call():
                yield from self.entries(node)
            case ast.Name(id=name):
                yield from self.tags(self._set_to(name))
            case _:
                pass

    def _set_to(self, name: str) -> ast.expr | None:
        """Return what a variable is set to, where that is said once."""
        match self._code.bindings.get(name):
            case [ast.Assign(targets=targets, value=value)]:
                # In `a, b = pair` the name is set to a part of the value.
                return value if name in map(dotted, targets) else None
            case [ast.AnnAssign(value=value) | ast.NamedExpr(value=value)]:
                return value
            case _:
                return None

    def _variable(self, node: ast.Name, steps: int) -> Growth | None:
        value = self._set_to(node.id)
        if value is not None:
            return self.growth(value, steps - 1)
        if node.id in self._code.bindings and not _only_loops(self._code, node.id):
            return None
        return _by_word(node, words_of(node.id))

    def _attribute(self, node: ast.Attribute, steps: int) -> Growth | None:
        if isinstance(node.value, ast.Call) and node.attr in ("hex", "int", "bytes"):
            return self.growth(node.value, steps - 1)
        holder, word = dotted(node.value), words_of(node.attr)
        last = words_of(holder.removesuffix("()").rpartition(".")[2])
        if holder in self._exceptions and word in ("message", "msg", "detail", "args", "strerror"):
            return Growth(node, "the text of an exception", f"label with `type({holder}).__name__`", "")
        if word in ("path", "url", "raw_url", "uri") and (REQUEST.search(holder) or last == "url"):
            return Growth(node, "what the client asked for", "label with the route's template")
        if word == "host" and last == "client":
            return Growth(node, "a client's address", DROP)
        if word in ("id", "uuid", "pk") and NOUN.fullmatch(last):
            return Growth(node, f"another one for each {last.replace('_', ' ')}", DROP)
        # What an object is configured with is no longer every address there is.
        if holder in ("self", "cls") and not ID.fullmatch(word.lstrip("_")):
            return None
        return _by_word(node, word)

    def _call(self, node: ast.Call, steps: int) -> Growth | None:
        name = dotted(node.func)
        first = next((_unstarred(value) for value in (*node.args, *(item.value for item in node.keywords))), None)
        last = name.rpartition(".")[2]
        if last in RANDOM:
            return Growth(node, "random", DROP)
        if last in CLOCKS and (first is None or last in ("now", "isoformat", "strftime")):
            return Growth(node, "a point in time", "leave it out: a series has the time already")
        if last == "get" and first is not None and (key := text_of(first)):
            return _by_word(node, words_of(key))
        if last in _SAME:
            inner = first if first is not None and "." not in name else _receiver(node)
            return self.growth(inner, steps - 1) if inner is not None else None
        return None

    def _entry(self, node: ast.Subscript) -> Growth | None:
        word = text_of(node.slice)
        if REQUEST.search(dotted(node.value)) and word.lower() in ("path", "path_info", "raw_path", "request_uri"):
            return Growth(node, "what the client asked for", "label with the route's template")
        return _by_word(node, words_of(word)) if word else None


def text_of(node: ast.expr) -> str:
    """Return the text of a plain string, or `""` for anything else."""
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def _unstarred(node: ast.expr) -> ast.expr:
    return node.value if isinstance(node, ast.Starred) else node


def _tag(node: ast.expr) -> str:
    """Return the name of a tag, `user` in `f"user:{name}"` and in `"user:" + name`, or `""`."""
    match node:
        case ast.JoinedStr(values=[first, *_]) | ast.BinOp(left=first):
            return text_of(first).partition(":")[0]
        case _:
            return ""


def _by_word(node: ast.expr, word: str) -> Growth | None:
    """Return why a value grows, by the name that it goes under."""
    why = endless(word)
    return None if why is None else Growth(node, *why)


def _parts(node: ast.expr) -> Iterator[ast.expr]:
    """Yield the expressions that a value is put together from, or is one of."""
    match node:
        case ast.JoinedStr():
            yield from (part.value for part in node.values if isinstance(part, ast.FormattedValue))
        case ast.BinOp():
            yield node.left
            yield node.right
        case ast.BoolOp():
            yield from node.values
        case ast.IfExp():
            yield node.body
            yield node.orelse
        case ast.Tuple() | ast.List():
            yield from map(_unstarred, node.elts)
        case ast.Lambda():
            yield node.body
        case _:
            pass


def _exceptions(code: OwnCode) -> Iterator[str]:
    """Yield the names that handlers bind, and nothing else does."""
    for name, bindings in code.bindings.items():
        if all(isinstance(binding, ast.ExceptHandler) for binding in bindings):
            yield name


def _only_loops(code: OwnCode, name: str) -> bool:
    return all(isinstance(binding, ast.For | ast.AsyncFor | ast.comprehension) for binding in code.bindings[name])


def _receiver(call: ast.Call) -> ast.expr | None:
    return call.func.value if isinstance(call.func, ast.Attribute) else None
