import pytest_asyncio

from books.database import Session, engine
from books.tables import Base


@pytest_asyncio.fixture(autouse=True)
async def schema():
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    yield
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.drop_all)


@pytest_asyncio.fixture
async def catalogue(schema):
    async with Session() as session:
        yield session
