import pytest
from httpx import ASGITransport, AsyncClient

from books.api import api
from books.database import Base, Session, engine, get_session


@pytest.fixture
async def pg_session():
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.drop_all)
        await connection.run_sync(Base.metadata.create_all)
    async with Session() as session:
        yield session
    await engine.dispose()


@pytest.fixture
async def client(pg_session):
    async def same_session():
        yield pg_session

    api.dependency_overrides[get_session] = same_session
    async with AsyncClient(transport=ASGITransport(api), base_url="http://books") as client:
        yield client
    api.dependency_overrides = {}
