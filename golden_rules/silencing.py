"""What the comments of one file silence, and which of them are wrong: GR901, GR902, GR903."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from golden_rules.comments import ABOUT_COMMENTS, WORDS, Directives, Ignore, is_date, takes_in
from golden_rules.engine_rules import IGNORE_WITHOUT_REASON, INVALID_COMMENT, UNUSED_IGNORE, EngineRule
from golden_rules.errors import did_you_mean
from golden_rules.findings import Edit, Finding, Fix, Safety, Silence
from golden_rules.registry import codes_and_names
from golden_rules.selection import EVERYTHING, nearest_rule
from golden_rules.source.outline import Class, Function
from golden_rules.source.text import SourceText


@dataclass(slots=True)
class Silencer:
    """Applies the comments of a file to its findings, and remembers which comments did something."""

    directives: Directives
    _used: dict[Ignore, set[str]] = field(default_factory=lambda: defaultdict(set))

    def silence(self, code: str, name: str, line: int, around: Function | Class | None) -> Silence | None:
        """Return what the comment says that silences a rule at a place, or `None` where none does."""
        found = self.directives.silencing(code, name, line, around)
        if found is None:
            return None
        ignore, selector = found
        self._used[ignore].add(selector)
        return ignore.silence

    def wrong_comments(
        self, path: str, source: SourceText, on: frozenset[str], *, everything_on: bool
    ) -> Iterator[Finding]:
        """Yield what is wrong with the comments, silenced or not; call it when all else has been silenced.

        Args:
            path: The file's path.
            source: The file's text.
            on: The codes that are on for the file; of comments about others nothing is known.
            everything_on: Whether no rule is switched off by the command line, so that a comment without codes can be judged.
        """
        if not self.directives.ignores and not self.directives.unknown:
            return
        page = _Page(path, source)
        known = codes_and_names()
        wrong = (*_invalid(page, self.directives, known), *_without_reason(page, self.directives))
        yield from (self._about(finding) for finding in wrong if finding.code in on)
        if UNUSED_IGNORE.code not in on:
            return
        unused = (
            (ignore, self._unused(ignore, on, known, everything_on=everything_on)) for ignore in self.directives.ignores
        )
        yield from (self._about(_unused_finding(page, ignore, selectors)) for ignore, selectors in unused if selectors)

    def _about(self, finding: Finding) -> Finding:
        """Return what is said of a comment, with the silence that another comment asks for."""
        return finding._replace(silence=self.silence(finding.code, finding.name, finding.line, None))

    def _unused(
        self, ignore: Ignore, on: frozenset[str], known: Mapping[str, str], *, everything_on: bool
    ) -> list[str]:
        """Return the selectors of a comment that silence nothing, though what they take in is on."""
        used = self._used.get(ignore, ())
        if not ignore.has_codes:
            return list(ignore.selectors) if everything_on and not used else []
        unused = []
        for selector in ignore.selectors:
            codes = {code for code, name in known.items() if takes_in(selector, code, name)}
            judged = codes and (codes <= on or (everything_on and codes & on)) and UNUSED_IGNORE.code not in codes
            if judged and selector not in used:
                unused.append(selector)
        return unused


@dataclass(frozen=True, slots=True)
class _Page:
    """A file as findings about its comments need it."""

    path: str
    source: SourceText

    def finding(
        self, rule: EngineRule, span: tuple[int, int], message: str, remedy: str, fix: Fix | None = None
    ) -> Finding:
        line, column = self.source.position(span[0])
        return Finding(
            code=rule.code,
            name=rule.name,
            message=message,
            path=self.path,
            line=line,
            column=column,
            end_line=line,
            end_column=column + span[1] - span[0],
            function="",
            severity=rule.severity,
            remedy=remedy,
            text=self.source.line(line),
            fix=fix,
        )


def _invalid(page: _Page, directives: Directives, known: Mapping[str, str]) -> Iterator[Finding]:
    for word, start, end in directives.unknown:
        if hint := did_you_mean(word, WORDS):
            yield page.finding(INVALID_COMMENT, (start, end), f"`{word}` is no word for a comment", _remedy(hint))
    for ignore in directives.ignores:
        span = (ignore.start, ignore.end)
        for selector in ignore.selectors:
            if selector.upper() != EVERYTHING and not any(
                takes_in(selector, code, name) for code, name in known.items()
            ):
                hint = nearest_rule(selector, {*known, *known.values()})
                remedy = (
                    _remedy(hint)
                    if hint
                    else "`golden-rules rules` lists them; a plugin's are known where it is installed"
                )
                yield page.finding(INVALID_COMMENT, span, f"there is no rule `{selector}` to ignore", remedy)
        if not ignore.selectors:
            remedy = "name the rules as in `ignore[GR201]`, or leave the comment out"
            yield page.finding(INVALID_COMMENT, span, "the brackets name no rule to ignore", remedy)
        if ignore.until and not is_date(ignore.until):
            yield page.finding(
                INVALID_COMMENT, span, f"`{ignore.until}` is no date", "write the day as in `until 2027-03-01`"
            )


_ONE = ": did you mean "


def _remedy(hint: str) -> str:
    if not hint.startswith(_ONE):
        return hint.removeprefix(": ")
    return f"write {hint.removeprefix(_ONE).removesuffix('?')}"


def _without_reason(page: _Page, directives: Directives) -> Iterator[Finding]:
    for ignore in directives.ignores:
        if not ignore.reason and not _only_about_comments(ignore):
            message = f"nothing says why {_named(ignore.selectors)} ignored here"
            yield page.finding(
                IGNORE_WITHOUT_REASON, (ignore.start, ignore.end), message, "add the reason: ` -- because ...`"
            )


def _only_about_comments(ignore: Ignore) -> bool:
    return bool(ignore.selectors) and all(selector.upper().startswith(ABOUT_COMMENTS) for selector in ignore.selectors)


def _unused_finding(page: _Page, ignore: Ignore, unused: list[str]) -> Finding:
    where = "in this file" if ignore.whole_file else "here"
    message = f"there is nothing for `{', '.join(unused)}` to ignore {where}"
    if not ignore.has_codes:
        message = f"there is nothing to ignore {where}"
    left = [selector for selector in ignore.selectors if selector not in unused]
    remedy = f"leave {_listed(unused)} out" if left else "remove the comment"
    edit = _without(page.source, ignore, left)
    fix = Fix(Safety.SAFE, remedy, (edit,))
    return page.finding(UNUSED_IGNORE, (ignore.start, ignore.end), message, remedy, fix)


def _without(source: SourceText, ignore: Ignore, left: list[str]) -> Edit:
    """Return the edit that leaves a comment with some of its selectors, or takes it out."""
    text = source.text
    if left:
        opening = text.index("[", ignore.start) + 1
        return Edit(opening, text.index("]", opening), ", ".join(left))
    start, end = ignore.start, ignore.end
    line_start, line_end = source.line_start(ignore.line), source.line_end(ignore.line)
    if not text[line_start:start].strip() and end == line_end:
        return Edit(line_start, source.line_start(ignore.line + 1), "")
    if end == line_end:
        start = line_start + len(text[line_start:start].rstrip())
    else:
        end += len(text[end:line_end]) - len(text[end:line_end].lstrip())
    return Edit(start, end, "")


def _named(selectors: tuple[str, ...]) -> str:
    if selectors == (EVERYTHING,):
        return "every rule is"
    return f"{_listed(list(selectors))} {'is' if len(selectors) == 1 else 'are'}"


def _listed(selectors: list[str]) -> str:
    return ", ".join(f"`{selector}`" for selector in selectors)
