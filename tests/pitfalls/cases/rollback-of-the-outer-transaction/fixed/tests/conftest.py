import pytest
from httpx2 import ASGITransport, AsyncClient
from sqlalchemy.ext.asyncio import AsyncSession

from books.database import engine, get_session
from books.api import api
from books.tables import Base


@pytest.fixture(scope="session", autouse=True)
async def tables():
    async with engine.begin() as conn:
        await conn.run_sync(Base.metadata.create_all)
    yield
    await engine.dispose()


@pytest.fixture
async def db_session(tables):
    async with engine.connect() as conn:
        outer = await conn.begin()
        async with AsyncSession(conn, expire_on_commit=False, join_transaction_mode="create_savepoint") as session:
            yield session
        await outer.rollback()


@pytest.fixture
async def client(db_session):
    api.dependency_overrides[get_session] = lambda: db_session
    async with AsyncClient(transport=ASGITransport(api), base_url="http://books") as ac:
        yield ac
    api.dependency_overrides.clear()
