"""One engine, many event loops."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import uvloop
from sqlalchemy import event, text
from sqlalchemy.exc import OperationalError, TimeoutError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import AssertionPool, AsyncAdaptedQueuePool, NullPool, Pool, StaticPool

from hermetic.database.engines import Installation, LoopBoundPool
from hermetic.database.lazy import LazyDatabase
from hermetic.events import listen, unlisten
from hermetic.events.database import PoolExhausted
from hermetic.owners import Owner, owned_by
from tests.database.engines.opened import file_in, file_through

MEMORY = "sqlite+aiosqlite:///:memory:"


def real_pool(engine: AsyncEngine) -> Pool:
    """Return the pool of the running loop."""
    pool = engine.sync_engine.pool
    assert isinstance(pool, LoopBoundPool)
    return pool.current


async def connection_identity(engine: AsyncEngine) -> object:
    """Connect and return the driver connection, which is compared by identity."""
    async with engine.connect() as connection:
        return (await connection.get_raw_connection()).driver_connection


def test_one_engine_answers_in_three_loops(installation: Installation, database: LazyDatabase) -> None:
    """Each loop gets connections of its own to the same database."""
    engine = create_async_engine(MEMORY)

    async def insert() -> int:
        async with engine.begin() as connection:
            await connection.execute(text("CREATE TABLE IF NOT EXISTS t (id INTEGER PRIMARY KEY)"))
            await connection.execute(text("INSERT INTO t DEFAULT VALUES"))
            return int(await connection.scalar(text("SELECT count(*) FROM t")) or 0)

    assert [asyncio.run(insert()) for _ in range(3)] == [1, 2, 3]


def test_a_pool_with_no_connection_to_give_tells_who_has_them(installation: Installation) -> None:
    """While they have them: whoever waits fails, and those may be done by the time that somebody asks."""
    engine = create_async_engine(
        MEMORY, poolclass=AsyncAdaptedQueuePool, pool_size=1, max_overflow=0, pool_timeout=0
    )
    told: list[PoolExhausted] = []
    taker = Owner("the taker", "fixture", "function")

    async def two() -> None:
        with owned_by(taker):
            taken = await engine.connect()
        with pytest.raises(TimeoutError):
            await engine.connect()
        await taken.close()

    asyncio.run(two())
    listen(told.append, PoolExhausted)
    asyncio.run(two())
    unlisten(told.append)
    (told_once,) = told
    assert told_once.holders == ("the taker",)
    assert all(at.startswith(__file__) for at in told_once.taken_at)
    assert told_once.made_at is not None


def test_a_loop_reuses_its_connection(installation: Installation) -> None:
    """Within a loop the pool pools."""
    engine = create_async_engine(MEMORY)

    async def twice() -> bool:
        return await connection_identity(engine) == await connection_identity(engine)

    assert asyncio.run(twice())


def test_uvloop(installation: Installation, database: LazyDatabase) -> None:
    """A loop that is not asyncio's own closes its connections too."""
    engine = create_async_engine(MEMORY)
    files = [uvloop.run(file_in(engine)) for _ in range(2)]
    assert files == [str(database.made().url.database)] * 2


@pytest.mark.parametrize("kind", [NullPool, StaticPool, AssertionPool, AsyncAdaptedQueuePool])
def test_the_pool_class_stays(installation: Installation, elsewhere: Path, kind: type[Pool]) -> None:
    """A loop's pool is of the class that the user chose, also where that is not the default."""
    engine = create_async_engine(f"sqlite+aiosqlite:///{elsewhere}", poolclass=kind)

    async def main() -> type[Pool]:
        await file_in(engine)
        return type(real_pool(engine))

    assert asyncio.run(main()) is kind
    assert not elsewhere.exists()


