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


async def create_user(name):
    async with Session() as session:
        user = Author(name=name)
        session.add(user)
        await session.commit()
        return user


@pytest.fixture
async def ann():
    return await create_user("ann")


@pytest.fixture
async def client():
    async with AsyncClient(transport=ASGITransport(api), base_url="http://books") as ac:
        yield ac
