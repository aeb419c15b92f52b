from sqlalchemy import select

from books.database import Session
from books.tables import Author

opened = []


async def names():
    session = Session()
    opened.append(session)
    return (await session.scalars(select(Author.name))).all()
