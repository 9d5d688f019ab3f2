"""`golden-rules server`, spoken to as an editor does: in a process of its own, over standard input and output."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

import pytest
from click.testing import CliRunner
from lsprotocol import types
from pygls.lsp.client import LanguageClient

from golden_rules.cli import commands

# Tabs, and characters that UTF-16 counts twice, stand before a finding; a form feed is no end of a line.
SHOP = '''\
import logging
import time

import httpx

log = logging.getLogger(__name__)
\f

async def charge(client: httpx.AsyncClient, order):
    response = await client.post("/charges", json=order)
    return response.json()


def settle(ledger, day):
	start = time.perf_counter()
	entries = ledger.close(day)
	log.info("🎉🎉 %d entries in %.2f s", len(entries), time.perf_counter() - start)
	return entries


def load(gateway, order):
    for attempt in range(3):
        try:
            return gateway.charge(order)
        except OSError:
            time.sleep(1)
    return None
'''  # fmt: skip
CHARGED = SHOP.replace(
    "import httpx\n", "import httpx\nfrom golden_runtime import track_adapter_request\n"
).replace("async def charge", '@track_adapter_request("http")\nasync def charge')  # fmt: skip
TOP = types.Range(types.Position(0, 0), types.Position(0, 0))
SECONDS = 60
T = TypeVar("T")
EDIT_LATER = types.CodeActionClientCapabilities(
    resolve_support=types.ClientCodeActionResolveOptions(properties=["edit"]), data_support=True
)
WATCHING = types.DidChangeWatchedFilesClientCapabilities(dynamic_registration=True)


class Editor:
    """An editor with one server, whatever it is told by it, and files below a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.client = LanguageClient("editor", "1")
        self.told: asyncio.Queue[types.PublishDiagnosticsParams] = asyncio.Queue()
        self.messages: asyncio.Queue[str] = asyncio.Queue()
        self.watched: asyncio.Queue[types.RegistrationParams] = asyncio.Queue()
        self.version = 0
        features = {
            types.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS: lambda params: self.told.put_nowait(params),
            types.WINDOW_SHOW_MESSAGE: lambda params: self.messages.put_nowait(params.message),
            types.CLIENT_REGISTER_CAPABILITY: lambda params: self.watched.put_nowait(params),
        }
        for name, feature in features.items():
            self.client.feature(name)(feature)

    def uri(self, name: str) -> str:
        """Return what a file is called between the two."""
        return (self.folder / name).as_uri()

    async def shown(self, name: str) -> list[types.Diagnostic]:
        """Return what the server says of a file next, as it is now."""
        params = await asyncio.wait_for(self.told.get(), SECONDS)
        assert (params.uri, params.version) == (self.uri(name), self.version or None)
        return list(params.diagnostics)

    async def open(self, name: str, text: str) -> list[types.Diagnostic]:
        """Open a file, whatever is on disk, and return what is said of it."""
        self.version = 1
        item = types.TextDocumentItem(self.uri(name), "python", self.version, text)
        self.client.text_document_did_open(types.DidOpenTextDocumentParams(item))
        return await self.shown(name)

    def type(self, name: str, text: str) -> None:
        """Have a file hold a text, without saving it."""
        self.version += 1
        document = types.VersionedTextDocumentIdentifier(version=self.version, uri=self.uri(name))
        whole = types.TextDocumentContentChangeWholeDocument(text)
        self.client.text_document_did_change(types.DidChangeTextDocumentParams(document, [whole]))

    async def save(self, name: str) -> list[types.Diagnostic]:
        """Say that a file was saved, and return what is said of it."""
        self.client.text_document_did_save(types.DidSaveTextDocumentParams(self.document(name)))
        return await self.shown(name)

    def document(self, name: str) -> types.TextDocumentIdentifier:
        """Return what requests name a file by."""
        return types.TextDocumentIdentifier(self.uri(name))

    async def actions(
        self, name: str, place: types.Range, only: list[types.CodeActionKind | str] | None = None
    ) -> list[types.CodeAction]:
        """Return what is offered at a place, without what is to be asked for."""
        params = types.CodeActionParams(self.document(name), place, types.CodeActionContext([], only))
        offered = await self.client.text_document_code_action_async(params)
        return [action for action in offered or [] if isinstance(action, types.CodeAction)]

    async def applied(self, action: types.CodeAction, text: str) -> str:
        """Return a text after an action, whose edit is asked for."""
        assert action.edit is None
        resolved = await self.client.code_action_resolve_async(action)
        assert resolved.edit is not None
        assert resolved.edit.changes is not None
        (edits,) = resolved.edit.changes.values()
        return edited(text, list(edits))


