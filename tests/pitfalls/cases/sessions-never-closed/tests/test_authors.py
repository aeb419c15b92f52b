import pytest
from factory import names
from httpx import ASGITransport, AsyncClient

from books.api import api
from books.database import Base, engine


@pytest.fixture(scope="session", autouse=True)
async def tables():
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.drop_all)
        await connection.run_sync(Base.metadata.create_all)


async def test_first():
    assert await names() == []


async def test_second():
    assert await names() == []


async def test_listed():
    async with AsyncClient(transport=ASGITransport(api), base_url="http://books") as client:
        assert (await client.get("/authors")).json() == []
