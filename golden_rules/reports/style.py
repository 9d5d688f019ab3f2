"""Colour for terminals, and none anywhere else."""

from __future__ import annotations

import os
from typing import IO, NamedTuple


class Style(NamedTuple):
    """Paints text with ANSI colours, or leaves it alone."""

    on: bool = False

    def bold(self, text: str) -> str:
        """Return the text in bold."""
        return self._paint("1", text)

    def red(self, text: str) -> str:
        """Return the text in bold red, for codes and carets."""
        return self._paint("1;31", text)

    def yellow(self, text: str) -> str:
        """Return the text in bold yellow, for codes of warnings."""
        return self._paint("1;33", text)

    def blue(self, text: str) -> str:
        """Return the text in bold blue, for the frame."""
        return self._paint("1;34", text)

    def cyan(self, text: str) -> str:
        """Return the text in cyan, for what can be fixed."""
        return self._paint("36", text)

    def _paint(self, codes: str, text: str) -> str:
        return f"\033[{codes}m{text}\033[0m" if self.on else text


def style_for(stream: IO[str]) -> Style:
    """Return the style for a stream: colour on terminals, unless `NO_COLOR` is set; `FORCE_COLOR` asks for it elsewhere."""
    if os.environ.get("NO_COLOR"):
        return Style()
    return Style(on=bool(os.environ.get("FORCE_COLOR")) or stream.isatty())
