"""Examples for the `--help` of each command: what it is most often used for, in lines that can be copied."""

from __future__ import annotations

from collections.abc import Mapping

# For each command, how it is called and what for.
EXAMPLES: Mapping[str, tuple[tuple[str, str], ...]] = {
    "check": (
        ("check", "look at this folder"),
        ("check src --diff", "see what --fix would change"),
        ("check --select GR101,hand-timed --fix", "mend two kinds of findings"),
        ("check --changed=origin/main", "what a pull request is to answer for"),
        ("check --format github --output sarif=out.sarif", "annotations, and a file for code scanning"),
        ('check --add-ignores --reason "goes in May"', "write a comment for each finding"),
    ),
    "init": (
        ("init --dry-run", "see what would be written"),
        ("init", "be asked before anything is written"),
        ("init --yes --no-baseline", "write all but the baseline"),
    ),
    "alerts": (("alerts --output alerts.yml", "rules for Prometheus"),),
    "baseline": (
        ("baseline", "freeze today's findings, or drop what has been mended"),
        ("baseline --check", "fail in CI while it could shrink"),
        ("baseline --new-rules", "after an upgrade: freeze what new rules find"),
    ),
    "completion": (
        ('eval "$(golden-rules completion bash)"', "in ~/.bashrc"),
        ('eval "$(golden-rules completion zsh)"', "in ~/.zshrc"),
        ("completion fish > ~/.config/fish/completions/golden-rules.fish", "for fish"),
    ),
    "config": (
        ("config src/shop/orders.py", "what is in force for a file, and why"),
        ("config --check", "entries that match nothing any more"),
        ("config --schema > golden-rules.schema.json", "for editors"),
    ),
    "coverage": (
        ("coverage", "the share of the critical functions that is measured"),
        ("coverage --fail-under 80", "hold CI to a share"),
        ("coverage --budget 5%", "the threshold that makes one function in twenty critical"),
        ("coverage --format html > page.html", "a page with a map and every source"),
    ),
    "dashboard": (("dashboard --output dashboard.json", "a dashboard for Grafana"),),
    "explain": (
        ("explain GR201", "what a rule finds, and why"),
        ("explain hand-timed", "the same by its name"),
    ),
    "metrics": (
        ("metrics", "every series that the code will expose"),
        ("metrics --check http://localhost:9000/metrics", "what a running service lacks"),
    ),
    "server": (("server", "what an editor starts, see docs/editors.md"),),
    "rules": (("rules", "all rules"), ("rules --format json", "the same for programs")),
}
_PROGRAM = "golden-rules"


def epilog(command: str) -> str:
    """Return the end of a command's help: its examples, a line each, which click is not to wrap."""
    lines = [
        (call if call.startswith("eval") else f"{_PROGRAM} {call}", purpose) for call, purpose in EXAMPLES[command]
    ]
    width = max(len(call) for call, _ in lines)
    return "\b\nExamples:\n" + "\n".join(f"  {call:<{width}}  # {purpose}" for call, purpose in lines)
