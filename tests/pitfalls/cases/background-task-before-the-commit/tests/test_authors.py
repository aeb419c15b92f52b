from sqlalchemy import select

from books.database import Session
from books.tables import Author


async def test_praised(http):
    assert (await http.post("/authors", params={"name": "Ursula"})).status_code == 201
    async with Session() as session:
        assert await session.scalar(select(Author.name)) == "Great Ursula"
