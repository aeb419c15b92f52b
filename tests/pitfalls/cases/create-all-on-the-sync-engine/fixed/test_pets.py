import pytest
from httpx import ASGITransport, AsyncClient
from sqlmodel import SQLModel

from main import app, engine


@pytest.fixture
async def tables():
    async with engine.begin() as connection:
        await connection.run_sync(SQLModel.metadata.create_all)
    yield
    await engine.dispose()


async def test_no_pets(tables):
    async with AsyncClient(transport=ASGITransport(app), base_url="http://pets") as client:
        assert (await client.get("/pets")).json() == []
