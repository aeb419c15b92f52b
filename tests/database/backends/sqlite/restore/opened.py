"""What the tests of SQLite's worker database share: connections as an engine opens them, and what a database holds."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from threading import Thread, current_thread
from typing import Any, cast
from weakref import WeakKeyDictionary

from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite

from hermetic.code import Location
from hermetic.database.backends.sqlite.restore import SqliteDatabase, TrackedConnection
from hermetic.database.in_use import Checkout, OpenWork
from hermetic.owners import Kind, Owner, Scope

PRAGMAS = ("user_version", "application_id", "page_size", "auto_vacuum", "encoding", "integrity_check")


_opened: WeakKeyDictionary[SqliteDatabase, list[TrackedConnection]] = WeakKeyDictionary()


def connect(database: SqliteDatabase, owner: Owner | None = None, **params: Any) -> TrackedConnection:
    """Open a connection as an engine of pysqlite does, in an owner's hands where one is given.

    It lives, as in a pool, until the database closes it.
    """
    dialect = SQLiteDialect_pysqlite(dbapi=cast(Any, sqlite3))
    connection = cast(TrackedConnection, database.open(dialect, ["app.db"], params))
    _opened.setdefault(database, []).append(connection)
    if owner is not None:
        connection.checkout = checkout(owner)
    return connection


def owned(name: str, kind: Kind = "test", scope: Scope = "function", parent: Owner | None = None) -> Owner:
    """Make an owner."""
    return Owner(name, kind, scope, parent)


@dataclass
class User:
    """Whoever has a connection in hand, in a thread."""

    thread: Thread | None
    loop: None = None
    task: None = None

    def handles(self) -> list[Any]:
        """Nobody else has it."""
        return []


def checkout(owner: Owner, line: int = 7, by: Thread | None = None) -> Checkout:
    """Say that an owner checked a connection out in its test module, in a thread."""
    location = Location("tests/test_app.py", line, "test_it")
    user = User(by or current_thread())
    return Checkout(owner, location, "sqlite:///app.db", lambda: user)


def open_work(database: SqliteDatabase) -> list[OpenWork]:
    """Return what its connections have open now."""
    return [work for connection in database._state.connections.members() for work in connection.open_work()]


def dump(connection: sqlite3.Connection) -> list[str]:
    """Return everything that a database holds, as text."""
    settings = [f"{name}={connection.execute(f'PRAGMA {name}').fetchall()}" for name in PRAGMAS]
    return [*connection.iterdump(), *settings]


def dump_of(database: SqliteDatabase) -> list[str]:
    """Return everything that a worker database holds, as a connection that nobody tracks sees it."""
    connection = sqlite3.connect(database.path, timeout=0)
    try:
        return dump(connection)
    finally:
        connection.close()


def values(connection: sqlite3.Connection, sql: str) -> list[Any]:
    """Return the first column of a query's rows."""
    return [row[0] for row in connection.execute(sql).fetchall()]
