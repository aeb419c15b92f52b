import pytest
from httpx2 import ASGITransport, AsyncClient
from sqlalchemy import text

from books.database import engine
from books.api import api


@pytest.fixture(scope="session", autouse=True)
async def tables():
    async with engine.begin() as conn:
        await conn.execute(text("DROP TABLE IF EXISTS authors"))
        await conn.execute(text("CREATE TABLE authors (id INTEGER PRIMARY KEY, email VARCHAR, name VARCHAR)"))
    yield
    await engine.dispose()


@pytest.fixture
async def client():
    async with AsyncClient(transport=ASGITransport(api), base_url="http://books") as ac:
        yield ac
