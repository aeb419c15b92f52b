"""A worker database that is made and filled at its first connection."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine
from sqlalchemy.engine.interfaces import DBAPIConnection

from hermetic.database import lazy as module
from hermetic.database.backends.sqlite.worker_databases import SqliteServer
from hermetic.database.lazy import Build, LazyDatabase
from hermetic.database.protocols import WorkerDatabase
from hermetic.database.templates import Unfilled
from hermetic.errors import ConfigurationError

DIALECT = create_engine("sqlite://").dialect


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Callable[[Build | None], LazyDatabase]]:
    """Make a lazy database."""
    server = SqliteServer(tmp_path)
    yield lambda build: LazyDatabase("lazy", server, build, lambda made: None)
    server.stop()


def connect(lazy: LazyDatabase) -> DBAPIConnection:
    """Open a connection as an engine does."""
    return lazy.open(DIALECT, (":memory:",), {})


def tables(lazy: LazyDatabase) -> list[str]:
    """Connect and list the tables."""
    connection: Any = connect(lazy)
    found = [name for (name,) in connection.execute("SELECT name FROM sqlite_master")]
    connection.close()
    return found


def run(lazy: LazyDatabase, statement: str) -> None:
    """Connect and run a statement."""
    connection: Any = connect(lazy)
    connection.execute(statement)
    connection.commit()
    connection.close()


def test_built_once_through_its_own_connections(make: Callable[[Build | None], LazyDatabase]) -> None:
    """A build connects to the database that it builds; what it wrote is the baseline."""
    built: list[WorkerDatabase] = []

    def build(worker: WorkerDatabase) -> None:
        built.append(worker)
        run(lazy, "CREATE TABLE users (name TEXT)")

    lazy = make(build)
    assert [tables(lazy), tables(lazy)] == [["users"], ["users"]]
    assert built == [lazy.worker]
    assert not built[0].dirty()


def test_built_through_a_thread(make: Callable[[Build | None], LazyDatabase]) -> None:
    """A thread that the build starts gets through, though it has no context of the build's."""

    def build(worker: WorkerDatabase) -> None:
        thread = threading.Thread(target=run, args=(lazy, "CREATE TABLE users (name TEXT)"))
        thread.start()
        thread.join()

    lazy = make(build)
    assert tables(lazy) == ["users"]


def test_built_through_a_thread_with_the_number_of_another(
    make: Callable[[Build | None], LazyDatabase],
) -> None:
    """A thread that the build starts gets through, also where its number was an older thread's."""
    may_end = threading.Event()
    older = threading.Thread(target=may_end.wait)
    newer = threading.Thread(target=lambda: run(lazy, "CREATE TABLE users (name TEXT)"), daemon=True)

    def build(worker: WorkerDatabase) -> None:
        may_end.set()
        older.join()
        newer.start()
        newer.join(60)
        assert not newer.is_alive(), "it waits for the build that waits for it"

    lazy = make(build)
    older.start()
    assert tables(lazy) == ["users"]


@pytest.mark.parametrize("unfilled", Unfilled)
def test_not_yet(unfilled: Unfilled, make: Callable[[Build | None], LazyDatabase]) -> None:
    """A build that cannot be done yet is tried again at the next connection."""
    answers = [unfilled, None]

    def build(worker: WorkerDatabase) -> Unfilled | None:
        return answers.pop(0)

    lazy = make(build)
    tables(lazy)
    tables(lazy)
    tables(lazy)
    assert answers == []


def test_it_is_due(make: Callable[[Build | None], LazyDatabase]) -> None:
    """While what fills it is being imported; not where the suite does, which no connection need ask again."""
    answers = [Unfilled.LATER, Unfilled.LEFT, None]
    lazy = make(lambda worker: answers.pop(0))
    found = [lazy.is_due]
    for _ in range(3):
        tables(lazy)
        found.append(lazy.is_due)
    assert found == [False, True, False, False]


def test_a_build_that_fails(make: Callable[[Build | None], LazyDatabase]) -> None:
    """Its error is the connection's, each time: a broken schema is not hidden by the first test's failure."""

    def build(worker: WorkerDatabase) -> None:
        raise RuntimeError("no such migration")

    lazy = make(build)
    for _ in range(2):
        with pytest.raises(RuntimeError, match="no such migration"):
            connect(lazy)


def test_others_wait(make: Callable[[Build | None], LazyDatabase]) -> None:
    """A thread that was there before the build waits until it is over."""
    begun, arrived = threading.Event(), threading.Event()

    def build(worker: WorkerDatabase) -> None:
        begun.set()
        arrived.wait()
        run(lazy, "CREATE TABLE users (name TEXT)")

    lazy = make(build)

    def connect_meanwhile() -> list[str]:
        begun.wait()
        arrived.set()
        return tables(lazy)

    with ThreadPoolExecutor(1) as threads:
        other = threads.submit(connect_meanwhile)
        assert tables(lazy) == ["users"]
        assert other.result() == ["users"]


def test_nobody_waits_for_ever(
    make: Callable[[Build | None], LazyDatabase], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the build waits for an older thread, that thread is told, and gets no database without tables."""
    monkeypatch.setattr(module, "BUILD_PATIENCE", 0.01)

    def build(worker: WorkerDatabase) -> None:
        threads.submit(run, lazy, "CREATE TABLE users (name TEXT)").result()

    lazy = make(build)
    with ThreadPoolExecutor(1, "older") as threads:
        threads.submit(int).result()
        with pytest.raises(ConfigurationError, match="is not filled after") as caught:
            tables(lazy)
    assert "the thread 'MainThread' fills it" in str(caught.value)
    assert "the thread 'older_0' wants a connection" in str(caught.value)
    assert "hint: " in str(caught.value)
