"""A database that is filled from a template is what the build made, to the last setting."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from hermetic.database.backends.sqlite.restore import SqliteDatabase
from hermetic.database.backends.sqlite.template_files import TemplateFiles
from hermetic.database.templates import Built, Note
from tests.database.backends.sqlite.restore.opened import connect, dump_of, values

Make = Callable[[str], SqliteDatabase]

TABLE = "CREATE TABLE t (id INTEGER PRIMARY KEY AUTOINCREMENT, x TEXT); INSERT INTO t (x) VALUES ('a');"


@pytest.fixture
def make(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Make]:
    """Makes worker databases of a project, each as a run of its own would."""
    monkeypatch.setenv("HERMETIC_CACHE", str(tmp_path / "cache"))
    made: list[SqliteDatabase] = []

    def make(name: str) -> SqliteDatabase:
        database = SqliteDatabase(name, tmp_path / f"{name}.db", templates=TemplateFiles(tmp_path))
        made.append(database)
        return database

    yield make
    for database in made:
        database.close()


def fill(database: SqliteDatabase, script: str) -> str:
    """Fill a database by a script, where no template is there for it."""

    def build() -> Built:
        connection = connect(database, isolation_level=None)
        connection.executescript(script)
        connection.close()
        return Built()

    said = database.fill(lambda: script, build, lambda note: "")
    database.mark_baseline()
    return said.split(",")[0].split(" (")[0]


@pytest.mark.parametrize(
    "script",
    [
        TABLE,
        f"PRAGMA user_version=7; PRAGMA application_id=8; {TABLE} DELETE FROM t;",
        f"PRAGMA journal_mode=WAL; {TABLE}",
        f"PRAGMA page_size=512; PRAGMA auto_vacuum=FULL; {TABLE}",
        f"PRAGMA encoding='UTF-16'; {TABLE}",
        "CREATE VIRTUAL TABLE f USING fts5 (x); INSERT INTO f VALUES ('many words');",
        f"{TABLE} CREATE TABLE big (x); INSERT INTO big VALUES (zeroblob(3000000));",
        "",
    ],
    ids=["a table", "versions", "WAL", "pages", "UTF-16", "FTS5", "3 MB", "nothing"],
)
def test_a_copy_is_what_was_built(make: Make, script: str) -> None:
    """Rows, counters and what a file's first page says; and tests go back to that."""
    built, copied = make("built"), make("copied")
    assert [fill(each, script) for each in (built, copied)] == ["template built", "template reused"]
    assert dump_of(built) == dump_of(copied)
    modes = [values(connect(each), "PRAGMA journal_mode") for each in (built, copied)]
    assert modes[0] == modes[1]
    connection = connect(copied, isolation_level=None)
    connection.execute("CREATE TABLE of_a_test (x)")
    assert copied.restore()
    assert dump_of(built) == dump_of(copied)


@pytest.mark.parametrize("earlier", ["CREATE TABLE mine (x)", "PRAGMA user_version=3"])
def test_what_is_written_into_already_is_built(make: Make, earlier: str) -> None:
    """By somebody who was handed its URL: a template would take that away."""
    assert fill(make("built"), TABLE) == "template built"
    database = make("written")
    with closing(sqlite3.connect(database.path, isolation_level=None)) as connection:
        connection.execute("BEGIN EXCLUSIVE")
        connection.execute(earlier)
        assert not database._is_empty()
        connection.execute("COMMIT")
    before = dump_of(database)
    assert fill(database, "SELECT 1") == ""
    assert dump_of(database) == before


def test_whose_transaction_is_in_the_way(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a build leaves uncommitted cannot be kept: it is said."""
    monkeypatch.setattr("hermetic.database.backends.sqlite.restore.worker.PATIENCE", 0.01)
    database = make("built")
    left: list[sqlite3.Connection] = []

    def build() -> Built:
        connection = connect(database, isolation_level=None)
        connection.executescript(TABLE)
        connection.execute("PRAGMA cache_spill=1").close()
        connection.execute("BEGIN EXCLUSIVE")
        left.append(connection)
        return Built()

    said = database.fill(lambda: TABLE, build, lambda note: "")
    assert said == "template built, and not kept: somebody else has a write transaction open in it"
    left[0].rollback()


def test_a_template_that_is_removed_while_it_is_read(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """As where nothing can be locked: it is built anew, as one that is damaged."""
    fill(make("built"), TABLE)
    find = TemplateFiles.find

    def gone(store: TemplateFiles, key: str) -> tuple[Path, Note] | None:
        found = find(store, key)
        assert found is not None
        found[0].unlink()
        return found

    monkeypatch.setattr(TemplateFiles, "find", gone)
    assert fill(make("copied"), TABLE) == "template built"
