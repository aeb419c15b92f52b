import pytest
from httpx import ASGITransport, AsyncClient
from sqlalchemy import delete

from books.api import api
from books.database import Base, Session, engine
from books.tables import Author


@pytest.fixture(scope="session", autouse=True)
async def tables():
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.drop_all)
        await connection.run_sync(Base.metadata.create_all)
    yield
    await engine.dispose()


@pytest.fixture
async def client():
    async with AsyncClient(transport=ASGITransport(api), base_url="http://books") as client:
        yield client
    async with Session.begin() as session:
        await session.execute(delete(Author))
