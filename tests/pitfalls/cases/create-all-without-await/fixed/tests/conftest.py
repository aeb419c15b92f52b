import pytest

from books import tables
from books.database import engine


@pytest.fixture(scope="session", autouse=True)
async def setup_database():
    async with engine.begin() as connection:
        await connection.run_sync(tables.Base.metadata.drop_all)
        await connection.run_sync(tables.Base.metadata.create_all)
    await engine.dispose()
