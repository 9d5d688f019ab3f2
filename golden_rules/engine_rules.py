"""The findings that the engine makes itself: files that cannot be parsed, and comments that are wrong."""

from __future__ import annotations

from dataclasses import dataclass

from golden_rules.findings import Severity


@dataclass(frozen=True, slots=True)
class EngineRule:
    """A code that no rule class stands for.

    Attributes:
        summary: What it finds, in one line.
        fixable: Whether `--fix` mends it.
        body: The rest of its page, in Markdown.
        severity: How it counts unless the configuration says otherwise: what is untidy, as against what does not do what it says.
    """

    code: str
    name: str
    summary: str
    fixable: bool
    body: str
    severity: Severity = Severity.ERROR

    @property
    def page(self) -> str:
        """The rule's page in Markdown."""
        fix = "A fix is available." if self.fixable else "No fix is available."
        return f"# {self.name} ({self.code})\n\n{self.summary}\n\n{fix}\n\n{self.body.strip()}\n"


SYNTAX_ERROR = EngineRule(
    "GR900",
    "syntax-error",
    "A file or function that cannot be parsed.",
    fixable=False,
    body="""
## What it does
Reports files that are no Python, and single functions and classes that are nested too deeply to be looked at.

## Why is this bad?
No rule can look at them, so nothing is known of what they do. It stays on whatever `select` says; `ignore` and
`per-file-ignores` leave it out.
""",
)
UNUSED_IGNORE = EngineRule(
    "GR901",
    "unused-ignore",
    "A comment that ignores what is not there.",
    fixable=True,
    severity=Severity.WARNING,
    body="""
## What it does
Finds `# golden-rules: ignore[...]` comments, and single codes in them, that silence no finding. It is a warning: it does
not change the exit status unless `severity` makes it an error.

Codes that are switched off for the file are not judged, so `--select` and `per-file-ignores` make no comment look unused.
The rules about the whole project (GR207, GR404) are judged by what they look at in the file.

## Why is this bad?
What was wrong has been mended, or the comment stands in the wrong place. Left alone, it hides the next finding there.

## Example
```python
def total(order):  # golden-rules: ignore[GR201] -- measured by the caller
    return order.sum
```

Use instead:
```python
def total(order):
    return order.sum
```

## Fix safety
The fix removes a comment, or codes from it, and nothing else.
""",
)
IGNORE_WITHOUT_REASON = EngineRule(
    "GR902",
    "ignore-without-reason",
    "A comment that ignores a finding without saying why.",
    fixable=False,
    severity=Severity.WARNING,
    body="""
## What it does
Finds `# golden-rules: ignore[...]` and `ignore-file[...]` comments without a reason after `--`. It is a warning: it does
not change the exit status. Make it an error where reasons are a rule of the house:

```toml
[tool.golden-rules.severity]
GR902 = "error"
```

## Why is this bad?
Whoever reads the line next cannot tell whether the reason still holds. `golden-rules check --statistics` counts what is
ignored by rule and reason.

## Example
```python
def replay(events):  # golden-rules: ignore[GR103]
    ...
```

Use instead:
```python
def replay(events):  # golden-rules: ignore[GR103] -- runs in the benchmark alone
    ...
```
""",
)
INVALID_COMMENT = EngineRule(
    "GR903",
    "invalid-comment",
    "A comment to golden-rules with a rule, a word or a date that does not exist.",
    fixable=False,
    body="""
## What it does
Finds `# golden-rules:` comments that name a rule which does not exist, a day which is no day (`until 2027-02-30`), or a
word that is near one of `ignore`, `ignore-file`, `critical` and `not-critical`. A plugin's rules exist where the plugin is
installed; for a hook of pre-commit that means `additional_dependencies`.

## Why is this bad?
The comment does not do what it says, and nothing else tells.

## Example
```python
def replay(events):  # golden-rules: ignore[GR999] -- runs in the benchmark alone
    ...
```

Use instead:
```python
def replay(events):  # golden-rules: ignore[GR103] -- runs in the benchmark alone
    ...
```
""",
)
ENGINE_RULES = (SYNTAX_ERROR, UNUSED_IGNORE, IGNORE_WITHOUT_REASON, INVALID_COMMENT)
