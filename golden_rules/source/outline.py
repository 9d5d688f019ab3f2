"""What is known of a module at a glance: imports, classes, functions, and the plain facts about each function.

Most rules decide on its `ast` nodes. LibCST parses a tenth of the lines a second that `ast` does, so for the rules that take
its nodes the outline tells where they have anything to look at.
"""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from golden_rules.source.trees import AnyFunction, AnyLoop, dotted, walk

_LOG_METHODS = frozenset({"debug", "info", "warning", "warn", "error", "exception", "critical", "log"})


class Call(NamedTuple):
    """A call as written: `self.client.post`, `requests.Session().get`; `""` where the callee is no plain chain."""

    name: str
    line: int
    awaited: bool


@dataclass(eq=False, slots=True)
class Words:
    """The words of a function with all that stands in it, by which a rule can tell that it need not look.

    Attributes:
        found: Names, attributes, keywords and texts, docstrings left out, as written.
    """

    found: set[str] = field(default_factory=set)
    _lowered: str = ""

    @property
    def lowered(self) -> str:
        """All of them in one text, in lower case: to look for a part of a word in it takes a tenth of a microsecond."""
        if not self._lowered:
            self._lowered = "\n".join(self.found).lower()
        return self._lowered


@dataclass(eq=False, slots=True)
class Import:
    """One import statement at module level.

    Attributes:
        node: The statement.
        guarded: It stands under `if`, `try` or the like (`if TYPE_CHECKING:`), so it need not run.
        names: What `imported_names` tells of it.
    """

    node: ast.Import | ast.ImportFrom
    guarded: bool
    names: tuple[tuple[str, str], ...]


@dataclass(eq=False, slots=True)
class Class:
    """A class statement.

    Attributes:
        bases: The base classes, as written.
        attributes: For an instance attribute, the constructor or annotation that it was set from, as written.
    """

    name: str
    qualname: str
    node: ast.ClassDef
    bases: tuple[str, ...]
    decorators: tuple[str, ...]
    attributes: dict[str, str] = field(default_factory=dict)

    @property
    def line(self) -> int:
        """The line of `class`."""
        return self.node.lineno

    @property
    def start_line(self) -> int:
        """The line of the first decorator, or of `class`."""
        return self.node.decorator_list[0].lineno if self.node.decorator_list else self.node.lineno


@dataclass(eq=False, slots=True)
class Function:
    """A function statement, and the facts about its own body (nested functions left out).

    Attributes:
        qualname: The name as in `__qualname__`, without `<locals>`.
        owner: The class whose body holds it.
        parent: The function whose body holds it, or holds its class.
        decorators: The decorators as written, without arguments.
        bound: Names that the function binds: parameters, assignments, loop targets, imports.
        imports: Names that import statements in the body bind, with what they stand for.
        instances: For a local name, the constructor or annotation it was set from, as written.
        spawned: Names handed to something that runs them apart (`create_task`, `submit`, `Thread`).
        calls: Every call in the body, in no particular order.
        called: The last part of the name of each call.
        nodes: The types of the nodes in the body, but for names, attributes and constants.
        clauses: The `except` clauses in the body; `loops` are the loops.
        adds_one: Whether a statement makes something one more: `x += 1`, `x = x + 1`.
        words: The words of the outermost function around it, or of itself where that is none.
    """

    name: str
    qualname: str
    node: AnyFunction
    owner: Class | None
    parent: Function | None
    decorators: tuple[str, ...]
    is_async: bool
    line: int
    start_line: int
    end_line: int
    parameters: int
    calls: list[Call] = field(default_factory=list)
    called: set[str] = field(default_factory=set)
    nodes: set[type[ast.AST]] = field(default_factory=set)
    bound: set[str] = field(default_factory=set)
    imports: dict[str, str] = field(default_factory=dict)
    instances: dict[str, str] = field(default_factory=dict)
    spawned: set[str] = field(default_factory=set)
    clauses: list[ast.ExceptHandler] = field(default_factory=list)
    loops: list[AnyLoop] = field(default_factory=list)
    words: Words = field(default_factory=Words)
    measured_blocks: list[str] = field(default_factory=list)
    statements: int = 0
    awaits: int = 0
    withs: int = 0
    handlers: int = 0
    nested: int = 0
    yields: bool = False
    endless_loop: bool = False
    returns_value: bool = False
    declares_scope: bool = False
    adds_one: bool = False

    def scopes(self) -> Iterator[Function]:
        """Yield the function, and those around it from the inside out."""
        scope: Function | None = self
        while scope is not None:
            yield scope
            scope = scope.parent

    @property
    def docstring(self) -> str | None:
        """Its documentation, as written, or `None`."""
        match self.node.body[0]:
            case ast.Expr(value=ast.Constant(value=str(text))):
                return text
            case _:
                return None

    @property
    def code_line(self) -> int:
        """The line that the code in its body starts on, the documentation left out; the last one where that is all."""
        body = self.node.body
        first = body[0] if self.docstring is None else body[1] if len(body) > 1 else None
        return self.end_line if first is None else first.lineno

    def is_local(self, name: str) -> bool:
        """Whether a variable is one of the function, or of one around it, rather than of the module."""
        return any(name in scope.bound for scope in self.scopes())

    @property
    def logs_in_handler(self) -> bool:
        """Whether an `except` clause writes to a log."""
        return any(map(_logs, self.clauses))

    @property
    def is_stub(self) -> bool:
        """Whether the body is only a docstring, `...`, `pass`, or `raise NotImplementedError`."""
        return all(_is_stub_statement(statement) for statement in self.node.body)


@dataclass(eq=False, slots=True)
class Outline:
    """A module at a glance.

    Attributes:
        module: The module's dotted name, from its path.
        package: The package that relative imports start from.
        imports: The import statements at module level, in order.
        names: Names bound by imports at module level, with what they stand for.
        bound: Names bound at module level by anything (imports included).
        rebound: Imported names that are also bound by something else at module level.
        instances: For a module-level name, the constructor it was set from, as written.
        star_import: Whether the module imports `*` from anywhere.
    """

    tree: ast.Module
    module: str
    package: str
    functions: list[Function] = field(default_factory=list)
    classes: list[Class] = field(default_factory=list)
    imports: list[Import] = field(default_factory=list)
    names: dict[str, str] = field(default_factory=dict)
    bound: set[str] = field(default_factory=set)
    rebound: set[str] = field(default_factory=set)
    instances: dict[str, str] = field(default_factory=dict)
    star_import: bool = False
    _lowered: str = ""

    @property
    def lowered(self) -> str:
        """The words of all functions in lower case, as `Words.lowered`: a part of a word that is not in it is in no function."""
        if not self._lowered:
            self._lowered = "\n".join([one.words.lowered for one in self.functions if one.parent is None])
        return self._lowered


def bodies_without(outline: Outline, names: Collection[str]) -> frozenset[ast.AST]:
    """Return the function statements of a module in whose bodies none of some names stand, so that a walk can pass over them."""
    return frozenset(function.node for function in outline.functions if function.words.found.isdisjoint(names))


def _logs(handler: ast.ExceptHandler) -> bool:
    return any(
        isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in _LOG_METHODS
        for node in walk(handler)
    )


def _is_stub_statement(statement: ast.stmt) -> bool:
    match statement:
        case ast.Pass():
            return True
        case ast.Expr(value=ast.Constant()):
            return True
        case ast.Raise(exc=ast.expr() as raised):
            return dotted(raised).removesuffix("()").rpartition(".")[2] == "NotImplementedError"
        case _:
            return False
