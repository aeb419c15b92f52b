import pytest
from httpx import ASGITransport, AsyncClient
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine
from sqlalchemy.pool import StaticPool

from books.api import api
from books.database import Base, get_session

engine = create_async_engine("sqlite+aiosqlite://", poolclass=StaticPool)
Sessions = async_sessionmaker(engine, expire_on_commit=False)


async def session_for_tests():
    async with Sessions() as session:
        yield session


@pytest.fixture
async def client():
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    api.dependency_overrides[get_session] = session_for_tests
    async with AsyncClient(transport=ASGITransport(api), base_url="http://books") as client:
        yield client
    api.dependency_overrides.clear()
    await engine.dispose()
