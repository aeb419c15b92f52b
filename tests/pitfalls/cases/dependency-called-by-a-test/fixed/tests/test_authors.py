from sqlalchemy import select

from books.database import Session
from books.tables import Author


async def test_stored(http):
    await http.post("/authors", json={"name": "Ursula"})
    async with Session() as database:
        assert await database.scalar(select(Author.name)) == "Ursula"
