import pytest_asyncio

from books.database import Session, engine
from books.tables import Base


@pytest_asyncio.fixture(scope="package")
async def catalogue():
    session = Session()
    yield session
    await session.close()


@pytest_asyncio.fixture(autouse=True)
async def schema(catalogue):
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    yield
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.drop_all)
