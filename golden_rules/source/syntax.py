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
