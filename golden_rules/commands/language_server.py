"""The language server: what editors say and ask, answered by what `check --stdin-filename` finds and fixes."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from lsprotocol import types
from pygls.capabilities import get_capability
from pygls.lsp.server import LanguageServer
from pygls.uris import to_fs_path

from golden_rules import __version__
from golden_rules.adoption.given import check_given, file_at
from golden_rules.adoption.ignoring import with_ignores
from golden_rules.adoption.scope import Scope, scope_of
from golden_rules.commands.base import check_selectors
from golden_rules.comments import ABOUT_COMMENTS
from golden_rules.config import CONFIG_FILE, Configs
from golden_rules.errors import UsageError
from golden_rules.files import SourceFile, is_excluded
from golden_rules.findings import Finding
from golden_rules.reports.diagnostics import SOURCE, diagnostic, range_of, text_edits
from golden_rules.reports.summary import withheld
from golden_rules.runner import Fixing, Run
from golden_rules.settings import DEFAULT_BASELINE
from golden_rules.source.text import SourceText, decode, encoded

if TYPE_CHECKING:
    from pygls.workspace import TextDocument

_FIX_ALL = f"{types.CodeActionKind.SourceFixAll.value}.{SOURCE}"
_KINDS = [types.CodeActionKind.QuickFix, _FIX_ALL]
# What decides how files are checked, wherever it stands.
_TELLING = f"**/{{pyproject.toml,setup.cfg,requirements*.txt,{CONFIG_FILE},{DEFAULT_BASELINE}}}"
# How long to wait for the next key: a check takes milliseconds, in a very long file a second.
_PAUSE_SECONDS = 0.1


class _Look(NamedTuple):
    """A document as it was checked."""

    version: int | None
    content: bytes
    text: SourceText
    file: SourceFile
    scope: Scope
    run: Run


class _Editor:
    """What is known of the documents that an editor has open."""

    def __init__(self, server: LanguageServer) -> None:
        self._server = server
        self._configs = Configs()
        self._looks: dict[str, _Look] = {}
        self._waiting: dict[str, asyncio.TimerHandle] = {}
        self._trouble = ""
        self._noted: set[Path] = set()

    def renew(self) -> None:
        """Forget what was read from disk: the next look reads settings and baselines again."""
        self._configs = Configs()
        self._looks.clear()

    def show(self, uri: str) -> None:
        """Tell the editor what is found in a document."""
        self._forget_timer(uri)
        look = self._look(uri)
        codec = self._server.workspace.position_codec
        shown: list[types.Diagnostic] = []
        if look is not None:
            shown = [diagnostic(finding, look.text, codec, look.run.today) for finding in look.run.findings]
        version = self._document(uri).version
        self._server.text_document_publish_diagnostics(types.PublishDiagnosticsParams(uri, shown, version))

    def show_all(self) -> None:
        """Tell the editor what is found in every document."""
        for document in list(self._server.workspace.text_documents.values()):
            self.show(document.uri)

    def show_soon(self, uri: str) -> None:
        """Tell the editor what is found in a document when nothing more is typed."""
        self._forget_timer(uri)
        self._waiting[uri] = asyncio.get_running_loop().call_later(_PAUSE_SECONDS, self.show, uri)

    def close(self, uri: str) -> None:
        """Forget a document, and have the editor forget what was found in it."""
        self._forget_timer(uri)
        self._looks.pop(uri, None)
        self._server.text_document_publish_diagnostics(types.PublishDiagnosticsParams(uri, []))

    def actions(self, uri: str, place: types.Range) -> Iterator[types.CodeAction]:
        """Yield what can be done about the findings at a place, and about all of a document; the edits come later."""
        look = self._look(uri)
        if look is None:
            return
        codec = self._server.workspace.position_codec
        asked = {"uri": uri, "version": look.version}
        for finding in look.run.findings:
            where = range_of(finding, look.text, codec)
            if place.end < where.start or where.end < place.start:
                continue
            shown = [diagnostic(finding, look.text, codec, look.run.today)]
            for title, change in _changes(finding):
                yield types.CodeAction(
                    title,
                    kind=types.CodeActionKind.QuickFix,
                    diagnostics=shown,
                    is_preferred=change == "safe" or None,
                    data={**asked, "change": change, "finding": _place(finding)},
                )
        if any(finding.fix_for(unsafe=False) for finding in look.run.findings):
            yield types.CodeAction(f"{SOURCE}: apply all safe fixes", kind=_FIX_ALL, data={**asked, "change": "all"})

    def resolved(self, action: types.CodeAction) -> types.CodeAction:
        """Return an action with its edit; without one where the document has changed, or nothing would."""
        asked: Any = action.data
        look = self._look(asked["uri"])
        if look is None or look.version != asked["version"]:
            return action
        content, failures = _changed(look, asked["change"], asked.get("finding"))
        self._tell("; ".join(failures))
        if content != look.content:
            codec = self._server.workspace.position_codec
            edits = text_edits(decode(look.content).text, decode(content).text, codec)
            action.edit = types.WorkspaceEdit({asked["uri"]: edits})
        return action

    def _look(self, uri: str) -> _Look | None:
        """Return what is found in a document, unless it is none of ours, is excluded, or cannot be checked."""
        document = self._document(uri)
        known = self._looks.get(uri)
        if known is not None and known.version == document.version:
            return known
        path = to_fs_path(uri)
        if path is None or document.language_id != "python":
            return None
        try:
            look = self._looked(document, Path(path))
        except UsageError as error:
            self._tell(str(error))
            return None
        self._tell("; ".join(look.run.failures) if look else "")
        if look is not None:
            self._looks[uri] = look
            self._note_withheld(look)
        return look

    def _looked(self, document: TextDocument, path: Path) -> _Look | None:
        file = file_at(path, self._configs)
        check_selectors(file.config, self._configs)
        if is_excluded(file.relative, file.config):
            return None
        content = encoded(document.source)
        scope = scope_of([file])
        run, _ = check_given(content, file, scope)
        return _Look(document.version, content, SourceText(document.source), file, scope, run)

    def _document(self, uri: str) -> TextDocument:
        return self._server.workspace.get_text_document(uri)

    def _tell(self, sentence: str) -> None:
        """Say what is wrong, once until it is another thing or nothing."""
        if sentence and sentence != self._trouble:
            self._message(types.MessageType.Error, sentence)
        self._trouble = sentence

    def _note_withheld(self, look: _Look) -> None:
        """Say once of each project why findings have no fixes."""
        root = look.file.config.root
        if look.run.withheld and root not in self._noted:
            self._noted.add(root)
            self._message(types.MessageType.Info, " ".join(withheld(look.run)))

    def _message(self, kind: types.MessageType, sentence: str) -> None:
        self._server.window_show_message(types.ShowMessageParams(kind, f"{SOURCE}: {sentence}"))

    def _forget_timer(self, uri: str) -> None:
        timer = self._waiting.pop(uri, None)
        if timer is not None:
            timer.cancel()


def _changes(finding: Finding) -> Iterator[tuple[str, str]]:
    """Yield what can be done about a finding: what editors show of it, and what it is called here."""
    safe, unsafe = finding.fix_for(unsafe=False), finding.fix_for(unsafe=True)
    if safe is not None:
        yield f"{finding.code}: {safe.description}", "safe"
    if unsafe is not None and unsafe is not safe:
        yield f"{finding.code}: {unsafe.description} (unsafe: can change what the code does)", "unsafe"
    if not finding.code.startswith(ABOUT_COMMENTS):
        yield f"Ignore {finding.code} here", "ignore"


def _place(finding: Finding) -> list[str | int]:
    """Return what an editor is to say a finding by when it asks for an edit."""
    return [finding.code, finding.line, finding.column]


def _changed(look: _Look, change: str, place: list[str | int] | None) -> tuple[bytes, list[str]]:
    """Return the content of a document after a change, and what went wrong, a sentence each."""
    if change == "all":
        run, content = check_given(look.content, look.file, look.scope, Fixing())
        return content, run.failures
    finding = next((finding for finding in look.run.findings if _place(finding) == place), None)
    if finding is None:
        return look.content, []
    if change == "ignore":
        # The reason is left to be written; until it is, GR902 asks for it.
        return with_ignores(look.content, [finding], "").content, []
    alone = look.scope._replace(only=finding)
    run, content = check_given(look.content, look.file, alone, Fixing(unsafe=change == "unsafe"))
    return content, run.failures


def _is_wanted(action: types.CodeAction, only: Sequence[types.CodeActionKind | str] | None) -> bool:
    """Whether an editor asks for this kind of action: all of them, this one, or a kind that it belongs to."""
    kinds = [kind.value if isinstance(kind, types.CodeActionKind) else kind for kind in only or ()]
    own = action.kind.value if isinstance(action.kind, types.CodeActionKind) else action.kind
    return not kinds or any(f"{own}.".startswith(f"{kind}.") for kind in kinds)


def serve() -> bool:
    """Answer an editor until it is gone; return whether it said so with `shutdown`."""
    # Of a change, the whole text is sent: what splits lines in Python differs from what does in the protocol.
    server = LanguageServer(SOURCE, __version__, types.TextDocumentSyncKind.Full)
    editor = _Editor(server)
    ended: list[bool] = []

    @server.feature(types.INITIALIZED)
    def initialized(_params: types.InitializedParams) -> None:
        watching = "workspace.did_change_watched_files.dynamic_registration"
        if get_capability(server.client_capabilities, watching):
            watched = types.DidChangeWatchedFilesRegistrationOptions([types.FileSystemWatcher(_TELLING)])
            told = types.Registration("settings", types.WORKSPACE_DID_CHANGE_WATCHED_FILES, watched)
            server.client_register_capability(types.RegistrationParams([told]))

    @server.feature(types.TEXT_DOCUMENT_DID_OPEN)
    def opened(params: types.DidOpenTextDocumentParams) -> None:
        editor.renew()
        editor.show(params.text_document.uri)

    @server.feature(types.TEXT_DOCUMENT_DID_CHANGE)
    def changed(params: types.DidChangeTextDocumentParams) -> None:
        editor.show_soon(params.text_document.uri)

    @server.feature(types.TEXT_DOCUMENT_DID_SAVE)
    def saved(params: types.DidSaveTextDocumentParams) -> None:
        editor.renew()
        editor.show(params.text_document.uri)

    @server.feature(types.TEXT_DOCUMENT_DID_CLOSE)
    def closed(params: types.DidCloseTextDocumentParams) -> None:
        editor.close(params.text_document.uri)

    @server.feature(types.WORKSPACE_DID_CHANGE_WATCHED_FILES)
    def settings_changed(_params: types.DidChangeWatchedFilesParams) -> None:
        editor.renew()
        editor.show_all()

    @server.feature(types.TEXT_DOCUMENT_CODE_ACTION, types.CodeActionOptions(_KINDS, resolve_provider=True))
    def actions(params: types.CodeActionParams) -> list[types.CodeAction]:
        offered = editor.actions(params.text_document.uri, params.range)
        wanted = [action for action in offered if _is_wanted(action, params.context.only)]
        properties = get_capability(server.client_capabilities, "text_document.code_action.resolve_support.properties")
        if "edit" in (properties or ()):
            return wanted
        return [action for action in map(editor.resolved, wanted) if action.edit is not None]

    @server.feature(types.CODE_ACTION_RESOLVE)
    def resolved(action: types.CodeAction) -> types.CodeAction:
        return editor.resolved(action)

    @server.feature(types.SHUTDOWN)
    def shut_down(_params: None) -> None:
        ended.append(True)

    # What a rule of another distribution prints must not get between the messages; and pygls closes what it writes to.
    with os.fdopen(os.dup(sys.stdout.fileno()), "wb") as output, contextlib.redirect_stdout(sys.stderr):
        server.start_io(stdout=output)
    return bool(ended)
