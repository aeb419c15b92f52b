import pytest
from sqlalchemy.ext.asyncio import create_async_engine

from books.settings import DATABASE_URL

engines = []


@pytest.fixture
async def connection():
    engine = create_async_engine(DATABASE_URL)
    engines.append(engine)
    async with engine.connect() as connection:
        yield connection
