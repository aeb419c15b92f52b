from sqlalchemy import func, select

from books.tables import Author


async def test_none(session):
    assert await session.scalar(select(func.count(Author.id))) == 0
