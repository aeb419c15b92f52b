import pytest
from httpx2 import ASGITransport, AsyncClient
from sqlalchemy import text

from books.database import engine
from books.api import api
from books.tables import Base


@pytest.fixture(scope="session", autouse=True)
async def database():
    admin = engine.execution_options(isolation_level="AUTOCOMMIT")
    async with admin.connect() as conn:
        await conn.execute(text("CREATE DATABASE notes_of_the_tests"))
    yield
    async with admin.connect() as conn:
        await conn.execute(text("DROP DATABASE notes_of_the_tests"))
    await engine.dispose()


@pytest.fixture
async def client():
    async with engine.begin() as conn:
        await conn.run_sync(Base.metadata.create_all)
    async with AsyncClient(transport=ASGITransport(api), base_url="http://books") as ac:
        yield ac
