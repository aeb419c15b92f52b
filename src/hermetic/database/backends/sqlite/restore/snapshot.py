"""A copy of a whole database in memory, and how it gets back into the live file.

``sqlite3.Connection.backup`` copies pages, so everything comes with them: rows, ``sqlite_sequence``, DDL,
``user_version``, the shadow tables of FTS5. It raises the schema cookie, so that open connections parse the schema
again by themselves. It waits without end for other connections' locks; here it is given a time.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from weakref import finalize

from hermetic.threads import now

RETRY = 0.002
"""Seconds between two tries of a copy that another connection's lock refused."""


class Blocked(Exception):
    """A copy was refused for as long as it might take."""


@dataclass(frozen=True)
class RawText:
    """A text that is not valid UTF-8, which SQLite stores as it stores any other."""

    data: bytes


def _text(data: bytes) -> str | RawText:
    try:
        return data.decode()
    except UnicodeDecodeError:
        return RawText(data)


def copy(source: sqlite3.Connection, target: sqlite3.Connection, seconds: float) -> None:
    """Copy a whole database over another one.

    Args:
        source: What is copied.
        target: What is overwritten, in one transaction.
        seconds: How long to try while another connection's lock is in the way.

    Raises:
        Blocked: It still was after that time.
    """
    deadline = now() + seconds

    def progress(status: int, remaining: int, total: int) -> None:
        if status in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED) and now() >= deadline:
            raise Blocked

    source.backup(target, progress=progress, sleep=RETRY)


class Snapshot:
    """A database's content at one moment. Nobody changes one that others can see.

    Attributes:
        connection: The in-memory database that holds it.
    """

    def __init__(self) -> None:
        self.connection = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
        self.connection.text_factory = _text
        self._closing = finalize(self, self.connection.close)

    @classmethod
    def take(cls, live: sqlite3.Connection, seconds: float = 2.0) -> Snapshot:
        """Copy what a connection's database holds now; raise ``Blocked`` after ``seconds``."""
        snapshot = cls()
        copy(live, snapshot.connection, seconds)
        return snapshot

    def duplicate(self) -> Snapshot:
        """Copy it, for somebody who will change the copy before others see it."""
        return Snapshot.take(self.connection)

    def write_to(self, live: sqlite3.Connection, seconds: float) -> None:
        """Put it in place of what a connection's database holds; raise ``Blocked`` after ``seconds``."""
        copy(self.connection, live, seconds)

    def close(self) -> None:
        """Give its memory back."""
        self._closing()
