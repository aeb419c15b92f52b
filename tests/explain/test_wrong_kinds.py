"""What is synchronous in place of what is async, or the other way round, is named with its line and the change."""

from __future__ import annotations

import asyncio
import linecache
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import AsyncMock, MagicMock

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from httpx2 import ASGITransport, AsyncClient
from sqlalchemy import create_engine, text
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import Session, sessionmaker

from hermetic.code import Location
from hermetic.explain import wrong_kinds
from hermetic.explain.failure import Failure, UsedFixture
from hermetic.explain.history import History
from tests.explain.failing import TEST, in_a_loop, said

Maker: Any = sessionmaker()
AsyncMaker: Any = async_sessionmaker()
client: Any = TestClient(FastAPI())
http: Any = AsyncClient()
service: Any = MagicMock()
unspecified: Any = MagicMock(spec=[])
sessions: Any = AsyncSession
async_mock: Any = AsyncMock


async def get_session() -> AsyncIterator[str]:
    """A dependency."""
    yield "a session"


def get_sync_session() -> Iterator[str]:
    """A dependency, too."""
    yield "a session"


def error_of(source: str, **names: Any) -> BaseException:
    """Run a line of the test's own file, as it were: of a file that linecache knows; return its error."""
    code = f"async def test_it():\n    {source}\n"
    file = "tests/test_of_a_line.py"
    linecache.cache[file] = (len(code), None, code.splitlines(keepends=True), file)
    namespace = {**globals(), **names}
    exec(compile(code, file, "exec"), namespace)
    with pytest.raises(Exception) as raised:
        asyncio.run(namespace["test_it"]())
    return raised.value


@pytest.mark.parametrize(
    ("line", "what", "change"),
    [
        ("async with client: ...", "enters, by `async with`, a TestClient", "with TestClient(app) as client"),
        (
            "async with Maker(): ...",
            "Maker is a sessionmaker, which makes those",
            "async_sessionmaker(engine)",
        ),
        (
            "async with Session(): ...",
            "enters, by `async with`, a Session, which is",
            "async_sessionmaker(engine)",
        ),
        (
            "async with AsyncMaker: ...",
            "an async_sessionmaker, which makes",
            "async with AsyncMaker() as session",
        ),
        (
            "async with get_session(): ...",
            "an async_generator",
            "async with asynccontextmanager(get_session)()",
        ),
        ("with get_sync_session(): ...", "a generator", "with contextmanager(get_sync_session)()"),
        (
            "with sessions(): ...",
            "an AsyncSession, which is async",
            "async with, in an async def test_it",
        ),
        (
            "await client.get('/')",
            "awaits a response of TestClient",
            "without await, in a def; or AsyncClient",
        ),
        ("await service.send()", "awaits a MagicMock", "an AsyncMock in place of the MagicMock"),
        (
            "http.websocket_connect('/')",
            "calls websocket_connect(), and an AsyncClient sends requests only",
            "tests/test_of_a_line.py:2: async_client.websocket_connect(...)",
        ),
        ("sessions().query(1)", "calls query(), which an AsyncSession does not have", "select(...)"),
    ],
)
def test_what_a_line_uses(line: str, what: str, change: str) -> None:
    """Its place, the kind, and what to write."""
    told = said(error_of(line), History())
    assert told.startswith("tests/test_of_a_line.py:2")
    assert what in told
    assert f"{change}" in told.partition("change: ")[2]
    assert "[HM727]" in told