def test_the_pool_arguments_stay(installation: Installation, elsewhere: Path) -> None:
    """Size, overflow and time-out are the user's, in every loop."""
    engine = create_async_engine(
        f"sqlite+aiosqlite:///{elsewhere}",
        poolclass=AsyncAdaptedQueuePool,
        pool_size=2,
        max_overflow=3,
        pool_timeout=4.5,
    )

    async def main() -> tuple[int, int, float]:
        pool: Any = real_pool(engine)
        return pool.size(), pool._max_overflow, pool.timeout()

    assert asyncio.run(main()) == (2, 3, 4.5)


def test_a_memory_pool_of_one_connection_becomes_a_queue(installation: Installation) -> None:
    """On a worker database one request's rollback does not undo another's work."""
    engine = create_async_engine(MEMORY, poolclass=StaticPool, pool_recycle=77)

    async def main() -> tuple[type[Pool], int]:
        async with engine.connect() as one, engine.connect() as two:
            assert await one.get_raw_connection() is not await two.get_raw_connection()
        return type(real_pool(engine)), real_pool(engine)._recycle

    assert asyncio.run(main()) == (AsyncAdaptedQueuePool, 77)


class Bare(StaticPool):
    """A pool class of a user's that cannot be made again."""

    def recreate(self) -> StaticPool:
        raise NotImplementedError


def test_a_pool_class_that_cannot_be_recreated_becomes_a_queue(
    installation: Installation, elsewhere: Path
) -> None:
    """``recreate`` is what a pool class owes; where it is missing the default serves."""
    engine = create_async_engine(f"sqlite+aiosqlite:///{elsewhere}", poolclass=Bare)

    async def main() -> type[Pool]:
        return type(real_pool(engine))

    assert asyncio.run(main()) is AsyncAdaptedQueuePool


def test_dispose_concerns_the_running_loop_only(installation: Installation) -> None:
    """An application that disposes of its engine in one loop leaves another loop's connections alone."""
    engine = create_async_engine(MEMORY)
    other = asyncio.new_event_loop()
    kept = other.run_until_complete(connection_identity(engine))

    async def main() -> bool:
        before = real_pool(engine)
        await connection_identity(engine)
        await engine.dispose()
        return real_pool(engine) is not before

    assert asyncio.run(main())
    assert other.run_until_complete(connection_identity(engine)) == kept
    other.run_until_complete(other.shutdown_asyncgens())
    other.close()


def test_dispose_without_closing_starts_anew(installation: Installation) -> None:
    """``dispose(close=False)``, as after a fork, forgets the loop's pool; what it held is closed at the loop's end."""
    engine = create_async_engine(MEMORY)

    async def main() -> bool:
        first = await connection_identity(engine)
        await engine.dispose(close=False)
        return await connection_identity(engine) != first

    assert asyncio.run(main())


def test_a_connection_that_outlives_dispose_is_closed_in_the_end(installation: Installation) -> None:
    """A checked-out connection returns to a pool that nobody has any more, and is closed all the same."""
    engine = create_async_engine(MEMORY)

    async def main() -> None:
        async with engine.connect() as connection:
            await file_through(connection)
            await engine.dispose()

    asyncio.run(main())
    assert not installation.checked_out()


def test_outside_a_loop_it_tells_its_status(installation: Installation, elsewhere: Path) -> None:
    """Status and size can be asked for from synchronous code, and dispose does no harm there."""
    engine = create_async_engine(
        f"sqlite+aiosqlite:///{elsewhere}", poolclass=AsyncAdaptedQueuePool, pool_size=3
    )
    pool: Any = engine.sync_engine.pool
    assert pool.status().startswith("Pool size: 3 ")
    assert pool.checkedout() == 0
    engine.sync_engine.dispose()
    assert pool.size() == 3
    assert engine.sync_engine.pool is pool


def test_what_no_pool_has_is_an_attribute_error(installation: Installation) -> None:
    """A missing attribute is missing, and special names are never looked up in the real pool."""
    pool = create_async_engine(MEMORY).sync_engine.pool
    with pytest.raises(AttributeError, match="no_such_thing"):
        pool.no_such_thing  # type: ignore[attr-defined]  # noqa: B018
    with pytest.raises(AttributeError, match="__no_such__"):
        getattr(pool, "__no_such__")  # noqa: B009


