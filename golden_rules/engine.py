"""The analysis of one file: from its bytes to findings, as a pure function.

Data flows one way: bytes, text, outline, verdicts, slices, rules, findings. A process pool, an editor or any distributed
engine can map `analyse_source`, since what goes in and comes out is plain and picklable.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from golden_rules.comments import read_directives
from golden_rules.config import Config
from golden_rules.criticality import Verdict, verdicts
from golden_rules.findings import FileFacts, FileResult, Finding, ScoredFunction, Severity
from golden_rules.naming import module_parts, package_of
from golden_rules.precedence import UNMEASURED, one_finding_per_wrong, serving
from golden_rules.registry import ENGINE_CODES, codes_and_names, load_rules
from golden_rules.rules.base import Rule, SliceKind, Subject, Violation
from golden_rules.source.outline import Function, outline
from golden_rules.source.parsing import Unparseable, parse
from golden_rules.source.text import SourceText, UndecodableSource, decode

if TYPE_CHECKING:
    from golden_rules.source.slices import Slice

SYNTAX_ERROR = "GR900"


def check_source(source: bytes | str, path: str, config: Config) -> tuple[Finding, ...]:
    """Return the findings of `analyse_source` alone."""
    return analyse_source(source, path, config).findings


def analyse_source(
    source: bytes | str,
    path: str,
    config: Config,
    rules: Sequence[Rule] | None = None,
    *,
    triggers: bool = True,
) -> FileResult:
    """Analyse one file; nothing is read or written.

    Args:
        source: The file's content.
        path: Its path relative to the project's root, with `/`.
        config: The settings in force for it.
        rules: The rules to choose from; by default all that are installed.
        triggers: Whether rules are skipped where their words are absent; it changes the time taken and nothing else.

    Returns:
        Its findings in order of place, its functions with their scores, and what else is known of it. A file that does
        not parse has one finding, GR900.
    """
    try:
        text = SourceText(source.removeprefix("\ufeff")) if isinstance(source, str) else decode(source)
    except UndecodableSource as error:
        return _unparsed(path, config, str(error), SourceText(""), error.line, 1)
    try:
        tree = parse(text)
    except Unparseable as error:
        return _unparsed(path, config, str(error), text, error.line, error.column)
    module = outline(tree, ".".join(module_parts(path)), package_of(path))
    directives = read_directives(text)
    judged = verdicts(module, path, config, directives)
    served = serving(module, judged)
    chosen = _chosen(load_rules() if rules is None else rules, path, config, text.text if triggers else None)
    inner = [rule for rule in chosen if not rule.code.startswith(UNMEASURED)]
    findings: list[Finding] = []
    silenced: list[str] = []
    for function in module.functions:
        subject = Subject(path, function, module, text, config, judged[function])
        for finding in _findings(subject, inner if function in served else chosen):
            if directives.suppress(finding.code, finding.line, function):
                silenced.append(finding.code)
            else:
                findings.append(finding)
    findings = sorted(one_finding_per_wrong(findings), key=_place)
    withheld = 0
    if not config.runtime_declared:
        withheld = sum(_needs_import(finding) for finding in findings)
        findings = [
            replace(finding, fix=None, unsafe_fix=None) if _needs_import(finding) else finding for finding in findings
        ]
    facts = FileFacts(text.line_count, tuple(silenced), withheld)
    return FileResult(path, tuple(findings), tuple(_scored(path, judged)), facts)


def _place(finding: Finding) -> tuple[int, int, str]:
    return finding.line, finding.column, finding.code


def _needs_import(finding: Finding) -> bool:
    return finding.fix is not None and bool(finding.fix.imports)


def _scored(path: str, judged: Mapping[Function, Verdict]) -> Iterator[ScoredFunction]:
    for function, verdict in judged.items():
        yield ScoredFunction(
            path=path,
            function=function.qualname,
            line=function.line,
            score=verdict.score,
            critical=verdict.critical,
            measured=bool(verdict.measured),
            reasons=tuple(f"{reason.words} ({reason.points:+g})" for reason in verdict.reasons),
        )


def _chosen(rules: Sequence[Rule], path: str, config: Config, text: str | None) -> list[Rule]:
    """Return the rules that are on for a file and, given its text, have one of their words in it."""
    known = {**{rule.code: rule.name for rule in rules}, **ENGINE_CODES}
    on = config.enabled_codes(known, path)
    return [rule for rule in rules if rule.code in on and _triggered(rule, text)]


def _triggered(rule: Rule, text: str | None) -> bool:
    # An alias needs no care here: the import statement that makes it holds the word.
    return text is None or not rule.triggers or any(word in text for word in rule.triggers)


def _findings(subject: Subject, rules: Sequence[Rule]) -> Iterator[Finding]:
    """Yield what the rules find in one function; each kind of slice is parsed once, and only if a rule wants it."""
    wanting = [rule for rule in rules if rule.wants(subject)]
    if not wanting:
        return
    from golden_rules.source.slices import SliceError, function_slice, header_slice

    makers = {SliceKind.HEADER: header_slice, SliceKind.FUNCTION: function_slice}
    slices: dict[SliceKind, Slice] = {}
    for rule in wanting:
        try:
            if rule.slice_kind not in slices:
                slices[rule.slice_kind] = makers[rule.slice_kind](subject.source, subject.function)
            violations = list(rule.check(subject, slices[rule.slice_kind]))
        except (SliceError, RecursionError) as error:
            yield _unseen(subject, str(error) or "it is nested too deeply")
            return
        for violation in violations:
            yield _finding(subject, rule, violation)


def _finding(subject: Subject, rule: Rule, violation: Violation) -> Finding:
    line, column = subject.source.position(violation.span[0])
    end_line, end_column = subject.source.position(violation.span[1])
    return Finding(
        code=rule.code,
        name=rule.name,
        message=violation.message,
        path=subject.path,
        line=line,
        column=column,
        end_line=end_line,
        end_column=end_column,
        function=subject.function.qualname,
        severity=Severity.ERROR,
        remedy=violation.remedy,
        text=subject.source.line(line),
        fix=violation.fix,
        unsafe_fix=violation.unsafe_fix,
    )


def _unseen(subject: Subject, reason: str) -> Finding:
    """Return the finding for a function that `ast` can parse and LibCST cannot."""
    function = subject.function
    line = subject.source.line(function.line)
    return Finding(
        code=SYNTAX_ERROR,
        name=ENGINE_CODES[SYNTAX_ERROR],
        message=f"`{function.qualname}` cannot be checked: {reason}",
        path=subject.path,
        line=function.line,
        column=1,
        end_line=function.line,
        end_column=len(line) + 1,
        function=function.qualname,
        severity=Severity.ERROR,
        remedy="simplify it, or exclude the file",
        text=line,
    )


def _unparsed(path: str, config: Config, message: str, text: SourceText, line: int, column: int) -> FileResult:
    """Return the result for a file that is no Python."""
    facts = FileFacts(text.line_count)
    if SYNTAX_ERROR not in config.enabled_codes(codes_and_names(), path):
        return FileResult(path, facts=facts)
    finding = Finding(
        code=SYNTAX_ERROR,
        name=ENGINE_CODES[SYNTAX_ERROR],
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
