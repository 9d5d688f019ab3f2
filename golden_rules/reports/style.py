"""What terminals are given: colour, where it is wanted, and nothing else that they would act on."""

from __future__ import annotations

import os
from typing import IO, NamedTuple

# What would steer a terminal, as the pictures that Unicode has of it, and what would show code in another order than it runs in.
_PICTURES = {code: 0x2400 + code for code in range(0x20)} | {0x7F: 0x2421}
_PICTURES |= dict.fromkeys((*range(0x80, 0xA0), *range(0x202A, 0x202F), *range(0x2066, 0x206A)), 0xFFFD)


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


def harmless(text: str) -> str:
    """Return text that no terminal takes for a command: names of files and lines of code may hold anything."""
    return text if text.isprintable() else text.translate(_PICTURES)
