import pytest

from books.database import Session, engine
from books.tables import Base


@pytest.fixture
async def schema():
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    yield
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.drop_all)
    await engine.dispose()


@pytest.fixture
async def writer(schema):
    async with Session() as session:
        yield session
