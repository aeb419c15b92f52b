import pytest
from sqlalchemy.ext.asyncio import create_async_engine

from books.settings import DATABASE_URL


@pytest.fixture
async def connection():
    engine = create_async_engine(DATABASE_URL)
    async with engine.connect() as connection:
        yield connection
    await engine.dispose()
