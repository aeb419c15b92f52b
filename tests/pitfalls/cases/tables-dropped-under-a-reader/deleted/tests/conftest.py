import pytest_asyncio

from books.database import Session


@pytest_asyncio.fixture(scope="package")
async def catalogue():
    session = Session()
    yield session
    await session.close()
