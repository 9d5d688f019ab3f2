"""What one `ast` walk learns of a module: imports, classes, functions, and the plain facts about each function.

LibCST decides and edits, but it parses a tenth of the lines a second that `ast` does, so the outline decides where
LibCST has anything to do. The walk is a plain stack over `ast`'s own fields: `ast.walk` and visitors are
half as fast.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

AnyFunction = ast.FunctionDef | ast.AsyncFunctionDef

_SPAWNERS = frozenset(
    {
        "create_task", "ensure_future", "submit", "run_in_executor", "to_thread", "start_soon", "Thread", "Process",
        "call_soon", "call_later", "call_soon_threadsafe", "run_coroutine_threadsafe", "add_task", "spawn", "defer",
        "Timer",
    }
)  # fmt: skip
_LOG_METHODS = frozenset({"debug", "info", "warning", "warn", "error", "exception", "critical", "log"})


class Call(NamedTuple):
    """A call as written: `self.client.post`, `requests.Session().get`; `""` where the callee is no plain chain."""

    name: str
    line: int
    awaited: bool


@dataclass(eq=False, slots=True)
class Import:
    """One import statement at module level.

    Attributes:
        node: The statement.
        guarded: It stands under `if`, `try` or the like (`if TYPE_CHECKING:`), so it need not run.
    """

    node: ast.Import | ast.ImportFrom
    guarded: bool


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
    bound: set[str] = field(default_factory=set)
    imports: dict[str, str] = field(default_factory=dict)
    instances: dict[str, str] = field(default_factory=dict)
    spawned: set[str] = field(default_factory=set)
    measured_blocks: list[str] = field(default_factory=list)
    statements: int = 0
    awaits: int = 0
    withs: int = 0
    loops: int = 0
    handlers: int = 0
    raises: int = 0
    nested: int = 0
    conditions: int = 0
    yields: bool = False
    endless_loop: bool = False
    logs_in_handler: bool = False
    returns_value: bool = False
    declares_scope: bool = False

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


# The fields of each node type that can hold nodes worth a visit; names, constants, contexts and operators hold none.
_LEAVES = frozenset(
    {"ctx", "op", "ops", "id", "attr", "name", "value_kind", "kind", "type_comment", "lineno", "type_ignores"}
)
_FIELDS: dict[type[ast.AST], tuple[str, ...]] = {
    node_type: tuple(name for name in node_type._fields if name not in _LEAVES or (node_type.__name__ == "TypeAlias"))
    for node_type in vars(ast).values()
    if isinstance(node_type, type) and issubclass(node_type, ast.AST)
}
_FIELDS[ast.Global] = _FIELDS[ast.Nonlocal] = ()
_STATEMENTS = frozenset(
    node_type
    for node_type in _FIELDS
    if issubclass(node_type, ast.stmt) and node_type is not ast.stmt
)  # fmt: skip
_EMPTY: tuple[str, ...] = ()
_CAPTURES = frozenset({ast.ExceptHandler, ast.MatchAs, ast.MatchStar, ast.MatchMapping})
# Under these a statement need not run.
_GUARDS = frozenset({ast.If, ast.Try, ast.TryStar, ast.For, ast.While, ast.With, ast.Match})
_OWN_SCOPES = frozenset({ast.Lambda, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp})


def dotted(node: ast.expr | None) -> str:
    """Return `a.b.c` for a chain of names, `a.b().c` where a call stands inside it, and `""` for anything else."""
    parts: list[str] = []
    while True:
        if isinstance(node, ast.Attribute):
            parts.append("." + node.attr)
            node = node.value
        elif isinstance(node, ast.Name):
            parts.append(node.id)
            break
        elif isinstance(node, ast.Call):
            parts.append("()")
            node = node.func
        elif isinstance(node, ast.Await):
            node = node.value
        else:
            return ""
    parts.reverse()
    return "".join(parts)


def children(node: ast.AST) -> list[ast.AST]:
    """Return the nodes right below a node that are worth a visit, at a third of the cost of `ast.iter_child_nodes`.

    Left out are contexts and operators.
    """
    found: list[ast.AST] = []
    for name in _FIELDS.get(type(node), _EMPTY):
        value = getattr(node, name)
        kind = type(value)
        if kind is list:
            if None in value:
                value = [child for child in value if child is not None]
            found += value
        elif kind in _FIELDS:
            found.append(value)
    return found


def walk(node: ast.AST) -> Iterator[ast.AST]:
    """Yield a node and all below it that are worth a visit, level by level, as `ast.walk` does at three times the cost."""
    found = [node]
    for current in found:
        yield current
        found += children(current)


def outline(tree: ast.Module, module: str, package: str) -> Outline:
    """Walk a module once and return its outline."""
    result = Outline(tree, module, package)
    _Walk(result).module(tree)
    return result


class _Walk:
    """The walk's state: the outline under construction and the bodies still to visit."""

    def __init__(self, result: Outline) -> None:
        self.result = result
        # Bodies of functions and classes wait here, so that each is counted apart and nesting costs no recursion.
        self.waiting: list[tuple[AnyFunction | ast.ClassDef, str, Class | None, Function | None]] = []

    def module(self, tree: ast.Module) -> None:
        for statement in tree.body:
            self._module_statement(statement, guarded=False)
        while self.waiting:
            node, prefix, owner, parent = self.waiting.pop()
            if isinstance(node, ast.ClassDef):
                self._class(node, prefix, parent)
            else:
                self._function(node, prefix, owner, parent)
        self.result.functions.sort(key=lambda function: function.line)

    def _module_statement(self, statement: ast.stmt, *, guarded: bool) -> None:
        """Note what a statement binds at module level, and queue the functions and classes in it."""
        stack: list[tuple[ast.AST, bool]] = [(statement, guarded)]
        while stack:
            node, under = stack.pop()
            kind = type(node)
            if kind is ast.Constant:
                continue
            if isinstance(node, ast.Name):
                if not isinstance(node.ctx, ast.Load):
                    self._bind(node.id)
            elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                self._bind(node.name)
                self.waiting.append((node, "", None, None))
            elif isinstance(node, ast.Import | ast.ImportFrom):
                self._import(node, guarded=under)
            elif kind not in _OWN_SCOPES:
                if kind in _CAPTURES and (name := _captured(node)):
                    self._bind(name)
                elif isinstance(node, ast.Assign | ast.AnnAssign):
                    for target, constructor in _constructions(node):
                        if isinstance(target, ast.Name):
                            self.result.instances[target.id] = constructor
                nested = under or kind in _GUARDS
                stack.extend([(child, nested) for child in children(node)])

    def _bind(self, name: str) -> None:
        if name in self.result.names:
            self.result.rebound.add(name)
        self.result.bound.add(name)

    def _import(self, node: ast.Import | ast.ImportFrom, *, guarded: bool) -> None:
        self.result.imports.append(Import(node, guarded))
        for name, target in imported_names(node, self.result.package):
            if name == "*":
                self.result.star_import = True
                continue
            if name in self.result.bound and name not in self.result.names:
                self.result.rebound.add(name)
            self.result.names[name] = target
            self.result.bound.add(name)

    def _class(self, node: ast.ClassDef, prefix: str, parent: Function | None) -> None:
        entry = Class(
            node.name,
            prefix + node.name,
            node,
            tuple(dotted(base) for base in node.bases),
            tuple(dotted(decorator).removesuffix("()") for decorator in node.decorator_list),
        )
        self.result.classes.append(entry)
        stack: list[ast.AST] = list(node.body)
        while stack:
            child = stack.pop()
            if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                self.waiting.append((child, entry.qualname + ".", entry, parent))
            elif isinstance(child, ast.stmt | ast.ExceptHandler | ast.match_case):
                if isinstance(child, ast.Assign | ast.AnnAssign):
                    for target, constructor in _constructions(child):
                        if isinstance(target, ast.Name):
                            entry.attributes[target.id] = constructor
                stack.extend(ast.iter_child_nodes(child))

    def _function(self, node: AnyFunction, prefix: str, owner: Class | None, parent: Function | None) -> None:
        arguments = node.args
        every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
        function = Function(
            node.name,
            prefix + node.name,
            node,
            owner,
            parent,
            tuple([dotted(decorator).removesuffix("()") for decorator in node.decorator_list]),
            isinstance(node, ast.AsyncFunctionDef),
            node.lineno,
            node.decorator_list[0].lineno if node.decorator_list else node.lineno,
            node.end_lineno or node.lineno,
            len(every),
        )
        self.result.functions.append(function)
        for argument in every:
            function.bound.add(argument.arg)
            if argument.annotation is not None and (constructor := _annotated_class(argument.annotation)):
                function.instances[argument.arg] = constructor
        for star in (arguments.vararg, arguments.kwarg):
            if star is not None:
                function.bound.add(star.arg)
        self._body(function)

    def _body(self, function: Function) -> None:
        calls = function.calls
        bound = function.bound
        fields = _FIELDS
        awaited: set[int] = set()
        stack: list[ast.AST] = list(function.node.body)
        pop, push, extend = stack.pop, stack.append, stack.extend
        while stack:
            node = pop()
            kind = type(node)
            if kind is ast.Name:
                if type(node.ctx) is not ast.Load:  # type: ignore[attr-defined]  # `kind` says what it is
                    bound.add(node.id)  # type: ignore[attr-defined]  # as above
                continue
            if kind is ast.Constant:
                continue
            if kind is ast.Call:
                self._call(function, node, calls, awaited)  # type: ignore[arg-type]  # `kind` says what it is
            elif kind in _STATEMENTS:
                function.statements += 1
                if kind is ast.FunctionDef or kind is ast.AsyncFunctionDef or kind is ast.ClassDef:
                    function.nested += 1
                    bound.add(node.name)  # type: ignore[attr-defined]  # as above
                    self.waiting.append((node, function.qualname + ".", None, function))  # type: ignore[arg-type]  # as above
                    extend(node.decorator_list)  # type: ignore[attr-defined]  # as above
                    continue
                self._statement(function, node)
            elif kind in _CAPTURES:
                if name := _captured(node):
                    bound.add(name)
            elif kind is ast.Await:
                function.awaits += 1
                awaited.add(id(node.value))  # type: ignore[attr-defined]  # as above
            elif kind is ast.Yield or kind is ast.YieldFrom:
                function.yields = True
            elif kind is ast.Lambda:
                push(node.body)  # type: ignore[attr-defined]  # as above; its parameters are no names of the function
                continue
            elif kind is ast.NamedExpr:
                self._construction(function, node.target, node.value)  # type: ignore[attr-defined]  # as above
            for name in fields.get(kind, _EMPTY):
                value = getattr(node, name)
                if type(value) is list:
                    extend(value)
                elif value is not None and type(value) in fields:
                    push(value)

    def _call(self, function: Function, node: ast.Call, calls: list[Call], awaited: set[int]) -> None:
        name = dotted(node.func)
        calls.append(Call(name, node.lineno, id(node) in awaited))
        if name.rpartition(".")[2] not in _SPAWNERS:
            return
        for argument in (*node.args, *(keyword.value for keyword in node.keywords)):
            target = argument.func if isinstance(argument, ast.Call) else argument
            if isinstance(target, ast.Name | ast.Attribute) and (spawned := dotted(target)):
                function.spawned.add(spawned)

    def _statement(self, function: Function, node: ast.AST) -> None:
        match node:
            case ast.Assign() | ast.AnnAssign():
                for target, constructor in _constructions(node):
                    self._instance(function, target, constructor)
            case ast.With() | ast.AsyncWith():
                function.withs += 1
                for item in node.items:
                    self._construction(function, item.optional_vars, item.context_expr)
                    if name := dotted(item.context_expr):
                        function.measured_blocks.append(name.removesuffix("()"))
            case ast.Return():
                if node.value is not None and not (isinstance(node.value, ast.Constant) and node.value.value is None):
                    function.returns_value = True
            case ast.Try() | ast.TryStar():
                function.handlers += len(node.handlers)
                function.logs_in_handler = function.logs_in_handler or any(map(_logs, node.handlers))
            case ast.While():
                function.loops += 1
                if _endless(node.test):
                    function.endless_loop = True
            case ast.For() | ast.AsyncFor():
                function.loops += 1
            case ast.If():
                function.conditions += 1
            case ast.Raise():
                function.raises += 1
            case ast.Global() | ast.Nonlocal():
                function.declares_scope = True
                if isinstance(node, ast.Global):
                    for name in node.names:
                        self._bind(name)
            case ast.Import() | ast.ImportFrom():
                for name, meaning in imported_names(node, self.result.package):
                    function.imports[name] = meaning
                    function.bound.add(name)
            case _:
                pass

    def _construction(self, function: Function, target: ast.expr | None, value: ast.expr) -> None:
        if target is not None and (constructor := _constructor(value)):
            self._instance(function, target, constructor)

    def _instance(self, function: Function, target: ast.expr, constructor: str) -> None:
        if isinstance(target, ast.Name):
            function.instances[target.id] = constructor
        elif (
            isinstance(target, ast.Attribute)
            and isinstance(target.value, ast.Name)
            and target.value.id in ("self", "cls")
            and function.owner is not None
        ):
            # `self.client = client` takes the class that the parameter's annotation names.
            function.owner.attributes.setdefault(target.attr, function.instances.get(constructor, constructor))


