import pytest
from httpx2 import ASGITransport, AsyncClient
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine

from books.base import Base
from books.database import get_session
from books.api import api


@pytest.fixture
async def client(tmp_path):
    engine = create_async_engine(f"sqlite+aiosqlite:///{tmp_path}/test.db")
    async with engine.begin() as conn:
        await conn.run_sync(Base.metadata.create_all)
    sessions = async_sessionmaker(engine, expire_on_commit=False)

    async def override():
        async with sessions() as session:
            yield session

    api.dependency_overrides[get_session] = override
    async with AsyncClient(transport=ASGITransport(api), base_url="http://books") as ac:
        yield ac
    api.dependency_overrides.clear()
    await engine.dispose()
