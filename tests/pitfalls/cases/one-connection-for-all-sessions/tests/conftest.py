import pytest
from httpx import ASGITransport, AsyncClient
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine
from sqlalchemy.pool import StaticPool

from books.api import api
from books.database import Base, get_session


@pytest.fixture
async def sessions():
    engine = create_async_engine("sqlite+aiosqlite://", poolclass=StaticPool)
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    yield async_sessionmaker(engine, expire_on_commit=False)
    await engine.dispose()


@pytest.fixture
async def client(sessions):
    async def session_for_tests():
        async with sessions() as session:
            yield session

    api.dependency_overrides[get_session] = session_for_tests
    async with AsyncClient(transport=ASGITransport(api), base_url="http://books") as client:
        yield client
    api.dependency_overrides.clear()