def _captured(node: ast.AST) -> str:
    """Return the name that an `except ... as` or a pattern binds, which `ast` keeps as plain text."""
    match node:
        case ast.ExceptHandler(name=str(name)) | ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)):
            return name
        case ast.MatchMapping(rest=str(name)):
            return name
        case _:
            return ""


def imported_names(node: ast.Import | ast.ImportFrom, package: str) -> Iterator[tuple[str, str]]:
    """Yield each name that an import statement binds, with the dotted name it stands for."""
    if isinstance(node, ast.Import):
        for alias in node.names:
            if alias.asname:
                yield alias.asname, alias.name
            else:
                root = alias.name.partition(".")[0]
                yield root, root
        return
    base = node.module or ""
    if node.level:
        parent = package.split(".") if package else []
        kept = parent[: len(parent) - (node.level - 1)]
        base = ".".join([*kept, base] if base else kept)
    for alias in node.names:
        yield alias.asname or alias.name, f"{base}.{alias.name}" if base else alias.name


def _constructions(node: ast.Assign | ast.AnnAssign) -> Iterator[tuple[ast.expr, str]]:
    if isinstance(node, ast.AnnAssign):
        constructor = (node.value is not None and _constructor(node.value)) or _annotated_class(node.annotation)
        if constructor:
            yield node.target, constructor
        return
    made = _constructor(node.value)
    if made:
        for target in node.targets:
            yield target, made


