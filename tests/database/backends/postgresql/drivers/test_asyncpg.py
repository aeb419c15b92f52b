"""Connections of asyncpg, single ones and a pool's, go where the rules say and are known there."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import asyncpg  # type: ignore[import-untyped]
import pytest

from hermetic.database.drivers import Drivers
from hermetic.database.in_use import RawConnections
from hermetic.errors import ConfigurationError
from hermetic.owners import Owner, owned_by
from tests.database.backends.postgresql.drivers.conftest import ELSEWHERE
from tests.database.backends.postgresql.restore.opened import Opened

NAME = "SELECT current_database()"
PID = "SELECT pg_backend_pid()"

pytestmark = pytest.mark.usefixtures("drivers")


async def _with_words() -> Any:
    return await asyncpg.connect(
        host="db.example", port=6432, user="somebody", password="x", database="production"
    )


async def _with_a_dsn() -> Any:
    return await asyncpg.connect(f"{ELSEWHERE}?sslmode=verify-full&target_session_attrs=standby")


async def _with_the_module_s_own() -> Any:
    return await asyncpg.connection.connect(ELSEWHERE, ssl="require", direct_tls=True)


@pytest.mark.parametrize("connect", [_with_words, _with_a_dsn, _with_the_module_s_own])
def test_it_ends_on_the_worker_database(connect: Any, opened: Opened) -> None:
    """Host, port, user, password, ssl and the kind of server are replaced together."""

    async def run() -> str:
        connection = await connect()
        name: str = await connection.fetchval(NAME)
        await connection.close()
        return name

    assert asyncio.run(run()) == opened.database.name


def test_the_environment_leads_there_too(monkeypatch: pytest.MonkeyPatch, opened: Opened) -> None:
    """What no argument says asyncpg reads from the environment."""
    for name, value in (("PGHOST", "db.example"), ("PGPORT", "6432"), ("PGUSER", "somebody")):
        monkeypatch.setenv(name, value)

    async def run() -> str:
        connection = await asyncpg.connect()
        name: str = await connection.fetchval(NAME)
        await connection.close()
        return name

    assert asyncio.run(run()) == opened.database.name


def test_what_says_nothing_of_the_server_keeps_its_meaning() -> None:
    """Server settings, written as an argument or in the DSN, arrive."""

    async def run() -> tuple[str, str]:
        connection = await asyncpg.connect(
            f"{ELSEWHERE}?application_name=shop", server_settings={"work_mem": "5MB"}
        )
        query = "SELECT current_setting('application_name') AS name, current_setting('work_mem') AS memory"
        name, memory = await connection.fetchrow(query)
        await connection.close()
        return name, memory

    assert asyncio.run(run()) == ("shop", "5MB")


def test_a_connection_is_known_by_its_owner_and_line(raw: RawConnections) -> None:
    """Who opened it, where, for what URL, in which loop, and what it does now."""
    owner = Owner("test_it", "test", "function")

    async def run() -> None:
        with owned_by(owner):
            connection = await asyncpg.connect(ELSEWHERE)
        (one,) = raw.all()
        assert (one.connection, one.owner, one.pool) == (connection, owner, None)
        assert Path(one.location.file) == Path(__file__)
        assert one.asked == "postgresql://somebody@db.example:6432/production"
        assert one.loop is asyncio.get_running_loop()
        assert one.pid == await connection.fetchval(PID)
        assert one.is_idle
        async with connection.transaction():
            assert not one.is_idle
        assert raw.by_pid(one.pid or 0) is one
        await connection.close()
        assert raw.all() == []

    asyncio.run(run())


def test_a_pool_s_connections_are_its_maker_s(raw: RawConnections) -> None:
    """One that a request opens, when the pool grows, is still that of who made the pool."""
    lifespan, request = Owner("the lifespan", "lifespan", "session"), Owner("GET /", "request", "function")

    async def run() -> None:
        with owned_by(lifespan):
            pool = await asyncpg.create_pool(ELSEWHERE, min_size=1, max_size=2)
        with owned_by(request):
            async with pool.acquire(), pool.acquire():
                first, second = raw.all()
                assert {first.owner, second.owner} == {lifespan}
                assert not first.is_idle
        assert first.is_idle
        assert first.pool is second.pool is pool
        await pool.close()

    asyncio.run(run())


def test_a_pool_opens_another_connection_for_one_that_was_ended(raw: RawConnections) -> None:
    """Whoever acquires next never sees the one that is gone, and is not taken for who made the pool."""
    fixture, test = Owner("fixture 'pool'", "fixture", "session"), Owner("test_a", "test", "function")

    async def run() -> None:
        with owned_by(fixture):
            pool = await asyncpg.create_pool(ELSEWHERE, min_size=1, max_size=1)
            before = await pool.fetchval(PID)
        (one,) = raw.all()
        assert one.is_replaceable
        one.end()
        assert not one.is_open
        with owned_by(test):
            assert await pool.fetchval(PID) != before
        (other,) = raw.all()
        assert other.owner is fixture
        await pool.close()

    asyncio.run(run())


def test_a_connection_of_a_closed_loop_can_be_ended(raw: RawConnections) -> None:
    """Its transport cannot tell its loop of it any more."""
    loop = asyncio.new_event_loop()
    connection = loop.run_until_complete(asyncpg.connect(ELSEWHERE))
    (one,) = raw.all()
    loop.close()
    one.end()
    assert not one.is_open
    assert connection.is_closed()


def test_a_pool_that_lives_in_another_loop_is_named(raw: RawConnections) -> None:
    """The driver's own words name neither the pool nor the line that opened it."""

    async def opened() -> Any:
        return await asyncpg.create_pool(ELSEWHERE, min_size=1)

    loop = asyncio.new_event_loop()
    pool = loop.run_until_complete(opened())

    async def use() -> None:
        await pool.fetchval("SELECT 1")

    with pytest.raises(
        ConfigurationError, match=r"opened at .*test_asyncpg.py:\d+ is used in another event loop"
    ):
        asyncio.run(use())
    assert loop.run_until_complete(_counted(pool)) == 1
    loop.close()


async def _counted(pool: Any) -> Any:
    counted = await pool.fetchval("SELECT 1")
    await pool.close()
    return counted


def test_an_invalid_argument_is_the_driver_s_to_refuse() -> None:
    """Reading the target raises what connecting would have raised."""
    with pytest.raises(ValueError, match="command_timeout"):
        asyncio.run(asyncpg.connect(ELSEWHERE, command_timeout=-1))


def test_what_was_there_comes_back(drivers: Drivers, opened: Opened) -> None:
    """After the run asyncpg's own function is in its place."""
    drivers.uninstall()
    assert asyncpg.connect_utils._connect.__module__ == "asyncpg.connect_utils"
    assert not hasattr(asyncpg.connect_utils._connect, "__wrapped__")
    drivers.install()
