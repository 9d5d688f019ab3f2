"""The walk that makes a module's outline: a plain stack over `ast`'s own fields, as visitors are half as fast."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from golden_rules.source.constructions import annotated_class, constructions, constructor
from golden_rules.source.importing import imported_names
from golden_rules.source.outline import Call, Class, Function, Import, Outline
from golden_rules.source.trees import BELOW, AnyFunction, AnyTry, AnyWith, bound_around, bound_by, children, dotted

_SPAWNERS = frozenset(
    {
        "create_task", "ensure_future", "submit", "run_in_executor", "to_thread", "start_soon", "Thread", "Process",
        "call_soon", "call_later", "call_soon_threadsafe", "run_coroutine_threadsafe", "add_task", "spawn", "defer",
        "Timer",
    }
)  # fmt: skip
_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
_IMPORTS = (ast.Import, ast.ImportFrom)
_ASSIGNMENTS = (ast.Assign, ast.AnnAssign)
_HOLDING_STATEMENTS = (ast.stmt, ast.ExceptHandler, ast.match_case)
_CAPTURES = frozenset({ast.ExceptHandler, ast.MatchAs, ast.MatchStar, ast.MatchMapping})
# Under these a statement need not run.
_GUARDS = frozenset({ast.If, ast.Try, ast.TryStar, ast.For, ast.While, ast.With, ast.Match})
_COMPREHENSIONS = frozenset({ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp})


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
            self._module_statement(statement)
        while self.waiting:
            node, prefix, owner, parent = self.waiting.pop()
            if isinstance(node, ast.ClassDef):
                self._class(node, prefix, parent)
            else:
                self._function(node, prefix, owner, parent)
        self.result.functions.sort(key=lambda function: function.line)

    def _module_statement(self, statement: ast.stmt) -> None:
        """Note what a statement binds at module level, and queue the functions and classes in it."""
        stack: list[tuple[ast.AST, bool]] = [(statement, False)]
        while stack:
            node, under = stack.pop()
            kind = type(node)
            if kind is ast.Constant or kind is ast.Lambda:
                continue
            if kind in _COMPREHENSIONS:
                stack += [(target, under) for target in bound_around(node)]
            elif isinstance(node, ast.Name):
                if type(node.ctx) is not ast.Load:
                    self.bind(node.id)
            elif isinstance(node, _DEFINITIONS):
                self.bind(node.name)
                self.waiting.append((node, "", None, None))
            elif isinstance(node, _IMPORTS):
                self._import(node, guarded=under)
            else:
                if kind in _CAPTURES:
                    for name in bound_by(node):
                        self.bind(name)
                elif isinstance(node, _ASSIGNMENTS):
                    for target, made in constructions(node):
                        if isinstance(target, ast.Name):
                            self.result.instances[target.id] = made
                nested = under or kind in _GUARDS
                stack += [(child, nested) for child in children(node)]

    def bind(self, name: str) -> None:
        """Note that something other than an import binds a name at module level."""
        if name in self.result.names:
            self.result.rebound.add(name)
        self.result.bound.add(name)

    def _import(self, node: ast.Import | ast.ImportFrom, *, guarded: bool) -> None:
        names = tuple(imported_names(node, self.result.package))
        self.result.imports.append(Import(node, guarded, names))
        for name, target in names:
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
            tuple([dotted(base) for base in node.bases]),
            tuple([dotted(decorator).removesuffix("()") for decorator in node.decorator_list]),
        )
        self.result.classes.append(entry)
        if parent is not None:
            parent.words.found.update(_words_of((*node.decorator_list, *node.bases, *_plain_statements(node))))
        stack: list[ast.AST] = list(node.body)
        while stack:
            child = stack.pop()
            if isinstance(child, _DEFINITIONS):
                self.waiting.append((child, entry.qualname + ".", entry, parent))
            elif isinstance(child, _HOLDING_STATEMENTS):
                if isinstance(child, _ASSIGNMENTS):
                    for target, made in constructions(child):
                        if isinstance(target, ast.Name):
                            entry.attributes[target.id] = made
                else:
                    stack += children(child)

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
        if parent is not None:
            function.words = parent.words
        words = function.words.found
        words.add(node.name)
        words.update(_words_of((*node.decorator_list, *arguments.defaults, *filter(None, arguments.kw_defaults))))
        for argument in every:
            function.bound.add(argument.arg)
            words.add(argument.arg)
            if argument.annotation is not None and (made := annotated_class(argument.annotation)):
                function.instances[argument.arg] = made
        for star in (arguments.vararg, arguments.kwarg):
            if star is not None:
                function.bound.add(star.arg)
        self._body(function)

    def _body(self, function: Function) -> None:
        """Note the facts of a function's own body; the ways through the loop are in order of how often they are taken."""
        calls, called, bound, seen = function.calls, function.called, function.bound, function.nodes
        add = function.words.found.add
        facts, below = _FACTS, BELOW
        awaited: set[int] = set()
        stack: list[Any] = list(function.node.body)
        pop, push = stack.pop, stack.append
        while stack:
            node = pop()
            kind = type(node)
            if kind is ast.Constant:
                if type(node.value) is str:
                    add(node.value)
                continue
            if kind is ast.Name:
                add(node.id)
                if type(node.ctx) is not ast.Load:
                    bound.add(node.id)
                continue
            if kind is ast.Attribute:
                add(node.attr)
                value = node.value
                if type(value) is ast.Name:
                    # It is read, like half of all names.
                    add(value.id)
                else:
                    push(value)
                continue
            if kind is ast.keyword:
                add(node.arg or "")
                push(node.value)
                continue
            seen.add(kind)
            if kind is ast.Call:
                name = dotted(node.func)
                calls.append(Call(name, node.lineno, id(node) in awaited))
                last = name.rpartition(".")[2]
                called.add(last)
                if last in _SPAWNERS:
                    _spawned(function, node)
                push(node.func)
                stack += node.args
                stack += node.keywords
                continue
            if kind is ast.Expr:
                function.statements += 1
                push(node.value)
                continue
            if kind in facts:
                facts[kind](self, function, node)
                if kind in _APART:
                    stack += node.decorator_list
                    continue
            elif kind is ast.Await:
                awaited.add(id(node.value))
                function.awaits += 1
            elif kind is ast.Lambda:
                # Its parameters are no names of the function.
                push(node.body)
                continue
            stack += below[kind](node)
        match function.node.body[0]:
            case ast.Expr(value=ast.Constant(value=str(docstring))):
                function.words.found.discard(docstring)
            case _:
                pass


