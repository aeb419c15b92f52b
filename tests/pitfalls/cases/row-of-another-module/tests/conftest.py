import pytest
from httpx import ASGITransport, AsyncClient
from sqlmodel import SQLModel

from main import app, engine


@pytest.fixture(scope="session", autouse=True)
async def create_tables():
    async with engine.begin() as conn:
        await conn.run_sync(SQLModel.metadata.drop_all)
        await conn.run_sync(SQLModel.metadata.create_all)
    yield


@pytest.fixture
async def client():
    async with AsyncClient(transport=ASGITransport(app), base_url="http://test") as ac:
        yield ac
