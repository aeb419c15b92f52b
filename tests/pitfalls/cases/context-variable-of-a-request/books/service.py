from sqlalchemy import func, select

from books.context import current_session
from books.tables import Author


async def count():
    return await current_session.get().scalar(select(func.count(Author.id)))
