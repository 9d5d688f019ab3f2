"""What `metric-name` makes of the names that fixes give."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from golden_rules import Config, check_source
from golden_rules.config import Configs
from golden_rules.errors import UsageError

SOURCE = "class Till:\n    def run(self): ...\n\n\nclass Shop:\n    # golden-rules: critical\n    def run(self): ...\n"


def remedy(template: str, path: str = "src/shop/payments.py", app: str | None = None) -> str:
    """Return the name in the remedy for `Shop.run`."""
    config = Config(root=Path.cwd(), app=app, metric_name=template, select=("GR105",))
    (finding,) = check_source(SOURCE, path, config)
    found = re.search(r'"([^"]*)"', finding.remedy)
    assert found is not None
    return found[1]


@pytest.mark.parametrize(
    ("template", "name"),
    [
        ("{app}.{module}.{function}", "shop.payments.shop.run"),
        ("{module}.{function}", "payments.shop.run"),
        ("acme.{app}.{function}", "acme.shop.shop.run"),
        ("{app}_{module}_{function}", "shop_payments_shop.run"),
    ],
)
def test_names_follow_the_template(template: str, name: str) -> None:
    """The class is part of the function where the file has two of that name."""
    assert remedy(template) == name


def test_dots_around_what_is_empty_go() -> None:
    """A module at the top has nothing between its app and its functions."""
    assert remedy("{app}.{module}.{function}", "payments.py") == "payments.shop.run"
    assert remedy("{module}.{function}", "payments.py") == "shop.run"
    assert remedy("{app}.{module}.{function}", "payments.py", app="till") == "till.shop.run"


@pytest.mark.parametrize(
    ("template", "name"),
    [
        ("{module}_{function}", "shop.run"),
        ("{app}_{module}_{function}", "payments_shop.run"),
        ("acme{module}.{function}", "acme.shop.run"),
        ("{function}_{module}", "shop.run"),
    ],
)
def test_so_does_whatever_else_parts_it(template: str, name: str) -> None:
    """No name begins with `_` or has two of them for want of a module: the runtime refuses the one, people the other."""
    assert remedy(template, "payments.py") == name


def test_no_two_functions_share_a_series() -> None:
    """In a series runs of `_` are one, so that of `show_rows` would be that of `show__rows`."""
    config = Config(root=Path.cwd(), critical=("*",), metric_name="{function}", select=("GR105",))
    source = "class Page:\n    def show__rows(self): ...\n\n    def show_rows(self): ...\n"
    names = [finding.remedy.split('"')[1] for finding in check_source(source, "src/shop/page.py", config)]
    assert names == ["page.show_rows", "page.show_rows_2"]


PARTS = st.sampled_from(["group", "type", "group_type", "_group", "_type", "type_2", "GroupType", "__call__"])


@given(classes=st.lists(st.tuples(PARTS, st.lists(PARTS, min_size=1, max_size=3)), max_size=4), alone=st.lists(PARTS))
def test_no_series_is_written_in_two_ways(classes: list[tuple[str, list[str]]], alone: list[str]) -> None:
    """The runtime refuses `group.type` beside `group_type`: a module with both could not be imported."""
    source = "".join(f"def {name}(): ...\n" for name in alone)
    for name, methods in classes:
        source += f"class {name}:\n" + "".join(f"    def {method}(self): ...\n" for method in methods)
    config = Config(root=Path.cwd(), critical=("*",), select=("GR105",))
    names = {finding.remedy.split('"')[1] for finding in check_source(source, "src/shop/page.py", config)}
    assert len({name.replace(".", "_") for name in names}) == len(names)


def test_the_later_of_two_functions_that_would_share_a_series_gets_a_number() -> None:
    """With its class, where that is enough."""
    config = Config(root=Path.cwd(), critical=("*",), select=("GR105",))
    group = "class Group:\n    def type(self): ...\n\n\nclass User:\n    def type(self): ...\n\n\n"
    for later, name in (
        ("def group_type(): ...\n", "group_type_2"),
        ("class Page:\n    def group_type(self): ...\n", "page.group_type"),
    ):
        found = check_source(group + later, "src/shop/page.py", config)
        names = [finding.remedy.split('"')[1] for finding in found]
        assert names == ["shop.page.group.type", "shop.page.user.type", f"shop.page.{name}"]


def test_a_special_method_is_named_with_its_class() -> None:
    """`page.call` would say nothing."""
    config = Config(root=Path.cwd(), critical=("*",), select=("GR105",))
    source = "class Till:\n    def __call__(self, order): ...\n"
    (finding,) = check_source(source, "src/shop/page.py", config)
    assert finding.remedy == 'add `@track_request("shop.page.till.call")`'


def test_a_name_starts_with_a_letter() -> None:
    """Whatever the function is called, as the runtime refuses others."""
    config = Config(root=Path.cwd(), metric_name="{function}", select=("GR105",))
    (finding,) = check_source("# golden-rules: critical\ndef _2fa(user): ...\n", "src/shop/login.py", config)
    assert finding.remedy == 'add `@track_request("x2fa")`'


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("3", "must be a text such as"),
        ('"{app}.{module}"', "must hold `{function}`"),
        ('"{app}.{name}.{function}"', "must be made from `{app}`, `{module}` and `{function}`"),
        ('"{app.{function}"', "must be made from"),
        ('"{}.{function}"', "must be made from"),
        ('"{app[0]}.{function}"', "must be made from"),
        ('"{app.upper}.{function}"', "must be made from"),
        ('"{function:.2}"', "must be made from"),
        ('"{function!r}"', "must be made from"),
        ('"{app}.{function}.calls_total"', "must not end in `_total`, which decorators add to names by themselves"),
        ('"{app}.{function}.duration"', "must not end in `.duration`"),
        ('"Shop.{function}"', "small letters"),
        ('"{app} {function}"', "small letters"),
        ('".{function}"', "start with a letter"),
    ],
)
def test_a_template_that_makes_no_names_is_refused(tmp_path: Path, value: str, reason: str) -> None:
    """The sentence says what is wrong and what a template looks like."""
    (tmp_path / "golden-rules.toml").write_text(f"metric-name = {value}\n")
    with pytest.raises(UsageError, match="metric-name") as caught:
        Configs().for_path(tmp_path)
    assert reason in str(caught.value)
