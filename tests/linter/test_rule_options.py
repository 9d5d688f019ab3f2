"""Tables of single rules: what they may hold, what it changes, and where one sees it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from jsonschema import Draft7Validator

from golden_rules.cli import commands
from golden_rules.config import Config, Configs
from golden_rules.engine import check_source
from golden_rules.errors import UsageError
from golden_rules.options import FlagOption, NumberOption, Option, PatternOption, StringsOption
from golden_rules.registry import BUILT_IN
from golden_rules.rules.base import Bad
from golden_rules.schema import schema

# For every option of ours, a value that changes what is said of the rule's first bad case.
EXAMPLES: dict[tuple[str, str], object] = {
    ("GR101", "threshold"): 1000,
    ("GR102", "threshold"): 1000,
    ("GR103", "threshold"): 1000,
    ("GR104", "threshold"): 1000,
    ("GR202", "allowed"): ["hits", "self.misses"],
    ("GR205", "allowed"): ["prometheus_client"],
    ("GR301", "allowed-in"): ["shop.orders"],
    ("GR302", "allowed-in"): ["shop.gateway.GatewayBreaker"],
    ("GR303", "allowed-in"): ["src/shop/mail.py"],
    ("GR304", "allowed-in"): ["shop.parcels.*"],
    ("GR403", "pattern"): "Shop[.a-z]+",
    ("GR405", "bounded"): ["reason"],
    ("GR406", "marks-failure"): ["exception"],
}
# Where the first bad case is wrong in another way, too, one that is not.
SOURCES = {"GR403": 'from golden_runtime import counted\n\n@counted("Shop.orders.paid")\ndef pay(order): ...\n'}
RULES = {rule.code: rule for rule in BUILT_IN}


def run(*arguments: str) -> Result:
    """Run a command."""
    return CliRunner().invoke(commands, list(arguments), standalone_mode=False)


def findings(*options: str) -> list[dict[str, object]]:
    """Return what `check` finds in the folder."""
    document = json.loads(run("check", "--format", "json", *options).stdout)
    return list(document["findings"])


def configure(folder: Path, text: str) -> None:
    """Write the configuration."""
    (folder / "golden-rules.toml").write_text(text)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty project."""
    monkeypatch.chdir(tmp_path)
    configure(tmp_path, "")
    return tmp_path


def test_every_option_has_an_example() -> None:
    """So that none is declared and never read."""
    assert set(EXAMPLES) == {(rule.code, option.name) for rule in BUILT_IN for option in rule.options}


@pytest.mark.parametrize(("code", "name"), EXAMPLES)
def test_it_changes_what_is_found(folder: Path, code: str, name: str) -> None:
    """Also where the cache knows what was found without it; and the rule's own name is as good as its code."""
    rule = RULES[code]
    case = next(case for case in rule.cases if isinstance(case, Bad))
    (folder / case.path).parent.mkdir(parents=True, exist_ok=True)
    (folder / case.path).write_text(SOURCES.get(code, case.code))
    before = findings("--select", code)
    assert {finding["code"] for finding in before} == {code}
    for key in (code, rule.name):
        configure(folder, f"[rules.{key}]\n{name} = {json.dumps(EXAMPLES[code, name])}\n")
        after = findings("--select", code)
        assert after != before
        assert after == findings("--select", code, "--no-cache")
        configure(folder, "")
        assert findings("--select", code) == before


def test_by_path(folder: Path) -> None:
    """`overrides` say it for some files, on top of what holds for all."""
    for name in ("old", "new"):
        (folder / f"{name}.py").write_text("METRIC.labels(1).inc()\n\ndef f(url):\n    HITS.labels(page=url).inc()\n")
    configure(
        folder,
        "[rules.GR405]\nseverity = 'warning'\n[[overrides]]\npaths = ['old.py']\n"
        "[overrides.rules.unbounded-label]\nbounded = ['page']\n[[overrides]]\npaths = ['new.py']\nrules.GR405.severity = 'error'\n",
    )
    assert [(found["path"], found["severity"]) for found in findings("--select", "GR405")] == [("new.py", "error")]


