"""How expressions are written: which parentheses are theirs, and which lines speak of a statement."""

from __future__ import annotations

import ast

import pytest

from golden_rules.source.own_code import own_code
from golden_rules.source.text import SourceText
from golden_rules.source.written import code_of, is_placed, text_of


def _function(text: str) -> ast.FunctionDef:
    function = ast.parse(text).body[0]
    assert isinstance(function, ast.FunctionDef)
    return function


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("x = now - start", "now - start"),
        ("x = (now - start)", "(now - start)"),
        ("x = ( (now - start) ) * 2", "( (now - start) )"),
        ("return(now - start)", "(now - start)"),
        ("log(now - start)", "now - start"),
        ("log((now - start))", "(now - start)"),
        ("(log)(now - start)", "now - start"),
        ("log(took=(now - start))", "(now - start)"),
        ("log('é', (now - start), now)", "(now - start)"),
        ("log(f'é {(now - start):.1f}')", "(now - start)"),
        ("log((now - start) + 1)", "(now - start)"),
        ("log((now - start), now)", "(now - start)"),
        ("log(*(now - start))", "(now - start)"),
        ("x = (\n        now - start\n    )", "(\n        now - start\n    )"),
        ("x = ((now - start) for now in times)", "(now - start)"),
        ("x = (now - start,)", "now - start"),
        ("x = (  # took (\n        now - start\n    )", "now - start"),
        ("log((  # took (\n        (now - start)\n    ))", "(now - start)"),
        ("log('#', (\n        now - start\n    ))", "now - start"),
        ("(log  # (\n    )((now - start))", "(now - start)"),
        ("(log  # (\n    )(now - start)", "now - start"),
    ],
)
def test_parentheses_of_an_expression(line: str, expected: str) -> None:
    """Those right around it are its own; those of a call belong to the call."""
    text = f"def run(now, start):\n    {line}\n"
    code = own_code(_function(text))
    difference = next(node for node in code.nodes if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Sub))
    source = SourceText(text)
    assert code_of(source, code, difference) == expected
    assert is_placed(source, code, difference)


def test_place_in_a_text_is_checked() -> None:
    """Where the interpreter names another place than that of the expression, it is noticed."""
    text = "def run(now, start):\n    log(f'{now - start} s')\n"
    code = own_code(_function(text))
    difference = next(node for node in code.nodes if isinstance(node, ast.BinOp))
    difference.col_offset += 1
    assert not is_placed(SourceText(text), code, difference)


def test_comments_of_a_loop() -> None:
    """Those right above a loop and at the end of its body are part of it; those of its neighbours are not."""
    text = (
        "def run(jobs):\n    for job in jobs:\n        job()\n        # before\n    # above\n\n    while True:\n"
        "        jobs()\n        # in it\n    # below\n    return None\n"
    )
    function = _function(text)
    loop = text_of(SourceText(text), own_code(function), function.body[1])
    assert [word for word in ("before", "above", "in it", "below") if word in loop] == ["above", "in it"]
