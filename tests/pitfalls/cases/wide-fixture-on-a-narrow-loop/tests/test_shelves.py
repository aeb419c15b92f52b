from sqlalchemy import select

from books.tables import Author


async def test_dante(library):
    async with library() as session:
        assert await session.scalar(select(Author.name)) == "Dante"
