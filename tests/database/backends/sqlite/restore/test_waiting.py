"""Tests of waiting for the lock: in line, woken, for a limited time, and not where it would be in vain."""

from __future__ import annotations

import asyncio
import sqlite3
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, TypeVar

import pytest
import time_machine
from freezegun import freeze_time
from sqlalchemy import AsyncAdaptedQueuePool, event, text
from sqlalchemy.ext.asyncio import create_async_engine

from hermetic.database import lock_waits
from hermetic.database.backends.sqlite.restore import SqliteDatabase, TrackedConnection
from hermetic.errors import Deadlock, UncommittedWrites
from hermetic.events.database import LockWaited
from tests.database.backends.sqlite.restore.opened import checkout, connect, open_work, owned, values
from tests.hearing import hearing

T = TypeVar("T")
INSERT = "INSERT INTO tasks (title) VALUES (?)"


def in_thread(function: Callable[..., T], *args: Any) -> Future[T]:
    """Run a function in a thread of its own."""
    pool = ThreadPoolExecutor(1)
    try:
        return pool.submit(function, *args)
    finally:
        pool.shutdown(wait=False)


def until(condition: Callable[[], object]) -> None:
    """Wait for a condition that another thread brings about."""
    pause = threading.Event()
    for _ in range(10_000):
        if condition():
            return
        pause.wait(0.001)
    raise AssertionError("it never came true")


def until_waiting(connection: TrackedConnection) -> None:
    """Wait until a connection stands in line."""
    until(lambda: connection.waiter)


@contextmanager
def writing(database: SqliteDatabase, **params: Any) -> Iterator[TrackedConnection]:
    """Have a connection that holds the write lock."""
    holder = connect(database, **params)
    holder.execute(INSERT, ("first",))
    yield holder
    holder.rollback()


def test_a_writer_waits_for_the_holder(database: SqliteDatabase) -> None:
    """A second write waits until the first transaction ends, and then happens."""
    second = connect(database, isolation_level=None)
    with writing(database) as holder:
        waiter = in_thread(second.execute, INSERT, ("second",))
        until_waiting(second)
        holder.commit()
        waiter.result()
    assert values(second, "SELECT title FROM tasks") == ["first", "second"]


def test_a_reader_reads_on(database: SqliteDatabase) -> None:
    """A reader does not wait for an uncommitted write, and does not see it."""
    with writing(database):
        assert values(connect(database, timeout=0), "SELECT title FROM tasks") == []


def test_writers_are_served_in_order(database: SqliteDatabase) -> None:
    """Whoever came first writes first, also when somebody new comes while others wait."""
    later = [connect(database) for _ in range(4)]
    waiters = []

    def write(name: str, connection: TrackedConnection) -> None:
        connection.execute(INSERT, (name,))
        connection.commit()

    with writing(database) as holder:
        for number, connection in enumerate(later):
            waiters.append(in_thread(write, str(number), connection))
            until_waiting(connection)
        holder.rollback()
        write("new", holder)
        for waiter in waiters:
            waiter.result()
    assert values(holder, "SELECT title FROM tasks ORDER BY id") == ["0", "1", "2", "3", "new"]


def test_a_commit_waits_for_readers_and_goes_first(database: SqliteDatabase) -> None:
    """A commit waits until the last reader is done; a new reader waits for the commit."""
    reader, other, writer = (connect(database, isolation_level=None) for _ in range(3))
    reader.execute("BEGIN")
    reader.execute("SELECT * FROM users").fetchall()
    writer.execute("BEGIN")
    writer.execute(INSERT, ("written",))
    commit = in_thread(writer.execute, "COMMIT")
    until_waiting(writer)
    reading = in_thread(values, other, "SELECT title FROM tasks")
    until_waiting(other)
    reader.execute("ROLLBACK")
    commit.result()
    assert reading.result() == ["written"]