def test_closed_loops_are_dropped(installation: Installation) -> None:
    """The pools of ten loops that ended do not pile up."""
    engine = create_async_engine(MEMORY)
    for _ in range(10):
        asyncio.run(file_in(engine))
    pool = engine.sync_engine.pool
    assert isinstance(pool, LoopBoundPool)
    assert len(pool.loops()) == 1


def test_a_disconnect_invalidates_the_loops_pool(installation: Installation) -> None:
    """SQLAlchemy invalidates the engine's pool when a driver says the connection is gone; that reaches the real one."""
    engine = create_async_engine(MEMORY)

    async def main() -> tuple[bool, str]:
        async with engine.connect() as connection:
            raw: Any = (await connection.get_raw_connection()).driver_connection
            await raw.close()
            with pytest.raises(OperationalError, match=r"[Nn]o active connection|Connection closed"):
                await connection.execute(text("SELECT 1"))
        return real_pool(engine)._invalidate_time > 0, await file_in(engine)

    invalidated, file = asyncio.run(main())
    assert invalidated
    assert file


@pytest.mark.parametrize("when", ["before", "after"])
def test_listeners_hear_every_loop(installation: Installation, when: str) -> None:
    """A ``connect`` listener is heard in each loop, whether registered before or after the engine's first use."""
    engine = create_async_engine(MEMORY)
    heard: list[str] = []
    if when == "after":
        asyncio.run(file_in(engine))
    event.listen(engine.sync_engine, "connect", lambda connection, record: heard.append("connect"))
    event.listen(engine.sync_engine, "checkin", lambda connection, record: heard.append("checkin"))
    for _ in range(2):
        asyncio.run(file_in(engine))
    assert heard == ["connect", "checkin"] * 2


def test_a_listener_can_be_removed(installation: Installation) -> None:
    """``event.remove`` reaches the pools of all loops."""
    engine = create_async_engine(MEMORY)
    heard: list[str] = []

    def listener(connection: object, record: object) -> None:
        heard.append("connect")

    event.listen(engine.sync_engine, "connect", listener)
    asyncio.run(file_in(engine))
    event.remove(engine.sync_engine, "connect", listener)
    asyncio.run(file_in(engine))
    assert heard == ["connect"]


def test_the_dialect_is_initialized_once(installation: Installation) -> None:
    """Many first connections at once, in one loop after another, find an initialized dialect."""
    engine = create_async_engine(MEMORY)

    async def main() -> list[str]:
        return list(await asyncio.gather(*(file_in(engine) for _ in range(20))))

    assert len(set(asyncio.run(main()) + asyncio.run(main()))) == 1
    assert engine.dialect.server_version_info


def test_first_connections_of_two_loops_wait_for_each_other(installation: Installation) -> None:
    """Loops in two threads connect at once for the first time: neither fails, and both find an initialized dialect."""
    engine = create_async_engine(MEMORY)
    barrier = threading.Barrier(2)

    async def main() -> list[bool]:
        async def connect() -> bool:
            async with engine.connect():
                return engine.dialect.server_version_info is not None

        await asyncio.to_thread(barrier.wait)
        return list(await asyncio.gather(*(connect() for _ in range(5))))

    with ThreadPoolExecutor(2) as threads:
        answers = list(threads.map(lambda _: asyncio.run(main()), range(2)))
    assert answers == [[True] * 5] * 2


def test_pre_ping(installation: Installation) -> None:
    """``pool_pre_ping``, which runs before any checkout listener, never meets another loop's connection."""
    engine = create_async_engine(MEMORY, pool_pre_ping=True)

    async def main() -> AsyncConnection:
        await file_in(engine)
        async with engine.connect() as connection:
            return connection

    assert asyncio.run(main()) is not asyncio.run(main())
