"""What refers to nothing, as each connection sees it."""

from __future__ import annotations

from contextlib import closing

from hermetic.database.backends.sqlite.restore import SqliteDatabase
from hermetic.threads import in_thread
from tests.database.backends.sqlite.restore.opened import connect

TABLES = (
    "CREATE TABLE writers (id INTEGER PRIMARY KEY)",
    "CREATE TABLE books (id INTEGER PRIMARY KEY, writer_id INTEGER REFERENCES writers(id) ON DELETE CASCADE)",
)
BOOK = "INSERT INTO books (writer_id) VALUES (77)"


def test_what_refers_to_nothing(database: SqliteDatabase) -> None:
    """Committed or not, each foreign key once; of tables that another connection has made."""
    with closing(connect(database)) as connection:
        for statement in TABLES:
            connection.execute(statement)
        connection.commit()
        assert database.broken_references() == []
        connection.execute(BOOK)
        (found,) = database.broken_references()
        assert found[:5] == ("books", "books.writer_id", "writers", "CASCADE", "SQLite")
        connection.execute(BOOK)
        connection.commit()
        assert database.broken_references() == [found]


def test_a_connection_at_work(database: SqliteDatabase) -> None:
    """It is left alone; what it has not committed nobody else sees."""
    with closing(connect(database)) as connection:
        for statement in (*TABLES, BOOK):
            connection.execute(statement)
        with connection.guard:
            assert in_thread(database.broken_references) == []
