from sqlalchemy import select

from books.api import Database, api
from books.tables import Book


@api.get("/titles")
async def titles(database: Database):
    return (await database.scalars(select(Book.title))).all()
