"""Tests of the worker database: opened, looked at, put back."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, text

from hermetic.database.backends.sqlite.restore import SqliteDatabase, worker
from hermetic.database.backends.sqlite.restore.database_state import in_wal
from hermetic.database.protocols import WorkerDatabase
from hermetic.errors import ConfigurationError, RestoreError
from hermetic.owners import Owner
from tests.database.backends.sqlite.restore.opened import checkout, connect, dump_of, owned, values

ADD = "INSERT INTO users (name) VALUES (?)"


def add(database: SqliteDatabase, name: str = "grace") -> None:
    """Commit a user, as an application does."""
    with closing(connect(database)) as connection, connection:
        connection.execute(ADD, (name,))


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch, database: SqliteDatabase) -> None:
    """Have a blocked restore give up sooner, so that the tests are short."""
    assert worker.PATIENCE == database._state.statement_patience == 2.0
    monkeypatch.setattr(worker, "PATIENCE", 0.02)
    monkeypatch.setattr(database._state, "statement_patience", 0.02)


def test_it_is_a_worker_database(database: SqliteDatabase) -> None:
    """The type checker holds it against the protocol here."""
    as_protocol: WorkerDatabase = database
    assert as_protocol.name == "app"


def test_any_driver_reaches_it_by_its_url(database: SqliteDatabase) -> None:
    """The URL is good for an engine of one's own."""
    engine = create_engine(database.url)
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT name FROM users")) == "ada"
    engine.dispose()


def test_nothing_to_undo(database: SqliteDatabase) -> None:
    """A clean database is not touched; a transaction that was rolled back left it clean."""
    connection = connect(database)
    connection.execute(ADD, ("grace",))
    connection.rollback()
    assert not database.dirty()
    assert not database.restore()


def test_a_commit_is_undone(database: SqliteDatabase) -> None:
    """What was committed is gone after the restore, for connections that stayed open too, and ids start again."""
    connection = connect(database)
    add(database)
    assert database.dirty()
    assert database.restore()
    assert not database.dirty()
    assert values(connection, "SELECT name FROM users") == ["ada"]
    assert connection.execute(ADD, ("grace",)).lastrowid == 2


def test_without_a_mark_the_baseline_is_empty(tmp_path: Path) -> None:
    """A database that nobody filled goes back to having no tables."""
    database = SqliteDatabase("fresh", tmp_path / "fresh.db")
    before = dump_of(database)
    connection = connect(database)
    connection.executescript("CREATE TABLE t (x); INSERT INTO t VALUES (1)")
    assert database.restore()
    assert dump_of(database) == before
    database.close()


def test_tables_without_rows(tmp_path: Path) -> None:
    """No table is not enough, Alembic's version counts for nothing, and what somebody is writing cannot be told."""
    database = SqliteDatabase("fresh", tmp_path / "fresh.db")
    found = [database.is_schema_alone]
    connection = connect(database, isolation_level=None)
    for script in (
        "CREATE TABLE alembic_version (version_num); INSERT INTO alembic_version VALUES ('a1')",
        "CREATE TABLE 'a \"b' (x INTEGER PRIMARY KEY AUTOINCREMENT)",
        "BEGIN EXCLUSIVE",
        "INSERT INTO 'a \"b' DEFAULT VALUES",
        "DELETE FROM 'a \"b'",
    ):
        connection.executescript(script)
        found.append(database.is_schema_alone)
    assert found == [False, True, True, False, False, True]
    connection.close()
    database.close()


def test_full_text_search_survives(database: SqliteDatabase) -> None:
    """An FTS5 table's index goes back with it."""
    connection = connect(database, isolation_level=None)
    connection.execute("CREATE VIRTUAL TABLE notes USING fts5(body)")
    connection.execute("INSERT INTO notes VALUES ('the baseline')")
    database.mark_baseline()
    connection.execute("INSERT INTO notes VALUES ('the test')")
    connection.execute("DELETE FROM notes WHERE notes MATCH 'baseline'")
    database.restore()
    assert values(connection, "SELECT body FROM notes WHERE notes MATCH 'the'") == ["the baseline"]
    assert values(connection, "INSERT INTO notes (notes) VALUES ('integrity-check')") == []


