"""Imports that fixes need: which name a decorator is written with, and where a new statement goes."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from golden_rules.findings import ImportedName
from golden_rules.source.edits import apply_edits
from golden_rules.source.imports import import_edits
from golden_rules.source.outlining import outline
from golden_rules.source.parsing import parse
from golden_rules.source.references import reference
from golden_rules.source.text import SourceText

RUNTIME = "golden_runtime"
BODY = "\n\ndef run():\n    pass\n"


def imported(code: str, *names: str, module: str = RUNTIME) -> str:
    """Return a file after the import of names (by default one) from a module."""
    source = SourceText(code)
    needed = [ImportedName(module, name) for name in names or ("track_request",)]
    edited = apply_edits(code, import_edits(source, outline(parse(source), "shop.orders", "shop"), needed))
    ast.parse(edited)
    return edited


def written(code: str, module: str = RUNTIME) -> tuple[str, str] | None:
    """Return how `track_request` is written on the function `run`, and the import that this takes."""
    tree = outline(parse(SourceText(code)), "shop.orders", "shop")
    function = next(entry for entry in tree.functions if entry.name == "run")
    found = reference(tree, function, module, "track_request")
    if found is None:
        return None
    expression, needed = found
    return expression, "" if needed is None else f"{needed.module}:{needed.name}"


class TestPlace:
    """A new statement stands where a person would put it."""

    @pytest.mark.parametrize(
        ("before", "after"),
        [
            ("", "{}\n"),
            ("def run(): ...\n", "{}\n\n\ndef run(): ...\n"),
            ("x = 1\n", "{}\n\nx = 1\n"),
            ("x = 1", "{}\n\nx = 1"),
            ("'''Text.'''\n\nx = 1\n", "'''Text.'''\n\n{}\n\nx = 1\n"),
            ("'''Text.'''\nx = 1\n", "'''Text.'''\n\n{}\n\nx = 1\n"),
            ("'''Text.'''\n\ndef run(): ...\n", "'''Text.'''\n\n{}\n\n\ndef run(): ...\n"),
            ("# Copyright Shop", "# Copyright Shop\n\n{}\n"),
            ("#!/usr/bin/env python\nfrom shop import x\n", "#!/usr/bin/env python\n{}\n\nfrom shop import x\n"),
            ("# coding: utf-8\n# Words.\nfrom zope import x\n", "# coding: utf-8\n# Words.\n{}\nfrom zope import x\n"),
            ("\n# vim: fileencoding=utf-8\nimport shop\n", "\n# vim: fileencoding=utf-8\n{}\n\nimport shop\n"),
            ("# Words.\nfrom shop import x\n", "{}\n\n# Words.\nfrom shop import x\n"),
            ("'''Text.'''", "'''Text.'''\n\n{}"),
            ("from __future__ import annotations\n", "from __future__ import annotations\n\n{}\n"),
            (
                "'''Text.'''\n\nfrom __future__ import annotations\n\n\ndef run(): ...\n",
                "'''Text.'''\n\nfrom __future__ import annotations\n\n{}\n\n\ndef run(): ...\n",
            ),
            (
                "#!/usr/bin/env python\n# -*- coding: utf-8 -*-\nx = 1\n",
                "#!/usr/bin/env python\n# -*- coding: utf-8 -*-\n\n{}\n\nx = 1\n",
            ),
            ("# Copyright 2024 Shop\n# All of it.\n\nx = 1\n", "# Copyright 2024 Shop\n# All of it.\n\n{}\n\nx = 1\n"),
            ("# what x is\nx = 1\n", "{}\n\n# what x is\nx = 1\n"),
            ("# what run does\n@a\ndef run(): ...\n", "{}\n\n\n# what run does\n@a\ndef run(): ...\n"),
            ("import os\n\nx = 1\n", "import os\n\n{}\n\nx = 1\n"),
            ("import os", "import os\n\n{}"),
            ("import os\n\nimport shop\n", "import os\n\n{}\n\nimport shop\n"),
            ("from . import x\n", "{}\n\nfrom . import x\n"),
            ("# first\nfrom . import x\n", "{}\n\n# first\nfrom . import x\n"),
            ("import httpx\nfrom zoo import a\n", "import httpx\n{}\nfrom zoo import a\n"),
            ("import httpx\n# why\nfrom zoo import a\n", "import httpx\n{}\n# why\nfrom zoo import a\n"),
            ("from attrs import a  # why\n", "from attrs import a  # why\n{}\n"),
            ("from attrs import (\n    a,\n)\nx = 1\n", "from attrs import (\n    a,\n)\n{}\nx = 1\n"),
            ("import os; import sys\nx = 1\n", "import os; import sys\n\n{}\n\nx = 1\n"),
            ("import os; x = 1\n", "{}\n\nimport os; x = 1\n"),
            ("try:\n    import a\nexcept ImportError:\n    a = None\n", None),
            ("if TYPE_CHECKING:\n    from golden_runtime import track_request\n", None),
            ("import os\nx = 1\nimport attrs\n", "import os\n\n{}\n\nx = 1\nimport attrs\n"),
            ('__author__ = "Shop"\n\nimport os\n', '__author__ = "Shop"\n\nimport os\n\n{}\n'),
            ('__author__ = "Shop"\nx = 1\n', '__author__ = "Shop"\n\n{}\n\nx = 1\n'),
        ],
    )
    def test_stands_where_a_person_would_put_it(self, before: str, after: str | None) -> None:
        """After the head of the file, in its section, sorted, with the blank lines that formatters want."""
        statement = "from golden_runtime import track_request"
        expected = f"{statement}\n\n{before}" if after is None else after.format(statement)
        assert imported(before) == expected

    @pytest.mark.parametrize(
        ("before", "after"),
        [
            # `force-sort-within-sections`
            ("from attrs import a\nimport httpx\n", "from attrs import a\n{}\nimport httpx\n"),
            ("from os import a\nimport sys\n\nimport zoo\n", "from os import a\nimport sys\n\n{}\nimport zoo\n"),
            # `from-first`
            (
                "from attrs import a\nfrom zoo import a\nimport alembic\nimport zope\n",
                "from attrs import a\n{}\nfrom zoo import a\nimport alembic\nimport zope\n",
            ),
            (
                "from zoo import a\nimport attrs\n\nfrom shop.a import b\nimport shop.c\n",
                "{}\nfrom zoo import a\nimport attrs\n\nfrom shop.a import b\nimport shop.c\n",
            ),
            # the project's own package, sorted among those of others
            (
                "import attrs\nfrom shop import a\nfrom zoo import a\n",
                "import attrs\n{}\nfrom shop import a\nfrom zoo import a\n",
            ),
            ("from shop import a\nfrom zoo import a\n", "{}\nfrom shop import a\nfrom zoo import a\n"),
            ("from shop import a\n\nfrom zoo import a\n", "from shop import a\n\n{}\nfrom zoo import a\n"),
        ],
    )
    def test_keeps_to_the_order_of_the_file(self, before: str, after: str) -> None:
        """Where a file shows that its imports are sorted in another way, the new one is sorted in that way."""
        assert imported(before) == after.format("from golden_runtime import track_request")

    def test_one_name_a_statement(self) -> None:
        """A file that has a statement for each name (`force-single-line`) gets one for each name."""
        before = "from typing import Any\nfrom typing import cast\n"
        after = imported(before, "timed", "track_request")
        assert after == f"{before}\nfrom golden_runtime import timed\nfrom golden_runtime import track_request\n"
        assert imported(after, "counted") == after.replace(
            "from golden_runtime import timed", "from golden_runtime import counted\nfrom golden_runtime import timed"
        )

    def test_line_ends_are_the_files(self) -> None:
        """A file with CRLF or lone CR gets the same in what is inserted."""
        for newline in ("\r\n", "\r"):
            code = f"import os{newline}{newline}x = 1{newline}"
            lines = ["import os", "", "from golden_runtime import track_request", "", "x = 1", ""]
            assert imported(code) == newline.join(lines)

    def test_names_are_merged_and_sorted(self) -> None:
        """Several names of one module share one statement, in isort's order."""
        assert imported("", "timed", "counted") == "from golden_runtime import counted, timed\n"

    def test_long_statement_is_wrapped(self) -> None:
        """What would be longer than isort's line length goes one name a line."""
        names = [f"a_long_name_of_number_{number}" for number in range(5)]
        lines = "".join(f"    {name},\n" for name in names)
        assert imported("", *names) == f"from golden_runtime import (\n{lines})\n"


