"""What the guide says will fail: a sync ``TestClient``, a module-level async engine, an endpoint that commits."""

from __future__ import annotations

from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine

from hermetic.database.engines import Installation


@pytest.fixture
def client(installation: Installation) -> TestClient:
    """A client of an application that counts its requests in the database."""
    engine = create_async_engine("sqlite+aiosqlite:///./app.db")
    sessions = async_sessionmaker(engine, class_=AsyncSession, expire_on_commit=False)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        yield
        await engine.dispose()

    app = FastAPI(lifespan=lifespan)

    @app.post("/")
    async def post() -> int:
        async with sessions() as session:
            await session.execute(text("CREATE TABLE IF NOT EXISTS t (id INTEGER PRIMARY KEY)"))
            await session.execute(text("INSERT INTO t DEFAULT VALUES"))
            await session.commit()
            return int(await session.scalar(text("SELECT count(*) FROM t")) or 0)

    return TestClient(app)


def test_outside_with(client: TestClient) -> None:
    """Each request runs in a loop and a thread of its own, and all see what was committed."""
    assert [client.post("/").json() for _ in range(10)] == list(range(1, 11))


def test_inside_with(client: TestClient) -> None:
    """Requests of one ``with`` share a loop; the next one gets another, after the lifespan disposed of the engine."""
    with client:
        assert [client.post("/").json() for _ in range(2)] == [1, 2]
    with client:
        assert client.post("/").json() == 3


def test_outside_and_inside(client: TestClient) -> None:
    """The two ways mix."""
    assert client.post("/").json() == 1
    with client:
        assert client.post("/").json() == 2
    assert client.post("/").json() == 3


def test_from_many_threads(client: TestClient) -> None:
    """Requests at the same time, each in its own loop, are all counted."""
    client.post("/")
    with ThreadPoolExecutor(4) as threads:
        answers = list(threads.map(lambda _: client.post("/").status_code, range(8)))
    assert answers == [200] * 8
    assert client.post("/").json() == 10
