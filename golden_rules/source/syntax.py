"""The running interpreter's own parser, asked without its warnings, and what LibCST cannot take though it could."""

from __future__ import annotations

import ast
import warnings


class SliceError(Exception):
    """LibCST cannot take a piece of source that `ast` parsed: nested too deeply, or not given back unchanged."""


def parsed(text: str) -> ast.Module:
    """Parse text as `ast.parse` does, and raise what it raises.

    A warning about an invalid escape is for the author's interpreter to print, not for us.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return ast.parse(text)


def why_not_compiled(tree: ast.Module) -> str:
    """Return what the running interpreter says against code that it can parse: `'break' outside loop`; `""` where it says nothing."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compile(tree, "<code>", "exec", dont_inherit=True)
    except SyntaxError as error:
        return error.msg
    except (RecursionError, MemoryError):
        # Too deep for the compiler of this interpreter, as it was before.
        return ""
    return ""
