import pytest
from httpx import ASGITransport, AsyncClient
from sqlalchemy.ext.asyncio import AsyncSession

from books.api import api
from books.database import Base, engine, get_session


@pytest.fixture(scope="session", autouse=True)
async def tables():
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.drop_all)
        await connection.run_sync(Base.metadata.create_all)
    yield
    await engine.dispose()


@pytest.fixture
async def client():
    async with engine.connect() as connection:
        outer = await connection.begin()

        async def joined():
            async with AsyncSession(
                connection, join_transaction_mode="create_savepoint", expire_on_commit=False
            ) as session:
                yield session

        api.dependency_overrides[get_session] = joined
        async with AsyncClient(transport=ASGITransport(api), base_url="http://books") as client:
            yield client
        api.dependency_overrides.clear()
        await outer.rollback()
