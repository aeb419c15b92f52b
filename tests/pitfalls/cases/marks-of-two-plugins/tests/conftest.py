import pytest
from httpx import ASGITransport, AsyncClient
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.ext.asyncio import AsyncSession

from books.api import api
from books.database import Base, get_session
from books.settings import DATABASE_URL


@pytest.fixture
def anyio_backend():
    return "asyncio"


@pytest.fixture
async def transaction():
    engine = create_async_engine(DATABASE_URL)
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.drop_all)
        await connection.run_sync(Base.metadata.create_all)
    async with engine.connect() as connection, connection.begin() as outer:
        yield AsyncSession(connection, join_transaction_mode="create_savepoint", expire_on_commit=False)
        await outer.rollback()
    await engine.dispose()


@pytest.fixture
async def client(transaction):
    api.dependency_overrides[get_session] = lambda: transaction
    async with AsyncClient(transport=ASGITransport(api), base_url="http://books") as client:
        yield client
    del api.dependency_overrides[get_session]