def test_another_process_is_undone(database: SqliteDatabase) -> None:
    """What a subprocess committed counts and is undone."""
    script = (
        "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); c.execute('DELETE FROM users'); c.commit()"
    )
    subprocess.run([sys.executable, "-c", script, str(database.path)], check=True)
    assert database.restore()
    assert values(connect(database), "SELECT name FROM users") == ["ada"]


def test_a_lock_held_by_a_process_leaves_the_mode_unknown(database: SqliteDatabase) -> None:
    """While another process commits nothing can be read, which does not happen in WAL mode."""
    with closing(sqlite3.connect(database.path, isolation_level=None)) as foreign:
        database._write_back()
        foreign.execute("BEGIN EXCLUSIVE")
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            database._connection.execute("PRAGMA table_info(users)")
        assert not in_wal(database._connection)


def test_a_wide_owners_transaction_does_not_matter_when_clean(database: SqliteDatabase) -> None:
    """A session fixture may hold a write transaction as long as nobody else wrote."""
    connection = connect(database, owned("fixture", "fixture", "session"))
    connection.execute(ADD, ("grace",))
    assert not database.restore()
    assert connection.has_transaction()


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize(
    ("sql", "kind"), [("BEGIN; SELECT 1", "an open transaction"), ("SELECT 1", "an unfinished cursor")]
)
def test_a_blocked_restore_names_who_blocks_it(database: SqliteDatabase, sql: str, kind: str) -> None:
    """Somebody wider who reads while there is something to undo is named, with the line, and left alone."""
    add(database)
    connection = connect(database, owned("fixture 'poller'", "fixture", "session"), isolation_level=None)
    *begin, _ = sql.split("; ")
    for statement in begin:
        connection.execute(statement)
    cursor = connection.execute("SELECT * FROM users")
    cursor.fetchone()
    expected = f"{kind} of fixture 'poller', checked out at tests/test_app.py:7"
    with pytest.raises(RestoreError, match=expected):
        database.restore()
    assert cursor.fetchone() == (2, "grace")
    connection.close()
    assert database.restore()


