"""Connections of psycopg, and of psycopg_pool, go where the rules say and are known there."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import psycopg
import psycopg_pool
import pytest

from hermetic.database.in_use import RawConnections
from hermetic.owners import Owner, owned_by
from tests.database.backends.postgresql.drivers.conftest import ELSEWHERE
from tests.database.backends.postgresql.restore.opened import Opened

NAME = "SELECT current_database()"
PID = "SELECT pg_backend_pid()"
connect_of_before = psycopg.connect

pytestmark = pytest.mark.usefixtures("drivers")


def one_value(connection: Any, query: str) -> Any:
    """Return the one value that a query brings."""
    return connection.execute(query).fetchone()[0]


@pytest.mark.parametrize("connect", [psycopg.connect, connect_of_before, psycopg.Connection.connect])
def test_it_ends_on_the_worker_database(connect: Any, opened: Opened) -> None:
    """Also where the function was bound before the run began."""
    with closing(connect(f"{ELSEWHERE}?sslmode=require&target_session_attrs=standby")) as connection:
        assert one_value(connection, NAME) == opened.database.name


def test_an_async_one_does(opened: Opened) -> None:
    """No name of a host is looked up."""

    async def run() -> str:
        async with await psycopg.AsyncConnection.connect(
            host="db.example", dbname="production"
        ) as connection:
            row = await (await connection.execute(NAME)).fetchone()
            assert row is not None
            return str(row[0])

    assert asyncio.run(run()) == opened.database.name


def test_the_environment_leads_there_too(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, opened: Opened
) -> None:
    """Variables and services are libpq's way to say where."""
    services = tmp_path / "services"
    services.write_text("[shop]\nhost=db.example\nport=6432\n")
    monkeypatch.setenv("PGSERVICEFILE", str(services))
    monkeypatch.setenv("PGHOSTADDR", "192.0.2.1")
    with closing(psycopg.connect("service=shop")) as connection:
        assert one_value(connection, NAME) == opened.database.name


class OfTheProject(psycopg.Connection[Any]):
    """Reads its target its own way."""

    @classmethod
    def _get_connection_params(cls, conninfo: str, **kwargs: Any) -> Any:
        return {"host": "127.0.0.1", "port": "1", "dbname": "production"}


def test_a_class_of_the_project_s_own_does(opened: Opened) -> None:
    """What it made of the arguments is looked at before anything is sent."""
    with closing(OfTheProject.connect("")) as connection:
        assert one_value(connection, NAME) == opened.database.name


def test_what_says_nothing_of_the_server_keeps_its_meaning() -> None:
    """Options and the application's name arrive."""
    with closing(
        psycopg.connect(ELSEWHERE, application_name="shop", options="-c work_mem=5MB")
    ) as connection:
        assert one_value(connection, "SELECT current_setting('application_name')") == "shop"
        assert one_value(connection, "SELECT current_setting('work_mem')") == "5MB"


def test_a_connection_is_known_by_its_owner_and_line(raw: RawConnections) -> None:
    """Who opened it, where, for what URL, and what it does now."""
    owner = Owner("test_it", "test", "function")
    with owned_by(owner):
        connection = psycopg.connect(ELSEWHERE)
    (one,) = raw.all()
    assert (one.connection, one.owner, one.pool, one.loop) == (connection, owner, None, None)
    assert Path(one.location.file) == Path(__file__)
    assert one.asked == "postgresql://somebody@db.example:6432/production"
    assert one.is_idle
    assert one.pid == one_value(connection, PID)
    assert not one.is_idle
    one.end()
    assert connection.closed
    assert raw.all() == []


@contextmanager
def sync_pool(**options: Any) -> Iterator[Any]:
    """A pool with one connection, which is open."""
    with psycopg_pool.ConnectionPool(ELSEWHERE, min_size=1, max_size=1, open=True, **options) as pool:
        pool.wait()
        yield pool


@pytest.mark.parametrize("options", [{}, {"check": psycopg_pool.ConnectionPool.check_connection}])
def test_a_pool_opens_another_connection_for_one_that_was_ended(
    options: dict[str, Any], raw: RawConnections
) -> None:
    """Whether or not it checks what it lends."""
    lifespan = Owner("the lifespan", "lifespan", "session")
    with owned_by(lifespan, everywhere=True), sync_pool(**options) as pool:
        (one,) = raw.all()
        assert (one.pool, one.owner, one.is_idle) == (pool, lifespan, True)
        assert Path(one.location.file) == Path(__file__)
        before = one.pid
        one.end()
        with pool.connection() as connection:
            assert one_value(connection, PID) != before


def test_a_lent_connection_is_not_idle(raw: RawConnections) -> None:
    """It is replaced when it comes back."""
    with sync_pool() as pool:
        with pool.connection() as connection:
            (one,) = raw.all()
            assert not one.is_idle
            before = one.pid
            one.end()
        with pool.connection() as connection:
            assert one_value(connection, PID) != before


@pytest.mark.parametrize("check", [None, psycopg_pool.AsyncConnectionPool.check_connection])
def test_an_async_pool_does_the_same(check: Any, raw: RawConnections) -> None:
    """In the loop in which it lives."""

    async def run() -> None:
        async with psycopg_pool.AsyncConnectionPool(
            ELSEWHERE, min_size=1, max_size=1, open=False, check=check
        ) as pool:
            await pool.wait()
            (one,) = raw.all()
            assert one.pool is pool
            assert one.is_idle
            before = one.pid
            one.end()
            async with pool.connection() as connection:
                row = await (await connection.execute(PID)).fetchone()
            assert row is not None
            assert row[0] != before

    asyncio.run(run())
