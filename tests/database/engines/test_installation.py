"""Every engine of the process is seen, whenever and however it was made."""

from __future__ import annotations

import asyncio
import gc
import os
import sqlite3
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import aiosqlite
import pytest
from sqlalchemy import Engine, create_engine, create_pool_from_url, event, text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool, QueuePool, SingletonThreadPool, StaticPool

from hermetic.database.engines import (
    Creation,
    Destination,
    EngineRequest,
    Installation,
    Itself,
    LeftAlone,
    LoopBoundPool,
    SeenEngines,
    install,
)
from hermetic.database.engines.destinations import Refusal
from hermetic.database.lazy import LazyDatabase
from hermetic.errors import ContainmentError
from hermetic.owners import Owner, owned_by
from tests.database.engines.opened import file_in, file_of


@pytest.fixture
def path(database: LazyDatabase) -> str:
    """The worker database's file."""
    return str(database.made().url.database)


@pytest.fixture
def requests() -> list[EngineRequest]:
    """What the resolver of ``recording`` was asked."""
    return []


@pytest.fixture
def recording(database: LazyDatabase, requests: list[EngineRequest]) -> Iterator[Installation]:
    """Every engine goes to ``database``, and the questions are noted."""

    def resolver(request: EngineRequest) -> Destination:
        requests.append(request)
        return database

    installed = install(resolver)
    yield installed
    installed.uninstall()


class TestRedirected:
    """Engines end on the worker database."""

    def test_made_before(self, database: LazyDatabase, path: str, elsewhere: Path) -> None:
        """An engine that was made, and used, before the installation is redirected from then on."""
        sync, async_ = create_engine(f"sqlite:///{elsewhere}"), create_async_engine("sqlite+aiosqlite://")
        with sync.connect() as connection:
            assert file_of(connection) == str(elsewhere)
        installed = install(lambda request: database)
        with sync.connect() as connection:
            assert file_of(connection) == path
        assert asyncio.run(file_in(async_)) == path
        installed.uninstall()
        sync.dispose()

    def test_with_execution_options(self, installation: Installation, path: str, elsewhere: Path) -> None:
        """The proxy that ``execution_options`` makes goes where its engine goes, used before or after it."""
        engine = create_engine(f"sqlite:///{elsewhere}")
        proxy = engine.execution_options(isolation_level="AUTOCOMMIT")
        with proxy.connect() as connection:
            assert file_of(connection) == path
        proxy.dispose()
        with engine.connect() as connection:
            assert file_of(connection) == path

    def test_with_a_creator(self, installation: Installation, path: str, elsewhere: Path) -> None:
        """An engine's own creator is never called."""
        engine = create_engine("sqlite://", creator=lambda: sqlite3.connect(elsewhere))
        with engine.connect() as connection:
            assert file_of(connection) == path
        assert not elsewhere.exists()

    def test_with_an_async_creator(self, installation: Installation, path: str, elsewhere: Path) -> None:
        """Nor is an async creator."""
        engine = create_async_engine(
            "sqlite+aiosqlite://", async_creator=lambda: aiosqlite.connect(elsewhere)
        )
        assert asyncio.run(file_in(engine)) == path
        assert not elsewhere.exists()

    def test_with_a_pool(self, installation: Installation, path: str, elsewhere: Path) -> None:
        """A pool of the engine's own is not asked."""
        engine = create_engine("sqlite://", pool=QueuePool(lambda: sqlite3.connect(elsewhere)))  # type: ignore[arg-type]
        with engine.connect() as connection:
            assert file_of(connection) == path
        assert not elsewhere.exists()

    def test_with_a_pool_from_a_url(self, installation: Installation, path: str, elsewhere: Path) -> None:
        """``create_pool_from_url`` hands out the pool of an engine that nobody sees; that one is ours too."""
        pool = create_pool_from_url(f"sqlite+aiosqlite:///{elsewhere}")
        engine = create_async_engine("sqlite+aiosqlite://", pool=pool)
        assert asyncio.run(file_in(engine)) == path
        assert not elsewhere.exists()

    def test_with_a_do_connect_listener(self, installation: Installation, path: str, elsewhere: Path) -> None:
        """A listener that opens connections itself, as those for cloud tokens do, does not win."""
        engine = create_engine(f"sqlite:///{elsewhere}")

        @event.listens_for(engine, "do_connect")
        def connect(*_: object) -> sqlite3.Connection:
            return sqlite3.connect(elsewhere)

        with engine.connect() as connection:
            assert file_of(connection) == path
        assert not elsewhere.exists()

    def test_keeps_its_connect_arguments(self, installation: Installation, elsewhere: Path) -> None:
        """``connect_args`` and the URL's query reach the driver."""
        engine = create_engine(
            f"sqlite:///{elsewhere}?detect_types=1", connect_args={"isolation_level": "IMMEDIATE"}
        )
        with engine.connect() as connection:
            driver: Any = connection.connection.driver_connection
            assert driver.isolation_level == "IMMEDIATE"

    def test_keeps_its_dialects_listeners(self, installation: Installation) -> None:
        """What the dialect sets up on each connection, such as pysqlite's REGEXP, is there."""
        engine = create_async_engine("sqlite+aiosqlite://")

        async def main() -> object:
            async with engine.connect() as connection:
                return await connection.scalar(text("SELECT 'abc' REGEXP 'b'"))

        assert asyncio.run(main()) == 1


