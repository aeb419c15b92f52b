"""What a test leaves open by a driver itself is named by its line and ended; a wider owner's is neither."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import asyncpg  # type: ignore[import-untyped]
import psycopg
import psycopg_pool
import pytest

from hermetic.guards.leaks import RawLeaks
from hermetic.owners import Kind, Owner, Scope, owned_by
from hermetic.run import Run
from hermetic.settings import Settings

ELSEWHERE = "postgresql://somebody@db.example/production"


@pytest.fixture(scope="module")
def run() -> Iterator[Run]:
    """A run whose project is this folder."""
    started = Run(Settings(mode="on", postgresql="embedded"), root=Path(__file__).parent, temporary=())
    started.start()
    yield started
    started.stop()


@pytest.fixture(params=[True, False], ids=["a test's line", "the application's line"])
def of_a_test(request: pytest.FixtureRequest) -> bool:
    """Whose line opens what is opened."""
    return bool(request.param)


@pytest.fixture
def leaks(run: Run, of_a_test: bool) -> RawLeaks:
    """What is looked at when a test ends."""
    assert run.containment.raw is not None
    return RawLeaks(run.containment.raw, lambda location: of_a_test)


@contextmanager
def owner(kind: Kind = "test", scope: Scope = "function") -> Iterator[Owner]:
    """Have what is opened inside belong to somebody."""
    with owned_by(Owner("somebody", kind, scope), everywhere=True) as made:
        yield made


def test_an_idle_connection(leaks: RawLeaks, of_a_test: bool) -> None:
    """A test's is a leak; an application keeps what it opened with its first request."""
    with owner("request"):
        connection = psycopg.connect(ELSEWHERE)
    leaked = leaks.end()
    assert connection.closed == of_a_test
    if of_a_test:
        (leak,) = leaked
        assert "somebody left a connection of psycopg open." in leak.message
        assert f"opened at {__file__}:" in leak.message
        assert "db.example/production" in leak.message
    connection.close()


def test_what_an_orm_keeps(leaks: RawLeaks) -> None:
    """It opens a connection at its first query, and has it closed by nobody; a transaction is a leak all the same."""
    namespace: dict[str, Any] = {"__name__": "peewee", "psycopg": psycopg}
    exec("def first_query(url): return psycopg.connect(url)", namespace)
    with owner():
        connection = namespace["first_query"](ELSEWHERE)
    assert leaks.end() == []
    assert not connection.closed
    connection.execute("SELECT 1")
    assert len(leaks.end()) == 1
    assert connection.closed


def test_a_transaction(leaks: RawLeaks) -> None:
    """It is a leak whoever left it open."""
    with owner("request"):
        connection = psycopg.connect(ELSEWHERE)
    connection.execute("SELECT 1")
    assert len(leaks.end()) == 1
    assert connection.closed


def test_a_wider_owner_s(leaks: RawLeaks) -> None:
    """It is neither named nor ended."""
    with owner("fixture", "session"):
        connection = psycopg.connect(ELSEWHERE)
    connection.execute("SELECT 1")
    assert leaks.end() == []
    assert not connection.closed
    connection.close()


def test_a_pool(leaks: RawLeaks, of_a_test: bool) -> None:
    """A test's is closed, so that it opens nothing more."""
    with owner():
        pool = psycopg_pool.ConnectionPool(ELSEWHERE, min_size=2, open=True)
        pool.wait()
    leaked = leaks.end()
    assert pool.closed == of_a_test
    assert len(leaked) == of_a_test
    pool.close()


def test_what_a_wide_pool_lent(leaks: RawLeaks) -> None:
    """The pool is the lifespan's, the connection that was not given back the test's; another takes its place."""
    with owner("lifespan", "session"), psycopg_pool.ConnectionPool(ELSEWHERE, min_size=1, open=True) as pool:
        pool.wait()
        with owner():
            lent = pool.getconn()
        (leak,) = leaks.end()
        assert "left a connection of psycopg checked out" in leak.message
        assert lent.closed
        pool.putconn(lent)
        with pool.connection() as another:
            another.execute("SELECT 1")
        assert leaks.end() == []


def test_async_pools(leaks: RawLeaks, of_a_test: bool) -> None:
    """They are closed in their loop, which stands still."""
    loop = asyncio.new_event_loop()
    with owner():
        first, second = loop.run_until_complete(_pools())
    leaked = leaks.end()
    assert len(leaked) == 2 * of_a_test
    assert first.closed == of_a_test
    loop.run_until_complete(first.close())
    loop.run_until_complete(asyncio.wait_for(_closed(second), 60))
    loop.close()


async def _pools() -> tuple[psycopg_pool.AsyncConnectionPool[Any], Any]:
    first = psycopg_pool.AsyncConnectionPool(ELSEWHERE, min_size=1, open=False)
    await first.open(wait=True)
    return first, await asyncpg.create_pool(ELSEWHERE, min_size=1)


async def _closed(pool: Any) -> None:
    """Close one that may be closed already."""
    await pool.close()


def test_what_a_closed_loop_left(leaks: RawLeaks) -> None:
    """Nobody can use it any more."""
    loop = asyncio.new_event_loop()
    with owner("lifespan", "session"):
        connection = loop.run_until_complete(asyncpg.connect(ELSEWHERE))
    loop.close()
    assert leaks.end() == []
    assert connection.is_closed()


def test_a_loop_that_runs_in_another_thread(leaks: RawLeaks) -> None:
    """It is asked to end what is its own."""

    async def go() -> None:
        with owner():
            connection = await asyncpg.connect(ELSEWHERE)
        await connection.execute("BEGIN")
        await asyncio.to_thread(leaks.end)
        assert connection.is_closed()

    asyncio.run(go())
