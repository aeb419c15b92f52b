import pytest
from sqlalchemy import select

from books.database import get_session
from books.tables import Author


@pytest.fixture
def database():
    return get_session()


async def test_stored(http, database):
    await http.post("/authors", json={"name": "Ursula"})
    assert await database.scalar(select(Author.name)) == "Ursula"
