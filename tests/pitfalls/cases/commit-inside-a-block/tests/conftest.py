import pytest
from httpx2 import ASGITransport, AsyncClient

from books.database import Session, engine, get_session
from books.api import api
from books.tables import Base


@pytest.fixture
async def db_session():
    async with engine.begin() as conn:
        await conn.run_sync(Base.metadata.drop_all)
        await conn.run_sync(Base.metadata.create_all)
    async with Session() as session:
        async with session.begin():
            yield session


@pytest.fixture
async def client(db_session):
    api.dependency_overrides[get_session] = lambda: db_session
    async with AsyncClient(transport=ASGITransport(api), base_url="http://books") as ac:
        yield ac
    api.dependency_overrides.clear()
