import asyncio

import pytest
from httpx import ASGITransport, AsyncClient

from books.clock import api, now
from books.database import Base, Session, engine
from books.tables import Author


@pytest.fixture(scope="session", autouse=True)
async def filled():
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.drop_all)
        await connection.run_sync(Base.metadata.create_all)
    async with Session.begin() as session:
        session.add_all([Author(name="Aesop"), Author(name="Grimm")])
    yield
    await engine.dispose()


@pytest.fixture(scope="session", autouse=True)
def language():
    api.state.language = "de"
    api.dependency_overrides[now] = lambda: "noon"
    yield
    api.dependency_overrides.clear()


@pytest.fixture(scope="module")
async def ticking():
    async def tick():
        while True:
            await asyncio.sleep(0.01)

    task = asyncio.create_task(tick())
    yield task
    task.cancel()


@pytest.fixture(scope="module")
async def client(ticking):
    async with AsyncClient(transport=ASGITransport(api), base_url="http://books") as client:
        yield client


@pytest.fixture(scope="module")
async def reader(filled):
    async with Session() as session:
        yield session
