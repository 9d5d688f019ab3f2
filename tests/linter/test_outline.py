"""The outline: what one walk of `ast` learns of a module and its functions."""

from __future__ import annotations

import ast
import symtable
import sysconfig
from collections.abc import Iterator
from pathlib import Path

import pytest

from golden_rules.source.outline import Function, Outline
from golden_rules.source.outlining import outline
from golden_rules.source.parsing import parse
from golden_rules.source.text import SourceText, decode

STANDARD_LIBRARY = Path(sysconfig.get_path("stdlib"))
REAL_FILES = ("argparse.py", "asyncio/base_events.py", "dataclasses.py", "typing.py", "functools.py")


def outlined(code: str, package: str = "shop") -> Outline:
    """Return the outline of a module."""
    return outline(parse(SourceText(code)), "shop.orders", package)


def function(code: str, name: str = "run") -> Function:
    """Return the outline's entry of a function."""
    return next(entry for entry in outlined(code).functions if entry.name == name)


def test_qualified_names() -> None:
    """As in `__qualname__` without `<locals>`, in order of line, wherever the statement stands."""
    code = """\
class A:
    class B:
        def one(self): ...
    if a:
        async def two(self):
            def three(): ...
            class C:
                def four(self): ...
try:
    def five(): ...
except E:
    @a
    def five(): ...
with x:
    for y in z:
        match y:
            case _:
                def six(): ...
"""
    names = [entry.qualname for entry in outlined(code).functions]
    assert names == ["A.B.one", "A.two", "A.two.three", "A.two.C.four", "five", "five", "six"]


def test_extent_and_owner() -> None:
    """A function knows its first decorator's line, its own, its last, its class, and the function around it."""
    code = "class A:\n    @a(\n        1\n    )\n    async def run(self):\n        def inner():\n            pass\n        return 1\n"
    run = function(code)
    assert (run.start_line, run.line, run.end_line, run.is_async) == (2, 5, 8, True)
    assert run.owner is not None
    assert run.owner.qualname == "A"
    inner = function(code, "inner")
    assert inner.owner is None
    assert inner.parent is not None
    assert inner.parent.qualname == "A.run"


@pytest.mark.parametrize("name", REAL_FILES)
def test_every_real_function_is_there(name: str) -> None:
    """Each function statement of real files has one entry, with its place."""
    tree = ast.parse((STANDARD_LIBRARY / name).read_bytes())
    expected = sorted(
        (node.lineno, node.end_lineno, node.name)
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    )
    found = outline(tree, "module", "").functions
    assert sorted((entry.line, entry.end_line, entry.name) for entry in found) == expected


@pytest.mark.parametrize("name", REAL_FILES)
def test_names_bound_in_real_modules(name: str) -> None:
    """What is bound at module level is what Python's own symbol table says, `global` statements included."""
    text = decode((STANDARD_LIBRARY / name).read_bytes()).text
    table = symtable.symtable(text, name, "exec")
    expected = {symbol.get_name() for symbol in table.get_symbols() if symbol.is_assigned() or symbol.is_imported()}
    expected |= {
        symbol.get_name() for child in below(table) for symbol in child.get_symbols() if symbol.is_declared_global()
    }
    implied = {"__annotations__", "__conditional_annotations__"}
    assert outlined(text).bound - implied == expected - implied


def below(table: symtable.SymbolTable) -> Iterator[symtable.SymbolTable]:
    """Yield the tables of all scopes below one."""
    for child in table.get_children():
        yield child
        yield from below(child)


@pytest.mark.parametrize(
    "statement",
    [
        "name = 1", "name: int = 1", "(a, [*name]) = x", "for name in x: pass", "with x as name: pass", "import name",
        "import name.other", "from x import name", "from x import y as name", "def name(): ...", "class name: ...",
        "del name", "(name := 1)", "try: pass\nexcept E as name: pass", "try: pass\nexcept* E as name: pass",
        "match x:\n case name: pass", "match x:\n case [*name]: pass", "match x:\n case {**name}: pass",
        "match x:\n case A(b=name): pass", "match x:\n case (1 | 2) as name: pass", "if a:\n while b:\n  name += 1",
        "[(name := y) for y in x]", "{y: 1 for y in x if (name := y)}", "[[name := z for z in y] for y in x]",
    ],
)  # fmt: skip
def test_whatever_binds_a_name(statement: str) -> None:
    """Every statement that binds a name does so for a module and for a function."""
    assert "name" in outlined(statement).bound
    assert "name" in function("def run():\n" + "".join(f"    {line}\n" for line in statement.split("\n"))).bound


@pytest.mark.parametrize(
    "expression",
    [
        "name",
        "name.x",
        "name()",
        "[name for name in x]",
        "lambda name: name",
        "{'name'}",
        "[lambda: (name := y) for y in x]",
    ],
)
def test_what_binds_no_name(expression: str) -> None:
    """Reading a name, and scopes of their own, bind nothing in a module."""
    assert "name" not in outlined(f"{expression}\n").bound


