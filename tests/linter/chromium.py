"""Chromium without a window, driven through its debugging pipe: no driver and no network in between."""

from __future__ import annotations

import itertools
import json
import os
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
WHY_NOT = "no `chromium` on this machine: install Debian's package `chromium`"

# What keys are to Chromium: the code of the key, and the text that it types.
_KEYS = {
    "Enter": (13, "\r"),
    "Escape": (27, ""),
    "Tab": (9, ""),
    "Backspace": (8, ""),
    "ArrowRight": (39, ""),
    "ArrowLeft": (37, ""),
    "ArrowDown": (40, ""),
}


class Browser:
    """One tab. Whatever it asks the network for, and what goes wrong in its programs, is noted."""

    def __init__(self, reading: int, writing: int) -> None:
        self._reading, self._writing = reading, writing
        self._left = b""
        self._numbers = itertools.count(1)
        self._session = ""
        self.asked: list[str] = []
        self.errors: list[str] = []
        target = self.command("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.command("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.command(f"{domain}.enable")

    def command(self, method: str, **parameters: object) -> dict[str, Any]:
        """Send a command and return its answer."""
        number = next(self._numbers)
        message = {"id": number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._writing, json.dumps(message).encode() + b"\0")
        while (answer := self._next()).get("id") != number:
            self._note(answer)
        assert "error" not in answer, answer
        result: dict[str, Any] = answer["result"]
        return result

    def open(self, page: Path, place: str = "") -> None:
        """Open a page and wait until its program has run."""
        self.command("Page.navigate", url=f"{page.as_uri()}{place}")
        self.wait("document.documentElement?.dataset.ready === 'yes'")

    def evaluate(self, expression: str) -> Any:
        """Return the value of an expression of JavaScript, a promise's too."""
        answer = self.command("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def wait(self, condition: str) -> None:
        """Wait until a condition holds; it is looked at before each frame."""
        self.evaluate(
            f"new Promise((done, fail) => {{ const end = Date.now() + 30000; const look = () => ({condition}) ? done()"
            f" : Date.now() > end ? fail(new Error('it never came to that')) : setTimeout(look, 10); look(); }})"
        )

    def press(self, key: str) -> None:
        """Press and release a key."""
        code, text = _KEYS[key] if key in _KEYS else (ord(key.upper()), key)
        common = {"key": key, "windowsVirtualKeyCode": code}
        self.command("Input.dispatchKeyEvent", type="keyDown", text=text, **common)
        self.command("Input.dispatchKeyEvent", type="keyUp", **common)

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self._left:
            read = os.read(self._reading, 1 << 20)
            assert read, "Chromium ended"
            self._left += read
        message, _, self._left = self._left.partition(b"\0")
        found: dict[str, Any] = json.loads(message)
        return found

    def _note(self, event: dict[str, Any]) -> None:
        parameters = event.get("params", {})
        if event.get("method") == "Network.requestWillBeSent":
            self.asked.append(parameters["request"]["url"])
        elif event.get("method") == "Runtime.exceptionThrown":
            self.errors.append(json.dumps(parameters["exceptionDetails"]))
        elif event.get("method") == "Log.entryAdded":
            self.errors.append(parameters["entry"]["text"])


@contextmanager
def browser(folder: Path) -> Iterator[Browser]:
    """Start Chromium with a profile in a folder."""
    assert CHROMIUM is not None
    theirs, writing = os.pipe()
    reading, their_writing = os.pipe()
    options = [
        *("--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"),
        *("--remote-debugging-pipe", "--window-size=1280,1000", f"--user-data-dir={folder}", "about:blank"),
    ]
    # Chromium reads from the descriptor 3 and writes to 4
    command = f"exec {shlex.join([CHROMIUM, *options])} 3<&{theirs} 4>&{their_writing}"
    process = subprocess.Popen(
        ["bash", "-c", command], pass_fds=(theirs, their_writing), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    os.close(theirs)
    os.close(their_writing)
    try:
        yield Browser(reading, writing)
    finally:
        process.kill()
        process.wait()
        os.close(reading)
        os.close(writing)