def test_layers(tmp_path: Path) -> None:
    """What a team's own file says of an option goes on top of what the shared one says, by whichever name."""
    (tmp_path / "base.toml").write_text("[rules.unbounded-label]\nbounded = ['page']\n[rules.GR103]\nthreshold = 3\n")
    configure(tmp_path, "extend = 'base.toml'\n[rules.GR405]\nbounded = ['user']\n")
    config = Configs().for_path(tmp_path)
    bounded, points = StringsOption("bounded", ""), NumberOption("threshold", "")
    assert config.option("GR405", "unbounded-label", bounded) == ("user",)
    assert config.option("GR103", "unmeasured-workflow", points) == 3


def test_severity_and_grace_of_any_rule(folder: Path) -> None:
    """Also of those about comments; the tables `severity` and `grace-until` say the same."""
    (folder / "a.py").write_text(
        "x = 1  # golden-rules: ignore[GR201] -- for no reason\n\ndef f(url):\n    HITS.labels(page=url).inc()\n"
    )
    configure(folder, "[rules.unused-ignore]\nseverity = 'error'\n[rules.GR405]\ngrace-until = 2999-01-01\n")
    found = {str(finding["code"]): finding for finding in findings()}
    assert found["GR901"]["severity"] == "error"
    assert (found["GR405"]["severity"], found["GR405"]["grace_until"]) == ("warning", "2999-01-01")


@pytest.mark.parametrize(
    ("toml", "sentence"),
    [
        (
            "[rules.GR405]\nbunded = ['a']",
            "GR405 has no option `bunded`, which golden-rules.toml (line 2) sets: did you mean `bounded`?",
        ),
        (
            "[rules.GR201]\nxyz = 1",
            "GR201 has no option `xyz`, which golden-rules.toml (line 2) sets: its options are `severity`, `grace-until`",
        ),
        (
            "[rules.GR405]\nseverity = 'error'\nbounded = 'a'",
            "`rules.GR405.bounded` in golden-rules.toml (line 3) must be a list of strings, not a string",
        ),
        (
            "rules.GR403.pattern = '('",
            (
                "`rules.GR403.pattern` in golden-rules.toml (line 1) must be a regular expression, which `(` is not: "
                "missing ), unterminated subpattern at position 0"
            ),
        ),
        (
            "rules = { unmeasured-workflow = { threshold = true } }",
            "`rules.unmeasured-workflow.threshold` in golden-rules.toml (line 1) must be a number, not a boolean",
        ),
        (
            "[rules.GR304]\nallowed-in.x = 1",
            "`rules.GR304.allowed-in` in golden-rules.toml (line 2) must be a list of strings, not a table",
        ),
        (
            "[rules.GR304]\nallowed-in = ['a[']",
            "`rules.GR304.allowed-in` in golden-rules.toml (line 2) has the malformed pattern `a[`: its `[` is never closed",
        ),
        (
            "\n[rules.unbound-label]\nbounded = []",
            "unknown rule `unbound-label` in golden-rules.toml (line 2): did you mean `unbounded-label`?",
        ),
        (
            "[rules.GR4]\nseverity = 'warning'",
            (
                "`rules.GR4` names more than one rule in golden-rules.toml (line 1): give each rule its own table, "
                "or use the tables `severity` and `grace-until`"
            ),
        ),
        (
            "[rules.GR405]\nseverity = 'warn'",
            (
                "`rules.GR405.severity` in golden-rules.toml (line 2) must be `error` or `warning`, not `warn`: "
                "did you mean `warning`?"
            ),
        ),
        (
            "severity = {GR405 = 'error'}\n[rules.GR405]\nseverity = 'warning'",
            "`rules.GR405.severity` in golden-rules.toml (line 3) is said under `severity` too: leave one out",
        ),
        (
            "[rules.GR405]\ngrace-until = 'soon'",
            "`rules.GR405.grace-until` in golden-rules.toml (line 2) must be a date such as `2027-06-01`, not `soon`",
        ),
        ("rules = 3", "`rules` in golden-rules.toml (line 1) must be tables such as `[rules.GR405]`"),
        (
            "rules.GR405 = 'warning'",
            '`rules.GR405` in golden-rules.toml (line 1) must be a table, as in `rules.GR405.severity = "warning"`',
        ),
        (
            "[[overrides]]\npaths = ['x']\n\n[overrides.rules.GR405]\nbounded = 3",
            "`rules.GR405.bounded` in [overrides] of golden-rules.toml (line 5) must be a list of strings, not an integer",
        ),
    ],
)
@pytest.mark.parametrize("command", ["check", "config"])
def test_mistakes(folder: Path, command: str, toml: str, sentence: str) -> None:
    """They are told before any file is looked at, with the line, in every command that uses settings."""
    configure(folder, toml)
    error = run(command).exception
    assert isinstance(error, UsageError)
    assert str(error) == sentence