@pytest.mark.parametrize(
    ("line", "which"),
    [
        ("async with http: pass", "opens http, which its module makes once, and it was opened before"),
        ("async with (mine := http): pass", "opens a client, and it was opened before"),
    ],
)
def test_a_client_that_was_opened_before(line: str, which: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether it is open or closed by now."""
    closed = AsyncClient()
    asyncio.run(closed.aclose())
    monkeypatch.setitem(globals(), "http", closed)
    told = said(error_of(line), History())
    assert f"tests/test_of_a_line.py:2 {which}" in told
    assert "[HM796]" in told


def test_a_coroutine_of_a_mock() -> None:
    """The application awaits as it should: what is not async needs another mock."""
    error: Any = error_of("(await async_mock()()).all().one()")
    told = said(error, History())
    error.obj.close()
    assert "has a coroutine of an AsyncMock, which nobody awaits" in told
    assert "change: a MagicMock for what is not" in told


def test_a_synchronous_session_that_is_awaited() -> None:
    """It is the session that has to be another one."""
    engine = create_engine("sqlite://")
    with Session(engine) as session:
        told = said(
            error_of("await session.execute(text('SELECT 1'))", session=session, text=text), History()
        )
    engine.dispose()
    assert "awaits what a Session returned: it is a synchronous session. [HM727]" in told


@pytest.mark.parametrize(
    "line",
    [
        "await 7",
        "async with 7: ...",
        "with 7: ...",
        "async with contextmanager(get_sync_session)(): ...",
        "sessions().no_such",
        "unspecified.query",
    ],
)
def test_of_other_kinds_nothing_is_said(line: str) -> None:
    """The message suffices, or nobody knows what was meant."""
    assert said(error_of(line), History()) == ""


def returning() -> AsyncClient:
    """A fixture that returns from within its block."""
    with contextmanager(get_sync_session)():
        return AsyncClient()


def yielding() -> Iterator[AsyncClient]:
    """A fixture that does not."""
    with contextmanager(get_sync_session)():
        yield AsyncClient()


def fixture(function: Any, value: object) -> UsedFixture:
    """Return what is known of a fixture."""
    code = function.__code__
    where = Location(code.co_filename, code.co_firstlineno, code.co_name)
    return UsedFixture(code.co_name, "function", where, is_async=True, value=value)


class Service:
    """What a project has of its own."""

    def __init__(self) -> None:
        self.rows: Any = [1]
        self.session: Any = AsyncSession()

    def store(self) -> None:
        """Store something."""

    async def nothing(self) -> None:
        """Wait for nothing."""


@pytest.mark.parametrize(
    ("line", "what", "change"),
    [
        (
            "await service.session.add_all([])",
            "awaits what service.session.add_all() returned, None: AsyncSession.add_all is synchronous",
            "service.session.add_all(...), without await",
        ),
        ("await service.store()", "Service.store is synchronous", "service.store(...), without await"),
        (
            "await give()",
            "awaits what give() returned, an int: give is synchronous",
            "give(...), without await",
        ),
    ],
)
def test_what_a_synchronous_function_returned(line: str, what: str, change: str) -> None:
    """The function is named, with its class, and the line without await."""

    def give() -> int:
        return 7

    told = said(error_of(line, service=Service(), give=give), History())
    assert what in told
    assert f"change: tests/test_of_a_line.py:2: {change}" in told
    assert "[HM727]" in told


@pytest.mark.parametrize(
    "line",
    [
        "await (await service.nothing())",
        "await service.rows",
        "await service.rows.append(1)",
        "await service.no_such.add(1)",
        "await [give][0]()",
    ],
)
def test_of_what_is_not_found_nothing_is_said(line: str) -> None:
    """An attribute that is computed is not asked for, and a value is no function."""

    def give() -> int:
        return 7

    assert said(error_of(line, service=Service(), give=give), History()) == ""


@in_a_loop
async def test_loops_of_the_wrong_kind_over_what_a_query_gave() -> None:
    """All rows at once are iterated over by `for`, those that come one by one by `async for`."""
    engine = create_async_engine("sqlite+aiosqlite://")
    async with AsyncSession(engine) as session:
        rows = await session.scalars(text("SELECT 1"))
        stream = await session.stream(text("SELECT 1"))
        told = await asyncio.to_thread(
            lambda: said(error_of("[r async for r in rows]", rows=rows), History())
        )
        other = await asyncio.to_thread(lambda: said(error_of("[r for r in rows]", rows=stream), History()))
        await stream.close()
    await engine.dispose()
    assert "iterates, by `async for`, over a ScalarResult, which has all its rows already. [HM727]" in told
    assert "change: tests/test_of_a_line.py:2: for, in place of async for" in told
    assert "iterates, by `for`, over an AsyncResult" in other
    assert "change: tests/test_of_a_line.py:2: async for" in other


def test_a_client_that_its_fixture_has_closed() -> None:
    """The return within the block is named; of a client that somebody else closed nothing is said."""
    closed = AsyncClient(transport=ASGITransport(app=FastAPI()), base_url="http://test")
    asyncio.run(closed.aclose())
    error = error_of("await closed.get('/')", closed=closed)
    fixtures = (
        UsedFixture("other", "function", None, is_async=True, value=closed),
        fixture(yielding, closed),
        fixture(returning, closed),
    )
    told = [
        str(each) for each in wrong_kinds.explain(Failure(TEST, "call", error, fixtures=fixtures), History())
    ]
    line = returning.__code__.co_firstlineno + 3
    assert len(told) == 1
    assert f"test_wrong_kinds.py:{line}), which closes it then. [HM728]" in told[0]
    assert f"test_wrong_kinds.py:{line}: yield in place of return" in told[0]
    assert said(error, History()) == ""
