from sqlalchemy import select

from books.database import Session
from books.tables import Author


async def test_no_authors():
    async with Session() as session:
        assert (await session.scalars(select(Author))).all() == []
