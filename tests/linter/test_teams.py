"""How far along each team is, where a CODEOWNERS file says who owns what."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from golden_rules.cli import commands

TIMED = "import logging\nimport time\n\n\ndef count(x):\n    start = time.time()\n    x()\n    logging.info('took %s', time.time() - start)\n"
FILES = ("pay/api/charge.py", "pay/model.py", "stock/count.py", "tools/a.py")


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A service in a folder of a repository, with a finding in each of four files."""
    service = tmp_path / "services/shop"
    for name in FILES:
        (service / name).parent.mkdir(parents=True, exist_ok=True)
        (service / name).write_text(TIMED)
    (tmp_path / ".git").mkdir()
    (service / "golden-rules.toml").write_text("select = ['GR201']\n")
    monkeypatch.chdir(service)
    return tmp_path


def shares() -> dict[str, str]:
    """Return what `baseline` says of each team."""
    done = CliRunner().invoke(commands, ["baseline"], standalone_mode=False)
    assert done.return_value == 0, done.exception
    lines = [line.strip() for line in done.stdout.splitlines() if line.startswith("  ")]
    return {name.strip(): rest for name, _, rest in (line.partition("   ") for line in lines)}


def left(teams: dict[str, str]) -> dict[str, str]:
    """Return the numbers alone."""
    return {name: rest.strip().partition(" left")[0] for name, rest in teams.items()}


def own(repository: Path, text: str, place: str = ".github/CODEOWNERS") -> None:
    """Write a CODEOWNERS file."""
    (repository / place).parent.mkdir(exist_ok=True)
    (repository / place).write_text(text)


def test_patterns(shop: Path) -> None:
    """The last pattern that matches decides, from the root of the repository; one without owners leaves a file to nobody."""
    own(
        shop,
        "# who owns what\n*  @acme/platform\n/services/shop/pay/ @acme/pay ops@acme.org # ask @joe first\n"
        "![bad @acme/none\nservices/shop/pay/*.py @acme/model\n**/tools\n",
    )
    assert left(shares()) == {
        "(no owner)": "1 of 1",
        "@acme/model": "1 of 1",
        "@acme/pay, ops@acme.org": "1 of 1",
        "@acme/platform": "1 of 1",
    }


@pytest.mark.parametrize("place", ["CODEOWNERS", "docs/CODEOWNERS", ".github/CODEOWNERS", ".gitlab/CODEOWNERS"])
def test_places(shop: Path, place: str) -> None:
    """Wherever GitHub and GitLab look for it."""
    own(shop, "* @a\nstock/ @b\n", place)
    assert left(shares()) == {"@a": "3 of 3", "@b": "1 of 1"}


def test_the_first_place_counts(shop: Path) -> None:
    """As on GitHub."""
    own(shop, "* @root\nstock/ @b\n", "CODEOWNERS")
    own(shop, "* @github\nstock/ @b\n")
    assert set(shares()) == {"@github", "@b"}


def test_owners_change(shop: Path) -> None:
    """What a team started with follows the files it owns, not the name that it had when the baseline was made."""
    assert left(shares()) == {"pay": "1 of 1", "pay.api": "1 of 1", "stock": "1 of 1", "tools": "1 of 1"}
    (Path("stock/count.py")).write_text("x = 1\n")
    own(shop, "* @a\nstock/ @b\n")
    assert left(shares()) == {"@a": "3 of 3", "@b": "0 of 1"}
    own(shop, "* @a\nstock/ @c\n")
    assert left(shares()) == {"@a": "3 of 3", "@c": "0 of 1"}


def test_a_file_moves_to_another_team(shop: Path) -> None:
    """It takes what it started with along."""
    own(shop, "* @a\nstock/ @b\n")
    shares()
    Path("pay/model.py").rename("stock/model.py")
    assert left(shares()) == {"@a": "2 of 2", "@b": "2 of 2"}


def test_one_owner_for_all(shop: Path) -> None:
    """Then packages say more."""
    own(shop, "* @a\n")
    assert set(shares()) == {"pay", "pay.api", "stock", "tools"}


def test_one_owner_for_all_that_is_found(shop: Path) -> None:
    """It is named, where others own files without findings."""
    own(shop, "* @a\nelsewhere/ @b\n")
    assert left(shares()) == {"@a": "4 of 4"}


def test_apps_before_owners(shop: Path) -> None:
    """Where `app` names a part of the project, that is what people call it."""
    Path("golden-rules.toml").write_text("select = ['GR201']\napp = { 'pay/**' = 'payments' }\n")
    own(shop, "* @a\nstock/ @b\n")
    assert left(shares()) == {"payments": "2 of 2", "@a": "1 of 1", "@b": "1 of 1"}