def _plain_statements(owner: ast.ClassDef) -> list[ast.stmt]:
    return [statement for statement in owner.body if not isinstance(statement, _DEFINITIONS)]


def _words_of(outside: Iterable[ast.AST]) -> Iterator[str]:
    """Yield the words of what belongs to a function and stands outside of its body."""
    nodes = [*outside]
    for node in nodes:
        nodes += children(node)
        match node:
            case (
                ast.Name(id=word)
                | ast.Attribute(attr=word)
                | ast.keyword(arg=str(word))
                | ast.Constant(value=str(word))
            ):
                yield word
            case _:
                pass


def _spawned(function: Function, call: ast.Call) -> None:
    """Note the names that are handed to what runs them apart."""
    for argument in (*call.args, *(keyword.value for keyword in call.keywords)):
        target = argument.func if isinstance(argument, ast.Call) else argument
        if isinstance(target, ast.Name | ast.Attribute) and (spawned := dotted(target)):
            function.spawned.add(spawned)


def _statement(walk: _Walk, function: Function, node: ast.stmt) -> None:  # noqa: ARG001 - what all facts are noted by
    function.statements += 1


def _definition(walk: _Walk, function: Function, node: AnyFunction | ast.ClassDef) -> None:
    function.statements += 1
    function.nested += 1
    function.bound.add(node.name)
    walk.waiting.append((node, function.qualname + ".", None, function))


def _assignment(walk: _Walk, function: Function, node: ast.Assign | ast.AnnAssign) -> None:  # noqa: ARG001 - as above
    function.statements += 1
    if isinstance(node.value, ast.BinOp) and _is_one(node.value.right):
        function.adds_one = True
    for target, made in constructions(node):
        _instance(function, target, made)


def _addition(walk: _Walk, function: Function, node: ast.AugAssign) -> None:  # noqa: ARG001 - as above
    function.statements += 1
    if _is_one(node.value):
        function.adds_one = True


