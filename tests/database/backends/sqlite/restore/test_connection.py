"""Tests of the connections that the application gets: they behave as sqlite3's own, and know what they have open."""

from __future__ import annotations

import asyncio
import gc
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, event, text
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from hermetic.database.backends.sqlite.restore import SqliteDatabase, TrackedConnection, tracked
from tests.database.backends.sqlite.restore.opened import connect, open_work, values


def kinds(connection: TrackedConnection) -> list[str]:
    """Return what kinds of work a connection has open."""
    return [work.kind for work in connection.open_work()]


def test_a_fresh_connection_has_nothing_open(database: SqliteDatabase) -> None:
    """Opening one, and reading with it, leaves nothing open."""
    connection = connect(database)
    assert values(connection, "SELECT name FROM users") == ["ada"]
    assert kinds(connection) == []


def test_an_insert_opens_a_transaction(database: SqliteDatabase) -> None:
    """A transaction is open from the first write to its end."""
    connection = connect(database)
    connection.execute("INSERT INTO users (name) VALUES ('grace')")
    assert kinds(connection) == ["transaction"]
    connection.rollback()
    assert kinds(connection) == []


def test_a_cursor_with_rows_left_is_open(database: SqliteDatabase) -> None:
    """A cursor is open while SQLite still has rows for it, and not merely because nobody asked for the end."""
    connection = connect(database)
    connection.execute("INSERT INTO users (name) VALUES ('grace')")
    connection.commit()
    cursor = connection.execute("SELECT * FROM users")
    assert cursor.fetchone() is not None
    assert kinds(connection) == ["cursor"]
    assert cursor.fetchone() is not None
    assert kinds(connection) == []


def finish_by_fetchone(cursor: sqlite3.Cursor) -> None:
    """Fetch until there is none."""
    while cursor.fetchone():
        pass


@pytest.mark.parametrize(
    "finish",
    [
        finish_by_fetchone,
        lambda cursor: cursor.fetchall(),
        lambda cursor: cursor.fetchmany(99),
        lambda cursor: [cursor.fetchmany(), cursor.fetchmany(), cursor.fetchmany(), cursor.fetchmany()],
        list,
        lambda cursor: cursor.close(),
        lambda cursor: cursor.execute("DELETE FROM tasks"),
    ],
)
def test_a_cursor_that_saw_its_end_is_not_open(database: SqliteDatabase, finish: Any) -> None:
    """Whatever way the end is reached."""
    connection = connect(database, isolation_level=None)
    cursor = connection.execute("VALUES (1), (2), (3)")
    assert kinds(connection) == ["cursor"]
    finish(cursor)
    assert not cursor.pending
    assert kinds(connection) == []


def test_a_closed_connection_has_nothing_open(database: SqliteDatabase) -> None:
    """Closing ends both; the database forgets the connection."""
    connection = connect(database)
    connection.execute("INSERT INTO users (name) VALUES ('grace')")
    connection.execute("SELECT 1 UNION SELECT 2")
    connection.close()
    assert kinds(connection) == []
    assert open_work(database) == []


def test_a_forgotten_connection_is_forgotten(database: SqliteDatabase) -> None:
    """Nothing here keeps a connection alive that its user has lost."""
    dialect: Any = SQLiteDialect_pysqlite(dbapi=sqlite3)
    connection: Any = database.open(dialect, ["app.db"], {})
    connection.execute("INSERT INTO users (name) VALUES ('grace')")
    assert len(open_work(database)) == 1
    sqlite3.Connection.close(connection)
    del connection
    gc.collect()
    assert open_work(database) == []


def test_with_commits(database: SqliteDatabase) -> None:
    """``with connection`` commits, and rolls back on an error, which it lets pass."""
    connection = connect(database)
    with connection:
        connection.execute("INSERT INTO users (name) VALUES ('grace')")
    with pytest.raises(ZeroDivisionError), connection:
        connection.execute("INSERT INTO users (name) VALUES ('linus')")
        _ = 1 / 0
    assert values(connection, "SELECT name FROM users") == ["ada", "grace"]
    assert kinds(connection) == []


