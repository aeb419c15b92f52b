from sqlalchemy import select

from books.database import Session
from books.tables import Book


async def test_none():
    async with Session() as session:
        assert (await session.scalars(select(Book))).all() == []
