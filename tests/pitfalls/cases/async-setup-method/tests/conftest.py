import pytest
from httpx2 import ASGITransport, AsyncClient

from books.database import engine
from books.api import api
from books.tables import Base


@pytest.fixture(autouse=True)
async def tables():
    async with engine.begin() as conn:
        await conn.run_sync(Base.metadata.drop_all)
        await conn.run_sync(Base.metadata.create_all)
    yield
    await engine.dispose()


@pytest.fixture
async def client():
    async with AsyncClient(transport=ASGITransport(api), base_url="http://books") as ac:
        yield ac
