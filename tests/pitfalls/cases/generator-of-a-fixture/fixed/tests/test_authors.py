import pytest
from sqlalchemy import select

from books.database import Session
from books.tables import Author


@pytest.fixture
async def database():
    async with Session() as session:
        yield session


async def test_stored(http, database):
    await http.post("/authors", json={"name": "Ursula"})
    assert await database.scalar(select(Author.name)) == "Ursula"
