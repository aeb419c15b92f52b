from sqlalchemy import select

from books.api import Database, api
from books.tables import Book


@api.get("/titles")
async def titles(database: Database):
    return database.scalars(select(Book.title)).all()
