"""The findings for what cannot be looked at: files that are no Python, and functions and classes that nest too deeply (GR900)."""

from __future__ import annotations

from dataclasses import replace

from golden_rules.config import Config
from golden_rules.engine_rules import SYNTAX_ERROR
from golden_rules.findings import NAMES, Fact, FileFacts, FileResult, Finding, Severity
from golden_rules.registry import codes_and_names
from golden_rules.selection import EVERYTHING
from golden_rules.source.mentions import words
from golden_rules.source.syntax import SliceError
from golden_rules.source.text import SourceText


def unseen(path: str, source: SourceText, around: str, line: int, error: Exception) -> Finding:
    """Return the finding for a function or class that `ast` can parse, and that LibCST cannot or no rule can follow."""
    text = source.line(line)
    why = str(error) if isinstance(error, SliceError) else "it is nested too deeply"
    return Finding(
        code=SYNTAX_ERROR.code,
        name=SYNTAX_ERROR.name,
        message=f"`{around}` cannot be checked: {why}",
        path=path,
        line=line,
        column=1,
        end_line=line,
        end_column=len(text) + 1,
        function=around,
        severity=Severity.ERROR,
        remedy="simplify it, or exclude the file",
        text=text,
    )


def unparsed(
    path: str, config: Config, held: bytes | str, message: str, text: SourceText, line: int, column: int
) -> FileResult:
    """Return the result for a file that is no Python; it may all the same use what other files define.

    `held` is all that it holds, and `text` what could be decoded of that.
    """
    names = sorted(words(held if isinstance(held, str) else bytes(held).decode("latin-1")))
    facts = FileFacts(text.line_count, project=(Fact(NAMES, path, tuple(names)),))
    # Whatever is selected, a file that could not be looked at is not clean; only `ignore` settings leave it out.
    everything = replace(config, select=(EVERYTHING,), command_line=config.command_line._replace(select=None))
    if SYNTAX_ERROR.code not in everything.enabled_codes(codes_and_names(), path):
        return FileResult(path, facts=facts)
    finding = Finding(
        code=SYNTAX_ERROR.code,
        name=SYNTAX_ERROR.name,
        message=f"this file cannot be parsed: {message}",
        path=path,
        line=line,
        column=column,
        end_line=line,
        end_column=column,
        function="",
        severity=Severity.ERROR,
        remedy="mend the syntax, or exclude the file",
        text=text.line(line) if line <= text.line_count else "",
    )
    return FileResult(path, (finding,), facts=facts)
