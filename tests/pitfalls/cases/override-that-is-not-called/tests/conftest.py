import pytest
from httpx import ASGITransport, AsyncClient
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine

from books.api import api
from books.database import Base, get_session


@pytest.fixture
async def client(tmp_path):
    engine = create_async_engine(f"sqlite+aiosqlite:///{tmp_path}/t.db")
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    maker = async_sessionmaker(engine, expire_on_commit=False)

    async def session_for_tests(maker):
        async with maker() as session:
            yield session

    api.dependency_overrides[get_session] = lambda: session_for_tests(maker)
    async with AsyncClient(transport=ASGITransport(api), base_url="http://books") as client:
        yield client
    api.dependency_overrides.clear()
    await engine.dispose()
