"""Layers that come and go in any order, against a model of plain dictionaries."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import example, given

from hermetic.database.backends.sqlite.restore import SqliteDatabase, TrackedConnection
from tests.database.backends.playing_layers import Cell, NextTest, Play, Rows, SetUp, TearDown, Write, plays
from tests.database.backends.sqlite.restore.opened import connect, dump_of

SCHEMA = """
CREATE TABLE plain (k INTEGER PRIMARY KEY, v);
CREATE TABLE keyless (v);
CREATE TABLE texts (k TEXT PRIMARY KEY, v, doubled GENERATED ALWAYS AS (v || v));
CREATE TABLE flat (k INTEGER, part INTEGER DEFAULT 1, v, PRIMARY KEY (k, part)) WITHOUT ROWID;
CREATE TRIGGER echoes AFTER INSERT ON plain WHEN new.k > 90 BEGIN DELETE FROM plain; END;
INSERT INTO plain VALUES (1, 'one');
INSERT INTO keyless VALUES ('one'), ('two');
INSERT INTO texts (k, v) VALUES (1, 'one');
INSERT INTO flat (k, v) VALUES (1, 'one');
"""
KEYS = {"plain": "k", "keyless": "rowid", "texts": "k", "flat": "k"}


@dataclass(eq=False)
class Table:
    """The rows of the database."""

    connection: TrackedConnection

    def read(self) -> Rows:
        """Read what the database holds."""
        return {
            (table, int(key)): value
            for table, name in KEYS.items()
            for key, value in self.connection.execute(f"SELECT {name}, v FROM {table}").fetchall()
        }

    def write(self, cell: Cell, value: object) -> None:
        """Write one row."""
        table, key = cell
        name = KEYS[table]
        if value is None:
            self.connection.execute(f"DELETE FROM {table} WHERE {name} = ?", (key,))
        else:
            sql = f"INSERT OR REPLACE INTO {table} ({name}, v) VALUES (?, ?)"
            self.connection.execute(sql, (key, value))


@contextmanager
def seeded() -> Iterator[tuple[SqliteDatabase, Play]]:
    """Make a worker database with the schema above."""
    with TemporaryDirectory() as folder:
        database = SqliteDatabase("app", Path(folder) / "app.db")
        with closing(connect(database, isolation_level=None)) as connection:
            connection.executescript(SCHEMA)
            database.mark_baseline()
            yield database, Play(database, Table(connection))
        database.close()


NOTHING_NEW = [
    SetUp(
        (
            Write(("keyless", 2), "a"),
            SetUp((Write(("keyless", 1), b"a"),)),
            Write(("keyless", 1), None),
        )
    ),
    SetUp((Write(("keyless", 2), "a"), SetUp((Write(("keyless", 1), b"a"),)))),
]
"""The last fixture to end wrote what was there: all others go, in whatever order they ended."""


@given(steps=plays)
@example(steps=NOTHING_NEW)
def test_any_order_of_layers(steps: list[Write | SetUp | TearDown | NextTest]) -> None:
    """After each restore the rows are the base's and the living layers', and at the end the base is back whole."""
    with seeded() as (database, play):
        before = dump_of(database)
        play.do(steps)
        assert dump_of(database) == before