def edited(text: str, edits: list[types.TextEdit]) -> str:
    """Return a text after edits, as an editor applies them: from the last to the first, in UTF-16."""
    for edit in sorted(edits, key=lambda edit: (edit.range.start.line, edit.range.start.character), reverse=True):
        start, end = (_offset(text, place) for place in (edit.range.start, edit.range.end))
        text = text[:start] + edit.new_text + text[end:]
    return text


def _offset(text: str, place: types.Position) -> int:
    lines = text.split("\n")
    before = sum(len(line) + 1 for line in lines[: place.line])
    return before + len(lines[place.line].encode("utf-16-le")[: 2 * place.character].decode("utf-16-le"))


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A project, where the command line runs; an editor's server may stand anywhere."""
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "shop"\ndependencies = ["golden-runtime"]\n')
    monkeypatch.chdir(tmp_path)


@asynccontextmanager
async def editor(
    folder: Path, encodings: list[types.PositionEncodingKind | str] | None = None
) -> AsyncIterator[Editor]:
    """Start a server elsewhere than at the files, and end it as the protocol says."""
    here = Editor(folder)
    await here.client.start_io(sys.executable, "-m", "golden_rules", "server", "--stdio", cwd=folder.parent)
    capabilities = types.ClientCapabilities(
        general=types.GeneralClientCapabilities(position_encodings=encodings),
        text_document=types.TextDocumentClientCapabilities(code_action=EDIT_LATER),
        workspace=types.WorkspaceClientCapabilities(did_change_watched_files=WATCHING),
    )
    try:
        await here.client.initialize_async(types.InitializeParams(capabilities, root_uri=folder.as_uri()))
        here.client.initialized(types.InitializedParams())
        yield here
        await here.client.shutdown_async(None)
    finally:
        here.client.exit(None)
        await asyncio.wait_for(here.client.stop(), SECONDS)
    assert here.messages.empty()
    server = here.client._server
    assert server is not None
    assert server.returncode == 0


def run(session: Coroutine[Any, Any, T]) -> T:
    """Run what an editor does."""
    return asyncio.run(session)


def command(*arguments: str, text: str | None = None) -> str:
    """Return what the command line prints in the working directory, a text on its standard input."""
    given = None if text is None else text.encode()
    done = CliRunner().invoke(commands, arguments, input=given, standalone_mode=False)
    assert done.exception is None
    assert done.return_value in (0, 1), done.stderr
    return done.stdout_bytes.decode()


def reported(name: str, text: str) -> list[dict[str, Any]]:
    """Return what `check` finds in a text."""
    arguments = ("--stdin-filename", name, "--force-exclude", "--format", "json")
    findings: list[dict[str, Any]] = json.loads(command("check", *arguments, text=text))["findings"]
    return findings


def codes(diagnostics: list[types.Diagnostic]) -> list[str]:
    """Return the rules that diagnostics name."""
    return [str(diagnostic.code) for diagnostic in diagnostics]


