import asyncio

from sqlalchemy import func, select

from books.database import Session
from books.tables import Author


async def test_none(http):
    assert (await http.get("/authors")).json() == []


async def count():
    async with Session() as session:
        return await session.scalar(select(func.count(Author.id)))


def test_count():
    loop = asyncio.get_event_loop()
    assert loop.run_until_complete(count()) == 0