class Stubborn(sqlite3.Connection):
    """A connection that complains when it is closed."""

    def close(self) -> None:
        """Close, and say that it failed."""
        super().close()
        raise sqlite3.ProgrammingError("not now")


class TestSynchronous:
    """Synchronous engines keep their pool class."""

    @pytest.mark.parametrize("kind", [NullPool, StaticPool, QueuePool])
    def test_on_a_file(self, installation: Installation, elsewhere: Path, kind: type) -> None:
        """A file's pool is of the class that the user chose, before and after it is disposed of."""
        engine = create_engine(f"sqlite:///{elsewhere}", poolclass=kind)
        engine.connect().close()
        assert type(engine.pool) is kind
        engine.dispose()
        engine.connect().close()
        assert type(engine.pool) is kind
        assert not elsewhere.exists()

    @pytest.mark.parametrize("kind", [None, SingletonThreadPool, StaticPool])
    def test_in_memory(self, installation: Installation, path: str, kind: type | None) -> None:
        """An in-memory engine gets a queue, whose connections any thread may use."""
        engine = create_engine("sqlite://", poolclass=kind)
        files: list[str] = []

        def use() -> None:
            with engine.connect() as connection:
                files.append(file_of(connection))

        use()
        thread = threading.Thread(target=use)
        thread.start()
        thread.join()
        assert files == [path, path]
        assert type(engine.pool) is QueuePool

    def test_forgotten(self, installation: Installation, elsewhere: Path) -> None:
        """The connections of an engine that nobody has any more are closed, those of its successor are not."""
        engine = create_engine(f"sqlite:///{elsewhere}")
        engine.connect().close()
        engine.dispose(close=False)
        engine.connect().close()
        gc.collect()
        assert len(list(installation._index)) == 1
        del engine
        gc.collect()
        assert len(list(installation._index)) == 0

    def test_forgotten_with_a_connection_that_will_not_close(
        self, installation: Installation, elsewhere: Path
    ) -> None:
        """An error of the driver while an engine is collected disturbs nobody."""
        engine = create_engine(f"sqlite:///{elsewhere}", connect_args={"factory": Stubborn})
        engine.connect().close()
        del engine
        gc.collect()
        assert len(list(installation._index)) == 0

    def test_still_checked_out_at_the_end(self, database: LazyDatabase, elsewhere: Path) -> None:
        """Uninstalling closes a connection that is still in use, and it can be closed again."""
        installed = install(lambda request: database)
        connection = create_engine(f"sqlite:///{elsewhere}").connect()
        installed.uninstall()
        assert not connection.connection.is_valid
        connection.close()


