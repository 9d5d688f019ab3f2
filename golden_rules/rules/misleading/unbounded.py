"""Values that grow without bound: what an expression stands for, by its words and by where it comes from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import libcst as cst

from golden_rules.rules.misleading.unbounded_words import CLOCKS, DROP, ID, NOUN, RANDOM, REQUEST, endless, words_of
from golden_rules.source.body import Body, dotted

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

    node: cst.BaseExpression
    what: str
    instead: str
    exception: str = ""


class Values:
    """Judges expressions in a function by its variables."""

    def __init__(self, body: Body) -> None:
        self._body = body
        self._exceptions = frozenset(_exceptions(body))

    def growth(self, node: cst.BaseExpression, steps: int = _MAX_STEPS) -> Growth | None:
        """Return why a value grows without bound, or `None` where nothing says that it does."""
        if not steps:
            return None
        match node:
            case cst.Name(value=name) if name in self._exceptions:
                return Growth(node, "the text of an exception", f"label with `type({name}).__name__`", name)
            case cst.Name():
                return self._variable(node, steps)
            case cst.Attribute():
                return self._attribute(node, steps)
            case cst.Call():
                return self._call(node, steps)
            case cst.Subscript():
                return self._entry(node)
        return next((found for part in _parts(node) if (found := self.growth(part, steps - 1))), None)

    def entries(self, node: cst.BaseExpression | None) -> Iterator[tuple[str, cst.BaseExpression]]:
        """Yield the names and values of a mapping: a literal, a `dict(...)`, or a variable that is set to one."""
        match node:
            case cst.Dict():
                for element in node.elements:
                    if isinstance(element, cst.DictElement):
                        yield text_of(element.key) or dotted(element.key), element.value
                    else:
                        yield from self.entries(element.value)
            case cst.Call(func=cst.Name(value="dict")):
                yield from ((arg.keyword.value, arg.value) for arg in node.args if arg.keyword is not None)
            case cst.Name():
                yield from self.entries(self._set_to(node.value))
            case _:
                pass

    def tags(self, node: cst.BaseExpression | None) -> Iterator[tuple[str, cst.BaseExpression]]:
        """Yield the tags in a list, `f"user:{user}"`, each with what stands before the colon; or in a variable that is set to one."""
        match node:
            case cst.List() | cst.Tuple():
                for element in node.elements:
                    yield _tag(element.value), element.value
            case cst.Dict() | cst.Call():
                yield from self.entries(node)
            case cst.Name():
                yield from self.tags(self._set_to(node.value))
            case _:
                pass

    def _set_to(self, name: str) -> cst.BaseExpression | None:
        """Return what a variable is set to, where that is said once."""
        bindings = self._body.bindings.get(name, ())
        if len(bindings) == 1 and isinstance(bindings[0], cst.Assign | cst.AnnAssign | cst.NamedExpr):
            # In `a, b = pair` the name is set to a part of the value.
            whole = not isinstance(bindings[0], cst.Assign) or any(
                dotted(target.target) == name for target in bindings[0].targets
            )
            return bindings[0].value if whole else None
        return None

    def _variable(self, node: cst.Name, steps: int) -> Growth | None:
        value = self._set_to(node.value)
        if value is not None:
            return self.growth(value, steps - 1)
        if node.value in self._body.bindings and not _only_loops(self._body, node.value):
            return None
        return _by_word(node, words_of(node.value))

    def _attribute(self, node: cst.Attribute, steps: int) -> Growth | None:
        if isinstance(node.value, cst.Call) and node.attr.value in ("hex", "int", "bytes"):
            return self.growth(node.value, steps - 1)
        holder, word = dotted(node.value), words_of(node.attr.value)
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

    def _call(self, node: cst.Call, steps: int) -> Growth | None:
        name = dotted(node.func)
        last = name.rpartition(".")[2]
        if last in RANDOM:
            return Growth(node, "random", DROP)
        if last in CLOCKS and (not node.args or last in ("now", "isoformat", "strftime")):
            return Growth(node, "a point in time", "leave it out: a series has the time already")
        if last == "get" and node.args and (key := text_of(node.args[0].value)):
            return _by_word(node, words_of(key))
        if last in _SAME:
            inner = node.args[0].value if node.args and "." not in name else _receiver(node)
            return self.growth(inner, steps - 1) if inner is not None else None
        return None

    def _entry(self, node: cst.Subscript) -> Growth | None:
        key = node.slice[0].slice if len(node.slice) == 1 else None
        word = text_of(key.value) if isinstance(key, cst.Index) else ""
        if REQUEST.search(dotted(node.value)) and word.lower() in ("path", "path_info", "raw_path", "request_uri"):
            return Growth(node, "what the client asked for", "label with the route's template")
        return _by_word(node, words_of(word)) if word else None


def text_of(node: cst.BaseExpression) -> str:
    """Return the text of a plain string, or `""` for anything else."""
    if not isinstance(node, cst.SimpleString):
        return ""
    value = node.evaluated_value
    return value if isinstance(value, str) else ""


def _tag(node: cst.BaseExpression) -> str:
    """Return the name of a tag, `user` in `f"user:{name}"` and in `"user:" + name`, or `""`."""
    match node:
        case cst.FormattedString(parts=[cst.FormattedStringText(value=written), *_]):
            return written.partition(":")[0]
        case cst.BinaryOperation(left=cst.SimpleString() as left):
            return text_of(left).partition(":")[0]
        case _:
            return ""


def _by_word(node: cst.BaseExpression, word: str) -> Growth | None:
    """Return why a value grows, by the name that it goes under."""
    why = endless(word)
    return None if why is None else Growth(node, *why)


def _parts(node: cst.BaseExpression) -> Iterator[cst.BaseExpression]:
    """Yield the expressions that a value is put together from, or is one of."""
    match node:
        case cst.FormattedString():
            yield from (part.expression for part in node.parts if isinstance(part, cst.FormattedStringExpression))
        case cst.BinaryOperation() | cst.BooleanOperation():
            yield node.left
            yield node.right
        case cst.IfExp():
            yield node.body
            yield node.orelse
        case cst.Tuple() | cst.List():
            yield from (element.value for element in node.elements)
        case cst.Lambda():
            yield node.body
        case cst.ConcatenatedString():
            yield node.left
            yield node.right
        case _:
            pass


def _exceptions(body: Body) -> Iterator[str]:
    """Yield the names that handlers bind, and nothing else does."""
    for name, bindings in body.bindings.items():
        if all(isinstance(binding, cst.ExceptHandler | cst.ExceptStarHandler) for binding in bindings):
            yield name


def _only_loops(body: Body, name: str) -> bool:
    return all(isinstance(binding, cst.For | cst.CompFor) for binding in body.bindings[name])


def _receiver(call: cst.Call) -> cst.BaseExpression | None:
    return call.func.value if isinstance(call.func, cst.Attribute) else None
