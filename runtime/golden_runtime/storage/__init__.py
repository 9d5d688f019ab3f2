"""Where tasks and dead letters are kept: SQLite in a file by default, PostgreSQL by URL."""

from __future__ import annotations

from golden_runtime.storage.storage import Storage, open_storage

__all__ = ["Storage", "open_storage"]
