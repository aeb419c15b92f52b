"""Who uses which connection."""

from __future__ import annotations

import asyncio
import inspect
import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine, event, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import QueuePool, StaticPool

from hermetic.database.backends.sqlite.restore import tracked
from hermetic.database.backends.sqlite.restore.worker import SqliteDatabase
from hermetic.database.engines import Installation, install
from hermetic.database.lazy import LazyDatabase
from hermetic.owners import Owner, owned_by
from tests.database.backends.sqlite.restore.opened import open_work

MEMORY = "sqlite+aiosqlite://"


@pytest.fixture
def engine(installation: Installation, elsewhere: Path) -> Engine:
    """A synchronous engine."""
    return create_engine(f"sqlite:///{elsewhere}")


def here() -> int:
    """Return the caller's line."""
    frame = inspect.currentframe()
    assert frame is not None and frame.f_back is not None
    return frame.f_back.f_lineno


def test_in_use_from_checkout_to_return(installation: Installation, engine: Engine) -> None:
    """A connection is in use until it is given back."""
    with engine.connect():
        assert len(installation.checked_out()) == 1
    assert installation.checked_out() == []


def test_what_is_known(installation: Installation) -> None:
    """Owner, line and engine are noted, across SQLAlchemy's greenlet."""
    owner = Owner("tests/test_x.py::test_it", "test", "function")
    engine = create_async_engine("sqlite+aiosqlite:////nowhere/secret.db")

    async def main() -> int:
        with owned_by(owner):
            line, connection = here(), await engine.connect()
        (in_use,) = installation.checked_out()
        assert (in_use.owner, in_use.engine) == (owner, "sqlite+aiosqlite:////nowhere/secret.db")
        assert (in_use.location.file, in_use.location.line) == (__file__, line)
        assert (in_use.location.function, in_use.loop) == ("main", asyncio.get_running_loop())
        await connection.close()
        return line

    assert asyncio.run(main())


def test_of_several_owners(installation: Installation, engine: Engine) -> None:
    """Each connection is listed with whose it is, the oldest first."""
    mine, other = Owner("mine", "test", "function"), Owner("other", "test", "function")
    with owned_by(mine), engine.connect(), owned_by(other), engine.connect():
        assert [each.owner for each in installation.checked_out()] == [mine, other]


def test_the_database_is_told(installation: Installation, engine: Engine, database: LazyDatabase) -> None:
    """The worker database learns who uses each of its connections, and when nobody does."""
    with engine.connect() as connection:
        connection.execute(text("BEGIN IMMEDIATE"))
        worker = database.made()
        assert isinstance(worker, SqliteDatabase)
        (work,) = open_work(worker)
        (in_use,) = installation.checked_out()
        assert work.checkout is in_use.checkout
        driver = tracked(connection.connection.driver_connection)
        assert driver is not None
    assert driver.checkout is None


def test_a_static_pool_has_one_connection_in_use_twice(installation: Installation, elsewhere: Path) -> None:
    """Where two users share a connection, both are listed, and one return ends one use."""
    engine = create_engine(f"sqlite:///{elsewhere}", poolclass=StaticPool)
    with engine.connect():
        with engine.connect():
            assert len(installation.checked_out()) == 2
        assert len(installation.checked_out()) == 1
    assert installation.checked_out() == []


def test_detached(installation: Installation, engine: Engine) -> None:
    """A detached connection is in use until it is closed."""
    with engine.connect() as connection:
        connection.detach()
        assert len(installation.checked_out()) == 1
    assert installation.checked_out() == []


def test_invalidated(installation: Installation, engine: Engine) -> None:
    """An invalidated connection is in use no more."""
    with engine.connect() as connection:
        connection.invalidate()
        assert installation.checked_out() == []


def test_a_failed_checkout(installation: Installation, engine: Engine) -> None:
    """A connection whose checkout a listener refuses is not in use."""

    @event.listens_for(engine, "checkout")
    def refuse(*_: object) -> None:
        raise RuntimeError("not today")

    with pytest.raises(RuntimeError, match="not today"):
        engine.connect()
    assert installation.checked_out() == []


