import pytest
from httpx import ASGITransport, AsyncClient
from sqlmodel import SQLModel

from main import app, engine


@pytest.fixture
def tables():
    SQLModel.metadata.create_all(engine.sync_engine)


async def test_no_pets(tables):
    async with AsyncClient(transport=ASGITransport(app), base_url="http://pets") as client:
        assert (await client.get("/pets")).json() == []
