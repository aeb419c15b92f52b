from sqlalchemy import func, select

from books.tables import Author


async def test_one(filled):
    assert await filled.scalar(select(func.count(Author.id))) == 1


async def test_name(filled):
    assert await filled.scalar(select(Author.name)) == "Homer"