class TestMerge:
    """A name joins the statement that imports from its module already."""

    @pytest.mark.parametrize(
        ("before", "after"),
        [
            ("counted", "counted, track_request"),
            ("zebra", "track_request, zebra"),
            ("counted, zebra", "counted, track_request, zebra"),
            ("counted as c, zebra as z", "counted as c, track_request, zebra as z"),
            ("LIMIT, Pool, zebra", "LIMIT, Pool, track_request, zebra"),
            ("LIMIT, Pool", "LIMIT, Pool, track_request"),
            ("counted  # why", "counted, track_request  # why"),
            ("(counted)", "(counted, track_request)"),
            ("(counted, zebra,)", "(counted, track_request, zebra,)"),
            ("(counted,)", "(counted, track_request,)"),
            ("(\n    counted,\n)", "(\n    counted,\n    track_request,\n)"),
            ("(\n    counted\n)", "(\n    counted,\n    track_request,\n)"),
            ("(\n    counted,  # why\n)", "(\n    counted,  # why\n    track_request,\n)"),
            ("(\n    zebra,  # why\n)", "(\n    track_request,\n    zebra,  # why\n)"),
            (
                "(\n    counted,  # c\n    zebra,  # z\n)",
                "(\n    counted,  # c\n    track_request,\n    zebra,  # z\n)",
            ),
            ("(  # all\n    counted,\n    # on zebra\n    zebra,\n)", None),
            ("(\n    counted, zebra\n)", "(\n    counted, track_request, zebra\n)"),
            ("counted, \\\n    zebra", None),
        ],
    )
    def test_layout_and_comments_stay(self, before: str, after: str | None) -> None:
        """The name stands where it sorts; brackets, commas, comments and aliases stay what they were."""
        code = f"import os\n\nfrom golden_runtime import {before}\n\nx = 1\n"
        edited = imported(code)
        if after is not None:
            assert edited == f"import os\n\nfrom golden_runtime import {after}\n\nx = 1\n"
        assert "track_request" in {alias.name for node in ast.parse(edited).body[1:2] for alias in node.names}
        assert edited.count("#") == before.count("#")

    def test_crowded_line_is_wrapped(self) -> None:
        """A statement that would grow too long is wrapped in brackets."""
        names = ", ".join(f"name_of_number_{number}" for number in range(4))
        lines = "".join(f"    name_of_number_{number},\n" for number in range(4))
        edited = imported(f"from golden_runtime import {names}  # why\n")
        assert edited == f"from golden_runtime import (\n{lines}    track_request,\n)  # why\n"

    @pytest.mark.parametrize("before", ["from golden_runtime import *\n", "from .golden_runtime import a\n"])
    def test_another_statement_is_left_alone(self, before: str) -> None:
        """A star import and a relative module of the same name are not joined."""
        edited = imported(before)
        assert before in edited
        assert "from golden_runtime import track_request\n" in edited


