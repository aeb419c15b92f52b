import pytest
from httpx import ASGITransport, AsyncClient
from sqlalchemy.ext.asyncio import AsyncSession

from books.api import api
from books.database import Base, engine, get_session
from books.tables import Author


@pytest.fixture(scope="session")
async def schema():
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.drop_all)
        await connection.run_sync(Base.metadata.create_all)
    yield
    await engine.dispose()


@pytest.fixture
async def session(schema):
    async with engine.connect() as connection:
        outer = await connection.begin()
        async with AsyncSession(
            connection, join_transaction_mode="create_savepoint", expire_on_commit=False
        ) as session:
            yield session
        await outer.rollback()


@pytest.fixture
async def client(session):
    async def handed_over():
        yield session

    before = dict(api.dependency_overrides)
    api.dependency_overrides[get_session] = handed_over
    async with AsyncClient(transport=ASGITransport(api), base_url="http://books") as client:
        yield client
    api.dependency_overrides = before


@pytest.fixture
async def hugo(session):
    author = Author(name="Hugo")
    session.add(author)
    await session.commit()
    return author
