from sqlalchemy import select

from books.database import get_session
from books.tables import Author


async def test_stored(http):
    await http.post("/authors", json={"name": "Ursula"})
    database = await get_session()
    assert await database.scalar(select(Author.name)) == "Ursula"
