import asyncio
import time

from sqlalchemy import select

from books.database import Session
from books.tables import Author


async def test_stored(http):
    await http.post("/authors", params={"name": "Ursula"})
    time.sleep(0.2)
    async with Session() as session:
        assert await session.scalar(select(Author.name)) == "Ursula"
