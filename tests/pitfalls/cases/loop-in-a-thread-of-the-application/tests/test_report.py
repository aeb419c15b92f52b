import pytest
from httpx import ASGITransport, AsyncClient

from books.database import Base, engine
from books.report import api


@pytest.fixture
async def client():
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.drop_all)
        await connection.run_sync(Base.metadata.create_all)
    async with AsyncClient(transport=ASGITransport(api), base_url="http://books") as client:
        yield client


async def test_report(client):
    assert (await client.get("/report")).json() == {"authors": 0}