def _constructor(value: ast.expr) -> str:
    if isinstance(value, ast.Await):
        value = value.value
    if isinstance(value, ast.Call):
        return dotted(value.func)
    if isinstance(value, ast.Name):
        return value.id
    if isinstance(value, ast.BoolOp):
        # `client or httpx.Client()`
        return next((name for operand in reversed(value.values) if (name := _constructor(operand))), "")
    return ""


def _annotated_class(annotation: ast.expr) -> str:
    """Return the class an annotation names: `X`, `"X"`, `X | None`, `Optional[X]`, `Annotated[X, ...]`."""
    # Left operands first, on a stack of our own: a union of a thousand classes would overflow Python's.
    waiting = [annotation]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.BinOp):
            waiting += (node.right, node.left)
        elif isinstance(node, ast.Subscript) and dotted(node.value).rpartition(".")[2] in ("Optional", "Annotated"):
            inner = node.slice
            waiting.append(inner.elts[0] if isinstance(inner, ast.Tuple) and inner.elts else inner)
        elif name := _class_name(node):
            return name
    return ""


def _class_name(node: ast.expr) -> str:
    if isinstance(node, ast.Subscript):
        return dotted(node.value)
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value if node.value.replace(".", "").isidentifier() else ""
    return dotted(node)


def _endless(test: ast.expr) -> bool:
    return isinstance(test, ast.Constant) and bool(test.value)


def _logs(handler: ast.ExceptHandler) -> bool:
    return any(
        isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in _LOG_METHODS
        for node in ast.walk(handler)
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
