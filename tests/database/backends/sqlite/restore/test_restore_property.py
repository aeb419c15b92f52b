"""Whatever an application does over several connections, the baseline comes back whole."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hermetic.database.backends.sqlite.restore import SqliteDatabase, TrackedConnection
from hermetic.errors import RestoreError
from tests.database.backends.sqlite.restore.opened import checkout, connect, dump, dump_of, open_work, owned

SCHEMA = """
CREATE TABLE users (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT UNIQUE, born REAL, photo BLOB);
CREATE TABLE tags (name TEXT PRIMARY KEY, uses INTEGER DEFAULT 0) WITHOUT ROWID;
CREATE TABLE log (line TEXT);
CREATE TRIGGER logged AFTER INSERT ON users BEGIN INSERT INTO log VALUES (new.name); END;
CREATE VIEW names AS SELECT name FROM users;
INSERT INTO users (name, born, photo) VALUES ('ada', 1815.5, x'00ff'), ('grace', NULL, NULL);
INSERT INTO tags VALUES ('a', 1), ('b', 2);
PRAGMA user_version = 3;
"""

STATEMENTS = (
    "INSERT INTO users (name) VALUES ('{n}')",
    "INSERT OR REPLACE INTO tags VALUES ('{n}', {n})",
    "INSERT INTO users (id, name) VALUES ({n}00, 'x{n}')",
    "UPDATE users SET name = name || '{n}', photo = randomblob(9000)",
    "UPDATE OR IGNORE tags SET name = '{n}'",
    "DELETE FROM users WHERE id = {n}",
    "DELETE FROM tags",
    "DELETE FROM sqlite_sequence",
    "CREATE TABLE made{n} (id INTEGER PRIMARY KEY AUTOINCREMENT, x)",
    "INSERT INTO made{n} (x) VALUES ({n})",
    "DROP TABLE made{n}",
    "DROP TABLE tags",
    "DROP VIEW names",
    "DROP TRIGGER logged",
    "ALTER TABLE users ADD COLUMN added{n}",
    "ALTER TABLE log RENAME TO logs",
    "CREATE INDEX by_name{n} ON users (name)",
    "CREATE VIRTUAL TABLE search{n} USING fts5(body)",
    "INSERT INTO search{n} VALUES ('some words {n}')",
    "PRAGMA user_version = {n}",
    "PRAGMA application_id = {n}",
    "PRAGMA foreign_keys = ON",
    "PRAGMA journal_mode = WAL",
    "PRAGMA journal_mode = DELETE",
    "PRAGMA page_size = 8192",
    "PRAGMA auto_vacuum = 1",
    "VACUUM",
    "BEGIN",
    "BEGIN IMMEDIATE",
    "SAVEPOINT s{n}",
    "RELEASE s{n}",
    "ROLLBACK TO s{n}",
    "COMMIT",
    "ROLLBACK",
    "SELECT * FROM users",
    "SELECT name FROM names UNION SELECT name FROM tags",
)


@dataclass(frozen=True)
class Step:
    """One statement on one connection; its cursor may be left with rows to fetch."""

    connection: int
    sql: str
    leave_open: bool


steps = st.builds(
    Step,
    connection=st.integers(0, 2),
    sql=st.builds(lambda sql, n: sql.format(n=n), st.sampled_from(STATEMENTS), st.integers(1, 3)),
    leave_open=st.booleans(),
)


def run(step: Step, connections: list[TrackedConnection], held: list[sqlite3.Cursor]) -> None:
    """Execute a step; that SQLite refuses some is part of the play."""
    cursor = connections[step.connection].cursor()
    held.append(cursor)
    with contextlib.suppress(sqlite3.Error):
        cursor.execute(step.sql)
        cursor.fetchone() if step.leave_open else cursor.fetchall()


@contextlib.contextmanager
def seeded(**params: Any) -> Iterator[tuple[SqliteDatabase, list[TrackedConnection]]]:
    """Make a worker database with the schema above, and three connections to it that never wait."""
    with TemporaryDirectory() as folder:
        database = SqliteDatabase("app", Path(folder) / "app.db")
        with contextlib.closing(connect(database)) as connection:
            connection.executescript(SCHEMA)
        database.mark_baseline()
        yield database, [connect(database, timeout=0, **params) for _ in range(3)]
        database.close()


def is_beyond_sqlite(database: SqliteDatabase) -> bool:
    """Whether the page size was changed, and then the mode to WAL, where nothing can change it back."""
    with contextlib.closing(sqlite3.connect(database.path, timeout=0)) as connection:
        return [
            connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_size", "journal_mode")
        ] == [8192, "wal"]


@pytest.mark.parametrize("isolation_level", ["", None])
@given(sequence=st.lists(st.one_of(steps, st.none()), max_size=25))
def test_the_baseline_comes_back(isolation_level: str | None, sequence: list[Step | None]) -> None:
    """After any statements on three connections, committed or not, everything is as it was, for all of them.

    A None in the sequence is the end of one test and the start of the next. The one thing that SQLite cannot undo is
    an error, always.
    """
    test = owned("test_it")
    with seeded(isolation_level=isolation_level) as (database, connections):
        before = dump_of(database)
        held: list[sqlite3.Cursor] = []
        for connection in connections:
            connection.execute("SELECT * FROM users").fetchall()
        for step in [*sequence, None]:
            if step is not None:
                connections[step.connection].checkout = checkout(test)
                run(step, connections, held)
                continue
            database.end_open_work(of=[test])
            assert open_work(database) == []
            if is_beyond_sqlite(database):
                with pytest.raises(RestoreError, match="changed the page size"):
                    database.restore()
                return
            database.restore()
            assert not database.dirty()
            assert dump_of(database) == before
        for connection in connections:
            assert dump(connection) == before