class TestReference:
    """A decorator is written with what the file has, and never with a name that means something else."""

    @pytest.mark.parametrize(
        ("head", "expected"),
        [
            ("", ("track_request", "golden_runtime:track_request")),
            ("from golden_runtime import track_request\n", ("track_request", "")),
            ("from golden_runtime import track_request as t\n", ("t", "")),
            ("import golden_runtime\n", ("golden_runtime.track_request", "")),
            ("import golden_runtime as g\n", ("g.track_request", "")),
            ("from shop import track_request\n", ("golden_runtime.track_request", "golden_runtime:")),
            ("track_request = None\n", ("golden_runtime.track_request", "golden_runtime:")),
            ("try: pass\nexcept E as track_request: pass\n", ("golden_runtime.track_request", "golden_runtime:")),
            ("match x:\n  case [*track_request]: pass\n", ("golden_runtime.track_request", "golden_runtime:")),
            ("def f():\n    global track_request\n", ("golden_runtime.track_request", "golden_runtime:")),
            ("from shop import *\n", ("golden_runtime.track_request", "golden_runtime:")),
            (
                "from golden_runtime import track_request\nfrom shop import *\n",
                ("golden_runtime.track_request", "golden_runtime:"),
            ),
            ("from shop import *\nfrom golden_runtime import track_request\n", ("track_request", "")),
            ("import golden_runtime\nfrom shop import *\n", ("golden_runtime.track_request", "")),
            (
                "from golden_runtime import track_request\ndel track_request\n",
                ("golden_runtime.track_request", "golden_runtime:"),
            ),
            (
                "if TYPE_CHECKING:\n    from golden_runtime import track_request\n",
                ("golden_runtime.track_request", "golden_runtime:"),
            ),
            ("LAST = [track_request := n for n in range(3)]\n", ("golden_runtime.track_request", "golden_runtime:")),
            ("track_request = golden_runtime = None\n", None),
        ],
    )
    def test_is_the_name_that_holds(self, head: str, expected: tuple[str, str] | None) -> None:
        """Aliases are used; names that are taken, deleted or only there for type checkers are not."""
        assert written(head + BODY) == expected

    @pytest.mark.parametrize(
        "code",
        [
            "class A:\n    track_request = 1\n    def run(self): ...\n",
            "def f(track_request):\n    def run(): ...\n",
            "def f():\n    for track_request in x:\n        def run(): ...\n",
            "def f():\n    match x:\n        case {'a': 1, **track_request}:\n            def run(): ...\n",
            "class A:\n    class B:\n        def run(self): ...\n    track_request = 1\n",
        ],
    )
    def test_name_of_a_scope_between_is_not_used(self, code: str) -> None:
        """What a class or function around binds hides the module's name there."""
        expected = "track_request" if code.startswith("class A:\n    class B") else "golden_runtime.track_request"
        assert written(code) == (expected, f"golden_runtime:{'' if '.' in expected else 'track_request'}")

    def test_import_below_the_function_does_not_hold(self) -> None:
        """A decorator runs before what is imported further down."""
        found = written("def run(): ...\nfrom golden_runtime import track_request\n")
        assert found == ("golden_runtime.track_request", "golden_runtime:")

    def test_file_that_runs_elsewhere_imports_nothing_more(self) -> None:
        """Ansible copies a module to the machines it looks after, where nothing else is."""
        assert written("from ansible.module_utils.basic import AnsibleModule\n" + BODY) is None
        assert written(
            "from ansible.module_utils.basic import *\nfrom golden_runtime import track_request\n" + BODY
        ) == (
            "track_request",
            "",
        )

    def test_module_in_a_package(self) -> None:
        """Where the name is taken, the module is imported from its package, which binds nothing more."""
        assert written("track_request = 1\n" + BODY, "shop.obs") == ("obs.track_request", "shop:obs")