def test_a_finished_cursor_lets_a_commit_go(database: SqliteDatabase) -> None:
    """The end of a cursor wakes a waiting commit."""
    reader, writer = connect(database), connect(database)
    reader.executemany("INSERT INTO tasks (title) VALUES (?)", [("a",), ("b",)])
    reader.commit()
    cursor = reader.execute("SELECT * FROM tasks")
    writer.execute(INSERT, ("written",))
    commit = in_thread(writer.commit)
    until_waiting(writer)
    cursor.close()
    commit.result()
    assert not writer.has_transaction()


@pytest.mark.parametrize("timeout", [0, 0.03])
def test_the_engines_timeout_is_kept(database: SqliteDatabase, timeout: float) -> None:
    """After the engine's time-out SQLite's own error comes, with a note that names the holder."""
    with writing(database) as holder:
        second = connect(database, owned("test_b"), timeout=timeout)
        with pytest.raises(sqlite3.OperationalError) as caught:
            second.execute(INSERT, ("second",))
        assert str(caught.value) == "database is locked"
        assert "no checked-out connection" in notes(caught.value)
        holder.checkout = connect(database, owned("test_a")).checkout
        with pytest.raises(sqlite3.OperationalError) as caught:
            second.execute(INSERT, ("second",))
        assert "held by test_a, checked out at tests/test_app.py:7" in notes(caught.value)


def notes(error: BaseException) -> str:
    """Return what a traceback shows of an error."""
    return "".join(traceback.format_exception_only(error))


def test_other_errors_pass(database: SqliteDatabase) -> None:
    """An error that is no lock's comes through at once, from the first try and from a later one."""
    connection = connect(database, isolation_level=None)
    with pytest.raises(sqlite3.OperationalError, match="no such table"):
        connection.execute("INSERT INTO nowhere VALUES (1)")
    with writing(database) as holder:
        waiter = in_thread(connection.execute, INSERT, ("second",))
        until_waiting(connection)
        holder.execute("DROP TABLE tasks")
        holder.commit()
        with pytest.raises(sqlite3.OperationalError, match="no such table"):
            waiter.result()


def test_a_deadlock_is_told_at_once(database: SqliteDatabase) -> None:
    """A transaction that has read and wants to write while another writes fails without waiting, as anywhere."""
    reader = connect(database, owned("test_b"), isolation_level=None, timeout=60)
    reader.execute("BEGIN")
    reader.execute("SELECT * FROM users").fetchall()
    with writing(database), pytest.raises(sqlite3.OperationalError, match="database is locked"):
        reader.execute(INSERT, ("second",))
    reader.execute(INSERT, ("third",))


def test_an_unfinished_cursor_deadlocks_too(database: SqliteDatabase) -> None:
    """A connection that is still reading cannot wait for a writer; one that was only not closed can."""
    second = connect(database, isolation_level=None, timeout=60)
    second.execute(INSERT, ("a",))
    second.execute(INSERT, ("b",))
    cursor = second.execute("SELECT * FROM tasks")
    with writing(database) as holder:
        with pytest.raises(sqlite3.OperationalError, match="database is locked"):
            second.execute(INSERT, ("c",))
        cursor.fetchone(), cursor.fetchone()
        waiter = in_thread(second.execute, INSERT, ("d",))
        until_waiting(second)
        holder.rollback()
        waiter.result()


def test_an_outdated_snapshot_is_told_at_once(database: SqliteDatabase) -> None:
    """In WAL mode a reader whose snapshot is older than the last commit cannot write; the note tells of a restore."""
    first, second = (connect(database, isolation_level=None, timeout=60) for _ in range(2))
    first.execute("PRAGMA journal_mode = WAL")
    second.execute("BEGIN")
    second.execute("SELECT * FROM users").fetchall()
    first.execute(INSERT, ("first",))
    assert database.restore()
    with pytest.raises(sqlite3.OperationalError) as caught:
        second.execute(INSERT, ("second",))
    assert caught.value.sqlite_errorcode == sqlite3.SQLITE_BUSY_SNAPSHOT
    assert "open when the database was restored" in notes(caught.value)


