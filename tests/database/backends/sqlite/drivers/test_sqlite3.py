"""A file of SQLite goes to the worker database where the project names it and opens it; all others are left alone."""

from __future__ import annotations

import asyncio
import importlib
import os
import sqlite3
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from contextvars import copy_context
from pathlib import Path
from textwrap import dedent
from typing import Any

import aiosqlite
import pytest

from hermetic.database.address import address_of
from hermetic.database.backends.sqlite.restore.worker import SqliteDatabase
from hermetic.database.backends.sqlite.worker_databases import SqliteServer
from hermetic.database.driver_seams import uncontained
from hermetic.database.drivers import Drivers
from hermetic.database.engines.destinations import LeftAlone
from hermetic.database.in_use import RawConnection
from hermetic.errors import ContainmentError
from hermetic.owners import Kind, Owner, owned_by
from tests.importing import importable

connect_of_before = sqlite3.connect


@pytest.fixture
def worker(tmp_path: Path) -> Iterator[SqliteDatabase]:
    """A worker database with a table."""
    server = SqliteServer(tmp_path / "server")
    database = server.create("worker")
    with closing(sqlite3.connect(database.path)) as connection:
        connection.execute("CREATE TABLE notes (text TEXT)")
    yield database
    server.stop()


@pytest.fixture
def real(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The application's own file, which the project names and nothing here may touch."""
    monkeypatch.chdir(tmp_path)
    return tmp_path / "app.db"


@pytest.fixture
def drivers(worker: SqliteDatabase, real: Path) -> Iterator[Drivers]:
    """Bring that file, and the worker database's own, to the worker database."""
    named = {str(real), str(worker.path)}
    installed = Drivers(
        lambda request: worker,
        lambda request: None,
        lambda url, folder: address_of(url, folder).name in named,
        Path(__file__).parent,
    )
    installed.install()
    yield installed
    installed.uninstall()


@pytest.fixture
def opened(drivers: Drivers) -> Callable[[], list[RawConnection]]:
    """Return what is known of the open ones."""
    return drivers.open.all


def tables(connection: sqlite3.Connection) -> list[str]:
    """Name the tables of what is open."""
    return [name for (name,) in connection.execute("SELECT name FROM sqlite_master").fetchall()]


@pytest.mark.parametrize(
    "connect", [lambda path: sqlite3.connect(path), lambda path: sqlite3.dbapi2.connect(path)]
)
@pytest.mark.parametrize("form", [str, Path, os.fsencode], ids=["text", "path", "bytes"])
def test_the_named_file_is_the_worker_database(connect: Any, form: Any, drivers: Drivers, real: Path) -> None:
    """Whatever form its path has; the file itself is not made."""
    with closing(connect(form("app.db"))) as connection:
        assert tables(connection) == ["notes"]
    assert not real.exists()


def test_a_uri_of_it_is(drivers: Drivers, real: Path) -> None:
    """What SQLite reads as a URI means a file, too; read-only stays read-only."""
    with closing(sqlite3.connect(f"file:{real}?mode=ro", uri=True)) as connection:
        assert tables(connection) == ["notes"]
        with pytest.raises(sqlite3.OperationalError, match="readonly"):
            connection.execute("INSERT INTO notes VALUES ('one')")


def test_what_is_written_is_restored(drivers: Drivers, worker: SqliteDatabase) -> None:
    """A raw connection is one of the worker database's, its own path included."""
    worker.mark_baseline()
    for path in ("app.db", str(worker.path)):
        with closing(sqlite3.connect(path)) as connection, connection:
            connection.execute("INSERT INTO notes VALUES ('one')")
        assert worker.restore()


def test_arguments_keep_their_meaning(drivers: Drivers) -> None:
    """By position or by name, a class of connections of the project's own included."""

    class OfTheProject(sqlite3.Connection):
        pass

    with closing(sqlite3.connect("app.db", 3.0, 0, None, factory=OfTheProject)) as connection:
        assert isinstance(connection, OfTheProject)
        assert connection.isolation_level is None


def test_a_connection_is_known_by_its_owner_and_line(
    opened: Callable[[], list[RawConnection]], worker: SqliteDatabase
) -> None:
    """Who opened it, where, and what it does now."""
    owner = Owner("test_it", "test", "function")
    with owned_by(owner):
        connection = sqlite3.connect("app.db")
    (one,) = opened()
    assert (one.connection, one.owner, one.pid, one.pool) == (connection, owner, None, None)
    assert Path(one.location.file) == Path(__file__)
    assert one.is_idle
    connection.execute("INSERT INTO notes VALUES ('one')")
    assert not one.is_idle
    (work,) = worker.end_open_work(of=[owner])
    assert work.checkout is not None
    assert work.checkout.location == one.location
    one.end()
    assert opened() == []


def test_another_file_is_left_alone(drivers: Drivers, tmp_path: Path) -> None:
    """Neither an engine nor a setting names it."""
    with closing(sqlite3.connect("data.db")) as connection:
        assert tables(connection) == []
    assert (tmp_path / "data.db").exists()


@pytest.mark.parametrize("database", [":memory:", ""])
def test_memory_is_left_alone(database: str, drivers: Drivers) -> None:
    """It is nobody's but its connection's."""
    with closing(sqlite3.connect(database)) as connection:
        assert tables(connection) == []


def test_a_library_s_file_is_left_alone(drivers: Drivers, real: Path) -> None:
    """No line of the project's is at work in a thread of a library's own."""
    with ThreadPoolExecutor(1) as thread:
        thread.submit(sqlite3.connect, "app.db", check_same_thread=False).result().close()
    assert real.exists()


def test_hermetic_s_own_is_left_alone(drivers: Drivers, real: Path) -> None:
    """It opens what it says."""
    with uncontained(), closing(sqlite3.connect(real)) as connection:
        assert tables(connection) == []


def test_what_the_rules_leave_alone_is(worker: SqliteDatabase, real: Path) -> None:
    """As for an engine: a temporary file, or one that is allowed."""
    installed = Drivers(
        lambda request: LeftAlone("a test of it"),
        lambda request: None,
        lambda url, folder: True,
        Path(__file__).parent,
    )
    installed.install()
    with closing(sqlite3.connect("app.db")) as connection:
        assert tables(connection) == []
    installed.uninstall()
    assert real.exists()


@pytest.mark.parametrize("connect", [connect_of_before, sqlite3.Connection])
def test_past_the_seam_the_file_is_refused(connect: Any, drivers: Drivers, real: Path) -> None:
    """Nothing is opened: the audit event comes before."""
    with pytest.raises(ContainmentError, match="taken before the run began"):
        connect("app.db")
    assert not real.exists()


def test_past_the_seam_all_others_are_left_alone(drivers: Drivers, worker: SqliteDatabase) -> None:
    """As is the worker database's own file."""
    for path in ("data.db", ":memory:", str(worker.path)):
        connect_of_before(path).close()


def test_aiosqlite_goes_there_too(opened: Callable[[], list[RawConnection]]) -> None:
    """Its thread has neither stack nor context of its own."""
    owner = Owner("test_it", "test", "function")

    async def run() -> list[Any]:
        with owned_by(owner):
            made = aiosqlite.connect("app.db")
        async with made as connection:
            (one,) = opened()
            assert (one.connection, one.owner) == (made, owner)
            assert Path(one.location.file) == Path(__file__)
            assert one.is_idle
            await connection.execute("INSERT INTO notes VALUES ('one')")
            assert not one.is_idle
            return list(await (await connection.execute("SELECT name FROM sqlite_master")).fetchall())

    assert asyncio.run(run()) == [("notes",)]
    assert opened() == []


def test_an_aiosqlite_connection_that_is_ended_leaves_no_thread(
    opened: Callable[[], list[RawConnection]],
) -> None:
    """A thread that is left would keep the process from ending."""
    before = set(threading.enumerate())

    async def run() -> None:
        made = await aiosqlite.connect("app.db")
        (one,) = opened()
        one.end()
        assert opened() == []
        for thread in set(threading.enumerate()) - before:
            thread.join(60)
        assert set(threading.enumerate()) == before
        assert made is one.connection

    asyncio.run(run())


def test_an_orm_s_file_is_the_project_s(
    drivers: Drivers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it opens need not be named elsewhere: it has the engine."""
    source = "import sqlite3\n\n\ndef open_database(path):\n    return sqlite3.connect(path)\n"
    (tmp_path / "peewee.py").write_text(source)
    with importable(tmp_path, monkeypatch):
        module = importlib.import_module("peewee")
        with closing(module.open_database("blog.db")) as connection:
            assert tables(connection) == ["notes"]
    assert not (tmp_path / "blog.db").exists()


@pytest.mark.parametrize(
    ("library", "kind", "found"),
    [
        ("peewee", "lifespan", ["notes"]),
        ("peewee", "request", ["notes"]),
        ("peewee", "process", []),
        ("diskcache", "lifespan", []),
    ],
)
def test_what_a_thread_opens_without_a_line_of_the_project_s(
    library: str,
    kind: Kind,
    found: list[str],
    drivers: Drivers,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Of an application in TestClient's thread, all that is there is its ORM; one of a library's own is not meant."""
    source = """
        import sqlite3
        from contextlib import closing


        def tables(path):
            with closing(sqlite3.connect(path)) as connection:
                return [name for (name,) in connection.execute("SELECT name FROM sqlite_master")]
    """
    (tmp_path / f"{library}.py").write_text(dedent(source))
    with importable(tmp_path, monkeypatch), ThreadPoolExecutor(1) as thread:
        module = importlib.import_module(library)
        with owned_by(Owner("someone", kind, "function")):
            context = copy_context()  # as anyio's threads have it
        assert thread.submit(context.run, module.tables, "blog.db").result() == found
    assert (tmp_path / "blog.db").exists() is (not found)


def test_what_was_there_comes_back(drivers: Drivers) -> None:
    """After the run sqlite3's own function is in its place, and nobody listens."""
    drivers.uninstall()
    assert sqlite3.connect is connect_of_before
    assert sys.modules["hermetic.database.backends.sqlite.drivers.sqlite3"]._rules is None
    drivers.install()
