from sqlalchemy import select

from books.tables import Author


async def test_none(session):
    assert (await session.scalars(select(Author))).all() == []
