from sqlalchemy import select

from books.database import Session
from books.tables import Author


async def test_names(http):
    await http.post("/authors", json={"name": "Ursula"})
    async with Session() as session:
        names = [author.name for author in await session.scalars(select(Author))]
    assert names == ["Ursula"]
