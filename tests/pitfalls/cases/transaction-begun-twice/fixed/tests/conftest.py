import pytest
from httpx import ASGITransport, AsyncClient

from books.batch import api
from books.database import Base, Session, engine


@pytest.fixture
async def shared():
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.drop_all)
        await connection.run_sync(Base.metadata.create_all)
    async with Session() as session:
        yield session
    await engine.dispose()


@pytest.fixture
async def client(shared):
    async with AsyncClient(transport=ASGITransport(api), base_url="http://books") as client:
        yield client