@pytest.mark.parametrize(
    ("encodings", "codec", "width"),
    [(None, "utf-16-le", 2), (["utf-8", "utf-16"], "utf-8", 1)],
    ids=["utf-16 by default", "utf-8"],
)
def test_shows_what_check_reports(
    tmp_path: Path, encodings: list[types.PositionEncodingKind | str] | None, codec: str, width: int
) -> None:
    """Code, message, severity, remedy and place of each, with the settings of the nearest file."""
    settings = 'ignore = ["GR9"]\n[severity]\nGR301 = "warning"\n[per-file-ignores]\n"legacy.py" = ["GR1", "GR3"]\n'
    (tmp_path / "golden-rules.toml").write_text(settings)

    def place(text: str, line: int, column: int) -> types.Position:
        before = text.split("\n")[line - 1][: column - 1]
        return types.Position(line - 1, len(before.encode(codec)) // width)

    async def session() -> None:
        async with editor(tmp_path, encodings) as here:
            for name, count in (("shop.py", 3), ("legacy.py", 1)):
                expected = reported(name, SHOP)
                assert len(expected) == count
                shown = await here.open(name, SHOP)
                assert [(each.code, each.message, each.range) for each in shown] == [
                    (
                        each["code"],
                        f"{each['message']}\nhelp: {each['remedy']}",
                        types.Range(
                            place(SHOP, each["line"], each["column"]), place(SHOP, each["end_line"], each["end_column"])
                        ),
                    )
                    for each in expected
                ]
                assert [each.severity.name.lower() for each in shown if each.severity] == [
                    each["severity"] for each in expected
                ]
                assert {each.source for each in shown} == {"golden-rules"}
                assert [each.code_description.href for each in shown if each.code_description] == [
                    f"https://github.com/golden-rules/golden-rules/blob/main/docs/rules/{each['code']}.md"
                    for each in expected
                ]

    run(session())


def test_looks_at_what_is_typed(tmp_path: Path) -> None:
    """The text in the editor counts, not that on disk; only the last of many keys is answered, and closing clears."""
    (tmp_path / "shop.py").write_text("x = 1\n")

    async def session() -> None:
        async with editor(tmp_path) as here:
            assert codes(await here.open("shop.py", SHOP)) == ["GR102", "GR201", "GR301"]
            here.type("shop.py", "def broken(:\n")
            here.type("shop.py", CHARGED)
            assert codes(await here.shown("shop.py")) == ["GR201", "GR301"]
            here.type("shop.py", "def broken(:\n")
            assert codes(await here.save("shop.py")) == ["GR900"]
            here.client.text_document_did_close(types.DidCloseTextDocumentParams(here.document("shop.py")))
            here.version = 0
            assert await here.shown("shop.py") == []

    run(session())


def test_mends_one_finding(tmp_path: Path) -> None:
    """The fix of the finding under the cursor, import included, and no other; safe ones are preferred."""

    async def session() -> None:
        async with editor(tmp_path) as here:
            (charge, *_) = await here.open("shop.py", SHOP)
            fix, ignore, everything = await here.actions("shop.py", charge.range)
            assert fix.title == 'GR102: add @track_adapter_request("http")'
            assert (fix.kind, fix.is_preferred) == (types.CodeActionKind.QuickFix, True)
            assert list(fix.diagnostics or ()) == [charge]
            assert (ignore.title, ignore.is_preferred) == ("Ignore GR102 here", None)
            assert everything.kind == "source.fixAll.golden-rules"
            assert await here.applied(fix, SHOP) == CHARGED
            # What was offered for another text than the present one does nothing.
            here.type("shop.py", f"\n{SHOP}")
            assert (await here.client.code_action_resolve_async(fix)).edit is None

    run(session())


def test_says_which_fix_is_unsafe(tmp_path: Path) -> None:
    """It stands beside the safe one, is never the preferred one, and does what `--unsafe-fixes` does."""

    async def session() -> None:
        async with editor(tmp_path) as here:
            timed = (await here.open("shop.py", SHOP))[1]
            safe, unsafe, *_ = await here.actions("shop.py", timed.range)
            assert safe.is_preferred
            assert not unsafe.is_preferred
            assert unsafe.title.endswith("(unsafe: can change what the code does)")
            arguments = ("--select", "GR201", "--fix", "--stdin-filename", "shop.py")
            for action, more in ((safe, ()), (unsafe, ("--unsafe-fixes",))):
                fixed = command("check", *arguments, *more, text=SHOP)
                assert fixed != SHOP
                assert await here.applied(action, SHOP) == fixed

    run(session())


def test_mends_all_as_the_command_does(tmp_path: Path) -> None:
    """`source.fixAll` gives what `--fix` writes, but for what the baseline holds; an editor asks for it when it saves."""
    texts = {
        "shop.py": (SHOP, "utf-8"),
        "crlf.py": (SHOP.replace("\n", "\r\n"), "utf-8"),
        "latin.py": (f"# coding: latin-1\n{SHOP.replace('🎉', 'é')}", "latin-1"),
    }
    for name, (text, coding) in texts.items():
        (tmp_path / name).write_bytes(text.encode(coding))
    settings = tmp_path / "golden-rules.toml"
    settings.write_text('select = ["GR201"]\n')
    command("baseline")
    settings.unlink()

    async def session() -> dict[str, bytes]:
        fixed = {}
        async with editor(tmp_path) as here:
            for name, (text, coding) in texts.items():
                assert codes(await here.open(name, text)) == ["GR102", "GR301"]
                (action,) = await here.actions(name, TOP, ["source.fixAll"])
                assert await here.actions(name, TOP, ["source.organizeImports"]) == []
                after = await here.applied(action, text)
                here.type(name, after)
                assert codes(await here.shown(name)) == ["GR301"]
                assert await here.actions(name, TOP, ["source.fixAll.golden-rules"]) == []
                fixed[name] = after.encode(coding)
        return fixed

    fixed = run(session())
    command("check", "--fix")
    assert {name: (tmp_path / name).read_bytes() for name in texts} == fixed


def test_ignores_with_a_place_for_the_reason(tmp_path: Path) -> None:
    """The comment ends where the reason is to be written, and until it is, that is what is said."""

    async def session() -> None:
        async with editor(tmp_path) as here:
            retry = (await here.open("shop.py", SHOP))[-1]
            (ignore,) = await here.actions("shop.py", retry.range, [types.CodeActionKind.QuickFix])
            ignored = await here.applied(ignore, SHOP)
            loop = "    for attempt in range(3):"
            assert ignored == SHOP.replace(loop, f"{loop}  # golden-rules: ignore[GR301] -- ")
            here.type("shop.py", ignored)
            shown = await here.shown("shop.py")
            assert codes(shown) == ["GR102", "GR201", "GR902"]
            assert await here.actions("shop.py", shown[-1].range, [types.CodeActionKind.QuickFix]) == []
            here.type("shop.py", ignored.replace("-- ", "-- the gateway knows orders"))
            assert codes(await here.shown("shop.py")) == ["GR102", "GR201"]

    run(session())


def test_gives_edits_at_once_to_editors_that_ask_for_none(tmp_path: Path) -> None:
    """An editor that cannot resolve an action gets it with its edit."""

    async def session() -> None:
        here = Editor(tmp_path)
        await here.client.start_io(sys.executable, "-m", "golden_rules", "server")
        await here.client.initialize_async(types.InitializeParams(types.ClientCapabilities()))
        (charge, *_) = await here.open("shop.py", SHOP)
        fix, *_ = await here.actions("shop.py", charge.range)
        assert fix.edit is not None
        assert fix.edit.changes is not None
        assert edited(SHOP, list(fix.edit.changes[here.uri("shop.py")])) == CHARGED
        # Without `shutdown` before it, the end of an editor is not an orderly one.
        here.client.exit(None)
        await asyncio.wait_for(here.client.stop(), SECONDS)
        assert here.client._server is not None
        assert here.client._server.returncode == 1

    run(session())


def test_says_once_what_is_wrong_with_the_settings(tmp_path: Path) -> None:
    """A sentence, and no findings; when the file is mended, the editor need only say that it has changed."""
    settings = tmp_path / "golden-rules.toml"
    settings.write_text('selct = ["GR1"]\n')

    async def session() -> None:
        async with editor(tmp_path) as here:
            assert await here.open("shop.py", SHOP) == []
            sentence = await asyncio.wait_for(here.messages.get(), SECONDS)
            assert sentence.startswith("golden-rules: unknown key `selct`")
            assert "did you mean `select`?" in sentence
            assert await here.save("shop.py") == []
            settings.write_text('select = ["GR1"]\n')
            assert codes(await here.save("shop.py")) == ["GR102"]
            (registration,) = (await asyncio.wait_for(here.watched.get(), SECONDS)).registrations
            assert registration.method == types.WORKSPACE_DID_CHANGE_WATCHED_FILES
            settings.write_text('extend-exclude = ["shop.py"]\n')
            change = types.FileEvent(settings.as_uri(), types.FileChangeType.Changed)
            here.client.workspace_did_change_watched_files(types.DidChangeWatchedFilesParams([change]))
            assert await here.shown("shop.py") == []

    run(session())


def test_says_once_why_fixes_are_withheld(tmp_path: Path) -> None:
    """A project that does not declare the runtime gets no fixes that import it, and a sentence that says what to do."""
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "shop"\ndependencies = ["httpx"]\n')

    async def session() -> None:
        async with editor(tmp_path) as here:
            (charge, *_) = await here.open("shop.py", SHOP)
            sentence = await asyncio.wait_for(here.messages.get(), SECONDS)
            assert "2 fixes withheld: `pyproject.toml` does not declare golden-runtime; add it" in sentence
            assert [action.title for action in await here.actions("shop.py", charge.range)] == ["Ignore GR102 here"]
            assert codes(await here.save("shop.py")) == ["GR102", "GR201", "GR301"]

    run(session())


def test_the_missing_library_is_named(tmp_path: Path) -> None:
    """Without the extra, the command says which one to install."""
    (tmp_path / "lsprotocol.py").write_text('raise ModuleNotFoundError(name="lsprotocol")\n')
    command = [sys.executable, "-m", "golden_rules", "server"]
    done = subprocess.run(command, cwd=tmp_path, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert "install it with `pip install 'golden-rules[server]'`" in done.stderr