def test_a_connection_older_than_the_installation(database: LazyDatabase, elsewhere: Path) -> None:
    """A connection that was checked out before is given back without a fuss."""
    engine = create_engine(f"sqlite:///{elsewhere}")
    connection = engine.connect()
    installed = install(lambda request: database)
    connection.close()
    assert installed.checked_out() == []
    installed.uninstall()
    engine.dispose()


def test_a_pool_without_an_engine(installation: Installation, database: LazyDatabase) -> None:
    """A pool that no engine has is listed too, though nobody knows its URL."""
    pool = QueuePool(lambda: sqlite3.connect(":memory:"))  # type: ignore[arg-type]
    connection = pool.connect()
    (in_use,) = installation.checked_out()
    assert in_use.engine == "a pool without an engine"
    connection.close()
    pool.dispose()


class TestEnding:
    """A connection in use is closed by somebody else."""

    async def leak(self, engine: AsyncEngine) -> AsyncConnection:
        connection = await engine.connect()
        await connection.execute(text("CREATE TABLE IF NOT EXISTS t (id INTEGER)"))
        return connection

    def test_synchronous(self, installation: Installation, engine: Engine) -> None:
        """A synchronous connection is closed at once; its holder may still close it."""
        connection = engine.connect()
        (in_use,) = installation.checked_out()
        in_use.end_now()
        assert installation.checked_out() == []
        assert list(installation._index) == []
        connection.close()

    def test_in_its_loop(self, installation: Installation) -> None:
        """Asynchronous code awaits the end."""
        engine = create_async_engine(MEMORY)

        async def main() -> None:
            connection = await self.leak(engine)
            (in_use,) = installation.checked_out()
            await in_use.end()
            assert installation.checked_out() == []
            await connection.close()

        asyncio.run(main())

    def test_on_its_idle_loop(self, installation: Installation) -> None:
        """Synchronous code ends it on the loop that stands still, and the pool works on there."""
        engine = create_async_engine(MEMORY)
        with asyncio.Runner() as runner:
            connection = runner.run(self.leak(engine))
            (in_use,) = installation.checked_out()
            in_use.end_now()
            assert installation.checked_out() == []
            runner.run(connection.close())
            runner.run(runner.run(self.leak(engine)).close())

    def test_twice(self, installation: Installation, engine: Engine) -> None:
        """Ending what ended is nothing."""
        connection = engine.connect()
        (in_use,) = installation.checked_out()
        connection.close()
        in_use.end_now()
        with engine.connect():
            assert len(installation.checked_out()) == 1


class TestInvalidate:
    """A worker database is made anew."""

    def test_idle_connections(self, installation: Installation, database: LazyDatabase) -> None:
        """A connection that waits in a pool is replaced at its next checkout, in each loop."""
        engine = create_async_engine(MEMORY)

        async def driver() -> object:
            async with engine.connect() as connection:
                return (await connection.get_raw_connection()).driver_connection

        # The objects, not their ids: a number is given again once its object is gone.
        with asyncio.Runner() as one, asyncio.Runner() as two:
            before = [one.run(driver()), two.run(driver())]
            assert [one.run(driver()), two.run(driver())] == before
            installation.invalidate(database.made())
            after = [one.run(driver()), two.run(driver())]
            assert not set(before) & set(after)
            assert [one.run(driver()), two.run(driver())] == after

    def test_connections_in_use(
        self, installation: Installation, engine: Engine, database: LazyDatabase
    ) -> None:
        """A connection in use goes on, and is replaced when it is next checked out."""
        with engine.connect() as connection:
            first = connection.connection.driver_connection
            installation.invalidate(database)
            connection.execute(text("SELECT 1"))
        with engine.connect() as connection:
            assert connection.connection.driver_connection is not first

    def test_another_database(self, installation: Installation, engine: Engine) -> None:
        """The connections of other databases stay."""
        with engine.connect() as connection:
            first = connection.connection.driver_connection
        installation.invalidate(object())
        with engine.connect() as connection:
            assert connection.connection.driver_connection is first
