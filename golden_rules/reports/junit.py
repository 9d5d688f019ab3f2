"""The format `junit`: a test suite for each file with findings, a failed test for each error in it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from itertools import groupby
from typing import TYPE_CHECKING

from golden_rules.findings import Finding, Severity
from golden_rules.reports.words import grace
from golden_rules.runner import Run

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

# Characters that XML 1.0 has no way to write.
_UNWRITABLE = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def junit_report(run: Run) -> Iterator[str]:
    """Yield the findings as JUnit XML; warnings are tests that pass, and say what they found in their output."""
    from xml.etree import ElementTree as ET

    root = ET.Element("testsuites", name="golden-rules", tests=str(len(run.findings) or 1), failures=str(run.errors))
    if not run.findings:
        suite = ET.SubElement(root, "testsuite", name="golden-rules", tests="1", failures="0", errors="0")
        ET.SubElement(suite, "testcase", name="no findings", classname="golden-rules")
    ordered = sorted(run.findings, key=lambda finding: (finding.path, finding.line, finding.column))
    for path, group in groupby(ordered, key=lambda finding: finding.path):
        _add_suite(root, path, list(group), run.today)
    ET.indent(root)
    yield f'<?xml version="1.0" encoding="utf-8"?>\n{ET.tostring(root, encoding="unicode")}'


def _add_suite(root: Element, path: str, findings: list[Finding], today: date) -> None:
    from xml.etree import ElementTree as ET

    failures = sum(finding.severity is Severity.ERROR for finding in findings)
    suite = ET.SubElement(
        root, "testsuite", name=_text(path), tests=str(len(findings)), failures=str(failures), errors="0"
    )
    for finding in findings:
        name = f"{finding.code} {finding.function or 'module'} ({finding.line}:{finding.column})"
        case = ET.SubElement(
            suite, "testcase", name=_text(name), classname=_text(path), file=_text(path), line=str(finding.line)
        )
        words = f"{finding.path}:{finding.line}:{finding.column}: {finding.message}\nhelp: {finding.remedy}"
        if finding.grace_until:
            words += f"\nnote: {grace(finding, today)}"
        if finding.severity is Severity.ERROR:
            failure = ET.SubElement(case, "failure", message=_text(finding.message), type=finding.code)
            failure.text = _text(words)
        else:
            ET.SubElement(case, "system-out").text = _text(f"warning: {words}")


def _text(text: str) -> str:
    return _UNWRITABLE.sub("\N{REPLACEMENT CHARACTER}", text)
