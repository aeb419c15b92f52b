"""Who is connected to a database that is made anew: raw pools open other connections, everybody else is named."""

from __future__ import annotations

import asyncio
import functools
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg  # type: ignore[import-untyped]
import psycopg
import pytest
from psycopg_pool import AsyncConnectionPool

from hermetic.database.backends.postgresql.server import template_databases
from hermetic.database.driver_seams import uncontained
from hermetic.database.drivers import Drivers
from hermetic.database.stored import NotKept
from hermetic.database.templates import NoTemplate
from hermetic.errors import RestoreError
from hermetic.owners import owned_by
from tests.database.backends.postgresql.restore.opened import Opened, Place, fixture

SCHEMA = "CREATE TABLE users (id serial PRIMARY KEY, name text)"
ELSEWHERE = "postgresql://somebody:secret@db.example:6432/production"
ALTER = "ALTER TABLE users ADD x integer"
WIDE = fixture("wide", "session")


def in_a_loop(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """Run a test in an event loop of its own."""

    @functools.wraps(test)
    def run(**fixtures: Any) -> None:
        asyncio.run(test(**fixtures))

    return run


@pytest.fixture
def opened(superuser: Place) -> Iterator[Opened]:
    """A worker database to which every driver's connection is brought."""
    with superuser.lent(SCHEMA) as lent:
        drivers = Drivers(
            lambda request: lent.database,
            lambda request: None,
            lambda url, folder: False,
            Path(__file__).parent,
        )
        drivers.install()
        yield lent
        drivers.uninstall()


@asynccontextmanager
async def asyncpg_pool() -> AsyncIterator[Any]:
    """A pool that outlives the test."""
    with owned_by(WIDE):
        async with asyncpg.create_pool(ELSEWHERE, min_size=1, max_size=1) as pool:
            yield pool


@in_a_loop
async def test_an_idle_connection_is_replaced_by_its_pool(opened: Opened) -> None:
    """Where the database must be made anew; and where something was dropped, since it knows types that are gone."""
    async with asyncpg_pool() as pool:
        assert await pool.fetchval("SELECT count(*) FROM users") == 0
        opened.run(ALTER)
        assert opened.database.restore()
        assert await pool.fetchval("SELECT count(*) FROM users") == 0
        pid = await pool.fetchval("SELECT pg_backend_pid()")
        opened.run("CREATE TABLE made (n integer)")
        assert opened.database.restore()
        assert await pool.fetchval("SELECT pg_backend_pid()") != pid


@in_a_loop
async def test_a_pool_that_does_not_check(opened: Opened) -> None:
    """psycopg_pool lends no connection that was ended, with or without ``check``."""
    with owned_by(WIDE):
        async with AsyncConnectionPool(ELSEWHERE, min_size=1, open=False) as pool:
            await pool.wait()
            for _ in range(2):
                opened.run(ALTER)
                assert opened.database.restore()
                async with pool.connection() as connection:
                    await connection.execute("SELECT * FROM users")


@in_a_loop
async def test_one_that_is_in_use(opened: Opened) -> None:
    """Is named, and not killed; so is one without a pool."""
    async with asyncpg_pool() as pool, pool.acquire() as connection:
        opened.run(ALTER)
        with pytest.raises(RestoreError, match=r"fixture 'wide', opened by asyncpg at .*test_connected.py"):
            opened.database.restore()
        with pytest.raises(NotKept, match="fixture 'wide', opened by asyncpg"):
            opened.database.keep("test_it", Path())
        assert await connection.fetchval("SELECT count(*) FROM users") == 0
    assert opened.database.restore()
    with owned_by(WIDE):
        single = await asyncpg.connect(ELSEWHERE)
    opened.run(ALTER)
    with pytest.raises(RestoreError, match="fixture 'wide', opened by asyncpg"):
        opened.database.restore()
    await single.close()
    assert opened.database.restore()


def test_one_of_another_process(opened: Opened) -> None:
    """Is named by its process, and not killed."""
    with opened.look(opened.database.name) as look:
        opened.run(ALTER)
        with pytest.raises(RestoreError, match="which this process did not open"):
            opened.database.restore()
        assert look.execute("SELECT 1").fetchone() == (1,)
    assert opened.database.restore()


@in_a_loop
async def test_a_layer_that_adds_something_ends_nobody_in_use(opened: Opened) -> None:
    """No copy is taken then, and none is needed: what it made is dropped, and rows are put back, in place."""
    before = opened.dump()
    async with asyncpg_pool() as pool, pool.acquire() as connection:
        start = opened.database.begin_layer()
        await connection.execute("CREATE TABLE made (n integer)")
        layer = opened.database.end_layer(start, fixture("made"))
        assert layer is not None
        await connection.execute("INSERT INTO made VALUES (1)")
        assert opened.database.restore()
        assert await connection.fetchval("SELECT count(*) FROM made") == 0
        opened.database.remove_layer(layer)
        assert opened.database.restore()
        assert await connection.fetchval("SELECT to_regclass('made')::text") is None
    assert opened.dump() == before


@in_a_loop
async def test_a_change_that_needs_the_copy_that_nobody_could_take(opened: Opened) -> None:
    """Says who was in the way."""
    async with asyncpg_pool() as pool:
        async with pool.acquire() as connection:
            start = opened.database.begin_layer()
            await connection.execute("CREATE TABLE made (n integer)")
            opened.database.end_layer(start, fixture("made"))
        opened.run(ALTER)
        with pytest.raises(RestoreError, match="fixture 'wide', opened by asyncpg"):
            opened.database.restore()


def test_a_loop_that_runs_in_another_thread(opened: Opened) -> None:
    """Closes its connections itself."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()

    def run(coroutine: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(coroutine, loop).result(10)

    async def make() -> Any:
        with owned_by(WIDE):
            return await asyncpg.create_pool(ELSEWHERE, min_size=1, max_size=1)

    pool = run(make())
    opened.run(ALTER)
    assert opened.database.restore()
    assert run(pool.fetchval("SELECT count(*) FROM users")) == 0
    run(pool.close())
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


@in_a_loop
async def test_a_template_is_not_taken_over_somebody_s_head(superuser: Place, opened: Opened) -> None:
    """What a connection of the project's own is open on is built again by the next run."""
    async with asyncpg_pool() as pool, pool.acquire() as connection:
        with pytest.raises(NoTemplate, match="in use by fixture 'wide', opened by asyncpg at"):
            opened.database._baseline.become_template("of nobody", {})
        assert await connection.fetchval("SELECT count(*) FROM users") == 0
    assert template_databases.find(opened.database._host, "of nobody") is None


@in_a_loop
async def test_a_copy_that_could_be_taken_only_later(opened: Opened) -> None:
    """Is taken with the first restore that finds everybody idle."""
    async with asyncpg_pool() as pool:
        async with pool.acquire() as connection:
            start = opened.database.begin_layer()
            await connection.execute("CREATE TABLE made (n integer)")
            opened.database.end_layer(start, fixture("made"))
            assert not opened.database.restore()
        assert not opened.database.restore()
        during = opened.dump()
        opened.run(ALTER, "DROP TABLE made")
        assert opened.database.restore()
        assert await pool.fetchval("SELECT count(*) FROM made") == 0
    assert opened.dump() == during


def test_one_that_goes_while_loops_turn(opened: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    """Is in nobody's way."""
    with uncontained():
        leaving = psycopg.connect(opened.database.url.render_as_string(hide_password=False))

    def turn(work: Callable[[], Any]) -> Any:
        leaving.close()
        return work()

    monkeypatch.setattr(opened.database._host, "wait", turn)
    opened.run(ALTER)
    assert opened.database.restore()
