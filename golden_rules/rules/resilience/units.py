"""The pieces of a file that can be a breaker, a dead-letter queue or a pool: its classes and its plain functions."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from golden_rules.rules.base import ModuleSubject
from golden_rules.source.outline import Class, Function
from golden_rules.source.text import SourceText

# Of a class of which fewer than one method in so many has to do with the thing, the class is not the thing.
_PART_OF_ALL = 8


@dataclass(frozen=True, slots=True)
class Unit:
    """A class with its methods, or the plain functions of a file, which share its global variables.

    Attributes:
        owner: The class; `None` for the plain functions.
        functions: The functions, those that stand in others left out, in order of line.
    """

    owner: Class | None
    functions: tuple[Function, ...]
    source: SourceText

    @property
    def name(self) -> str:
        """The class's name, `""` for plain functions."""
        return self.owner.name if self.owner else ""

    @property
    def words(self) -> str:
        """The words of the functions, in lower case."""
        return "\n".join([function.words.lowered for function in self.functions])

    @property
    def text(self) -> str:
        """The source, comments and docstrings included."""
        return self.text_of(self.functions) if self.owner is None else _text_of(self.source, self.owner.node)

    def text_of(self, functions: Iterable[Function]) -> str:
        """Return the source of some of the functions."""
        return "\n".join(_text_of(self.source, function.node) for function in functions)

    def around(self, touching: Iterable[Function]) -> Class | Function:
        """Return what a finding speaks of: the class, or the first function where only few have to do with the thing."""
        involved = list(touching)
        if self.owner is None or len(involved) * _PART_OF_ALL < len(self.functions):
            return involved[0]
        return self.owner


def classes_of(subject: ModuleSubject) -> Iterator[Unit]:
    """Yield the classes of a file that have functions."""
    methods: dict[Class, list[Function]] = defaultdict(list)
    for function in subject.outline.functions:
        if function.owner is not None:
            methods[function.owner].append(function)
    for owner, functions in methods.items():
        yield Unit(owner, tuple(functions), subject.source)


def plain_functions(subject: ModuleSubject) -> Unit:
    """Return the functions of a file that stand in no class and no function."""
    functions = (
        function for function in subject.outline.functions if function.owner is None and function.parent is None
    )
    return Unit(None, tuple(functions), subject.source)


def _text_of(source: SourceText, node: ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) -> str:
    return source.text[source.line_start(node.lineno) : source.line_end(node.end_lineno or node.lineno)]