@pytest.mark.usefixtures("hasty")
def test_a_connection_in_nobodys_hands_is_named_so(database: SqliteDatabase) -> None:
    """One that no pool knows has no line to show."""
    add(database)
    connection = connect(database, isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
    with pytest.raises(RestoreError, match="an open transaction of a connection that is in no one's hands"):
        database.restore()


@pytest.mark.usefixtures("hasty")
def test_a_foreign_lock_is_told_apart(database: SqliteDatabase) -> None:
    """When no connection of the application's has anything open, the message says what else it can be."""
    add(database)
    with closing(sqlite3.connect(database.path, isolation_level=None)) as foreign:
        foreign.execute("BEGIN EXCLUSIVE")
        assert database.dirty()
        with pytest.raises(RestoreError, match="another process holds the lock"):
            database.restore()
        with pytest.raises(RestoreError, match="could not be read to make it the baseline"):
            database.mark_baseline()


def test_a_restore_waits_for_a_short_lock(database: SqliteDatabase) -> None:
    """A transaction that ends within two seconds is waited for."""
    add(database)
    connection = connect(database)
    connection.execute(ADD, ("linus",))
    threading.Timer(0.02, connection.rollback).start()
    assert database.restore()


def test_a_page_size_goes_back(database: SqliteDatabase) -> None:
    """A page size that a test changed is undone, and the database is clean then."""
    before, connection = dump_of(database), connect(database, isolation_level=None)
    connection.execute("PRAGMA page_size = 8192")
    connection.execute("VACUUM")
    assert database.restore()
    assert not database.dirty()
    assert dump_of(database) == before


def test_who_uses_a_connection_is_noted(database: SqliteDatabase) -> None:
    """The checkout is the connection's until it is given back; a connection of somebody else's is none of ours."""
    mine: Any = connect(database)
    foreign: Any = sqlite3.connect(":memory:")
    noted = checkout(owned("test_it"))
    database.note_checkout(mine, noted)
    database.note_checkout(foreign, noted)
    assert mine.checkout is noted
    database.note_checkout(mine, None)
    assert mine.checkout is None
    foreign.close()


def test_a_reader_in_wal_mode_does_not_block(database: SqliteDatabase) -> None:
    """In WAL mode a wider owner's reading goes on with what it saw."""
    connection = connect(database, owned("fixture", "fixture", "session"), isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    add(database)
    connection.execute("BEGIN")
    assert values(connection, "SELECT count(*) FROM users") == [2]
    assert database.restore()
    assert connection.outdated
    assert values(connection, "SELECT count(*) FROM users") == [2]
    connection.execute("COMMIT")
    assert not connection.outdated
    assert values(connection, "SELECT count(*) FROM users") == [1]


def test_wal_mode_stays(database: SqliteDatabase) -> None:
    """The mode that the application chose outlives its connections, later connections and a restore."""
    first = connect(database)
    first.execute("PRAGMA journal_mode = WAL")
    second = connect(database)
    assert values(second, "PRAGMA journal_mode") == ["wal"]
    add(database)
    database.restore()
    assert values(connect(database), "PRAGMA journal_mode") == values(first, "PRAGMA journal_mode") == ["wal"]


def test_a_page_size_cannot_go_back_in_wal_mode(database: SqliteDatabase) -> None:
    """A test that changed it and then went to WAL mode is told what SQLite cannot do."""
    connection = connect(database, isolation_level=None)
    for pragma in ("PRAGMA page_size = 8192", "VACUUM", "PRAGMA journal_mode = WAL"):
        connection.execute(pragma).fetchall()
    with pytest.raises(RestoreError, match="changed the page size"):
        database.restore()


@contextmanager
def at_most(database: SqliteDatabase, pages: int) -> Iterator[None]:
    """Have SQLite refuse to let the file grow, as a full file system does."""
    database._connection.execute(f"PRAGMA max_page_count = {pages}")
    yield
    database._connection.execute("PRAGMA max_page_count = 1000000")


def test_a_full_disk_is_told(database: SqliteDatabase) -> None:
    """The message names the directory and the setting."""
    connection = connect(database, isolation_level=None)
    connection.execute("CREATE TABLE large AS SELECT randomblob(100000) AS b")
    database.mark_baseline()
    connection.execute("DROP TABLE large")
    connection.execute("VACUUM")
    with at_most(database, 8), pytest.raises(RestoreError, match="hermetic_directory") as caught:
        database.restore()
    assert str(database.path.parent) in str(caught.value)
    assert database.restore()


def test_a_full_disk_is_told_to_the_application(database: SqliteDatabase) -> None:
    """SQLite's own error carries a note that says where the file lies."""
    connection = connect(database, isolation_level=None)
    connection.execute("PRAGMA max_page_count = 8")
    with pytest.raises(sqlite3.OperationalError) as caught:
        connection.execute("CREATE TABLE large AS SELECT randomblob(100000) AS b")
    assert "hermetic_directory" in caught.value.__notes__[0]


def test_a_damaged_file_is_told(database: SqliteDatabase) -> None:
    """Whatever else SQLite says comes with its code."""
    database._connection.close()
    database._connection = sqlite3.connect(f"file:{database.path}?mode=ro", uri=True, isolation_level=None)
    add(database)
    database._changes._version = None
    with pytest.raises(RestoreError, match="SQLite's error code is 8"):
        database.restore()


def test_only_the_owners_work_is_ended(database: SqliteDatabase) -> None:
    """The test's, its request's and its fixture's transactions end; a wider fixture's and a stranger's stay."""
    test, session = owned("test_it"), owned("fixture", "fixture", "session")
    request = owned("request", "request", parent=owned("fixture", "fixture", parent=test))
    poller = Owner("request", "request", "session", parent=test)
    connections = [
        connect(database, owner, isolation_level=None) for owner in (test, request, session, poller, None)
    ]
    for connection in connections:
        connection.execute("BEGIN")
    ended = database.end_open_work(of=[test])
    assert [work.checkout.owner for work in ended if work.checkout] == [test, request]
    assert [connection.has_transaction() for connection in connections] == [False, False, True, True, True]


def test_ended_work_is_rolled_back(database: SqliteDatabase) -> None:
    """Cursors are closed and what was written is gone; the connection can be used again."""
    test = owned("test_it")
    connection = connect(database, test)
    connection.execute(ADD, ("grace",))
    cursor = connection.execute("SELECT * FROM users")
    assert [work.kind for work in database.end_open_work(of=[test])] == ["transaction", "cursor"]
    assert database.end_open_work(of=[test]) == []
    with pytest.raises(sqlite3.ProgrammingError):
        cursor.fetchone()
    assert values(connection, "SELECT name FROM users") == ["ada"]


def test_a_running_statement_is_interrupted(database: SqliteDatabase) -> None:
    """A statement that would run for ever in another thread is stopped, and its transaction ended."""
    test = owned("test_it")
    connection = connect(database, test, isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
    started = threading.Event()
    connection.create_function("started", 0, started.set)
    endless = (
        "WITH RECURSIVE n(i) AS (SELECT started() UNION ALL SELECT 1 FROM n) SELECT count(*) FROM n, n AS m"
    )
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(connection.execute, endless)
        started.wait()
        assert [work.kind for work in database.end_open_work(of=[test])] == ["transaction", "cursor"]
        assert isinstance(running.exception(), sqlite3.OperationalError)
    assert not connection.has_transaction()


@pytest.mark.usefixtures("hasty")
def test_a_statement_that_will_not_stop_is_left(database: SqliteDatabase) -> None:
    """A statement that is stuck in a function of the application's is named, and does not hang the tests."""
    test = owned("test_it")
    connection = connect(database, test, isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
    stuck, release = threading.Event(), threading.Event()

    def stick() -> None:
        stuck.set()
        release.wait()

    connection.create_function("stick", 0, stick)
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(connection.execute, "SELECT stick()")
        stuck.wait()
        ended = database.end_open_work(of=[test])
        with pytest.raises(sqlite3.OperationalError, match="cannot be interrupted"):
            connection.close()
        database.close()
        release.set()
        running.exception()
    assert [work.kind for work in ended] == ["transaction", "cursor"]
    assert connection.has_transaction()
    connection.close()


def test_a_waiting_statement_is_ended(database: SqliteDatabase) -> None:
    """A statement that waits in line is told to give up."""
    test = owned("test_it")
    holder, waiter = connect(database, isolation_level=None), connect(database, test)
    holder.execute("BEGIN IMMEDIATE")
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(waiter.execute, ADD, ("grace",))
        while waiter.waiter is None:
            pass
        database.end_open_work(of=[test])
        assert isinstance(waiting.exception(), sqlite3.OperationalError)
    assert not waiter.has_transaction()


def test_arguments_keep_their_meaning(database: SqliteDatabase) -> None:
    """What an engine connects with reaches sqlite3, except where it would lead elsewhere."""
    connection = connect(
        database, isolation_level="IMMEDIATE", detect_types=sqlite3.PARSE_DECLTYPES, check_same_thread=True
    )
    assert connection.isolation_level == "IMMEDIATE"
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(values, connection, "SELECT name FROM users").result() == ["ada"]


def test_positional_arguments_keep_their_meaning(database: SqliteDatabase) -> None:
    """The time-out may stand behind the database's name."""
    from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite

    dialect: Any = SQLiteDialect_pysqlite(dbapi=sqlite3)
    connection: Any = database.open(dialect, ["app.db", 0.5], {})
    assert connection.patience == 0.5


@pytest.mark.parametrize(("uri", "writes"), [("file:app.db?mode=ro", False), ("file:app.db?mode=rwc", True)])
def test_a_read_only_engine_cannot_write(database: SqliteDatabase, uri: str, writes: bool) -> None:
    """``mode=ro`` of a file: URI is kept; the file that it names is not."""
    from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite

    dialect: Any = SQLiteDialect_pysqlite(dbapi=sqlite3)
    connection: Any = database.open(dialect, [uri], {"uri": True})
    assert values(connection, "SELECT name FROM users") == ["ada"]
    if writes:
        connection.execute(ADD, ("grace",))
        return
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        connection.execute(ADD, ("grace",))


def test_a_factory_function_is_refused(database: SqliteDatabase) -> None:
    """Connections from a function cannot be tracked; the message says what can."""
    with pytest.raises(ConfigurationError, match="pass a subclass of"):
        connect(database, factory=lambda *args, **params: None)


def test_close_leaves_nothing(database: SqliteDatabase) -> None:
    """Closing it closes the application's connections and removes its files, the log of WAL mode too."""
    connection = connect(database)
    connection.execute("PRAGMA journal_mode = WAL")
    add(database)
    database.close()
    assert list(database.path.parent.glob("app.db*")) == []
    with pytest.raises(sqlite3.ProgrammingError):
        connection.execute("SELECT 1")
    database.close()


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    """What SQLite says about a file that is none is passed on."""
    path = tmp_path / "other.db"
    path.write_text("this is not a database, but long enough that SQLite looks at its header")
    with pytest.raises(sqlite3.DatabaseError):
        SqliteDatabase("other", path)