def _with(walk: _Walk, function: Function, node: AnyWith) -> None:  # noqa: ARG001 - as above
    function.statements += 1
    function.withs += 1
    for item in node.items:
        _construction(function, item.optional_vars, item.context_expr)
        if name := dotted(item.context_expr):
            function.measured_blocks.append(name.removesuffix("()"))


def _return(walk: _Walk, function: Function, node: ast.Return) -> None:  # noqa: ARG001 - as above
    function.statements += 1
    if node.value is not None and not (isinstance(node.value, ast.Constant) and node.value.value is None):
        function.returns_value = True


def _try(walk: _Walk, function: Function, node: AnyTry) -> None:  # noqa: ARG001 - as above
    function.statements += 1
    function.handlers += len(node.handlers)
    function.clauses += node.handlers


def _while(walk: _Walk, function: Function, node: ast.While) -> None:  # noqa: ARG001 - as above
    function.statements += 1
    function.loops.append(node)
    if _endless(node.test):
        function.endless_loop = True


def _for(walk: _Walk, function: Function, node: ast.For | ast.AsyncFor) -> None:  # noqa: ARG001 - as above
    function.statements += 1
    function.loops.append(node)


def _scope(walk: _Walk, function: Function, node: ast.Global | ast.Nonlocal) -> None:
    function.statements += 1
    function.declares_scope = True
    if isinstance(node, ast.Global):
        for name in node.names:
            walk.bind(name)


def _import(walk: _Walk, function: Function, node: ast.Import | ast.ImportFrom) -> None:
    function.statements += 1
    for name, meaning in imported_names(node, walk.result.package):
        function.imports[name] = meaning
        function.bound.add(name)


def _yield(walk: _Walk, function: Function, node: ast.Yield | ast.YieldFrom) -> None:  # noqa: ARG001 - as above
    function.yields = True


def _named(walk: _Walk, function: Function, node: ast.NamedExpr) -> None:  # noqa: ARG001 - as above
    _construction(function, node.target, node.value)


def _capture(walk: _Walk, function: Function, node: ast.AST) -> None:  # noqa: ARG001 - as above
    function.bound.update(bound_by(node))


def _construction(function: Function, target: ast.expr | None, value: ast.expr) -> None:
    if target is not None and (made := constructor(value)):
        _instance(function, target, made)


def _instance(function: Function, target: ast.expr, made: str) -> None:
    if isinstance(target, ast.Name):
        function.instances[target.id] = made
    elif (
        isinstance(target, ast.Attribute)
        and isinstance(target.value, ast.Name)
        and target.value.id in ("self", "cls")
        and function.owner is not None
    ):
        # `self.client = client` takes the class that the parameter's annotation names.
        function.owner.attributes.setdefault(target.attr, function.instances.get(made, made))


# What a node says of the function around it, by its type; every statement is one of these.
_FACTS: dict[type[ast.AST], Callable[[_Walk, Function, Any], None]] = {
    kind: _statement
    for kind in vars(ast).values()
    if isinstance(kind, type) and issubclass(kind, ast.stmt) and kind is not ast.stmt
}
_FACTS |= dict.fromkeys(_DEFINITIONS, _definition)
_FACTS |= dict.fromkeys(_ASSIGNMENTS, _assignment)
_FACTS |= dict.fromkeys(_IMPORTS, _import)
_FACTS |= dict.fromkeys(_CAPTURES, _capture)
_FACTS |= {
    ast.AugAssign: _addition,
    ast.With: _with,
    ast.AsyncWith: _with,
    ast.Return: _return,
    ast.Try: _try,
    ast.TryStar: _try,
    ast.While: _while,
    ast.For: _for,
    ast.AsyncFor: _for,
    ast.Global: _scope,
    ast.Nonlocal: _scope,
    ast.Yield: _yield,
    ast.YieldFrom: _yield,
    ast.NamedExpr: _named,
}
# Their bodies are counted apart.
_APART = frozenset(_DEFINITIONS)


def _is_one(value: ast.expr) -> bool:
    return isinstance(value, ast.Constant) and value.value == 1


def _endless(test: ast.expr) -> bool:
    return isinstance(test, ast.Constant) and bool(test.value)