def test_interrupt_ends_a_wait(database: SqliteDatabase) -> None:
    """A waiting statement can be interrupted from another thread, as a running one can."""
    second = connect(database)
    with writing(database):
        waiter = in_thread(second.execute, INSERT, ("second",))
        until_waiting(second)
        second.interrupt()
        with pytest.raises(sqlite3.OperationalError, match="interrupted"):
            waiter.result()


def test_interrupt_of_an_idle_connection(database: SqliteDatabase) -> None:
    """It does nothing, as with sqlite3's own."""
    connection = connect(database)
    connection.interrupt()
    assert values(connection, "SELECT name FROM users") == ["ada"]


def test_close_ends_a_wait(database: SqliteDatabase) -> None:
    """A waiting statement of a connection that is closed meanwhile ends with an error."""
    second = connect(database)
    with writing(database):
        waiter = in_thread(second.execute, INSERT, ("second",))
        until_waiting(second)
        second.close()
        with pytest.raises(sqlite3.Error):
            waiter.result()


def test_executemany_goes_on_where_it_was_refused(database: SqliteDatabase) -> None:
    """Outside a transaction each row commits; after a wait none is written twice and none is lost."""
    second = connect(database, isolation_level=None)
    holder = connect(database)

    def rows() -> Iterator[tuple[str]]:
        yield ("1",)
        holder.execute(INSERT, ("held",))
        yield ("2",)
        yield ("3",)

    waiter = in_thread(second.executemany, INSERT, rows())
    until_waiting(second)
    holder.rollback()
    waiter.result()
    assert values(second, "SELECT title FROM tasks") == ["1", "2", "3"]


