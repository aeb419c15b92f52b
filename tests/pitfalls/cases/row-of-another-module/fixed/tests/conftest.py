import pytest
from httpx import ASGITransport, AsyncClient
from sqlmodel import SQLModel

from main import app, engine


@pytest.fixture
async def client():
    async with engine.begin() as conn:
        await conn.run_sync(SQLModel.metadata.drop_all)
        await conn.run_sync(SQLModel.metadata.create_all)
    async with AsyncClient(transport=ASGITransport(app), base_url="http://test") as ac:
        yield ac
