"""Random suites on SQLite: what their fixtures and tests do, and all that a database holds."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import strategies as st

from hermetic.database.backends.sqlite.restore import SqliteDatabase
from tests.database.backends.playing_scopes import Play, Suite, suites
from tests.database.backends.sqlite.restore.opened import connect

SCHEMA = """
CREATE TABLE a (id INTEGER PRIMARY KEY AUTOINCREMENT, v TEXT UNIQUE);
CREATE TABLE b (id INTEGER PRIMARY KEY, a_id INTEGER REFERENCES a ON DELETE CASCADE, v TEXT);
CREATE TABLE tags (name TEXT PRIMARY KEY, uses INTEGER) WITHOUT ROWID;
CREATE TABLE plain (v);
CREATE VIEW w AS SELECT id, v FROM a;
CREATE TRIGGER noted AFTER INSERT ON a BEGIN INSERT INTO plain VALUES (new.v); END;
CREATE VIRTUAL TABLE words USING fts5(v);
CREATE VIRTUAL TABLE found USING fts5(v, content='b', content_rowid='id');
CREATE TRIGGER found_new AFTER INSERT ON b BEGIN INSERT INTO found (rowid, v) VALUES (new.id, new.v); END;
CREATE TRIGGER found_old AFTER DELETE ON b BEGIN
    INSERT INTO found (found, rowid, v) VALUES ('delete', old.id, old.v);
END;
CREATE VIRTUAL TABLE places USING rtree(id, low, high);
INSERT INTO a (v) VALUES ('one'), ('two');
INSERT INTO b VALUES (1, 1, 'words of one'), (2, 1, 'more words');
INSERT INTO tags VALUES ('x', 1);
INSERT INTO plain VALUES ('same'), ('same');
INSERT INTO words VALUES ('at first');
INSERT INTO places VALUES (1, 0.5, 1.5);
"""

STATEMENTS = (
    "INSERT INTO a (v) VALUES ('new {n}')",
    "UPDATE a SET v = v || '{n}' WHERE id = {n}",
    "DELETE FROM a WHERE id = {n}",
    "INSERT INTO b (a_id, v) VALUES ({n}, 'word{n} of b')",
    "DELETE FROM b WHERE id = {n}",
    "INSERT OR REPLACE INTO tags VALUES ('tag{n}', {n})",
    "INSERT INTO plain VALUES ('same'), ({n})",
    "INSERT INTO words VALUES ('word{n} and more'), ('word{n}')",
    "UPDATE words SET v = 'changed {n}' WHERE rowid = {n}",
    "DELETE FROM words WHERE rowid = {n}",
    "INSERT INTO words (words) VALUES ('optimize')",
    "INSERT OR REPLACE INTO places VALUES ({n}, {n}.5, {n}.75)",
    "DELETE FROM places WHERE id = {n}",
    "INSERT INTO made{n} (v) VALUES ('{n}')",
    "INSERT INTO search{n} VALUES ('some words {n}')",
    "ALTER TABLE a ADD COLUMN added{n} DEFAULT {n}",
    "ALTER TABLE b RENAME TO c",
    "ALTER TABLE plain RENAME COLUMN v TO u",
    "ALTER TABLE words RENAME TO words{n}",
    "CREATE TABLE made{n} (id INTEGER PRIMARY KEY AUTOINCREMENT, v)",
    "DROP TABLE made{n}",
    "CREATE VIEW view{n} AS SELECT * FROM a",
    "DROP VIEW w",
    "DROP TRIGGER noted",
    "CREATE INDEX index{n} ON a (v)",
    "CREATE VIRTUAL TABLE search{n} USING fts5(body)",
    "DROP TABLE search{n}",
    "DROP TABLE words",
    "DROP TABLE tags",
    "PRAGMA user_version = {n}",
)
plays = suites(
    st.builds(lambda sql, n: sql.replace("{n}", str(n)), st.sampled_from(STATEMENTS), st.integers(1, 3))
)


SHADOW = re.compile(r"^(words\d?|found|search\d|places)_")


def dump_of(database: SqliteDatabase) -> dict[str, list[str]]:
    """Return all that a database holds: of virtual tables what they show, and which words their indexes have where."""
    with closing(sqlite3.connect(database.path, timeout=0, isolation_level=None)) as connection:
        objects = connection.execute("SELECT type, name, sql FROM sqlite_master").fetchall()
        found = {
            "": sorted(repr(each) for each in objects),
            "version": read(connection, "PRAGMA user_version"),
        }
        for kind, name, sql in objects:
            if kind == "table" and not SHADOW.match(name):
                found[name] = read(connection, f'SELECT * FROM "{name}"')
            if "fts5" in str(sql):
                connection.execute(
                    f"CREATE VIRTUAL TABLE temp.v_{name} USING fts5vocab(main, {name}, instance)"
                )
                found[f"words of {name}"] = read(connection, f"SELECT * FROM temp.v_{name}")
        return found


def read(connection: sqlite3.Connection, query: str) -> list[str]:
    """Return rows as text; where they cannot be read, as of an index whose table is gone, why."""
    try:
        return sorted(repr(row) for row in connection.execute(query).fetchall())
    except sqlite3.Error as error:
        return [str(error)]


def do(suite: Suite) -> None:
    """Do a suite, on a database of its own."""
    with TemporaryDirectory() as folder:
        database = SqliteDatabase("app", Path(folder) / "app.db")
        with closing(connect(database, isolation_level=None)) as connection:
            connection.executescript(SCHEMA)
            database.mark_baseline()

            def run(statement: str) -> None:
                with suppress(sqlite3.Error):  # what an earlier statement made impossible
                    connection.execute(statement).close()

            Play(database, run, lambda: dump_of(database)).do(suite)
        database.close()
