import pytest
from httpx2 import ASGITransport, AsyncClient

from books.database import Session, engine
from books.api import api
from books.tables import Base, Author


@pytest.fixture(autouse=True)
async def tables():
    async with engine.begin() as conn:
        await conn.run_sync(Base.metadata.drop_all)
        await conn.run_sync(Base.metadata.create_all)


@pytest.fixture
async def ann(tables):
    async with Session() as session:
        ann = Author(name="Ann")
        session.add(ann)
        await session.commit()
    return ann


@pytest.fixture
async def session(tables):
    async with Session() as session:
        yield session


@pytest.fixture
async def client():
    async with AsyncClient(transport=ASGITransport(api), base_url="http://books") as ac:
        yield ac