class TestOtherDestinations:
    """Not every engine is redirected."""

    def test_left_alone(self, elsewhere: Path) -> None:
        """An engine that is left alone keeps the very pool it came with, through a disposal and the end."""
        installed = install(lambda request: LeftAlone("the test's own"))
        engine = create_engine(f"sqlite:///{elsewhere}")
        original = engine.__dict__["pool"]
        with engine.connect() as connection:
            assert file_of(connection) == str(elsewhere)
        assert engine.pool is original
        engine.dispose()
        successor = engine.pool
        installed.uninstall()
        assert engine.pool is successor is not original

    def test_itself(self, elsewhere: Path) -> None:
        """An engine that is allowed opens its own URL, by its own creator, in every loop."""
        installed = install(lambda request: Itself("hermetic_allow"))
        opened: list[str] = []

        def connect() -> Any:
            opened.append("own")
            return aiosqlite.connect(elsewhere)

        engine = create_async_engine("sqlite+aiosqlite://", async_creator=connect)
        files = [asyncio.run(file_in(engine)) for _ in range(2)]
        assert files == [str(elsewhere)] * 2
        assert opened == ["own", "own"]
        assert isinstance(engine.sync_engine.pool, LoopBoundPool)
        installed.uninstall()

    def test_refused(self, requests: list[EngineRequest]) -> None:
        """A refused engine can be made, and fails when it is asked for a connection."""
        installed = install(lambda request: Refusal(request.url, request.created, "no server"))
        engine = create_async_engine("postgresql+asyncpg://me:secret@db.example/prod")
        event.listen(engine.sync_engine, "connect", lambda *_: None)
        with pytest.raises(ContainmentError, match=r"me:\*\*\*@db\.example/prod") as caught:
            asyncio.run(file_in(engine))
        assert "secret" not in str(caught.value)
        assert f"made at {__file__}:" in str(caught.value)
        installed.uninstall()


