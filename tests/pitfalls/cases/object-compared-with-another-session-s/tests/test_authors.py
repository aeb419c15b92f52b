from sqlalchemy import select

from books.database import Session
from books.tables import Author


async def newest():
    async with Session() as session:
        return await session.scalar(select(Author).order_by(Author.id.desc()))


async def test_newest(http):
    author = Author(name="Ursula")
    async with Session() as session:
        session.add(author)
        await session.commit()
    assert (await newest()) == author
