"""A DBAPI of its own: databases are images on a shelf of this process, and a commit puts a new image there."""

from __future__ import annotations

import sqlite3
from sqlite3 import (
    DatabaseError,
    DataError,
    Error,
    IntegrityError,
    InterfaceError,
    InternalError,
    NotSupportedError,
    OperationalError,
    ProgrammingError,
    sqlite_version_info,
)

__all__ = [
    "DataError",
    "DatabaseError",
    "Error",
    "IntegrityError",
    "InterfaceError",
    "InternalError",
    "NotSupportedError",
    "OperationalError",
    "ProgrammingError",
    "sqlite_version_info",
]

apilevel = "2.0"
threadsafety = 1
paramstyle = "qmark"
SHELF: dict[str, bytes] = {}
"""The databases, by name."""


class Connection:
    """A connection to one image; it sees what others committed whenever it has no transaction open."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._seen: bytes | None = None
        self._inner = sqlite3.connect(":memory:")

    def cursor(self) -> sqlite3.Cursor:
        """Return a cursor on what the shelf has now."""
        image = SHELF.get(self.name, b"")
        if not self._inner.in_transaction and image != self._seen:
            self._inner.close()
            self._inner = sqlite3.connect(":memory:")
            if image:
                self._inner.deserialize(image)
            self._seen = image
        return self._inner.cursor()

    def commit(self) -> None:
        """Put an image on the shelf if something was written."""
        self._inner.commit()
        image = self._inner.serialize() if self._seen is not None else b""
        if image != self._seen and self._seen is not None:
            SHELF[self.name] = self._seen = image

    def rollback(self) -> None:
        """Forget what was not committed."""
        self._inner.rollback()

    def close(self) -> None:
        """Let go of it."""
        self._inner.close()


def connect(name: str) -> Connection:
    """Open a connection; there is an image of every name, be it empty."""
    return Connection(name)