class TestRequests:
    """What the resolver is asked."""

    def test_the_unused_come_in_the_order_in_which_they_were_made(self, recording: Installation) -> None:
        """The application's first engine says what its database is."""
        engines = [create_engine(f"sqlite:///{number}.db") for number in range(30)]
        assert [str(request.url) for request in recording.seen.unused()] == [
            str(each.url) for each in engines
        ]

    def test_once_at_the_first_use(
        self, recording: Installation, requests: list[EngineRequest], elsewhere: Path
    ) -> None:
        """Making an engine asks nothing; using it twice asks once."""
        engine = create_engine(f"sqlite:///{elsewhere}")
        assert requests == []
        engine.connect().close()
        engine.connect().close()
        assert [str(request.url) for request in requests] == [f"sqlite:///{elsewhere}"]

    def test_who_made_it(
        self, recording: Installation, requests: list[EngineRequest], elsewhere: Path
    ) -> None:
        """The request tells who made the engine, at which line, in which folder."""
        owner = Owner("fixture 'engine'", "fixture", "module")
        with owned_by(owner):
            engine = create_async_engine(f"sqlite+aiosqlite:///{elsewhere}")
        line = line_of("engine = create_async_engine", "test_who_made_it")
        asyncio.run(file_in(engine))
        created = requests[0].created
        assert created is not None
        assert (created.owner, created.folder) == (owner, os.getcwd())
        assert (created.location.file, created.location.line) == (__file__, line)

    @pytest.mark.parametrize("own", ["no", "creator", "pool"])
    def test_own_creator(self, recording: Installation, requests: list[EngineRequest], own: str) -> None:
        """The request tells whether the URL says what the engine opens."""
        arguments: dict[str, dict[str, Any]] = {
            "no": {},
            "creator": {"creator": lambda: sqlite3.connect(":memory:")},
            "pool": {"pool": create_pool_from_url("sqlite:///other.db")},
        }
        requests.clear()
        create_engine("sqlite://", **arguments[own]).connect().close()
        assert [request.own_creator for request in requests][-1] is (own != "no")

    def test_a_folder_that_is_gone(
        self, recording: Installation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """An engine can be made where the working directory was removed."""
        gone = tmp_path / "gone"
        gone.mkdir()
        monkeypatch.chdir(gone)
        gone.rmdir()
        create_engine("sqlite://")
        created = recording.seen.unused()[-1].created
        assert isinstance(created, Creation)
        assert created.folder == "/"


class TestInstallation:
    """Installing and uninstalling."""

    def test_uninstalling_restores_everything(self, database: LazyDatabase, elsewhere: Path) -> None:
        """The class is as before, and engines have the very pools that they came with."""
        before = dict(vars(Engine))
        engines = [
            create_engine(f"sqlite:///{elsewhere}"),
            create_async_engine("sqlite+aiosqlite://").sync_engine,
        ]
        pools = [engine.pool for engine in engines]
        installed = install(lambda request: database)
        engines[0].connect().close()
        assert isinstance(engines[1].pool, LoopBoundPool)
        installed.uninstall()
        assert dict(vars(Engine)) == before
        assert [engine.pool for engine in engines] == pools
        assert not [name for engine in engines for name in vars(engine) if "hermetic" in name]

    def test_installations_nest(
        self, installation: Installation, database: LazyDatabase, server: Any, path: str
    ) -> None:
        """An installation within another wins, and gives way again: the library's own tests run under its plugin."""
        engine = create_async_engine("sqlite+aiosqlite://")
        assert asyncio.run(file_in(engine)) == path
        other = LazyDatabase("other", server, None, lambda made: None)
        inner = install(lambda request: other)
        assert asyncio.run(file_in(engine)) == str(other.made().url.database)
        inner.uninstall()
        assert asyncio.run(file_in(engine)) == path

    def test_observing_changes_nothing(self, database: LazyDatabase, elsewhere: Path) -> None:
        """In passive mode engines and checkouts are recorded, and every pool is the engine's own."""
        installed = install(lambda request: database, mode="observe")
        engine = create_engine(f"sqlite:///{elsewhere}")
        original = engine.__dict__["pool"]
        with engine.connect() as connection:
            assert file_of(connection) == str(elsewhere)
            assert len(installed.checked_out()) == 1
        assert engine.pool is original
        engine.dispose()
        installed.uninstall()

    def test_installing_once_more(self, database: LazyDatabase, path: str) -> None:
        """Where engines are entered may serve again: it has none of those that were forgotten."""
        seen = SeenEngines()
        engine = create_engine("sqlite://")
        for _ in range(2):
            installed = install(lambda request: database, seen=seen)
            with engine.connect() as connection:
                assert file_of(connection) == path
            made = create_engine("sqlite://")
            assert [request.engine for request in seen.unused()] == [made]
            installed.uninstall()
        assert seen.unused() == []

    def test_an_engine_in_the_making(self, installation: Installation) -> None:
        """An engine whose constructor is not over is neither resolved nor among those that were not used."""
        before = len(installation.seen.unused())
        engine = Engine.__new__(Engine)
        pool = StaticPool(lambda: sqlite3.connect(":memory:"))  # type: ignore[arg-type]
        engine.pool = pool
        assert engine.pool is pool
        assert len(installation.seen.unused()) == before

    def test_a_pool_put_in_later(self, installation: Installation, path: str, elsewhere: Path) -> None:
        """A pool that the user puts in the engine's place for it is redirected like the first."""
        engine = create_engine(f"sqlite:///{elsewhere}")
        engine.connect().close()
        engine.pool = NullPool(lambda: sqlite3.connect(elsewhere))  # type: ignore[arg-type]
        with engine.connect() as connection:
            assert file_of(connection) == path
        assert type(engine.pool) is NullPool

    def test_the_class_attribute(self, installation: Installation) -> None:
        """Looking at the class asks no engine."""
        assert type(Engine.pool).__name__ == "_PoolDescriptor"

    def test_two_threads_adopt_once(self, database: LazyDatabase, elsewhere: Path) -> None:
        """Threads that find an engine unused at the same time get one pool."""
        asked: list[EngineRequest] = []
        both_found_it_unused = threading.Barrier(2)
        engine = create_engine(f"sqlite:///{elsewhere}")

        def resolver(request: EngineRequest) -> Destination:
            asked.append(request)
            return database

        def prepare(request: EngineRequest) -> None:
            both_found_it_unused.wait(60)

        installed = install(resolver, prepare=prepare)
        with ThreadPoolExecutor(2) as threads:
            pools = list(threads.map(lambda _: engine.pool, range(2)))
        assert pools[0] is pools[1]
        assert len(asked) == 1
        installed.uninstall()

    def test_prepared_by_a_thread_that_uses_engines(
        self, database: LazyDatabase, path: str, elsewhere: Path
    ) -> None:
        """What comes before the answer may wait for another thread's first use of another engine."""
        used, imported = (create_engine(f"sqlite:///{elsewhere}") for _ in range(2))

        def through_a_thread(request: EngineRequest) -> None:
            if threading.current_thread() is threading.main_thread():
                thread = threading.Thread(target=lambda: imported.connect().close(), daemon=True)
                thread.start()
                thread.join(60)
                assert not thread.is_alive(), "it waits for the thread that waits for it"

        installed = install(lambda request: database, prepare=through_a_thread)
        with used.connect() as connection:
            assert file_of(connection) == path
        installed.uninstall()


def line_of(fragment: str, function: str) -> int:
    """Return the number of the first line after ``def function`` that contains ``fragment``."""
    lines = Path(__file__).read_text().splitlines()
    start = next(i for i, line in enumerate(lines) if f"def {function}(" in line)
    return next(i for i, line in enumerate(lines[start:], start + 1) if fragment in line)
