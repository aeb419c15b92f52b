import pytest

from books.database import Session


@pytest.fixture(scope="module")
async def reader():
    async with Session() as session:
        yield session
