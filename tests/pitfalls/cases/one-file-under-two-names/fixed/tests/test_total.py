import pytest
from httpx import ASGITransport, AsyncClient
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine

from stock.store import Base, store
from stock.web import web


@pytest.fixture
async def client(tmp_path):
    engine = create_async_engine(f"sqlite+aiosqlite:///{tmp_path}/test.db")
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)

    async def test_store():
        async with AsyncSession(engine) as session:
            yield session

    web.dependency_overrides[store] = test_store
    async with AsyncClient(transport=ASGITransport(web), base_url="http://stock") as client:
        yield client
    web.dependency_overrides.clear()
    await engine.dispose()


async def test_total(client):
    assert (await client.get("/total")).json() == 0
