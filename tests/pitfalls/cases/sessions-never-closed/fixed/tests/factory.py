from sqlalchemy import select

from books.database import Session
from books.tables import Author


async def names():
    async with Session() as session:
        return (await session.scalars(select(Author.name))).all()
