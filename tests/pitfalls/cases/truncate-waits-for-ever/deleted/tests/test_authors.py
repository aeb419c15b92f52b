from sqlalchemy import func, select

from books.tables import Author


async def test_none(reader):
    assert await reader.scalar(select(func.count(Author.id))) == 0
