import pytest

from books.database import Session, engine
from books.tables import Base


@pytest.fixture(scope="module")
async def writer():
    async with Session() as session:
        yield session


@pytest.fixture
async def schema(writer):
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    yield
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.drop_all)
