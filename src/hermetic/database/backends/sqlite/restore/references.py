"""Rows that refer to no row: SQLite looks at foreign keys on those connections that were told to, and on no other.

Asked for once a test has failed. What is not committed only its own connection sees.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

from hermetic.database.backends.sqlite.restore.database_state import DatabaseState
from hermetic.database.backends.sqlite.restore.difference import quoted
from hermetic.events.database import ReferenceBroken

CHANGE = (
    '@event.listens_for(engine.sync_engine, "connect") with connection.execute("PRAGMA foreign_keys=ON"),'
    " where the engine is made",
    "the database of production, in tests as well, if it is one that always checks: hermetic_database",
)


def broken_references(own: sqlite3.Connection, state: DatabaseState) -> list[ReferenceBroken]:
    """Return what refers to nothing, as any of the connections sees it, each foreign key once."""
    found = _broken(own)
    for connection in state.connections.members():
        if connection.has_written() and connection.guard.acquire(blocking=False):
            try:
                found += _broken(connection)
            finally:
                connection.guard.release()
    return list(dict.fromkeys(found))


def _broken(connection: sqlite3.Connection) -> list[ReferenceBroken]:
    with suppress(sqlite3.Error):  # somebody is writing, or another thread alone may use it
        _rows(connection, "SELECT count(*) FROM sqlite_master")  # what others have made since is seen by that
        keys = dict.fromkeys(
            (table, number) for table, _, _, number in _rows(connection, "PRAGMA foreign_key_check")
        )
        return list(_references(connection, keys))
    return []


def _references(connection: sqlite3.Connection, keys: Iterable[tuple[str, int]]) -> Iterable[ReferenceBroken]:
    for table, number in keys:
        parts = [
            each
            for each in _rows(connection, f"PRAGMA foreign_key_list({quoted(table)})")
            if each[0] == number
        ]
        columns = ", ".join(f"{table}.{part[3]}" for part in parts)
        yield ReferenceBroken(
            table.lower(), columns, parts[0][2].lower(), parts[0][6].upper(), "SQLite", CHANGE
        )


def _rows(connection: sqlite3.Connection, statement: str) -> list[tuple[Any, ...]]:
    cursor = sqlite3.Cursor(connection)  # not the connection's own, which waits for others
    try:
        return cursor.execute(statement).fetchall()
    finally:
        cursor.close()
