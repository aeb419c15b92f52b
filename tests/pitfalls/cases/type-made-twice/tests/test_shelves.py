from books.database import Session
from books.genres import Genre, Shelf


async def test_first():
    async with Session() as session:
        session.add(Shelf(genre=Genre.novel))
        await session.commit()


async def test_second():
    async with Session() as session:
        session.add(Shelf(genre=Genre.novel))
        await session.commit()