def test_global_statement_binds_in_the_module() -> None:
    """A function that declares a name global may set it at any time."""
    found = outlined("from x import name\ndef run():\n    global name, other\n")
    assert found.rebound == {"name"}
    assert "other" in found.bound


@pytest.mark.parametrize(
    ("statement", "package", "names"),
    [
        ("import a.b.c", "shop", {"a": "a"}),
        ("import a.b.c as d", "shop", {"d": "a.b.c"}),
        ("from a.b import c, d as e", "shop", {"c": "a.b.c", "e": "a.b.d"}),
        ("from . import a", "shop.web", {"a": "shop.web.a"}),
        ("from .a import b", "shop.web", {"b": "shop.web.a.b"}),
        ("from ..a import b", "shop.web", {"b": "shop.a.b"}),
        ("from ... import b", "shop", {"b": "b"}),
        ("from .a import b", "", {"b": "a.b"}),
    ],
)
def test_imports(statement: str, package: str, names: dict[str, str]) -> None:
    """Each imported name with what it stands for, relative ones from the package on, beyond its top too."""
    assert outlined(statement, package).names == names


@pytest.mark.parametrize("guard", ["if a", "try", "for a in b", "while a", "with a", "match a:\n case b"])
def test_guarded_imports(guard: str) -> None:
    """An import that need not run is marked as such."""
    end = "\nfinally: pass" if guard == "try" else ""
    found = outlined(f"import x\n{guard}:\n  import y{end}\n")
    assert [(entry.node.names[0].name, entry.guarded) for entry in found.imports] == [("x", False), ("y", True)]
    assert outlined("from x import *").star_import


@pytest.mark.parametrize(
    ("annotation", "name"),
    [
        ("Client", "Client"), ("httpx.Client", "httpx.Client"), ("'Client'", "Client"), ("Client | None", "Client"),
        ("None | Client", "Client"), ("Optional[Client]", "Client"), ("t.Annotated[Client, 1]", "Client"),
        ("list[Client]", "list"), ("Optional['Client']", "Client"), ("'not a name'", None), ("(lambda: 1)", None),
        ("Optional[()]", None), (" | ".join(["A"] * 900), "A"),
    ],
)  # fmt: skip
def test_annotations(annotation: str, name: str | None) -> None:
    """A parameter's annotation tells its class, however it is written."""
    assert function(f"def run(x: {annotation}): ...").instances.get("x") == name


def test_facts_of_a_body_leave_nested_functions_out() -> None:
    """Calls, awaits, loops and handlers are counted in the function whose body they stand in."""
    run = function(
        """\
async def run(self):
    '''Text.'''
    while True:
        async with self.lock, open() as file:
            await self.client.get(f(x))[0].close()
    try:
        pass
    except E:
        log.warning(1)
        raise
    def nested():
        for x in y:
            yield await_(x)
"""
    )
    assert {call.name for call in run.calls} == {"open", "", "self.client.get", "f", "log.warning"}
    assert (run.awaits, len(run.loops), run.handlers, run.withs, run.nested) == (1, 1, 1, 1, 1)
    assert (run.yields, run.endless_loop, run.logs_in_handler, run.returns_value) == (False, True, True, False)
    assert not run.is_stub


@pytest.mark.parametrize("file", REAL_FILES)
def test_words_hold_all_that_a_function_says(file: str) -> None:
    """Every name, attribute, keyword and text in a function's body and decorators, so that a word that is missing is nowhere."""
    module = outline(parse(decode((STANDARD_LIBRARY / file).read_bytes())), "", "")
    for entry in module.functions:
        said = {word for part in (*entry.node.body, *entry.node.decorator_list) for word in said_by(part)}
        assert said <= entry.words.found | docstrings(entry.node)


def said_by(node: ast.AST) -> Iterator[str]:
    """Yield the words of a node and of all below it."""
    for inner in ast.walk(node):
        match inner:
            case (
                ast.Name(id=word)
                | ast.Attribute(attr=word)
                | ast.keyword(arg=str(word))
                | ast.Constant(value=str(word))
            ):
                yield word
            case _:
                pass


def docstrings(node: ast.AST) -> set[str | None]:
    """Return the docstrings of the functions and classes in a node."""
    kinds = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
    return {ast.get_docstring(inner, clean=False) for inner in ast.walk(node) if isinstance(inner, kinds)}


@pytest.mark.parametrize(
    ("statement", "adds"),
    [("x += 1", True), ("x = x + 1", True), ("d[k]: int = d.get(k, 0) + 1", True), ("x += 2", False), ("x = 1", False)],
)
def test_adding_one(statement: str, adds: bool) -> None:
    """Where nothing is made one more, nothing is counted by hand."""
    assert function(f"def run(x, d, k):\n    if x:\n        {statement}\n").adds_one is adds


@pytest.mark.parametrize(
    "body", ["...", "pass", "'''Text.'''", "raise NotImplementedError", "raise a.NotImplementedError('x')"]
)
def test_stubs(body: str) -> None:
    """A body that does nothing is a stub."""
    assert function(f"def run(): {body}").is_stub
    assert not function(f"def run():\n    {body}\n    x()\n").is_stub