def test_with_rolls_back_when_the_commit_fails(database: SqliteDatabase) -> None:
    """A commit that is refused leaves no transaction behind."""
    connection = connect(database)
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("CREATE TABLE c (u REFERENCES users (id) DEFERRABLE INITIALLY DEFERRED)")
    with pytest.raises(sqlite3.IntegrityError), connection:
        connection.execute("INSERT INTO c VALUES (99)")
    assert kinds(connection) == []


def test_executemany_takes_an_iterator(database: SqliteDatabase) -> None:
    """Rows may come from a generator, and all arrive."""
    connection = connect(database)
    cursor = connection.executemany("INSERT INTO tasks (title) VALUES (?)", ((str(n),) for n in range(3)))
    assert cursor.rowcount == 3
    assert values(connection, "SELECT title FROM tasks") == ["0", "1", "2"]


@pytest.mark.parametrize("isolation_level", ["", "IMMEDIATE", None])
def test_executescript_commits_first(database: SqliteDatabase, isolation_level: str | None) -> None:
    """A script ends the transaction before it, runs outside of any, and leaves the isolation level as it was."""
    connection = connect(database, isolation_level=isolation_level)
    connection.execute("INSERT INTO users (name) VALUES ('grace')")
    connection.executescript("INSERT INTO tasks (title) VALUES ('a'); SELECT * FROM users; -- done")
    assert connection.isolation_level == isolation_level
    assert kinds(connection) == []
    assert database.dirty()


def test_executescript_leaves_its_own_transaction_open(database: SqliteDatabase) -> None:
    """A script may begin a transaction that somebody else commits."""
    connection = connect(database, isolation_level=None)
    connection.executescript("BEGIN; INSERT INTO tasks (title) VALUES ('a');")
    assert kinds(connection) == ["transaction"]


def test_isolation_level_none_commits(database: SqliteDatabase) -> None:
    """Setting it to None commits, as sqlite3 does; any other value does not."""
    connection = connect(database)
    connection.execute("INSERT INTO users (name) VALUES ('grace')")
    connection.isolation_level = "IMMEDIATE"
    assert kinds(connection) == ["transaction"]
    connection.isolation_level = None
    assert kinds(connection) == []
    assert connection.isolation_level is None
    assert database.dirty()


def test_busy_timeout_is_the_applications(database: SqliteDatabase) -> None:
    """``PRAGMA busy_timeout`` reads and sets how long the connection waits in hermetic's queue."""
    connection = connect(database, timeout=3.5)
    assert values(connection, "PRAGMA busy_timeout") == [3500]
    connection.execute("PRAGMA busy_timeout = 250")
    assert connection.patience == 0.25
    assert values(connection, "PRAGMA busy_timeout") == [250]


@pytest.mark.skipif(sys.version_info < (3, 12), reason="sqlite3 has no autocommit attribute")
def test_autocommit_false_is_open_once_used(database: SqliteDatabase) -> None:  # pragma: no cover - 3.12 on
    """The transaction that Python keeps open all the time counts from its first statement."""
    connection = connect(database, autocommit=False)
    assert kinds(connection) == []
    connection.execute("INSERT INTO users (name) VALUES ('grace')")
    connection.executescript("INSERT INTO users (name) VALUES ('linus')")
    assert kinds(connection) == ["transaction"]
    connection.commit()
    assert kinds(connection) == []
    assert database.restore()


class Shouting(sqlite3.Connection):
    """A connection class of a user's."""

    def commit(self) -> None:
        """Commit loudly."""
        self.shouted = True
        super().commit()


class Counting(sqlite3.Cursor):
    """A cursor class of a user's."""

    executed = 0

    def execute(self, *args: Any) -> Any:
        """Count."""
        self.executed += 1
        return super().execute(*args)