def test_a_mistake_is_told_after_a_run_without_it(folder: Path) -> None:
    """A cache that has checked one table says nothing about another."""
    configure(folder, "[rules.GR405]\nbounded = ['a']\n")
    assert run("check").return_value == 0
    configure(folder, "[rules.GR405]\nbounded = [1]\n")
    assert "must be a list of strings" in str(run("check").exception)


def test_an_unchecked_value_is_no_traceback() -> None:
    """Who makes a configuration in code gets the same sentence when the rule reads it."""
    config = Config(root=Path(), rules=(("GR405", (("bounded", 3),)),))
    with pytest.raises(UsageError, match="`bounded` of GR405 must be a list of strings, not an integer"):
        check_source("def f(url):\n    HITS.labels(url).inc()\n", "a.py", config)


def test_config_shows_them(folder: Path) -> None:
    """Each with the file and line it comes from, also from an override, and severities under their key."""
    configure(
        folder,
        "[rules.GR405]\nseverity = 'warning'\nbounded = ['a']\n[[overrides]]\npaths = ['x.py']\nrules.unbounded-label.bounded = ['b']\n",
    )
    (folder / "x.py").touch()
    document = json.loads(run("config", ".", "--format", "json").stdout)
    assert document["rules.GR405.bounded"] == {"value": ["a"], "from": "golden-rules.toml (line 3)"}
    assert document["rules.GR101.threshold"] == {"value": None, "from": "default"}
    assert document["severity"] == {"value": {"GR405": "warning"}, "from": "golden-rules.toml (line 2)"}
    document = json.loads(run("config", "x.py", "--format", "json").stdout)
    assert document["rules.GR405.bounded"] == {"value": ["b"], "from": "[overrides] of golden-rules.toml (line 6)"}


def test_where_else_they_are_told_of() -> None:
    """The rule's page, the list for programs, and the schema for editors."""
    page = run("explain", "GR405").stdout
    assert "## Options\n\nUnder `[tool.golden-rules.rules.GR405]`:\n\n- `bounded` (`[]` by default): Names" in page
    listed = {entry["code"]: entry["options"] for entry in json.loads(run("rules", "--format", "json").stdout)}
    assert [option["name"] for option in listed["GR103"]] == ["threshold"]
    assert listed["GR901"] == []
    validator = Draft7Validator(schema())
    assert validator.is_valid({"rules": {"GR405": {"bounded": ["a"], "severity": "error"}, "SHOP001": {"x": 1}}})
    assert not validator.is_valid({"rules": {"GR405": {"bunded": ["a"]}}})
    assert not validator.is_valid({"overrides": [{"paths": ["a"], "rules": {"unbounded-label": {"bounded": 1}}}]})


@pytest.mark.parametrize(
    "option", [StringsOption("a", ""), NumberOption("a", ""), FlagOption("a", ""), PatternOption("a", "")]
)
@pytest.mark.parametrize("value", [True, 1, -1, 2.5, "x", "", "(", ("x",), (1,), ()])
def test_an_option_takes_what_its_schema_allows(option: Option[object], value: object) -> None:
    """Neither less nor more, so that an editor and the linter say the same."""
    plain = list(value) if isinstance(value, tuple) else value
    allowed = Draft7Validator({**option.schema}, format_checker=Draft7Validator.FORMAT_CHECKER).is_valid(plain)
    try:
        option.parsed(value)
    except ValueError:
        assert not allowed
    else:
        assert allowed
