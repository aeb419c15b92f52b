from sqlalchemy import select

from books.tables import Book


async def test_empty(catalogue):
    assert (await catalogue.scalars(select(Book.title))).all() == []