def test_another_process_is_waited_for(database: SqliteDatabase) -> None:
    """Nobody wakes us when another process ends its transaction; it is noticed all the same."""
    script = (
        "import sqlite3, sys; c = sqlite3.connect(sys.argv[1], isolation_level=None); c.execute('BEGIN IMMEDIATE');"
        "print('held', flush=True); sys.stdin.read(); c.execute('COMMIT')"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", script, str(database.path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    with process:
        assert process.stdin and process.stdout and process.stdout.readline() == b"held\n"
        second = connect(database)
        waiter = in_thread(second.execute, INSERT, ("second",))
        until_waiting(second)
        process.stdin.close()
        waiter.result()
    assert second.has_written()


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have requests give up sooner, so that the tests are short."""
    assert (lock_waits.PAUSE, lock_waits.PATIENCE) == (0.25, 1.5)
    monkeypatch.setattr(lock_waits, "PAUSE", 0.01)
    monkeypatch.setattr(lock_waits, "FIRST_LOOK", 0.01)
    monkeypatch.setattr(lock_waits, "PATIENCE", 0.05)


@pytest.mark.usefixtures("impatient")
def test_a_request_does_not_wait_for_its_own_test(database: SqliteDatabase) -> None:
    """It fails with the line where the test checked its connection out, also when the application swallows that."""
    test = owned("test_it")
    request = connect(database, owned("request POST /tasks", "request", parent=test))
    with writing(database) as holder, hearing(LockWaited) as told:
        holder.checkout = connect(database, test).checkout
        with pytest.raises(
            UncommittedWrites, match=r"holds uncommitted writes \(tests/test_app.py:7\)"
        ) as caught:
            request.execute(INSERT, ("second",))
    (wait,) = told.of(LockWaited)
    assert (wait.owner.parent, wait.holder, wait.message) == (test, test, str(caught.value))
    assert str(wait.held_at) == "tests/test_app.py:7"
    assert request.checkout is not None
    assert wait.location == request.checkout.location
    assert "request POST /tasks waited" in str(caught.value)


@pytest.mark.usefixtures("impatient")
def test_a_request_does_not_wait_for_its_own_tests_cursor(database: SqliteDatabase) -> None:
    """A commit that waits for the test's reading is told what it waits for."""
    test = owned("test_it")
    reader = connect(database, test, isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT * FROM users").fetchall()
    request = connect(database, owned("request POST /tasks", "request", parent=test))
    request.execute(INSERT, ("second",))
    with pytest.raises(UncommittedWrites, match="is still reading"):
        request.commit()


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("frozen", [freeze_time("2020-01-01"), time_machine.travel(0, tick=False)])
def test_a_frozen_clock_does_not_stop_the_wait(database: SqliteDatabase, frozen: Any) -> None:
    """A test that stops time is still told."""
    request = connect(database, owned("request", "request"), timeout=0.05)
    with writing(database) as holder, frozen:
        with pytest.raises(sqlite3.OperationalError):
            request.execute(INSERT, ("second",))
        holder.checkout = connect(database, owned("fixture 'user'", "fixture")).checkout
        request.patience = 60
        with pytest.raises(UncommittedWrites):
            request.execute(INSERT, ("second",))


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize(
    "holder_is",
    [
        owned("request GET /", "request"),
        owned("fixture 'catalogue'", "fixture", "module"),
        owned("the lifespan", "lifespan", "session"),
    ],
)
def test_nobody_waits_for_what_their_own_thread_holds(database: SqliteDatabase, holder_is: Any) -> None:
    """It is said at once what SQLite would say later, with both names and lines."""
    request = connect(database, owned("request POST /tasks", "request"), timeout=60)
    with writing(database) as holder, hearing(LockWaited) as told:
        holder.checkout = connect(database, holder_is).checkout
        with pytest.raises(
            sqlite3.OperationalError, match="database is locked: request POST /tasks"
        ) as caught:
            request.execute(INSERT, ("second",))
    assert isinstance(caught.value, Deadlock)
    assert f"{holder_is.name} holds in a transaction that has been idle" in str(caught.value)
    assert INSERT in str(caught.value)
    assert len(told.of(LockWaited)) == 1


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("scope", ["function", "session"])
def test_whoever_can_go_on_is_waited_for(database: SqliteDatabase, scope: Any) -> None:
    """A thread that is at work may end its transaction; the engine's time-out counts."""
    second = connect(database, owned("test_it"), timeout=0.3)
    held, over = threading.Event(), threading.Event()

    def hold() -> None:
        with writing(database) as holder:
            holder.checkout = checkout(
                owned("fixture 'worker'", "fixture", scope), by=threading.current_thread()
            )
            held.set()
            while not over.is_set():
                time.sleep(0.001)

    holding = in_thread(hold)
    held.wait()
    try:
        with hearing(LockWaited) as told, pytest.raises(sqlite3.OperationalError) as caught:
            second.execute(INSERT, ("second",))
    finally:
        over.set()
    holding.result()
    assert (str(caught.value), told) == ("database is locked", [])


def test_twenty_threads_write(database: SqliteDatabase) -> None:
    """Each of twenty threads writes ten times, in transactions that hold the lock for a while, and nothing is lost."""

    def write(number: int) -> None:
        connection = connect(database)
        for _ in range(10):
            with connection:
                connection.execute(INSERT, (str(number),))
                connection.execute("UPDATE users SET name = ?", (str(number),))
        connection.close()

    with ThreadPoolExecutor(20) as pool:
        list(pool.map(write, range(20)))
    assert values(connect(database), "SELECT count(*) FROM tasks") == [200]
    assert open_work(database) == []


def test_twenty_tasks_write(database: SqliteDatabase) -> None:
    """Twenty tasks of one loop write at once; those that roll back leave nothing, the others one row each."""

    async def main() -> None:
        engine = create_async_engine(
            "sqlite+aiosqlite:///elsewhere.db", poolclass=AsyncAdaptedQueuePool, pool_size=20
        )
        event.listen(
            engine.sync_engine, "do_connect", lambda d, r, args, params: database.open(d, args, params)
        )

        async def write(number: int) -> None:
            async with engine.connect() as connection:
                await connection.execute(text("INSERT INTO tasks (title) VALUES (:n)"), {"n": number})
                await asyncio.sleep(0)
                await (connection.commit() if number % 2 else connection.rollback())

        await asyncio.gather(*(write(number) for number in range(20)))
        await engine.dispose()

    asyncio.run(main())
    assert values(connect(database), "SELECT CAST(title AS int) FROM tasks ORDER BY 1") == list(
        range(1, 20, 2)
    )