def test_a_connection_class_of_the_users_keeps_working(database: SqliteDatabase) -> None:
    """Both classes' behaviour is there."""
    connection = connect(database, factory=Shouting)
    connection.execute("INSERT INTO users (name) VALUES ('grace')")
    connection.commit()
    assert isinstance(connection, Shouting) and connection.shouted
    assert tracked(connection) is connection


def test_a_cursor_class_of_the_users_keeps_working(database: SqliteDatabase) -> None:
    """Both classes' behaviour is there."""
    connection = connect(database)
    cursor = connection.cursor(Counting)
    cursor.execute("SELECT 1 UNION SELECT 2")
    assert cursor.executed == 1
    assert kinds(connection) == ["cursor"]


def test_tracked_finds_the_connection_of_a_sync_engine(database: SqliteDatabase) -> None:
    """What a pool of pysqlite holds is the connection itself."""
    engine = create_engine("sqlite:///elsewhere.db")
    event.listen(engine, "do_connect", lambda d, r, args, params: database.open(d, args, params))
    with engine.connect() as connection:
        found = tracked(connection.connection.dbapi_connection)
        assert isinstance(found, TrackedConnection)
        assert connection.scalar(text("SELECT name FROM users")) == "ada"
    engine.dispose()


def async_engine(database: SqliteDatabase) -> AsyncEngine:
    """Make an engine on aiosqlite whose connections go to the worker database."""
    engine = create_async_engine("sqlite+aiosqlite:///elsewhere.db")
    event.listen(engine.sync_engine, "do_connect", lambda d, r, args, params: database.open(d, args, params))
    return engine


def test_tracked_finds_the_connection_of_an_async_engine(database: SqliteDatabase) -> None:
    """It lies under SQLAlchemy's adapter and aiosqlite's connection; a closed one is not found."""

    async def main() -> None:
        engine = async_engine(database)
        async with engine.connect() as connection:
            await connection.execute(text("INSERT INTO users (name) VALUES ('grace')"))
            raw = await connection.get_raw_connection()
            found = tracked(raw.dbapi_connection)
            assert found is not None and kinds(found) == ["transaction"]
            assert tracked(raw.driver_connection) is found
        adapter = raw.dbapi_connection
        await engine.dispose()
        assert tracked(adapter) is None

    asyncio.run(main())


def test_a_streamed_result_is_open(database: SqliteDatabase) -> None:
    """A server-side cursor of an async engine is open until its end."""

    async def main() -> None:
        engine = async_engine(database)
        async with engine.connect() as connection:
            result = await connection.stream(text("VALUES (1), (2), (3)"))
            assert await result.fetchone() is not None
            assert [work.kind for work in open_work(database)] == ["cursor"]
            await result.close()
            assert open_work(database) == []
        await engine.dispose()

    asyncio.run(main())


def test_a_foreign_connection_is_not_tracked() -> None:
    """Neither a plain connection nor something else is."""
    plain = sqlite3.connect(":memory:")
    assert tracked(plain) is None
    assert tracked(object()) is None
    plain.close()


def test_connections_are_ended_under_running_threads(tmp_path: Path) -> None:
    """Ending and closing connections that other threads execute on crashes nothing."""
    module = "tests.database.backends.sqlite.restore.crowd"
    subprocess.run([sys.executable, "-m", module, str(tmp_path), "6"], check=True, timeout=600)


def test_a_closed_connection_holds_no_lock(database: SqliteDatabase) -> None:
    """SQLite would keep it, and its transaction, for as long as a cursor of it lives."""
    writer, reader = connect(database), connect(database)
    written = writer.execute("INSERT INTO users (name) VALUES ('bob') RETURNING id")
    read = reader.execute("SELECT name FROM users")
    for connection in (writer, reader):
        connection.close()
    other = connect(database, timeout=0)
    other.execute("INSERT INTO users (name) VALUES ('eve')")
    other.commit()
    other.close()
    assert database.restore()
    del written, read
