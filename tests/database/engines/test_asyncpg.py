"""asyncpg binds its connections to the loop that opened them: the driver for which all this is done."""

from __future__ import annotations

import asyncio
import socket
import uuid
from collections.abc import Callable, Iterator

import psycopg
import pytest
import uvloop
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from hermetic.database.engines import Installation, Itself, install

SERVER = "host=127.0.0.1 port=5432 user=postgres dbname=postgres connect_timeout=2"
URL = "postgresql+asyncpg://postgres@127.0.0.1:5432/postgres"


@pytest.fixture(scope="module")
def server() -> Iterator[psycopg.Connection]:
    """A look at the server from outside."""
    try:
        connection = psycopg.connect(SERVER, autocommit=True)
    except psycopg.OperationalError as error:
        pytest.skip(f"no PostgreSQL answers at 127.0.0.1:5432: {error}")
    with connection:
        yield connection


@pytest.fixture
def name() -> str:
    """What the test's connections call themselves on the server."""
    return f"hermetic-{uuid.uuid4().hex}"


@pytest.fixture
def installed(server: psycopg.Connection) -> Iterator[Installation]:
    """Engines open their own URL, in every loop."""
    installation = install(lambda request: Itself("a test of asyncpg"))
    yield installation
    installation.uninstall()


@pytest.fixture
def engine(installed: Installation, name: str) -> AsyncEngine:
    """An engine as a module has it."""
    return create_async_engine(URL, connect_args={"server_settings": {"application_name": name}})


def left_on(server: psycopg.Connection, name: str) -> int:
    """Count the server's connections of this name, once those that are ending have ended."""
    query = "SELECT pid FROM pg_stat_activity WHERE application_name = %s"
    for _ in range(3_000):
        if not server.execute(query, (name,)).fetchall():
            return 0
        server.execute("SELECT pg_sleep(0.01)")
    return len(server.execute(query, (name,)).fetchall())


async def answer(engine: AsyncEngine) -> int | None:
    """Ask the server something."""
    async with engine.connect() as connection:
        found: int | None = await connection.scalar(text("SELECT 42"))
        return found


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_without_us_it_fails(server: psycopg.Connection, name: str) -> None:
    """What this package is for: a stock engine cannot be used in a second loop."""
    engine = create_async_engine(URL, connect_args={"server_settings": {"application_name": name}})
    one, two = asyncio.Runner(), asyncio.Runner()
    assert one.run(answer(engine)) == 42
    with pytest.raises(Exception, match=r"attached to a different loop|another operation is in progress"):
        two.run(answer(engine))
    one.run(engine.dispose(close=False))
    server.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = %s", (name,)
    )
    two.close()
    one.close()


@pytest.mark.parametrize("run", [asyncio.run, uvloop.run])
def test_three_loops(engine: AsyncEngine, server: psycopg.Connection, name: str, run: type) -> None:
    """One engine answers in one loop after another, and leaves no connection on the server."""
    assert [run(answer(engine)) for _ in range(3)] == [42, 42, 42]
    assert left_on(server, name) == 0


def test_two_loops_in_turn(engine: AsyncEngine, server: psycopg.Connection, name: str) -> None:
    """Loops that live side by side have their own connections."""
    with asyncio.Runner() as one, asyncio.Runner() as two:
        assert [runner.run(answer(engine)) for runner in (one, two, one, two)] == [42] * 4
    assert left_on(server, name) == 0


def test_a_leak(engine: AsyncEngine, server: psycopg.Connection, name: str) -> None:
    """A connection in a transaction that nobody ended is gone from the server with its loop."""
    leaked: list[AsyncConnection] = []

    async def leak() -> None:
        leaked.append(await engine.connect())
        await leaked[0].execute(text("SELECT 1"))

    asyncio.run(leak())
    assert left_on(server, name) == 0


@pytest.mark.parametrize(
    "new_loop",
    [
        asyncio.new_event_loop,
        # uvloop warns of the open socket in ``close``, and never comes back where that warning is an error
        pytest.param(uvloop.new_event_loop, marks=pytest.mark.filterwarnings("ignore::ResourceWarning")),
    ],
)
def test_a_loop_closed_without_shutdown(
    engine: AsyncEngine,
    installed: Installation,
    server: psycopg.Connection,
    name: str,
    new_loop: Callable[[], asyncio.AbstractEventLoop],
) -> None:
    """A connection whose loop is dead is aborted, without a warning."""
    leaked: list[AsyncConnection] = []

    async def leak() -> None:
        await answer(engine)
        leaked.append(await engine.connect())

    loop = new_loop()
    loop.run_until_complete(leak())
    loop.close()
    installed.closers.sweep()
    assert left_on(server, name) == 0


def test_ending_a_leak_between_runs(
    engine: AsyncEngine, installed: Installation, server: psycopg.Connection, name: str
) -> None:
    """Synchronous code ends a connection on its idle loop, even one with an unfinished statement."""

    async def leak() -> AsyncConnection:
        connection = await engine.connect()
        await connection.stream(text("SELECT generate_series(1, 100000)"))
        return connection

    with asyncio.Runner() as runner:
        connection = runner.run(leak())
        (in_use,) = installed.checked_out()
        in_use.end_now()
        assert left_on(server, name) == 0
        assert runner.run(answer(engine)) == 42
        runner.run(connection.close())


def test_the_server_ends_connections(
    engine: AsyncEngine, installed: Installation, server: psycopg.Connection, name: str
) -> None:
    """After ``invalidate``, connections that the server ended are replaced unnoticed."""
    with asyncio.Runner() as runner:
        assert runner.run(answer(engine)) == 42
        server.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = %s", (name,)
        )
        assert left_on(server, name) == 0
        for opened in installed._index:
            opened.stale = True
        assert runner.run(answer(engine)) == 42


def test_a_connection_whose_server_is_gone_is_closed_without_a_word(
    engine: AsyncEngine, caplog: pytest.LogCaptureFixture
) -> None:
    """What the driver says of a broken pipe, when the loop ends, is not logged with its traceback."""

    async def lose_the_server() -> None:
        async with engine.connect() as connection:
            driver = (await connection.get_raw_connection()).driver_connection
        assert driver is not None
        driver._transport.pause_reading()  # else it may hear of the end first
        driver._transport.get_extra_info("socket").shutdown(socket.SHUT_WR)

    asyncio.run(lose_the_server())
    assert caplog.text == ""
