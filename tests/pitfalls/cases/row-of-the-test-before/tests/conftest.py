import pytest
from httpx import ASGITransport, AsyncClient

from books.api import api
from books.database import Base, engine


@pytest.fixture(scope="module")
async def client():
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.drop_all)
        await connection.run_sync(Base.metadata.create_all)
    async with AsyncClient(transport=ASGITransport(api), base_url="http://books") as client:
        yield client
    await engine.dispose()