THIRD_PARTY = ["attrs", "click", "golden_runtime", "httpx", "Zope", "zoo.animals", "golden", "golden_runtime_extra"]
STANDARD = ["os", "sys", "asyncio.tasks", "typing", "string"]
FIRST_PARTY = ["shop", "shop.models"]
NAMES = ["alpha", "zebra", "Pool", "LIMIT", "timer", "track_errors", "trackRequest", "_private", "T", "tx"]


def statements(modules: Sequence[str]) -> st.SearchStrategy[list[str]]:
    """Make some import statements of some modules."""
    names = st.lists(st.sampled_from(NAMES), min_size=1, max_size=4, unique=True)
    from_statement = st.builds(
        lambda module, some: f"from {module} import {', '.join(some)}", st.sampled_from(modules), names
    )
    plain = st.sampled_from(modules).map(lambda module: f"import {module}")
    return st.lists(st.one_of(from_statement, plain), max_size=4)


@st.composite
def modules(draw: st.DrawFn) -> str:
    """Make a module with a head, imports in no order, and a body."""
    head = draw(st.sampled_from(["", '"""Text."""\n', "#!/usr/bin/env python\n", "# Copyright of all.\n"]))
    future = draw(st.sampled_from(["", "\nfrom __future__ import annotations\n"]))
    listed = draw(statements(STANDARD)) + draw(statements(THIRD_PARTY)) + draw(statements([*FIRST_PARTY, ".near"]))
    lines = [line for line in listed if not line.startswith("import .")]
    imports = "\n" + "".join(f"{line}\n" for line in lines) if lines else ""
    return head + future + imports + draw(st.sampled_from([BODY, "\nx = 1\n", ""]))


def sorted_by_ruff(folder: Path, texts: dict[str, str]) -> dict[str, str]:
    """Return what ruff's import sorting makes of files."""
    for name, text in texts.items():
        (folder / name).write_text(text)
    (folder / "ruff.toml").write_text("[lint.isort]\nknown-first-party = ['shop']\n")
    command = [sys.executable, "-m", "ruff", "check", "--select", "I", "--fix", "--no-cache", "-q", "--exit-zero", "."]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    return {name: (folder / name).read_text() for name in texts}


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    drawn=st.lists(modules(), min_size=20, max_size=30),
    names=st.lists(st.sampled_from(["timed", "track_request", "counted"]), min_size=1, max_size=3, unique=True),
)
def test_sorted_modules_stay_sorted(tmp_path: Path, drawn: list[str], names: list[str]) -> None:
    """Where ruff had nothing to say of a module's imports, it has nothing to say after ours."""
    before = sorted_by_ruff(tmp_path, {f"m{number}.py": text for number, text in enumerate(drawn)})
    after = {name: imported(text, *names) for name, text in before.items()}
    for name, text in sorted_by_ruff(tmp_path, after).items():
        assert after[name] == text, f"from\n{before[name]}"
